"""Every vocabulary is whole and well-formed; nearness behaves; the national lists have their known sizes."""

import re
from collections import Counter
from importlib.resources import files

import pytest
from hypothesis import given
from hypothesis import strategies as st

from market.vocabulary import (
    VOCABULARIES,
    Term,
    Vocabulary,
    vocabulary,
)

CODE_SHAPES = {
    "disciplines": r"\d{3}(\d{2})?",
    "industries": r"[A-T](\d{2})?",
    "regions": r"\d{6}",
    "trl": r"[1-9]",
}
FLAT_CODES = {
    "fields": "electronic_information biology_medicine aerospace new_materials high_tech_services new_energy "
    "resources_environment advanced_manufacturing",
    "outcome_kinds": "new_technology new_process new_product new_material new_equipment biological_medicine "
    "plant_animal_variety standard software other",
    "outcome_categories": "basic_theory applied_technology soft_science",
    "funding_sources": "public_national public_provincial public_city in_house commissioned joint",
    "ip_kinds": "invention_patent utility_model design_patent software_copyright circuit_layout "
    "variety_right know_how",
    "ip_statuses": "none know_how applied granted",
    "cooperation_modes": "transfer exclusive_licence licence equity joint_development "
    "commissioned_development service consulting",
    "expert_cooperation": "diagnosis training joint_development commissioned_research consulting",
    "contract_kinds": "development transfer licence consulting service",
    "professional_titles": "professor associate_professor lecturer researcher associate_researcher "
    "assistant_researcher principal_engineer senior_engineer engineer chief_physician "
    "associate_chief_physician agronomist other",
    "degrees": "bachelor master doctor other",
    "availabilities": "available limited unavailable",
    "work_kinds": "paper patent project standard software book",
    "organisation_kinds": "university research_institute enterprise hospital government service_agency park other",
    "indicator_directions": "at_least at_most between exactly",
    "region_rules": "none preferred required",
    "listing_states": "draft submitted rejected published suspended expired withdrawn closed",
    "demand_progress": "open in_negotiation awarded solved cancelled failed",
    "match_states": "new seen interested dismissed in_contact closed",
    "dismissal_reasons": "wrong_field too_immature too_expensive already_known not_needed other",
    "rejection_reasons": "incomplete implausible duplicate not_permitted other",
    "roles": "administrator reviewer auditor organisation_admin member delegate expert broker service_partner",
    "languages": "zh en",
    "notification_kinds": (
        "match_found match_improved counterpart_interested mutual_interest listing_approved listing_rejected "
        "listing_expiring listing_expired deadline_near subscription_hit endpoint_disabled security "
        "listing_returned listing_suspended access_requested access_decided claim_made claim_decided relay_message "
        "import_finished case_assigned account case_closed"
    ),
    "channels": "mail webhook wecom dingtalk feishu apprise",
    "rhythms": "instant daily weekly off",
    "delivery_states": "waiting sent skipped dead",
    "endpoint_reasons": "failing gone bounced complained",
    "scopes": "read publish match notify account moderate audit administer",
    "tiers": "public registered verified agreement",
    "access_states": "open granted refused revoked withdrawn expired",
    "review_decisions": "approved rejected returned withdrawn merged",
    "report_kinds": "false_claims infringing confidential spam offensive other",
    "report_verdicts": "unfounded mended suspended",
    "custody": "unclaimed claimed consented",
    "claim_evidence": "mail_domain orcid document",
    "claim_states": "open approved refused withdrawn",
    "import_states": "waiting running done failed cancelled undoing undone",
    "verification_states": "unverified requested verified refused",
}

every_vocabulary = pytest.mark.parametrize("each", VOCABULARIES.values(), ids=VOCABULARIES)
two_codes_of_one_vocabulary = st.sampled_from(list(VOCABULARIES.values())).flatmap(
    lambda each: st.tuples(st.just(each), st.sampled_from(each.codes), st.sampled_from(each.codes))
)


def top_level(name: str) -> list[Term]:
    return [term for term in vocabulary(name) if term.parent is None]


def second_level(name: str) -> list[Term]:
    return [term for term in vocabulary(name) if term.parent is not None]


def small_tree() -> Vocabulary:
    terms = [
        Term("a", "甲", "A"),
        Term("a1", "甲一", "A1", "a"),
        Term("a2", "甲二", "A2", "a"),
        Term("b", "乙", "B"),
    ]
    return Vocabulary("letters", "字母", "Letters", {term.code: term for term in terms})


# What every vocabulary keeps


def test_every_data_file_is_a_vocabulary_and_every_vocabulary_has_a_data_file() -> None:
    data = files("market.vocabulary") / "data"
    assert {file.name for file in data.iterdir()} == {f"{name}.tsv" for name in VOCABULARIES}


def test_the_vocabularies_are_the_short_lists_and_the_four_standards() -> None:
    assert set(VOCABULARIES) == set(FLAT_CODES) | set(CODE_SHAPES)


@pytest.mark.parametrize("name", FLAT_CODES)
def test_the_codes_of_a_short_list_never_change(name: str) -> None:
    assert vocabulary(name).codes == tuple(FLAT_CODES[name].split())


@every_vocabulary
def test_a_vocabulary_is_found_by_its_name_and_has_a_title_in_both_languages(each: Vocabulary) -> None:
    assert vocabulary(each.name) is each
    assert re.search(r"[一-鿿]", each.zh)
    assert re.fullmatch(r"[ -~]+", each.en)


@every_vocabulary
def test_codes_are_well_formed(each: Vocabulary) -> None:
    shape = CODE_SHAPES.get(each.name, r"[a-z]+(_[a-z]+)*")
    assert [code for code in each.codes if not re.fullmatch(shape, code)] == []


