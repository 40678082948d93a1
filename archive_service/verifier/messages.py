"""What each step of a verification proves and what each discrepancy means, in Bahasa Indonesia and English."""

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
    "attestation": (
        "Yang dinyatakan saksi dan cap waktu cocok dengan log dan waktunya",
        "What witnesses and time-stamps attest agrees with the log and its times",
    ),
    "definitions": (
        "Ketentuan yang disematkan (POS, kalender, jadwal retensi) ada dan utuh",
        "The pinned definitions (SOP, calendar, retention schedule) are there and intact",
    ),
    "registrations": (
        "POS, kalender, kunci, dan unit kerja terdaftar dalam log",
        "SOP, calendar, keys and work unit are registered in the log",
    ),
    "moves": ("Setiap langkah sah menurut POS", "Every move is legal under the SOP"),
    "authority": ("Setiap pelaku berwenang pada saat bertindak", "Every actor had authority when acting"),
    "duties": ("Tugas terpisah menurut orang", "Duties are separated by person"),
    "assertions": (
        "Keputusan orang yang mempunyai kunci sandi (passkey) ditandatangani dengannya",
        "Decisions by whoever had a passkey are signed with it",
    ),
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

DOCUMENT_STEPS: Dict[str, Tuple[str, str]] = {
    "receipt_form": ("Tanda terima terbaca dan berbentuk baku", "The receipt can be read and has its form"),
    "receipt_signature": (
        "Tanda terima ditandatangani kunci tanda terima arsip ini",
        "The receipt is signed by the receipt key of its archive",
    ),
    "document_size": ("Ukuran dokumen sama dengan yang diterima", "The document has the size that was received"),
    "document_digest": (
        "Isi dokumen sama, byte demi byte, dengan yang diterima",
        "The document is byte for byte the one that was received",
    ),
}
"""The same for a document with its receipt."""

EXPLAINED: Dict[str, Tuple[str, str]] = {**STEPS, **DOCUMENT_STEPS}
"""Every step, whatever is verified."""

LOG_STEPS: Dict[str, Tuple[str, str]] = {
    "checkpoint": ("Segel log ditandatangani kunci log", "The checkpoint is signed by the log's key"),
    "tree": (
        "Setiap catatan, ubin, dan akar pohon cocok dengan segel log",
        "Every entry, every tile and the root are those of the checkpoint",
    ),
    "log_events": (
        "Setiap catatan terbaca, berbentuk baku, dan ada sekali saja",
        "Every record can be read, is canonical and is there once",
    ),
    "log_chains": ("Setiap jejak adalah rantai yang tidak terputus", "Every stream is an unbroken chain"),
    "prefix": (
        "Segel log yang lebih lama adalah awal dari log ini",
        "The log begins as the older checkpoints say",
    ),
}
"""Step id of the verification of a whole log → what it proves; their order is the order of the report."""

