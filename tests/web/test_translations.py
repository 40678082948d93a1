from __future__ import annotations

from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.mofile import read_mo
from babel.messages.pofile import read_po

ROOT = Path(__file__).parents[2] / "archive_service"
CATALOGUE = ROOT / "translations" / "id" / "LC_MESSAGES"
KEYWORDS = {"_": None, "gettext": None, "lazy_gettext": None, "ngettext": (1, 2)}


def texts_of(catalog: Catalog) -> dict[tuple[str, ...], tuple[str, ...]]:
    """Message → translation, both as tuples: of one form each, or of several where there is a plural."""
    pairs = ([(text,) if isinstance(text, str) else tuple(text) for text in (m.id, m.string)] for m in catalog if m.id)
    return {id: string for id, string in pairs}


def test_the_compiled_catalogue_is_the_written_one_and_complete() -> None:
    with (CATALOGUE / "messages.po").open("rb") as file:
        written = read_po(file, locale="id")
    with (CATALOGUE / "messages.mo").open("rb") as file:
        compiled = read_mo(file)
    assert texts_of(written) == texts_of(compiled)
    assert [m.id for m in written if m.id and (m.fuzzy or not all([m.string, *m.string]))] == []


def test_every_text_of_the_pages_is_in_the_catalogue() -> None:
    methods = [("**.py", "python"), ("web/templates/**.html", "jinja2")]
    found = {message for _, _, message, _, _ in extract_from_dir(str(ROOT), methods, keywords=KEYWORDS)}
    with (CATALOGUE / "messages.po").open("rb") as file:
        written = {m.id for m in read_po(file, locale="id") if m.id}
    assert found == written


def test_placeholders_are_the_same_in_both_languages() -> None:
    with (CATALOGUE / "messages.po").open("rb") as file:
        errors = [(m.id, list(m.check())) for m in read_po(file, locale="id") if m.id and list(m.check())]
    assert errors == []
