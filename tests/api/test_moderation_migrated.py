"""What was submitted before there were reviews has one once the database is brought up to date."""

from __future__ import annotations

from alembic import command
from sqlmodel import col, select

from market import schema
from market.models import Review
from market.runtime import Runtime
from market.schema import differences, migrate
from tests.factories import NOUNS, Caller, post


def test_what_waits_already_gets_a_review_in_its_order(
    runtime: Runtime, newcomer: Caller, owner: Caller, reviewer: Caller
) -> None:
    waiting = [post(newcomer, noun)["id"] for noun in reversed(NOUNS)]
    post(owner, "outcome")
    with runtime.db.migrating() as connection:
        command.downgrade(schema._config(connection), "0010")
    migrate(runtime.db)
    assert differences(runtime.db) == []
    with runtime.db.reading() as session:
        reviews = session.exec(select(Review).order_by(col(Review.id))).all()
    assert {str(one.listing_id) for one in reviews} == {*waiting}
    assert [one.created_at for one in reviews] == sorted(one.created_at for one in reviews)
    rows = reviewer.get("moderation/queue").json["items"]
    assert {(row["listing"]["id"], row["version"]) for row in rows} == {(one, 1) for one in waiting}
