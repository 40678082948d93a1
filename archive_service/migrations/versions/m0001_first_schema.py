"""The first schema: the log, people, dossiers, and how the service runs; with the guards that keep evidence INSERT-only."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

ID = sa.String(length=32)
HASH = sa.String(length=64)
MOMENT = sa.DateTime(timezone=True)
COUNT = sa.BigInteger().with_variant(sa.Integer(), "sqlite")

INSERT_ONLY = {
    "event": ["NEW.id = id", "NEW.stream = stream AND NEW.seq = seq", "NEW.leaf_hash = leaf_hash"],
    "log_leaf": ["NEW.leaf_index = leaf_index", "NEW.leaf_hash = leaf_hash"],
    "checkpoint": ["NEW.size = size"],
    "definition": ["NEW.digest = digest", "NEW.kind = kind AND NEW.key = key AND NEW.version = version"],
    "statement": ["NEW.dossier_id = dossier_id"],
}
"""INSERT-only tables, and what makes a new row collide with one that is there."""

ERASE_ONLY = {"opening": ["NEW.event_hash = event_hash AND NEW.field = field"]}
"""Tables whose rows may be erased, never changed."""


def _guard_sqlite() -> None:
    for table, collisions in {**INSERT_ONLY, **ERASE_ONLY}.items():
        for verb in ("UPDATE", "DELETE") if table in INSERT_ONLY else ("UPDATE",):
            op.execute(
                f"CREATE TRIGGER {table}_no_{verb.lower()} BEFORE {verb} ON {table} "
                f"BEGIN SELECT RAISE(ABORT, '{table} takes new rows only'); END"
            )
        clash = " OR ".join(f"({c})" for c in collisions)
        # before INSERT, because INSERT OR REPLACE deletes the old row without firing its DELETE trigger
        op.execute(
            f"CREATE TRIGGER {table}_no_replace BEFORE INSERT ON {table} WHEN EXISTS (SELECT 1 FROM {table} WHERE {clash}) "
            f"BEGIN SELECT RAISE(ABORT, '{table} has this row already'); END"
        )


def _guard_postgresql() -> None:
    op.execute(
        """
        CREATE FUNCTION archive_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            RAISE EXCEPTION '% takes new rows only', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
        END
        $$
        """
    )
    for table in (*INSERT_ONLY, *ERASE_ONLY):
        verbs = "UPDATE OR DELETE" if table in INSERT_ONLY else "UPDATE"
        op.execute(
            f"CREATE TRIGGER {table}_no_change BEFORE {verbs} ON {table} FOR EACH ROW EXECUTE FUNCTION archive_refuse_change()"
        )
        op.execute(
            f"CREATE TRIGGER {table}_no_truncate BEFORE TRUNCATE ON {table} FOR EACH STATEMENT EXECUTE FUNCTION archive_refuse_change()"
        )


def upgrade() -> None:
    """Make every table, then the guards."""
    op.create_table(
        "checkpoint",
        sa.Column("size", COUNT, autoincrement=False, nullable=False),
        sa.Column("root", HASH, nullable=False),
        sa.Column("note", sa.LargeBinary(), nullable=False),
        sa.Column("signed_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("size", name=op.f("pk_checkpoint")),
    )
    op.create_table(
        "definition",
        sa.Column("digest", HASH, nullable=False),
        sa.Column("kind", HASH, nullable=False),
        sa.Column("key", HASH, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=False),
        sa.Column("event_hash", HASH, nullable=False),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_definition")),
        sa.UniqueConstraint("kind", "key", "version", name=op.f("uq_definition_kind_key_version")),
    )
    op.create_table(
        "event",
        sa.Column("id", ID, nullable=False),
        sa.Column("stream", sa.String(length=80), nullable=False),
        sa.Column("seq", COUNT, nullable=False),
        sa.Column("type", HASH, nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("leaf_hash", HASH, nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_event")),
        sa.UniqueConstraint("leaf_hash", name=op.f("uq_event_leaf_hash")),
        sa.UniqueConstraint("stream", "seq", name=op.f("uq_event_stream_seq")),
    )
    op.create_index(op.f("ix_event_type"), "event", ["type"], unique=False)
    op.create_table(
        "job",
        sa.Column("id", ID, nullable=False),
        sa.Column("name", HASH, nullable=False),
        sa.Column("args", sa.Text(), nullable=False),
        sa.Column("idempotency_key", sa.String(length=200), nullable=False),
        sa.Column("dossier_id", ID, nullable=True),
        sa.Column("state", HASH, nullable=False),
        sa.Column("run_after", MOMENT, nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("lease_token", ID, nullable=True),
        sa.Column("lease_until", MOMENT, nullable=True),
        sa.Column("progress", sa.Integer(), nullable=False),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("finished_at", MOMENT, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_job")),
        sa.UniqueConstraint("idempotency_key", name=op.f("uq_job_idempotency_key")),
    )
    op.create_index(op.f("ix_job_dossier_id"), "job", ["dossier_id"], unique=False)
    op.create_index("ix_job_ready", "job", ["state", "run_after"], unique=False)
    op.create_table(
        "location",
        sa.Column("key", sa.String(length=200), nullable=False),
        sa.Column("version_id", sa.String(length=200), nullable=False),
        sa.Column("digest", HASH, nullable=False),
        sa.Column("dossier_id", ID, nullable=False),
        sa.Column("claimed_at", MOMENT, nullable=False),
        sa.Column("locked_at", MOMENT, nullable=True),
        sa.Column("checked_at", MOMENT, nullable=True),
        sa.PrimaryKeyConstraint("key", "version_id", name=op.f("pk_location")),
    )
    op.create_index(op.f("ix_location_digest"), "location", ["digest"], unique=False)
    op.create_index(op.f("ix_location_dossier_id"), "location", ["dossier_id"], unique=False)
    op.create_table(
        "log_leaf",
        sa.Column("leaf_index", COUNT, autoincrement=False, nullable=False),
        sa.Column("leaf_hash", HASH, nullable=False),
        sa.PrimaryKeyConstraint("leaf_index", name=op.f("pk_log_leaf")),
        sa.UniqueConstraint("leaf_hash", name=op.f("uq_log_leaf_leaf_hash")),
    )
    op.create_table(
        "log_pending",
        sa.Column("id", COUNT, autoincrement=True, nullable=False),
        sa.Column("leaf_hash", HASH, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_log_pending")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "log_tile",
        sa.Column("level", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("tile_index", COUNT, autoincrement=False, nullable=False),
        sa.Column("hashes", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("level", "tile_index", name=op.f("pk_log_tile")),
    )
    op.create_table(
        "opening",
        sa.Column("event_hash", HASH, nullable=False),
        sa.Column("field", HASH, nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.Column("salt", sa.LargeBinary(length=32), nullable=False),
        sa.PrimaryKeyConstraint("event_hash", "field", name=op.f("pk_opening")),
    )
    op.create_table(
        "person",
        sa.Column("id", ID, nullable=False),
        sa.Column("registered_hash", HASH, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_person")),
    )
    op.create_table(
        "sequencer",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("turned_at", MOMENT, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sequencer")),
    )
    op.create_table(
        "stream",
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("next_seq", COUNT, nullable=False),
        sa.Column("head", HASH, nullable=False),
        sa.Column("last_at", MOMENT, nullable=True),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_stream")),
    )
    op.create_table(
        "unknown_login",
        sa.Column("minute", MOMENT, nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("minute", name=op.f("pk_unknown_login")),
    )
    op.create_table(
        "work_unit",
        sa.Column("id", ID, nullable=False),
        sa.Column("code", HASH, nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("parent_id", ID, nullable=True),
        sa.ForeignKeyConstraint(["parent_id"], ["work_unit.id"], name=op.f("fk_work_unit_parent_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_work_unit")),
        sa.UniqueConstraint("code", name=op.f("uq_work_unit_code")),
    )
    op.create_table(
        "assignment",
        sa.Column("id", ID, nullable=False),
        sa.Column("person_id", ID, nullable=False),
        sa.Column("role", HASH, nullable=False),
        sa.Column("work_unit_id", ID, nullable=False),
        sa.Column("from_on", sa.String(length=10), nullable=False),
        sa.Column("to_on", sa.String(length=10), nullable=True),
        sa.Column("lead", sa.Boolean(), nullable=False),
        sa.Column("made_hash", HASH, nullable=False),
        sa.Column("ended_at", MOMENT, nullable=True),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_assignment_person_id")),
        sa.ForeignKeyConstraint(["work_unit_id"], ["work_unit.id"], name=op.f("fk_assignment_work_unit_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_assignment")),
    )
    op.create_index(op.f("ix_assignment_person_id"), "assignment", ["person_id"], unique=False)
    op.create_index(op.f("ix_assignment_work_unit_id"), "assignment", ["work_unit_id"], unique=False)
    op.create_table(
        "dossier",
        sa.Column("id", ID, nullable=False),
        sa.Column("sop_digest", HASH, nullable=False),
        sa.Column("calendar_digest", HASH, nullable=False),
        sa.Column("work_unit_id", ID, nullable=False),
        sa.Column("year", sa.Integer(), nullable=False),
        sa.Column("quarter", sa.Integer(), nullable=False),
        sa.Column("status", HASH, nullable=False),
        sa.Column("opened_at", MOMENT, nullable=False),
        sa.Column("opened_by", ID, nullable=False),
        sa.Column("opened_hash", HASH, nullable=False),
        sa.Column("received_at", MOMENT, nullable=False),
        sa.Column("ended_at", MOMENT, nullable=True),
        sa.ForeignKeyConstraint(["calendar_digest"], ["definition.digest"], name=op.f("fk_dossier_calendar_digest")),
        sa.ForeignKeyConstraint(["opened_by"], ["person.id"], name=op.f("fk_dossier_opened_by")),
        sa.ForeignKeyConstraint(["sop_digest"], ["definition.digest"], name=op.f("fk_dossier_sop_digest")),
        sa.ForeignKeyConstraint(["work_unit_id"], ["work_unit.id"], name=op.f("fk_dossier_work_unit_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_dossier")),
    )
    op.create_index(op.f("ix_dossier_status"), "dossier", ["status"], unique=False)
    op.create_index("ix_dossier_unit_period", "dossier", ["work_unit_id", "year", "quarter"], unique=False)
    op.create_table(
        "user",
        sa.Column("id", ID, nullable=False),
        sa.Column("person_id", ID, nullable=False),
        sa.Column("created_hash", HASH, nullable=False),
        sa.Column("login", sa.String(length=100), nullable=False),
        sa.Column("password_hash", sa.String(length=200), nullable=False),
        sa.Column("failed_logins", sa.Integer(), nullable=False),
        sa.Column("locked_until", MOMENT, nullable=True),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_user_person_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_user")),
        sa.UniqueConstraint("login", name=op.f("uq_user_login")),
    )
    op.create_table(
        "api_token",
        sa.Column("id", ID, nullable=False),
        sa.Column("user_id", ID, nullable=False),
        sa.Column("created_hash", HASH, nullable=False),
        sa.Column("scopes", sa.String(length=500), nullable=False),
        sa.Column("expires_at", MOMENT, nullable=False),
        sa.Column("revoked_at", MOMENT, nullable=True),
        sa.Column("secret_hash", HASH, nullable=False),
        sa.Column("prefix", sa.String(length=16), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["user.id"], name=op.f("fk_api_token_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_api_token")),
        sa.UniqueConstraint("secret_hash", name=op.f("uq_api_token_secret_hash")),
    )
    op.create_index(op.f("ix_api_token_user_id"), "api_token", ["user_id"], unique=False)
    op.create_table(
        "bundle",
        sa.Column("dossier_id", ID, nullable=False),
        sa.Column("plan_digest", HASH, nullable=True),
        sa.Column("digest", HASH, nullable=True),
        sa.Column("size", COUNT, nullable=True),
        sa.Column("plan", sa.LargeBinary(), nullable=False),
        sa.Column("frozen_at", MOMENT, nullable=False),
        sa.ForeignKeyConstraint(["dossier_id"], ["dossier.id"], name=op.f("fk_bundle_dossier_id")),
        sa.PrimaryKeyConstraint("dossier_id", name=op.f("pk_bundle")),
    )
    op.create_table(
        "decision",
        sa.Column("event_hash", HASH, nullable=False),
        sa.Column("dossier_id", ID, nullable=False),
        sa.Column("step", HASH, nullable=False),
        sa.Column("iteration", sa.Integer(), nullable=False),
        sa.Column("decision", HASH, nullable=False),
        sa.Column("person_id", ID, nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("documents_digest", HASH, nullable=False),
        sa.Column("returns_to", HASH, nullable=True),
        sa.ForeignKeyConstraint(["dossier_id"], ["dossier.id"], name=op.f("fk_decision_dossier_id")),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_decision_person_id")),
        sa.PrimaryKeyConstraint("event_hash", name=op.f("pk_decision")),
    )
    op.create_index(op.f("ix_decision_dossier_id"), "decision", ["dossier_id"], unique=False)
    op.create_table(
        "deviation",
        sa.Column("id", ID, nullable=False),
        sa.Column("dossier_id", ID, nullable=False),
        sa.Column("code", HASH, nullable=False),
        sa.Column("step", HASH, nullable=True),
        sa.Column("iteration", sa.Integer(), nullable=True),
        sa.Column("subject", sa.String(length=100), nullable=True),
        sa.Column("role", HASH, nullable=True),
        sa.Column("responsible", ID, nullable=True),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("explained_at", MOMENT, nullable=True),
        sa.Column("explained_by", ID, nullable=True),
        sa.Column("event_hash", HASH, nullable=False),
        sa.ForeignKeyConstraint(["dossier_id"], ["dossier.id"], name=op.f("fk_deviation_dossier_id")),
        sa.ForeignKeyConstraint(["explained_by"], ["person.id"], name=op.f("fk_deviation_explained_by")),
        sa.ForeignKeyConstraint(["responsible"], ["person.id"], name=op.f("fk_deviation_responsible")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_deviation")),
    )
    op.create_index(op.f("ix_deviation_dossier_id"), "deviation", ["dossier_id"], unique=False)
    op.create_table(
        "document_version",
        sa.Column("id", ID, nullable=False),
        sa.Column("dossier_id", ID, nullable=False),
        sa.Column("document_id", ID, nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("step", HASH, nullable=False),
        sa.Column("iteration", sa.Integer(), nullable=False),
        sa.Column("kind", HASH, nullable=False),
        sa.Column("digest", HASH, nullable=False),
        sa.Column("crc32", sa.String(length=8), nullable=False),
        sa.Column("size", COUNT, nullable=False),
        sa.Column("media_type", sa.String(length=200), nullable=False),
        sa.Column("puid", ID, nullable=False),
        sa.Column("person_id", ID, nullable=False),
        sa.Column("begun_at", MOMENT, nullable=False),
        sa.Column("received_at", MOMENT, nullable=False),
        sa.Column("withdrawn_at", MOMENT, nullable=True),
        sa.Column("event_hash", HASH, nullable=False),
        sa.ForeignKeyConstraint(["dossier_id"], ["dossier.id"], name=op.f("fk_document_version_dossier_id")),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_document_version_person_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_document_version")),
    )
    op.create_index(op.f("ix_document_version_digest"), "document_version", ["digest"], unique=False)
    op.create_index(op.f("ix_document_version_document_id"), "document_version", ["document_id"], unique=False)
    op.create_index(op.f("ix_document_version_dossier_id"), "document_version", ["dossier_id"], unique=False)
    op.create_table(
        "idempotency",
        sa.Column("user_id", ID, nullable=False),
        sa.Column("key", sa.String(length=200), nullable=False),
        sa.Column("request_digest", HASH, nullable=False),
        sa.Column("status", sa.Integer(), nullable=True),
        sa.Column("headers", sa.Text(), nullable=True),
        sa.Column("body", sa.LargeBinary(), nullable=True),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["user.id"], name=op.f("fk_idempotency_user_id")),
        sa.PrimaryKeyConstraint("user_id", "key", name=op.f("pk_idempotency")),
    )
    op.create_index(op.f("ix_idempotency_created_at"), "idempotency", ["created_at"], unique=False)
    op.create_table(
        "session",
        sa.Column("id", ID, nullable=False),
        sa.Column("user_id", ID, nullable=False),
        sa.Column("started_at", MOMENT, nullable=False),
        sa.Column("ended_at", MOMENT, nullable=True),
        sa.Column("cookie_hash", HASH, nullable=False),
        sa.Column("seen_at", MOMENT, nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["user.id"], name=op.f("fk_session_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_session")),
        sa.UniqueConstraint("cookie_hash", name=op.f("uq_session_cookie_hash")),
    )
    op.create_index(op.f("ix_session_user_id"), "session", ["user_id"], unique=False)
    op.create_table(
        "statement",
        sa.Column("dossier_id", ID, nullable=False),
        sa.Column("digest", HASH, nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["dossier_id"], ["dossier.id"], name=op.f("fk_statement_dossier_id")),
        sa.PrimaryKeyConstraint("dossier_id", name=op.f("pk_statement")),
    )
    op.create_table(
        "step_run",
        sa.Column("dossier_id", ID, nullable=False),
        sa.Column("step", HASH, nullable=False),
        sa.Column("iteration", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("state", HASH, nullable=False),
        sa.Column("role", HASH, nullable=False),
        sa.Column("responsible", ID, nullable=True),
        sa.Column("started_at", MOMENT, nullable=False),
        sa.Column("due_at", MOMENT, nullable=False),
        sa.Column("finished_at", MOMENT, nullable=True),
        sa.Column("outcome", HASH, nullable=True),
        sa.Column("performed_by", ID, nullable=True),
        sa.ForeignKeyConstraint(["dossier_id"], ["dossier.id"], name=op.f("fk_step_run_dossier_id")),
        sa.ForeignKeyConstraint(["performed_by"], ["person.id"], name=op.f("fk_step_run_performed_by")),
        sa.ForeignKeyConstraint(["responsible"], ["person.id"], name=op.f("fk_step_run_responsible")),
        sa.PrimaryKeyConstraint("dossier_id", "step", "iteration", name=op.f("pk_step_run")),
    )
    op.create_index("ix_step_run_due", "step_run", ["state", "due_at"], unique=False)
    op.create_table(
        "verdict",
        sa.Column("event_hash", HASH, nullable=False),
        sa.Column("dossier_id", ID, nullable=False),
        sa.Column("step", HASH, nullable=False),
        sa.Column("iteration", sa.Integer(), nullable=False),
        sa.Column("time_result", HASH, nullable=False),
        sa.Column("used_seconds", sa.Integer(), nullable=False),
        sa.Column("limit_seconds", sa.Integer(), nullable=False),
        sa.Column("used_by_day", sa.Text(), nullable=False),
        sa.Column("completeness_result", HASH, nullable=False),
        sa.Column("requirements", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["dossier_id"], ["dossier.id"], name=op.f("fk_verdict_dossier_id")),
        sa.PrimaryKeyConstraint("event_hash", name=op.f("pk_verdict")),
    )
    op.create_index(op.f("ix_verdict_dossier_id"), "verdict", ["dossier_id"], unique=False)
    if op.get_bind().dialect.name == "sqlite":
        _guard_sqlite()
    else:
        _guard_postgresql()


def downgrade() -> None:
    """Refused: evidence is never dropped by a command."""
    raise NotImplementedError("the first schema holds evidence; there is no way back from it")
