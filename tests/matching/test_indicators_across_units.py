"""Indicators compared across units, spellings and languages, and those that stand in running text."""

from __future__ import annotations

import math
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from market.matching.indicators import comparable, fit, stated
from market.matching.quantities import convert, unit
from market.matching.signatures import Indicator
from tests.pace import within

KINDS = (("kPa", "MPa", "psi", "兆帕"), ("g", "kg", "吨"), ("μm", "mm", "英寸"), ("次", "万次"), ("h", "天", "年"))
PAIRS = st.sampled_from(KINDS).flatmap(lambda kind: st.tuples(st.sampled_from(kind), st.sampled_from(kind)))
ANY = st.one_of(st.floats(), st.integers())
ANY_INDICATOR = st.builds(
    Indicator,
    name=st.sampled_from(("纯度", "purity", "工作温度", "控温精度", "")),
    direction=st.sampled_from(("at_least", "at_most", "between", "exactly", "")),
    value=ANY,
    value_to=st.one_of(st.none(), ANY),
    unit=st.sampled_from(("%", "ppm", "℃", "K", "℉", "MPa", "psi", "", "foo")),
)


def of(direction: str, value: float, unit: str, value_to: float | None = None, *, name: str = "指标") -> Indicator:
    return Indicator(name, direction, value, value_to, unit)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("MPa", "psi"),
        ("h", "天"),
        ("μm", "毫米"),
        ("%", "ppm"),
        ("℃", "K"),
        ("万次", "cycles"),
        ("foo", "ＦＯＯ"),
        ("", " "),
    ],
)
def test_units_of_one_kind_are_comparable(one: str, other: str) -> None:
    assert comparable(of("at_least", 1, one), of("at_least", 1, other))


@pytest.mark.parametrize(
    ("one", "other"), [("MPa", "mm"), ("%", ""), ("foo", "bars of foo"), ("dB", "dB(A)"), ("MPa", "foo"), ("元", "%")]
)
def test_units_of_two_kinds_are_not(one: str, other: str) -> None:
    assert not comparable(of("at_least", 1, one), of("at_least", 1, other))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("抗拉强度", "tensile strength"),
        ("Tensile Strength", "拉伸强度"),
        ("寿命", "service life"),
        ("導熱係數", "thermal conductivity"),
        ("CTE", "热膨胀系数"),
        ("石墨烯", "graphene"),
        ("涂层附着力", "附着力"),
    ],
)
def test_names_of_one_concept_are_one_in_either_language(one: str, other: str) -> None:
    assert comparable(of("at_least", 1, "", name=one), of("at_least", 1, "", name=other))
    assert comparable(of("at_least", 1, "", name=other), of("at_least", 1, "", name=one))


@pytest.mark.parametrize(
    ("one", "other"), [("抗拉强度", "yield strength"), ("纯度", "purpose"), ("", "纯度"), ("密度", "硬度")]
)
def test_names_of_two_concepts_are_not(one: str, other: str) -> None:
    assert not comparable(of("at_least", 1, "", name=one), of("at_least", 1, "", name=other))


def test_what_is_no_number_compares_with_nothing() -> None:
    assert not comparable(of("at_least", math.nan, "h"), of("at_least", 1, "h"))
    assert not comparable(of("at_least", 1, "h"), of("between", 1, "h", math.nan))


@pytest.mark.parametrize(
    ("wanted", "offered"),
    [
        (of("at_least", 200, "MPa"), of("exactly", 0.2, "GPa")),
        (of("at_least", 1, "psi"), of("exactly", 6894.757293168361, "Pa")),
        (of("at_most", 10, "μm"), of("at_most", 0.005, "mm")),
        (of("at_most", 100, "℃"), of("exactly", 212, "℉")),
        (of("between", -40, "℃", 85), of("exactly", 300, "K")),
        (of("at_least", 1, "年"), of("at_least", 9000, "h")),
        (of("at_least", 50_000, "次"), of("at_least", 5, "万次")),
        (of("at_most", 5, "ppm"), of("at_most", 0.0001, "%")),
        (of("at_least", 1, "万吨/年"), of("exactly", 10_000, "t/a")),
    ],
)
def test_an_offer_in_another_unit_that_meets_the_wish_fits_wholly(wanted: Indicator, offered: Indicator) -> None:
    assert comparable(wanted, offered)
    assert fit(wanted, offered) == 1


def test_the_shortfall_is_one_of_the_wanted_unit() -> None:
    in_its_own = fit(of("at_least", 200, "MPa"), of("exactly", 150, "MPa"))
    assert fit(of("at_least", 200, "MPa"), of("exactly", 150_000, "kPa")) == pytest.approx(in_its_own)


def test_degrees_of_an_accuracy_are_a_difference() -> None:
    wanted = of("at_most", 0.5, "℃", name="控温精度")
    assert fit(wanted, of("at_most", 0.5, "K", name="控温精度")) == 1
    assert fit(wanted, of("at_most", 1, "K", name="控温精度")) < 1


def test_the_zero_of_a_temperature_scale_is_no_nothing() -> None:
    assert fit(of("at_most", 0, "℃"), of("exactly", 1, "℃")) > 0.8


