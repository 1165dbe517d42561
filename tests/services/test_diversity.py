"""One organisation cannot fill the first ten of a demand's matches; nor does the order tell who is masked."""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Sequence
from typing import Any

import pytest
from flask.testing import FlaskClient
from hypothesis import given
from hypothesis import strategies as st

from market.matching.diversity import FIRST, MOST, spread
from market.matching.score import Score
from market.runtime import Runtime
from market.services.matching import matches
from market.services.matching.pairing import Fitting, Pair
from tests.factories import Caller, add_member, add_organisation
from tests.services.stock import act, publish

owners = st.lists(st.sampled_from(("a", "b", "c", "d", None)), max_size=40)


def shown(listed: Sequence[str | None]) -> list[str | None]:
    return [listed[place] for place in spread(listed)]


def test_the_fourth_of_an_organisation_waits_until_ten_are_shown() -> None:
    listed = [*"aaaaaa", *"bcdefghij"]
    assert "".join(map(str, shown(listed))) == "aaabcdefgh" + "aaaij"


def test_those_that_wait_fill_up_where_too_few_others_are_there() -> None:
    assert spread([*"aaaaaab"]) == [0, 1, 2, 6, 3, 4, 5]
    assert spread(["a"] * 30) == [*range(30)]


def test_what_belongs_to_nobody_who_may_be_told_never_waits() -> None:
    assert spread([None] * 30) == [*range(30)]


@given(owners)
def test_every_item_is_shown_once(listed: list[str | None]) -> None:
    assert sorted(spread(listed)) == [*range(len(listed))]


@given(owners)
def test_no_organisation_has_more_than_three_of_the_first_while_others_are_there(listed: list[str | None]) -> None:
    first, rest = shown(listed)[:FIRST], shown(listed)[FIRST:]
    times = Counter(first)
    crowded = any(number > MOST for owner, number in times.items() if owner is not None)
    assert not crowded or all(owner is not None and times[owner] >= MOST for owner in rest)


@given(owners)
def test_each_organisations_own_stay_in_order(listed: list[str | None]) -> None:
    places = spread(listed)
    for owner in {*listed}:
        own = [place for place in places[:FIRST] if listed[place] == owner]
        assert own == sorted(own)


def matched(runtime: Runtime, demand: uuid.UUID, offers: Sequence[uuid.UUID]) -> None:
    """A demand's matches with these outcomes, each a little worse than the one before."""
    pairs = [Pair(demand, "outcome", offer, *[Score(0.9 - 0.01 * place)] * 2) for place, offer in enumerate(offers)]
    with runtime.db.writing() as session:
        found = {("demand", demand): Fitting(pairs, frozenset())}
        matches.keep(session, found, versions={}, notify_from=1.0, now=runtime.clock())


@pytest.fixture
def big(runtime: Runtime) -> list[uuid.UUID]:
    """Eight outcomes of one organisation."""
    organisation = add_organisation(runtime)
    return [publish(runtime, "outcome", organisation) for _ in range(8)]


@pytest.fixture
def small(runtime: Runtime) -> list[uuid.UUID]:
    """Nine outcomes, each of an organisation of its own."""
    return [publish(runtime, "outcome", add_organisation(runtime)) for _ in range(9)]


@pytest.fixture
def buyer(runtime: Runtime, client: FlaskClient) -> Caller:
    return Caller(client, add_member(runtime))


@pytest.fixture
def demand(runtime: Runtime, buyer: Caller, big: list[uuid.UUID], small: list[uuid.UUID]) -> uuid.UUID:
    """It fits the eight best."""
    assert buyer.person
    assert buyer.person.organisation_id
    made = publish(runtime, "demand", buyer.person.organisation_id)
    matched(runtime, made, [*big, *small])
    return made


def page(caller: Caller, demand: uuid.UUID, **query: Any) -> dict[str, Any]:
    response = caller.get(f"demands/{demand}/matches", **query)
    assert response.status_code == 200, response.text
    return dict(response.json)


def walk(caller: Caller, demand: uuid.UUID, limit: int) -> list[str]:
    found: list[str] = []
    cursor: dict[str, str] = {}
    while True:
        got = page(caller, demand, limit=limit, **cursor)
        found += [item["listing"]["id"] for item in got["items"]]
        if got["next"] is None:
            return found
        cursor = {"cursor": got["next"]}


def in_order(big: list[uuid.UUID], small: list[uuid.UUID]) -> list[str]:
    return [str(one) for one in (*big[:3], *small[:7], *big[3:], *small[7:])]


