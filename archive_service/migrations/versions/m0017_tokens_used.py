"""When an API token was last used."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"


def upgrade() -> None:
    """Add the column; of tokens from before nothing is known until they are used."""
    op.add_column("api_token", sa.Column("used_at", sa.DateTime(timezone=True), nullable=True))


def downgrade() -> None:
    """Refused: a database is only ever brought forward."""
    raise NotImplementedError("there is no way back")
