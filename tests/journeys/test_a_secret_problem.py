"""A company's secret problem finds the expert who can solve it, and is told to nobody but them, once both agree."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask.testing import FlaskClient
from sqlmodel import select

from market.models import AuditEntry
from market.runtime import Runtime
from tests.factories import Caller, SettableClock, add_member, post

SECRET = "鲲鹏泵轴封在高温熔盐中发生晶间腐蚀渗漏，现用石墨填料三个月即失效，求耐熔盐腐蚀的动密封方案。"
PUBLIC = {"title_zh": "一项密封难题", "title_en": "", "keywords": [], "indicators": [], "background_zh": ""}
KNOWN = {
    "name_zh": "沈渊",
    "name_en": "",
    "directions_zh": "高温熔盐腐蚀与动密封",
    "directions_en": "",
    "keywords": ["熔盐腐蚀", "动密封"],
    "works": [{"kind": "paper", "title": "高温熔盐中泵轴封的晶间腐蚀与渗漏", "year": 2026}],
}
OTHER = {**KNOWN, "name_zh": "周野", "directions_zh": "玉米杂交育种", "keywords": ["玉米"], "works": []}


def inbox(caller: Caller, kind: str) -> list[dict[str, Any]]:
    return [row for row in caller.get("notifications").json["items"] if row["kind"] == kind]


def test_a_secret_problem_finds_its_expert_and_is_told_once_both_agree(
    owner: Caller, visitor: Caller, client: FlaskClient, runtime: Runtime, clock: SettableClock,
    drain: Callable[[], int],
) -> None:  # fmt: skip
    company = Caller(client, add_member(runtime, name_zh="鲸落重工", name_en="Whalefall Heavy Industries"))
    for profile in (KNOWN, OTHER):
        post(owner, "expert", **profile)
    demand = post(
        company, "demand", **PUBLIC, problem_zh=SECRET, organisation_masked=True, contact_name="季遥",
        tiers={"problem": "agreement", "budget": "verified"},
    )  # fmt: skip
    drain()

    # It finds the expert by its secret text, and the reasons repeat no word of that.
    best = company.get(f"demands/{demand['id']}/matches", kind="expert").json["items"][0]
    assert best["listing"]["name_zh"] == "沈渊"
    theirs = f"experts/{best['listing']['id']}/matches"
    for told in (best, owner.get(theirs).json, inbox(owner, "match_found"), inbox(company, "match_found")):
        assert not [
            word for word in ("熔盐", "晶间", "渗漏", "鲲鹏", "鲸落", "季遥") if word in _without_titles(told)
        ]

    # Nobody else finds it, or learns what it is.
    for caller in (visitor, owner):
        assert caller.get("demands", q="熔盐 轴封").json["total"] == 0
        assert caller.get(f"demands/{demand['id']}").json["protected"] == {
            "budget": "verified", "contact": "agreement", "organisation": "agreement", "problem": "agreement",
        }  # fmt: skip

    # The expert's side asks, with consent, and learns nothing by asking.
    text = owner.get("confidentiality").json
    consent = {"version": text["version"], "sha256": text["sha256"]}
    asked = owner.post(f"demands/{demand['id']}/access-requests", {"text": "沈渊教授团队可评估", "consent": consent})
    assert asked.status_code == 201
    assert not [word for word in ("鲸落", "季遥", "熔盐") if word in asked.text]
    [told] = inbox(company, "access_requested")
    assert told["listing_id"] == demand["id"]

    # The company sees who asks, and grants a fortnight.
    [waiting] = company.get("access-requests", side="to_decide", state="open").json["items"]
    assert waiting["requester"]["name"]
    until = clock().replace(microsecond=0).isoformat()
    clock.advance(minutes=1)
    assert company.post(f"access-requests/{waiting['id']}/actions/grant", {"until": until}).status_code == 422
    granted = company.post(f"access-requests/{waiting['id']}/actions/grant", {"text": "请与季遥联系"})
    assert granted.json["state"] == "granted"
    assert inbox(owner, "access_decided")

    shown = owner.get(f"demands/{demand['id']}").json
    assert (shown["problem_zh"], shown["contact_name"], shown["protected"]) == (SECRET, "季遥", {})
    assert shown["organisation"]["name_zh"] == "鲸落重工"
    assert visitor.get(f"demands/{demand['id']}").json["organisation"] is None
    with runtime.db.reading() as session:
        [note] = session.exec(select(AuditEntry).where(AuditEntry.action == "disclose")).all()
    assert (note.actor_id, note.details["level"]) == (owner.person.id, "agreement")
    assert note.details["fields"] == ["budget", "contact", "organisation", "problem"]

    # In time it is over, by itself.
    clock.advance(days=91)
    assert "problem_zh" not in owner.get(f"demands/{demand['id']}").json
    drain()
    assert owner.get("access-requests").json["items"][0]["state"] == "expired"


def _without_titles(told: Any) -> str:
    """What is said of a match, without what the expert's own public profile says."""
    text = str(told)
    for public in (*KNOWN["keywords"], KNOWN["directions_zh"], KNOWN["works"][0]["title"]):
        text = text.replace(str(public), "")
    return text
