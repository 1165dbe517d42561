"""telling people."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import sqlalchemy as sa
from alembic import op
from alembic.operations import BatchOperations

import market.db

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_KINDS = (
    "kind IN ('', 'match_found', 'match_improved', 'counterpart_interested', 'mutual_interest', 'listing_approved', "
    "'listing_rejected', 'listing_expiring', 'listing_expired', 'deadline_near', 'subscription_hit', "
    "'endpoint_disabled', 'security')"
)
_KINDS_BEFORE = (
    "kind IN ('', 'match_found', 'listing_approved', 'listing_rejected', 'listing_expiring', 'listing_expired')"
)


def upgrade() -> None:
    op.create_table(
        "endpoints",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", market.db.UtcDateTime(timezone=True), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("channel", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("address", sa.String(), nullable=False),
        sa.Column("shown", sa.String(), nullable=False),
        sa.Column("secret", sa.String(), nullable=False),
        sa.Column("previous_secret", sa.String(), nullable=False),
        sa.Column("previous_until", market.db.UtcDateTime(timezone=True), nullable=True),
        sa.Column("events", sa.JSON(), nullable=False),
        sa.Column("rests_until", market.db.UtcDateTime(timezone=True), nullable=True),
        sa.Column("failing_since", market.db.UtcDateTime(timezone=True), nullable=True),
        sa.Column("disabled_for", sa.String(), nullable=False),
        sa.Column("disabled_at", market.db.UtcDateTime(timezone=True), nullable=True),
        sa.Column("updated_at", market.db.UtcDateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint(
            "(disabled_for = '') = (disabled_at IS NULL)", name=op.f("ck_endpoints_disabled_with_reason")
        ),
        sa.CheckConstraint(
            "channel IN ('', 'mail', 'webhook', 'wecom', 'dingtalk', 'feishu', 'apprise')",
            name=op.f("ck_endpoints_channel_code"),
        ),
        sa.CheckConstraint(
            "disabled_for IN ('', 'failing', 'gone', 'bounced', 'complained')",
            name=op.f("ck_endpoints_disabled_for_code"),
        ),
        sa.CheckConstraint("length(name) <= 128", name=op.f("ck_endpoints_name_length")),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_endpoints_user_id_users"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_endpoints")),
    )
    with op.batch_alter_table("endpoints", schema=None) as batch_op:
        batch_op.create_index(
            "endpoints_mail",
            ["user_id"],
            unique=True,
            sqlite_where=sa.text("channel = 'mail'"),
            postgresql_where=sa.text("channel = 'mail'"),
        )
        batch_op.create_index(batch_op.f("ix_endpoints_user_id"), ["user_id"], unique=False)

    op.create_table(
        "inboxes",
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("last", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_inboxes_user_id_users"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("user_id", name=op.f("pk_inboxes")),
    )
    op.create_table(
        "preferences",
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("time_zone", sa.String(), nullable=False),
        sa.Column("quiet_from", sa.Integer(), nullable=True),
        sa.Column("quiet_to", sa.Integer(), nullable=True),
        sa.Column("digest_at", sa.Integer(), nullable=False),
        sa.Column("digest_day", sa.Integer(), nullable=False),
        sa.Column("daily_cap", sa.Integer(), nullable=True),
        sa.Column("rhythms", sa.JSON(), nullable=False),
        sa.Column("updated_at", market.db.UtcDateTime(timezone=True), nullable=False),
        sa.CheckConstraint("(quiet_from IS NULL) = (quiet_to IS NULL)", name=op.f("ck_preferences_quiet_both_ends")),
        sa.CheckConstraint("digest_at BETWEEN 0 AND 1439", name=op.f("ck_preferences_digest_at_of_day")),
        sa.CheckConstraint("digest_day BETWEEN 0 AND 6", name=op.f("ck_preferences_digest_day_of_week")),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_preferences_user_id_users"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("user_id", name=op.f("pk_preferences")),
    )
    op.create_table(
        "subscriptions",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", market.db.UtcDateTime(timezone=True), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("noun", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("query", sa.JSON(), nullable=False),
        sa.Column("first_key", sa.String(), nullable=False),
        sa.Column("second_key", sa.String(), nullable=False),
        sa.Column("vector", sa.LargeBinary(), nullable=True),
        sa.Column("model", sa.String(), nullable=False),
        sa.Column("rhythm", sa.String(), nullable=False),
        sa.Column("paused", sa.Boolean(), nullable=False),
        sa.Column("expires_on", sa.Date(), nullable=True),
        sa.Column("feed_digest", sa.String(), nullable=True),
        sa.Column("updated_at", market.db.UtcDateTime(timezone=True), nullable=False),
        sa.CheckConstraint("noun IN ('', 'outcome', 'expert', 'demand')", name=op.f("ck_subscriptions_noun_code")),
        sa.CheckConstraint("rhythm IN ('', 'instant', 'daily', 'weekly')", name=op.f("ck_subscriptions_rhythm_code")),
        sa.CheckConstraint("length(name) <= 128", name=op.f("ck_subscriptions_name_length")),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_subscriptions_user_id_users"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_subscriptions")),
        sa.UniqueConstraint("feed_digest", name=op.f("uq_subscriptions_feed_digest")),
    )
    with op.batch_alter_table("subscriptions", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_subscriptions_user_id"), ["user_id"], unique=False)
        batch_op.create_index("subscriptions_keys", ["noun", "first_key", "second_key"], unique=False)
        batch_op.create_index(
            "subscriptions_semantic",
            ["noun", "updated_at"],
            unique=False,
            sqlite_where=sa.text("vector IS NOT NULL"),
            postgresql_where=sa.text("vector IS NOT NULL"),
        )

    op.create_table(
        "deliveries",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", market.db.UtcDateTime(timezone=True), nullable=False),
        sa.Column("endpoint_id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("next_at", market.db.UtcDateTime(timezone=True), nullable=False),
        sa.Column("finished_at", market.db.UtcDateTime(timezone=True), nullable=True),
        sa.CheckConstraint("kind IN ('', 'event', 'digest', 'test')", name=op.f("ck_deliveries_kind_code")),
        sa.CheckConstraint(
            "state IN ('', 'waiting', 'sent', 'skipped', 'dead')", name=op.f("ck_deliveries_state_code")
        ),
        sa.ForeignKeyConstraint(
            ["endpoint_id"], ["endpoints.id"], name=op.f("fk_deliveries_endpoint_id_endpoints"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_deliveries_user_id_users"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_deliveries")),
    )
    with op.batch_alter_table("deliveries", schema=None) as batch_op:
        batch_op.create_index("deliveries_due", ["endpoint_id", "state", "next_at"], unique=False)
        batch_op.create_index("deliveries_of_user", ["user_id", "created_at"], unique=False)

    op.create_table(
        "attempts",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", market.db.UtcDateTime(timezone=True), nullable=False),
        sa.Column("delivery_id", sa.Uuid(), nullable=False),
        sa.Column("endpoint_id", sa.Uuid(), nullable=False),
        sa.Column("outcome", sa.String(), nullable=False),
        sa.Column("status", sa.Integer(), nullable=True),
        sa.Column("detail", sa.String(), nullable=False),
        sa.Column("ended_at", market.db.UtcDateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "outcome IN ('', 'sent', 'failed', 'refused', 'gone')", name=op.f("ck_attempts_outcome_code")
        ),
        sa.CheckConstraint("length(detail) <= 500", name=op.f("ck_attempts_detail_length")),
        sa.ForeignKeyConstraint(
            ["delivery_id"], ["deliveries.id"], name=op.f("fk_attempts_delivery_id_deliveries"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["endpoint_id"], ["endpoints.id"], name=op.f("fk_attempts_endpoint_id_endpoints"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_attempts")),
    )
    with op.batch_alter_table("attempts", schema=None) as batch_op:
        batch_op.create_index("attempts_of_endpoint", ["endpoint_id", "created_at"], unique=False)
        batch_op.create_index(batch_op.f("ix_attempts_delivery_id"), ["delivery_id"], unique=False)

    op.create_table(
        "delivery_items",
        sa.Column("notification_id", sa.Uuid(), nullable=False),
        sa.Column("endpoint_id", sa.Uuid(), nullable=False),
        sa.Column("due_at", market.db.UtcDateTime(timezone=True), nullable=False),
        sa.Column("delivery_id", sa.Uuid(), nullable=True),
        sa.ForeignKeyConstraint(
            ["delivery_id"],
            ["deliveries.id"],
            name=op.f("fk_delivery_items_delivery_id_deliveries"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["endpoint_id"],
            ["endpoints.id"],
            name=op.f("fk_delivery_items_endpoint_id_endpoints"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["notification_id"],
            ["notifications.id"],
            name=op.f("fk_delivery_items_notification_id_notifications"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("notification_id", "endpoint_id", name=op.f("pk_delivery_items")),
    )
    with op.batch_alter_table("delivery_items", schema=None) as batch_op:
        batch_op.create_index(
            "delivery_items_pending",
            ["endpoint_id", "due_at"],
            unique=False,
            sqlite_where=sa.text("delivery_id IS NULL"),
            postgresql_where=sa.text("delivery_id IS NULL"),
        )
        batch_op.create_index(batch_op.f("ix_delivery_items_delivery_id"), ["delivery_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_delivery_items_endpoint_id"), ["endpoint_id"], unique=False)

    op.add_column("matches", sa.Column("told_score", sa.Float(), nullable=True))
    op.execute("UPDATE matches SET told_score = score WHERE id IN (SELECT match_id FROM notifications)")
    _extend_notifications()


def _extend_notifications() -> None:
    """Positions count each inbox from its beginning; what was told before is not told again by new ways."""
    op.add_column("notifications", sa.Column("position", sa.BigInteger(), nullable=True))
    op.add_column("notifications", sa.Column("planned", sa.Boolean(), nullable=False, server_default=sa.true()))
    op.execute(
        "UPDATE notifications SET position = counted.position FROM (SELECT id, row_number() OVER "
        "(PARTITION BY recipient_id ORDER BY id) AS position FROM notifications) AS counted "
        "WHERE counted.id = notifications.id"
    )
    op.execute("INSERT INTO inboxes SELECT recipient_id, max(position) FROM notifications GROUP BY recipient_id")
    with _notifications() as batch_op:
        batch_op.add_column(sa.Column("subscription_id", sa.Uuid(), nullable=True))
        batch_op.add_column(sa.Column("snoozed_until", market.db.UtcDateTime(timezone=True), nullable=True))
        batch_op.alter_column("position", existing_type=sa.BigInteger(), nullable=False)
        batch_op.alter_column("planned", existing_type=sa.Boolean(), server_default=None)
        batch_op.alter_column("listing_id", existing_type=sa.Uuid(), nullable=True)
        batch_op.drop_index("notifications_inbox")
        batch_op.create_index("ix_notifications_subscription_id", ["subscription_id"], unique=False)
        batch_op.create_index(
            "notifications_unplanned",
            ["recipient_id"],
            unique=False,
            sqlite_where=sa.text("NOT planned"),
            postgresql_where=sa.text("NOT planned"),
        )
        batch_op.create_unique_constraint(
            batch_op.f("uq_notifications_recipient_id_position"), ["recipient_id", "position"]
        )
        batch_op.create_foreign_key(
            batch_op.f("fk_notifications_subscription_id_subscriptions"),
            "subscriptions",
            ["subscription_id"],
            ["id"],
            ondelete="SET NULL",
        )
        batch_op.create_check_constraint(
            batch_op.f("ck_notifications_listing_with_noun"), "(listing_noun = '') = (listing_id IS NULL)"
        )
        batch_op.create_check_constraint(batch_op.f("ck_notifications_kind_code"), _KINDS)


@contextmanager
def _notifications() -> Iterator[BatchOperations]:
    """The table, to be altered, without the list of kinds: SQLite's copy of a table leaves its CHECKs behind anyway."""
    postgresql = op.get_bind().dialect.name == "postgresql"
    with op.batch_alter_table("notifications", schema=None) as batch_op:
        if postgresql:
            batch_op.drop_constraint(batch_op.f("ck_notifications_kind_code"), type_="check")
        yield batch_op