DISCREPANCIES: Dict[str, Tuple[str, str]] = {
    # container and bag
    "container_damaged": (
        "byte wadah ZIP berbeda dari yang seharusnya",
        "the container has other bytes than follow from its files",
    ),
    "file_damaged": ("isi berkas tidak cocok dengan CRC-nya", "the bytes do not have the recorded CRC"),
    "bag_order": (
        "berkas kantong kurang, lebih, atau tidak berurutan",
        "a file of the bag is missing or extra, or the files are not in order",
    ),
    "bag_file_missing": ("berkas kantong tidak ada", "a file of the bag is missing"),
    "bag_file_differs": ("isi berkas kantong bukan yang seharusnya", "the file is not what follows from the bag"),
    "file_extra": ("tidak ada bukti yang meminta berkas ini", "nothing in the evidence asks for this file"),
    "file_missing": ("berkas yang diminta bukti tidak ada", "the evidence asks for this file"),
    "too_much": ("lebih banyak daripada yang boleh dimuat paket", "there is more than a bundle may hold"),
    "unreadable": ("tidak dapat dibaca", "it cannot be read"),
    # evidence
    "evidence_unreadable": ("bukti tidak dapat dibaca", "the evidence cannot be read"),
    "event_invalid": ("catatan audit tidak berbentuk baku", "the audit record does not have its form"),
    "opening_invalid": ("pembuka komitmen tidak berbentuk baku", "openings do not have their form"),
    "proof_invalid": ("bukti keanggotaan tidak berbentuk baku", "proofs do not have their form"),
    "keys_invalid": ("daftar kunci tidak berbentuk baku", "the list of keys does not have its form"),
    # chains and seal
    "stream_empty": ("jejak tidak memuat catatan", "the stream holds no event"),
    "wrong_stream": ("catatan ini milik jejak lain", "the event belongs to another stream"),
    "seq_differs": ("nomor urut tidak berurutan", "the number is not the next one"),
    "chain_broken": (
        "rantai putus: hash pendahulu tidak cocok",
        "the chain is broken: the hash of the event before differs",
    ),
    "time_backwards": ("waktu berjalan mundur", "the event is older than the one before it"),
    "claimed_in_future": ("waktu yang diklaim sesudah waktu pencatatan", "the claimed time lies after the recording"),
    "id_twice": ("nomor pengenal dipakai dua kali", "an event id is used twice"),
    "seq_twice": ("satu tempat dalam jejak diisi dua catatan", "two events take one place of a stream"),
    "origin_differs": ("berasal dari log lain", "it is of another log"),
    "not_sealed": (
        "catatan terakhir bukan segel; bisa ada yang hilang di akhir",
        "the last event is no seal: events may be missing at the end",
    ),
    "closing_count": ("jumlah pada segel berbeda", "the seal counts other events"),
    "statement_digest": ("pernyataan bukan yang disegel", "the statement is not the one that was sealed"),
    # log
    "no_key": ("tidak ada kunci untuk memeriksa segel log", "there is no key to verify the checkpoint with"),
    "other_key": ("paket menyebut kunci log lain", "the bundle names another log key"),
    "checkpoint_invalid": ("segel log atau tanda tangannya tidak sah", "the checkpoint or its signature is not right"),
    "checkpoint_unsigned": ("tidak ada tanda tangan kunci ini", "there is no signature by this key"),
    "signed_by_other_key": (
        "ditandatangani kunci lain milik log yang sama (pergantian kunci): ambil kunci itu dari tempat penerbitannya",
        "it is signed by another key of the same log (the key was changed): get that one from where it is published",
    ),
    "consistency_invalid": (
        "bukti kesinambungan tidak berbentuk baku",
        "the consistency proofs do not have their form",
    ),
    "attested_invalid": (
        "segel log yang disaksikan atau tanda tangannya tidak sah",
        "the attested checkpoint or its signature is not right",
    ),
    "attested_forked": (
        "log pada segel yang disaksikan bukan awal log ini: log bercabang",
        "the log of the attested checkpoint is not continued by this one: the log forked",
    ),
    "cosignature_invalid": ("tanda tangan saksi salah", "a witness's cosignature is wrong"),
    "cosignature_future": ("tanda tangan saksi berasal dari masa depan", "a witness's cosignature is from the future"),
    "quorum_missed": (
        "saksi yang dituntut kebijakan belum cukup",
        "fewer witnesses cosigned than the policy demands",
    ),
    "time_stamp_invalid": ("cap waktu tidak dapat dibaca", "the time-stamp cannot be read"),
    "time_stamp_differs": (
        "cap waktu dibuat untuk segel log lain",
        "the time-stamp is over another checkpoint",
    ),
    "time_stamp_future": ("cap waktu berasal dari masa depan", "the time-stamp is from the future"),
    "time_contradicts_attestation": (
        "waktu catatan bertentangan dengan waktu yang dinyatakan pihak lain",
        "the record's time contradicts the times that others attest",
    ),
    "tree_size_differs": ("bukti dibuat untuk ukuran log lain", "the proofs are for another size of the log"),
    "proof_missing": ("tidak ada bukti keanggotaan dalam log", "there is no proof that the event is in the log"),
    "not_in_log": ("bukan anggota log", "the event is not in the log"),
    "leaf_order": ("urutan log berbeda dari urutan jejak", "the log's order disagrees with the stream's"),
    "proof_extra": ("bukti untuk catatan yang tidak ada", "a proof belongs to no event in the bundle"),
    "event_twice": ("satu catatan dimuat dua kali", "an event is in the bundle twice"),
    # a whole log
    "entries_missing": ("bundel catatan tidak ada", "the bundle of entries is missing"),
    "entries_invalid": ("bundel catatan tidak berbentuk baku", "the bundle of entries does not have its form"),
    "entry_differs": ("catatan tidak cocok dengan daunnya", "an entry does not hash to its leaf"),
    "tile_missing": ("ubin pohon tidak ada", "the tile is missing"),
    "tile_differs": ("ubin bukan yang mengikuti dari catatan", "the tile is not what follows from the entries"),
    "root_differs": ("akar pohon bukan yang disegel", "the entries have another root than the checkpoint"),
    "no_prefix": (
        "log ini bukan lanjutan dari segel yang lebih lama: isinya diganti",
        "the log is no continuation of the older checkpoint: it was rewritten",
    ),
    "log_shrunk": ("log lebih pendek daripada segel yang lebih lama", "the log is shorter than an older checkpoint"),
    "continued_invalid": (
        "segel log terdahulu yang dilanjutkan tidak sah",
        "the checkpoint of the log that is continued is not right",
    ),
    # definitions and registrations
    "not_opened_once": ("catatan pertama tidak membuka pelaksanaan", "the first event does not open the dossier"),
    "definition_missing": ("ketentuan yang dimuat bukan yang disematkan", "the definitions are not the pinned ones"),
    "definition_damaged": ("isi ketentuan tidak cocok dengan sidiknya", "the definition does not hash to its name"),
    "definition_invalid": ("ketentuan tidak sah", "the definition is not sound"),
    "definition_unregistered": ("ketentuan terdaftar lain", "the definitions were registered otherwise"),
    "key_unregistered": ("kunci terdaftar lain", "other keys were registered"),
    "unit_unregistered": ("unit kerja terdaftar lain", "the dossier's work unit was not registered"),
    "registration_extra": (
        "jumlah pendaftaran bukan yang seharusnya",
        "there are other events than the five that are due",
    ),
    "registration_order": ("pendaftaran tidak menurut urutan log", "the events are not in the log's order"),
    "registered_late": (
        "didaftarkan sesudah pelaksanaan dibuka",
        "something was registered after the dossier was opened",
    ),
    # conduct
    "illegal_move": ("langkah tidak sah menurut POS", "the move is not legal under the SOP"),
    "service_acted": ("layanan bertindak di tempat orang", "the service acted where a person must"),
    "person_acted": ("orang mencatat yang hanya mengikuti aturan", "a person wrote what follows from rules alone"),
    "on_behalf_of": ("tidak boleh atas nama orang lain", "nobody does this on behalf of another"),
    "role_forbidden": ("peran ini tidak berwenang", "the role may not do this"),
    "other_work_unit": ("bertindak untuk unit kerja lain", "the actor acts for another work unit than the dossier's"),
    "person_extra": ("orang ini tidak bertindak dalam pelaksanaan", "this person did nothing in the dossier"),
    "person_stream_extra": (
        "jejak orang melewati kepala terbaru yang disebut",
        "there are events after the newest head that the dossier names",
    ),
    "person_unregistered": (
        "jejak orang tidak dimulai dengan pendaftarannya",
        "the person's stream does not begin with the registration",
    ),
    "head_unknown": (
        "kepala yang disebut tidak ada dalam jejak orang",
        "the head that the actor names is not in the person's stream",
    ),
    "head_backwards": ("kepala yang disebut lebih lama dari sebelumnya", "the actor names an older head than before"),
    "head_from_future": (
        "kepala yang disebut lebih baru dari tindakan",
        "the head that the actor names is newer than the act",
    ),
    "head_stale": (
        "jejak orang waktu itu sudah lebih maju: pencabutan bisa tersembunyi",
        "the person's stream had gone further then: a revocation may be hidden",
    ),
    "assignment_unknown": (
        "penugasan yang disebut tidak ada dalam jejak orang",
        "the assignment that the actor names is not in the person's stream",
    ),
    "assignment_differs": ("penugasan memberi peran atau unit lain", "the assignment gives another role or unit"),
    "assignment_not_in_force": ("penugasan tidak berlaku pada hari itu", "the assignment did not hold on that day"),
    "roles_exclude": ("dua peran yang saling mengecualikan", "one person was given roles that exclude each other"),
    "assignment_out_of_scope": (
        "pelimpahan tidak mencakup POS ini",
        "the substitute's delegation does not reach this SOP",
    ),
    "delegation_unfounded": (
        "pelimpahan tidak diusulkan dan dikonfirmasi oleh dua orang",
        "no two persons proposed and confirmed this delegation as it stands",
    ),
    "move_unfounded": (
        "langkah berpindah tanpa pelimpahan yang berlaku",
        "the step went to somebody without a delegation that held then, or back from one that still held",
    ),
    "flag_missing": (
        "keputusan atas wewenang dari administrator saja tidak ditandai",
        "a decision under what an administrator alone granted after the opening is not flagged",
    ),
    "flag_unfounded": ("tanda pada keputusan tanpa dasar bukti", "nothing in the evidence shows why this is flagged"),
    "grant_forbidden": (
        "ditulis oleh yang tidak berwenang memberi wewenang",
        "it was written by somebody who may not grant authority",
    ),
    "duty_conflict": ("satu orang melaksanakan dua langkah yang terpisah", "one person performed two separate steps"),
    # passkeys
    "assertion_missing": (
        "keputusan tanpa tanda tangan, padahal orangnya mempunyai kunci sandi",
        "the decision is not signed, though its maker had a passkey then",
    ),
    "assertion_passkey": (
        "kunci sandi ini waktu itu bukan milik orang yang memutuskan, atau sudah dicabut",
        "this passkey was not the decider's own and active then",
    ),
    "assertion_client_data": (
        "data peramban pada tanda tangan bukan untuk keputusan",
        "the browser's data in the signature are not those of an assertion",
    ),
    "assertion_of_another": (
        "tanda tangan dibuat untuk hal lain daripada keputusan ini",
        "the signature was made for something else than this decision",
    ),
    "assertion_origin": ("ditandatangani di situs lain", "it was signed on another site"),
    "assertion_rp": ("kunci sandi terikat pada situs lain", "the passkey answered for another site"),
    "assertion_unverified": (
        "perangkat tidak memastikan kehadiran dan identitas orangnya",
        "the device did not verify that the person was present and who it was",
    ),
    "assertion_signature": (
        "tanda tangan tidak cocok dengan kunci sandi yang terdaftar",
        "the signature is not the registered passkey's",
    ),
    "passkey_unfounded": (
        "kunci sandi didaftarkan dua kali, atau yang dicabut tidak terdaftar",
        "a passkey is registered twice, or one is revoked that was not active",
    ),
    "passkey_shared": ("satu kunci sandi terdaftar atas dua orang", "one passkey is registered for two persons"),
    "document_missing": ("versi dokumen yang diterima tidak ada", "a received version is not in the bundle"),
    "document_damaged": ("isi dokumen bukan yang diterima", "the bytes are not the ones that were received"),
    "opening_extra": ("tidak membuka komitmen mana pun", "it opens no commitment in the bundle"),
    "opening_differs": ("nilai dan garam tidak membuka komitmen", "value and salt do not open the commitment"),
    "redacted": ("nilai telah dihapus", "the value was taken out"),
    # a document and its receipt
    "receipt_invalid": ("tanda terima atau tanda tangannya tidak sah", "the receipt or its signature is not right"),
    "receipt_unsigned": ("tidak ada tanda tangan kunci ini", "there is no signature by any of the given keys"),
    "document_size": ("ukuran dokumen lain", "the document has another size"),
    "document_digest": ("isi dokumen lain", "the document has other bytes"),
    # verdicts
    "time_verdict_differs": (
        "hasil penilaian waktu lain bila dihitung ulang",
        "computed again the time verdict differs",
    ),
    "verdict_missing": ("putaran selesai yang tidak dinilai", "a finished iteration was not judged"),
    "completeness_verdict_differs": (
        "hasil penilaian kelengkapan lain bila dihitung ulang",
        "computed again the completeness verdict differs",
    ),
    "deviation_missing": ("penyimpangan yang nyata tidak dicatat", "a deviation follows and is not recorded"),
    "deviation_unfounded": ("penyimpangan tanpa dasar bukti", "nothing in the evidence shows this deviation"),
    "deviation_differs": (
        "penanggung jawab, peran, atau buktinya lain",
        "who answers for the deviation, or what shows it, differs",
    ),
    "statement_differs": ("disusun ulang, pernyataannya lain", "built again from the events it reads otherwise"),
    "report_differs": ("disusun ulang, laporannya lain", "rendered again it reads otherwise"),
}
"""Code of a discrepancy → what it means."""

