"""Forms on paper's terms: what a person filled in, as a PDF/A-3 that a machine can read again. Typst sets it."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Mapping
from datetime import datetime, timedelta, timezone
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from typst import Fonts, PDFStandard

STANDARDS: list[PDFStandard] = ["a-3a", "ua-1"]
WIB = timezone(timedelta(hours=7))
MONTHS = (
    *("Januari", "Februari", "Maret", "April", "Mei", "Juni", "Juli"),
    *("Agustus", "September", "Oktober", "November", "Desember"),
)
QUARTERS = ("I", "II", "III", "IV")
NOTE = (
    "Formulir ini diisi di dalam layanan arsip, dan dokumen ini dibuat oleh layanan itu. Nilai hash (SHA-256) dokumen ini tercatat di "
    "dalam log audit: perubahan apa pun padanya dapat diketahui. Nilai hash bukan tanda tangan elektronik."
)
UNBROKEN = 40
"""A word longer than this many characters may be broken anywhere: it would run out of the page."""
ATTEMPTS = (False, False, False, True)
"""Whether all but ASCII is shown by number: only when leaving out what no font has was not enough."""

_REFUSED_TEXT = re.compile(r'the text `"((?:[^"\\]|\\.)*)"`')
_ESCAPED = re.compile(r"\\u\{([0-9a-f]+)\}|\\(.)")
_LONG_WORD = re.compile(rf"\S{{{UNBROKEN}}}(?=\S)")


@cache
def _template() -> bytes:
    return files("archive_service").joinpath("data/form.typ").read_bytes()


@cache
def _fonts() -> Fonts:
    from typst import Fonts

    # the fonts inside Typst alone: a machine's own would make other bytes elsewhere
    return Fonts(include_system_fonts=False)


def print_form(record: Mapping[str, Any], moment: datetime) -> bytes:
    """The PDF of a filled-in form, the same bytes for the same record and moment.

    ``record``: ``institution``, ``owner``, ``address`` (lines), ``sop`` (``number``, ``title``), ``step`` (``key``, ``activity``,
    ``iteration``), ``dossier`` (``title``, ``year``, ``quarter``, ``work_unit``), ``form`` (``title``), ``fields`` (``title``, ``value``),
    ``filled_by`` (``name``, ``role_title``); the whole of it lies in the PDF as ``isian.json``. Signs that no font has are shown by
    their number, such as [U+1F600]; the data keep them as they were typed.
    """
    # 32 MB of compiler: only who fills in a form waits for it
    from typst import Compiler, TypstError

    shown = _shown(record, moment)
    attached = json.dumps(record, indent=1)
    missing: set[str] = set()
    for is_ascii in ATTEMPTS:
        text = json.dumps(_with_numbers(shown, missing, is_ascii=is_ascii))
        compiler = Compiler(
            input=_template(),
            font_paths=_fonts(),
            ignore_system_fonts=True,
            sys_inputs={"shown": text, "record": attached},
        )
        try:
            made = compiler.compile(format="pdf", pdf_standards=STANDARDS, timestamp=int(moment.timestamp()))
        except TypstError as exc:
            if is_ascii:
                raise
            # it names every sign that no font has
            missing.update(sign for found in _REFUSED_TEXT.findall(exc.diagnostic) for sign in _unescaped(found))
            continue
        assert isinstance(made, bytes)
        return made
    raise AssertionError("the last attempt gives its bytes or its error")


def _shown(record: Mapping[str, Any], moment: datetime) -> dict[str, Any]:
    """What the page says, as the template reads it."""
    sop, step, dossier, by = record["sop"], record["step"], record["dossier"], record["filled_by"]
    round = "" if step["iteration"] == 1 else f" (putaran {step['iteration']})"
    facts = [
        ("POS", f"{sop['number']} {sop['title']}"),
        ("Langkah", f"{step['key']}{round}. {step['activity']}"),
        ("Pelaksanaan", dossier["title"]),
        ("Periode", f"Triwulan {QUARTERS[dossier['quarter'] - 1]} tahun {dossier['year']}"),
        ("Unit kerja", dossier["work_unit"]),
    ]
    return {
        "title": record["form"]["title"],
        "institution": record["institution"],
        "owner": record["owner"],
        "address": list(record["address"]),
        "facts": [[name, value.split("\n")] for name, value in facts],
        "fields": [
            {"title": field["title"], "value": (field["value"] or "–").split("\n")} for field in record["fields"]
        ],
        "filled_by": by["name"],
        "role": by["role_title"],
        "filled_at": _moment_text(moment),
        "note": NOTE,
    }


def _moment_text(moment: datetime) -> str:
    local = moment.astimezone(WIB)
    return f"{local.day} {MONTHS[local.month - 1]} {local.year} pukul {local:%H.%M} WIB"


def _with_numbers(value: Any, missing: set[str], *, is_ascii: bool) -> Any:
    if isinstance(value, dict):
        return {name: _with_numbers(item, missing, is_ascii=is_ascii) for name, item in value.items()}
    if isinstance(value, list):
        return [_with_numbers(item, missing, is_ascii=is_ascii) for item in value]
    shown = "".join(_sign(sign, missing, is_ascii) for sign in value)
    return _LONG_WORD.sub(lambda word: word.group() + "\u200b", shown)


def _sign(sign: str, missing: set[str], is_ascii: bool) -> str:
    if " " <= sign <= "~":
        return sign
    if sign == "\t":
        return " "
    category = unicodedata.category(sign)
    if sign in missing and category in ("Mn", "Me", "Cf"):
        return ""
    # what no font may be asked for at all: private use, unassigned, surrogates
    if sign in missing or is_ascii or category in ("Co", "Cn", "Cs", "Cc"):
        return f"[U+{ord(sign):04X}]"
    return sign


def _unescaped(text: str) -> str:
    """Rust's debug form of a text, read back."""
    return _ESCAPED.sub(
        lambda m: chr(int(m[1], 16)) if m[1] else {"n": "\n", "t": "\t", "r": "\r"}.get(m[2], m[2]), text
    )
