"""The bundle's layout (one-way): names, bag files and every byte of the ZIP container, as functions of what it holds.

Writer and verifier share these functions: a bundle is right when it is byte for byte what they give. Sources: RFC 8493
(BagIt 1.0); APPNOTE.TXT 6.3.10 sections 4.3.7 to 4.3.16 (ZIP, ZIP64).
"""

from __future__ import annotations

import re
import struct
from typing import Dict, Iterable, List, NamedTuple, Optional, Sequence, Tuple

from archive_service.domain.dossier import Dossier
from archive_service.domain.refusal import PAPER_RECORDS_LIMIT

FORMAT = "archive-service bundle 1"
EXTENSIONS: Dict[str, str] = {
    "application/pdf": "pdf",
    "image/jpeg": "jpg",
    "image/png": "png",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": "xlsx",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document": "docx",
}
"""Media type → extension of a document's name in a bundle; ``bin`` for any other."""

BAGIT = "bagit.txt"
BAG_INFO = "bag-info.txt"
MANIFEST = "manifest-sha256.txt"
TAG_MANIFEST = "tagmanifest-sha256.txt"
README = "data/README.txt"
VERIFIER = "data/verify.py"
EVIDENCE_FOLDER = "data/evidence/"
EVENTS = "data/evidence/dossier.jsonl"
REGISTRATIONS = "data/evidence/registrations.jsonl"
STATEMENT = "data/evidence/statement.json"
OPENINGS = "data/evidence/openings.json"
PROOFS = "data/evidence/proofs.json"
CHECKPOINT = "data/evidence/checkpoint.txt"
KEYS = "data/evidence/keys.txt"
CONSISTENCY = "data/evidence/consistency.json"
CHECKPOINTS_FOLDER = "data/evidence/checkpoints/"
REPORT = "data/report/report.txt"
PERSONS_FOLDER = "data/evidence/persons/"
DEFINITIONS_FOLDER = "data/evidence/definitions/"
DOCUMENTS_FOLDER = "data/documents/"

BAGIT_TEXT = "BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n"
README_TEXT = """PAKET ARSIP / ARCHIVED BUNDLE

Paket ini memuat seluruh dokumen satu pelaksanaan POS beserta bukti lengkapnya.
  data/documents/   setiap versi setiap dokumen
  data/evidence/    catatan audit berantai hash, bukti keanggotaan dalam log, segel log, ketentuan, pernyataan kelengkapan
  data/report/      laporan yang dapat dibaca
  data/verify.py    pemeriksa dalam satu berkas; cukup Python 3.9 atau yang lebih baru
Cara memeriksa tanpa perangkat lunak kami:
  sha256sum -c manifest-sha256.txt
  sha256sum -c tagmanifest-sha256.txt
  bagit.py --validate <folder ini>
Cara memeriksa seluruh bukti (rantai, log, wewenang, waktu, kelengkapan), dari folder ini:
  sha256sum data/verify.py
  python3 data/verify.py ../<paket>.zip --key <kunci pemeriksa log>
Jalankan hanya bila sidiknya sama dengan yang diterbitkan; lebih baik lagi, ambil verify.py dari tempat penerbitannya.
Ambil kunci pemeriksa dari tempat penerbitannya, bukan dari paket ini: data/evidence/keys.txt hanya salinan.
Rantai hash menunjukkan perubahan; ia bukan tanda tangan elektronik.

This bundle holds every document of one run of a procedure, with its whole evidence.
  data/documents/   every version of every document
  data/evidence/    hash-chained audit records, proofs of membership in the log, signed checkpoint, definitions, completeness statement
  data/report/      a report to read
  data/verify.py    the verifier in one file; Python 3.9 or newer is enough
To check it without software of ours:
  sha256sum -c manifest-sha256.txt
  sha256sum -c tagmanifest-sha256.txt
  bagit.py --validate <this folder>
To check all evidence (chains, log, authority, time, completeness), from this folder:
  sha256sum data/verify.py
  python3 data/verify.py ../<bundle>.zip --lang en --key <the log's verifier key>
Run it only if its digest is the published one; better still, take verify.py from where it is published.
Take the verifier key from where it is published, not from this bundle: data/evidence/keys.txt is a copy only.
A hash chain shows changes; it is no electronic signature.
"""

