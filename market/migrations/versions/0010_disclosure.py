"""disclosure."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

import market.db

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "access_requests",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", market.db.UtcDateTime(timezone=True), nullable=False),
        sa.Column("noun", sa.String(), nullable=False),
        sa.Column("listing_id", sa.Uuid(), nullable=False),
        sa.Column("requester_id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=True),
        sa.Column("text", sa.String(), nullable=False),
        sa.Column("consent_version", sa.String(), nullable=False),
        sa.Column("consent_hash", sa.String(), nullable=False),
        sa.Column("consented_at", market.db.UtcDateTime(timezone=True), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("answer", sa.String(), nullable=False),
        sa.Column("decided_by", sa.Uuid(), nullable=True),
        sa.Column("decided_at", market.db.UtcDateTime(timezone=True), nullable=True),
        sa.Column("until", market.db.UtcDateTime(timezone=True), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint("noun IN ('', 'outcome', 'expert', 'demand')", name=op.f("ck_access_requests_noun_code")),
        sa.CheckConstraint("state <> 'granted' OR until IS NOT NULL", name=op.f("ck_access_requests_granted_until")),
        sa.CheckConstraint(
            "state IN ('', 'open', 'granted', 'refused', 'revoked', 'withdrawn', 'expired')",
            name=op.f("ck_access_requests_state_code"),
        ),
        sa.CheckConstraint("length(answer) <= 2000", name=op.f("ck_access_requests_answer_length")),
        sa.CheckConstraint("length(text) <= 2000", name=op.f("ck_access_requests_text_length")),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["organisations.id"],
            name=op.f("fk_access_requests_organisation_id_organisations"),
            ondelete="SET NULL",
        ),
        sa.ForeignKeyConstraint(
            ["requester_id"], ["users.id"], name=op.f("fk_access_requests_requester_id_users"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_access_requests")),
    )
    with op.batch_alter_table("access_requests", schema=None) as batch_op:
        batch_op.create_index(
            "access_requests_standing",
            ["listing_id", "requester_id"],
            unique=True,
            sqlite_where=sa.text("state IN ('open', 'granted')"),
            postgresql_where=sa.text("state IN ('open', 'granted')"),
        )
        batch_op.create_index(batch_op.f("ix_access_requests_requester_id"), ["requester_id"], unique=False)


def downgrade() -> None:
    op.drop_table("access_requests")
