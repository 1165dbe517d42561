"""Brokers are told of their cases that end with a listing."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

_KINDS_BEFORE = (
    "match_found",
    "match_improved",
    "counterpart_interested",
    "mutual_interest",
    "listing_approved",
    "listing_rejected",
    "listing_expiring",
    "listing_expired",
    "deadline_near",
    "subscription_hit",
    "endpoint_disabled",
    "security",
    "listing_returned",
    "listing_suspended",
    "access_requested",
    "access_decided",
    "claim_made",
    "claim_decided",
    "relay_message",
    "import_finished",
    "case_assigned",
    "account",
)
_NEW = "case_closed"


def _allow(kinds: tuple[str, ...]) -> None:
    codes = ", ".join(repr(code) for code in ("", *kinds))
    with op.batch_alter_table("notifications", schema=None) as batch_op:
        if op.get_bind().dialect.name == "postgresql":
            batch_op.drop_constraint(op.f("ck_notifications_kind_code"), type_="check")
        # SQLite's copy of the table takes it in place of the one of this name.
        batch_op.create_check_constraint(op.f("ck_notifications_kind_code"), f"kind IN ({codes})")


def upgrade() -> None:
    _allow((*_KINDS_BEFORE, _NEW))


def downgrade() -> None:
    notifications = sa.table("notifications", sa.column("id"), sa.column("kind"))
    items = sa.table("delivery_items", sa.column("notification_id"))
    new = sa.select(notifications.c.id).where(notifications.c.kind == _NEW)
    # SQLite's foreign keys rest meanwhile.
    op.execute(sa.delete(items).where(items.c.notification_id.in_(new)))
    op.execute(sa.delete(notifications).where(notifications.c.kind == _NEW))
    _allow(_KINDS_BEFORE)
