"""File names as people send them: kept as a word to show, never used as a path."""

from __future__ import annotations

import unicodedata

from archive_service.errors import DocumentRefused

NAME_LIMIT = 200
_BIDI = frozenset("\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u061c")
_SEPARATORS = frozenset('/\\:*?"<>|')
_RESERVED = frozenset(
    ["con", "prn", "aux", "nul", *(f"com{i}" for i in range(1, 10)), *(f"lpt{i}" for i in range(1, 10))]
)


def require_file_name(name: str) -> str:
    """The name in NFC; DocumentRefused ``file_name_refused`` when it plays tricks on whoever reads or saves it.

    Refused: empty, over 200 characters, path separators, control characters, direction overrides, leading or trailing dots and
    spaces, device names of Windows.
    """
    text = unicodedata.normalize("NFC", name)
    categories = {unicodedata.category(c) for c in text}
    is_refused = (
        not text
        or len(text) > NAME_LIMIT
        or bool(categories & {"Cc", "Cs", "Cn", "Zl", "Zp"})
        or any(c in _BIDI or c in _SEPARATORS for c in text)
        or text != text.strip(" .\u00a0\u3000")
        or text.split(".")[0].casefold() in _RESERVED
    )
    if is_refused:
        raise DocumentRefused(
            "file_name_refused",
            "The file's name cannot be kept: rename it with letters, digits, spaces, - and _ and send it again.",
        )
    return text
