"""Indexes for the pages of one unit's people in an archive of many dossiers."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"


def upgrade() -> None:
    """Add them."""
    op.create_index("ix_dossier_unit_opened", "dossier", ["work_unit_id", "opened_at", "id"])
    _create_partial("ix_dossier_unit_open", "dossier", ["work_unit_id", "id"], "status = 'open'")
    _create_partial("ix_step_run_running", "step_run", ["dossier_id", "role", "due_at"], "state = 'running'")
    _create_partial("ix_deviation_unanswered", "deviation", ["explained_at", "id"], "state = 'explained'")
    op.create_index("ix_deviation_responsible", "deviation", ["responsible", "state", "at"])
    op.create_index("ix_decision_person", "decision", ["person_id", "decision", "at"])


def _create_partial(name: str, table: str, columns: list[str], where: str) -> None:
    op.create_index(name, table, columns, postgresql_where=sa.text(where), sqlite_where=sa.text(where))


def downgrade() -> None:
    """Refused: a database is only ever brought forward."""
    raise NotImplementedError("there is no way back")
