"""What a bundle takes of what others vouched for: the checkpoint that its proofs lead to, and the attested ones around its events."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Collection
from datetime import timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from archive_service.archive import Archive
from archive_service.bundling.plan import AttestedCheckpoint
from archive_service.db.models import CheckpointRow, CosignatureRow, TimeStampRow
from archive_service.domain import manifest, merkle
from archive_service.services import vouching
from archive_service.services.log import tile_reader
from archive_service.services.vouchers import attested_note


def is_worth_waiting(archive: Archive, session: Session, leaf_index: int, covering: CheckpointRow) -> bool:
    """Whether somebody who is asked may still vouch for a checkpoint over this leaf within the time that sealing waits."""
    if not vouching.vouchers_of(archive):
        return False
    waited = archive.timer() - covering.signed_at
    is_over = waited >= timedelta(seconds=archive.settings.attestation_wait_seconds)
    return not is_over and not vouching.has_all_vouchers(archive, session, leaf_index + 1)


def choose_checkpoint(session: Session, leaf_index: int, covering: CheckpointRow) -> CheckpointRow:
    """The checkpoint that the proofs lead to: one by which everybody who vouched for this leaf had done so, or else ``covering``."""
    sizes: list[int] = []
    for size, voucher in ((CosignatureRow.size, CosignatureRow.vkey), (TimeStampRow.size, TimeStampRow.authority)):
        rows = session.execute(select(func.min(size)).where(size > leaf_index).group_by(voucher))
        sizes += rows.scalars()
    return session.get_one(CheckpointRow, max(sizes)) if sizes else covering


def gather_attested(
    session: Session, indexes: Collection[int], leaf_index: int, main: CheckpointRow
) -> dict[int, AttestedCheckpoint]:
    """The attested checkpoints up to ``main`` that lie next to these leaves, and all from ``leaf_index`` on; by size."""
    sizes = [size for size in vouching.attested_sizes(session) if size <= main.size]
    wanted = {size for size in sizes if size > leaf_index}
    for index in indexes:
        place = bisect_right(sizes, index)
        wanted.update(sizes[max(0, place - 1) : place + 1])
    kept = sorted(wanted)
    if len(kept) > manifest.ATTESTED_LIMIT:
        # fewer of them, evenly: the intervals grow wider and stay true
        step = -(-len(kept) // (manifest.ATTESTED_LIMIT - 1))
        kept = sorted({*kept[::step], kept[-1]})
    node = tile_reader(session)
    rows = {
        row.size: row for row in session.execute(select(CheckpointRow).where(CheckpointRow.size.in_(kept))).scalars()
    }
    return {
        size: AttestedCheckpoint(
            attested_note(session, rows[size]),
            tuple(vouching.tokens_of(session, size)[: manifest.TOKENS_LIMIT]),
            tuple(merkle.consistency_proof(size, main.size, node)),
        )
        for size in kept
    }
