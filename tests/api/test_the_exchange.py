"""/vocabularies, /me, /organisations."""

from __future__ import annotations

import uuid

import pytest

from market.runtime import Runtime
from market.vocabulary import VOCABULARIES
from tests.factories import Caller, add_organisation, add_person


@pytest.mark.parametrize("language", ["zh", "en"])
def test_every_vocabulary_is_given_with_labels_in_the_callers_language(visitor: Caller, language: str) -> None:
    items = visitor.speaking(language).get("vocabularies").json["items"]
    assert [item["name"] for item in items] == list(VOCABULARIES)
    assert all(item["label"] == item[language] for item in items)
    assert all(term["label"] == term[language] for item in items for term in item["terms"])


def test_a_vocabulary_can_be_asked_for_by_name(visitor: Caller) -> None:
    [item] = visitor.get("vocabularies", name="fields").json["items"]
    assert [term["code"] for term in item["terms"]] == list(VOCABULARIES["fields"].codes)


def test_a_vocabulary_that_is_none_gives_nothing(visitor: Caller) -> None:
    assert visitor.get("vocabularies", name="colours").json == {"items": []}


def test_terms_name_what_stands_above_them(visitor: Caller) -> None:
    [item] = visitor.get("vocabularies", name="regions").json["items"]
    parents = {term["code"]: term["parent"] for term in item["terms"]}
    assert (parents["110108"], parents["110000"]) == ("110000", None)


def test_a_caller_learns_who_they_are(owner: Caller) -> None:
    me = owner.get("me").json
    assert (me["id"], me["email"], me["roles"]) == (str(owner.person.id), owner.person.email, [])
    assert [one["roles"] for one in me["memberships"]] == [["member"]]
    assert me["organisation"]["id"] == str(owner.person.organisation_id)


def test_a_caller_without_organisation_learns_that_too(administrator: Caller) -> None:
    assert administrator.get("me").json["organisation"] is None


def test_a_visitor_is_nobody(visitor: Caller) -> None:
    assert visitor.get("me").status_code == 401


def test_an_organisation_can_be_read(runtime: Runtime, visitor: Caller) -> None:
    identity = add_organisation(runtime, name_zh="海河研究院", kind="university")
    shown = visitor.get(f"organisations/{identity}").json
    assert (shown["id"], shown["name_zh"], shown["kind"]) == (str(identity), "海河研究院", "university")
    assert "trusted" not in shown


def test_an_organisation_that_is_none_is_404(visitor: Caller) -> None:
    assert visitor.get(f"organisations/{uuid.uuid4()}").status_code == 404


@pytest.mark.parametrize(
    ("q", "found"), [("海河", 1), ("HAIHE", 1), ("研究", 2), ("%", 1), ("_", 0), ("", 3), ("恐龙", 0)]
)
def test_organisations_are_found_by_a_part_of_their_name(
    runtime: Runtime, visitor: Caller, q: str, found: int
) -> None:
    for zh, en in (("海河研究院", "Haihe Institute"), ("渤海研究所", "Bohai"), ("百分公司", "100% Company")):
        add_organisation(runtime, name_zh=zh, name_en=en)
    assert len(visitor.get("organisations", q=q).json["items"]) == found


def test_the_key_of_a_person_is_never_shown(runtime: Runtime, owner: Caller, visitor: Caller) -> None:
    person = add_person(runtime, owner.person.organisation_id)
    told = [owner.get(path).text for path in ("me", "organisations")] + [visitor.get("/metrics").text]
    assert not [text for text in told if person.key in text or owner.person.key in text]
