"""What comes in, what goes out, what is stored and what is searched speak of the same fields."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest
from marshmallow import ValidationError
from sqlalchemy import inspect

from market.models import LISTINGS, Demand, Expert, Organisation, Outcome, User, Work
from market.services.search import searching
from schemas import demands, experts, outcomes
from schemas.common import CONFIDENTIAL, Indicator
from schemas.documents import DOCUMENTS, epoch_day, epoch_second, with_ancestors
from schemas.queries import FACETS, DemandQuery, ExpertQuery, OutcomeQuery
from schemas.rows import ROWS
from search.indexes import INDEXES
from tests.factories import NOUNS, payload

FIELDS = {"outcome": outcomes.OutcomeFields, "expert": experts.ExpertFields, "demand": demands.DemandFields}
READ = {"outcome": outcomes.OutcomeRead, "expert": experts.ExpertRead, "demand": demands.DemandRead}
CREATE = {"outcome": outcomes.OutcomeCreate, "expert": experts.ExpertCreate, "demand": demands.DemandCreate}
SUMMARY = {"outcome": outcomes.SUMMARY, "expert": experts.SUMMARY, "demand": demands.SUMMARY}
QUERIES = {"outcome": OutcomeQuery, "expert": ExpertQuery, "demand": DemandQuery}
each_noun = pytest.mark.parametrize("noun", NOUNS)


@each_noun
def test_every_field_that_comes_in_has_its_column(noun: str) -> None:
    attributes = {attribute.key for attribute in inspect(LISTINGS[noun]).attrs}
    assert set(FIELDS[noun]().fields) <= attributes


@each_noun
def test_every_field_that_comes_in_goes_out_again(noun: str) -> None:
    assert set(FIELDS[noun]().fields) <= set(READ[noun]().fields)


@each_noun
def test_nothing_the_service_sets_can_come_in(noun: str) -> None:
    fields = set(CREATE[noun]().fields)
    assert not fields & {
        "id",
        "state",
        "version",
        "owner_id",
        "published_at",
        "progress",
        "extended",
    }
    assert fields - set(FIELDS[noun]().fields) == {"submit", "organisation_id"}


@each_noun
def test_every_text_column_is_as_long_as_its_field_allows(noun: str) -> None:
    limits = {
        constraint.name.removesuffix("_length"): int(str(constraint.sqltext).rpartition("<= ")[2])
        for constraint in LISTINGS[noun].__table__.constraints
        if constraint.name and str(constraint.name).endswith("_length")
    }
    fields = FIELDS[noun]().fields
    longest = {name: field.maximum for name, field in fields.items() if hasattr(field, "maximum")}
    named = {name.removeprefix(f"ck_{noun}s_"): limit for name, limit in limits.items()}
    assert {name: longest[name] for name in named if name in longest} == {
        name: limit for name, limit in named.items() if name in longest
    }
    texts = {name for name in longest if name not in ("external_key",)}
    assert texts <= set(named)


@each_noun
def test_summaries_hold_nothing_confidential(noun: str) -> None:
    assert not set(SUMMARY[noun]) & set(CONFIDENTIAL)
    assert set(SUMMARY[noun]) <= set(READ[noun]().fields)


@each_noun
def test_documents_hold_nothing_confidential(noun: str) -> None:
    assert not set(DOCUMENTS[noun].fields) & set(CONFIDENTIAL)


@each_noun
def test_documents_and_index_have_the_same_fields(noun: str) -> None:
    spec = INDEXES[f"{noun}s"]
    declared = spec.text_names | spec.keyword_names | spec.number_names
    assert set(DOCUMENTS[noun].fields) | {"readers"} == declared | {"id", "version"}


@each_noun
def test_facets_and_filters_are_fields_of_the_index(noun: str) -> None:
    spec = INDEXES[f"{noun}s"]
    assert set(FACETS[noun]) <= set(spec.facets)
    ranges = {f"{name}_{end}" for name in searching._RANGES[noun] for end in ("from", "to")}
    others = {"q", "semantic", "limit", "cursor", "facets", "sort", "highlight"}
    assert set(QUERIES[noun]().fields) - ranges - others <= spec.keyword_names - {"readers"}
    assert ranges <= set(QUERIES[noun]().fields)


@each_noun
def test_sorts_are_fields_that_the_index_can_sort_by(noun: str) -> None:
    [validator] = QUERIES[noun]().fields["sort"].validators
    names = {name.removeprefix("-") for name in validator.choices} - {"relevance", "newest"}
    assert names <= set(INDEXES[f"{noun}s"].sorts)


@each_noun
def test_a_row_of_a_file_takes_what_the_api_takes(noun: str) -> None:
    extra = {"key": "a", "organisation": "b"}
    assert ROWS[f"{noun}s"]().load({**payload(noun), **extra})
    ignored = {"consented"} if noun == "expert" else set()  # a file consents for nobody
    assert set(FIELDS[noun]().fields) | {"key", "organisation", "owner"} | ignored == set(ROWS[f"{noun}s"]().fields)


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"direction": "between", "value": 2}, "value_to"),
        ({"direction": "between", "value": 2, "value_to": 1}, "value_to"),
        ({"direction": "at_least", "value": 2, "value_to": 3}, "value_to"),
        ({"direction": "about", "value": 2}, "direction"),
        ({"value": 2}, "direction"),
    ],
)
def test_an_indicator_that_makes_no_sense_is_refused(change: dict[str, object], pointer: str) -> None:
    with pytest.raises(ValidationError) as caught:
        Indicator().load({"name": "耐盐雾时间", **change})
    assert list(caught.value.messages) == [pointer]


def test_an_indicator_may_be_a_single_point() -> None:
    loaded = Indicator().load({"name": "a", "direction": "between", "value": 2, "value_to": 2})
    assert loaded["value_to"] == 2


def organisation() -> Organisation:
    return Organisation(name_zh="海河研究院", name_en="Haihe Institute")


def test_a_code_is_indexed_with_those_above_it() -> None:
    outcome = Outcome(title_zh="涂层", region="110108", industries=["C26"], organisation=organisation())
    document = DOCUMENTS["outcome"].dump(outcome)
    assert (document["region"], document["industries"]) == (["110108", "110000"], ["C26", "C"])


def test_codes_that_were_dropped_from_a_vocabulary_are_left_out() -> None:
    assert with_ancestors("regions", ["no such", "110000"]) == ["110000"]


def test_two_codes_share_what_stands_above_them_once() -> None:
    assert with_ancestors("regions", ["110101", "110102"]).count("110000") == 1


def test_a_masked_organisation_is_not_in_the_document() -> None:
    demand = Demand(title_zh="涂层", organisation_masked=True, organisation=organisation())
    document = DOCUMENTS["demand"].dump(demand)
    assert document["organisation_name"] == []
    assert document.get("organisation") is None


def test_works_of_an_expert_are_searched_as_one_text() -> None:
    works = [Work(title="甲", abstract="乙"), Work(title="丙")]
    expert = Expert(name_zh="林知远", works=works, organisation=organisation())
    document = DOCUMENTS["expert"].dump(expert)
    assert (document["works"], document["works_count"]) == (["甲\n乙", "丙"], 2)


def test_days_and_moments_are_numbers() -> None:
    assert epoch_day(date(1970, 1, 2)) == 1
    assert epoch_second(datetime(1970, 1, 2, tzinfo=UTC)) == 86_400
    assert (epoch_day(None), epoch_second(None)) == (None, None)


def test_a_user_is_shown_without_keys() -> None:
    from schemas.answers import Me

    assert set(Me().fields) == {"id", "name", "email", "language", "roles", "organisation", "memberships", "scopes"}
    assert not {"digest", "hint"} & set(User.model_fields)
