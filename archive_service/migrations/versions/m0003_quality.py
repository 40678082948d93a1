"""Numbers across dossiers, and what the deadline sweep looks for."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

ID = sa.String(length=32)
KEY = sa.String(length=64)
MOMENT = sa.DateTime(timezone=True)
COUNT = sa.BigInteger().with_variant(sa.Integer(), "sqlite")

COUNTED = (
    "dossiers",
    "sealed",
    "cancelled",
    "runs",
    "running",
    "overdue",
    "on_time",
    "late",
    "used_seconds",
    "limit_seconds",
    "complete",
    "incomplete",
    "returns",
    "sent_back",
    "deviations",
    "open_deviations",
    "unexplained",
)


def upgrade() -> None:
    """Add the table of counts, the sweep's columns, and the indexes."""
    op.create_table(
        "quality_count",
        sa.Column("id", COUNT, autoincrement=True, nullable=False),
        sa.Column("is_folded", sa.Boolean(), nullable=False),
        sa.Column("sop", KEY, nullable=False),
        sa.Column("step", KEY, nullable=False),
        sa.Column("work_unit_id", ID, nullable=False),
        sa.Column("year", sa.Integer(), nullable=False),
        sa.Column("quarter", sa.Integer(), nullable=False),
        *(sa.Column(name, COUNT, nullable=False) for name in COUNTED),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_quality_count")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_quality_count_period", "quality_count", ["year", "quarter", "work_unit_id"])
    op.create_index("ix_quality_count_unit", "quality_count", ["work_unit_id", "year", "quarter"])
    fresh = sa.text("NOT is_folded")
    op.create_index("ix_quality_count_fresh", "quality_count", ["id"], postgresql_where=fresh, sqlite_where=fresh)
    op.add_column("step_run", sa.Column("late_at", MOMENT, nullable=True))
    op.add_column("step_run", sa.Column("is_watched", sa.Boolean(), server_default=sa.false(), nullable=False))
    op.add_column("step_run", sa.Column("look_again_at", MOMENT, nullable=True))
    op.create_index("ix_step_run_watched", "step_run", ["is_watched", "late_at"])
    unexplained = sa.text("explained_at IS NULL")
    op.create_index(
        "ix_deviation_unexplained", "deviation", ["at", "id"], postgresql_where=unexplained, sqlite_where=unexplained
    )
    # lists that stop after a page need their whole order in the index
    op.drop_index("ix_step_run_due", "step_run")
    op.create_index("ix_step_run_due", "step_run", ["state", "due_at", "dossier_id", "step"])
    op.drop_index("ix_dossier_unit_period", "dossier")
    op.create_index("ix_dossier_unit_period", "dossier", ["work_unit_id", "year", "quarter", "id"])


def downgrade() -> None:
    """Refused: evidence is never dropped by a command."""
    raise NotImplementedError("the counts are evidence; there is no way back")
