"""Verification of one document with its receipt: that the service acknowledged exactly these bytes, and nothing beyond that."""

from __future__ import annotations

from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any, BinaryIO, Dict, List, Optional, Sequence

from archive_service.domain.discrepancy import Discrepancy
from archive_service.domain.note import Note, NoteError, VerifierKey, parse_note, signed_by
from archive_service.domain.receipt import Receipt, ReceiptError, parse_receipt
from archive_service.verifier import ed25519
from archive_service.verifier.messages import DOCUMENT_STEPS, DOCUMENT_WORDS
from archive_service.verifier.verify import FAILED, INVALID, PASSED, UNCONFIRMED, VALID, Report, StepResult

CHUNK_BYTES = 1024 * 1024
RECEIPT = "receipt"
DOCUMENT = "document"


@dataclass
class DocumentReport(Report):
    """What a receipt proves of a document; ``receipt`` is what it says, where it can be read."""

    steps: List[StepResult] = field(default_factory=lambda: [StepResult(id) for id in DOCUMENT_STEPS])
    receipt: Optional[Receipt] = None

    @property
    def verdict(self) -> str:
        """The last word; without a key the signature alone stays open."""
        open_steps = {step.id for step in self.steps if step.state != PASSED}
        if self.is_pinned:
            return INVALID if open_steps else VALID
        return UNCONFIRMED if open_steps == {"receipt_signature"} else INVALID

    def plain(self) -> Dict[str, Any]:
        """The report as JSON-able data."""
        receipt = self.receipt
        return {**super().plain(), "receipt": None if receipt is None else dict(vars(receipt))}

    def note_lines(self, column: int) -> List[str]:
        """What the receipt proves and what it does not, unless it proves nothing."""
        receipt = self.receipt
        if receipt is None or self.verdict == INVALID:
            return []
        facts = (receipt.size, receipt.digest, receipt.origin, receipt.stream, receipt.seq, receipt.at)
        proves = DOCUMENT_WORDS["proves" if self.is_pinned else "would_prove"][column] % facts
        return [proves, DOCUMENT_WORDS["proves_not"][column] % receipt.event_hash]


def check_document(
    source: BinaryIO, size: int, receipt: bytes, keys: Optional[Sequence[VerifierKey]]
) -> DocumentReport:
    """The report on a document in a file of ``size`` bytes and its receipt.

    ``keys`` are the receipt keys that are trusted: the receipt must be signed by one of them. None: nobody's is. Never raises on any
    content of the receipt; OSError when the document cannot be read.
    """
    report = DocumentReport(is_pinned=keys is not None)
    steps = {step.id: step for step in report.steps}

    def close(id: str, *found: Discrepancy) -> None:
        steps[id].discrepancies = list(found)
        steps[id].state = FAILED if found else PASSED

    try:
        note = parse_note(receipt)
        said = parse_receipt(note.text)
    except (NoteError, ReceiptError) as exc:
        close("receipt_form", Discrepancy("receipt_invalid", RECEIPT, str(exc)))
        return report
    report.receipt = said
    close("receipt_form")
    if keys is not None:
        close("receipt_signature", *_check_signature(note, said, keys))
    found = [] if size == said.size else [Discrepancy("document_size", DOCUMENT, f"{size} ≠ {said.size}")]
    close("document_size", *found)
    seen, rest = sha256(), size
    while rest > 0:
        chunk = source.read(min(CHUNK_BYTES, rest))
        if not chunk:
            break
        rest -= len(chunk)
        seen.update(chunk)
    is_same = rest == 0 and seen.hexdigest() == said.digest
    close("document_digest", *([] if is_same else [Discrepancy("document_digest", DOCUMENT, seen.hexdigest())]))
    return report


def _check_signature(note: Note, receipt: Receipt, keys: Sequence[VerifierKey]) -> List[Discrepancy]:
    try:
        signers = [key for key in keys if signed_by(note, key, ed25519.verify)]
    except NoteError as exc:
        return [Discrepancy("receipt_invalid", RECEIPT, str(exc))]
    if not signers:
        names = ", ".join(signature.name for signature in note.signatures)
        return [Discrepancy("receipt_unsigned", RECEIPT, names)]
    # the name is part of the key's id: a log's key, or another archive's, does not speak for this one's receipts
    if not any(key.name == f"{receipt.origin}/receipt" for key in signers):
        return [Discrepancy("origin_differs", RECEIPT, receipt.origin)]
    return []
