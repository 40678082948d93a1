"""Why the log signs nothing more, for all processes to see."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    """Add the columns; the log signs."""
    op.add_column("sequencer", sa.Column("stop_code", sa.String(length=64), nullable=True))
    op.add_column("sequencer", sa.Column("stop_detail", sa.Text(), nullable=True))
    op.add_column("sequencer", sa.Column("stopped_at", sa.DateTime(timezone=True), nullable=True))


def downgrade() -> None:
    """Take the columns away: they say nothing that the log process does not find again."""
    for name in ("stopped_at", "stop_detail", "stop_code"):
        op.drop_column("sequencer", name)
