"""The report of a sealed dossier as plain text: a pure function of its evidence; a verifier renders it again."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Dict, Iterable, List, Mapping, Optional, Tuple

from archive_service.domain.completeness import UNCOUNTED, count_of
from archive_service.domain.event import Event
from archive_service.domain.sop import Sop
from archive_service.domain.verdict import parse_time

ERASED = "[dihapus]"
_HIDDEN = re.compile(r"[\x00-\x1f\x7f-\xa0\u1680\u2000-\u200b\u200e\u200f\u2028-\u202f\u205f-\u206f\u3000\ufeff]")
WIB = timedelta(hours=7)

_WORDS: Dict[str, Tuple[str, str]] = {
    "no": ("No.", "No."),
    "activity": ("Langkah kegiatan", "Step"),
    "who": ("Pelaksana", "Who"),
    "norm": ("Waktu baku", "Norm"),
    "used": ("Terpakai", "Used"),
    "completeness": ("Kelengkapan", "Completeness"),
    "time": ("Waktu", "Time"),
    "minutes": ("menit", "min"),
    "on_time": ("tepat waktu", "on time"),
    "late": ("terlambat", "late"),
    "round": ("putaran", "round"),
    "returned": ("dikembalikan", "returned"),
    "of": ("dari", "of"),
    "nothing_required": ("tidak ada syarat", "nothing required"),
    "not_checked": ("tidak dinilai", "not judged"),
}
_MARKS: Dict[str, str] = {
    "present": "ada",
    "missing": "TIDAK ADA",
    "damaged": "RUSAK",
    "not_applicable": "tidak berlaku: langkahnya dilewati",
    "optional": "tidak wajib, tidak ada",
    "not_checked": "bukan dokumen, tidak diperiksa",
}
_MEDIA: Dict[str, str] = {
    "application/pdf": "PDF",
    "image/jpeg": "JPG",
    "image/png": "PNG",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": "XLSX",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document": "DOCX",
}


_CAUSES: Dict[str, str] = {
    "outside_party": "menunggu pihak luar",
    "force_majeure": "keadaan kahar",
    "system_outage": "gangguan sistem",
    "official_duty": "tugas kedinasan lain",
    "other": "sebab lain",
}
_STATES: Dict[str, str] = {
    "unexplained": "Belum dijelaskan",
    "explained": "Dijelaskan, belum diterima",
    "asked_again": "Diminta penjelasan lagi",
    "accepted": "Penjelasan diterima",
    "relieved": "Gugur menurut penilaian terbaru",
}


_TEXTS: Dict[str, Tuple[str, ...]] = {
    "indicator.result_recorded": ("recommendation", "obstacle", "follow_up"),
    "recommendation.carried": ("recommendation",),
    "recommendation.answered": ("note",),
}
_DIRECTIONS: Dict[str, str] = {
    "input": "kelengkapan",
    "output": "keluaran",
    "indicator": "bukti indikator",
    "indicator_result": "hasil indikator",
}
_DECISIONS: Dict[str, str] = {"approve": "persetujuan", "return": "pengembalian"}
_ANSWERS: Dict[Any, str] = {
    None: "belum dijawab",
    "done": "sudah dilaksanakan",
    "ongoing": "sedang dilaksanakan",
    "dropped": "tidak dilanjutkan",
}


@dataclass(frozen=True)
class Names:
    """The words behind ids and commitments, as far as they were not erased."""

    persons: Mapping[str, str]
    title: str
    letter_number: str
    letter_sender: str
    agenda_number: str
    work_unit: str
    received_at: str
    reasons: Mapping[Tuple[str, int], str]
    explanations: Mapping[str, str]
    signatures: Mapping[Tuple[str, int], Tuple[str, str, Optional[str]]]
    """(step, iteration) → the decision, who made it, and the passkey that it was signed with."""
    texts: Mapping[Tuple[str, str], str]
    """What was written about indicators and recommendations, by event and field."""

    @staticmethod
    def gather(events: Iterable[Event], openings: Mapping[Tuple[str, str], str]) -> "Names":
        """The names that these events and (event hash, field) → value openings tell."""
        persons: Dict[str, str] = {}
        reasons: Dict[Tuple[str, int], str] = {}
        explanations: Dict[str, str] = {}
        texts: Dict[Tuple[str, str], str] = {}
        signatures: Dict[Tuple[str, int], Tuple[str, str, Optional[str]]] = {}
        facts = {"title": ERASED, "letter.number": ERASED, "letter.sender": ERASED, "letter.agenda_number": ERASED}
        work_unit, received_at = "", ""

        def opened(event: Event, name: str) -> str:
            return one_line(openings.get((event.leaf_hash, name), ERASED))

        for event in events:
            p = event.payload
            if event.type == "person.registered":
                persons[p["person"]] = opened(event, "name")
            elif event.type == "work_unit.created":
                work_unit = one_line(p["name"])
            elif event.type == "dossier.opened":
                received_at = p["letter"]["received_at"]
                for name in facts:
                    facts[name] = opened(event, name)
            elif event.type == "decision.made":
                passkey = None if p["assertion"] is None else p["assertion"]["passkey"]
                signatures[(p["step"], p["iteration"])] = (p["decision"], str(event.person), passkey)
                if p["reason_commitment"] is not None:
                    reasons[(p["step"], p["iteration"])] = opened(event, "reason")
            elif event.type == "deviation.explained":
                explanations[p["deviation"]] = opened(event, "explanation")
            elif event.type in _TEXTS:
                for name in _TEXTS[event.type]:
                    if p[f"{name}_commitment"] is not None:
                        texts[(event.leaf_hash, name)] = opened(event, name)
        return Names(
            persons,
            facts["title"],
            facts["letter.number"],
            facts["letter.sender"],
            facts["letter.agenda_number"],
            work_unit,
            received_at,
            reasons,
            explanations,
            signatures,
            texts,
        )

    def person(self, person: Any) -> str:
        """A person's name; a dash for nobody."""
        if person is None:
            return "–"
        return self.persons.get(str(person), f"orang {str(person)[-8:]}")


