"""people and their organisations."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

import market.db
from market.models.base import new_id

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

LISTINGS = ("outcomes", "experts", "demands")
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
)
_KINDS = (
    *_KINDS_BEFORE,
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
_HOME_ROLES = ("member", "expert", "broker")


def _one_of(column: str, codes: tuple[str, ...]) -> str:
    return f"{column} IN ({', '.join(repr(code) for code in ('', *codes))})"


def _add(table: str, column: str, definition: str, check: str = "") -> None:
    """A column with its CHECK, in the one way of writing it that SQLite and PostgreSQL share."""
    name = f"ck_{table}_{column}"
    constraint = f" CONSTRAINT {name}_{check.partition(' ')[0]} CHECK ({check.partition(' ')[2]})" if check else ""
    op.execute(f"ALTER TABLE {table} ADD COLUMN {column} {definition}{constraint}")


def _moment() -> str:
    return "TIMESTAMP WITH TIME ZONE" if op.get_bind().dialect.name == "postgresql" else "DATETIME"


def _id() -> str:
    return "UUID" if op.get_bind().dialect.name == "postgresql" else "CHAR(32)"


def upgrade() -> None:
    op.create_table(
        "identities",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", market.db.UtcDateTime(timezone=True), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("issuer", sa.String(), nullable=False),
        sa.Column("subject", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_identities_user_id_users"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_identities")),
        sa.UniqueConstraint("issuer", "subject", name=op.f("uq_identities_issuer_subject")),
    )
    with op.batch_alter_table("identities", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_identities_user_id"), ["user_id"], unique=False)
    op.create_table(
        "memberships",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", market.db.UtcDateTime(timezone=True), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("roles", sa.JSON(), nullable=False),
        sa.Column("until", market.db.UtcDateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["organisations.id"],
            name=op.f("fk_memberships_organisation_id_organisations"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_memberships_user_id_users"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_memberships")),
        sa.UniqueConstraint("user_id", "organisation_id", name=op.f("uq_memberships_user_id_organisation_id")),
    )
    with op.batch_alter_table("memberships", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_memberships_organisation_id"), ["organisation_id"], unique=False)
    op.create_table(
        "invitations",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", market.db.UtcDateTime(timezone=True), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("email", sa.String(), nullable=False),
        sa.Column("language", sa.String(), nullable=False),
        sa.Column("roles", sa.JSON(), nullable=False),
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("invited_by", sa.Uuid(), nullable=True),
        sa.Column("until", market.db.UtcDateTime(timezone=True), nullable=False),
        sa.Column("accepted_at", market.db.UtcDateTime(timezone=True), nullable=True),
        sa.Column("revoked_at", market.db.UtcDateTime(timezone=True), nullable=True),
        sa.CheckConstraint("language IN ('', 'zh', 'en')", name=op.f("ck_invitations_language_code")),
        sa.CheckConstraint("length(email) <= 254", name=op.f("ck_invitations_email_length")),
        sa.ForeignKeyConstraint(
            ["invited_by"], ["users.id"], name=op.f("fk_invitations_invited_by_users"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["organisations.id"],
            name=op.f("fk_invitations_organisation_id_organisations"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_invitations")),
        sa.UniqueConstraint("digest", name=op.f("uq_invitations_digest")),
    )
    with op.batch_alter_table("invitations", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_invitations_email"), ["email"], unique=False)
        batch_op.create_index(batch_op.f("ix_invitations_organisation_id"), ["organisation_id"], unique=False)
    op.create_table(
        "cases",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", market.db.UtcDateTime(timezone=True), nullable=False),
        sa.Column("noun", sa.String(), nullable=False),
        sa.Column("listing_id", sa.Uuid(), nullable=False),
        sa.Column("broker_id", sa.Uuid(), nullable=False),
        sa.Column("assigned_by", sa.Uuid(), nullable=True),
        sa.Column("note", sa.String(), nullable=False),
        sa.Column("closed_at", market.db.UtcDateTime(timezone=True), nullable=True),
        sa.CheckConstraint("noun IN ('', 'outcome', 'expert', 'demand')", name=op.f("ck_cases_noun_code")),
        sa.CheckConstraint("length(note) <= 2000", name=op.f("ck_cases_note_length")),
        sa.ForeignKeyConstraint(
            ["broker_id"], ["users.id"], name=op.f("fk_cases_broker_id_users"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_cases")),
    )
    with op.batch_alter_table("cases", schema=None) as batch_op:
        batch_op.create_index(
            "cases_open",
            ["listing_id", "broker_id"],
            unique=True,
            sqlite_where=sa.text("closed_at IS NULL"),
            postgresql_where=sa.text("closed_at IS NULL"),
        )
        batch_op.create_index(batch_op.f("ix_cases_broker_id"), ["broker_id"], unique=False)
    _extend_listings()
    _extend_organisations()
    _extend_users()
    _extend_kinds(_KINDS)


def _extend_listings() -> None:
    custody = ("unclaimed", "claimed", "consented")
    for table in LISTINGS:
        _add(table, "custody", "VARCHAR DEFAULT 'consented' NOT NULL", f"code {_one_of('custody', custody)}")
        _add(table, "tiers", "JSON DEFAULT '{}' NOT NULL")
        _add(table, "merged_into", _id())


def _extend_organisations() -> None:
    states = ("unverified", "requested", "verified", "refused")
    _add("organisations", "credit_code", "VARCHAR", "length length(credit_code) <= 18")
    _add("organisations", "mail_domains", "JSON DEFAULT '[]' NOT NULL")
    _add(
        "organisations", "verification", "VARCHAR DEFAULT 'unverified' NOT NULL",
        f"code {_one_of('verification', states)}",
    )  # fmt: skip
    _add("organisations", "verified_at", _moment())
    _add("organisations", "verified_by", _id())
    _add("organisations", "active", "BOOLEAN DEFAULT TRUE NOT NULL")
    _add("organisations", "version", "INTEGER DEFAULT 1 NOT NULL")
    op.create_index("ix_organisations_credit_code", "organisations", ["credit_code"], unique=True)


def _extend_users() -> None:
    """What was a user's one organisation becomes their first membership, with the roles that only count there."""
    _add("api_keys", "kind", "VARCHAR DEFAULT 'key' NOT NULL", f"code {_one_of('kind', ('key', 'sign_in'))}")
    _add("api_keys", "scopes", "JSON DEFAULT '[]' NOT NULL")
    _add("users", "email_verified_at", _moment())
    _add("users", "orcid", "VARCHAR DEFAULT '' NOT NULL", "length length(orcid) <= 19")
    _add("users", "password", "VARCHAR DEFAULT '' NOT NULL")
    _add("users", "password_failures", "INTEGER DEFAULT 0 NOT NULL")
    _add("users", "password_locked_until", _moment())
    users = sa.table(
        "users", sa.column("id", sa.Uuid), sa.column("created_at", market.db.UtcDateTime),
        sa.column("roles", sa.JSON), sa.column("organisation_id", sa.Uuid),
    )  # fmt: skip
    memberships = sa.table(
        "memberships", sa.column("id", sa.Uuid), sa.column("created_at", market.db.UtcDateTime),
        sa.column("user_id", sa.Uuid), sa.column("organisation_id", sa.Uuid), sa.column("roles", sa.JSON),
    )  # fmt: skip
    connection = op.get_bind()
    for user in connection.execute(sa.select(users).where(users.c.organisation_id.is_not(None))).all():
        there = [role for role in user.roles if role in _HOME_ROLES]
        connection.execute(
            memberships.insert().values(
                id=new_id(),
                created_at=user.created_at,
                user_id=user.id,
                organisation_id=user.organisation_id,
                roles=there,
            )
        )
        rest = [role for role in user.roles if role not in _HOME_ROLES]
        connection.execute(users.update().where(users.c.id == user.id).values(roles=rest))
    with op.batch_alter_table("users", schema=None) as batch_op:
        batch_op.drop_index("ix_users_organisation_id")
        batch_op.drop_constraint("fk_users_organisation_id_organisations", type_="foreignkey")
        batch_op.drop_column("organisation_id")