EVENTS_LIMIT = 10_000
PERSON_EVENTS_LIMIT = 2_000
EVENT_LIMITS: Dict[str, int] = {
    "document.received": 2_000,
    "document.paper_recorded": PAPER_RECORDS_LIMIT,
    "step.started": 1_000,
    "step.moved": 2_000,
    "deviation.recorded": 2_000,
    "deviation.explained": 1_000,
    "pause.granted": 500,
    "step.judged": 4_000,
    "calendar.adopted": 8,
    "indicator.set": 2_000,
    "indicator.result_recorded": 4_000,
    "recommendation.carried": 200,
    "recommendation.answered": 2_000,
}
"""How much one dossier's bundle may hold: so that verifying a hostile one ends in bounded time and memory.

All events of the bundle, the events of one person, and event types whose folding looks back over their likes.
"""

ATTESTED_LIMIT = 1_000
TOKENS_LIMIT = 16
LOG_KEYS_LIMIT = 16
"""Attested checkpoints in a bundle, time-stamps over one of them, and keys that a log signed with."""

EVIDENCE_LIMIT_BYTES = 32 * 1024 * 1024
EVIDENCE_TOTAL_LIMIT_BYTES = 128 * 1024 * 1024
"""How large one evidence file may be, and all of them: a verifier holds them in memory. Documents have no limit."""

VALUES_LIMIT = 500_000
"""How many objects and arrays one JSON file may hold: an empty one has two bytes in a file and hundreds in memory."""

NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*(?:/[A-Za-z0-9_][A-Za-z0-9_.-]*)*")
"""Names in a bundle: ASCII, relative, no empty part and none that begins with a dot."""

_MADE_BY = 45  # ZIP64 needs version 4.5
_UTF8 = 0x0800
_DOS_TIME = 0
_DOS_DATE = 0x0021  # 1 January 1980, the first day that a ZIP knows
_MODE = 0o100644 << 16
_MAX16 = 0xFFFF
_MAX32 = 0xFFFFFFFF
LOCAL_BYTES = 30 + 20
CENTRAL_BYTES = 46 + 28
END_BYTES = 56 + 20 + 22
LOCAL_SIGNATURE = b"PK\x03\x04"
END_SIGNATURE = b"PK\x05\x06"
_CENTRAL = struct.Struct("<4sBBBBHHHHIIIHHHHHII")
_CENTRAL_EXTRA = struct.Struct("<HHQQQ")
_END64 = struct.Struct("<4sQHHIIQQQQ")


class ZipEntry(NamedTuple):
    """One stored file: name, size in bytes, CRC-32, offset of its local header."""

    name: str
    size: int
    crc32: int
    offset: int

    @property
    def data_offset(self) -> int:
        """Where the file's bytes begin."""
        return self.offset + LOCAL_BYTES + len(self.name)


def local_header(entry: ZipEntry) -> bytes:
    """The bytes before a file's data."""
    name = entry.name.encode("ascii")
    fixed = struct.pack(
        "<4sHHHHHIIIHH",
        LOCAL_SIGNATURE,
        _MADE_BY,
        _UTF8,
        0,
        _DOS_TIME,
        _DOS_DATE,
        entry.crc32,
        _MAX32,
        _MAX32,
        len(name),
        20,
    )
    return fixed + name + struct.pack("<HHQQ", 1, 16, entry.size, entry.size)


def central_header(entry: ZipEntry) -> bytes:
    """The file's record in the central directory."""
    name = entry.name.encode("ascii")
    fixed = _CENTRAL.pack(
        b"PK\x01\x02",
        _MADE_BY,
        3,
        _MADE_BY,
        0,
        _UTF8,
        0,
        _DOS_TIME,
        _DOS_DATE,
        entry.crc32,
        _MAX32,
        _MAX32,
        len(name),
        28,
        0,
        0,
        0,
        _MODE,
        _MAX32,
    )
    return fixed + name + _CENTRAL_EXTRA.pack(1, 24, entry.size, entry.size, entry.offset)


def end_records(count: int, central_size: int, central_offset: int) -> bytes:
    """The three records after the central directory: ZIP64 end, its locator, end."""
    return (
        _END64.pack(b"PK\x06\x06", 44, _MADE_BY, _MADE_BY, 0, 0, count, count, central_size, central_offset)
        + struct.pack("<4sIQI", b"PK\x06\x07", 0, central_offset + central_size, 1)
        + struct.pack("<4sHHHHIIH", END_SIGNATURE, _MAX16, _MAX16, _MAX16, _MAX16, _MAX32, _MAX32, 0)
    )


