"""What auditors draw, and the words that are searched."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0012"

ID = sa.String(length=32)
HASH = sa.String(length=64)
KEY = sa.String(length=64)
TOKEN = sa.String(length=40).with_variant(sa.String(length=40, collation="C"), "postgresql")
COUNT = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
MOMENT = sa.DateTime(timezone=True)

FORGET = (
    "DELETE FROM search_token WHERE field = OLD.field "
    "AND entry_id = (SELECT id FROM search_entry WHERE event_hash = OLD.event_hash)"
)


def upgrade() -> None:
    """Add the tables, and have the words of an opening go with it."""
    op.create_table(
        "sample",
        sa.Column("id", ID, nullable=False),
        sa.Column("user_id", ID, nullable=False),
        sa.Column("person_id", ID, nullable=False),
        sa.Column("seed", sa.String(length=64), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("of", COUNT, nullable=False),
        sa.Column("population_digest", HASH, nullable=False),
        sa.Column("wanted", sa.Text(), nullable=False),
        sa.Column("drawn_at", MOMENT, nullable=False),
        sa.Column("event_hash", HASH, nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["user.id"], name=op.f("fk_sample_user_id")),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_sample_person_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sample")),
    )
    op.create_index("ix_sample_user", "sample", ["user_id", "id"], unique=False)
    op.create_table(
        "sample_item",
        sa.Column("sample_id", ID, nullable=False),
        sa.Column("place", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("dossier_id", ID, nullable=False),
        sa.Column("result", KEY, nullable=True),
        sa.Column("finding_id", ID, nullable=True),
        sa.Column("judged_at", MOMENT, nullable=True),
        sa.Column("event_hash", HASH, nullable=True),
        sa.ForeignKeyConstraint(["sample_id"], ["sample.id"], name=op.f("fk_sample_item_sample_id")),
        sa.PrimaryKeyConstraint("sample_id", "place", name=op.f("pk_sample_item")),
    )
    op.create_table(
        "search_entry",
        sa.Column("id", COUNT, autoincrement=True, nullable=False),
        sa.Column("kind", KEY, nullable=False),
        sa.Column("event_hash", HASH, nullable=False),
        sa.Column("subject", HASH, nullable=False),
        sa.Column("dossier_id", ID, nullable=True),
        sa.Column("work_unit_id", ID, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_search_entry")),
        sa.UniqueConstraint("event_hash", name=op.f("uq_search_entry_event_hash")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_search_entry_kind", "search_entry", ["kind", "id"], unique=False)
    op.create_index("ix_search_entry_unit", "search_entry", ["kind", "work_unit_id", "id"], unique=False)
    op.create_table(
        "search_token",
        sa.Column("token", TOKEN, nullable=False),
        sa.Column("entry_id", COUNT, autoincrement=False, nullable=False),
        sa.Column("field", KEY, nullable=False),
        sa.ForeignKeyConstraint(
            ["entry_id"], ["search_entry.id"], name=op.f("fk_search_token_entry_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("token", "entry_id", "field", name=op.f("pk_search_token")),
    )
    op.create_index("ix_search_token_entry", "search_token", ["entry_id", "token"], unique=False)
    op.create_index("ix_finding_proposed", "finding", ["proposed_at", "id"], unique=False)
    if op.get_bind().dialect.name == "sqlite":
        op.execute(f"CREATE TRIGGER opening_forget_words AFTER DELETE ON opening BEGIN {FORGET}; END")
        return
    op.execute(
        f"CREATE FUNCTION archive_forget_words() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {FORGET}; RETURN OLD; END $$"
    )
    op.execute(
        "CREATE TRIGGER opening_forget_words AFTER DELETE ON opening FOR EACH ROW EXECUTE FUNCTION archive_forget_words()"
    )


def downgrade() -> None:
    """Refused: evidence is never dropped by a command."""
    raise NotImplementedError("samples are evidence; there is no way back")
