"""Substitutes (Plh./Plt.), attestations, flags on decisions, and for whom a step is done by a substitute."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"

ID = sa.String(length=32)
HASH = sa.String(length=64)
DATE = sa.String(length=10)
MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Add what the rules of people need; the rows that are there have none of it."""
    with op.batch_alter_table("assignment") as table:
        table.add_column(sa.Column("acting_mode", HASH, nullable=True))
        table.add_column(sa.Column("acting_absent", ID, nullable=True))
        table.add_column(sa.Column("acting_delegation", HASH, nullable=True))
        table.add_column(sa.Column("acting_sops", sa.Text(), nullable=True))
        table.create_foreign_key(op.f("fk_assignment_acting_absent"), "person", ["acting_absent"], ["id"])
    op.create_index("ix_assignment_acting_absent", "assignment", ["acting_absent"], unique=False)
    with op.batch_alter_table("step_run") as table:
        table.add_column(sa.Column("acting_hash", HASH, nullable=True))
    op.create_index("ix_step_run_responsible", "step_run", ["responsible", "state"], unique=False)
    op.create_index("ix_step_run_acting", "step_run", ["acting_hash", "state"], unique=False)
    op.create_table(
        "delegation",
        sa.Column("id", ID, nullable=False),
        sa.Column("mode", HASH, nullable=False),
        sa.Column("substitute", ID, nullable=False),
        sa.Column("absent", ID, nullable=False),
        sa.Column("assignment_hash", HASH, nullable=False),
        sa.Column("role", HASH, nullable=False),
        sa.Column("work_unit_id", ID, nullable=False),
        sa.Column("from_on", DATE, nullable=False),
        sa.Column("to_on", DATE, nullable=True),
        sa.Column("sops", sa.Text(), nullable=False),
        sa.Column("letter_on", DATE, nullable=False),
        sa.Column("state", HASH, nullable=False),
        sa.Column("proposed_by", ID, nullable=False),
        sa.Column("proposed_role", HASH, nullable=True),
        sa.Column("proposed_at", MOMENT, nullable=False),
        sa.Column("proposal_hash", HASH, nullable=False),
        sa.Column("answered_by", ID, nullable=True),
        sa.Column("answered_at", MOMENT, nullable=True),
        sa.Column("assignment_id", ID, nullable=True),
        sa.ForeignKeyConstraint(["substitute"], ["person.id"], name=op.f("fk_delegation_substitute")),
        sa.ForeignKeyConstraint(["absent"], ["person.id"], name=op.f("fk_delegation_absent")),
        sa.ForeignKeyConstraint(["work_unit_id"], ["work_unit.id"], name=op.f("fk_delegation_work_unit_id")),
        sa.ForeignKeyConstraint(["proposed_by"], ["person.id"], name=op.f("fk_delegation_proposed_by")),
        sa.ForeignKeyConstraint(["answered_by"], ["person.id"], name=op.f("fk_delegation_answered_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_delegation")),
        sa.UniqueConstraint("proposal_hash", name=op.f("uq_delegation_proposal_hash")),
    )
    for column in ("substitute", "absent", "work_unit_id"):
        op.create_index(f"ix_delegation_{column}", "delegation", [column], unique=False)
    op.create_table(
        "attestation",
        sa.Column("event_hash", HASH, nullable=False),
        sa.Column("assignment_id", ID, nullable=False),
        sa.Column("person_id", ID, nullable=False),
        sa.Column("sop_digest", HASH, nullable=False),
        sa.Column("text_digest", HASH, nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.ForeignKeyConstraint(["assignment_id"], ["assignment.id"], name=op.f("fk_attestation_assignment_id")),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_attestation_person_id")),
        sa.PrimaryKeyConstraint("event_hash", name=op.f("pk_attestation")),
        sa.UniqueConstraint("assignment_id", "text_digest", name=op.f("uq_attestation_assignment_id_text_digest")),
    )
    op.create_index("ix_attestation_person_id", "attestation", ["person_id"], unique=False)
    op.create_table(
        "flag",
        sa.Column("event_hash", HASH, nullable=False),
        sa.Column("dossier_id", ID, nullable=False),
        sa.Column("step", HASH, nullable=False),
        sa.Column("iteration", sa.Integer(), nullable=False),
        sa.Column("person_id", ID, nullable=False),
        sa.Column("decision_hash", HASH, nullable=True),
        sa.Column("reasons", sa.String(length=200), nullable=False),
        sa.ForeignKeyConstraint(["dossier_id"], ["dossier.id"], name=op.f("fk_flag_dossier_id")),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_flag_person_id")),
        sa.PrimaryKeyConstraint("event_hash", name=op.f("pk_flag")),
    )
    op.create_index("ix_flag_dossier_id", "flag", ["dossier_id"], unique=False)


def downgrade() -> None:
    """Refused: evidence is never dropped by a command."""
    raise NotImplementedError("substitutes, attestations and flags are evidence; there is no way back")