def one_line(text: str) -> str:
    """The text on one line, without controls and without the marks that make a line read other than it is stored.

    The characters are listed, not asked of the Unicode tables: every Python must render a report to the same bytes.
    """
    return " ".join(part for part in _HIDDEN.sub(" ", text).split(" ") if part)


def _minutes(seconds: int) -> str:
    return f"{seconds // 60:,}".replace(",", ".")


def _local(moment: str) -> str:
    return (parse_time(moment) + WIB).strftime("%d-%m-%Y %H.%M WIB")


def _cut(text: str, width: int) -> str:
    return text if len(text) <= width else text[: width - 1] + "…"


def render_table(statement: Mapping[str, Any], sop: Sop, names: Names, lang: str = "id") -> str:
    """One line an iteration: step, who, norm, working time used, completeness, time."""
    column = 0 if lang == "id" else 1

    def word(key: str) -> str:
        return _WORDS[key][column]

    rows: List[Tuple[str, ...]] = [
        tuple(word(key) for key in ("no", "activity", "who", "norm", "used", "completeness", "time"))
    ]
    for step in statement["steps"]:
        due = [r for r in step["requirements"] if r["state"] not in UNCOUNTED]
        present = sum(1 for r in due if r["state"] == "present")
        number = step["step"] if step["iteration"] == 1 else f"{step['step']} ({word('round')} {step['iteration']})"
        result = word(step["time"]["result"])
        if step["outcome"] == "returned":
            result += f", {word('returned')}"
        rows.append(
            (
                number,
                _cut(step["activity"], 44),
                _cut(names.person(step["performed_by"]), 28),
                sop.step(step["step"]).norm.text,
                f"{_minutes(step['time']['used_seconds'])} {word('minutes')}",
                f"{present} {word('of')} {len(due)}" if due else word(step["completeness"]),
                result,
            )
        )
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip() for row in rows]
    lines.insert(1, "  ".join("-" * width for width in widths))
    return "\n".join(lines)