def downgrade() -> None:
    op.execute(sa.delete(sa.table("notifications")).where(sa.text(f"NOT ({_KINDS_BEFORE}) OR listing_id IS NULL")))
    with _notifications() as batch_op:
        if op.get_bind().dialect.name == "postgresql":
            batch_op.drop_constraint(batch_op.f("ck_notifications_listing_with_noun"), type_="check")
        batch_op.drop_constraint(batch_op.f("fk_notifications_subscription_id_subscriptions"), type_="foreignkey")
        batch_op.drop_constraint(batch_op.f("uq_notifications_recipient_id_position"), type_="unique")
        batch_op.drop_index("notifications_unplanned")
        batch_op.drop_index("ix_notifications_subscription_id")
        batch_op.create_index("notifications_inbox", ["recipient_id", "id"], unique=False)
        batch_op.alter_column("listing_id", existing_type=sa.Uuid(), nullable=False)
        batch_op.drop_column("snoozed_until")
        batch_op.drop_column("planned")
        batch_op.drop_column("subscription_id")
        batch_op.drop_column("position")
        batch_op.create_check_constraint(batch_op.f("ck_notifications_kind_code"), _KINDS_BEFORE)
    op.drop_column("matches", "told_score")
    with op.batch_alter_table("delivery_items", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_delivery_items_endpoint_id"))
        batch_op.drop_index(batch_op.f("ix_delivery_items_delivery_id"))
        batch_op.drop_index(
            "delivery_items_pending",
            sqlite_where=sa.text("delivery_id IS NULL"),
            postgresql_where=sa.text("delivery_id IS NULL"),
        )

    op.drop_table("delivery_items")
    with op.batch_alter_table("attempts", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_attempts_delivery_id"))
        batch_op.drop_index("attempts_of_endpoint")

    op.drop_table("attempts")
    with op.batch_alter_table("deliveries", schema=None) as batch_op:
        batch_op.drop_index("deliveries_of_user")
        batch_op.drop_index("deliveries_due")

    op.drop_table("deliveries")
    with op.batch_alter_table("subscriptions", schema=None) as batch_op:
        batch_op.drop_index(
            "subscriptions_semantic",
            sqlite_where=sa.text("vector IS NOT NULL"),
            postgresql_where=sa.text("vector IS NOT NULL"),
        )
        batch_op.drop_index("subscriptions_keys")
        batch_op.drop_index(batch_op.f("ix_subscriptions_user_id"))

    op.drop_table("subscriptions")
    op.drop_table("preferences")
    op.drop_table("inboxes")
    with op.batch_alter_table("endpoints", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_endpoints_user_id"))
        batch_op.drop_index(
            "endpoints_mail", sqlite_where=sa.text("channel = 'mail'"), postgresql_where=sa.text("channel = 'mail'")
        )

    op.drop_table("endpoints")
