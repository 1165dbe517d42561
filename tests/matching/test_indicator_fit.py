"""Technical indicators: which can be compared, and how well an offer's figure meets a wish."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from market.matching import parts
from market.matching.indicators import comparable, fit
from market.matching.signatures import Indicator, Particulars

FIGURES = st.floats(-1e9, 1e9)
POSITIVE = st.floats(1e-3, 1e9)


def of(
    direction: str, value: float, value_to: float | None = None, *, name: str = "寿命", unit: str = "h"
) -> Indicator:
    return Indicator(name, direction, value, value_to, unit)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (of("at_least", 1), of("at_most", 2)),
        (of("at_least", 1, unit="MPa"), of("at_least", 1, unit="ＭＰａ")),
        (of("at_least", 1, unit="mg / L"), of("at_least", 1, unit="mg/L")),
        (of("at_least", 1, name="使用壽命"), of("at_least", 1, name="使用寿命")),
        (of("at_least", 1, name="Wear rate"), of("at_least", 1, name="rate of wear")),
    ],
)
def test_the_same_quantity_in_the_same_unit_is_comparable(one: Indicator, other: Indicator) -> None:
    assert comparable(one, other)
    assert comparable(other, one)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (of("at_least", 1, unit="h"), of("at_least", 1, unit="")),
        (of("at_least", 1, name="附着力"), of("at_least", 1, name="耐盐雾时间")),
        (of("at_least", 1, name="响应时间"), of("at_least", 1, name="耐盐雾时间")),
    ],
)
def test_other_units_and_other_names_are_not_comparable(one: Indicator, other: Indicator) -> None:
    assert not comparable(one, other)


@given(FIGURES, st.floats(0, 1e9))
def test_what_reaches_the_wanted_least_fits_wholly(wanted: float, more: float) -> None:
    assert fit(of("at_least", wanted), of("exactly", wanted + more)) == 1


@given(FIGURES, st.floats(0, 1e9))
def test_what_stays_below_the_wanted_most_fits_wholly(wanted: float, less: float) -> None:
    assert fit(of("at_most", wanted), of("exactly", wanted - less)) == 1


@given(FIGURES, FIGURES, FIGURES)
def test_what_lies_between_the_wanted_ends_fits_wholly(one: float, other: float, third: float) -> None:
    low, value, high = sorted((one, other, third))
    assert fit(of("between", low, high), of("exactly", value)) == 1


@given(FIGURES)
def test_the_wanted_figure_itself_fits_wholly(value: float) -> None:
    assert fit(of("exactly", value), of("exactly", value)) == 1


@given(FIGURES, st.floats(0, 1e9), st.floats(0, 1e9))
def test_the_further_below_the_wanted_least_the_worse_it_fits(wanted: float, one: float, other: float) -> None:
    near, far = (fit(of("at_least", wanted), of("exactly", wanted - by)) for by in sorted((one, other)))
    assert 0 <= far <= near <= 1


@given(FIGURES, st.floats(0, 1e9), st.floats(0, 1e9))
def test_the_further_above_the_wanted_most_the_worse_it_fits(wanted: float, one: float, other: float) -> None:
    near, far = (fit(of("at_most", wanted), of("exactly", wanted + by)) for by in sorted((one, other)))
    assert 0 <= far <= near <= 1


@given(POSITIVE)
def test_half_of_a_wish_missed_leaves_a_fifth(wanted: float) -> None:
    assert fit(of("at_least", wanted), of("exactly", wanted / 2)) == pytest.approx(0.2, abs=0.005)


def test_an_offer_that_promises_at_least_so_much_is_taken_at_its_word() -> None:
    assert fit(of("at_least", 3000), of("at_least", 4000)) == 1
    assert fit(of("at_least", 3000), of("at_least", 2000)) < 1


def test_an_offer_that_promises_at_most_so_much_does_not_reach_a_higher_least() -> None:
    assert fit(of("at_least", 3000), of("at_most", 2000)) < 1


def test_an_offer_adjustable_over_the_wanted_range_fits_wholly() -> None:
    assert fit(of("between", 10, 20), of("between", 5, 30)) == 1


def technical(wanted: tuple[Indicator, ...], offered: tuple[Indicator, ...]) -> parts.Found | None:
    return parts.technical(Particulars("demand", indicators=wanted), Particulars("outcome", indicators=offered))


def test_indicators_that_only_one_side_states_make_no_part() -> None:
    assert technical((of("at_least", 1),), (of("at_least", 1, name="质量"),)) is None


def test_the_part_is_the_mean_over_the_wanted_indicators_that_are_answered() -> None:
    wanted = (of("at_least", 100), of("at_least", 100, unit="MPa"), of("at_least", 1, name="质量"))
    found = technical(wanted, (of("exactly", 100), of("exactly", 50, unit="MPa")))
    assert found is not None
    assert found.score == pytest.approx((1 + 0.2) / 2, abs=0.005)


def test_of_several_offered_figures_the_best_counts() -> None:
    found = technical((of("at_least", 100),), (of("exactly", 10), of("exactly", 120)))
    assert found is not None
    assert found.score == 1


def test_the_evidence_shows_both_figures_with_their_unit() -> None:
    found = technical((of("at_least", 3000),), (of("at_least", 4000),))
    assert found is not None
    assert found.evidence == ("寿命 ≥4000 h / 寿命 ≥3000 h",)


@given(st.sampled_from(("at_least", "at_most", "exactly")), FIGURES, FIGURES)
def test_a_fit_lies_between_0_and_1(direction: str, wanted: float, offered: float) -> None:
    assert 0 <= fit(of(direction, wanted), of("exactly", offered)) <= 1
    assert 0 <= fit(of(direction, wanted), replace(of("exactly", offered), direction=direction)) <= 1
