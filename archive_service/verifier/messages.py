"""What each step of a verification proves, in Bahasa Indonesia and English."""

from __future__ import annotations

from typing import Dict, Tuple

STEPS: Dict[str, Tuple[str, str]] = {
    "container": ("Wadah ZIP utuh, tanpa byte tersembunyi", "The ZIP container is whole, without a hidden byte"),
    "bag": (
        "Kantong BagIt lengkap; setiap berkas cocok dengan sidiknya",
        "The BagIt bag is complete; every file matches its digest",
    ),
    "events": ("Catatan audit terbaca dan berbentuk baku", "The audit records can be read and are canonical"),
    "chains": ("Setiap jejak audit adalah rantai yang tidak terputus", "Every stream is an unbroken chain"),
    "closing": (
        "Segel pelaksanaan menghitung semua catatan; tidak ada yang hilang di akhir",
        "The seal counts all records; none is missing at the end",
    ),
    "checkpoint": ("Segel log ditandatangani kunci log", "The checkpoint is signed by the log's key"),
    "membership": ("Setiap catatan audit adalah anggota log", "Every record is a member of the log"),
    "registrations": (
        "POS, kalender, kunci, dan unit kerja terdaftar dalam log",
        "SOP, calendar, keys and work unit are registered in the log",
    ),
    "moves": ("Setiap langkah sah menurut POS", "Every move is legal under the SOP"),
    "authority": ("Setiap pelaku berwenang pada saat bertindak", "Every actor had authority when acting"),
    "duties": ("Tugas terpisah menurut orang", "Duties are separated by person"),
    "documents": ("Setiap versi dokumen ada dan utuh", "Every document version is there and intact"),
    "openings": ("Nama dan keterangan cocok dengan komitmennya", "Names and reasons match their commitments"),
    "time": ("Hasil penilaian waktu dihitung ulang", "Time verdicts are computed again"),
    "completeness": ("Hasil penilaian kelengkapan dihitung ulang", "Completeness verdicts are computed again"),
    "deviations": ("Setiap penyimpangan mutu baku tercatat dan beralasan", "Every deviation is recorded and founded"),
    "statement": (
        "Pernyataan kelengkapan disusun ulang dan sama",
        "The completeness statement is built again and is the same",
    ),
    "report": ("Laporan disusun ulang dan sama", "The report is rendered again and is the same"),
}
"""Step id → what it proves; their order is the order of verification."""

WORDS: Dict[str, Tuple[str, str]] = {
    "level": (
        "Tingkat: ditandatangani; saksi 0 dari 0; tanpa cap waktu; waktu adalah klaim penerbit.",
        "Level: signed; witnessed 0 of 0; no time-stamp; times are claimed by the issuer.",
    ),
    "skipped": ("tidak dapat diperiksa", "could not be checked"),
    "more": ("dan %d lagi", "and %d more"),
    "no_key": (
        "Tanpa kunci pemeriksa: siapa pun dapat membuat paket yang konsisten. Beri --key dari tempat penerbitannya.",
        "Without a verifier key: anybody can make a consistent bundle. Give --key from where it is published.",
    ),
    "no_bundle": ("Ini bukan paket arsip.", "This is no bundle."),
}
