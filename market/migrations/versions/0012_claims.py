"""Claims to imported records, and messages that are passed on; what owners said of an expert's consent is no consent."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

import market.db

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "claims",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", market.db.UtcDateTime(timezone=True), nullable=False),
        sa.Column("noun", sa.String(), nullable=False),
        sa.Column("listing_id", sa.Uuid(), nullable=False),
        sa.Column("claimant_id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=True),
        sa.Column("evidence", sa.String(), nullable=False),
        sa.Column("finding", sa.JSON(), nullable=False),
        sa.Column("text", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("answer", sa.String(), nullable=False),
        sa.Column("decided_by", sa.Uuid(), nullable=True),
        sa.Column("decided_at", market.db.UtcDateTime(timezone=True), nullable=True),
        sa.Column("consent_version", sa.String(), nullable=False),
        sa.Column("consent_hash", sa.String(), nullable=False),
        sa.Column("consented_at", market.db.UtcDateTime(timezone=True), nullable=True),
        sa.Column("consent_withdrawn_at", market.db.UtcDateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "(consent_version = '') = (consented_at IS NULL)", name=op.f("ck_claims_consent_with_moment")
        ),
        sa.CheckConstraint(
            "consent_withdrawn_at IS NULL OR consented_at IS NOT NULL", name=op.f("ck_claims_withdrawn_was_given")
        ),
        sa.CheckConstraint(
            "evidence IN ('', 'mail_domain', 'orcid', 'document')", name=op.f("ck_claims_evidence_code")
        ),
        sa.CheckConstraint("noun IN ('', 'outcome', 'expert')", name=op.f("ck_claims_noun_code")),
        sa.CheckConstraint(
            "state IN ('', 'open', 'approved', 'refused', 'withdrawn')", name=op.f("ck_claims_state_code")
        ),
        sa.CheckConstraint("length(answer) <= 2000", name=op.f("ck_claims_answer_length")),
        sa.CheckConstraint("length(text) <= 2000", name=op.f("ck_claims_text_length")),
        sa.ForeignKeyConstraint(
            ["claimant_id"], ["users.id"], name=op.f("fk_claims_claimant_id_users"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["organisations.id"],
            name=op.f("fk_claims_organisation_id_organisations"),
            ondelete="SET NULL",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_claims")),
    )
    with op.batch_alter_table("claims", schema=None) as batch_op:
        batch_op.create_index(
            "claims_open",
            ["listing_id", "claimant_id"],
            unique=True,
            sqlite_where=sa.text("state = 'open'"),
            postgresql_where=sa.text("state = 'open'"),
        )
        batch_op.create_index(batch_op.f("ix_claims_claimant_id"), ["claimant_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_claims_listing_id"), ["listing_id"], unique=False)
    op.create_table(
        "relay_messages",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", market.db.UtcDateTime(timezone=True), nullable=False),
        sa.Column("noun", sa.String(), nullable=False),
        sa.Column("listing_id", sa.Uuid(), nullable=False),
        sa.Column("thread_id", sa.Uuid(), nullable=False),
        sa.Column("message_id", sa.Uuid(), nullable=False),
        sa.Column("sender_id", sa.Uuid(), nullable=False),
        sa.Column("recipient_id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=True),
        sa.Column("opening", sa.Boolean(), nullable=False),
        sa.Column("text", sa.String(), nullable=False),
        sa.Column("read_at", market.db.UtcDateTime(timezone=True), nullable=True),
        sa.Column("closed_at", market.db.UtcDateTime(timezone=True), nullable=True),
        sa.CheckConstraint("noun IN ('', 'outcome', 'expert', 'demand')", name=op.f("ck_relay_messages_noun_code")),
        sa.CheckConstraint("length(text) <= 4000", name=op.f("ck_relay_messages_text_length")),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["organisations.id"],
            name=op.f("fk_relay_messages_organisation_id_organisations"),
            ondelete="SET NULL",
        ),
        sa.ForeignKeyConstraint(
            ["recipient_id"], ["users.id"], name=op.f("fk_relay_messages_recipient_id_users"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["sender_id"], ["users.id"], name=op.f("fk_relay_messages_sender_id_users"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_relay_messages")),
    )
    with op.batch_alter_table("relay_messages", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_relay_messages_listing_id"), ["listing_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_relay_messages_recipient_id"), ["recipient_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_relay_messages_sender_id"), ["sender_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_relay_messages_thread_id"), ["thread_id"], unique=False)
    # From here on it means that the person themselves agreed, with a claim that says to which text and when.
    op.execute("UPDATE experts SET consented = false")


def downgrade() -> None:
    op.drop_table("relay_messages")
    op.drop_table("claims")