def _extend_kinds(kinds: tuple[str, ...]) -> None:
    with op.batch_alter_table("notifications", schema=None) as batch_op:
        if op.get_bind().dialect.name == "postgresql":
            batch_op.drop_constraint(op.f("ck_notifications_kind_code"), type_="check")
        # SQLite's copy of the table takes it in place of the one of this name.
        batch_op.create_check_constraint(op.f("ck_notifications_kind_code"), _one_of("kind", kinds))


def downgrade() -> None:
    op.execute(sa.delete(sa.table("notifications")).where(sa.text(f"NOT ({_one_of('kind', _KINDS_BEFORE)})")))
    _extend_kinds(_KINDS_BEFORE)
    _home_again()
    op.drop_index("ix_organisations_credit_code", "organisations")
    for table, columns in {
        **dict.fromkeys(LISTINGS, ("merged_into", "tiers", "custody")),
        "organisations": (
            "version",
            "active",
            "verified_by",
            "verified_at",
            "verification",
            "mail_domains",
            "credit_code",
        ),
        "api_keys": ("scopes", "kind"),
    }.items():
        for column in columns:
            op.execute(f"ALTER TABLE {table} DROP COLUMN {column}")
    op.drop_table("cases")
    op.drop_table("invitations")
    op.drop_table("memberships")
    op.drop_table("identities")


def _home_again() -> None:
    """Of several organisations the first is kept."""
    op.add_column("users", sa.Column("organisation_id", sa.Uuid(), nullable=True))
    users = sa.table(
        "users", sa.column("id", sa.Uuid), sa.column("roles", sa.JSON), sa.column("organisation_id", sa.Uuid)
    )
    memberships = sa.table(
        "memberships", sa.column("id", sa.Uuid), sa.column("user_id", sa.Uuid),
        sa.column("organisation_id", sa.Uuid), sa.column("roles", sa.JSON),
    )  # fmt: skip
    connection = op.get_bind()
    roles = {row.id: row.roles for row in connection.execute(sa.select(users.c.id, users.c.roles)).all()}
    homes = {row.user_id: row for row in connection.execute(sa.select(memberships).order_by(memberships.c.id.desc()))}
    for user_id, home in homes.items():
        both = [*roles[user_id], *(role for role in home.roles if role in _HOME_ROLES)]
        changed = users.update().where(users.c.id == user_id)
        connection.execute(changed.values(organisation_id=home.organisation_id, roles=both))
    with op.batch_alter_table("users", schema=None) as batch_op:
        batch_op.drop_constraint(op.f("ck_users_orcid_length"), type_="check")
        for column in ("password_locked_until", "password_failures", "password", "orcid", "email_verified_at"):
            batch_op.drop_column(column)
        batch_op.create_foreign_key(
            op.f("fk_users_organisation_id_organisations"), "organisations", ["organisation_id"], ["id"]
        )
        batch_op.create_index("ix_users_organisation_id", ["organisation_id"], unique=False)
