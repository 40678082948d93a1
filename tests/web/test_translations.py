from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.mofile import read_mo
from babel.messages.pofile import read_po

ROOT = Path(__file__).parents[2] / "archive_service"
CATALOGUE = ROOT / "translations" / "id" / "LC_MESSAGES"
KEYWORDS = {"_": None, "gettext": None, "lazy_gettext": None, "ngettext": (1, 2)}


def texts_of(catalog: Catalog) -> dict[tuple[str, ...], tuple[str, ...]]:
    """Message → translation, both as tuples: of one form each, or of several where there is a plural."""
    return {forms_of(m.id): forms_of(m.string) for m in catalog if m.id}


def forms_of(text: Any) -> tuple[str, ...]:
    return (text,) if isinstance(text, str) else tuple(text)


def test_the_compiled_catalogue_is_the_written_one_and_complete() -> None:
    with (CATALOGUE / "messages.po").open("rb") as file:
        written = read_po(file, locale="id")
    with (CATALOGUE / "messages.mo").open("rb") as file:
        compiled = read_mo(file)
    assert texts_of(written) == texts_of(compiled)
    assert [m.id for m in written if m.id and (m.fuzzy or not all(forms_of(m.string)))] == []


def test_every_text_of_the_pages_is_in_the_catalogue() -> None:
    methods = [("**.py", "python"), ("web/templates/**.html", "jinja2")]
    found = {message for _, _, message, _, _ in extract_from_dir(str(ROOT), methods, keywords=KEYWORDS)}
    with (CATALOGUE / "messages.po").open("rb") as file:
        written = {m.id for m in read_po(file, locale="id") if m.id}
    assert found == written


def test_placeholders_are_the_same_in_both_languages() -> None:
    with (CATALOGUE / "messages.po").open("rb") as file:
        written = read_po(file, locale="id")
    for message in (m for m in written if m.id):
        named = [set(re.findall(r"%\((\w+)\)s", text)) for text in forms_of(message.id) + forms_of(message.string)]
        assert all(names == named[0] for names in named), message.id
