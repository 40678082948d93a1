"""Writes the sample documents of one SOP-SPMI-601 dossier: the files that the demonstration plays.

    python scripts/make_samples.py [DIR]            write them (archive_service/data/samples by default)
    python scripts/make_samples.py [DIR] --check    exit 1 when a file there differs, is missing or is extra

Every person, number and sending institution is invented, and every page says CONTOH / SAMPLE.

The same bytes come out on any machine with the locked libraries. What would break that is kept out: the clock
and system fonts; every zlib, whose output differs between builds (all that is compressed goes through
``deflate`` below); libm and resampling filters in the pictures (integer shears, box reduction).
"""

from __future__ import annotations

import argparse
import hashlib
import heapq
import io
import random
import struct
import sys
import zipfile
import zlib
from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from typing import Any, ClassVar

import docx
import pikepdf
import reportlab
import xlsxwriter
from docx.document import Document
from docx.enum.table import WD_CELL_VERTICAL_ALIGNMENT, WD_TABLE_ALIGNMENT
from docx.enum.text import WD_ALIGN_PARAGRAPH
from docx.oxml import OxmlElement
from docx.oxml.ns import qn
from docx.shared import Cm, Pt, RGBColor
from docx.table import _Cell
from PIL import Image, ImageChops, ImageDraw, ImageFont
from reportlab.lib import colors
from reportlab.lib.enums import TA_CENTER, TA_JUSTIFY, TA_LEFT, TA_RIGHT
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import (
    BaseDocTemplate,
    Flowable,
    Frame,
    KeepTogether,
    NextPageTemplate,
    PageBreak,
    PageTemplate,
    Paragraph,
    Spacer,
    Table,
    TableStyle,
)

DEFAULT_DIR = Path(__file__).resolve().parent.parent / "archive_service" / "data" / "samples"
INDEX_NAME = "samples.toml"
WIB = timezone(timedelta(hours=7), "WIB")

# ---------------------------------------------------------------- the story that the documents tell

MARK = "CONTOH / SAMPLE"
DISCLAIMER = "Nama orang, angka, dan instansi pengirim dalam dokumen ini rekaan."
INSTITUTION = "Politeknik Manufaktur Negeri Bangka Belitung"
SECTION = "Bagian Administrasi Akademik, Kemahasiswaan, Perencanaan dan Kerja Sama"
PERIOD = "Triwulan I Tahun 2026"

LETTER_NUMBER = "0457/A1.2/PR.07.04/2026"
LETTER_ON = date(2026, 3, 12)
LETTER_SENDER = "Biro Perencanaan, Kementerian Pendidikan Tinggi (Contoh)"
AGENDA_NUMBER = "231/SM/III/2026"
RECEIVED_AT = datetime(2026, 3, 13, 8, 40, tzinfo=WIB)
REPLY_DUE_ON = date(2026, 3, 31)
DISPOSITION_ON = date(2026, 3, 13)
FOLLOW_UP_ON = date(2026, 3, 16)
FOLLOW_UP_NUMBER = "118/PL28.B/PR.07/2026"
MEASURED_ON = date(2026, 3, 25)
MEETING_ON = date(2026, 3, 26)
FORMULATED_ON = date(2026, 3, 27)
CORRECTED_ON = date(2026, 3, 30)
REPORT_ON = date(2026, 3, 31)
REPORT_NUMBER = "0212/PL28/PR.07.04/2026"
REPORT_FILE = "10-laporan-capaian-kinerja.pdf"
UPLOADED_AT = datetime(2026, 3, 31, 10, 42, 17, tzinfo=WIB)
APPLICATION = "e-Kinerja (contoh)"
RECEIPT_ADDRESS = "https://e-kinerja.example/laporan/2026/triwulan-1"
RECEIPT_NUMBER = "EK-2026-TW1-0004217"
RETURN_REASON = (
    "Realisasi IKU 2 pada tabel A tertulis 18,26%, sedangkan lembar data menunjukkan 153 dari 1.190 "
    "mahasiswa = 12,86%. Mohon diperbaiki, termasuk statusnya."
)

MONTHS = (
    "Januari", "Februari", "Maret", "April", "Mei", "Juni",
    "Juli", "Agustus", "September", "Oktober", "November", "Desember",
)  # fmt: skip
WEEKDAYS = ("Senin", "Selasa", "Rabu", "Kamis", "Jumat", "Sabtu", "Minggu")


def format_date(day: date) -> str:
    """``13 Maret 2026``."""
    return f"{day.day} {MONTHS[day.month - 1]} {day.year}"


def format_weekday(day: date) -> str:
    """``Jumat, 13 Maret 2026``."""
    return f"{WEEKDAYS[day.weekday()]}, {format_date(day)}"


def format_number(value: Decimal | int, places: int = 2) -> str:
    """The number as Indonesians write it: ``1.190`` and ``12,86``."""
    return f"{value:,.{places}f}".translate(str.maketrans(",.", ".,"))


@dataclass(frozen=True)
class Person:
    """An invented person and the strokes of the signature (``parse_strokes``)."""

    number: int
    name: str
    title: str
    signature: str

    @property
    def nip(self) -> str:
        """A number that is visibly no real NIP."""
        return f"NIP (contoh) 00000000 000000 0 {self.number:03}"


PEOPLE = """\
Dr. Ratna Dewi Lestari, S.T., M.T. | Direktur | 4,4 10,40 17,62 30,60 31,44 14,36 24,22 38,4 44,18 50,24
50,10 58,8 62,22 66,10 74,8 80,20 84,9 120,30;-4,-4 50,-10 112,0 60,2

Hendra Saputra, S.E., M.M. | Kepala Bagian | 8,60 6,30 3,2;30,62 27,30 22,0;2,30 20,34 36,30 42,16 38,6 46,10
52,24 54,8 62,24 66,8 76,22 96,12 124,26;60,44 100,52

Sari Wulandari, S.Si. | Ketua Tim SAKIP | 36,54 22,64 8,54 14,40 30,30 30,10 12,2 0,12 24,20 44,24 46,10 56,22
60,8 68,22 70,-18 58,-26 62,-8 108,26

Agus Prasetyo, A.Md. | Anggota Tim SAKIP | 2,0 18,44 26,62 32,30 38,2;6,24 40,26 56,22 52,8 46,18 60,20 62,-20
50,-24 66,10 76,22 80,8 88,20 116,14

Bima Nugraha, S.E. | Penyusun Program, Anggaran dan Pelaporan | 10,60 8,30 6,2;8,58 28,60 28,40 10,34 32,28
34,8 8,2 20,2 48,22 50,6 58,20 64,6 70,22 76,6 84,18 122,10;0,-10 90,-4

Maya Putri, A.Md. | Pengolah Data | 2,2 10,54 20,14 34,58 40,6 48,20 56,20 54,6 64,22 68,6 76,20 78,-16 66,-22
74,0 104,22 118,16

Ir. Bambang Surya Atmaja, M.Si. | Kepala Biro Perencanaan | 6,2 14,58 32,62 34,44 16,34 40,28 38,4 14,4 44,10
56,30 60,2 72,28 76,6 92,24 96,2 128,34;20,-8 110,-2

Yoga Firmansyah, S.T., M.T. | Ketua Jurusan Rekayasa Mesin | 6,56 16,32 24,30 34,58 24,10 8,-14 0,-4 30,16
48,22 50,6 60,20 70,8 80,20 104,10

Dian Permatasari, S.Kom. | Koordinator Kemahasiswaan | 12,58 8,4 30,8 42,34 26,58 6,56 2,48 40,24 50,8 58,22
62,8 72,20 78,8 110,18

Rizky Ramadhan, S.E. | Koordinator Keuangan | 6,2 12,56 32,58 30,38 12,32 36,2 46,20 52,4 62,24 50,22 68,8
76,22 84,6 116,24"""
RATNA, HENDRA, SARI, AGUS, BIMA, MAYA, SENDER, YOGA, DIAN, RIZKY = (
    Person(number, *person.replace("\n", " ").split(" | ")) for number, person in enumerate(PEOPLE.split("\n\n"), 1)
)


@dataclass(frozen=True)
class Indicator:
    """One indicator of the agreement of performance, with what the quarter brought.

    ``unit`` is ``%``, ``rasio`` or ``nilai``; a ``nilai`` has its value as ``counted`` over 1.
    """

    code: str
    name: str
    unit: str
    year_target: Decimal
    quarter_target: Decimal
    counted: Decimal
    base: Decimal
    in_charge: str
    evidence: str
    obstacle: str
    recommendation: str
    action: str
    action_due_on: date

    @property
    def achieved(self) -> Decimal:
        """The achievement in ``unit``, two places."""
        scale = 100 if self.unit == "%" else 1
        return (self.counted / self.base * scale).quantize(Decimal("0.01"), ROUND_HALF_UP)


def parse_indicator(text: str) -> Indicator:
    """The indicator written as three lines of fields between bars."""
    fields = text.replace("\n", " | ").split(" | ")
    code, name, unit, numbers, in_charge, evidence, obstacle, recommendation, action, due = fields
    year_target, quarter_target, counted, base = (Decimal(number) for number in numbers.split())
    return Indicator(
        code,
        name,
        unit,
        year_target,
        quarter_target,
        counted,
        base,
        in_charge,
        evidence,
        obstacle,
        recommendation,
        action,
        date.fromisoformat(due),
    )


# Code, name, unit, numbers (targets of year and quarter, counted, base); in charge, evidence, obstacle;
# recommendation, action, due date.
MEASUREMENTS = """\
IKU 1 | Lulusan D4/D3 yang bekerja, melanjutkan studi, atau berwiraswasta | % | 80 20 110 453
Koordinator Pusat Karier | Rekap tracer study lulusan 2025 | Tingkat respons tracer study lulusan D3 baru 61%.
Perluas pelacakan melalui ketua angkatan dan mitra industri. | Tracer study gelombang kedua | 2026-05-29

IKU 2 | Mahasiswa yang berkegiatan di luar program studi atau meraih prestasi | % | 30 15 153 1190
Koordinator Kemahasiswaan | SK magang dan daftar prestasi mahasiswa | Magang semester genap baru dimulai \
pertengahan Maret; 84 mahasiswa belum ber-SK.
Percepat penerbitan SK magang dan pendataan prestasi. | Penerbitan SK magang 84 mahasiswa | 2026-04-17

IKU 3 | Dosen yang bertridarma di kampus lain, berpraktik di industri, atau membimbing | % | 25 5 7 118
Ketua Jurusan Rekayasa Mesin | Surat tugas dosen | Izin praktik industri dosen belum seragam antarjurusan.
Tetapkan alur izin praktik industri yang sama. | Rancangan alur izin praktik industri | 2026-04-30

IKU 4 | Dosen bersertifikat kompetensi atau berasal dari kalangan praktisi | % | 60 52 66 118
Koordinator Kepegawaian | Daftar sertifikat kompetensi dosen | \
Sembilan sertifikat kedaluwarsa pada semester I 2026.
Jadwalkan sertifikasi ulang sebelum masa berlaku habis. | Uji kompetensi ulang sembilan dosen | 2026-06-12

IKU 5 | Keluaran dosen yang direkognisi internasional atau diterapkan masyarakat | rasio | 0.80 0.10 14 118
Kepala P3M | Daftar luaran penelitian dan pengabdian | \
Bukti penerapan oleh mitra belum seluruhnya berita acara.
Lengkapi berita acara penerapan bersama mitra. | Kelengkapan berita acara penerapan | 2026-04-24

IKU 6 | Kerja sama per program studi | rasio | 4 1 8 9
Koordinator Kerja Sama | Daftar perjanjian kerja sama aktif | \
Satu perjanjian masih menunggu tanda tangan mitra.
Dampingi program studi dalam penyelesaian naskah. | Penandatanganan perjanjian D4 Bisnis Digital | 2026-04-10

IKU 7 | Mata kuliah dengan metode pemecahan kasus atau proyek berkelompok | % | 65 55 171 296
Koordinator Akademik | Rekap RPS semester genap 2025/2026 | RPS 12 mata kuliah belum diunggah.
Lengkapi RPS sebelum ujian tengah semester. | Unggah RPS 12 mata kuliah | 2026-04-10

IKU 8 | Program studi berakreditasi atau bersertifikat internasional | % | 11.11 0 0 9
Kepala Pusat Penjaminan Mutu | Rencana akreditasi internasional | Belum ditargetkan pada triwulan I; dokumen \
evaluasi diri 40%.
Pertahankan jadwal penyusunan evaluasi diri. | Draf evaluasi diri D4 Teknik Mesin dan Manufaktur | 2026-06-30

IKU 9 | Realisasi anggaran | % | 95 15 6214380000 41872000000
Koordinator Keuangan | Laporan realisasi anggaran | Pencairan uang muka kegiatan jurusan mundur dua pekan.
Selaraskan jadwal kegiatan dengan rencana penarikan dana. | \
Perbaikan rencana penarikan dana triwulan II | 2026-04-08

IKU 10 | Nilai kinerja anggaran atas pelaksanaan RKA-K/L | nilai | 91 80 82.45 1
Penyusun Program, Anggaran dan Pelaporan | Tangkapan layar nilai kinerja anggaran | Capaian keluaran bulanan \
terlambat diisi pada Februari.
Isi capaian keluaran paling lambat tanggal 5 setiap bulan. | \
Pengingat bulanan pengisian capaian keluaran | 2026-04-06"""
INDICATORS = tuple(parse_indicator(text) for text in MEASUREMENTS.split("\n\n"))

