"""Signatures are kept as bytes, and come back as they were."""

from __future__ import annotations

from hypothesis import given

from market.matching.signatures import Signature, bag, pack, scripts, surface_forms, unpack
from tests.matching.makers import demands, experts, few, outcomes


@few
@given(demands)
def test_a_demand_comes_back_as_it_was(signature: Signature) -> None:
    assert unpack(pack(signature)) == signature


@few
@given(outcomes)
def test_an_outcome_comes_back_as_it_was(signature: Signature) -> None:
    assert unpack(pack(signature)) == signature


@few
@given(experts)
def test_an_expert_comes_back_with_works_and_all(signature: Signature) -> None:
    assert unpack(pack(signature)) == signature


def test_surface_forms_survive() -> None:
    signature = Signature(noun="demand", surfaces={"corros": "corrosion"})
    assert unpack(pack(signature)).surfaces == {"corros": "corrosion"}


def test_a_bag_weighs_words_by_where_they_stand() -> None:
    assert bag([("防腐涂层", 2.0), ("涂层", 1.0)]).counts == {"防腐": 2.0, "涂层": 3.0}


def test_a_bag_knows_how_much_text_it_was() -> None:
    words = bag([("graphene coating", 2.0), ("coatings", 0.5)])
    assert words.length == sum(words.counts.values()) == 4.5


def test_a_surface_form_is_a_word_that_was_written() -> None:
    assert surface_forms(["Coatings resist corrosion"]) == {
        "coat": "coatings",
        "corros": "corrosion",
    }


def test_texts_are_known_by_their_scripts() -> None:
    texts = ("防腐涂层", "graphene", "石墨烯 graphene", "")
    assert [scripts([text]) for text in texts] == ["zh", "en", "both", "both"]