def _retention(told: Optional[Mapping[str, Any]]) -> List[str]:
    """Classification, years and final disposition, of the records as a whole and of the kinds that have their own."""
    if told is None:
        return ["Retensi            : tidak ada jadwal retensi yang mencakup POS ini"]
    lines: List[str] = []
    for each in [told, *told["kinds"]]:
        of = "" if each["kind"] is None else f" (khusus {each['kind']})"
        lines += [
            f"Klasifikasi        : {one_line(each['classification'])} {one_line(each['title'])}{of}",
            f"Keamanan dan akses : {each['security'].replace('_', ' ')}; {one_line(each['access'])}",
            f"Retensi            : aktif {each['active_years']} tahun, inaktif {each['inactive_years']} tahun sejak diarsipkan; "
            f"nasib akhir: {each['disposition'].replace('_', ' ')}",
            f"Dasar hukum        : {one_line(each['basis'])}",
        ]
    return lines


def render_report(statement: Mapping[str, Any], sop: Sop, names: Names) -> str:
    """The whole report, in Bahasa Indonesia, ending in a newline."""
    lines = [
        "LAPORAN PELAKSANAAN POS",
        "",
        f"POS                : {sop.number} {sop.title}",
        f"Lembaga            : {sop.institution}",
        f"Unit kerja         : {names.work_unit}",
        f"Periode            : triwulan {statement['quarter']} tahun {statement['year']}",
        f"Judul              : {names.title}",
        f"Surat permintaan   : {names.letter_number} dari {names.letter_sender}, agenda {names.agenda_number}",
        f"Diterima (klaim)   : {_local(names.received_at)}",
        f"Diarsipkan         : {_local(statement['sealed_at'])}",
        f"Pelaksanaan        : {statement['dossier']}",
        f"Log                : {statement['origin']}",
        *_retention(statement["retention"]),
        "",
        "PERNYATAAN KELENGKAPAN",
        "",
        f"{sop.number} versi {sop.version} mensyaratkan {statement['required']} hal: "
        f"{statement['present']} ada, {statement['missing']} tidak ada, {statement['damaged']} rusak. "
        f"Tidak berlaku karena langkahnya dilewati: {statement['not_applicable']}. "
        f"Tidak wajib dan tidak ada: {statement['optional']}.",
        f"Putaran langkah yang terlambat: {statement['late']}. Pengembalian: {statement['returns']}."
        + (f" Langkah yang dilewati: {', '.join(statement['skipped'])}." if statement["skipped"] else ""),
        "",
        render_table(statement, sop, names),
        "",
        "WAKTU KERJA PER HARI",
        "",
    ]
    for step in statement["steps"]:
        days = ", ".join(f"{day}: {_minutes(seconds)} menit" for day, seconds in step["used_by_day"]) or "tidak ada"
        lines.append(f"{step['step']} putaran {step['iteration']}: {days}")
        for pause in step["pauses"]:
            cause = _CAUSES[pause["cause"]]
            lines.append(f"  jeda ({cause}): {_local(pause['from_at'])} sampai {_local(pause['to_at'])}")
        if step["transfer"] is not None and step["time"]["excluded_seconds"]:
            lines.append(f"  waktu pengiriman berkas terakhir tidak dihitung sejak {_local(step['transfer'][0])}")
        for number, verdict in enumerate(step["verdicts"][:-1], 1):
            time = verdict["time"]
            result = _WORDS[time["result"]][0]
            lines.append(
                f"  penilaian {number} (kalender {time['calendar'][:16]}…): {_minutes(time['used_seconds'])} menit, {result}"
            )
    lines += ["", "WAKTU KERJA PER LANGKAH, SEMUA PUTARAN", ""]
    for total in statement["totals"]:
        lines.append(
            f"{total['step']}: {total['iterations']} putaran, {_minutes(total['used_seconds'])} menit; "
            f"waktu baku {_minutes(total['limit_seconds'])} menit: {_WORDS[total['result']][0]}"
        )
    equipment = statement["equipment"]
    if equipment:
        lines += ["", "PERALATAN / PERLENGKAPAN", ""]
        for e in equipment:
            kinds = f" ({', '.join(e['kinds'])}; langkah {', '.join(e['steps'])})" if e["kinds"] else ""
            lines.append(f"[{_MARKS[e['state']]}] {one_line(e['text'])}{kinds}")
            lines += [f"    dokumen sha256 {digest}" for digest in e["digests"]]
    lines += ["", "DOKUMEN DAN ASLI KERTAS", "", *[_document_line(d) for d in statement["documents"]]]
    if not statement["documents"]:
        lines.append("Tidak ada dokumen.")
    if statement["indicators"]["asked"]:
        lines += ["", "INDIKATOR KINERJA", "", *_indicator_lines(statement["indicators"], names)]
    lines += ["", "KEPUTUSAN PENGEMBALIAN", ""]
    lines += [
        f"Langkah {step} putaran {iteration}: {reason}"
        for (step, iteration), reason in sorted(
            names.reasons.items(), key=lambda item: (sop.order.index(item[0][0]), item[0][1])
        )
    ] or ["Tidak ada."]
    lines += ["", "TANDA TANGAN KEPUTUSAN", ""]
    lines += [
        f"Langkah {step} putaran {iteration}: {_DECISIONS[decision]}, {names.person(person)}, {_signed(passkey)}"
        for (step, iteration), (decision, person, passkey) in sorted(
            names.signatures.items(), key=lambda item: (sop.order.index(item[0][0]), item[0][1])
        )
    ] or ["Tidak ada keputusan."]
    lines += ["", "PENYIMPANGAN MUTU BAKU DAN PERTANGGUNGJAWABAN PELAKSANA", ""]
    for d in statement["deviations"]:
        place = "" if d["step"] is None else f"langkah {d['step']} putaran {d['iteration']}, "
        subject = "" if d["subject"] is None else f" ({d['subject']})"
        explained = names.explanations.get(d["deviation"], "belum dijelaskan")
        state = _STATES[d["state"]]
        lines.append(f"{d['code']}{subject}: {place}{names.person(d['responsible'])}. {state}. Penjelasan: {explained}")
        attached = [each for each in statement["documents"] if each["deviation"] == d["deviation"]]
        lines += [f"  lampiran sha256 {each['digest']}" for each in attached]
    if not statement["deviations"]:
        lines.append("Tidak ada.")
    lines += ["", "BUKTI PER LANGKAH", ""]
    for step in statement["steps"]:
        lines.append(f"Langkah {step['step']} putaran {step['iteration']}: {step['activity']}")
        if not step["requirements"]:
            word = _WORDS[step["completeness"]][0]
            lines.append(f"  [{word}] tidak ada satu hal pun yang diperiksa")
        for r in step["requirements"]:
            code = f"{r['kind']} " if r["direction"].startswith("indicator") else ""
            lines.append(
                f"  [{_MARKS[r['state']]}] {_DIRECTIONS[r['direction']]}: {code}{one_line(r['title'])}{_counted(r)}"
            )
            for item in r["satisfied_by"]:
                lines.append("    " + _evidence(item))
    return "\n".join(lines) + "\n"