# Graduates of 2025 by study programme: graduates, employed, studying on, self-employed. IKU 1 is their sums.
GRADUATES: tuple[tuple[str, int, int, int, int], ...] = (
    ("D3 Teknik Perawatan dan Perbaikan Mesin", 64, 13, 1, 1),
    ("D3 Teknik Perancangan Mekanik", 48, 9, 0, 1),
    ("D3 Teknik Elektronika", 57, 11, 2, 1),
    ("D3 Teknik Pengecoran Logam", 21, 4, 0, 0),
    ("D4 Teknik Mesin dan Manufaktur", 71, 15, 1, 2),
    ("D4 Teknik Elektronika", 62, 12, 1, 1),
    ("D4 Teknologi Rekayasa Perangkat Lunak", 58, 14, 2, 3),
    ("D4 Teknologi Rekayasa Metalurgi", 39, 7, 1, 0),
    ("D4 Bisnis Digital", 33, 6, 0, 2),
)

# Version 1 of the formulation swaps digits of one figure; the check finds it, version 2 corrects it.
WRONG_ACHIEVEMENTS = {"IKU 2": Decimal("18.26")}
REACHED, NOT_REACHED, NOT_YET_DUE = "Tercapai", "Belum tercapai", "Belum ditargetkan"


def find_status(indicator: Indicator, achieved: Decimal) -> str:
    """Whether the quarter's target was reached, in the words of the documents."""
    if indicator.quarter_target == 0:
        return NOT_YET_DUE
    return REACHED if achieved >= indicator.quarter_target else NOT_REACHED


def count_statuses(wrong: dict[str, Decimal]) -> dict[str, int]:
    """How many indicators have each status; ``wrong`` replaces the achievement of a code."""
    found = [find_status(item, wrong.get(item.code, item.achieved)) for item in INDICATORS]
    return {status: found.count(status) for status in (REACHED, NOT_REACHED, NOT_YET_DUE)}


def format_share(indicator: Indicator, achieved: Decimal) -> str:
    """The achievement in per cent of the quarter's target, or a dash where there is none."""
    if indicator.quarter_target == 0:
        return "-"
    return format_number(achieved / indicator.quarter_target * 100, 1) + "%"


def format_amount(indicator: Indicator, value: Decimal) -> str:
    """The value with the indicator's unit where that is a sign."""
    return format_number(value) + ("%" if indicator.unit == "%" else "")


def parse_rows(text: str) -> list[list[str]]:
    """The rows of a table that is written with a bar between cells, a row on each line."""
    return [line.split(" | ") for line in text.strip().splitlines()]


# ---------------------------------------------------------------- compression

