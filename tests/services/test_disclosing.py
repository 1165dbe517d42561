"""What protection means beneath the doors: of input, of what is compared, of what is found, and of files."""

from __future__ import annotations

import json
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlmodel import select

from market.cli.data import load_folder
from market.matching.signatures import plain, words_of
from market.models import LISTINGS, Demand, Organisation
from market.models.matches import SIDES
from market.runtime import Runtime
from market.services.search import indexing
from market.vocabulary import protection
from market.vocabulary.protection import EVERYTHING, FIELDS, TIERS
from tests.factories import NOUNS, add_organisation, payload
from tests.services.stock import change, matches, publish, read

SECRET = "鲲鹏泵轴封在高温熔盐中晶间腐蚀渗漏，求动密封方案。"
NOUN = st.sampled_from(NOUNS)


def asked(noun: str) -> st.SearchStrategy[dict[str, Any]]:
    """Input about tiers."""
    fields = [name for name in FIELDS[noun] if protection.choices(noun, name)]
    tiers = st.dictionaries(st.sampled_from(fields), st.sampled_from([*TIERS, None]))
    masks = {"organisation_masked": st.booleans()} if noun == "demand" else {}
    return st.fixed_dictionaries({}, optional={"tiers": tiers, **masks})


@given(st.data(), NOUN)
def test_what_is_stored_of_tiers_and_mask_agrees_whatever_is_asked(data: st.DataObject, noun: str) -> None:
    tiers: dict[str, str] = {}
    masked = False
    for _ in range(3):
        wish = data.draw(asked(noun))
        stored = protection.settled(noun, wish, tiers=tiers, masked=masked)
        assert protection.settled(noun, wish, tiers=tiers, masked=masked) == stored
        tiers, masked = stored.get("tiers", tiers), stored.get("organisation_masked", masked)
        assert set(tiers.values()) <= set(TIERS[1:])
        assert masked == ("organisation" in tiers)
        for name, tier in (wish.get("tiers") or {}).items():
            if tier not in (None, "public"):
                assert tiers[name] == tier
        if wish.get("organisation_masked"):
            assert masked


@given(st.data(), NOUN)
def test_whoever_reaches_a_higher_tier_never_sees_less(data: st.DataObject, noun: str) -> None:
    tiers = protection.protected(noun, protection.settled(noun, data.draw(asked(noun))).get("tiers", {}))
    hidden = [protection.hidden_at(noun, tiers, level) for level in range(EVERYTHING + 1)]
    assert all(higher <= lower for lower, higher in pairwise(hidden))
    assert hidden[EVERYTHING] == frozenset()
    assert "contact" in hidden[0]


def test_a_tier_that_nobody_knows_is_reached_by_nobody() -> None:
    assert protection.hidden_at("demand", {"problem": "friends"}, EVERYTHING - 1) == {"problem"}


@pytest.mark.parametrize("noun", NOUNS)
def test_what_can_be_protected_are_fields_of_the_listing(noun: str) -> None:
    names = {name for group in FIELDS[noun].values() for name in group} - {"works", "organisation"}
    assert names <= set(LISTINGS[noun].model_fields)
    open_to_all = {"title_zh", "name_zh", "summary_zh", "directions_zh", "field", "disciplines", "industries"}
    assert not names & open_to_all


def demand(**values: Any) -> Demand:
    return Demand(organisation=Organisation(name_zh="研究院"), title_zh="密封难题", problem_zh=SECRET, **values)


def test_protected_texts_are_compared_but_neither_named_nor_embedded() -> None:
    [open_one] = indexing.sign([demand()])
    [closed] = indexing.sign([demand(tiers={"problem": "registered"})])
    assert set(closed.bags.keys) == set(open_one.bags.keys)
    assert "熔盐" in words_of(open_one).values()
    assert set(words_of(closed).values()) == {"密封", "难题"}
    assert plain(indexing.public_texts_of(demand(tiers={"problem": "registered"}))[0]) == "密封难题"
    assert closed.digests != open_one.digests  # or a vector of the secret text would be kept
    assert open_one.public is None