def _indicator_lines(indicators: Mapping[str, Any], names: Names) -> List[str]:
    if not indicators["listed"]:
        lines = ["Tidak ada indikator yang didaftarkan: bukti dan capaian per indikator tidak diperiksa."]
    else:
        lines = [
            f"{indicators['listed']} indikator didaftarkan, {indicators['with_evidence']} dengan bukti dukung. "
            f"Tanpa bukti: {', '.join(indicators['without']) or 'tidak ada'}. "
            f"Tanpa hasil perumusan: {', '.join(indicators['without_result']) or 'tidak ada'}."
        ]
    for item in indicators["items"]:
        unit = "" if item["unit"] is None else f" {one_line(item['unit'])}"
        measured = "" if item["achievement"] is None else f"; terukur {one_line(item['achievement'])}"
        lines.append(
            f"{item['code']} {one_line(item['title'])}: target {one_line(item['target'])}{unit}{measured}; "
            f"penanggung jawab {names.person(item['person'])}; {len(item['evidence'])} dokumen"
        )
    for result in indicators["results"]:
        achieved = "" if result["achievement"] is None else f": capaian {one_line(result['achievement'])}"
        lines.append(
            f"Hasil {result['code'] or 'keseluruhan'} (langkah {result['step']} putaran {result['iteration']}){achieved}"
        )
        for field, word in (("recommendation", "rekomendasi"), ("obstacle", "kendala"), ("follow_up", "tindak lanjut")):
            text = names.texts.get((result["event"], field))
            if text is not None:
                lines.append(f"  {word}: {text}")
    for each in indicators["recommendations"]:
        text = names.texts.get((each["event"], "recommendation"), ERASED)
        note = "" if each["answer"] is None else f" – {names.texts.get((each['answer'], 'note'), ERASED)}"
        code = "" if each["code"] is None else f"{each['code']}, "
        lines.append(f"Rekomendasi periode lalu ({code}{_ANSWERS[each['state']]}): {text}{note}")
    return lines


