"""What the page for proof says besides the verifier's own sentences, in Bahasa Indonesia and English.

Not in the catalogues: the page is one file that works from disk, and holds both languages.
"""

from __future__ import annotations

WORDS: dict[str, tuple[str, str]] = {
    "title": ("Pemeriksa bukti", "Check evidence"),
    "skip": ("Langsung ke isi", "To the content"),
    "language": ("Bahasa", "Language"),
    "lead": (
        "Periksa paket arsip, atau satu dokumen dengan tanda terimanya, di komputer Anda sendiri. Berkas tidak dikirim ke mana pun: "
        "halaman ini tidak dapat memakai jaringan.",
        "Check an archived bundle, or one document with its receipt, on your own computer. No file is sent anywhere: this page "
        "cannot use the network.",
    ),
    "no_script": (
        "Peramban Anda tidak menjalankan skrip, dan pemeriksaan di halaman ini adalah skrip. Pakailah verify.py dari dalam paket.",
        "Your browser runs no script, and the checks on this page are a script. Use verify.py from inside the bundle.",
    ),
    "drop": ("Seret berkas ke halaman ini, atau pilih di bawah.", "Drag files onto this page, or choose them below."),
    "subject": ("Paket arsip (.zip) atau dokumen", "Archived bundle (.zip) or document"),
    "receipt": ("Tanda terima dokumen", "Receipt of the document"),
    "receipt_hint": ("Hanya untuk memeriksa satu dokumen.", "Only to check a single document."),
    "key": ("Kunci pemeriksa", "Verifier key"),
    "key_hint": (
        "Tempelkan semua baris dari tempat penerbitannya, misalnya situs atau surat lembaga, bukan dari dalam paket. Baris pertama "
        "kunci log, berikutnya kunci tanda terima. Tanpa kunci, penerbit tidak dapat dipastikan.",
        "Paste all lines from where they are published, such as the institution's site or a letter, not from inside the bundle. "
        "The first line is the log's key, then the receipt key. Without a key the issuer cannot be confirmed.",
    ),
    "bad_key": (
        "Kunci pemeriksa tidak dapat dipakai. Tiap baris berbunyi nama+kode+kunci; salinlah seluruhnya.",
        "The verifier key cannot be used. Each line reads name+code+key; copy all of it.",
    ),
    "key_file": ("Atau kunci dari berkas", "Or the key from a file"),
    "choose": ("Pilih berkas", "Choose a file"),
    "none_chosen": ("belum ada", "none yet"),
    "check": ("Periksa", "Check"),
    "cancel": ("Batalkan", "Cancel"),
    "progress": ("Kemajuan pemeriksaan", "Progress of the check"),
    "working": ("Memeriksa … {percent} %", "Checking … {percent} %"),
    "finished": ("Selesai:", "Finished:"),
    "cancelled": ("Dibatalkan. Tidak ada hasil.", "Cancelled. There is no result."),
    "nothing_chosen": ("Pilih paket arsip atau dokumen dahulu.", "Choose a bundle or a document first."),
    "empty": (
        "Berkas ini kosong, atau sudah dipindahkan sejak dipilih. Pilih lagi.",
        "This file is empty, or was moved since it was chosen. Choose it again.",
    ),
    "needs_receipt": (
        "Dokumen sudah dipilih. Tambahkan tanda terimanya, lalu tekan Periksa.",
        "A document is chosen. Add its receipt, then press Check.",
    ),
    "needs_subject": (
        "Tanda terima sudah dipilih. Tambahkan dokumennya, lalu tekan Periksa.",
        "A receipt is chosen. Add its document, then press Check.",
    ),
    "key_taken": (
        "Kunci sudah diisi. Pilih berkas, lalu tekan Periksa.",
        "The key is filled in. Choose a file, then press Check.",
    ),
    "one_at_a_time": (
        "Satu paket atau dokumen sekali periksa; berkas lain diabaikan.",
        "One bundle or document at a time; other files are left aside.",
    ),
    "changed": ("Masukan berubah; tekan Periksa lagi.", "What is to be checked has changed; press Check again."),
    "result": ("Hasil", "Result"),
    "steps": ("Langkah pemeriksaan", "Steps"),
    "file": ("Berkas", "File"),
    "bytes": ("byte", "bytes"),
    "pinned_key": ("Kunci yang Anda berikan", "The key that you gave"),
    "own_key": ("Kunci di dalam paket, tidak dipastikan", "Key in the bundle, not confirmed"),
    "contained": ("SHA-256 verify.py di dalam paket", "SHA-256 of the verify.py in the bundle"),
    "passed": ("cocok", "holds"),
    "failed": ("TIDAK COCOK", "DOES NOT HOLD"),
    "skipped": ("tidak dapat diperiksa", "could not be checked"),
    "elsewhere": ("tidak dihitung di sini", "not computed here"),
    "show_more": ("Tampilkan {count} lagi", "Show {count} more"),
    "unconfirmed": ("tidak diperiksa tanpa kunci", "not checked without a key"),
    "verdict_intact": ("UTUH, DITANDATANGANI KUNCI INI", "INTACT, SIGNED BY THIS KEY"),
    "verdict_redacted": (
        "UTUH DENGAN BAGIAN DIHAPUS, DITANDATANGANI KUNCI INI",
        "INTACT WITH REDACTIONS, SIGNED BY THIS KEY",
    ),
    "verdict_unconfirmed": ("KONSISTEN, PENERBIT TIDAK DIPASTIKAN", "CONSISTENT, ISSUER NOT CONFIRMED"),
    "verdict_invalid": ("TIDAK SAH", "INVALID"),
    "verdict_no_bundle": ("BUKAN PAKET ARSIP", "NO BUNDLE"),
    "verdict_receipt": ("ISI SAMA, TANDA TERIMA SAH", "SAME BYTES, RECEIPT CONFIRMED"),
    "about_intact": (
        "Semua yang dihitung halaman ini cocok: tidak ada byte yang berubah, hilang, atau ditambahkan sejak segel log. Apakah "
        "pelaksanaannya menurut POS, dan apakah hasil penilaiannya benar, tidak dihitung di sini.",
        "Everything that this page computes holds: no byte was changed, lost or added since the checkpoint. Whether the procedure "
        "was followed, and whether the verdicts are right, is not computed here.",
    ),
    "about_invalid": (
        "Jangan percayai berkas ini sebelum sebabnya jelas. Langkah yang tidak cocok ditandai di bawah.",
        "Do not rely on this file before the cause is known. The steps that do not hold are marked below.",
    ),
    "about_no_bundle": (
        "Berkas ini bukan paket arsip. Untuk memeriksa satu dokumen, tambahkan tanda terimanya.",
        "This file is no bundle. To check a single document, add its receipt.",
    ),
    "about_unconfirmed": (
        "Isinya saling cocok, tetapi tanpa kunci pemeriksa siapa pun dapat membuat berkas yang konsisten. Isikan kunci dari tempat "
        "penerbitannya, lalu periksa lagi.",
        "Its parts agree, but without a verifier key anybody can make a consistent file. Fill in the key from where it is "
        "published and check again.",
    ),
    "elsewhere_note": (
        "Penilaian tidak dihitung ulang di sini: langkah bertanda “tidak dihitung di sini”, skema isi tiap jenis catatan, dan saksi atau "
        "cap waktu. Untuk semuanya jalankan verify.py:",
        "Verdicts are not computed again here: the steps marked “not computed here”, the schema of each record type's payload, and "
        "witnesses or time-stamps. For all of it run verify.py:",
    ),
    "elsewhere_command": (
        "python3 verify.py PAKET.zip --key KUNCI",
        "python3 verify.py BUNDLE.zip --lang en --key KEY",
    ),
    "what": ("Apa yang diperiksa halaman ini, dan apa yang tidak", "What this page checks, and what it does not"),
    "what_checked": (
        "Diperiksa: setiap byte wadah ZIP dan kantong BagIt, bentuk baku catatan audit, rantai hash, segel pelaksanaan, tanda tangan "
        "segel log (Ed25519), keanggotaan setiap catatan dalam log, setiap versi dokumen, dan pembuka komitmen. Untuk dokumen: ukuran, "
        "SHA-256, dan tanda tangan tanda terimanya.",
        "Checked: every byte of the ZIP container and BagIt bag, the canonical form of the audit records, hash chains, the seal, the "
        "checkpoint's signature (Ed25519), the membership of every record in the log, every document version, and the openings of "
        "commitments. For a document: its size, SHA-256 and the receipt's signature.",
    ),
    "what_not": (
        "Tidak diperiksa: hasil penilaian waktu dan kelengkapan, wewenang, pemisahan tugas, penyimpangan, pernyataan, dan laporan. "
        "Karena itu halaman ini tidak pernah berkata “sah”: kata itu milik pemeriksa lengkap.",
        "Not checked: verdicts on time and completeness, authority, separation of duties, deviations, statement and report. "
        "That is why this page never says “valid”: that word is the full verifier's.",
    ),
    "what_copy": (
        "Halaman yang disajikan layanan dapat diubah oleh layanan. Simpan salinan, bandingkan SHA-256-nya dengan yang diterbitkan, dan "
        "bukalah dari disk, juga tanpa jaringan.",
        "A page that the service serves could be changed by the service. Keep a copy, compare its SHA-256 with the published one, and "
        "open it from disk, without a network too.",
    ),
    "save": ("Simpan halaman ini", "Save this page"),
}
"""Key → the two texts; ``{name}`` stands for what the script puts in."""