def test_near_the_whole_a_share_is_measured_by_what_is_left_of_it() -> None:
    assert fit(of("at_least", 99.9, "%"), of("exactly", 99, "%")) < 0.1
    assert fit(of("at_least", 99.9, "%"), of("exactly", 99.8, "%")) == pytest.approx(0.2, abs=0.005)
    assert fit(of("at_least", 80, "%"), of("exactly", 79, "%")) > 0.95


def test_a_share_of_a_length_may_exceed_the_whole() -> None:
    assert fit(of("at_least", 300, "%"), of("exactly", 290, "%")) > 0.85


@given(st.floats(90, 100), st.lists(st.floats(0, 100), min_size=2, max_size=8))
def test_the_more_of_a_share_is_offered_the_better_it_fits(wanted: float, offered: list[float]) -> None:
    fits = [fit(of("at_least", wanted, "%"), of("exactly", share, "%")) for share in sorted(offered)]
    assert all(one <= other for one, other in pairwise(fits))


@given(st.floats(0, 100), st.lists(st.floats(0, 100), min_size=2, max_size=8))
def test_the_more_of_a_share_is_wanted_the_worse_an_offer_fits(offered: float, wanted: list[float]) -> None:
    fits = [fit(of("at_least", share, "%"), of("exactly", offered, "%")) for share in sorted(wanted)]
    assert all(one >= other - 1e-9 for one, other in pairwise(fits))


@given(PAIRS, st.floats(1e-3, 1e9), st.floats(0, 1e9))
def test_a_wish_met_in_one_unit_is_met_in_another(pair: tuple[str, str], wanted: float, more: float) -> None:
    source, target = map(unit, pair)
    assert source is not None
    assert target is not None
    reached = convert(wanted + more, source, target)
    assert reached is not None
    assert fit(of("at_least", wanted, pair[0]), of("exactly", reached, pair[1])) == 1
    assert fit(of("at_most", wanted + more, pair[0]), of("exactly", reached, pair[1])) == 1


@given(PAIRS, st.floats(1e-3, 1e9), st.floats(0, 1e9), st.floats(0, 1e9))
def test_the_less_an_offer_reaches_the_worse_it_fits_in_any_unit(
    pair: tuple[str, str], wanted: float, one: float, other: float
) -> None:
    far, near = (
        fit(of("at_least", wanted, pair[0]), of("exactly", value, pair[1])) for value in sorted((one, other))
    )
    assert 0 <= far <= near <= 1


@given(ANY_INDICATOR, ANY_INDICATOR)
def test_no_indicator_is_an_error(one: Indicator, other: Indicator) -> None:
    if comparable(one, other):
        assert 0 <= fit(one, other) <= 1
        assert comparable(other, one)


@pytest.mark.parametrize("value", [10**400, -(10**400), 1e308, -1e308, math.inf, -math.inf, 0, 5e-324])
def test_no_value_is_too_large_or_small(value: float) -> None:
    for direction in ("at_least", "at_most", "exactly"):
        assert fit(of(direction, value, "GPa"), of("exactly", value, "GPa")) == 1
        assert 0 <= fit(of(direction, value, "nm"), of("exactly", -value, "km")) <= 1


@given(ANY_INDICATOR.filter(lambda indicator: comparable(indicator, indicator)))
def test_an_offer_of_just_what_is_wanted_fits_wholly(indicator: Indicator) -> None:
    assert fit(indicator, indicator) == 1


def test_what_texts_clearly_state_becomes_an_indicator() -> None:
    assert stated(["涂层抗拉强度≥200 MPa，重量约5 kg。", "Response time below 5 ms; particle size 10-20 μm."]) == (
        Indicator("涂层抗拉强度", "at_least", 200, None, "MPa"),
        Indicator("Response time", "at_most", 5, None, "ms"),
        Indicator("particle size", "between", 10, 20, "μm"),
    )


@pytest.mark.parametrize(
    "text",
    [
        "",
        "重量约50 kg",
        "重量50 kg",
        "≥200 MPa",
        "摩擦系数≤0.1",
        "申请专利不少于3项",
        "经费不超过50万元",
        "2020-2024年",
        "GB/T 13745-2009",
        "more than 200 MPa",
        "It has been running for more than 3 years",
        "The system, tested over 5 km, runs at over 30 fps",
        "良率由85%提高到95%以上，单件成本降低20%以上",
        "飞轮1800~2600 r/min",
        "closed pores below 40 nm",
        "寻求一种在-30℃以下仍能工作的电池",
    ],
)
def test_what_has_no_name_or_bound_or_known_unit_does_not(text: str) -> None:
    assert stated([text]) == ()


def test_at_most_twenty_indicators_are_taken_and_none_twice() -> None:
    assert len(stated([f"长度≥{number} mm" for number in range(1, 100)])) == 20
    assert len(stated(["长度≥1 mm"] * 50)) == 1


def test_a_stated_indicator_answers_one_that_was_filled_in() -> None:
    (offered,) = stated(["The film has a tensile strength of at least 0.25 GPa"])
    wanted = of("at_least", 200, "MPa", name="抗拉强度")
    assert comparable(wanted, offered)
    assert fit(wanted, offered) == 1


@given(st.lists(st.text(), max_size=4))
def test_no_text_breaks_the_search_for_indicators(texts: list[str]) -> None:
    assert len(stated(texts)) <= 20


def test_a_text_full_of_figures_costs_no_more_than_its_beginning() -> None:
    with within(1):
        stated(["".join(f"长度≥{number} mm，" for number in range(9_000))])
