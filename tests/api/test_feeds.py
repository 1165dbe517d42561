"""/feeds/<token>.atom: whoever has the address reads what anybody may see, as Atom, and nothing more."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from sqlmodel import select

from market.models import Outcome, User
from market.runtime import Runtime
from tests.factories import Caller, SettableClock, add_member, post

ATOM = "{http://www.w3.org/2005/Atom}"


@pytest.fixture
def seller(runtime: Runtime, owner: Caller) -> Caller:
    """Somebody of another organisation, who posts."""
    return Caller(owner.client, add_member(runtime, name_zh="海河研究院", name_en="Haihe Institute"))


def keep(caller: Caller, query: object, noun: str = "outcome", **data: Any) -> tuple[str, str]:
    """A subscription's path, and that of its feed."""
    made = caller.post("subscriptions", {"noun": noun, "query": query, "feed": True, **data}).json
    return f"subscriptions/{made['id']}", "/feeds/" + made["feed"].rpartition("/")[2]


def entries(caller: Caller, path: str) -> list[ET.Element]:
    answer = caller.get(path)
    assert answer.status_code == 200, answer.text
    assert answer.content_type == "application/atom+xml; charset=utf-8"
    return ET.fromstring(answer.data).findall(f"{ATOM}entry")


def titles(caller: Caller, path: str) -> list[str]:
    return [one.findtext(f"{ATOM}title", "") for one in entries(caller, path)]


def test_a_feed_holds_the_newest_that_anybody_may_see(
    owner: Caller, seller: Caller, visitor: Caller, drain: Callable[[], int], clock: SettableClock
) -> None:
    for number in range(3):
        post(seller, "outcome", title_zh=f"第{number}号碳纤维桥面", title_en="", summary_en="", keywords=[])
        clock.advance(minutes=1)
    post(seller, "outcome", title_zh="碳纤维草稿", submit=False)
    post(owner, "outcome", title_zh="草稿以外的碳纤维", submit=False)
    post(seller, "outcome", title_zh="传感器", title_en="", summary_zh="", summary_en="", keywords=[])
    drain()
    _, feed = keep(owner, {"q": "carbon fiber"})
    assert titles(visitor.speaking("zh"), feed) == [f"第{number}号碳纤维桥面" for number in (2, 1, 0)]


def test_a_feed_is_atom_as_the_standard_wants_it(
    owner: Caller, seller: Caller, visitor: Caller, drain: Callable[[], int], runtime: Runtime
) -> None:
    made = post(seller, "outcome", contact_name="不公开的人", contact_phone="13900000000")
    drain()
    path, feed = keep(owner, {"q": "石墨烯"}, name="石墨烯 & 涂层")
    answer = visitor.speaking("zh").get(feed)
    root = ET.fromstring(answer.data)
    assert root.tag == f"{ATOM}feed"
    assert root.findtext(f"{ATOM}id") == f"urn:uuid:{path.rpartition('/')[2]}"
    assert root.findtext(f"{ATOM}title") == "石墨烯 & 涂层"
    [entry] = root.findall(f"{ATOM}entry")
    for one in (root, entry):
        assert one.findtext(f"{ATOM}updated", "").endswith("+00:00")
        assert one.findtext(f"{ATOM}author/{ATOM}name")
    assert entry.findtext(f"{ATOM}id") == f"urn:uuid:{made['id']}"
    assert entry.findtext(f"{ATOM}author/{ATOM}name") == "海河研究院"
    assert entry.findtext(f"{ATOM}summary") == made["summary_zh"]
    link = entry.find(f"{ATOM}link")
    assert link is not None
    assert link.get("href") == f"{runtime.settings.base_url}/api/v1/outcomes/{made['id']}"
    assert "不公开" not in answer.text
    assert "13900000000" not in answer.text
    assert feed.split("/")[2].removesuffix(".atom") not in answer.text