def test_protected_figures_count_as_unknown() -> None:
    figures = {
        "budget_to": 7_000_000,
        "indicators": [{"name": "耐温", "direction": "at_least", "value": 700, "unit": "℃"}],
    }
    tiers = {"budget": "verified", "indicators": "verified", "problem": "verified"}
    [closed] = indexing.sign([demand(**figures, tiers=tiers)])
    assert (closed.particulars.money, closed.particulars.indicators) == (None, ())
    [open_one] = indexing.sign([demand(**figures)])
    assert open_one.particulars.money == (None, 7_000_000)


def test_figures_that_only_a_protected_text_states_are_not_told() -> None:
    stating = {"organisation": Organisation(), "title_zh": "密封", "problem_zh": "要求耐盐雾时间不低于3000 h。"}
    assert indexing.sign([Demand(**stating)])[0].particulars.indicators
    assert not indexing.sign([Demand(**stating, tiers={"problem": "verified"})])[0].particulars.indicators


def evidence(runtime: Runtime) -> set[str]:
    """Every word that any match gives for a reason."""
    return {
        word
        for match in matches(runtime).values()
        for side in SIDES
        for part in match.parts_of(side)
        for word in part["evidence"]
    }


def test_words_that_one_side_keeps_to_itself_are_no_evidence(runtime: Runtime, drain: Callable[[], int]) -> None:
    asking, offering = (add_organisation(runtime) for _ in range(2))
    wanted = publish(runtime, "demand", asking, title_zh="熔盐泵轴封渗漏", problem_zh="求动密封方案")
    offered = publish(
        runtime, "outcome", offering, title_zh="一种动密封", title_en="", summary_zh="", summary_en="", keywords=[],
        description_zh=SECRET, tiers={"description": "agreement"},
    )  # fmt: skip
    drain()
    assert (wanted, offered) in matches(runtime)
    assert not evidence(runtime) & {"熔盐", "渗漏", "轴封"}
    # Open, the same words are told; protected again, they are gone with the next match.
    change(runtime, "outcome", offered, tiers={"description": None})
    drain()
    assert evidence(runtime) & {"熔盐", "渗漏"}
    change(runtime, "outcome", offered, tiers={"description": "registered"})
    drain()
    assert not evidence(runtime) & {"熔盐", "渗漏", "轴封"}


def test_titles_of_protected_works_are_no_evidence(runtime: Runtime, drain: Callable[[], int]) -> None:
    asking, offering = (add_organisation(runtime) for _ in range(2))
    publish(runtime, "demand", asking)
    title = payload("expert")["works"][0]["title"]
    expert = publish(runtime, "expert", offering, tiers={"works": "verified"})
    drain()
    assert matches(runtime)
    assert not [word for word in evidence(runtime) if title in word]
    change(runtime, "expert", expert, tiers={"works": "public"})
    drain()
    assert [word for word in evidence(runtime) if title in word]


def test_a_file_protects_as_a_request_does(runtime: Runtime, tmp_path: Path) -> None:
    row = {"key": "D-1", "organisation": "o", "title_zh": "密封", "organisation_masked": True}
    files = {
        "organisations": [{"key": "o", "name_zh": "研究院", "kind": "enterprise", "trusted": True}],
        "demands": [{**row, "tiers": {"problem": "verified", "keywords": None}}],
    }
    for kind, rows in files.items():
        (tmp_path / f"{kind}.ndjson").write_text("\n".join(json.dumps(one) for one in rows))

    def loaded() -> Demand:
        report = load_folder(runtime, tmp_path, quiet=True)
        assert not any(one.refusals for one in report.values()), report
        with runtime.db.reading() as session:
            return session.exec(select(Demand)).one()

    first = loaded()
    assert (first.tiers, first.organisation_masked) == ({"problem": "verified", "organisation": "agreement"}, True)
    assert loaded().version == first.version  # the same again is no change
    # A later file that says nothing of tiers opens nothing.
    (tmp_path / "demands.ndjson").write_text(json.dumps({**row, "title_zh": "密封难题"}))
    assert loaded().tiers == first.tiers
    assert read(runtime, "demand", first.id).public_organisation is None
