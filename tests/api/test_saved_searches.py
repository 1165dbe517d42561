"""/subscriptions: kept from a search in one call, one's own only, tried before they are kept."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

import pytest
from sqlmodel import select

from market.models import IdempotentAnswer, Subscription
from market.runtime import Runtime
from market.services.subscriptions import subscriptions
from tests.factories import Caller, add_member, post

QUERY = {"q": "石墨烯", "field": "new_materials"}


def keep(caller: Caller, noun: str = "outcome", query: object = QUERY, **data: Any) -> dict[str, Any]:
    answer = caller.post("subscriptions", {"noun": noun, "query": query, **data})
    assert answer.status_code == 201, answer.text
    return dict(answer.json or {})


@pytest.fixture
def other(runtime: Runtime, owner: Caller) -> Caller:
    """Somebody of another organisation."""
    return Caller(owner.client, add_member(runtime))


def test_a_search_is_kept_in_one_call(owner: Caller) -> None:
    answer = owner.post("subscriptions", {"noun": "outcome", "query": {**QUERY, "trl_from": 5}})
    kept = dict(answer.json or {})
    assert answer.status_code == 201
    assert answer.headers["Location"] == f"/api/v1/subscriptions/{kept['id']}"
    assert kept["query"] == {**QUERY, "trl_from": 5}
    assert (kept["name"], kept["rhythm"], kept["paused"]) == (
        "石墨烯 field=new_materials trl_from=5",
        "instant",
        False,
    )
    assert "feed" not in kept
    assert owner.get(f"subscriptions/{kept['id']}").json == kept


@pytest.mark.parametrize(
    "pasted",
    [
        "q=石墨烯&field=new_materials",
        "?q=%E7%9F%B3%E5%A2%A8%E7%83%AF&field=new_materials&limit=50&sort=newest&cursor=abc&highlight=true&facets=field",
        "q=石墨烯&field=new_materials&q=别的",
    ],
)
def test_the_query_string_of_a_search_may_be_pasted(owner: Caller, pasted: str) -> None:
    assert keep(owner, query=pasted)["query"] == QUERY


def test_several_values_may_be_a_list_or_parted_by_commas(owner: Caller) -> None:
    asked = {"field": ["new_materials", "aerospace"], "published_from": "2027-01-01", "q": ""}
    assert keep(owner, query=asked)["query"] == {"field": "new_materials,aerospace", "published_from": "2027-01-01"}


@pytest.mark.parametrize(
    ("noun", "query", "pointer"),
    [
        ("outcome", {"colour": "red"}, "/query/colour"),
        ("outcome", {"limit": 5}, "/query/limit"),
        ("outcome", {"sort": "newest"}, "/query/sort"),
        ("outcome", {"state": "draft"}, "/query/state"),
        ("outcome", "q=a&state=draft", "/query/state"),
        ("outcome", "q=a&readers=staff", "/query/readers"),
        ("outcome", {"field": "cooking"}, "/query/field/0"),
        ("outcome", {"budget_from": 1}, "/query/budget_from"),
        ("outcome", {"trl_from": "x"}, "/query/trl_from"),
        ("outcome", {"q": ["a"]}, "/query/q"),
        ("outcome", {"q": "字" * 501}, "/query/q"),
        ("outcome", {"semantic": True}, "/query/semantic"),
        ("outcome", "q=" + "a" * 5000, "/query"),
        ("outcome", 5, "/query"),
        ("outcome", ["q"], "/query"),
        ("outcome", None, "/query"),
        ("tender", {}, "/noun"),
    ],
)
@pytest.mark.parametrize("path", ["subscriptions", "subscriptions/preview"])
def test_parameters_that_no_search_takes_are_named(
    owner: Caller, path: str, noun: str, query: object, pointer: str
) -> None:
    answer = owner.post(path, {"noun": noun, "query": query})
    assert answer.status_code == 422, answer.text
    assert [error["pointer"] for error in (answer.json or {})["errors"]] == [pointer]


def test_a_rhythm_that_is_none_and_a_day_that_is_over_are_refused(owner: Caller) -> None:
    for change, pointer in (({"rhythm": "hourly"}, "/rhythm"), ({"expires_on": "2020-01-01"}, "/expires_on")):
        answer = owner.post("subscriptions", {"noun": "outcome", "query": QUERY, **change})
        assert [error["pointer"] for error in (answer.json or {})["errors"]] == [pointer]


def test_what_is_given_is_changed_and_nothing_else(owner: Caller) -> None:
    kept = keep(owner, name="涂层")
    path = f"subscriptions/{kept['id']}"
    changed = owner.patch(path, {"rhythm": "weekly", "expires_on": "2099-12-31"}).json
    assert changed == {**kept, "rhythm": "weekly", "expires_on": "2099-12-31", "updated_at": changed["updated_at"]}
    assert owner.patch(path, {"query": "q=钢", "expires_on": None}).json["query"] == {"q": "钢"}
    answer = owner.patch(path, {"query": {"progress": "open"}})
    assert [error["pointer"] for error in answer.json["errors"]] == ["/query/progress"]


def test_it_can_be_paused_and_resumed(owner: Caller) -> None:
    path = f"subscriptions/{keep(owner)['id']}"
    assert owner.post(f"{path}/actions/pause").json["paused"] is True
    assert owner.get(path).json["paused"] is True
    assert owner.post(f"{path}/actions/resume").json["paused"] is False


def test_what_is_removed_is_gone(owner: Caller) -> None:
    path = f"subscriptions/{keep(owner)['id']}"
    assert owner.delete(path).status_code == 204
    assert owner.get(path).status_code == 404


def test_anothers_subscription_is_404_whatever_is_done_with_it(owner: Caller, other: Caller) -> None:
    path = f"subscriptions/{keep(owner)['id']}"
    answers = [
        other.get(path),
        other.patch(path, {"paused": True}),
        other.delete(path),
        other.post(f"{path}/actions/pause"),
        other.post(f"{path}/actions/resume"),
        other.post(f"{path}/feed"),
        other.delete(f"{path}/feed"),
        other.get(f"subscriptions/{uuid.uuid4()}"),
    ]
    assert {answer.status_code for answer in answers} == {404}
    assert other.get("subscriptions").json == {"items": [], "next": None}
    assert owner.get(path).json["paused"] is False


def test_a_visitor_keeps_nothing(visitor: Caller) -> None:
    assert visitor.post("subscriptions", {"noun": "outcome", "query": QUERY}).status_code == 401


def test_the_list_goes_on_from_page_to_page_newest_first(owner: Caller) -> None:
    made = [keep(owner, query={"q": f"第{number}"})["id"] for number in range(5)]
    seen, cursor = [], {}
    while True:
        page = owner.get("subscriptions", limit=2, **cursor).json
        seen += [one["id"] for one in page["items"]]
        if page["next"] is None:
            break
        cursor = {"cursor": page["next"]}
    assert seen == made[::-1]


def test_one_person_keeps_only_so_many(owner: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subscriptions, "MOST", 1)
    keep(owner)
    answer = owner.post("subscriptions", {"noun": "outcome", "query": QUERY})
    assert (answer.status_code, answer.json["type"]) == (409, "/problems/too-many-subscriptions")


def test_a_preview_says_how_much_would_have_come(
    owner: Caller, other: Caller, drain: Callable[[], int], runtime: Runtime
) -> None:
    made = [post(other, "outcome", title_zh=f"第{number}号涂层", title_en="")["id"] for number in range(7)]
    post(owner, "outcome")  # one's own is no news
    post(other, "outcome", submit=False)
    drain()
    body = owner.post("subscriptions/preview", {"noun": "outcome", "query": "q=graphene"}).json
    assert (body["days"], body["count"], body["complete"]) == (30, 7, True)
    assert [one["id"] for one in body["items"]] == made[:1:-1]
    assert "contact_name" not in body["items"][0]
    with runtime.db.reading() as session:
        assert session.exec(select(Subscription)).all() == []


def test_meaning_is_refused_clearly_where_it_is_not_compared(owner: Caller, visitor: Caller) -> None:
    asked = {"noun": "outcome", "query": {"q": "防锈", "semantic": True}}
    for answer in (
        owner.post("subscriptions", asked),
        owner.post("subscriptions/preview", asked),
        visitor.get("outcomes", q="防锈", semantic="true"),
    ):
        assert (answer.status_code, answer.json["type"]) == (409, "/problems/meaning-not-compared")
    assert visitor.get("outcomes", semantic="true").status_code == 200  # nothing to compare


def test_the_secret_of_a_feed_is_shown_once_and_stored_nowhere(owner: Caller, runtime: Runtime) -> None:
    answer = owner.post("subscriptions", {"noun": "outcome", "query": QUERY, "feed": True}, key="once")
    kept = dict(answer.json or {})
    token = kept["feed"].rpartition("/")[2].removesuffix(".atom")
    assert len(token) >= 40
    assert kept["has_feed"] is True
    assert "feed" not in owner.get(f"subscriptions/{kept['id']}").json
    again = owner.post("subscriptions", {"noun": "outcome", "query": QUERY, "feed": True}, key="once").json
    assert (again["id"], again["feed"]) == (kept["id"], None)
    with runtime.db.reading() as session:
        rows = [*session.exec(select(Subscription)).all(), *session.exec(select(IdempotentAnswer)).all()]
        assert len(rows) == 2
        assert not any(token in repr(row.model_dump()) for row in rows)
