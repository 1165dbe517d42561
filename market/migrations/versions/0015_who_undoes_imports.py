"""Who has an import undone, and the state in which each of its rows left its listing."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("imports", sa.Column("undone_by", sa.Uuid(), nullable=True))
    # Of older rows it is not known: they are undone only where nothing at all has happened since.
    op.add_column("import_rows", sa.Column("state", sa.String(), nullable=False, server_default=sa.text("''")))


def downgrade() -> None:
    op.drop_column("import_rows", "state")
    op.drop_column("imports", "undone_by")
