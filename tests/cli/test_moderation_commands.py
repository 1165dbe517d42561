"""`market moderation`: what waits for reviewers, from a terminal."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from click.testing import Result

from market.db import Database
from market.models import LISTINGS, Membership, Organisation, User
from market.services.listings import listings
from tests import databases
from tests.factories import NOUNS, member_of, payload


def submit(folder: Path, *, ago: timedelta) -> None:
    """A listing of each kind, of an organisation that is not trusted."""
    db = Database(databases.url_of(folder))
    with db.writing() as session:
        house = Organisation(name_zh="津门新材料公司", kind="research_institute")
        person = User(email="poster@people.example", name="Poster")
        session.add_all([house, person])
        session.flush()
        session.add(Membership(user_id=person.id, organisation_id=house.id, roles=["member"]))
        session.flush()
        actor, now = member_of(house.id, person.id), datetime.now(UTC) - ago
        for noun in NOUNS:
            model: Any = LISTINGS[noun]
            listings.create(session, actor, model, payload(noun, submit=True), now=now)
    db.close()


def test_what_waits_is_listed_and_summed_up(run: Callable[..., Result], ask: Callable[..., Any], data: Path) -> None:
    run("init")
    assert ask("moderation", "queue") == []
    assert ask("moderation", "summary")["age"] == {"half": None, "nine_tenths": None, "oldest": None}
    submit(data, ago=timedelta(hours=36))
    rows = ask("moderation", "queue")
    assert [row["type"] for row in rows] == [*NOUNS]
    assert [row["type"] for row in ask("moderation", "queue", "--newest", "--limit", "1")] == [NOUNS[-1]]
    assert [row["type"] for row in ask("moderation", "queue", "--noun", "expert", "--unassigned")] == ["expert"]
    assert len(ask("moderation", "queue", "--older-than-hours", "35")) == 3
    assert ask("moderation", "queue", "--older-than-hours", "37") == []
    found = ask("moderation", "summary")
    assert (found["waiting"], found["assigned"]) == (3, 0)
    assert found["age"]["oldest"] // 3600 == 36
    table = run("moderation", "queue").stdout
    assert payload("outcome")["title_zh"] in table
    assert "1.5 d" in table
    assert "the oldest waits" in run("moderation", "summary").stdout
