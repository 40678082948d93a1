"""Bring the catalogue up to date with the texts of the pages: adds new ones empty, drops gone ones, compiles; lists what to translate.

Run it after changing a text, fill in the empty ``msgstr``, run it again. After a merge it makes the compiled file anew.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

ROOT = Path(__file__).parents[1] / "archive_service"
CATALOGUE = ROOT / "translations" / "id" / "LC_MESSAGES"
METHODS = [("**.py", "python"), ("web/templates/**.html", "jinja2")]
KEYWORDS = {"_": None, "gettext": None, "lazy_gettext": None, "ngettext": (1, 2)}


def main() -> int:
    """Write both files; 1 when a text has no translation."""
    with (CATALOGUE / "messages.po").open("rb") as file:
        known = read_po(file, locale="id")
    found = {message: None for _, _, message, _, _ in extract_from_dir(str(ROOT), METHODS, keywords=KEYWORDS)}
    made = Catalog(locale="id", fuzzy=False)
    # what is there keeps its place, what is new comes last: two branches then rarely change the same lines
    for old in known:
        if old.id and old.id in found:
            made.add(old.id, _forms(old.id, old.string))
            del found[old.id]
    for message in found:
        made.add(message, _forms(message, None))
    with (CATALOGUE / "messages.po").open("wb") as file:
        write_po(file, made, width=0, omit_header=True)
    # the library gives every language two forms; Indonesian has one
    text = (CATALOGUE / "messages.po").read_text(encoding="utf-8").replace('msgstr[1] ""\n', "")
    (CATALOGUE / "messages.po").write_text(HEADER + text, encoding="utf-8")
    with (CATALOGUE / "messages.po").open("rb") as file:
        written = read_po(file, locale="id")
    with (CATALOGUE / "messages.mo").open("wb") as file:
        write_mo(file, written)
    texts: list[tuple[Any, Any]] = [(m.id, m.string) for m in written if m.id]
    missing = [message for message, text in texts if not all([text] if isinstance(text, str) else text or [""])]
    for message in missing:
        print(f"not translated: {message!r}")
    return 1 if missing else 0


def _forms(message: Any, text: Any) -> Any:
    """A translation as the catalogue keeps it: one text, or the one form that an Indonesian plural has."""
    if isinstance(message, str):
        return text or ""
    return ((text or [""])[0],) if not isinstance(text, str) else (text,)


HEADER = """msgid ""
msgstr ""
"Project-Id-Version: archive-service\\n"
"Language: id\\n"
"MIME-Version: 1.0\\n"
"Content-Type: text/plain; charset=utf-8\\n"
"Content-Transfer-Encoding: 8bit\\n"
"Plural-Forms: nplurals=1; plural=0;\\n"

"""

if __name__ == "__main__":
    sys.exit(main())