def read_central_entry(central: bytes, position: int) -> Tuple[ZipEntry, int]:
    """The entry at a position of the central directory, and the position after it.

    ValueError for bytes that we do not write.
    """
    fixed = central[position : position + _CENTRAL.size]
    if len(fixed) != _CENTRAL.size:
        raise ValueError("the central directory ends in the middle of a record")
    values = _CENTRAL.unpack(fixed)
    after = position + _CENTRAL.size + values[12] + 28
    name = central[position + _CENTRAL.size : position + _CENTRAL.size + values[12]]
    extra = central[after - 28 : after]
    if len(extra) != 28:
        raise ValueError("the central directory ends in the middle of a record")
    _, _, size, _, offset = _CENTRAL_EXTRA.unpack(extra)
    entry = ZipEntry(name.decode("ascii"), size, values[9], offset)
    if central[position:after] != central_header(entry):
        raise ValueError(f"the record of {entry.name!r} has other bytes than follow from name, size and CRC")
    return entry, after


def read_end_records(tail: bytes) -> Tuple[int, int, int]:
    """Count of entries, size and offset of the central directory, from the last 98 bytes.

    ValueError for bytes that we do not write.
    """
    if len(tail) != END_BYTES:
        raise ValueError("the file is too short for its end records")
    count, _, central_size, central_offset = struct.unpack_from("<QQQQ", tail, 24)
    # sums are checked before they are packed: a hostile number may not fit into its field
    if central_offset + central_size >= 2**63 or tail != end_records(count, central_size, central_offset):
        raise ValueError("the end records have other bytes than follow from the entries")
    return count, central_size, central_offset


def bundle_name(dossier_id: str) -> str:
    """The name of the bundle's one folder, and of its file without ``.zip``."""
    return f"dossier-{dossier_id}"


def find_excess(types: Iterable[str], persons: Iterable[int]) -> Optional[str]:
    """What a bundle with these types of events and these lengths of persons' streams has too much of, or None."""
    counts: Dict[str, int] = {}
    for type in types:
        counts[type] = counts.get(type, 0) + 1
    if sum(counts.values()) > EVENTS_LIMIT:
        return f"more than {EVENTS_LIMIT} events"
    for type, limit in EVENT_LIMITS.items():
        if counts.get(type, 0) > limit:
            return f"more than {limit} {type} events"
    if any(count > PERSON_EVENTS_LIMIT for count in persons):
        return f"more than {PERSON_EVENTS_LIMIT} events of one person"
    return None


def attested_name(size: int) -> str:
    """The path of an attested checkpoint."""
    return f"{CHECKPOINTS_FOLDER}{size:020d}.txt"


def token_name(size: int, number: int) -> str:
    """The path of a time-stamp response over it, numbered from 1."""
    return f"{CHECKPOINTS_FOLDER}{size:020d}.{number}.tsr"


def require_sparse(data: bytes) -> None:
    """Raise ValueError when JSON in these bytes could hold more objects and arrays than a verifier would make room for."""
    # brackets inside texts count too: what is asked is an upper bound, without reading anything
    if data.count(b"{") + data.count(b"[") > VALUES_LIMIT:
        raise ValueError(f"there are more than {VALUES_LIMIT} objects and arrays")


def document_names(dossier: Dossier) -> Dict[str, str]:
    """Version id → path of its file in the bundle; names are made here, so no uploader's name reaches a file system."""
    order: Dict[Tuple[str, str], List[str]] = {}
    names: Dict[str, str] = {}
    for v in dossier.versions:
        documents = order.setdefault((v.step, v.kind), [])
        if v.document not in documents:
            documents.append(v.document)
        number = documents.index(v.document) + 1
        extension = EXTENSIONS.get(v.media_type, "bin")
        names[v.id] = f"{DOCUMENTS_FOLDER}s{v.step}-i{v.iteration}-{v.kind}-{number:02d}-v{v.number}.{extension}"
    return names


def bag_info_text(*, organization: str, dossier_id: str, bagged_on: str, payload: Sequence[int]) -> str:
    """``bag-info.txt``; ``payload`` holds the sizes of all payload files in bytes."""
    return (
        f"Bag-Software-Agent: {FORMAT}\n"
        f"Bagging-Date: {bagged_on}\n"
        f"External-Identifier: {dossier_id}\n"
        f"Payload-Oxum: {sum(payload)}.{len(payload)}\n"
        f"Source-Organization: {organization}\n"
    )


def manifest_text(digests: Iterable[Tuple[str, str]]) -> str:
    """A manifest over (path, hex SHA-256) pairs, ordered by path, as ``sha256sum -c`` reads it."""
    return "".join(f"{digest}  {path}\n" for path, digest in sorted(digests))
