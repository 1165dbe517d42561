"""Jobs that are part of so much that others go before them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("jobs", sa.Column("bulk", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.drop_index("jobs_due", table_name="jobs")
    op.create_index("jobs_due", "jobs", ["state", "name", "bulk", "run_at", "id"], unique=False)


def downgrade() -> None:
    op.drop_index("jobs_due", table_name="jobs")
    op.create_index("jobs_due", "jobs", ["state", "name", "run_at", "id"], unique=False)
    op.drop_column("jobs", "bulk")
