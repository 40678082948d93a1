"""Others who vouch for the log: cosignatures, time stamps, and how asking for them went."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"

WHEN = sa.DateTime(timezone=True)
COUNT = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Add the tables, empty."""
    op.create_table(
        "cosignature",
        sa.Column("size", COUNT, autoincrement=False, nullable=False),
        sa.Column("vkey", sa.String(length=300), nullable=False),
        sa.Column("line", sa.String(length=500), nullable=False),
        sa.Column("cosigned_at", WHEN, nullable=False),
        sa.Column("kept_at", WHEN, nullable=False),
        sa.ForeignKeyConstraint(["size"], ["checkpoint.size"], name=op.f("fk_cosignature_size")),
        sa.PrimaryKeyConstraint("size", "vkey", name=op.f("pk_cosignature")),
    )
    op.create_index("ix_cosignature_vkey", "cosignature", ["vkey", "size"], unique=False)
    op.create_table(
        "time_stamp",
        sa.Column("size", COUNT, autoincrement=False, nullable=False),
        sa.Column("authority", sa.String(length=500), nullable=False),
        sa.Column("token", sa.LargeBinary(), nullable=False),
        sa.Column("stamped_at", WHEN, nullable=False),
        sa.Column("is_verified", sa.Boolean(), nullable=False),
        sa.Column("kept_at", WHEN, nullable=False),
        sa.ForeignKeyConstraint(["size"], ["checkpoint.size"], name=op.f("fk_time_stamp_size")),
        sa.PrimaryKeyConstraint("size", "authority", name=op.f("pk_time_stamp")),
    )
    op.create_index("ix_time_stamp_authority", "time_stamp", ["authority", "size"], unique=False)
    op.create_table(
        "voucher",
        sa.Column("key", sa.String(length=500), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("error", sa.String(length=500), nullable=True),
        sa.Column("asked_at", WHEN, nullable=False),
        sa.Column("answered_at", WHEN, nullable=True),
        sa.Column("ask_after", WHEN, nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_voucher")),
    )
    _guard("cosignature", "NEW.size = size AND NEW.vkey = vkey")
    _guard("time_stamp", "NEW.size = size AND NEW.authority = authority")


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
    raise NotImplementedError("cosignatures and time stamps are evidence; there is no way back")
