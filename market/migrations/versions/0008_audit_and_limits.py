"""The audit trail: seals, any subject, append-only by triggers; what is used, for limits.

Whoever rebuilds audit_entries or audit_seals on SQLite later loses their triggers, and must make them again.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

import market.db

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

_KEPT = ("audit_entries", "audit_seals")


def upgrade() -> None:
    op.create_table(
        "audit_seals",
        sa.Column("position", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("entry_id", sa.Uuid(), nullable=False),
        sa.Column("sealed_at", market.db.UtcDateTime(timezone=True), nullable=False),
        sa.Column("hash", sa.String(), nullable=False),
        sa.CheckConstraint("length(hash) <= 64", name=op.f("ck_audit_seals_hash_length")),
        sa.PrimaryKeyConstraint("position", name=op.f("pk_audit_seals")),
        sa.UniqueConstraint("entry_id", name=op.f("uq_audit_seals_entry_id")),
    )
    op.create_table(
        "usage",
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("subject", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("count", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("count IS NULL OR count >= 0", name=op.f("ck_usage_count_not_negative")),
        sa.CheckConstraint(
            "kind IN ('', 'requests', 'writes', 'searches', 'experts', 'exports')", name=op.f("ck_usage_kind_code")
        ),
        sa.CheckConstraint("length(subject) <= 80", name=op.f("ck_usage_subject_length")),
        sa.PrimaryKeyConstraint("day", "subject", "kind", name=op.f("pk_usage")),
    )
    op.add_column("audit_entries", sa.Column("actor_kind", sa.String(), server_default="user", nullable=False))
    op.add_column("audit_entries", sa.Column("request_id", sa.String(), server_default="", nullable=False))
    op.execute("UPDATE audit_entries SET actor_kind = 'system' WHERE actor_id IS NULL")
    with op.batch_alter_table("audit_entries", schema=None) as batch_op:  # no table refers to it
        batch_op.alter_column("actor_kind", existing_type=sa.String(), existing_nullable=False, server_default=None)
        batch_op.alter_column("request_id", existing_type=sa.String(), existing_nullable=False, server_default=None)
        batch_op.create_check_constraint(
            batch_op.f("ck_audit_entries_actor_kind_code"), "actor_kind IN ('', 'user', 'system', 'visitor')"
        )
        batch_op.create_check_constraint(batch_op.f("ck_audit_entries_request_id_length"), "length(request_id) <= 64")
        batch_op.create_index("audit_entries_in_time", ["created_at", "id"], unique=False)
        batch_op.create_index("audit_entries_of_actor", ["actor_id", "created_at"], unique=False)
    _keep()


def downgrade() -> None:
    _let_go()
    with op.batch_alter_table("audit_entries", schema=None) as batch_op:
        batch_op.drop_index("audit_entries_of_actor")
        batch_op.drop_index("audit_entries_in_time")
        batch_op.drop_constraint(batch_op.f("ck_audit_entries_request_id_length"), type_="check")
        batch_op.drop_constraint(batch_op.f("ck_audit_entries_actor_kind_code"), type_="check")
        batch_op.drop_column("request_id")
        batch_op.drop_column("actor_kind")
    op.drop_table("usage")
    op.drop_table("audit_seals")


def _keep() -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.execute(
            "CREATE FUNCTION audit_is_append_only() RETURNS trigger LANGUAGE plpgsql AS "
            "$$ BEGIN RAISE EXCEPTION 'the audit trail is append-only' USING ERRCODE = 'restrict_violation'; END $$"
        )
        for table in _KEPT:
            op.execute(
                f"CREATE TRIGGER {table}_kept BEFORE UPDATE OR DELETE ON {table} "
                "FOR EACH ROW EXECUTE FUNCTION audit_is_append_only()"
            )
            op.execute(
                f"CREATE TRIGGER {table}_kept_whole BEFORE TRUNCATE ON {table} "
                "FOR EACH STATEMENT EXECUTE FUNCTION audit_is_append_only()"
            )
        return
    for table in _KEPT:
        for deed in ("update", "delete"):
            op.execute(
                f"CREATE TRIGGER {table}_kept_{deed} BEFORE {deed.upper()} ON {table} "
                "BEGIN SELECT RAISE(ABORT, 'the audit trail is append-only'); END"
            )
    # INSERT OR REPLACE would delete without a word.
    for table, key in (("audit_entries", "id"), ("audit_seals", "position"), ("audit_seals", "entry_id")):
        op.execute(
            f"CREATE TRIGGER {table}_kept_{key} BEFORE INSERT ON {table} "  # noqa: S608  # nothing from outside
            f"WHEN EXISTS (SELECT 1 FROM {table} WHERE {key} = NEW.{key}) "
            "BEGIN SELECT RAISE(ABORT, 'the audit trail is append-only'); END"
        )


def _let_go() -> None:
    if op.get_bind().dialect.name == "postgresql":
        for table in _KEPT:
            op.execute(f"DROP TRIGGER {table}_kept ON {table}")
            op.execute(f"DROP TRIGGER {table}_kept_whole ON {table}")
        op.execute("DROP FUNCTION audit_is_append_only()")
        return
    for table in _KEPT:
        for deed in ("update", "delete"):
            op.execute(f"DROP TRIGGER {table}_kept_{deed}")
    for trigger in ("audit_entries_kept_id", "audit_seals_kept_position", "audit_seals_kept_entry_id"):
        op.execute(f"DROP TRIGGER {trigger}")
