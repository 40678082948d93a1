"""Receipts: what an uploader keeps, as the text of a note signed by the receipt key."""

from __future__ import annotations

import re
from dataclasses import dataclass

_TEXT = re.compile(
    r"(?P<origin>[^\s]+) receipt v1\n"
    r"stream (?P<stream>[a-z]+:[0-9a-f]{32})\n"
    r"seq (?P<seq>0|[1-9][0-9]{0,15})\n"
    r"event (?P<event>[0-9a-f]{64})\n"
    r"digest sha256:(?P<digest>[0-9a-f]{64})\n"
    r"size (?P<size>0|[1-9][0-9]{0,15})\n"
    r"at (?P<at>[0-9T:.-]{26}Z)\n"
)


class ReceiptError(ValueError):
    """The text is no receipt."""


@dataclass(frozen=True)
class Receipt:
    """A document's digest and size, and the event that recorded it."""

    origin: str
    stream: str
    seq: int
    event_hash: str
    digest: str
    size: int
    at: str


def format_receipt(receipt: Receipt) -> str:
    """The note text of a receipt."""
    return (
        f"{receipt.origin} receipt v1\nstream {receipt.stream}\nseq {receipt.seq}\nevent {receipt.event_hash}\n"
        f"digest sha256:{receipt.digest}\nsize {receipt.size}\nat {receipt.at}\n"
    )


def parse_receipt(text: str) -> Receipt:
    """The receipt in a note's text; ReceiptError for any other text."""
    found = _TEXT.fullmatch(text)
    if found is None:
        raise ReceiptError("the text is no receipt")
    return Receipt(
        found["origin"],
        found["stream"],
        int(found["seq"]),
        found["event"],
        found["digest"],
        int(found["size"]),
        found["at"],
    )
