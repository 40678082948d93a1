"""Witnesses: asked to cosign a checkpoint (C2SP tlog-witness), and what they answered kept."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from sqlalchemy import func, select

from archive_service.archive import Archive
from archive_service.db.models import CheckpointRow, CosignatureRow
from archive_service.db.session import insert_unless_there
from archive_service.domain import merkle, note
from archive_service.domain.cosignature import Cosignature, require_cosignature
from archive_service.domain.policy import Witness
from archive_service.posting import Answer, Unreachable, post
from archive_service.services.log import tile_reader
from archive_service.services.vouchers import NotVouched
from archive_service.verifier import ed25519
from archive_service.witness import SIZE_TYPE, format_submission

ANSWER_LIMIT_BYTES = 64 * 1024
ANSWER_SECONDS = 10.0
TRIES = 3
"""How often a witness is asked anew from the size that it names: another process may have asked it in between."""
CLOCK_SLACK = timedelta(minutes=5)
"""How far a witness's clock may be from ours: a time that is further off would contradict honest events."""
_SIZE = re.compile(rb"(0|[1-9][0-9]{0,15})\n")

REFUSALS = {
    400: "it could not read the checkpoint",
    403: "it does not know the key that signed",
    404: "it does not know this log, or the address is not a witness's",
    422: "it found that the log does not continue what it saw before",
}


def ask_witness(archive: Archive, witness: Witness, checkpoint: CheckpointRow) -> None:
    """Have a witness cosign a checkpoint and keep its cosignature.

    NotVouched when it does not: it cannot be reached, refuses, or has seen another log than ours under this name.
    """
    if witness.url is None:
        raise NotVouched("the policy gives no address")
    with archive.db.read() as session:
        known = session.execute(
            select(func.max(CosignatureRow.size)).where(CosignatureRow.vkey == note.format_vkey(witness.key))
        ).scalar_one_or_none()
    old = known or 0
    for _ in range(TRIES):
        answer = _submit(archive, witness.url, old, checkpoint)
        if answer.status != 409:
            break
        stands = _SIZE.fullmatch(answer.body)
        if answer.content_type != SIZE_TYPE or stands is None:
            raise NotVouched("it answered 409 without the size that it knows")
        seen = int(stands[1])
        if seen > checkpoint.size:
            raise NotVouched(f"it has seen {seen} events of this log, we have {checkpoint.size}")
        if seen == old:
            raise NotVouched(f"it has seen another log of this name and size ({seen})")
        old = seen
    if answer.status != 200:
        raise NotVouched(REFUSALS.get(answer.status, f"it answered {answer.status}"))
    _keep(archive, witness, checkpoint, _read_answer(witness, checkpoint, answer.body))


def _submit(archive: Archive, url: str, old: int, checkpoint: CheckpointRow) -> Answer:
    proof: list[bytes] = []
    if 0 < old < checkpoint.size:
        with archive.db.read() as session:
            proof = merkle.consistency_proof(old, checkpoint.size, tile_reader(session))
    body = format_submission(old, proof, checkpoint.note)
    try:
        return post(
            url.rstrip("/") + "/add-checkpoint",
            body,
            {"Content-Type": "text/plain; charset=utf-8"},
            limit_bytes=ANSWER_LIMIT_BYTES,
            seconds=ANSWER_SECONDS,
        )
    except Unreachable as exc:
        raise NotVouched(f"it cannot be reached ({exc})") from exc


def _read_answer(witness: Witness, checkpoint: CheckpointRow, body: bytes) -> tuple[str, Cosignature]:
    """The line by this witness's key among those that came, others are passed over; NotVouched when there is none that holds."""
    text = note.parse_note(checkpoint.note).text
    try:
        lines = body.decode("utf-8").split("\n")
        signatures = [note.parse_signature_line(line) for line in lines[:-1]]
        mine = [s for s in signatures if (s.name, s.key_id) == (witness.key.name, witness.key.key_id)]
        if lines[-1] or not mine:
            raise note.NoteError("there is no line by its key")
        return note.format_signature_line(mine[0]), require_cosignature(text, mine[0], witness.key, ed25519.verify)
    except (UnicodeDecodeError, note.NoteError) as exc:
        raise NotVouched(f"its answer is no cosignature: {exc}") from exc


def _keep(archive: Archive, witness: Witness, checkpoint: CheckpointRow, found: tuple[str, Cosignature]) -> None:
    line, cosignature = found
    now, cosigned_at = archive.timer(), datetime.fromtimestamp(cosignature.time, UTC)
    if abs(cosigned_at - now) > CLOCK_SLACK:
        raise NotVouched(f"its clock says {cosigned_at:%Y-%m-%d %H:%M:%S} UTC, ours {now:%Y-%m-%d %H:%M:%S}")
    vkey = note.format_vkey(witness.key)
    values = {"size": checkpoint.size, "vkey": vkey, "line": line, "cosigned_at": cosigned_at, "kept_at": now}
    with archive.db.write() as session:
        # asked first: the guard of SQLite's table refuses even an INSERT that would do nothing
        if session.get(CosignatureRow, (checkpoint.size, vkey)) is None:
            insert_unless_there(session, CosignatureRow, values)
