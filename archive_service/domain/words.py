"""Words as they are searched: without case and accents, cut at whatever is neither letter nor digit. Nothing of any language.

``0412/B1/TU/2026`` has the words 0412, b1, tu and 2026, and is found by any of their beginnings, in any order.
"""

from __future__ import annotations

import re
import unicodedata
from typing import List, Sequence, Tuple

WORD_CHARACTERS = 38
"""What a word is cut to."""
TERMS_LIMIT = 8
QUERY_CHARACTERS = 200

_WORD = re.compile(r"[^\W_]+")
_HEX = re.compile(r"[0-9a-f]{6,64}")
_NUMBER = re.compile(r"#?(0|[1-9][0-9]{0,14})")
_EVENT = re.compile(r"([0-9a-f]{6,32})#(0|[1-9][0-9]{0,14})")


def plain(text: str) -> str:
    """The text without case, accents and forms of the same letter (NFKD)."""
    parts = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", text).casefold())
    return "".join(c for c in parts if not unicodedata.combining(c))


def words_of(text: str) -> List[str]:
    """The words of a text, each once, in order."""
    return list(dict.fromkeys(word[:WORD_CHARACTERS] for word in _WORD.findall(plain(text))))


def ends_behind(word: str) -> str:
    """What sorts behind every word with this beginning, by code points."""
    return word + "\U0010ffff"


def is_found(word: str, terms: Sequence[str]) -> bool:
    """Whether a word answers one of the terms: begins with it, or is it, where the term is a single character."""
    return any(word == term or (len(term) > 1 and word.startswith(term)) for term in terms)


def mark(text: str, terms: Sequence[str]) -> List[Tuple[str, bool]]:
    """The text in pieces, in order, each with whether it is a word that answers one of the terms."""
    pieces: List[Tuple[str, bool]] = []
    end = 0
    for found in _WORD.finditer(text):
        if terms and any(is_found(word, terms) for word in words_of(found[0])):
            pieces += [(text[end : found.start()], False), (found[0], True)]
            end = found.end()
    return [piece for piece in [*pieces, (text[end:], False)] if piece[0]]


def excerpt(text: str, terms: Sequence[str], length: int = 240) -> str:
    """The part of a long text around the first word that was looked for."""
    if len(text) <= length:
        return text
    start = 0
    for piece, is_hit in mark(text, terms):
        if is_hit:
            break
        start += len(piece)
    begin = max(0, min(start - length // 3, len(text) - length))
    return ("…" if begin else "") + text[begin : begin + length] + ("…" if begin + length < len(text) else "")


def hash_in(query: str) -> str:
    """The beginning of a digest, leaf hash or id that a query is, or nothing."""
    text = query.strip().lower()
    text = text[len("sha256:") :] if text.startswith("sha256:") else text
    return text if _HEX.fullmatch(text) else ""


def number_in(query: str) -> int:
    """The leaf index that a query such as ``#1204`` is, or -1."""
    found = _NUMBER.fullmatch(query.strip())
    return int(found[1]) if found else -1


def event_in(query: str) -> Tuple[str, int]:
    """(the beginning of a dossier's id, seq) of a query such as ``0198f1ac#12``, or nothing and -1."""
    found = _EVENT.fullmatch(query.strip().lower())
    return (found[1], int(found[2])) if found else ("", -1)