def test_a_masked_organisation_is_not_named(
    owner: Caller, seller: Caller, visitor: Caller, drain: Callable[[], int]
) -> None:
    post(seller, "demand", organisation_masked=True)
    drain()
    _, feed = keep(owner, {}, "demand")
    assert len(entries(visitor, feed)) == 1
    assert not {"海河研究院", "Haihe Institute"} & {*visitor.get(feed).text.replace("<", ">").split(">")}


def test_hostile_titles_are_inert(
    owner: Caller, seller: Caller, visitor: Caller, runtime: Runtime, drain: Callable[[], int]
) -> None:
    title = "涂层</title><script>alert(1)</script>&lt;b&gt;]]><!--<?xml?>"
    post(seller, "outcome", title_zh=title, title_en="")
    drain()
    _, feed = keep(owner, {"q": "涂层"}, name="<b>名称</b>")
    zh = visitor.speaking("zh")
    [entry] = entries(zh, feed)
    assert entry.findtext(f"{ATOM}title") == title
    assert [one.tag for one in entry.iter() if "script" in one.tag] == []
    assert "<script" not in zh.get(feed).text
    with runtime.db.writing() as session:  # as a row that came in by another way
        session.exec(select(Outcome)).one().title_zh = "涂\x0b层\ufffe"
    assert titles(zh, feed) == ["涂\ufffd层\ufffd"]


def test_a_reader_that_asks_again_is_told_that_nothing_changed(
    owner: Caller, seller: Caller, visitor: Caller, drain: Callable[[], int]
) -> None:
    post(seller, "outcome")
    drain()
    _, feed = keep(owner, {})
    first = visitor.get(feed)
    assert "private" in first.headers["Cache-Control"]
    again = visitor.get(feed, headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")
    post(seller, "outcome")
    drain()
    assert visitor.get(feed, headers={"If-None-Match": first.headers["ETag"]}).status_code == 200


def test_what_is_withdrawn_is_gone_at_once(
    owner: Caller, seller: Caller, visitor: Caller, drain: Callable[[], int]
) -> None:
    made = post(seller, "outcome")
    drain()
    _, feed = keep(owner, {})
    assert len(entries(visitor, feed)) == 1
    seller.post(f"outcomes/{made['id']}/actions/withdraw", headers={"If-Match": f'"{made["version"]}"'})
    assert entries(visitor, feed) == []  # the index does not know yet


def test_a_feed_that_rests_is_empty_and_goes_on_later(
    owner: Caller, seller: Caller, visitor: Caller, drain: Callable[[], int], clock: SettableClock
) -> None:
    post(seller, "outcome")
    drain()
    path, feed = keep(owner, {}, expires_on=clock().date().isoformat())
    owner.post(f"{path}/actions/pause")
    assert entries(visitor, feed) == []
    owner.post(f"{path}/actions/resume")
    assert len(entries(visitor, feed)) == 1
    clock.advance(days=1)
    assert entries(visitor, feed) == []


@pytest.mark.parametrize("token", ["x", "a" * 43, "%00", "..%2f..", "é"])
def test_a_wrong_token_is_404(owner: Caller, visitor: Caller, token: str) -> None:
    keep(owner, {})
    assert visitor.get(f"/feeds/{token}.atom").status_code == 404


def test_a_new_token_ends_the_one_before_and_without_one_there_is_no_feed(owner: Caller, visitor: Caller) -> None:
    path, feed = keep(owner, {})
    newer = "/feeds/" + owner.post(f"{path}/feed").json["feed"].rpartition("/")[2]
    assert visitor.get(feed).status_code == 404
    assert visitor.get(newer).status_code == 200
    assert owner.delete(f"{path}/feed").status_code == 204
    assert visitor.get(newer).status_code == 404


def test_a_feed_ends_with_its_subscription_and_with_its_person(
    owner: Caller, visitor: Caller, runtime: Runtime
) -> None:
    path, feed = keep(owner, {})
    _, other = keep(owner, {})
    owner.delete(path)
    assert visitor.get(feed).status_code == 404
    assert owner.person is not None
    with runtime.db.writing() as session:
        session.get_one(User, owner.person.id).active = False
    assert visitor.get(other).status_code == 404