def _counted(requirement: Mapping[str, Any]) -> str:
    """How many of how many, of which kind and types; nothing for a decision or seal, which is one act."""
    if not requirement["media"] or requirement["evidence"] in ("decision", "seal", "result"):
        return ""
    count = count_of(requirement["satisfied_by"], requirement["evidence"])
    types = " ".join(_MEDIA.get(media, media) for media in requirement["media"])
    return f" ({requirement['kind']}, {types}): {count} dari sedikitnya {requirement['minimum']}"


def _document_line(document: Mapping[str, Any]) -> str:
    """A document with where its original on paper lies; that nothing was recorded is not the same as that there is none."""
    paper = document["paper"]
    if paper is None:
        place = "asli kertas tidak dicatat"
    elif not paper["exists"]:
        place = "tidak ada asli kertas"
    else:
        words = (("room", "ruang"), ("shelf", "rak"), ("box", "boks"), ("folder", "folder"))
        found = [f"{word} {one_line(paper[name])}" for name, word in words if paper[name] is not None]
        place = "asli kertas: " + (", ".join(found) or "ada, tempatnya tidak dicatat")
    withdrawn = ", ditarik" if document["is_withdrawn"] else ""
    owner = "lampiran penjelasan" if document["deviation"] is not None else document["kind"]
    return (
        f"Langkah {document['step']} putaran {document['iteration']}, {owner}, versi {document['number']}{withdrawn}, "
        f"sha256 {document['digest']}: {place}"
    )


def _signed(passkey: Optional[str]) -> str:
    if passkey is None:
        return "tanpa kunci sandi (passkey)"
    return f"ditandatangani dengan kunci sandi (passkey) {passkey[:16]}…"


def _evidence(item: Mapping[str, Any]) -> str:
    if item["type"] == "document":
        return f"dokumen sha256 {item['digest']} ({_MEDIA.get(item['media_type'], item['media_type'])})"
    if item["type"] == "result":
        return f"hasil perumusan, catatan audit {item['event']}"
    if item["type"] == "decision":
        return f"{_DECISIONS[item['decision']]}, catatan audit {item['event']}"
    return "segel pelaksanaan ini"