LENGTH_EXTRAS = [0] * 8 + [n for n in range(1, 6) for _ in range(4)] + [0]
LENGTH_BASES = [3 + sum(1 << n for n in LENGTH_EXTRAS[:i]) for i in range(28)] + [258]
DISTANCE_EXTRAS = [max(0, i // 2 - 1) for i in range(30)]
DISTANCE_BASES = [1 + sum(1 << n for n in DISTANCE_EXTRAS[:i]) for i in range(30)]
CODE_LENGTH_ORDER = (16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15)
SEARCH_DEPTH, WINDOW_BYTES, END_OF_BLOCK = 24, 32_768, 256


def find_matches(data: bytes) -> Iterator[tuple[int, int]]:
    """The bytes as (literal, 0) and (length, distance), greedily: the longest match of a few recent ones."""
    latest: dict[bytes, int] = {}
    earlier = [-1] * len(data)
    at = 0
    while at < len(data):
        length, distance = 0, 0
        limit = min(258, len(data) - at)
        candidate, depth = latest.get(data[at : at + 3], -1), SEARCH_DEPTH
        while candidate >= 0 and at - candidate <= WINDOW_BYTES and depth and length < limit:
            if data[candidate : candidate + length + 1] == data[at : at + length + 1]:
                if data[candidate : candidate + limit] == data[at : at + limit]:
                    length = limit
                else:
                    while data[candidate + length] == data[at + length]:
                        length += 1
                distance = at - candidate
            candidate, depth = earlier[candidate], depth - 1
        if length < 3:
            length = 1
            yield data[at], 0
        else:
            yield length, distance
        for covered in range(at, at + length):
            key = data[covered : covered + 3]
            earlier[covered] = latest.get(key, -1)
            latest[key] = covered
        at += length


def choose_code_lengths(counts: Counter[int], size: int, longest: int) -> list[int]:
    """Huffman code lengths for the symbols 0 to size - 1; none above ``longest``."""
    while len(counts) < 2:
        counts[0 if 0 not in counts else 1] += 1
    weights = dict(counts)
    while True:
        heap: list[tuple[int, int, tuple[int, ...]]]
        heap = [(weight, symbol, (symbol,)) for symbol, weight in sorted(weights.items())]
        heapq.heapify(heap)
        lengths = [0] * size
        while len(heap) > 1:
            (w1, s1, group1), (w2, _, group2) = heapq.heappop(heap), heapq.heappop(heap)
            for symbol in group1 + group2:
                lengths[symbol] += 1
            heapq.heappush(heap, (w1 + w2, s1, group1 + group2))
        if max(lengths) <= longest:
            return lengths
        weights = {symbol: (weight + 1) // 2 for symbol, weight in weights.items()}


def assign_codes(lengths: Sequence[int]) -> list[tuple[int, int]]:
    """(code, bits) of each symbol, the bits reversed as they are written (RFC 1951, section 3.2.2)."""
    codes, code = [(0, 0)] * len(lengths), 0
    for bits in range(1, 16):
        code <<= 1
        for symbol, length in enumerate(lengths):
            if length == bits:
                codes[symbol] = (int(f"{code:0{bits}b}"[::-1], 2), bits)
                code += 1
    return codes


def deflate(data: bytes) -> bytes:
    """The bytes as a zlib stream (RFC 1950) of one block with dynamic codes (RFC 1951)."""
    tokens = []
    for value, distance in find_matches(data):
        if not distance:
            tokens.append((value, 0, 0, -1, 0, 0))
            continue
        i, j = bisect_right(LENGTH_BASES, value) - 1, bisect_right(DISTANCE_BASES, distance) - 1
        tokens.append((257 + i, value - LENGTH_BASES[i], LENGTH_EXTRAS[i],
            j, distance - DISTANCE_BASES[j], DISTANCE_EXTRAS[j]))  # fmt: skip
    tokens.append((END_OF_BLOCK, 0, 0, -1, 0, 0))
    symbol_lengths = choose_code_lengths(Counter(token[0] for token in tokens), 286, 15)
    distance_lengths = choose_code_lengths(Counter(token[3] for token in tokens if token[3] >= 0), 30, 15)
    length_lengths = choose_code_lengths(Counter(symbol_lengths + distance_lengths), 19, 7)
    symbol_codes, distance_codes, length_codes = map(assign_codes, (symbol_lengths, distance_lengths, length_lengths))

    output, held, held_bits = bytearray(b"\x78\x9c"), 0, 0

    def put(*codes: tuple[int, int]) -> None:
        nonlocal held, held_bits
        for code, bits in codes:
            held |= code << held_bits
            held_bits += bits
        while held_bits >= 8:
            output.append(held & 255)
            held >>= 8
            held_bits -= 8

    put((1, 1), (2, 2), (286 - 257, 5), (30 - 1, 5), (19 - 4, 4))
    put(*((length_lengths[symbol], 3) for symbol in CODE_LENGTH_ORDER))
    put(*(length_codes[length] for length in symbol_lengths + distance_lengths))
    for symbol, extra, extra_bits, distance_symbol, distance_extra, distance_bits in tokens:
        put(symbol_codes[symbol], (extra, extra_bits))
        if distance_symbol >= 0:
            put(distance_codes[distance_symbol], (distance_extra, distance_bits))
    put((0, -held_bits % 8))
    return bytes(output) + struct.pack(">I", zlib.adler32(data))


def encode_png(picture: Image.Image) -> bytes:
    """The picture as a PNG with a palette; it may have at most 256 colours."""
    rgb = picture.convert("RGB").tobytes()
    pixels = list(zip(rgb[0::3], rgb[1::3], rgb[2::3], strict=True))
    palette = {color: number for number, color in enumerate(sorted(set(pixels)))}
    indexes = bytes(palette[pixel] for pixel in pixels)
    width, height = picture.size
    rows = b"".join(b"\0" + indexes[y * width : (y + 1) * width] for y in range(height))

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    return b"".join((
        b"\x89PNG\r\n\x1a\n",
        chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 3, 0, 0, 0)),
        chunk(b"PLTE", bytes(value for color in palette for value in color)),
        chunk(b"IDAT", deflate(rows)), chunk(b"IEND", b""),
    ))  # fmt: skip


def compress_streams(pdf: bytes) -> bytes:
    """The PDF with its streams deflated."""
    output = io.BytesIO()
    with pikepdf.open(io.BytesIO(pdf)) as document:
        del document.trailer["/ID"]  # reportlab's follows SOURCE_DATE_EPOCH
        for item in document.objects:
            if isinstance(item, pikepdf.Stream) and pikepdf.Name.Filter not in item:
                item.write(deflate(item.read_raw_bytes()), filter=pikepdf.Name.FlateDecode)
        document.save(output, compress_streams=False, deterministic_id=True,
            stream_decode_level=pikepdf.StreamDecodeLevel.none,
            object_stream_mode=pikepdf.ObjectStreamMode.disable)  # fmt: skip
    return output.getvalue()


def rewrite_zip(data: bytes) -> bytes:
    """The same entries in the same order, deflated, with one fixed date and no trace of the machine."""
    body, directory = bytearray(), bytearray()
    with zipfile.ZipFile(io.BytesIO(data)) as source:
        names = source.namelist()
        for name in names:
            content = source.read(name)
            packed = deflate(content)[2:-4]  # a ZIP entry has neither the zlib head nor its checksum
            day = (2026 - 1980) << 9 | 3 << 5 | 26
            # version needed, flags, method, time, date, CRC-32, sizes, length of the name, no extra field
            head = struct.pack(
                "<HHHHHIIIHH", 20, 0, 8, 0, day, zlib.crc32(content), len(packed), len(content), len(name), 0
            )
            directory += b"PK\1\2" + struct.pack("<H", 20) + head
            directory += struct.pack("<HHHII", 0, 0, 0, 0, len(body)) + name.encode("ascii")
            body += b"PK\3\4" + head + name.encode("ascii") + packed
    end = struct.pack("<HHHHIIH", 0, 0, len(names), len(names), len(directory), len(body), 0)
    return bytes(body + directory + b"PK\5\6" + end)


# ---------------------------------------------------------------- pen strokes

Point = tuple[float, float]

# A plain hand: advance width, then strokes of x,y points (baseline 0, x-height 10, ascender 20).
GLYPHS: dict[str, tuple[int, str]] = {
    "a": (11, "8,9 5,10 1,8 0,4 2,0 5,1 8,6 8,9 8,3 9,0 11,1"),
    "b": (10, "1,19 1,10 1,1 1,6 4,10 7,9 8,5 6,1 3,0 1,2"),
    "c": (9, "8,8 5,10 1,8 0,4 2,0 5,0 9,2"),
    "d": (11, "8,9 5,10 1,8 0,4 2,0 5,1 8,7 9,20;9,20 8,9 8,3 9,0 11,1"),
    "e": (9, "1,5 7,6 6,9 3,10 0,6 1,1 4,0 9,3"),
    "f": (7, "8,18 5,20 3,16 3,8 3,0;0,10 7,10"),
    "g": (10, "8,9 5,10 1,8 0,4 2,1 5,2 8,7 8,9 8,2 8,-4 5,-9 1,-7"),
    "h": (10, "1,20 1,10 1,0;1,5 4,10 7,8 7,3 8,0 10,1"),
    "i": (5, "1,10 1,6 1,2 2,0 5,1;2,14 2,15"),
    "j": (6, "4,10 4,2 4,-5 2,-9 -1,-7;5,14 5,15"),
    "k": (10, "1,20 1,10 1,0;8,10 5,7 2,5;2,5 5,3 7,0 10,1"),
    "l": (5, "1,20 1,10 1,3 2,0 5,1"),
    "m": (15, "0,10 1,8 1,4 1,0;1,5 4,10 6,8 6,4 6,0;6,5 9,10 12,8 12,3 13,0 15,1"),
    "n": (10, "0,10 1,8 1,4 1,0;1,5 4,10 7,8 7,3 8,0 10,1"),
    "o": (10, "5,10 1,8 0,4 2,0 5,0 8,4 7,8 4,10 6,9 10,9"),
    "p": (10, "1,10 1,2 1,-9;1,6 4,10 7,9 8,5 6,1 3,0 1,2"),
    "r": (7, "0,10 1,8 1,4 1,0;1,5 3,9 7,9"),
    "s": (8, "7,9 4,10 1,8 3,6 6,4 6,1 3,0 0,1"),
    "t": (7, "3,17 3,8 3,3 4,0 7,1;0,11 7,12"),
    "u": (11, "1,10 1,6 1,2 4,0 7,3 8,10;8,10 8,3 9,0 11,1"),
    "w": (13, "0,10 1,3 3,0 6,7;6,7 7,1 9,0 12,9"),
    "y": (10, "1,10 1,5 4,2 7,5 8,10;8,10 8,0 6,-7 2,-8"),
    "A": (12, "0,0 3,10 6,20;6,20 8,10 11,0;2,8 10,8"),
    "D": (12, "1,20 1,10 1,0;0,20 7,18 10,11 7,2 0,0"),
    "H": (12, "1,20 1,10 1,0;10,20 10,10 10,0;1,10 10,10"),
    "I": (6, "2,20 2,10 2,0;0,20 4,20;0,0 4,0"),
    "K": (11, "1,20 1,10 1,0;10,20 6,14 2,10;2,10 6,5 10,0"),
    "L": (10, "1,20 1,10 1,2 3,0 9,1"),
    "M": (16, "0,0 2,10 3,20;3,20 7,7;7,7 12,20;12,20 13,10 14,0"),
    "P": (10, "1,20 1,10 1,0;0,19 6,20 9,15 6,10 1,9"),
    "S": (11, "9,18 5,20 1,17 3,12 8,8 9,3 5,0 0,2"),
    "T": (11, "0,19 6,20 12,20;6,20 6,10 5,0"),
    "U": (12, "1,20 1,8 3,1 7,1 10,8 10,20"),
    "W": (16, "0,20 1,10 3,0;3,0 7,14;7,14 11,0;11,0 13,10 15,20"),
    "0": (11, "5,19 1,15 1,5 4,0 8,4 9,14 5,19"),
    "1": (7, "1,15 4,19;4,19 4,10 4,0"),
    "2": (11, "1,15 4,19 8,16 6,9 0,0;0,0 4,1 9,0"),
    "3": (10, "1,18 5,19 8,15 4,11;4,11 8,8 8,3 4,0 0,2"),
    "4": (11, "6,19 3,12 0,6;0,6 9,6;7,12 6,0"),
    "5": (10, "8,19 2,19;2,19 1,11;1,11 6,12 8,6 5,0 0,1"),
    "6": (10, "8,18 3,13 0,5 3,0 7,1 8,6 4,9 1,6"),
    "7": (10, "0,19 8,19;8,19 5,10 3,0"),
    "8": (10, "5,10 1,14 4,19 8,15 5,10 1,5 4,0 8,4 5,10"),
    "9": (10, "8,14 4,10 1,14 4,19 8,16 7,7 5,0"),
    ".": (5, "1,0 2,1"),
    ",": (5, "2,1 1,-3"),
    "/": (9, "0,-3 4,9 8,20"),
    "-": (8, "0,8 6,9"),
    " ": (8, ""),
}  # fmt: skip


def parse_strokes(text: str) -> list[list[Point]]:
    """The strokes written as ``x,y x,y;x,y ...``."""
    strokes = []
    for stroke in text.split(";"):
        pairs = [pair.split(",") for pair in stroke.split()]
        strokes.append([(float(x), float(y)) for x, y in pairs])
    return [stroke for stroke in strokes if stroke]


def write_by_hand(text: str, seed: int, slant: float = 0.18) -> list[list[Point]]:
    """The strokes of a line of handwriting, in glyph units; every letter is a little different."""
    wobble = random.Random(seed)
    strokes: list[list[Point]] = []
    left = 0.0
    for character in text:
        advance, drawn = GLYPHS[character]
        lift, size = wobble.randint(-12, 12) / 10, 1 + wobble.randint(-7, 7) / 100
        for stroke in parse_strokes(drawn):
            strokes.append([])
            for x, y in stroke:
                x, y = x + wobble.randint(-4, 4) / 10, y + wobble.randint(-4, 4) / 10
                strokes[-1].append((left + x * size + y * slant, lift + y * size))
        left += advance * size + 1.2
    return strokes


def curve_through(points: Sequence[Point]) -> Iterator[tuple[Point, Point, Point, Point]]:
    """The cubic Bezier pieces of the Catmull-Rom curve through the points."""
    for i in range(len(points) - 1):
        start, end = points[i], points[i + 1]
        before, after = points[max(i - 1, 0)], points[min(i + 2, len(points) - 1)]
        yield (
            start,
            (start[0] + (end[0] - before[0]) / 6, start[1] + (end[1] - before[1]) / 6),
            (end[0] - (after[0] - start[0]) / 6, end[1] - (after[1] - start[1]) / 6),
            end,
        )


def ink_strokes(
    draw: ImageDraw.ImageDraw,
    strokes: Sequence[Sequence[Point]],
    at: Point,
    scale: float,
    radius: int,
    ink: Any,
) -> None:
    """Strokes in a picture, as round dabs of a pen; ``at`` is where the baseline begins."""
    for stroke in strokes:
        pieces = list(curve_through(stroke))
        for number, (p, q, r, s) in enumerate(pieces):
            count = max(3, int((abs(s[0] - p[0]) + abs(s[1] - p[1])) * scale))
            for i in range(count):
                t = i / count
                along = (number + t) / len(pieces)
                weights = ((1 - t) ** 3, 3 * t * (1 - t) ** 2, 3 * t * t * (1 - t), t**3)
                x = sum(w * point[0] for w, point in zip(weights, (p, q, r, s), strict=True))
                y = sum(w * point[1] for w, point in zip(weights, (p, q, r, s), strict=True))
                left, top = round(at[0] + x * scale), round(at[1] - y * scale)
                press = radius if 0.12 < along < 0.8 else radius - 1
                draw.ellipse((left - press, top - press, left + press, top + press), fill=ink)


# ---------------------------------------------------------------- PDF

NAVY = colors.HexColor("#14325c")
INK = colors.HexColor("#1f3f95")
STAMP = colors.HexColor("#5a3f9b")
MUTED = colors.HexColor("#5b6472")
RULE = colors.HexColor("#b9c2cf")
TINT, HIGHLIGHT = colors.HexColor("#e9eef6"), colors.HexColor("#fdf3d8")
GREEN, AMBER, GREY = colors.HexColor("#1f7a4d"), colors.HexColor("#b3541e"), colors.HexColor("#7b8494")
STATUS_COLORS = {REACHED: GREEN, NOT_REACHED: AMBER, NOT_YET_DUE: GREY}
MARGIN = 22 * mm
WIDTH = A4[0] - 2 * MARGIN

BODY = ParagraphStyle("body", fontName="Vera", fontSize=9, leading=13.4, alignment=TA_JUSTIFY, spaceAfter=5)
ITEM = ParagraphStyle("item", BODY, leftIndent=18, bulletIndent=2, bulletFontName="Vera", bulletFontSize=9)
LEFT = ParagraphStyle("left", BODY, alignment=TA_LEFT, spaceAfter=0)
SMALL = ParagraphStyle("small", LEFT, fontSize=7.6, leading=10.6)
CELL = ParagraphStyle("cell", fontName="Vera", fontSize=7.4, leading=9.8)
CELL_HEAD = ParagraphStyle("head", CELL, alignment=TA_CENTER, fontName="Vera-Bold", textColor=colors.white)
CELLS = {
    letter: ParagraphStyle(f"cell-{letter}", CELL, alignment=alignment)
    for letter, alignment in (("l", TA_LEFT), ("c", TA_CENTER), ("r", TA_RIGHT))
}
HEADING = ParagraphStyle(
    "heading",
    LEFT,
    fontName="Vera-Bold",
    fontSize=10,
    leading=14,
    textColor=NAVY,
    spaceBefore=9,
    spaceAfter=5,
)
TITLE = ParagraphStyle("title", fontName="Vera-Bold", fontSize=12.5, leading=17, alignment=TA_CENTER, textColor=NAVY)
SUBTITLE = ParagraphStyle("subtitle", TITLE, fontName="Vera", fontSize=9, leading=13, textColor=MUTED, spaceAfter=8)
MARKERS = {"# ": TITLE, "## ": HEADING, "~ ": SUBTITLE, "small ": SMALL}


def register_fonts() -> None:
    """Make the Bitstream Vera fonts that reportlab ships known; each PDF embeds what it uses of them."""
    folder = Path(reportlab.__file__).parent / "fonts"
    for name, file in (("Vera", "Vera.ttf"), ("Vera-Bold", "VeraBd.ttf")):
        pdfmetrics.registerFont(TTFont(name, str(folder / file)))
    pdfmetrics.registerFontFamily("Vera", "Vera", "Vera-Bold", "Vera", "Vera-Bold")


def draw_strokes(
    canvas: Canvas, strokes: Sequence[Sequence[Point]], at: Point, scale: float, width: float = 1.1
) -> None:
    """Pen strokes on a page; ``at`` is where the baseline begins."""
    canvas.saveState()
    canvas.setStrokeColor(INK)
    canvas.setLineWidth(width)
    canvas.setLineCap(1)
    canvas.setLineJoin(1)
    path = canvas.beginPath()
    for stroke in strokes:
        path.moveTo(at[0] + stroke[0][0] * scale, at[1] + stroke[0][1] * scale)
        for _, q, r, s in curve_through(stroke):
            path.curveTo(*(at[i] + point[i] * scale for point in (q, r, s) for i in (0, 1)))
    canvas.drawPath(path, stroke=1, fill=0)
    canvas.restoreState()


def draw_round_stamp(canvas: Canvas, centre: Point, around: str, inside: Sequence[str]) -> None:
    """A round office stamp: two rings, text along them, lines inside."""
    canvas.saveState()
    canvas.translate(*centre)
    canvas.rotate(-9)
    canvas.setStrokeColor(STAMP)
    canvas.setFillColor(STAMP)
    canvas.setStrokeAlpha(0.72)
    canvas.setFillAlpha(0.72)
    canvas.setLineWidth(1.6)
    canvas.circle(0, 0, 42)
    canvas.setLineWidth(0.7)
    canvas.circle(0, 0, 39)
    canvas.circle(0, 0, 27)
    canvas.setFont("Vera-Bold", 6.2)
    widths = [pdfmetrics.stringWidth(character, "Vera-Bold", 6.2) for character in around]
    for i, character in enumerate(around):
        canvas.saveState()
        canvas.rotate(200 - 360 * (sum(widths[:i]) + widths[i] / 2) / sum(widths))
        canvas.translate(30.8, 0)
        canvas.rotate(-90)
        canvas.drawCentredString(0, 0, character)
        canvas.restoreState()
    canvas.setFont("Vera-Bold", 8)
    for i, line in enumerate(inside):
        canvas.drawCentredString(0, (len(inside) - 1) * 5 - i * 10 - 3, line)
    canvas.restoreState()


def draw_gear(canvas: Canvas, centre: Point, size: float) -> None:
    """An emblem for the polytechnic: a gear wheel that is nobody's logo."""
    canvas.saveState()
    canvas.translate(*centre)
    canvas.setFillColor(NAVY)
    for _ in range(12):
        canvas.rect(-size * 0.11, size * 0.72, size * 0.22, size * 0.28, stroke=0, fill=1)
        canvas.rotate(30)
    canvas.circle(0, 0, size * 0.8, stroke=0, fill=1)
    canvas.setFillColor(colors.white)
    canvas.circle(0, 0, size * 0.52, stroke=0, fill=1)
    canvas.setFillColor(colors.HexColor("#d99a1c"))
    path = canvas.beginPath()
    path.moveTo(0, size * 0.42)
    for x, y in (
        (0.14, 0.12),
        (0.42, 0),
        (0.14, -0.12),
        (0, -0.42),
        (-0.14, -0.12),
        (-0.42, 0),
        (-0.14, 0.12),
    ):
        path.lineTo(size * x, size * y)
    path.close()
    canvas.drawPath(path, stroke=0, fill=1)
    canvas.restoreState()


def draw_book(canvas: Canvas, centre: Point, size: float) -> None:
    """An emblem for the invented ministry: an open book in a shield."""
    canvas.saveState()
    canvas.translate(*centre)
    canvas.setFillColor(colors.HexColor("#7a1f2b"))
    path = canvas.beginPath()
    path.moveTo(-size * 0.8, size)
    path.lineTo(size * 0.8, size)
    path.lineTo(size * 0.8, -size * 0.1)
    path.curveTo(size * 0.8, -size * 0.7, size * 0.3, -size * 0.9, 0, -size * 1.05)
    path.curveTo(-size * 0.3, -size * 0.9, -size * 0.8, -size * 0.7, -size * 0.8, -size * 0.1)
    path.close()
    canvas.drawPath(path, stroke=0, fill=1)
    canvas.setFillColor(colors.white)
    for side in (-1, 1):
        path = canvas.beginPath()
        path.moveTo(0, size * 0.28)
        path.curveTo(side * size * 0.2, size * 0.45, side * size * 0.4, size * 0.45, side * size * 0.6, size * 0.35)
        path.lineTo(side * size * 0.6, -size * 0.3)
        path.curveTo(side * size * 0.4, -size * 0.2, side * size * 0.2, -size * 0.2, side * size * 0.03, -size * 0.38)
        path.lineTo(side * size * 0.03, size * 0.28)
        path.close()
        canvas.drawPath(path, stroke=0, fill=1)
    canvas.setFillColor(colors.HexColor("#d99a1c"))
    canvas.circle(0, size * 0.7, size * 0.12, stroke=0, fill=1)
    canvas.restoreState()


def draw_letterhead(canvas: Canvas, emblem: Callable[[Canvas, Point, float], None], lines: Sequence[str]) -> None:
    """The head of a letter: emblem, owner, office, address, and a double rule under it."""
    top = A4[1] - 20 * mm
    emblem(canvas, (MARGIN + 24, top - 20), 23)
    middle = (MARGIN + 56 + A4[0] - MARGIN) / 2
    canvas.setFillColor(NAVY)
    canvas.setFont("Vera", 10)
    canvas.drawCentredString(middle, top - 4, lines[0])
    canvas.setFont("Vera-Bold", 10.6)
    canvas.drawCentredString(middle, top - 19, lines[1])
    canvas.setFillColor(MUTED)
    canvas.setFont("Vera", 7)
    for i, line in enumerate(lines[2:]):
        canvas.drawCentredString(middle, top - 32 - i * 10, line)
    canvas.setStrokeColor(NAVY)
    canvas.setLineWidth(1.8)
    canvas.line(MARGIN, top - 52, A4[0] - MARGIN, top - 52)
    canvas.setLineWidth(0.5)
    canvas.line(MARGIN, top - 54.6, A4[0] - MARGIN, top - 54.6)


def draw_polytechnic_head(canvas: Canvas) -> None:
    """The letterhead of the polytechnic."""
    draw_letterhead(canvas, draw_gear, (
        "POLITEKNIK MANUFAKTUR NEGERI", "BANGKA BELITUNG",
        "Jalan Timah Raya, Air Kantung, Sungailiat 33211",
        "dokumen contoh untuk layanan arsip - bukan dokumen resmi",
    ))  # fmt: skip


def draw_ministry_head(canvas: Canvas) -> None:
    """The letterhead of the invented ministry, and the polytechnic's stamp for incoming mail."""
    draw_letterhead(canvas, draw_book, (
        "KEMENTERIAN PENDIDIKAN TINGGI (CONTOH)", "SEKRETARIAT JENDERAL - BIRO PERENCANAAN",
        "Jalan Contoh Raya Nomor 1, Jakarta 10000  ·  Telepon (021) 000-0000",
        "Laman: kementerian.example  ·  Surel: perencanaan@kementerian.example",
    ))  # fmt: skip
    canvas.setFillColor(colors.black)
    canvas.setFont("Vera", 9)
    canvas.drawRightString(A4[0] - MARGIN, A4[1] - 20 * mm - 78.4, f"Jakarta, {format_date(LETTER_ON)}")
    canvas.saveState()
    canvas.translate(A4[0] - MARGIN - 152, A4[1] - 238)
    canvas.rotate(2.2)
    canvas.setStrokeColor(STAMP)
    canvas.setFillColor(STAMP)
    canvas.setStrokeAlpha(0.8)
    canvas.setFillAlpha(0.8)
    canvas.setLineWidth(1.3)
    canvas.roundRect(0, 0, 150, 66, 3)
    canvas.setLineWidth(0.5)
    canvas.line(0, 50, 150, 50)
    canvas.setFont("Vera-Bold", 7.6)
    canvas.drawCentredString(75, 55, "SURAT MASUK - POLMAN")
    canvas.setFont("Vera", 7)
    for i, label in enumerate(("No. agenda", "Tanggal", "Pukul")):
        canvas.drawString(6, 37 - i * 14.5, label)
        canvas.drawString(54, 37 - i * 14.5, ":")
    for i, value in enumerate((AGENDA_NUMBER, "13-3-2026", "08.40")):
        strokes = write_by_hand(value, 40 + i)
        draw_strokes(canvas, strokes, (61, 37 - i * 14.5), 0.5, 0.8)
    canvas.restoreState()


class SignatureBlock(Flowable):  # type: ignore[misc]  # reportlab has no types
    """Place and date, title, a drawn signature and the name, on the right; ``stamp`` adds a round stamp."""

    def __init__(self, person: Person, heading: Sequence[str], stamp: tuple[str, Sequence[str]] | None = None) -> None:
        super().__init__()
        self.person, self.heading, self.stamp = person, heading, stamp
        self.width, self.height = WIDTH, 92 + 12 * len(heading)

    def wrap(self, available_width: float, available_height: float) -> tuple[float, float]:
        """The size that the block takes."""
        return self.width, self.height

    def draw(self) -> None:
        """Draw the block on the current page."""
        left = WIDTH - 214
        self.canv.setFillColor(colors.black)
        self.canv.setFont("Vera", 9)
        for i, line in enumerate(self.heading):
            self.canv.drawString(left, self.height - 10 - 12.5 * i, line)
        base = 24
        self.canv.setFont("Vera-Bold", 9)
        self.canv.drawString(left, base - 8, self.person.name)
        self.canv.setFont("Vera", 8)
        self.canv.drawString(left, base - 20, self.person.nip)
        draw_strokes(self.canv, parse_strokes(self.person.signature), (left + 24, base + 16), 0.78)
        if self.stamp:
            draw_round_stamp(self.canv, (left - 18, base + 26), *self.stamp)


POLMAN_STAMP = ("POLITEKNIK MANUFAKTUR NEGERI * BANGKA BELITUNG * ", ("CONTOH", "SAMPLE"))


def build_pdf(
    story: list[Flowable], *, title: str, author: str, subject: str, made_at: datetime,
    draw_head: Callable[[Canvas], None] | None = None, cover: Callable[[Canvas], None] | None = None,
) -> bytes:  # fmt: skip
    """The PDF of the story: a head on its first page, the mark and a page number on every page.

    ``cover`` draws a whole page before the story.
    """

    def draw_frame(canvas: Canvas, _: BaseDocTemplate) -> None:
        canvas.saveState()
        canvas.setFillColor(colors.HexColor("#f1f3f7"))
        canvas.setFont("Vera-Bold", 54)
        canvas.translate(A4[0] / 2, A4[1] / 2 - 30)
        canvas.rotate(52)
        canvas.drawCentredString(0, 0, MARK)
        canvas.restoreState()
        canvas.saveState()
        canvas.setStrokeColor(AMBER)
        canvas.setFillColor(AMBER)
        canvas.setFont("Vera-Bold", 7)
        canvas.roundRect(A4[0] - MARGIN - 84, A4[1] - 14.5 * mm, 84, 13, 3)
        canvas.drawCentredString(A4[0] - MARGIN - 42, A4[1] - 14.5 * mm + 4, MARK)
        canvas.setFillColor(MUTED)
        canvas.setStrokeColor(RULE)
        canvas.setLineWidth(0.5)
        canvas.line(MARGIN, 16 * mm, A4[0] - MARGIN, 16 * mm)
        canvas.setFont("Vera", 6.6)
        canvas.drawString(MARGIN, 12 * mm, f"{MARK} - {DISCLAIMER}")
        canvas.drawRightString(A4[0] - MARGIN, 12 * mm, f"Halaman {canvas.getPageNumber()}")
        canvas.restoreState()

    def draw_first(canvas: Canvas, template: BaseDocTemplate) -> None:
        # The date is the document's own; without this reportlab writes 2000-01-01 or SOURCE_DATE_EPOCH.
        stamp = made_at.strftime("D:%Y%m%d%H%M%S+07'00'")
        canvas.setDateFormatter(lambda *_: stamp)
        canvas.setViewerPreference("DisplayDocTitle", "true")
        draw_frame(canvas, template)
        canvas.saveState()
        if cover:
            cover(canvas)
        elif draw_head:
            draw_head(canvas)
        canvas.restoreState()

    output = io.BytesIO()
    template = BaseDocTemplate(
        output, pagesize=A4, title=title, author=author, subject=subject, creator="scripts/make_samples.py",
        lang="id-ID", invariant=1, pageCompression=0, initialFontName="Vera",
    )  # fmt: skip
    head_height = 30 * mm if draw_head else 8 * mm
    first = Frame(MARGIN, 19 * mm, WIDTH, A4[1] - 19 * mm - 12 * mm - head_height, 0, 0, 0, 0)
    later = Frame(MARGIN, 19 * mm, WIDTH, A4[1] - 19 * mm - 20 * mm, 0, 0, 0, 0)
    template.addPageTemplates([
        PageTemplate("first", [first], onPage=draw_first),
        PageTemplate("later", [later], onPage=draw_frame),
    ])  # fmt: skip
    opening: list[Flowable] = [NextPageTemplate("later")]
    if cover:
        opening += [Spacer(1, 1), PageBreak()]
    template.build(opening + story)
    return compress_streams(output.getvalue())


def lay_out(text: str) -> list[Flowable]:
    """Flowables from plain text: blocks between blank lines, told apart by how they begin.

    ``# `` title, ``~ `` subtitle, ``## `` heading, ``small `` small print, ``> `` tinted box, ``1. ``
    numbered items (one on each line), ``label :: value`` fields (one on each line), else a paragraph.
    """
    flowables: list[Flowable] = []
    for block in text.strip().split("\n\n"):
        lines = [line.strip() for line in block.splitlines()]
        joined = " ".join(lines)
        marker = next((marker for marker in MARKERS if joined.startswith(marker)), "")
        if marker:
            flowables.append(Paragraph(joined.removeprefix(marker), MARKERS[marker]))
        elif joined.startswith("> "):
            flowables += [Spacer(1, 6), lay_out_box(joined.removeprefix("> ")), Spacer(1, 6)]
        elif " :: " in joined:
            flowables += [lay_out_fields([line.split(" :: ") for line in lines]), Spacer(1, 8)]
        elif joined[0].isdigit() and joined[1:3] == ". ":
            flowables += [Paragraph(line[3:], ITEM, bulletText=line[:2]) for line in lines]
        else:
            flowables.append(Paragraph(joined, BODY))
    return flowables


def lay_out_fields(rows: Sequence[Sequence[str]]) -> Table:
    """Label, colon, value: the head data of a letter or a form."""
    label_width = 14 + max(pdfmetrics.stringWidth(label, "Vera", 9) for label, _ in rows)
    data = [[Paragraph(text, LEFT) for text in (label, ":", value)] for label, value in rows]
    table = Table(data, [label_width, 10, WIDTH - label_width - 10], hAlign="LEFT")
    table.setStyle(
        TableStyle(
            [
                ("FONTNAME", (0, 0), (-1, -1), "Vera"),
                ("VALIGN", (0, 0), (-1, -1), "TOP"),
                ("LEFTPADDING", (0, 0), (-1, -1), 0),
                ("RIGHTPADDING", (0, 0), (-1, -1), 0),
                ("TOPPADDING", (0, 0), (-1, -1), 0.6),
                ("BOTTOMPADDING", (0, 0), (-1, -1), 0.6),
            ]
        )
    )
    return table


def lay_out_box(text: str) -> Table:
    """A paragraph in a tinted box."""
    table = Table([[Paragraph(text, LEFT)]], [WIDTH])
    table.setStyle(
        TableStyle(
            [
                ("FONTNAME", (0, 0), (-1, -1), "Vera"),
                ("BACKGROUND", (0, 0), (-1, -1), TINT),
                ("LINEBEFORE", (0, 0), (0, -1), 3, NAVY),
                ("LEFTPADDING", (0, 0), (-1, -1), 10),
                ("TOPPADDING", (0, 0), (-1, -1), 4),
                ("BOTTOMPADDING", (0, 0), (-1, -1), 8),
            ]
        )
    )
    return table


def lay_out_table(
    head: str,
    rows: Sequence[Sequence[str]],
    widths: Sequence[float],
    align: str,
    emphasised: Sequence[int] = (),
) -> Table:
    """A ruled table with a dark head that repeats; ``align`` has one of l, c, r for each column.

    A cell that is a status is coloured; ``emphasised`` rows get a tint.
    """
    data = [[Paragraph(text, CELL_HEAD) for text in head.split(" | ")]]
    for row in rows:
        cells = []
        for letter, text in zip(align, row, strict=True):
            color = STATUS_COLORS.get(text)
            marked = f'<font name="Vera-Bold" color="{color.hexval()}">{text}</font>' if color else text
            cells.append(Paragraph(marked, CELLS[letter]))
        data.append(cells)
    table = Table(data, [width * WIDTH / sum(widths) for width in widths], repeatRows=1)
    style = [
        ("FONTNAME", (0, 0), (-1, -1), "Vera"),  # else the page names Helvetica, which is not embedded
        ("BACKGROUND", (0, 0), (-1, 0), NAVY),
        ("GRID", (0, 0), (-1, -1), 0.5, RULE),
        ("VALIGN", (0, 0), (-1, -1), "MIDDLE"),
        ("LEFTPADDING", (0, 0), (-1, -1), 4),
        ("RIGHTPADDING", (0, 0), (-1, -1), 4),
        ("TOPPADDING", (0, 0), (-1, -1), 2.8),
        ("BOTTOMPADDING", (0, 0), (-1, -1), 3.4),
    ]
    style += [("BACKGROUND", (0, row + 1), (-1, row + 1), HIGHLIGHT) for row in emphasised]
    table.setStyle(TableStyle(style))
    return table


def lay_out_achievements(wrong: dict[str, Decimal], emphasised: Sequence[int] = ()) -> Table:
    """The table of all indicators; ``wrong`` replaces the achievement of a code."""
    rows = []
    for item in INDICATORS:
        achieved = wrong.get(item.code, item.achieved)
        amounts = [format_amount(item, value) for value in (item.year_target, item.quarter_target, achieved)]
        rows.append([item.code, item.name, *amounts, format_share(item, achieved), find_status(item, achieved)])
    head = "Kode | Indikator kinerja | Target 2026 | Target TW I | Realisasi TW I | Capaian | Status"
    return lay_out_table(head, rows, (38, 170, 48, 48, 52, 48, 66), "clrrrrc", emphasised)


def lay_out_actions() -> Table:
    """The table of what follows from the quarter, indicator by indicator."""
    rows = [(item.code, item.action, item.in_charge, format_date(item.action_due_on)) for item in INDICATORS]
    return lay_out_table("Kode | Tindak lanjut | Penanggung jawab | Batas waktu", rows, (40, 205, 155, 70), "cllc")


def make_request_letter() -> bytes:
    """Step 1: the letter that asks for the report, signed, stamped and registered."""
    story = lay_out(f"""
Nomor :: {LETTER_NUMBER}
Sifat :: Segera
Lampiran :: -
Hal :: <b>Permintaan Laporan Capaian Kinerja<br/>{PERIOD}</b>

Yth. Direktur Politeknik Manufaktur<br/>Negeri Bangka Belitung<br/>di Sungailiat<br/><br/>

Dengan hormat,

Menindaklanjuti Peraturan Presiden Nomor 29 Tahun 2014 tentang Sistem Akuntabilitas Kinerja Instansi
Pemerintah, setiap satuan kerja mengukur capaian kinerjanya secara berkala dan melaporkannya setiap triwulan.
Sehubungan dengan hal tersebut, kami mohon Saudara menyampaikan laporan capaian kinerja <b>{PERIOD}</b> dengan
ketentuan berikut.

1. Capaian diukur untuk setiap indikator pada Perjanjian Kinerja Tahun 2026 dan disertai data dukung.
2. Keadaan data paling akhir tanggal {format_date(MEASURED_ON)}; prakiraan diberi keterangan.
3. Laporan memuat capaian, rekomendasi, kendala, dan tindak lanjut, serta disetujui pimpinan satuan kerja.
4. Laporan diunggah pada aplikasi {APPLICATION} paling lambat <b>{format_weekday(REPLY_DUE_ON)}</b>, \
pukul 15.00 WIB.

Hal-hal teknis mengenai pengisian aplikasi dapat ditanyakan kepada Tim Akuntabilitas Kinerja, Biro
Perencanaan, melalui surel perencanaan@kementerian.example.

Atas perhatian dan kerja sama Saudara, kami mengucapkan terima kasih.
""")
    ministry_stamp = ("KEMENTERIAN PENDIDIKAN TINGGI * BIRO PERENCANAAN * ", ("CONTOH", "SAMPLE"))
    story += [
        Spacer(1, 22),
        SignatureBlock(SENDER, ("Kepala Biro Perencanaan,",), ministry_stamp),
        Spacer(1, 10),
        *lay_out("small Tembusan:<br/>1. Sekretaris Jenderal (sebagai laporan)<br/>2. Inspektur Jenderal"),
    ]
    return build_pdf(
        [Spacer(1, 6), *story],
        title=f"Permintaan Laporan Capaian Kinerja {PERIOD}",
        author=LETTER_SENDER,
        subject=f"Surat nomor {LETTER_NUMBER}",
        made_at=datetime(2026, 3, 12, 14, 5, tzinfo=WIB),
        draw_head=draw_ministry_head,
    )


def make_follow_up() -> bytes:
    """Step 3: what the head of the section instructs after the disposition."""
    tasks = parse_rows(f"""
1 | Koordinasi pengukuran; IKU 1, IKU 2, IKU 6 | {SARI.name} | {format_date(MEASURED_ON)}
2 | Pengumpulan data dukung; IKU 3, IKU 4, IKU 5, IKU 7, IKU 8 | {AGUS.name} | {format_date(MEASURED_ON)}
3 | Data anggaran; IKU 9 dan IKU 10 | {BIMA.name} | {format_date(MEASURED_ON)}
4 | Rapat pembahasan dengan penanggung jawab indikator | Tim SAKIP | {format_date(MEETING_ON)}
5 | Rumusan capaian, rekomendasi, kendala, dan tindak lanjut | {BIMA.name} | {format_date(FORMULATED_ON)}
6 | Pengunggahan laporan pada aplikasi {APPLICATION} | {MAYA.name} | {format_date(REPORT_ON)}
""")
    story = [
        *lay_out(f"""
# TINDAK LANJUT ATAS DISPOSISI

~ Nomor {FOLLOW_UP_NUMBER}

Kepada :: Tim SAKIP Satuan Kerja (Ketua: {SARI.name})
Dari :: Kepala {SECTION}
Disposisi :: Direktur, {format_weekday(DISPOSITION_ON)}, agenda {AGENDA_NUMBER}
Surat asal :: {LETTER_NUMBER}, {format_date(LETTER_ON)}, {LETTER_SENDER}
Hal :: Pengukuran dan pengumpulan data capaian kinerja {PERIOD}
Batas waktu :: Laporan diunggah paling lambat {format_weekday(REPLY_DUE_ON)}

## A. Arahan

1. Ukur dan kumpulkan data capaian <b>setiap indikator</b> pada penanggung jawabnya, dengan keadaan data \
{format_date(MEASURED_ON)}.
2. Catat pembilang, penyebut, target, dan realisasi pada lembar data capaian kinerja; lampirkan data \
dukung yang menyebut kode indikatornya.
3. Konfirmasi angka yang berubah lebih dari 10% terhadap triwulan sebelumnya kepada penanggung jawab.
4. Siapkan bahan rapat pembahasan dan undangan bagi penanggung jawab indikator.

## B. Pembagian tugas
"""),
        lay_out_table("No. | Tugas | Pelaksana | Selesai", tasks, (24, 240, 130, 76), "cllc"),
        *lay_out("""
> Jam kerja bulan Ramadan berlaku sampai 17 Maret 2026; 18 s.d. 24 Maret 2026 adalah cuti bersama, Hari Suci
Nyepi, Idulfitri, dan akhir pekan. Mulailah dari data yang bergantung pada unit lain.
"""),
        Spacer(1, 8),
        SignatureBlock(HENDRA, (f"Sungailiat, {format_date(FOLLOW_UP_ON)}", "Kepala Bagian,")),
    ]
    return build_pdf(
        story,
        title="Tindak Lanjut atas Disposisi",
        author=HENDRA.name,
        subject=f"Nomor {FOLLOW_UP_NUMBER}",
        made_at=datetime(2026, 3, 16, 9, 20, tzinfo=WIB),
        draw_head=draw_polytechnic_head,
    )


def make_supporting_data() -> bytes:
    """Step 4: the evidence for the first indicator, by study programme."""
    item = INDICATORS[0]
    rows = []
    for number, (programme, graduates, *placed) in enumerate(GRADUATES, 1):
        share = format_number(Decimal(sum(placed)) / graduates * 100) + "%"
        rows.append([str(number), programme, str(graduates), *map(str, placed), str(sum(placed)), share])
    sums = [sum(column) for column in zip(*(row[1:] for row in GRADUATES), strict=True)]
    totals = ("Jumlah", *sums, item.counted, format_amount(item, item.achieved))
    rows.append(["", *(f"<b>{total}</b>" for total in totals)])
    head = "No. | Program studi | Lulusan 2025 | Bekerja | Studi lanjut | Wira- swasta | Jumlah | Persen"
    story = [
        *lay_out(f"""
# DATA DUKUNG IKU 1

~ Rekapitulasi tracer study lulusan 2025 - {PERIOD}

Indikator :: {item.code} - {item.name}
Penanggung jawab :: {item.in_charge}
Keadaan data :: {format_weekday(MEASURED_ON)}
Cara hitung :: (bekerja + studi lanjut + wiraswasta) / lulusan x 100%
Sumber :: Isian tracer study yang telah diverifikasi program studi
"""),
        lay_out_table(head, rows, (24, 178, 48, 46, 42, 42, 44, 50), "clrrrrrr", (len(GRADUATES),)),
        *lay_out(f"""
> Realisasi {item.code}: <b>{item.counted} dari {item.base} lulusan =
{format_amount(item, item.achieved)}</b>, target triwulan I {format_amount(item, item.quarter_target)},
capaian {format_share(item, item.achieved)}.

## Catatan verifikasi

Lulusan yang bekerja dihitung bila masa tunggunya kurang dari dua belas bulan dan ada bukti kontrak atau
keterangan pemberi kerja. Dua isian ganda pada D4 Teknologi Rekayasa Perangkat Lunak telah dihapus. Isian mentah
disimpan pada Pusat Karier dan tidak dilampirkan karena memuat data pribadi.
"""),
        Spacer(1, 12),
        SignatureBlock(AGUS, (f"Sungailiat, {format_date(MEASURED_ON)}", "Anggota Tim SAKIP,")),
    ]
    return build_pdf(
        story,
        title="Data Dukung IKU 1: Rekapitulasi Tracer Study Lulusan 2025",
        author=AGUS.name,
        subject=f"{item.code}, {PERIOD}",
        made_at=datetime(2026, 3, 25, 11, 15, tzinfo=WIB),
        draw_head=draw_polytechnic_head,
    )


def make_formulation(version: int) -> bytes:
    """Step 6: achievement, obstacles, recommendations and follow-up; version 2 corrects a figure."""
    wrong = WRONG_ACHIEVEMENTS if version == 1 else {}
    made_on = FORMULATED_ON if version == 1 else CORRECTED_ON
    counts = count_statuses(wrong)
    note, corrected = "", []
    if version > 1:
        item = INDICATORS[1]
        corrected = [1]
        note = f"""
> <b>Catatan perbaikan.</b> Versi 2 menggantikan versi 1 tanggal {format_date(FORMULATED_ON)} yang dikembalikan
saat pemeriksaan. Realisasi {item.code} diperbaiki dari {format_amount(item, WRONG_ACHIEVEMENTS[item.code])}
menjadi <b>{format_amount(item, item.achieved)}</b> (153 dari 1.190 mahasiswa), sehingga statusnya menjadi
<b>belum tercapai</b>. Rekapitulasi di bagian A disesuaikan; bagian lain tidak berubah.
"""
    obstacles = [(item.code, item.obstacle, item.recommendation) for item in INDICATORS]
    story = [
        *lay_out(f"""
# RUMUSAN HASIL RAPAT PEMBAHASAN<br/>CAPAIAN KINERJA

~ {PERIOD} - versi {version}, {format_date(made_on)}

Satuan kerja :: {INSTITUTION}
Dasar :: Rapat pembahasan {format_weekday(MEETING_ON)}; lembar data keadaan {format_date(MEASURED_ON)}
Disusun oleh :: {BIMA.name}, {BIMA.title}
{note}
## A. Capaian

Dari {len(INDICATORS)} indikator, {counts[REACHED]} mencapai target triwulan I, {counts[NOT_REACHED]} belum
mencapai target, dan {counts[NOT_YET_DUE]} belum ditargetkan pada triwulan ini.
"""),
        lay_out_achievements(wrong, corrected),
        *lay_out("## B. Kendala dan rekomendasi"),
        lay_out_table("Kode | Kendala | Rekomendasi", obstacles, (40, 215, 215), "cll"),
        *lay_out("## C. Tindak lanjut"),
        lay_out_actions(),
        Spacer(1, 12),
        KeepTogether(
            [
                *lay_out("Rumusan ini untuk diperiksa Tim SAKIP dan Kepala Bagian, lalu disetujui Direktur."),
                Spacer(1, 8),
                SignatureBlock(BIMA, (f"Sungailiat, {format_date(made_on)}", f"{BIMA.title},")),
            ]
        ),
    ]
    return build_pdf(
        story,
        title=f"Rumusan Hasil Rapat Pembahasan Capaian Kinerja {PERIOD}, versi {version}",
        author=BIMA.name,
        subject=PERIOD,
        made_at=datetime(2026, 3, made_on.day, 13, 30, tzinfo=WIB),
        draw_head=draw_polytechnic_head,
    )


class AchievementChart(Flowable):  # type: ignore[misc]  # reportlab has no types
    """Horizontal bars: each indicator's achievement in per cent of the quarter's target."""

    ROW, LABEL, FULL = 17.0, 46.0, 125.0

    def wrap(self, available_width: float, available_height: float) -> tuple[float, float]:
        """The size that the chart takes."""
        return WIDTH, self.ROW * len(INDICATORS) + 20

    def draw(self) -> None:
        """Draw the chart on the current page."""
        canvas, span = self.canv, WIDTH - self.LABEL - 118
        height = self.ROW * len(INDICATORS)
        canvas.setFont("Vera", 6.6)
        for tick in range(0, 126, 25):
            x = self.LABEL + span * tick / self.FULL
            canvas.setStrokeColor(RULE)
            canvas.setLineWidth(0.4)
            canvas.line(x, 12, x, height + 14)
            canvas.setFillColor(MUTED)
            canvas.drawCentredString(x, 3, f"{tick}%")
        for number, item in enumerate(INDICATORS):
            y = height - number * self.ROW
            status = find_status(item, item.achieved)
            canvas.setFillColor(colors.black)
            canvas.setFont("Vera-Bold", 7.2)
            canvas.drawString(0, y + 1, item.code)
            share = float(item.achieved / item.quarter_target * 100) if item.quarter_target else 0.0
            canvas.setFillColor(STATUS_COLORS[status])
            length = span * share / self.FULL
            canvas.rect(self.LABEL, y - 2, length, 10, stroke=0, fill=1)
            canvas.setFont("Vera", 7)
            canvas.drawRightString(WIDTH - 74, y + 1, format_share(item, item.achieved))
            canvas.drawString(WIDTH - 68, y + 1, status)
        canvas.setStrokeColor(NAVY)
        canvas.setLineWidth(1)
        canvas.line(self.LABEL + span * 100 / self.FULL, 12, self.LABEL + span * 100 / self.FULL, height + 14)


def draw_report_cover(canvas: Canvas) -> None:
    """The cover of the report."""
    width, height = A4
    canvas.setFillColor(NAVY)
    canvas.rect(0, height * 0.36, width, height * 0.34, stroke=0, fill=1)
    canvas.setFillColor(colors.HexColor("#d99a1c"))
    canvas.rect(0, height * 0.36 - 5, width, 5, stroke=0, fill=1)
    draw_gear(canvas, (width / 2, height * 0.8), 44)
    canvas.setFillColor(colors.white)
    canvas.setFont("Vera-Bold", 25)
    canvas.drawCentredString(width / 2, height * 0.585, "LAPORAN CAPAIAN KINERJA")
    canvas.setFont("Vera", 17)
    canvas.drawCentredString(width / 2, height * 0.53, PERIOD.upper())
    canvas.setFont("Vera", 10)
    canvas.drawCentredString(width / 2, height * 0.435, f"Nomor {REPORT_NUMBER}")
    canvas.setFillColor(NAVY)
    canvas.setFont("Vera-Bold", 13)
    canvas.drawCentredString(width / 2, height * 0.26, "POLITEKNIK MANUFAKTUR NEGERI")
    canvas.drawCentredString(width / 2, height * 0.26 - 18, "BANGKA BELITUNG")
    canvas.setFillColor(MUTED)
    canvas.setFont("Vera", 9)
    canvas.drawCentredString(width / 2, height * 0.26 - 38, f"Sungailiat, {format_date(REPORT_ON)}")


def make_report() -> bytes:
    """Step 10: the report that is uploaded, with the corrected figures and the director's signature."""
    counts = count_statuses({})
    missed = [item for item in INDICATORS if find_status(item, item.achieved) == NOT_REACHED]
    analysis = "\n\n".join(
        f"<b>{item.code} - {item.name}.</b> Realisasi {format_amount(item, item.achieved)} dari target "
        f"{format_amount(item, item.quarter_target)} ({format_share(item, item.achieved)}). "
        f"Kendala: {item.obstacle} Rekomendasi: {item.recommendation}"
        for item in missed
    )
    signers = [
        (part, person.name, person.title)
        for part, person in (
            ("Menyusun rumusan", BIMA),
            ("Memeriksa", SARI),
            ("Memeriksa dan menyetujui", HENDRA),
            ("Menyetujui", RATNA),
        )
    ]
    story = [
        *lay_out(f"""
## Ringkasan

Laporan ini menyajikan capaian kinerja {INSTITUTION} pada {PERIOD} menurut Perjanjian Kinerja Tahun 2026,
sebagai jawaban atas surat {LETTER_SENDER} nomor {LETTER_NUMBER}. Data diukur Tim SAKIP pada keadaan
{format_date(MEASURED_ON)}, dibahas dalam rapat {format_date(MEETING_ON)}, dan dirumuskan dalam rumusan
versi 2 tanggal {format_date(CORRECTED_ON)}.

> <b>{counts[REACHED]} indikator tercapai</b>, {counts[NOT_REACHED]} belum tercapai
({", ".join(item.code for item in missed)}), {counts[NOT_YET_DUE]} belum ditargetkan pada triwulan I.

## 1. Capaian setiap indikator
"""),
        lay_out_achievements({}),
        *lay_out("## 2. Capaian terhadap target triwulan I"),
        AchievementChart(),
        Spacer(1, 5),
        *lay_out("small Garis biru tua menandai 100% target triwulan I."),
        PageBreak(),
        *lay_out("## 3. Indikator yang belum mencapai target"),
        *lay_out(analysis),
        *lay_out("## 4. Tindak lanjut"),
        lay_out_actions(),
        PageBreak(),
        *lay_out(f"""
# LEMBAR PENGESAHAN

~ Laporan Capaian Kinerja {PERIOD}

Laporan ini telah diperiksa oleh Tim SAKIP Satuan Kerja dan Kepala Bagian {INSTITUTION}, serta disetujui untuk
dilaporkan melalui aplikasi pelaporan kinerja.
"""),
        Spacer(1, 6),
        lay_out_table("Peran | Nama | Jabatan", signers, (130, 170, 190), "lll"),
        Spacer(1, 26),
        SignatureBlock(RATNA, (f"Sungailiat, {format_date(REPORT_ON)}", "Direktur,"), POLMAN_STAMP),
    ]
    return build_pdf(
        story,
        title=f"Laporan Capaian Kinerja {PERIOD}",
        author=INSTITUTION,
        subject=f"Nomor {REPORT_NUMBER}",
        made_at=datetime(2026, 3, 31, 9, 55, tzinfo=WIB),
        cover=draw_report_cover,
    )


# ---------------------------------------------------------------- pictures


def load_font(size: int) -> ImageFont.FreeTypeFont:
    """The font inside Pillow; basic layout, because shaping depends on a library that may be missing."""
    font = ImageFont.load_default(size)
    if not isinstance(font, ImageFont.FreeTypeFont):
        raise SystemExit("make_samples: this Pillow has no FreeType; install Pillow from its wheel.")
    return font.font_variant(layout_engine=ImageFont.Layout.BASIC)


def write_text(
    draw: ImageDraw.ImageDraw, at: tuple[int, int], text: str, size: int, fill: Any, *, bold: bool = False,
    anchor: str = "ls",
) -> None:  # fmt: skip
    """A line of text at its baseline; bold is the regular weight struck twice."""
    font = load_font(size)
    for offset in range(max(2, size // 18)) if bold else (0,):
        draw.text((at[0] + offset, at[1]), text, font=font, fill=fill, anchor=anchor)


def limit_tones(picture: Image.Image, step: int) -> Image.Image:
    """The picture with every channel rounded to a multiple of ``step``: few colours, small files."""
    return picture.point([round(value / step) * step for value in range(256)] * len(picture.getbands()))


def shear(picture: Image.Image, *, run: int, vertical: bool, fill: int) -> Image.Image:
    """The picture with each ``run`` rows or columns moved a pixel further: rotation without resampling."""
    width, height = picture.size
    sheared = Image.new("L", picture.size, fill)
    for start in range(0, width if vertical else height, run):
        shift = start // run
        if vertical:
            sheared.paste(
                picture.crop((start, 0, min(start + run, width), height)), (start, -shift + width // run // 2)
            )
        else:
            sheared.paste(
                picture.crop((0, start, width, min(start + run, height))), (shift - height // run // 2, start)
            )
    return sheared


def make_disposition_scan() -> bytes:
    """Step 2: a scanned disposition sheet, filled in by hand; 1240 x 1754 gray, a little askew."""
    paper, black, pen = 250, 38, 62
    page = Image.new("L", (2480, 3508), 222)  # twice the final size: reducing it smooths every edge
    draw = ImageDraw.Draw(page)
    draw.rectangle((26, 22, 2458, 3482), fill=paper)

    def rule(left: int, top: int, right: int, bottom: int, thickness: int = 4) -> None:
        draw.rectangle((left, top, right + thickness, bottom + thickness), fill=black)

    def write(text: str, at: tuple[int, int], seed: int, scale: float = 3.1, radius: int = 3) -> None:
        ink_strokes(draw, write_by_hand(text, seed), at, scale, radius, pen)

    left, right = 230, 2250
    write_text(draw, (1240, 250), "POLITEKNIK MANUFAKTUR NEGERI BANGKA BELITUNG", 58, black, bold=True, anchor="ms")
    write_text(draw, (1240, 318), "Jalan Timah Raya, Air Kantung, Sungailiat 33211", 40, 70, anchor="ms")
    rule(left, 352, right, 352, 8)
    rule(left, 368, right, 368, 2)
    write_text(draw, (1240, 480), "LEMBAR DISPOSISI", 76, black, bold=True, anchor="ms")
    draw.rectangle((1810, 100, 2250, 172), outline=90, width=5)
    write_text(draw, (2030, 152), MARK, 44, 90, bold=True, anchor="ms")

    for y in (540, 660, 780, 900, 1020, 1170):
        rule(left, y, right, y)
    for x in (left, right):
        rule(x, 540, x, 1170)
    rule(1290, 540, 1290, 780)
    for at, label in (
        ((left + 26, 616), "No. agenda"), ((1320, 616), "Tgl. diterima"),
        ((left + 26, 736), "Sifat"), ((1320, 736), "Pukul"),
        ((left + 26, 856), "Asal surat"), ((left + 26, 976), "Nomor / tgl. surat"),
        ((left + 26, 1112), "Perihal"),
    ):  # fmt: skip
        write_text(draw, at, label, 42, 70)
    write(AGENDA_NUMBER, (620, 620), 11)
    write("13 Maret 2026", (1640, 620), 12)
    write("segera", (620, 738), 13)
    write("08.40", (1640, 738), 14)
    write_text(draw, (640, 856), LETTER_SENDER, 42, black)
    write_text(draw, (640, 976), f"{LETTER_NUMBER}  /  {format_date(LETTER_ON)}", 42, black)
    write_text(draw, (640, 1092), "Permintaan Laporan Capaian Kinerja", 42, black)
    write_text(draw, (640, 1146), PERIOD, 42, black)

    write_text(draw, (left, 1270), "Diteruskan kepada:", 46, black, bold=True)
    write_text(draw, (1290, 1270), "Untuk:", 46, black, bold=True)
    forwarded = (
        "Wakil Direktur",
        "Kepala Bagian",
        "Kepala Subbagian",
        "Ketua Jurusan",
        "Kepala Pusat / Unit",
    )
    purposes = ("Diketahui", "Ditindaklanjuti", "Disiapkan bahan", "Dibahas", "Diarsipkan")
    for column, labels, ticked in ((left, forwarded, (1,)), (1290, purposes, (1, 2))):
        for number, label in enumerate(labels):
            top = 1316 + number * 84
            draw.rectangle((column, top, column + 46, top + 46), outline=black, width=4)
            write_text(draw, (column + 76, top + 40), label, 44, black)
            if number in ticked:
                tick = [[(0.0, 8.0), (5.0, 1.0), (9.0, 6.0), (21.0, 26.0)]]
                ink_strokes(draw, tick, (column + 4, top + 42), 3.0, 4, pen)

    rule(left, 1776, right, 1776)
    rule(left, 2690, right, 2690)
    rule(left, 1776, left, 2690)
    rule(right, 1776, right, 2690)
    write_text(draw, (left + 26, 1846), "Isi disposisi:", 46, black, bold=True)
    lines = (
        "Kabag Perencanaan,",
        "mohon siapkan data capaian kinerja TW I 2026.",
        "Arahkan Tim SAKIP untuk mengukur setiap IKU",
        "pada penanggung jawabnya.",
        "Laporan diunggah paling lambat 31 Maret 2026.",
    )
    for number, line in enumerate(lines):
        write(line, (left + (60 if number else 40), 1980 + number * 150), 20 + number, 3.6, 4)

    write_text(draw, (1440, 2800), "Direktur,", 44, black)
    ink_strokes(draw, parse_strokes(RATNA.signature), (1580, 3040), 3.2, 4, pen)
    write_text(draw, (1440, 3130), RATNA.name, 44, black, bold=True)
    write_text(draw, (1440, 3190), RATNA.nip, 38, 70)
    write_text(draw, (left, 2800), "Kembali kepada:", 42, 70)
    write("Tata usaha", (left + 360, 2804), 31, 3.2)
    write_text(draw, (left, 2890), "Tanggal:", 42, 70)
    write("13/3/2026", (left + 360, 2894), 32, 3.2)
    write_text(draw, (1240, 3380), f"{MARK} - {DISCLAIMER}", 36, 90, anchor="ms")
    for y in (1350, 2158):  # punched holes, dark as the scanner's lid
        draw.ellipse((84, y - 34, 152, y + 34), fill=120)
        draw.ellipse((90, y - 32, 152, y + 30), fill=206)

    page = shear(page, run=92, vertical=False, fill=222)
    page = shear(page, run=92, vertical=True, fill=222)
    scan = page.reduce(2)

    shade = Image.new("L", scan.size, 0)
    shading = ImageDraw.Draw(shade)
    for x in range(90):  # the light falls off towards the left edge
        shading.rectangle((x, 0, x, scan.height), fill=(90 - x) * (90 - x) // 260)
    for offset in range(-7, 8):  # where the sheet had been folded
        shading.rectangle((0, 884 + offset, scan.width, 884 + offset), fill=max(0, 7 - abs(offset)))
    scan = ImageChops.subtract(scan, shade)
    grain = random.Random(601)
    noise = Image.frombytes("L", scan.size, grain.randbytes(scan.width * scan.height))
    scan = ImageChops.subtract(scan, noise.point([value // 37 for value in range(256)]))
    speckled = ImageDraw.Draw(scan)
    for _ in range(70):
        x, y, size = grain.randrange(scan.width), grain.randrange(scan.height), grain.randrange(2)
        speckled.rectangle((x, y, x + size, y + size), fill=grain.randrange(110, 190))

    output = io.BytesIO()
    scan.save(output, "JPEG", quality=48, dpi=(150, 150), optimize=True)
    return output.getvalue()


def make_upload_receipt(report: bytes) -> bytes:
    """Step 10: what the reporting application shows after the upload of the report, as a screenshot."""
    scale, width, height = 2, 1200, 800  # colours are multiples of 15: what ``limit_tones`` keeps
    navy, ink, muted, line = (15, 45, 90), (30, 45, 60), (90, 105, 120), (210, 225, 225)
    picture = Image.new("RGB", (width * scale, height * scale), (240, 240, 240))
    draw = ImageDraw.Draw(picture)

    def box(left: int, top: int, right: int, bottom: int, fill: Any, outline: Any = None, radius: int = 0) -> None:
        area = (left * scale, top * scale, right * scale, bottom * scale)
        draw.rounded_rectangle(area, radius * scale, fill=fill, outline=outline, width=scale)

    def text(x: int, y: int, words: str, size: int, fill: Any, *, bold: bool = False, anchor: str = "ls") -> None:
        write_text(draw, (x * scale, y * scale), words, size * scale, fill, bold=bold, anchor=anchor)

    # The browser.
    box(0, 0, width, 76, (225, 225, 225))
    box(14, 10, 292, 44, (240, 240, 240), radius=8)
    box(14, 30, 292, 44, (240, 240, 240))
    box(30, 19, 46, 35, navy, radius=4)
    text(54, 32, "Bukti Unggah - e-Kinerja (contoh)", 13, ink)
    box(0, 40, width, 76, (240, 240, 240))
    for x in (28, 56):
        box(x - 5, 53, x + 5, 63, None, muted, radius=5)
    box(88, 46, width - 24, 70, (255, 255, 255), line, radius=12)
    text(106, 63, f"{RECEIPT_ADDRESS}/bukti/{RECEIPT_NUMBER}", 13, ink)
    # The application.
    box(0, 76, width, 132, navy)
    box(28, 90, 56, 118, (225, 150, 30), radius=6)
    text(42, 111, "eK", 15, navy, bold=True, anchor="ms")
    text(68, 110, "e-Kinerja (contoh)", 19, (255, 255, 255), bold=True)
    text(
        width - 28,
        110,
        f"{MAYA.name}  |  Politeknik Manufaktur Negeri Bangka Belitung",
        13,
        (210, 225, 240),
        anchor="rs",
    )
    box(0, 132, 216, height, (255, 255, 255))
    box(215, 132, 216, height, line)
    for number, entry in enumerate(
        ("Beranda", "Perjanjian Kinerja", "Pengukuran", "Laporan Triwulan", "Evaluasi", "Bantuan")
    ):
        y = 152 + number * 42
        if entry == "Laporan Triwulan":
            box(12, y, 204, y + 34, (225, 240, 255), radius=6)
            box(12, y + 6, 15, y + 28, navy)
        text(
            30,
            y + 22,
            entry,
            14,
            navy if entry == "Laporan Triwulan" else muted,
            bold=entry == "Laporan Triwulan",
        )
    text(244, 168, "Laporan Triwulan  >  Tahun 2026  >  Triwulan I  >  Bukti unggah", 12, muted)
    text(244, 206, "Bukti Unggah Laporan Capaian Kinerja", 23, ink, bold=True)
    box(width - 164, 184, width - 28, 212, None, (180, 90, 30), radius=5)
    text(width - 96, 203, MARK, 14, (180, 90, 30), bold=True, anchor="ms")
    box(244, 228, width - 28, 286, (225, 240, 225), (150, 195, 165), radius=8)
    box(262, 244, 288, 270, (30, 120, 75), radius=13)
    check = [(269, 257), (274, 262), (282, 252)]
    draw.line([(x * scale, y * scale) for x, y in check], fill=(255, 255, 255), width=3 * scale, joint="curve")
    text(304, 254, "Laporan berhasil diunggah dan diterima.", 16, (15, 90, 60), bold=True)
    text(304, 274, "Simpan nomor bukti di bawah ini sebagai tanda terima.", 13, (15, 90, 60))

    box(244, 304, width - 28, 738, (255, 255, 255), line, radius=8)
    text(268, 340, "Nomor bukti", 13, muted)
    text(268, 372, RECEIPT_NUMBER, 27, navy, bold=True)
    digest = hashlib.sha256(report).hexdigest()
    size = format_number(Decimal(len(report)) / 1024, 1)
    rows = (
        ("Satuan kerja", INSTITUTION),
        ("Jenis laporan", f"Laporan Capaian Kinerja {PERIOD}"),
        ("Berkas", f"{REPORT_FILE} ({size} KiB)"),
        ("SHA-256 berkas", f"{digest[:32]} {digest[32:]}"),
        ("Diunggah oleh", f"{MAYA.name} ({MAYA.title})"),
        ("Waktu unggah", f"{format_weekday(UPLOADED_AT.date())}, {UPLOADED_AT:%H.%M.%S} WIB"),
        ("Batas waktu", f"{format_weekday(REPLY_DUE_ON)}, 15.00.00 WIB"),
        ("Status", "Diterima"),
    )
    for number, (label, value) in enumerate(rows):
        y = 414 + number * 36
        box(268, y - 22, width - 52, y - 21, line)
        text(268, y, label, 13, muted)
        if label == "Status":
            box(436, y - 16, 514, y + 6, (30, 120, 75), radius=11)
            text(475, y - 1, value, 13, (255, 255, 255), bold=True, anchor="ms")
        else:
            text(436, y, value, 13 if "SHA" in label else 14, ink)
    box(width - 330, 688, width - 190, 720, (255, 255, 255), navy, radius=6)
    text(width - 260, 709, "Cetak bukti", 14, navy, bold=True, anchor="ms")
    box(width - 178, 688, width - 52, 720, navy, radius=6)
    text(width - 115, 709, "Selesai", 14, (255, 255, 255), bold=True, anchor="ms")
    text((216 + width) // 2, 772, f"{MARK} - {DISCLAIMER}", 12, muted, anchor="ms")

    return encode_png(limit_tones(picture.reduce(scale), 15))


# ---------------------------------------------------------------- office documents


class SheetStyles:
    """The cell formats of the workbook, each made once: ``styles("percent")``."""

    NUMBERS: ClassVar[dict[str, str]] = {
        "two": "#,##0.00",
        "whole": "#,##0",
        "money": '"Rp" #,##0',
        "percent": "0.0%",
    }
    EXTRAS: ClassVar[dict[str, dict[str, Any]]] = {
        "title": {"bold": True, "font_size": 14, "font_color": "#14325C", "border": 0, "text_wrap": False},
        "mark": {"bold": True, "font_color": "#B3541E", "border": 0, "text_wrap": False},
        "plain": {"border": 0, "text_wrap": False},
        "head": {"bold": True, "font_color": "#FFFFFF", "bg_color": "#14325C", "align": "center"},
        "centred": {"align": "center"},
        "right": {"align": "right"},
        "total": {"bold": True, "bg_color": "#E9EEF6"},
        "words": {},
    }

    def __init__(self, book: xlsxwriter.Workbook) -> None:
        self.book = book
        self.made: dict[tuple[str, ...], Any] = {}

    def __call__(self, *names: str) -> Any:
        if names not in self.made:
            look = {
                "font_name": "Arial",
                "font_size": 10,
                "valign": "vcenter",
                "border": 1,
                "text_wrap": True,
            }
            look["border_color"] = "#B9C2CF"
            for name in names:
                look |= {"num_format": self.NUMBERS[name]} if name in self.NUMBERS else self.EXTRAS[name]
            self.made[names] = self.book.add_format(look)
        return self.made[names]


def write_graduates(sheet: Any, styles: SheetStyles) -> int:
    """The number of the row with the sums, after writing the data behind indicator 1."""
    sheet.set_column("A:A", 5)
    sheet.set_column("B:B", 44)
    sheet.set_column("C:H", 13)
    sheet.write("A1", "Rincian IKU 1: lulusan 2025 per program studi", styles("title"))
    sheet.write("H1", MARK, styles("mark"))
    sheet.write_row(
        "A3",
        ["No.", "Program studi", "Lulusan", "Bekerja", "Studi lanjut", "Wiraswasta", "Jumlah", "Persen"],
        styles("head"),
    )
    line = 4
    for programme, graduates, *placed in GRADUATES:
        share = (Decimal(sum(placed)) * 100 / graduates).quantize(Decimal("0.01"), ROUND_HALF_UP)
        sheet.write(f"A{line}", line - 3, styles("centred"))
        sheet.write(f"B{line}", programme, styles("words"))
        sheet.write_row(f"C{line}", [graduates, *placed], styles("whole"))
        sheet.write_formula(f"G{line}", f"=SUM(D{line}:F{line})", styles("whole"), sum(placed))
        sheet.write_formula(f"H{line}", f"=ROUND(G{line}/C{line}*100,2)", styles("two"), float(share))
        line += 1
    sheet.write_row(f"A{line}", ["", "Jumlah"], styles("total"))
    sums = [sum(column) for column in zip(*(row[1:] for row in GRADUATES), strict=True)]
    for letter, value in zip("CDEFG", [*sums, sum(sums[1:])], strict=True):
        sheet.write_formula(f"{letter}{line}", f"=SUM({letter}4:{letter}{line - 1})", styles("total"), value)
    share = INDICATORS[0].achieved
    sheet.write_formula(f"H{line}", f"=ROUND(G{line}/C{line}*100,2)", styles("total", "two"), float(share))
    sheet.freeze_panes(3, 2)
    return line


def write_indicators(sheet: Any, styles: SheetStyles, graduates_line: int) -> None:
    """Write the sheet of indicators; achievement, share and status are formulas with their results stored."""
    columns = parse_rows("""
No. | 5
Kode IKU | 9
Indikator kinerja | 46
Satuan | 8
Target 2026 | 10
Target TW I | 10
Pembilang | 18
Penyebut | 18
Capaian TW I | 11
% terhadap target TW I | 12
Status | 17
Penanggung jawab | 28
Data dukung | 32
""")
    sheet.set_landscape()
    sheet.set_row(0, 22)
    sheet.set_row(3, 32)
    sheet.write("A1", f"DATA CAPAIAN KINERJA {PERIOD.upper()}", styles("title"))
    sheet.write("M1", MARK, styles("mark", "right"))
    sheet.write("A2", f"{INSTITUTION} - keadaan data {format_date(MEASURED_ON)}", styles("plain"))
    for number, (label, width) in enumerate(columns):
        sheet.set_column(number, number, int(width))
        sheet.write(3, number, label, styles("head"))
    first, last = 5, 4 + len(INDICATORS)
    for line, item in enumerate(INDICATORS, first):
        sheet.set_row(line - 1, 30)
        counted = "money" if item.counted > 1_000_000 else "two" if item.unit == "nilai" else "whole"
        sheet.write_row(f"A{line}", [line - 4, item.code], styles("centred"))
        sheet.write(f"C{line}", item.name, styles("words"))
        sheet.write(f"D{line}", item.unit, styles("centred"))
        sheet.write_row(f"E{line}", [float(item.year_target), float(item.quarter_target)], styles("two"))
        if line == first:
            source = "='Rincian IKU 1'!"
            sheet.write_formula(f"G{line}", f"{source}G{graduates_line}", styles(counted), int(item.counted))
            sheet.write_formula(f"H{line}", f"{source}C{graduates_line}", styles(counted), int(item.base))
        else:
            sheet.write_row(f"G{line}", [float(item.counted), float(item.base)], styles(counted))
        scale = "*100" if item.unit == "%" else ""
        achieved = float(item.achieved)
        sheet.write_formula(f"I{line}", f"=ROUND(G{line}/H{line}{scale},2)", styles("total", "two"), achieved)
        share: float | str = "n/a"
        if item.quarter_target:
            share = float((item.achieved / item.quarter_target).quantize(Decimal("0.000001")))
        formula = f'=IF(F{line}=0,"n/a",ROUND(I{line}/F{line},6))'
        sheet.write_formula(f"J{line}", formula, styles("percent", "right"), share)
        formula = f'=IF(F{line}=0,"{NOT_YET_DUE}",IF(I{line}>=F{line},"{REACHED}","{NOT_REACHED}"))'
        sheet.write_formula(f"K{line}", formula, styles("centred"), find_status(item, item.achieved))
        sheet.write_row(f"L{line}", [item.in_charge, item.evidence], styles("words"))
    for status, color in ((REACHED, "#D7F0E2"), (NOT_REACHED, "#FBE3D3")):
        look = styles.book.add_format({"bg_color": color})
        rule = {"type": "cell", "criteria": "==", "value": f'"{status}"', "format": look}
        sheet.conditional_format(f"K{first}:K{last}", rule)
    for line, (status, count) in enumerate(count_statuses({}).items(), last + 2):
        sheet.write(f"K{line}", status, styles("words"))
        sheet.write_formula(f"L{line}", f'=COUNTIF(K{first}:K{last},"{status}")', styles("whole"), count)
    sheet.freeze_panes(4, 3)
    sheet.autofilter(3, 0, last - 1, len(columns) - 1)
    sheet.repeat_rows(3)


def make_measurement_data() -> bytes:
    """Step 4: the workbook of indicators, the data behind indicator 1, and what the columns mean."""
    output = io.BytesIO()
    book = xlsxwriter.Workbook(output, {"in_memory": True})
    book.set_properties(
        {
            "title": f"Data Capaian Kinerja {PERIOD}",
            "subject": MARK,
            "author": SARI.name,
            "company": INSTITUTION,
            "comments": DISCLAIMER,
            "created": datetime(2026, 3, 25, 13, 40, tzinfo=WIB),
        }
    )
    styles = SheetStyles(book)
    main, detail, notes = sheets = [book.add_worksheet(name) for name in ("Capaian IKU", "Rincian IKU 1", "Keterangan")]
    for sheet in sheets:
        sheet.hide_gridlines(2)
        sheet.set_paper(9)
        sheet.set_header(f'&R&"Arial,Bold"&10{MARK}')
        sheet.set_footer(f"&L&8{DISCLAIMER}&R&8Halaman &P dari &N")
        sheet.fit_to_pages(1, 0)
    write_indicators(main, styles, write_graduates(detail, styles))
    notes.set_column("A:A", 26)
    notes.set_column("B:B", 90)
    notes.write("A1", "Keterangan", styles("title"))
    notes.write("B1", MARK, styles("mark"))
    explained = parse_rows(f"""
Disusun oleh | {SARI.name}, {SARI.title}; {AGUS.name}, {AGUS.title}
Keadaan data | {format_weekday(MEASURED_ON)}
Capaian TW I | Pembilang / penyebut; untuk satuan % dikali 100; dibulatkan dua angka di belakang koma
% terhadap target TW I | Capaian TW I / target TW I; n/a bila triwulan I belum ditargetkan
Data dukung | Disimpan terpisah dan diberi kode IKU yang didukungnya
Catatan | {DISCLAIMER}
""")
    for line, (label, value) in enumerate(explained, 3):
        notes.write(f"A{line}", label, styles("total"))
        notes.write(f"B{line}", value, styles("words"))
    book.close()
    return rewrite_zip(output.getvalue())


def draw_signature_picture(person: Person) -> bytes:
    """A signature as a small picture, for a cell of the attendance list."""
    picture = Image.new("L", (600, 360), 255)
    ink_strokes(ImageDraw.Draw(picture), parse_strokes(person.signature), (60, 250), 3.4, 5, 60)
    return encode_png(limit_tones(picture.reduce(3), 15))


def fill_cell(cell: _Cell, text: str, *, bold: bool = False, size: float = 9, on: str = "") -> None:
    """Write into a cell of a DOCX table; ``on`` is the background under white text."""
    paragraph = cell.paragraphs[0]
    paragraph.paragraph_format.space_before, paragraph.paragraph_format.space_after = Pt(1.5), Pt(1.5)
    cell.vertical_alignment = WD_CELL_VERTICAL_ALIGNMENT.CENTER
    run = paragraph.add_run(text)
    run.bold, run.font.size = bold, Pt(size)
    if on:
        run.font.color.rgb = RGBColor(255, 255, 255)
        shading = OxmlElement("w:shd")
        shading.set(qn("w:val"), "clear")
        shading.set(qn("w:fill"), on)
        cell._tc.get_or_add_tcPr().append(shading)


def add_table(document: Document, head: str, rows: Sequence[Sequence[str]], widths_cm: Sequence[float]) -> Any:
    """A ruled table at the end of the document; an empty ``head`` gives a table without head and rules."""
    table: Any = document.add_table(rows=0, cols=len(widths_cm), style="Table Grid" if head else None)
    table.alignment, table.autofit = WD_TABLE_ALIGNMENT.CENTER, False
    for column, width in zip(table.columns, widths_cm, strict=True):
        column.width = Cm(width)
    for number, row in enumerate([head.split(" | "), *rows] if head else rows):
        is_head = bool(head) and number == 0
        added = table.add_row()
        added._tr.get_or_add_trPr().append(OxmlElement("w:tblHeader" if is_head else "w:cantSplit"))
        for cell, text, width in zip(added.cells, row, widths_cm, strict=True):
            fill_cell(cell, text, bold=is_head, size=9 if head else 10, on="14325C" if is_head else "")
            cell.width = Cm(width)
    return table


def drop_unused_parts(document: Document) -> None:
    """Remove what python-docx's template brings along unused: a preview and 700 kB of table styles."""
    for rels in (document.part.package.rels, document.part.rels):
        unused = [key for key, rel in rels.items() if rel.reltype.endswith(("/thumbnail", "/stylesWithEffects"))]
        for key in unused:
            del rels[key]
    for style in list(document.styles.element.iter(qn("w:style"))):
        if style.get(qn("w:type")) == "table" and style.get(qn("w:styleId")) not in (
            "TableNormal",
            "TableGrid",
        ):
            style.getparent().remove(style)


def make_minutes() -> bytes:
    """Step 5: the minutes of the meeting, with decisions and a signed attendance list."""
    document = docx.Document()
    navy, present = RGBColor(0x14, 0x32, 0x5C), (SARI, AGUS, HENDRA, BIMA, MAYA, YOGA, DIAN, RIZKY)
    section = document.sections[0]
    section.page_width, section.page_height = Cm(21), Cm(29.7)
    section.left_margin = section.right_margin = Cm(2.2)
    section.top_margin, section.bottom_margin = Cm(2.3), Cm(2)
    normal = document.styles["Normal"]
    normal.font.name, normal.font.size = "Arial", Pt(10)
    normal.paragraph_format.space_after = Pt(4)
    for language in document.styles.element.iter(qn("w:lang")):
        language.set(qn("w:val"), "id-ID")

    def add_line(text: str, size: float, *, bold: bool = False, style: str | None = None) -> None:
        paragraph = document.add_paragraph(style=style)
        run = paragraph.add_run(text)
        run.bold, run.font.name, run.font.size, run.font.color.rgb = bold, "Arial", Pt(size), navy
        if style is None:
            paragraph.alignment = WD_ALIGN_PARAGRAPH.CENTER
        else:
            paragraph.paragraph_format.space_before, paragraph.paragraph_format.space_after = Pt(12), Pt(4)

    def add_items(style: str, text: str) -> None:
        for line in text.strip().splitlines():
            document.add_paragraph(line, style=style).paragraph_format.space_after = Pt(2)

    header = section.header.paragraphs[0]
    header.alignment = WD_ALIGN_PARAGRAPH.RIGHT
    mark, foot = header.add_run(MARK), section.footer.paragraphs[0].add_run(f"{MARK} - {DISCLAIMER}")
    mark.bold, mark.font.size, mark.font.color.rgb = True, Pt(9), RGBColor(0xB3, 0x54, 0x1E)
    foot.font.size, foot.font.color.rgb = Pt(7.5), RGBColor(0x5B, 0x64, 0x72)
    add_line(INSTITUTION.upper(), 11, bold=True)
    add_line("NOTULA RAPAT PEMBAHASAN CAPAIAN KINERJA", 14, bold=True)
    add_line(PERIOD, 10)
    facts = f"""
Hari, tanggal | {format_weekday(MEETING_ON)}
Waktu | 09.00 s.d. 11.30 WIB
Tempat | Ruang Rapat Direktorat, Sungailiat
Pimpinan rapat | {SARI.name}, {SARI.title}
Notulis | {AGUS.name}, {AGUS.title}
Bahan | Lembar data capaian kinerja keadaan {format_date(MEASURED_ON)} dan data dukung IKU 1
"""
    add_table(document, "", parse_rows(facts), (3.6, 13))
    add_line("A. Agenda", 11.5, bold=True, style="Heading 1")
    add_items(
        "List Number",
        """
Pemaparan hasil pengukuran dan pengumpulan data capaian setiap indikator.
Pembahasan kendala dan rekomendasi.
Kesepakatan tindak lanjut dan penanggung jawab.
""",
    )
    add_line("B. Pembahasan", 11.5, bold=True, style="Heading 1")
    discussed = []
    for item in INDICATORS:
        amounts = f"{format_amount(item, item.achieved)} dari {format_amount(item, item.quarter_target)}"
        discussed.append((item.code, amounts, find_status(item, item.achieved), item.obstacle))
    add_table(document, "Kode | Capaian | Status | Pokok pembahasan", discussed, (1.6, 3.6, 3.2, 8.2))
    add_line("C. Keputusan rapat", 11.5, bold=True, style="Heading 1")
    add_items(
        "List Bullet",
        f"""
Data capaian kinerja diterima sebagai dasar rumusan; tidak ada angka yang berubah dalam rapat.
IKU 2, IKU 6, dan IKU 9 belum mencapai target triwulan I dan mendapat tindak lanjut pada triwulan II.
Penerbitan SK magang bagi 84 mahasiswa selesai paling lambat 17 April 2026 (Koordinator Kemahasiswaan).
Rencana penarikan dana triwulan II diperbaiki paling lambat 8 April 2026 (Koordinator Keuangan).
Rumusan capaian, rekomendasi, kendala, dan tindak lanjut disusun {BIMA.name} paling lambat \
{format_date(FORMULATED_ON)}.
""",
    )
    add_line("D. Daftar hadir", 11.5, bold=True, style="Heading 1")
    document.paragraphs[-1].paragraph_format.page_break_before = True
    rows = [(str(number), person.name, person.title, "") for number, person in enumerate(present, 1)]
    attendance = add_table(document, "No. | Nama | Jabatan | Tanda tangan", rows, (1.1, 6, 6, 3.5))
    for row, person in zip(attendance.rows[1:], present, strict=True):
        run = row.cells[3].paragraphs[0].add_run()
        picture = run.add_picture(io.BytesIO(draw_signature_picture(person)), width=Cm(1.9))
        picture._inline.docPr.set("descr", f"Tanda tangan contoh {person.name}")
    closing = document.add_paragraph(
        f"Sungailiat, {format_date(MEETING_ON)}. Diperiksa {SARI.name}; dibuat {AGUS.name}"
    )
    closing.paragraph_format.space_before = Pt(10)

    properties = document.core_properties
    properties.title, properties.subject = f"Notula Rapat Pembahasan Capaian Kinerja {PERIOD}", MARK
    properties.author = properties.last_modified_by = AGUS.name
    properties.comments, properties.language, properties.revision = DISCLAIMER, "id-ID", 1
    # OPC dates are UTC; python-docx writes the fields of the datetime as they are.
    properties.created = properties.modified = datetime(2026, 3, 26, 5, 10, tzinfo=UTC)
    drop_unused_parts(document)
    output = io.BytesIO()
    document.save(output)
    return rewrite_zip(output.getvalue())


# ---------------------------------------------------------------- the index and the command

INDEX = f"""\
# Written by scripts/make_samples.py; change it there. Every person and figure is invented.
schema = 1

[[samples]]
file = "01-surat-permintaan-laporan.pdf"
step = "1"
kind = "request_letter"
title = "Surat permintaan laporan capaian kinerja {PERIOD}"
round = 1
date = "{LETTER_ON}"
number = "{LETTER_NUMBER}"
sender = "{LETTER_SENDER}"
agenda_number = "{AGENDA_NUMBER}"
received_at = "{RECEIVED_AT.isoformat()}"
reply_due_on = "{REPLY_DUE_ON}"

[[samples]]
file = "02-lembar-disposisi.jpg"
step = "2"
kind = "disposition"
title = "Disposisi Direktur kepada Kepala Bagian"
round = 1
date = "{DISPOSITION_ON}"

[[samples]]
file = "03-tindak-lanjut-disposisi.pdf"
step = "3"
kind = "follow_up"
title = "Tindak lanjut atas disposisi"
round = 1
date = "{FOLLOW_UP_ON}"
number = "{FOLLOW_UP_NUMBER}"

[[samples]]
file = "04-data-capaian-kinerja.xlsx"
step = "4"
kind = "measurement_data"
title = "Data capaian kinerja {PERIOD}"
round = 1
date = "{MEASURED_ON}"

[[samples]]
file = "04-data-dukung-iku-1.pdf"
step = "4"
kind = "measurement_data"
title = "Data dukung IKU 1: rekapitulasi tracer study lulusan 2025"
round = 1
date = "{MEASURED_ON}"
indicator = "IKU 1"

[[samples]]
file = "05-notula-rapat.docx"
step = "5"
kind = "meeting_decision"
title = "Notula rapat pembahasan capaian kinerja"
round = 1
date = "{MEETING_ON}"

[[samples]]
file = "06-rumusan-capaian-kinerja.pdf"
step = "6"
kind = "formulation"
title = "Rumusan hasil rapat pembahasan capaian kinerja"
round = 1
date = "{FORMULATED_ON}"

[[samples]]
file = "06-rumusan-capaian-kinerja-perbaikan.pdf"
step = "6"
kind = "formulation"
title = "Rumusan hasil rapat pembahasan capaian kinerja (perbaikan)"
round = 2
date = "{CORRECTED_ON}"
answers_return = "{RETURN_REASON}"

[[samples]]
file = "{REPORT_FILE}"
step = "10"
kind = "submitted_report"
title = "Laporan capaian kinerja {PERIOD}"
round = 1
date = "{REPORT_ON}"
number = "{REPORT_NUMBER}"

[[samples]]
file = "10-bukti-unggah.png"
step = "10"
kind = "submission_receipt"
title = "Bukti unggah pada aplikasi {APPLICATION}"
round = 1
date = "{UPLOADED_AT.date()}"
application = "{APPLICATION}"
address = "{RECEIPT_ADDRESS}"
number = "{RECEIPT_NUMBER}"
"""


def make_index() -> bytes:
    """``samples.toml``: the documents in the order of their use, and the indicators that they speak of."""
    indicators = [
        f"""
[[indicators]]
code = "{item.code}"
name = "{item.name}"
unit = "{item.unit}"
target = "{item.quarter_target}"
achievement = "{item.achieved}"
in_charge = "{item.in_charge}"
"""
        for item in INDICATORS
    ]
    return "".join([INDEX, *indicators]).encode()


def make_samples() -> dict[str, bytes]:
    """Every sample file by its name, the index among them."""
    register_fonts()
    report = make_report()
    return {
        "01-surat-permintaan-laporan.pdf": make_request_letter(),
        "02-lembar-disposisi.jpg": make_disposition_scan(),
        "03-tindak-lanjut-disposisi.pdf": make_follow_up(),
        "04-data-capaian-kinerja.xlsx": make_measurement_data(),
        "04-data-dukung-iku-1.pdf": make_supporting_data(),
        "05-notula-rapat.docx": make_minutes(),
        "06-rumusan-capaian-kinerja.pdf": make_formulation(1),
        "06-rumusan-capaian-kinerja-perbaikan.pdf": make_formulation(2),
        REPORT_FILE: report,
        "10-bukti-unggah.png": make_upload_receipt(report),
        INDEX_NAME: make_index(),
    }


def list_differences(folder: Path, made: dict[str, bytes]) -> list[str]:
    """One line for each file of ``folder`` that is missing, differs from the one made, or is not a sample."""
    found = {path.name: path.read_bytes() for path in folder.glob("*") if path.is_file()}
    lines = [f"{name}: missing" for name in made if name not in found]
    lines += [f"{name}: differs" for name, data in made.items() if name in found and found[name] != data]
    return lines + [f"{name}: not a sample" for name in sorted(found.keys() - made.keys())]


def main(arguments: Sequence[str] | None = None) -> int:
    """The exit status: 0, or 1 when ``--check`` finds a difference."""
    parser = argparse.ArgumentParser(description="Write the sample documents of one SOP-SPMI-601 dossier.")
    parser.add_argument("folder", metavar="DIR", type=Path, nargs="?", default=DEFAULT_DIR)
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 when a file in DIR differs")
    options = parser.parse_args(arguments)
    made = make_samples()
    if options.check:
        differences = list_differences(options.folder, made)
        for line in differences:
            print(line)
        return 1 if differences else 0
    options.folder.mkdir(parents=True, exist_ok=True)
    for name, data in made.items():
        (options.folder / name).write_bytes(data)
        print(f"{len(data):>8,}  {name}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
