"""Moderation: reviews, versions, reports, identifiers; what is submitted already gets its review."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
import uuid_utils.compat
from alembic import op

import market.db

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

_LISTINGS = {"outcomes": "outcome", "experts": "expert", "demands": "demand"}


def upgrade() -> None:
    op.create_table(
        "reviews",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", market.db.UtcDateTime(timezone=True), nullable=False),
        sa.Column("noun", sa.String(), nullable=False),
        sa.Column("listing_id", sa.Uuid(), nullable=False),
        sa.Column("listing_version", sa.Integer(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("assigned_to", sa.Uuid(), nullable=True),
        sa.Column("assigned_at", market.db.UtcDateTime(timezone=True), nullable=True),
        sa.Column("decision", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("text", sa.String(), nullable=False),
        sa.Column("decided_by", sa.Uuid(), nullable=True),
        sa.Column("decided_at", market.db.UtcDateTime(timezone=True), nullable=True),
        sa.Column("duplicates", sa.Integer(), nullable=True),
        sa.CheckConstraint("(decision = '') = (decided_at IS NULL)", name=op.f("ck_reviews_decided_with_decision")),
        sa.CheckConstraint(
            "decision IN ('', 'approved', 'rejected', 'returned', 'withdrawn', 'merged')",
            name=op.f("ck_reviews_decision_code"),
        ),
        sa.CheckConstraint("noun IN ('', 'outcome', 'expert', 'demand')", name=op.f("ck_reviews_noun_code")),
        sa.CheckConstraint(
            "reason IN ('', 'incomplete', 'implausible', 'duplicate', 'not_permitted', 'other')",
            name=op.f("ck_reviews_reason_code"),
        ),
        sa.CheckConstraint("length(text) <= 2000", name=op.f("ck_reviews_text_length")),
        sa.ForeignKeyConstraint(
            ["assigned_to"], ["users.id"], name=op.f("fk_reviews_assigned_to_users"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["organisations.id"],
            name=op.f("fk_reviews_organisation_id_organisations"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reviews")),
    )
    with op.batch_alter_table("reviews", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_reviews_assigned_to"), ["assigned_to"], unique=False)
        batch_op.create_index(batch_op.f("ix_reviews_organisation_id"), ["organisation_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_reviews_listing_id"), ["listing_id"], unique=False)
        batch_op.create_index(
            "reviews_open",
            ["listing_id"],
            unique=True,
            sqlite_where=sa.text("decision = ''"),
            postgresql_where=sa.text("decision = ''"),
        )
        batch_op.create_index("reviews_queue", ["decision", "id"], unique=False)
    op.create_table(
        "listing_versions",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", market.db.UtcDateTime(timezone=True), nullable=False),
        sa.Column("noun", sa.String(), nullable=False),
        sa.Column("listing_id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("content", sa.JSON(), nullable=False),
        sa.CheckConstraint("noun IN ('', 'outcome', 'expert', 'demand')", name=op.f("ck_listing_versions_noun_code")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_listing_versions")),
        sa.UniqueConstraint("listing_id", "version", name=op.f("uq_listing_versions_listing_id_version")),
    )
    op.create_table(
        "reports",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", market.db.UtcDateTime(timezone=True), nullable=False),
        sa.Column("noun", sa.String(), nullable=False),
        sa.Column("listing_id", sa.Uuid(), nullable=False),
        sa.Column("reporter_id", sa.Uuid(), nullable=True),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("text", sa.String(), nullable=False),
        sa.Column("verdict", sa.String(), nullable=False),
        sa.Column("answer", sa.String(), nullable=False),
        sa.Column("resolved_by", sa.Uuid(), nullable=True),
        sa.Column("resolved_at", market.db.UtcDateTime(timezone=True), nullable=True),
        sa.CheckConstraint("(verdict = '') = (resolved_at IS NULL)", name=op.f("ck_reports_resolved_with_verdict")),
        sa.CheckConstraint(
            "kind IN ('', 'false_claims', 'infringing', 'confidential', 'spam', 'offensive', 'other')",
            name=op.f("ck_reports_kind_code"),
        ),
        sa.CheckConstraint("noun IN ('', 'outcome', 'expert', 'demand')", name=op.f("ck_reports_noun_code")),
        sa.CheckConstraint(
            "verdict IN ('', 'unfounded', 'mended', 'suspended')", name=op.f("ck_reports_verdict_code")
        ),
        sa.CheckConstraint("length(answer) <= 2000", name=op.f("ck_reports_answer_length")),
        sa.CheckConstraint("length(text) <= 2000", name=op.f("ck_reports_text_length")),
        sa.ForeignKeyConstraint(
            ["reporter_id"], ["users.id"], name=op.f("fk_reports_reporter_id_users"), ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reports")),
        sa.UniqueConstraint("listing_id", "reporter_id", "kind", name=op.f("uq_reports_listing_id_reporter_id_kind")),
    )
    with op.batch_alter_table("reports", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_reports_reporter_id"), ["reporter_id"], unique=False)
        batch_op.create_index("reports_queue", ["verdict", "id"], unique=False)
    op.create_table(
        "identifiers",
        sa.Column("listing_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("value", sa.String(), nullable=False),
        sa.Column("noun", sa.String(), nullable=False),
        sa.CheckConstraint("kind IN ('', 'external_key', 'patent', 'orcid')", name=op.f("ck_identifiers_kind_code")),
        sa.CheckConstraint("length(value) <= 128", name=op.f("ck_identifiers_value_length")),
        sa.CheckConstraint("noun IN ('', 'outcome', 'expert', 'demand')", name=op.f("ck_identifiers_noun_code")),
        sa.PrimaryKeyConstraint("listing_id", "kind", "value", name=op.f("pk_identifiers")),
    )
    with op.batch_alter_table("identifiers", schema=None) as batch_op:
        batch_op.create_index("identifiers_value", ["kind", "value"], unique=False)
    merged = sa.text("merged_into IS NOT NULL")
    for table in _LISTINGS:
        op.create_index(f"{table}_merged", table, ["merged_into"], sqlite_where=merged, postgresql_where=merged)
    _open_reviews()


def _open_reviews() -> None:
    """What was submitted before there were reviews waits for one too, in its order."""
    connection = op.get_bind()
    waiting: list[dict[str, Any]] = []
    for table, noun in _LISTINGS.items():
        rows = sa.text(f"SELECT id, organisation_id, version, updated_at FROM {table} WHERE state = 'submitted'")  # noqa: S608
        typed = rows.columns(
            id=sa.Uuid(), organisation_id=sa.Uuid(), version=sa.Integer(), updated_at=market.db.UtcDateTime()
        )
        waiting += [
            {
                "noun": noun,
                "listing": row.id,
                "whose": row.organisation_id,
                "version": row.version,
                "at": row.updated_at,
            }
            for row in connection.execute(typed)
        ]
    insert = sa.text(
        "INSERT INTO reviews (id, created_at, noun, listing_id, listing_version, organisation_id, decision, reason, text)"
        " VALUES (:id, :at, :noun, :listing, :version, :whose, '', '', '')"
    ).bindparams(
        *(sa.bindparam(name, type_=sa.Uuid()) for name in ("id", "listing", "whose")),
        sa.bindparam("at", type_=market.db.UtcDateTime()),
    )
    for one in sorted(waiting, key=lambda row: row["at"]):
        connection.execute(insert, {**one, "id": uuid_utils.compat.uuid7()})


def downgrade() -> None:
    for table in _LISTINGS:
        op.drop_index(f"{table}_merged", table)
    op.drop_table("identifiers")
    op.drop_table("reports")
    op.drop_table("listing_versions")
    op.drop_table("reviews")
