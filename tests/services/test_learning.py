"""Weights are learnt from what people said of matches: surely better ones are used, and any can be taken back."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from sqlmodel import Session, select

from market.errors import NotFound
from market.matching import fitting
from market.matching.fitting import Evidence, Judged, Trial
from market.matching.score import Texts, score
from market.matching.signatures import Particulars
from market.matching.weights import SHIPPED, Weights
from market.models import Demand, Expert, Job, Listing, Match, Outcome, Rematch
from market.runtime import Runtime
from market.services.matching import learning, signing
from market.services.matching.learning import FEEDBACK, Learnt, NotEnough
from market.vocabulary import vocabulary
from tests.factories import add_organisation

pytestmark = pytest.mark.long
FIELDS = ("electronic_information", "new_materials", "new_energy")
WORDS = ("防腐涂层", "锂离子电池隔膜", "焊接机器人", "海水淡化膜", "卫星导航终端", "蛋白质纯化", "风电叶片")
DEMANDS, OFFERS, SHOWN = 24, 24, 6
EVEN = {"demand_score": 0.5, "offer_score": 0.5}

Says = Callable[[Demand, Outcome], Mapping[str, str]]


def weighing(**changed: float) -> Weights:
    """The shipped weights with some that weigh otherwise."""
    parts = {name: (changed.get(name, weight), centre) for name, (weight, centre) in SHIPPED.parts.items()}
    return Weights(changed.get("bias", SHIPPED.bias), parts)


WRONG = weighing(texts=1.0, region=6.0)


def invented(
    demands: int, pairs: int = 8, *, chance: float | None = None, without: Iterable[str] = (), source: str = FEEDBACK
) -> list[Judged]:
    """Pairs of which people say what the shipped weights expect, or with `chance` anything."""
    random = np.random.default_rng(7)
    judged = []
    for demand in range(demands):
        for _ in range(pairs):
            features = {
                name: random.uniform() - centre
                for name, (_, centre) in SHIPPED.parts.items()
                if random.uniform() < 0.7 and name not in without
            }
            odds = SHIPPED.bias + 2 + sum(SHIPPED.parts[name][0] * one for name, one in features.items())
            label = float(random.uniform() < (1 / (1 + np.exp(-odds)) if chance is None else chance))
            judged.append(Judged(source, str(demand), features, label, grade=label))
    return judged


def fitted(judged: list[Judged], present: Weights = SHIPPED, *, reference: str = FEEDBACK) -> Weights:
    return fitting.fit(Evidence.of(judged, present), present, reference=reference).weights


def weight(weights: Weights, name: str) -> float:
    return weights.parts[name][0]


def test_wrong_weights_are_put_right_and_surely_better() -> None:
    learnt = learning.learn(WRONG, invented(200))
    assert learnt.better
    assert learnt.report["difference"]["pair_accuracy"]["low"] > 0
    assert learnt.report["new"]["log_loss"] < learnt.report["old"]["log_loss"]
    assert weight(learnt.weights, "texts") > 6
    assert weight(learnt.weights, "region") < 3


@pytest.mark.parametrize(("present", "chance"), [(weighing(bias=SHIPPED.bias + 2), None), (SHIPPED, 0.5)])
def test_right_weights_stay_and_labels_that_mean_nothing_teach_nothing(
    present: Weights, chance: float | None
) -> None:
    learnt = learning.learn(present, invented(100, chance=chance))
    assert not learnt.better
    assert learnt.report["against"]


def test_the_same_pairs_give_the_same_weights_and_report() -> None:
    judged = invented(30)
    assert learning.learn(WRONG, judged) == learning.learn(WRONG, judged)


def test_little_feedback_changes_little() -> None:
    few, many = (fitted(invented(demands), WRONG) for demands in (6, 300))
    for name in ("texts", "region"):
        present = weight(WRONG, name)
        assert abs(weight(few, name) - present) < abs(weight(many, name) - present) / 2


@pytest.mark.parametrize("chance", [None, 0.2, 0.5, 0.8])
@pytest.mark.parametrize("demands", [10, 100])
def test_no_weight_is_ever_negative(demands: int, chance: float | None) -> None:
    learnt = fitted(invented(demands, chance=chance))
    assert all(one >= 0 for one, _ in learnt.parts.values())


def test_a_part_that_speaks_against_a_fit_weighs_nothing() -> None:
    turned = [replace(one, features={**one.features, "region": 0.5 - one.label}) for one in invented(100)]
    assert weight(fitted(turned), "region") == 0


def test_a_part_that_too_few_pairs_know_keeps_its_weight() -> None:
    judged = invented(100, without=("trl",))
    rare = [replace(one, features={**one.features, "trl": one.label - 0.5}) for one in judged[:29]]
    assert weight(fitted([*rare, *judged[29:]]), "trl") == weight(SHIPPED, "trl")


@pytest.mark.parametrize(("labels", "why"), [((1.0,), "same label"), ((0.0, 1.0), "same in all pairs")])
def test_a_part_that_tells_no_pairs_apart_keeps_its_weight(labels: tuple[float, ...], why: str) -> None:
    known = [
        replace(one, features={**one.features, "trl": 0.4}) if one.label in labels else one
        for one in invented(100, without=("trl",))
    ]
    assert why in Evidence.of(known, SHIPPED).kept()["trl"]
    assert weight(fitted(known), "trl") == weight(SHIPPED, "trl")


def test_as_many_are_expected_to_fit_as_did() -> None:
    evidence = Evidence.of(invented(500), WRONG)
    expected = fitting.chance_of(fitting.fit(evidence, WRONG, reference=FEEDBACK).odds(evidence))
    assert np.average(expected, weights=evidence.weights) == pytest.approx(
        np.average(evidence.labels, weights=evidence.weights), abs=0.02
    )


def test_a_set_whose_pairs_were_chosen_says_nothing_about_how_many_fit() -> None:
    shown = invented(100)
    chosen = [replace(one, source="a set", label=1.0, shown=False) for one in invented(100, chance=1.0)]
    assert fitted([*shown, *chosen]).bias == pytest.approx(fitted(shown).bias, abs=0.3)


def test_where_no_source_says_how_many_fit_as_many_are_expected_as_before() -> None:
    judged = [replace(one, shown=False) for one in invented(100, source="a set")]
    evidence, learnt = Evidence.of(judged, WRONG), fitted(judged, WRONG, reference="")
    before, after = (
        fitting.chance_of(one.bias + evidence.features @ np.array([weight(one, name) for name in evidence.names]))
        for one in (WRONG, learnt)
    )
    assert evidence.weights @ after == pytest.approx(evidence.weights @ before)
    assert learnt.bias != WRONG.bias


def test_a_long_list_counts_no_more_than_ten_pairs() -> None:
    evidence = Evidence.of([*invented(1, pairs=50), *invented(1, pairs=8, source="other")], SHIPPED)
    assert np.bincount(evidence.groups, evidence.weights) == pytest.approx([10, 8])


def test_a_reason_moves_the_part_it_names_and_hardly_the_others() -> None:
    judged = invented(60)
    dear = Judged(FEEDBACK, "0", {"texts": 0.4, "budget": -0.5, "region": 0.4}, 0.0, 0.0, 0.5)
    plain, named = ([*judged, *([replace(dear, about=about)] * 30)] for about in ((), ("budget",)))
    assert weight(fitted(named), "budget") > weight(fitted(plain), "budget")
    assert weight(fitted(named), "texts") == pytest.approx(weight(fitted(plain), "texts"), abs=0.3)


def test_a_reason_about_a_part_that_is_not_known_adds_nothing() -> None:
    judged = invented(60, without=("budget",))
    named = [replace(one, about=("budget",)) if not one.label else one for one in judged]
    assert fitted(named) == fitted(judged)


def test_features_times_weights_are_the_scores_odds() -> None:
    demand = Particulars(noun="demand", field_code="new_energy", trl=(6, 9), money=(None, 100), regions=("120000",))
    offer = replace(demand, noun="outcome", field_code="new_materials", trl=(4, 4), money=(300, 300))
    for texts in (Texts(0.2, 0.3), Texts(0.2, None), Texts(None, 0.3), Texts(None, None)):
        found = score(demand, offer, texts, SHIPPED)
        evidence = Evidence.of([Judged("", "", fitting.features_of(found), 1.0, 1.0)], SHIPPED)
        of_parts = evidence.features[0] @ np.array([weight(SHIPPED, name) for name in evidence.names])
        assert SHIPPED.bias + of_parts == pytest.approx(found.odds)


def test_a_trial_measures_what_was_predicted() -> None:
    labels = [1.0, 0.0, 0.0, 1.0]
    odds = np.array([2.0, 1.0, -1.0, 1.0])
    judged = [Judged("", "one", {"trl": 0.1}, label, grade=label) for label in labels]
    trial = Trial(Evidence.of(judged, SHIPPED), odds)
    figures = {name: float(one[0]) for name, one in trial.figures().items()}
    chances = 1 / (1 + np.exp(-odds))
    losses = np.where(np.array(labels) == 1, -np.log(chances), -np.log(1 - chances))
    assert figures["log_loss"] == pytest.approx(losses.mean())
    assert figures["pair_accuracy"] == pytest.approx(3.5 / 4)
    assert 0.9 < figures["ndcg@10"] < 1
    assert sum(one["pairs"] for one in trial.calibration()) == 4
    errors = (abs(chances[0] - 1), abs(chances[1] + chances[3] - 1), chances[2])
    assert figures["calibration_error"] == pytest.approx(sum(errors) / 4)


@pytest.mark.parametrize(("judged", "there"), [(invented(3), 3), ([], 0), (invented(50, chance=1.0), 0)])
def test_too_little_feedback_is_refused_with_what_is_missing(judged: list[Judged], there: int) -> None:
    with pytest.raises(NotEnough, match=f"20 demands are needed .* there are {there}"):
        learning.learn(SHIPPED, judged)


@pytest.fixture
def exchange(runtime: Runtime) -> Runtime:
    """Demands and outcomes of three fields, signed, and for each demand a few matches that nobody has looked at."""
    asking, offering = add_organisation(runtime), add_organisation(runtime)
    common: dict[str, Any] = {"state": "published", "published_at": runtime.clock()}

    def listing(model: type[Any], place: int, **values: Any) -> Any:
        topic = WORDS[place * 5 % len(WORDS)]
        return model(**common, title_zh=f"第{place}号{topic}", field=FIELDS[place % 3], **values)

    asked = {"organisation_id": asking, "trl_from": 6, "budget_to": 1_000_000}
    demands = [listing(Demand, n, problem_zh=WORDS[n * 3 % 7], **asked) for n in range(DEMANDS)]
    prices = [{"organisation_id": offering, "trl": 3 + n % 7, "price": 400_000 * (1 + n % 4)} for n in range(OFFERS)]
    offers = [listing(Outcome, n, **values) for n, values in enumerate(prices)]
    with runtime.db.writing() as session:
        session.add_all([*demands, *offers])
        session.flush()
        sign(session, [*demands, *offers])
        session.add_all(
            Match(demand_id=demand.id, outcome_id=offers[(place + step) % OFFERS].id, **EVEN)
            for place, demand in enumerate(demands)
            for step in range(SHOWN)
        )
    return runtime


def sign(session: Session, listings: list[Listing]) -> None:
    signed = signing.sign_all(session, listings, "")
    signing.keep(session, [signing.row_of(one, signed[one.id].signature) for one in listings], [])


def hear(runtime: Runtime, says: Says) -> None:
    """Have people say this of each match."""
    with runtime.db.writing() as session:
        for match in session.exec(select(Match)):
            said = says(session.get_one(Demand, match.demand_id), session.get_one(Outcome, match.outcome_id))
            for name, value in said.items():
                setattr(match, name, value)


def wants_its_field(demand: Demand, offer: Outcome) -> Mapping[str, str]:
    """Only the field matters to these people, and much."""
    return {"demand_state": "interested"} if demand.field == offer.field else {"demand_state": "dismissed"}


def heard(runtime: Runtime) -> list[Judged]:
    with runtime.db.reading() as session:
        return learning.feedback(runtime.finder(session))


def learn(runtime: Runtime) -> Learnt:
    with runtime.db.reading() as session:
        return learning.learn(runtime.scorings.current(session).weights, heard(runtime))


def keep(runtime: Runtime, learnt: Learnt) -> int:
    with runtime.db.writing() as session:
        return learning.keep(session, learnt, now=runtime.clock())


def use(runtime: Runtime, version: int) -> bool:
    with runtime.db.writing() as session:
        return learning.use(session, version, now=runtime.clock())


def in_use(runtime: Runtime) -> Weights:
    with runtime.db.reading() as session:
        return runtime.scorings.current(session).weights


def rematches(runtime: Runtime) -> list[str]:
    """The reasons of all that were started, of which as many as are under way wait as jobs."""
    with runtime.db.reading() as session:
        jobs = {job.key for job in session.exec(select(Job).where(Job.name == "rematch"))}
        rows = session.exec(select(Rematch)).all()
    assert {str(row.id) for row in rows if row.finished_at is None} <= jobs
    return [row.reason for row in rows]


def any_weights(*, better: bool = True) -> Learnt:
    report = {"pairs": 1, "demands": 1, "difference": {"pair_accuracy": {"mean": 0.1, "low": 0.1, "high": 0.1}}}
    return Learnt(weighing(field=3.0), report, better=better)


def test_what_people_said_is_used_and_everything_matched_again(exchange: Runtime) -> None:
    hear(exchange, wants_its_field)
    learnt = learn(exchange)
    assert learnt.better, learnt.report
    assert weight(learnt.weights, "field") > weight(SHIPPED, "field") + 0.5
    assert learnt.report["sources"][FEEDBACK]["demands"] == DEMANDS
    assert keep(exchange, learnt) == 1
    assert in_use(exchange) == replace(learnt.weights, version=1)
    assert rematches(exchange) == ["weights"]


@pytest.mark.parametrize("reason", ["already_known", "not_needed"])
def test_reasons_that_say_nothing_about_the_fit_do_not_count(exchange: Runtime, reason: str) -> None:
    hear(exchange, wants_its_field)
    before = heard(exchange)

    hear(exchange, lambda _, __: {"offer_state": "dismissed", "offer_reason": reason})
    assert heard(exchange) == before
    hear(exchange, lambda _, __: {"demand_state": "seen"})
    assert heard(exchange) == []


@pytest.mark.parametrize(
    ("said", "label", "grade", "weight", "about"),
    [
        ({"demand_state": "interested"}, 1, 1, 1, ()),
        ({"demand_state": "in_contact", "offer_state": "in_contact"}, 1, 2, 2, ()),
        ({"offer_state": "dismissed"}, 0, 0, 1, ()),
        ({"offer_state": "dismissed", "offer_reason": "other"}, 0, 0, 1, ()),
        ({"demand_state": "dismissed", "demand_reason": "too_immature"}, 0, 0, 0.5, ("trl",)),
        ({"demand_state": "interested", "offer_state": "dismissed"}, 0.5, 0.5, 2, ()),
    ],
)
def test_what_each_word_counts(
    exchange: Runtime, said: Mapping[str, str], label: float, grade: float, weight: float, about: tuple[str, ...]
) -> None:
    hear(exchange, lambda _, __: said)
    judged = heard(exchange)
    assert len(judged) == DEMANDS * SHOWN
    assert {(one.label, one.grade, one.weight, one.about) for one in judged} == {(label, grade, weight, about)}


def test_every_reason_there_is_has_been_thought_of() -> None:
    known = {*learning._ABOUT, *learning._SAYS_NOTHING, "other"}
    assert known == {*vocabulary("dismissal_reasons").codes}


def test_features_are_those_of_the_present_scoring(exchange: Runtime) -> None:
    hear(exchange, lambda _, __: {"demand_state": "interested"})
    before = heard(exchange)
    keep(exchange, any_weights())
    assert heard(exchange) == before
    assert {name for one in before for name in one.features} <= {*SHIPPED.parts}
    assert all({"field", "trl", "budget"} <= {*one.features} for one in before)


def test_pairs_whose_listing_is_gone_are_left_out(exchange: Runtime) -> None:
    hear(exchange, wants_its_field)
    with exchange.db.writing() as session:
        signing.keep(session, [], [("demand", session.exec(select(Demand)).all()[0].id)])
    assert len(heard(exchange)) == (DEMANDS - 1) * SHOWN


def test_experts_are_learnt_from_too(exchange: Runtime) -> None:
    with exchange.db.writing() as session:
        demand, offer = (session.exec(select(model)).all()[0] for model in (Demand, Outcome))
        values = offer.model_dump(include={"organisation_id", "state", "published_at", "field"})
        expert = Expert(name_zh="甲", directions_zh=WORDS[0], **values)
        session.add(expert)
        session.flush()
        sign(session, [expert])
        session.add(Match(demand_id=demand.id, expert_id=expert.id, **EVEN, demand_state="interested"))
    assert [one.group for one in heard(exchange)] == [str(demand.id)]


def test_versions_count_on_and_the_newest_comes_first(runtime: Runtime) -> None:
    assert [keep(runtime, any_weights(better=better)) for better in (True, False, True)] == [1, 2, 3]
    with runtime.db.reading() as session:
        assert [(row.version, row.in_use) for row in learning.versions(session)] == [
            (3, True),
            (2, False),
            (1, False),
        ]


def test_weights_that_are_not_better_are_kept_and_not_used(runtime: Runtime) -> None:
    keep(runtime, any_weights(better=False))
    assert in_use(runtime) == SHIPPED
    assert rematches(runtime) == []


def test_weights_can_be_taken_back_and_used_again(runtime: Runtime) -> None:
    keep(runtime, any_weights())
    assert use(runtime, 0)
    assert in_use(runtime) == SHIPPED
    assert use(runtime, 1)
    assert in_use(runtime) == replace(any_weights().weights, version=1)
    assert rematches(runtime) == ["weights"] * 3


def test_using_what_is_used_matches_nothing_again(runtime: Runtime) -> None:
    assert not use(runtime, 0)
    keep(runtime, any_weights())
    assert not use(runtime, 1)
    assert rematches(runtime) == ["weights"]


def test_a_version_that_was_never_learnt_cannot_be_used(runtime: Runtime) -> None:
    keep(runtime, any_weights())
    with pytest.raises(NotFound):
        use(runtime, 9)
    assert in_use(runtime).version == 1
