"""Verdicts by more than one calendar, pauses, explanations with their answers, attachments, indicators of documents."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

ID = sa.String(length=32)
HASH = sa.String(length=64)
MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Add what the rules need; rows that are there become what their events say."""
    with op.batch_alter_table("step_run") as table:
        table.alter_column("due_at", existing_type=MOMENT, nullable=True)
    with op.batch_alter_table("document_version") as table:
        table.add_column(sa.Column("deviation_id", ID, nullable=True))
        table.add_column(sa.Column("indicator", HASH, nullable=True))
    with op.batch_alter_table("verdict") as table:
        table.add_column(sa.Column("number", sa.Integer(), nullable=False, server_default="1"))
        table.add_column(sa.Column("calendar_digest", HASH, nullable=False, server_default=""))
        table.add_column(sa.Column("excluded_seconds", sa.Integer(), nullable=False, server_default="0"))
    with op.batch_alter_table("verdict") as table:
        for name in ("number", "calendar_digest", "excluded_seconds"):
            table.alter_column(name, server_default=None)
    with op.batch_alter_table("deviation") as table:
        table.add_column(sa.Column("state", HASH, nullable=False, server_default="unexplained"))
        table.add_column(sa.Column("explain_by", MOMENT, nullable=True))
        table.add_column(sa.Column("escalated_at", MOMENT, nullable=True))
        table.add_column(sa.Column("owed_until", MOMENT, nullable=True))
    with op.batch_alter_table("deviation") as table:
        table.alter_column("state", server_default=None)
    op.create_index("ix_deviation_owed", "deviation", ["owed_until"], unique=False)
    op.create_table(
        "explanation",
        sa.Column("deviation_id", ID, nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("person_id", ID, nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("event_hash", HASH, nullable=False),
        sa.Column("answer", HASH, nullable=True),
        sa.Column("answered_by", ID, nullable=True),
        sa.Column("answered_at", MOMENT, nullable=True),
        sa.ForeignKeyConstraint(["answered_by"], ["person.id"], name=op.f("fk_explanation_answered_by")),
        sa.ForeignKeyConstraint(["deviation_id"], ["deviation.id"], name=op.f("fk_explanation_deviation_id")),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_explanation_person_id")),
        sa.PrimaryKeyConstraint("deviation_id", "number", name=op.f("pk_explanation")),
    )
    op.create_table(
        "statement_again",
        sa.Column("event_hash", HASH, nullable=False),
        sa.Column("dossier_id", ID, nullable=False),
        sa.Column("calendar_digest", HASH, nullable=False),
        sa.Column("digest", HASH, nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["calendar_digest"], ["definition.digest"], name=op.f("fk_statement_again_calendar_digest")
        ),
        sa.ForeignKeyConstraint(["dossier_id"], ["dossier.id"], name=op.f("fk_statement_again_dossier_id")),
        sa.PrimaryKeyConstraint("event_hash", name=op.f("pk_statement_again")),
        sa.UniqueConstraint(
            "dossier_id", "calendar_digest", name=op.f("uq_statement_again_dossier_id_calendar_digest")
        ),
    )
    _guard(
        "statement_again",
        "NEW.event_hash = event_hash OR NEW.dossier_id = dossier_id AND NEW.calendar_digest = calendar_digest",
    )


def _guard(table: str, clash: str) -> None:
    """New rows only: the triggers of the first schema for one more table."""
    if op.get_bind().dialect.name == "sqlite":
        for verb in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER {table}_no_{verb.lower()} BEFORE {verb} ON {table} "
                f"BEGIN SELECT RAISE(ABORT, '{table} takes new rows only'); END"
            )
        op.execute(
            f"CREATE TRIGGER {table}_no_replace BEFORE INSERT ON {table} WHEN EXISTS (SELECT 1 FROM {table} WHERE {clash}) "
            f"BEGIN SELECT RAISE(ABORT, '{table} has this row already'); END"
        )
        return
    op.execute(
        f"CREATE TRIGGER {table}_no_change BEFORE UPDATE OR DELETE ON {table} FOR EACH ROW "
        "EXECUTE FUNCTION archive_refuse_change()"
    )
    op.execute(
        f"CREATE TRIGGER {table}_no_truncate BEFORE TRUNCATE ON {table} FOR EACH STATEMENT "
        "EXECUTE FUNCTION archive_refuse_change()"
    )


def downgrade() -> None:
    """Refused: evidence is never dropped by a command."""
    raise NotImplementedError("second verdicts and explanations are evidence; there is no way back")
