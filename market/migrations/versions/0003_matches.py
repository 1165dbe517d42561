"""Matches, signatures, notifications."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

import market.db

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "matches",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", market.db.UtcDateTime(timezone=True), nullable=False),
        sa.Column("demand_id", sa.Uuid(), nullable=False),
        sa.Column("outcome_id", sa.Uuid(), nullable=True),
        sa.Column("expert_id", sa.Uuid(), nullable=True),
        sa.Column("score", sa.Float(), nullable=False),
        sa.Column("parts", sa.JSON(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("demand_state", sa.String(), nullable=False),
        sa.Column("offer_state", sa.String(), nullable=False),
        sa.Column("demand_reason", sa.String(), nullable=False),
        sa.Column("offer_reason", sa.String(), nullable=False),
        sa.Column("updated_at", market.db.UtcDateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "demand_reason IN ('', 'wrong_field', 'too_immature', 'too_expensive', 'already_known', 'not_needed', 'other')",
            name=op.f("ck_matches_demand_reason_code"),
        ),
        sa.CheckConstraint(
            "demand_state IN ('', 'new', 'seen', 'interested', 'dismissed', 'in_contact', 'closed')",
            name=op.f("ck_matches_demand_state_code"),
        ),
        sa.CheckConstraint(
            "offer_reason IN ('', 'wrong_field', 'too_immature', 'too_expensive', 'already_known', 'not_needed', 'other')",
            name=op.f("ck_matches_offer_reason_code"),
        ),
        sa.CheckConstraint(
            "offer_state IN ('', 'new', 'seen', 'interested', 'dismissed', 'in_contact', 'closed')",
            name=op.f("ck_matches_offer_state_code"),
        ),
        sa.CheckConstraint("(outcome_id IS NULL) <> (expert_id IS NULL)", name=op.f("ck_matches_one_offer")),
        sa.CheckConstraint("score BETWEEN 0 AND 1", name=op.f("ck_matches_score_range")),
        sa.ForeignKeyConstraint(
            ["demand_id"], ["demands.id"], name=op.f("fk_matches_demand_id_demands"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["expert_id"], ["experts.id"], name=op.f("fk_matches_expert_id_experts"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["outcome_id"], ["outcomes.id"], name=op.f("fk_matches_outcome_id_outcomes"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_matches")),
        sa.UniqueConstraint("demand_id", "expert_id", name=op.f("uq_matches_demand_id_expert_id")),
        sa.UniqueConstraint("demand_id", "outcome_id", name=op.f("uq_matches_demand_id_outcome_id")),
    )
    with op.batch_alter_table("matches", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_matches_expert_id"), ["expert_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_matches_outcome_id"), ["outcome_id"], unique=False)

    op.create_table(
        "signatures",
        sa.Column("listing_id", sa.Uuid(), nullable=False),
        sa.Column("noun", sa.String(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("listing_id", name=op.f("pk_signatures")),
    )

    op.create_table(
        "notifications",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", market.db.UtcDateTime(timezone=True), nullable=False),
        sa.Column("recipient_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("event", sa.String(), nullable=False),
        sa.Column("listing_noun", sa.String(), nullable=False),
        sa.Column("listing_id", sa.Uuid(), nullable=False),
        sa.Column("match_id", sa.Uuid(), nullable=True),
        sa.Column("language", sa.String(), nullable=False),
        sa.Column("title", sa.String(), nullable=False),
        sa.Column("body", sa.String(), nullable=False),
        sa.Column("read_at", market.db.UtcDateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "kind IN ('', 'match_found', 'listing_approved', 'listing_rejected', 'listing_expiring', 'listing_expired')",
            name=op.f("ck_notifications_kind_code"),
        ),
        sa.ForeignKeyConstraint(
            ["match_id"], ["matches.id"], name=op.f("fk_notifications_match_id_matches"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["recipient_id"], ["users.id"], name=op.f("fk_notifications_recipient_id_users"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_notifications")),
        sa.UniqueConstraint("recipient_id", "event", name=op.f("uq_notifications_recipient_id_event")),
    )
    with op.batch_alter_table("notifications", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_notifications_match_id"), ["match_id"], unique=False)
        batch_op.create_index("notifications_inbox", ["recipient_id", "id"], unique=False)


def downgrade() -> None:
    op.drop_table("notifications")
    op.drop_table("signatures")
    op.drop_table("matches")