WORDS: Dict[str, Tuple[str, str]] = {
    "level": (
        "Tingkat: ditandatangani; saksi %d dari %d; cap waktu %d.",
        "Level: signed; witnesses %d of %d; time stamps %d.",
    ),
    "claimed": ("waktu adalah klaim penerbit", "times are claimed by the issuer"),
    "attested": ("dinyatakan antara %s dan %s, oleh %s", "attested between %s and %s, by %s"),
    "attested_after": (
        "dinyatakan tidak sebelum %s, oleh %s; selebihnya klaim penerbit",
        "attested not before %s, by %s; the rest is claimed by the issuer",
    ),
    "attested_before": (
        "dinyatakan paling lambat %s, oleh %s; selebihnya klaim penerbit",
        "attested not after %s, by %s; the rest is claimed by the issuer",
    ),
    "attested_step": ("Langkah %s, %d catatan: %s", "Step %s, %d records: %s"),
    "attested_other": ("Pelaksanaan, %d catatan: %s", "The dossier itself, %d records: %s"),
    "unknown_cosigners": (
        "Tanda tangan yang tidak dihitung, karena kuncinya tidak ada dalam kebijakan (--policy): %s",
        "Cosignatures that count for nothing, their keys are not in the policy (--policy): %s",
    ),
    "check_time_stamps": (
        "Sidik dalam cap waktu cocok; tanda tangan otoritasnya TIDAK diperiksa di sini. Periksa dengan:",
        "The digest in the time-stamps agrees; the authority's signature is NOT verified here. Verify it with:",
    ),
    "log_seen": ("Segel terbaru disaksikan oleh %s pada %s.", "The newest checkpoint was witnessed by %s at %s."),
    "bad_policy": ("Kebijakan saksi tidak dapat dipakai: %s.", "The witness policy cannot be used: %s."),
    "skipped": ("tidak dapat diperiksa", "could not be checked"),
    "more": ("dan %d lagi", "and %d more"),
    "no_key": (
        "Tanpa kunci pemeriksa: siapa pun dapat membuat paket yang konsisten. Beri --key dari tempat penerbitannya.",
        "Without a verifier key: anybody can make a consistent bundle. Give --key from where it is published.",
    ),
    "log_head": (
        "Log %s: segel atas %d catatan; %d diperiksa, %d jejak, %d segel lama.",
        "Log %s: a checkpoint over %d entries; %d checked, %d streams, %d older checkpoints.",
    ),
    "log_continued": (
        "Log ini melanjutkan log %s yang berakhir pada %d catatan; periksa log itu tersendiri.",
        "This log continues the log %s, which ended at %d entries; verify that one by itself.",
    ),
    "log_no_key": (
        "Tanpa kunci pemeriksa: siapa pun dapat membuat log yang konsisten. Beri --key dari tempat penerbitannya.",
        "Without a verifier key: anybody can make a consistent log. Give --key from where it is published.",
    ),
    "proof_valid": (
        "Catatan nomor %d ada dalam log %s, segel atas %d catatan.",
        "Entry %d is in the log %s, under the checkpoint over %d entries.",
    ),
    "no_bundle": ("Ini bukan paket arsip.", "This is no bundle."),
    "bad_key": ("Kunci pemeriksa tidak dapat dipakai: %s.", "The verifier key cannot be used: %s."),
    "bad_file": ("%s tidak dapat dibaca: %s.", "Cannot read %s: %s."),
    "same_verifier": (
        "Catatan: %s dalam paket ini sama dengan pemeriksa yang sedang berjalan.",
        "Note: %s in this bundle is the same as the verifier that runs.",
    ),
    "other_verifier": (
        "Catatan: %s dalam paket ini bukan pemeriksa yang sedang berjalan (sha256 %s): versi lain, atau bukan dari penerbit. "
        "Bandingkan dengan sidik yang diterbitkan sebelum menjalankannya.",
        "Note: %s in this bundle is not the verifier that runs (sha256 %s): another version, or not the issuer's. Compare it "
        "with the published digest before you run it.",
    ),
    "bad_log": ("Log di %s tidak dapat dibaca: %s.", "Cannot read the log at %s: %s."),
    "not_a_file": ("bukan berkas biasa", "it is no ordinary file"),
}
"""Everything else that the report for people says."""

