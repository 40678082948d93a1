"""The schema's history (Alembic): the same steps on SQLite and PostgreSQL."""
