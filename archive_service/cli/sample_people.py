"""The invented people, units and texts of the sample year."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Member:
    """An invented person of the demo."""

    login: str
    name: str
    role: str
    lead: bool = False


PEOPLE = (
    Member("ratna", "Dr. Ratna Dewi Lestari, S.T., M.T.", "satker_head"),
    Member("hendra", "Hendra Saputra, S.E., M.M.", "section_head"),
    Member("sari", "Sari Wulandari, S.Si.", "sakip_team", lead=True),
    Member("agus", "Agus Prasetyo, A.Md.", "sakip_team"),
    Member("bima", "Bima Nugraha, S.E.", "planning_officer"),
    Member("maya", "Maya Putri, A.Md.", "data_officer"),
    Member("wahyu", "Wahyu Hidayat, S.E., Ak.", "auditor"),
    Member("nuraini", "Nur Aini, S.Kom.", "quality_checker"),
)
"""Who works at the top unit, and the two who look at all of them."""


@dataclass(frozen=True)
class SampleUnit:
    """A work unit and its people."""

    number: int
    code: str
    name: str
    members: tuple[Member, ...]

    def logins(self, role: str) -> list[str]:
        """Who has this role, the lead first."""
        return [m.login for m in self.members if m.role == role]


def _staff(suffix: str, head: str, section: str, lead: str, second: str, planner: str, data: str) -> tuple[Member, ...]:
    roles = [("satker_head", head), ("section_head", section), ("sakip_team", lead), ("sakip_team", second)]
    roles += [("planning_officer", planner), ("data_officer", data)]
    return tuple(Member(f"{name.split()[0].lower()}.{suffix}", name, role, name == lead) for role, name in roles)


SAMPLE_UNITS = (
    SampleUnit(1, "polman-babel", "Politeknik Manufaktur Negeri Bangka Belitung", PEOPLE),
    SampleUnit(
        2,
        "jur-elka",
        "Jurusan Teknik Elektro dan Informatika",
        _staff(
            "elka",
            "Yudi Kurniawan, M.T.",
            "Linda Marlina, S.E.",
            "Fajar Ramadhan, M.Kom.",
            "Dewi Anggraini, S.Tr.T.",
            "Rizky Maulana, S.E.",
            "Putri Handayani, A.Md.",
        ),
    ),
    SampleUnit(
        3,
        "jur-mesin",
        "Jurusan Teknik Mesin",
        _staff(
            "mesin",
            "Eko Susanto, M.Eng.",
            "Tuti Suryani, S.Sos.",
            "Dimas Aryanto, M.T.",
            "Novi Rahmawati, S.T.",
            "Joko Purnomo, S.E.",
            "Intan Permata, A.Md.",
        ),
    ),
    SampleUnit(
        4,
        "bag-keuangan",
        "Bagian Umum dan Keuangan",
        _staff(
            "keuangan",
            "Siti Rohani, S.E., M.Ak.",
            "Bambang Irawan, S.H.",
            "Arif Setyawan, S.E.",
            "Melati Kusuma, A.Md.",
            "Gilang Pratama, S.Ak.",
            "Wulan Safitri, A.Md.",
        ),
    ),
    SampleUnit(
        5,
        "upt-perpustakaan",
        "UPT Perpustakaan",
        _staff(
            "pustaka",
            "Hasan Basri, M.Hum.",
            "Rina Oktaviani, S.IP.",
            "Teguh Santoso, S.IP.",
            "Laras Ayuningtyas, A.Md.",
            "Doni Saputra, S.E.",
            "Citra Lestari, A.Md.",
        ),
    ),
    SampleUnit(
        6,
        "upt-tik",
        "UPT Teknologi Informasi dan Komunikasi",
        _staff(
            "tik",
            "Ahmad Fauzi, M.Kom.",
            "Nina Herlina, S.Kom.",
            "Reza Firmansyah, S.Kom.",
            "Vina Amelia, A.Md.Kom.",
            "Iwan Gunawan, S.E.",
            "Anisa Zahra, A.Md.",
        ),
    ),
)


@dataclass(frozen=True)
class Letters:
    """What the people of the year write."""

    sender: str = "Sekretariat Direktorat Jenderal"
    application: str = "Aplikasi pelaporan kinerja"
    address: str = "https://kinerja.example.test"
    order: str = "128/PL28/KP/2025"
    return_reason: str = "Capaian IKU 3 belum sama dengan data dukung; perbaiki angka dan rekomendasinya."
    late_reason: str = (
        "Data dari dua program studi baru lengkap sepekan kemudian; permintaan sudah dikirim sejak hari pertama."
    )
    ask_again: str = "Sebutkan program studi yang terlambat dan kapan permintaan dikirim."
    pause_reason: str = "Aplikasi sumber data tidak dapat diakses sepekan karena pemeliharaan oleh kementerian."
    cancellation_reason: str = "Surat permintaan ditarik oleh pengirim dan diganti dengan surat gabungan semester."
    result: tuple[str, str, str] = (
        "Mulai penelusuran lulusan satu bulan lebih awal.",
        "Tanggapan pengguna lulusan belum merata.",
        "Jadwal penelusuran ditetapkan bersama program studi.",
    )
    candidate: str = "Langkah 4 melampaui waktu baku dalam triwulan yang diperiksa."
    problem: str = "Pengumpulan data capaian kinerja melampaui waktu baku dua hari."
    location: str = "Langkah 4, Tim SAKIP"
    objective_evidence: str = "Catatan audit waktu kirim langkah 4 dan hasil penilaiannya."
    reference: str = "SOP-SPMI-601, langkah 4: waktu 2 hari"
    cause: str = "Permintaan data dikirim tanpa tenggat dan tanpa penanggung jawab cadangan."
    action: str = "Tetapkan tenggat dan penanggung jawab cadangan untuk setiap indikator."
    action_note: str = "Daftar penanggung jawab cadangan ditetapkan 12 Januari."
    effect_note: str = "Daftar diperiksa; berlaku sejak triwulan I."


LETTERS = Letters()