@pytest.mark.parametrize("limit", [1, 4, 9, 10, 11, 100])
def test_an_organisation_has_three_of_the_first_ten_matches(
    buyer: Caller, demand: uuid.UUID, big: list[uuid.UUID], small: list[uuid.UUID], limit: int
) -> None:
    assert walk(buyer, demand, limit) == in_order(big, small)


@pytest.mark.parametrize("limit", [4, 12])
def test_what_is_dismissed_between_two_pages_moves_nothing_else(
    buyer: Caller, demand: uuid.UUID, big: list[uuid.UUID], small: list[uuid.UUID], limit: int
) -> None:
    first = page(buyer, demand, limit=limit)
    for item in first["items"]:
        buyer.post(f"matches/{item['id']}/actions/dismiss", {"reason": "too_expensive"})
    second = page(buyer, demand, limit=100, cursor=first["next"])
    assert [item["listing"]["id"] for item in second["items"]] == in_order(big, small)[limit:]


def test_what_is_scored_anew_between_two_pages_is_shown_once(
    runtime: Runtime, buyer: Caller, demand: uuid.UUID, big: list[uuid.UUID], small: list[uuid.UUID]
) -> None:
    first = page(buyer, demand, limit=10)
    matched(runtime, demand, [*small[:7], *big])
    second = page(buyer, demand, limit=100, cursor=first["next"])
    found = [item["listing"]["id"] for item in (*first["items"], *second["items"])]
    assert len(found) == len({*found})


def test_what_is_gone_from_the_first_ten_does_not_end_the_list(
    runtime: Runtime, buyer: Caller, demand: uuid.UUID, big: list[uuid.UUID], small: list[uuid.UUID]
) -> None:
    first = page(buyer, demand, limit=2)
    act(runtime, "outcome", big[2], "withdraw")
    rest = page(buyer, demand, limit=100, cursor=first["next"])
    assert [item["listing"]["id"] for item in rest["items"]] == in_order(big, small)[3:]


def test_the_order_tells_nothing_of_masked_organisations(runtime: Runtime, client: FlaskClient) -> None:
    seller = add_member(runtime)
    assert seller.organisation_id
    outcome = publish(runtime, "outcome", seller.organisation_id)
    organisation = add_organisation(runtime)
    masked = [publish(runtime, "demand", organisation, organisation_masked=True) for _ in range(6)]
    others = [publish(runtime, "demand", add_organisation(runtime)) for _ in range(6)]
    for place, demand in enumerate([*masked, *others]):
        with runtime.db.writing() as session:
            pair = Pair(demand, "outcome", outcome, *[Score(0.9 - 0.01 * place)] * 2)
            found = {("demand", demand): Fitting([pair], frozenset())}
            matches.keep(session, found, versions={}, notify_from=1.0, now=runtime.clock())
    items = Caller(client, seller).get(f"outcomes/{outcome}/matches").json["items"]
    assert [item["listing"]["id"] for item in items] == [str(one) for one in (*masked, *others)]


TEXT = {"text": "潮差区钢结构防腐涂层起泡脱落", "kind": "outcome"}


def test_an_organisation_has_three_of_the_first_ten_for_a_text(runtime: Runtime, buyer: Caller, drain: Any) -> None:
    organisation = add_organisation(runtime)
    for number in range(14):
        publish(runtime, "outcome", organisation, title_zh=f"潮差区钢结构防腐涂层起泡脱落修复第{number}种")
    for _ in range(8):
        publish(runtime, "outcome", add_organisation(runtime), summary_zh="一种涂层", keywords=[])
    drain()
    items = buyer.post("match", TEXT).json["items"]
    times = Counter(item["listing"]["organisation"]["id"] for item in items)
    assert len(items) == 10
    assert times[str(organisation)] == MOST


def test_masked_demands_never_wait_for_one_another(runtime: Runtime, buyer: Caller, drain: Any) -> None:
    organisation = add_organisation(runtime)
    for _ in range(5):
        publish(runtime, "demand", organisation, organisation_masked=True)
    for _ in range(7):
        publish(runtime, "demand", add_organisation(runtime), problem_zh="求一种涂层", keywords=[], title_zh="涂层")
    drain()
    items = buyer.post("match", {**TEXT, "kind": "demand"}).json["items"]
    scores = [item["score"] for item in items]
    assert scores == sorted(scores, reverse=True)
    assert [item["listing"]["organisation"] for item in items[:5]] == [None] * 5