@every_vocabulary
def test_every_term_has_a_chinese_and_an_english_label(each: Vocabulary) -> None:
    for term in each:
        assert re.search(r"[一-鿿]", term.zh), term
        assert re.fullmatch(r"[ -~]+", term.en), term
        assert term.zh == term.zh.strip(), term
        assert term.en == term.en.strip(), term


@every_vocabulary
@pytest.mark.parametrize("language", ["zh", "en"])
def test_labels_are_unique_within_a_level(each: Vocabulary, language: str) -> None:
    labels = Counter((len(each.ancestors(term.code)), term.label(language).casefold()) for term in each)
    assert [label for label, count in labels.items() if count > 1] == []


@every_vocabulary
def test_every_parent_exists_and_stands_on_the_top_level(each: Vocabulary) -> None:
    for term in each:
        assert term.parent is None or vocabulary(each.name).terms[term.parent].parent is None


def test_a_parent_is_the_leading_part_of_its_child() -> None:
    for term in second_level("disciplines"):
        assert term.parent == term.code[:3]
    for term in second_level("industries"):
        assert term.parent == term.code[0]
    for term in second_level("regions"):
        assert term.parent == term.code[:2] + "0000"


# The sizes of the lists


def test_there_are_eight_fields_and_nine_readiness_levels() -> None:
    assert len(vocabulary("fields")) == 8
    assert vocabulary("trl").codes == tuple("123456789")


def test_there_are_62_disciplines_and_every_one_but_the_humanities_is_divided() -> None:
    first = top_level("disciplines")
    assert len(first) == 62
    divided = {term.parent for term in second_level("disciplines")}
    assert {term.code for term in first if term.code < "700"} == divided
    assert len(second_level("disciplines")) == 495


def test_there_are_20_sections_and_97_divisions_of_industry_numbered_without_a_gap() -> None:
    assert [term.code for term in top_level("industries")] == list("ABCDEFGHIJKLMNOPQRST")
    assert [int(term.code[1:]) for term in second_level("industries")] == list(range(1, 98))


def test_there_are_34_provinces_and_only_the_hub_is_divided() -> None:
    assert len(top_level("regions")) == 34
    below = Counter(term.parent for term in second_level("regions"))
    assert below == {"110000": 16, "120000": 16, "130000": 11}


@pytest.mark.parametrize(
    ("name", "code", "zh", "en"),
    [
        ("disciplines", "43010", "材料科学基础学科", "Foundations of materials science"),
        ("disciplines", "52020", "人工智能", "Artificial intelligence"),
        ("industries", "C26", "化学原料和化学制品制造业", "Chemical raw materials and chemical products"),
        ("regions", "120116", "滨海新区", "Binhai New Area"),
        ("professional_titles", "principal_engineer", "正高级工程师", "Principal engineer"),
    ],
)
def test_a_code_has_its_known_labels(name: str, code: str, zh: str, en: str) -> None:
    assert (vocabulary(name).label(code, "zh"), vocabulary(name).label(code, "en")) == (zh, en)


# How a vocabulary answers


def test_a_vocabulary_gives_its_terms_in_order() -> None:
    letters = small_tree()
    assert letters.codes == ("a", "a1", "a2", "b")
    assert [term.en for term in letters] == ["A", "A1", "A2", "B"]
    assert "a1" in letters
    assert "c" not in letters


def test_ancestors_begin_with_the_code_itself_and_end_at_the_top() -> None:
    assert small_tree().ancestors("a2") == ("a2", "a")
    assert small_tree().ancestors("b") == ("b",)


def test_an_unknown_name_code_or_language_is_refused() -> None:
    with pytest.raises(KeyError):
        vocabulary("colours")
    with pytest.raises(KeyError):
        small_tree().label("c", "zh")
    with pytest.raises(KeyError):
        small_tree().ancestors("c")
    with pytest.raises(ValueError, match="fr"):
        small_tree().label("a", "fr")


def test_a_term_cannot_come_before_its_parent_or_under_another_code() -> None:
    with pytest.raises(ValueError, match="before its parent"):
        Vocabulary("broken", "坏", "Broken", {"x": Term("x", "子", "X", parent="y"), "y": Term("y", "父", "Y")})
    with pytest.raises(ValueError, match="filed under"):
        Vocabulary("broken", "坏", "Broken", {"x": Term("y", "甲", "Y")})


def test_a_vocabulary_cannot_be_changed() -> None:
    with pytest.raises(TypeError):
        small_tree().terms["c"] = Term("c", "丙", "C")  # type: ignore[index]
    with pytest.raises(TypeError):
        VOCABULARIES["letters"] = small_tree()  # type: ignore[index]


# Nearness in the tree


@given(two_codes_of_one_vocabulary)
def test_nearness_is_symmetric_and_one_only_on_the_diagonal(case: tuple[Vocabulary, str, str]) -> None:
    each, a, b = case
    assert each.nearness(a, a) == 1
    assert each.nearness(a, b) == each.nearness(b, a)
    assert 0 <= each.nearness(a, b) <= 1
    assert (each.nearness(a, b) == 1) == (a == b)


def test_a_shared_ancestor_gives_partial_credit_by_depth() -> None:
    letters = small_tree()
    assert letters.nearness("a", "a1") == pytest.approx(2 / 3)
    assert letters.nearness("a1", "a2") == 0.5
    assert letters.nearness("a1", "b") == 0
    assert letters.nearness("a", "b") == 0


def test_a_code_outside_the_vocabulary_is_near_nothing() -> None:
    assert small_tree().nearness("c", "a") == 0
    assert small_tree().nearness("c", "c") == 0
