"""What each side of a match sees: a score of its own, in which nothing is that the other keeps to itself."""

from __future__ import annotations

from datetime import UTC, datetime

import sqlalchemy as sa
import uuid_utils.compat
from alembic import op

import market.db

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

_RANGE = "demand_score BETWEEN 0 AND 1 AND offer_score BETWEEN 0 AND 1"


def upgrade() -> None:
    with op.batch_alter_table("matches", schema=None) as batch_op:
        batch_op.drop_constraint(op.f("ck_matches_score_range"), type_="check")
        batch_op.alter_column("score", new_column_name="demand_score")
        batch_op.alter_column("parts", new_column_name="demand_parts")
        batch_op.alter_column("told_score", new_column_name="demand_told")
        batch_op.add_column(sa.Column("offer_score", sa.Float(), nullable=False, server_default=sa.text("0")))
        batch_op.add_column(sa.Column("offer_parts", sa.JSON(), nullable=True))
        batch_op.add_column(sa.Column("offer_told", sa.Float(), nullable=True))
    # What is protected has had its part in these scores: their listings are matched again below.
    op.execute("UPDATE matches SET offer_score = demand_score, offer_told = demand_told")
    with op.batch_alter_table("matches", schema=None) as batch_op:
        batch_op.alter_column("offer_score", server_default=None)
        batch_op.create_check_constraint(op.f("ck_matches_score_range"), _RANGE)
    for table, noun in (("outcomes", "outcome"), ("experts", "expert"), ("demands", "demand")):
        _match_again(table, noun)


def _match_again(table: str, noun: str) -> None:
    """Whatever protects something, so that nothing of it stays in the scores that others see."""
    connection, now = op.get_bind(), datetime.now(UTC)
    rows = sa.text(f"SELECT id FROM {table} WHERE CAST(tiers AS VARCHAR) <> '{{}}'").columns(id=sa.Uuid())  # noqa: S608
    job = sa.text(
        "INSERT INTO jobs (id, created_at, name, key, payload, state, run_at, attempts, lease, error)"
        " VALUES (:id, :now, 'match', :key, '{}', 'queued', :now, 0, '', '') ON CONFLICT DO NOTHING"
    ).bindparams(sa.bindparam("id", type_=sa.Uuid()), sa.bindparam("now", type_=market.db.UtcDateTime()))
    for row in connection.execute(rows).all():
        connection.execute(job, {"id": uuid_utils.compat.uuid7(), "now": now, "key": f"{noun}:{row.id}"})


def downgrade() -> None:
    with op.batch_alter_table("matches", schema=None) as batch_op:
        batch_op.drop_constraint(op.f("ck_matches_score_range"), type_="check")
        batch_op.alter_column("demand_score", new_column_name="score")
        batch_op.alter_column("demand_parts", new_column_name="parts")
        batch_op.alter_column("demand_told", new_column_name="told_score")
        batch_op.drop_column("offer_score")
        batch_op.drop_column("offer_parts")
        batch_op.drop_column("offer_told")
        batch_op.create_check_constraint(op.f("ck_matches_score_range"), "score BETWEEN 0 AND 1")
