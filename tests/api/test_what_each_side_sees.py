"""Matches of listings that keep something to themselves: each side sees a score by what it may know."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from alembic import command
from sqlmodel import select

from market import schema
from market.models import Match, Notification
from market.runtime import Runtime
from tests.factories import Caller, SettableClock, post

Drain = Callable[[], int]

SECRET = "码头钢桩潮差区防腐涂层起泡脱落，石墨烯环氧涂层盐雾四千小时，求长效防腐涂层。"
OTHER_SECRET = "发酵罐搅拌轴机械密封渗漏，求免停机更换的密封结构与寿命监测。"
BLAND = {
    "title_zh": "寻求一项材料技术", "title_en": "", "keywords": [], "field": "", "trl_from": None, "trl_to": None,
    "budget_to": None, "cooperation_modes": [], "indicators": [], "region": "", "region_rule": "none",
}  # fmt: skip


def secret_demand(caller: Caller, problem: str) -> dict[str, Any]:
    """A demand whose title says nothing, and whose problem is for those who have agreed to keep it."""
    return post(caller, "demand", **BLAND, problem_zh=problem, tiers={"problem": "agreement"})


def seen(caller: Caller, noun: str, listing: dict[str, Any]) -> list[dict[str, Any]]:
    """The matches of a listing as its owner sees them."""
    answer = caller.get(f"{noun}s/{listing['id']}/matches", limit=100)
    assert answer.status_code == 200, answer.text
    return list(answer.json["items"])


def told(runtime: Runtime) -> list[tuple[str, str]]:
    """The kind of listing and of news of each notification about a match."""
    with runtime.db.reading() as session:
        rows = session.exec(select(Notification).where(Notification.match_id != None))  # noqa: E711
        return sorted((row.listing_noun, row.kind) for row in rows)


@pytest.mark.parametrize("last", ["outcome", "demand"])
def test_a_secret_problem_finds_who_can_solve_it_and_tells_only_its_owner(
    runtime: Runtime, owner: Caller, stranger: Caller, drain: Drain, last: str
) -> None:
    if last == "demand":
        outcome = post(stranger, "outcome")
        drain()
        demand = secret_demand(owner, SECRET)
    else:
        demand = secret_demand(owner, SECRET)
        drain()
        outcome = post(stranger, "outcome")
    drain()
    [found] = seen(owner, "demand", demand)
    assert found["listing"]["id"] == outcome["id"]
    assert found["score"] > 0.5
    assert seen(stranger, "outcome", outcome) == []
    assert told(runtime) == [("demand", "match_found")]
    for action in ("see", "interest"):
        assert stranger.post(f"matches/{found['id']}/actions/{action}").status_code == 404


def test_whoever_keeps_the_secret_may_speak_first(
    runtime: Runtime, owner: Caller, stranger: Caller, drain: Drain
) -> None:
    demand, outcome = secret_demand(owner, SECRET), post(stranger, "outcome")
    drain()
    [found] = seen(owner, "demand", demand)
    assert owner.post(f"matches/{found['id']}/actions/interest").status_code == 200
    [shown] = seen(stranger, "outcome", outcome)
    assert shown["other_state"] == "interested"
    assert shown["score"] < found["score"]
    assert ("outcome", "counterpart_interested") in told(runtime)
    assert stranger.post(f"matches/{found['id']}/actions/interest").json["state"] == "in_contact"


@pytest.mark.parametrize("noun", ["outcome", "demand"])
def test_nothing_that_one_side_keeps_to_itself_is_in_any_figure_that_the_other_sees(
    runtime: Runtime, owner: Caller, stranger: Caller, drain: Drain, noun: str
) -> None:
    """Two listings say the same in public; what they keep is what the other side's text is about, or it is not."""
    field, other = ("description_zh", "demand") if noun == "outcome" else ("problem_zh", "outcome")
    tiers = {field.removesuffix("_zh"): "agreement"}
    twins = [post(owner, noun, tiers=tiers, **{field: text}) for text in (SECRET, OTHER_SECRET)]
    theirs = post(stranger, other)
    drain()
    shown = {one["listing"]["id"]: one for one in seen(stranger, other, theirs)}
    first, second = (shown[one["id"]] for one in twins)
    assert first["score"] == second["score"]
    assert first["reasons"] == second["reasons"]
    assert first["sentence"] == second["sentence"]
    mine = [seen(owner, noun, one)[0]["score"] for one in twins]
    assert mine[0] > mine[1], "and yet what is kept counts for whoever keeps it"


def test_a_better_secret_changes_nothing_for_the_other_side(
    runtime: Runtime, owner: Caller, stranger: Caller, drain: Drain
) -> None:
    demand, outcome = post(owner, "demand", tiers={"problem": "agreement"}), post(stranger, "outcome")
    drain()
    before, news = seen(stranger, "outcome", outcome), told(runtime)
    for version, text in enumerate((OTHER_SECRET, SECRET), start=1):
        assert owner.patch(f"demands/{demand['id']}", {"problem_zh": text}, version=version).status_code == 200
        drain()
        after = seen(stranger, "outcome", outcome)
        assert [{**one, "listing": None} for one in after] == [{**one, "listing": None} for one in before]
    assert [one for one in told(runtime) if one[0] == "outcome"] == [one for one in news if one[0] == "outcome"]


def test_where_nothing_is_protected_both_sides_see_the_same(
    runtime: Runtime, owner: Caller, stranger: Caller, drain: Drain
) -> None:
    demand, outcome = post(owner, "demand"), post(stranger, "outcome")
    drain()
    [mine], [theirs] = seen(owner, "demand", demand), seen(stranger, "outcome", outcome)
    assert (mine["score"], mine["reasons"]) == (theirs["score"], theirs["reasons"])
    with runtime.db.reading() as session:
        assert [row.offer_parts for row in session.exec(select(Match))] == [None]


def test_an_older_database_keeps_its_matches_and_scores_anew_what_protects_something(
    runtime: Runtime, owner: Caller, stranger: Caller, drain: Drain, clock: SettableClock
) -> None:
    demand, outcome = post(owner, "demand", tiers={"problem": "agreement"}), post(stranger, "outcome")
    drain()
    [mine], [theirs] = seen(owner, "demand", demand), seen(stranger, "outcome", outcome)
    assert mine["score"] != theirs["score"]
    with runtime.db.migrating() as connection:
        command.downgrade(schema._config(connection), "0013")
    schema.migrate(runtime.db)
    assert schema.differences(runtime.db) == []
    clock.now = datetime.now(UTC) + timedelta(minutes=1)  # a migration knows no other clock
    assert drain() > 0
    assert [one["score"] for one in seen(owner, "demand", demand)] == [mine["score"]]
    assert [one["score"] for one in seen(stranger, "outcome", outcome)] == [theirs["score"]]
    assert told(runtime) == [("demand", "match_found"), ("outcome", "match_found")]