DOCUMENT_WORDS: Dict[str, Tuple[str, str]] = {
    "proves": (
        "Terbukti: arsip mengakui telah menerima tepat %d byte ini (sha256 %s). Menurut arsip %s, penerimaannya adalah catatan "
        "audit %s nomor %d, pada %s.",
        "Proved: the archive acknowledged that it received exactly these %d bytes (sha256 %s). The archive %s says that the "
        "reception is audit record %s number %d, at %s.",
    ),
    "would_prove": (
        "Tanda terima menyebut tepat %d byte ini (sha256 %s); belum terbukti dari siapa. Ia menyebut arsip %s, catatan audit %s "
        "nomor %d, pada %s.",
        "The receipt names exactly these %d bytes (sha256 %s); nothing shows whose it is. It names the archive %s, audit record "
        "%s number %d, at %s.",
    ),
    "proves_not": (
        "Tidak terbukti: bahwa catatan itu (hash %s) ada dalam log dan tetap ada, siapa yang mengunggah, dan bahwa waktunya "
        "benar. Mintalah bukti keanggotaan catatan itu, atau paket arsipnya.",
        "Not proved: that this record (hash %s) is in the log and stays there, who uploaded, and that the time is true. Ask for "
        "the record's proof of inclusion, or for the bundle.",
    ),
}
"""What a receipt proves, and what it does not."""
