"""What units owe each period, what they did not carry out, and the findings of audits."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"

ID = sa.String(length=32)
HASH = sa.String(length=64)
MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Add three tables."""
    op.create_table(
        "obligation",
        sa.Column("id", ID, nullable=False),
        sa.Column("work_unit_id", ID, nullable=False),
        sa.Column("sop", HASH, nullable=False),
        sa.Column("year", sa.Integer(), nullable=False),
        sa.Column("quarter", sa.Integer(), nullable=False),
        sa.Column("due_at", MOMENT, nullable=False),
        sa.Column("basis", HASH, nullable=False),
        sa.Column("set_hash", HASH, nullable=False),
        sa.Column("withdrawn_at", MOMENT, nullable=True),
        sa.Column("is_watched", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["work_unit_id"], ["work_unit.id"], name=op.f("fk_obligation_work_unit_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_obligation")),
    )
    op.create_index("ix_obligation_watched", "obligation", ["is_watched", "due_at"], unique=False)
    op.create_index("ix_obligation_period", "obligation", ["year", "quarter", "work_unit_id"], unique=False)
    op.create_table(
        "unit_deviation",
        sa.Column("id", ID, nullable=False),
        sa.Column("work_unit_id", ID, nullable=False),
        sa.Column("obligation_id", ID, nullable=False),
        sa.Column("code", HASH, nullable=False),
        sa.Column("subject", sa.String(length=100), nullable=False),
        sa.Column("role", HASH, nullable=True),
        sa.Column("responsible", ID, nullable=True),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("event_hash", HASH, nullable=False),
        sa.Column("state", HASH, nullable=False),
        sa.Column("explain_by", MOMENT, nullable=True),
        sa.Column("escalated_at", MOMENT, nullable=True),
        sa.Column("owed_until", MOMENT, nullable=True),
        sa.ForeignKeyConstraint(["obligation_id"], ["obligation.id"], name=op.f("fk_unit_deviation_obligation_id")),
        sa.ForeignKeyConstraint(["responsible"], ["person.id"], name=op.f("fk_unit_deviation_responsible")),
        sa.ForeignKeyConstraint(["work_unit_id"], ["work_unit.id"], name=op.f("fk_unit_deviation_work_unit_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_unit_deviation")),
    )
    op.create_index("ix_unit_deviation_owed", "unit_deviation", ["owed_until"], unique=False)
    op.create_index(op.f("ix_unit_deviation_work_unit_id"), "unit_deviation", ["work_unit_id"], unique=False)
    op.create_table(
        "finding",
        sa.Column("id", ID, nullable=False),
        sa.Column("work_unit_id", ID, nullable=False),
        sa.Column("state", HASH, nullable=False),
        sa.Column("classification", HASH, nullable=True),
        sa.Column("proposed_by", ID, nullable=False),
        sa.Column("proposed_at", MOMENT, nullable=False),
        sa.Column("pic", ID, nullable=True),
        sa.Column("due_on", sa.String(length=10), nullable=True),
        sa.Column("latest", HASH, nullable=False),
        sa.ForeignKeyConstraint(["pic"], ["person.id"], name=op.f("fk_finding_pic")),
        sa.ForeignKeyConstraint(["proposed_by"], ["person.id"], name=op.f("fk_finding_proposed_by")),
        sa.ForeignKeyConstraint(["work_unit_id"], ["work_unit.id"], name=op.f("fk_finding_work_unit_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_finding")),
    )
    op.create_index(op.f("ix_finding_work_unit_id"), "finding", ["work_unit_id"], unique=False)


def downgrade() -> None:
    """Refused: evidence is never dropped by a command."""
    raise NotImplementedError("obligations and findings are evidence; there is no way back")
