"""Alembic's entry: runs the steps on the connection that ``db/schema.py`` hands over, within its transaction."""

from __future__ import annotations

from alembic import context

from archive_service.db.models import Base

context.configure(connection=context.config.attributes["connection"], target_metadata=Base.metadata)
context.run_migrations()
