"""Weights learnt from what people said of matches, and from labelled pairs; kept in versions, put in use and back."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
from sqlalchemy import select as select_columns
from sqlmodel import Session, col, func, or_, select, update

from market.db import take_turn
from market.errors import Conflict, NotFound
from market.matching import fitting
from market.matching.fitting import Evidence, Judged, Trial
from market.matching.weights import SHIPPED, Weights
from market.models import Match, Weighting
from market.services.matching import rematching
from market.services.matching.pairing import Finder
from market.services.matching.scoring import weights_of

FEEDBACK = "feedback"
"""The source of pairs that were shown to people: how many of these fit, the score's bias is to tell."""

ENOUGH = 20
"""Demands with pairs that fit and pairs that do not: with fewer, no interval says anything."""

_DRAWS = 1000
_SEED = 20  # the same evidence gives the same weights and the same report

_SAYS_NOTHING = frozenset({"already_known", "not_needed"})
"""Reasons that tell of the moment or of the past: such a pair may fit well."""

_ABOUT = {
    "wrong_field": ("field", "disciplines", "industries"),
    "too_immature": ("trl",),
    "too_expensive": ("budget",),
}
"""The parts that a reason is about. Other reasons count against the pair as a whole."""

_SHARED = 0.5
"""What a dismissal counts against all parts where its reason names one: it counts once more against that alone."""


class NotEnough(ValueError):
    """Too little has been judged; the message says what is missing."""


@dataclass(frozen=True, slots=True)
class Learnt:
    """Weights, the report that speaks for or against them, and whether it allows to use them."""

    weights: Weights
    report: dict[str, Any]
    better: bool


def feedback(finder: Finder) -> list[Judged]:
    """Every pair of which a side has said that it fits or does not, with the features of the present scoring.

    Matches that no longer hold count too; pairs whose listings are gone, or that are excluded now, do not.
    """
    verdicts = ("interested", "in_contact", "dismissed")
    columns = (Match.demand_id, Match.outcome_id, Match.expert_id, Match.demand_state, Match.demand_reason)
    rows = select_columns(*columns, Match.offer_state, Match.offer_reason).where(  # type: ignore[call-overload]
        or_(col(Match.demand_state).in_(verdicts), col(Match.offer_state).in_(verdicts))
    )
    said: dict[tuple[uuid.UUID, str], dict[uuid.UUID, _Verdict]] = {}
    for demand_id, outcome_id, expert_id, *sides in finder.session.execute(rows.order_by(col(Match.id))):
        verdict = _verdict((sides[0], sides[1]), (sides[2], sides[3]))
        if verdict is not None:
            offers = said.setdefault((demand_id, "outcome" if outcome_id else "expert"), {})
            offers[outcome_id or expert_id] = verdict
    return [
        Judged(FEEDBACK, str(demand), fitting.features_of(pair.score), **offers[pair.offer_id].as_labels())
        for (demand, kind), offers in said.items()
        for pair in sorted(finder.scores(demand, kind, [*offers]), key=lambda pair: pair.offer_id)
    ]


@dataclass(frozen=True, slots=True)
class _Verdict:
    """What both sides said: how often that it fits, how much that it does not, and because of which parts."""

    fits: int
    against: float
    about: tuple[str, ...]

    def as_labels(self) -> dict[str, Any]:
        label = self.fits / (self.fits + self.against)
        return {"label": label, "grade": self.fits * label, "weight": self.fits + self.against, "about": self.about}


def _verdict(*sides: tuple[str, str]) -> _Verdict | None:
    """Each side's word counts once, so that contact, which both wanted, counts twice. None where nothing was said."""
    fits = sum(state in ("interested", "in_contact") for state, _ in sides)
    reasons = [reason for state, reason in sides if state == "dismissed" and reason not in _SAYS_NOTHING]
    against = sum(_SHARED if reason in _ABOUT else 1.0 for reason in reasons)
    about = tuple(dict.fromkeys(part for reason in reasons for part in _ABOUT.get(reason, ())))
    return _Verdict(fits, against, about) if fits or reasons else None


def learn(present: Weights, judged: Sequence[Judged]) -> Learnt:
    """Learn weights, and try them on held-back demands against the present ones. Raises NotEnough.

    The same pairs in the same order give the same.
    """
    evidence = Evidence.of(judged, present)
    if evidence.two_sided < ENOUGH:
        raise NotEnough(
            f"{ENOUGH} demands are needed of which some pairs fit and some do not; there are {evidence.two_sided}. "
            f"Of {len(judged)} judged pairs {int(evidence.fits.sum())} fit."
        )
    reference = _reference(judged)
    old, new = (
        Trial(evidence, odds) for odds in fitting.held_back(evidence, present, reference=reference, seed=_SEED)
    )
    learnt = fitting.fit(evidence, present, reference=reference).weights
    difference = _difference(old, new)
    against = _against(difference)
    report = {
        "base": present.version,
        "pairs": len(judged),
        "demands": int(evidence.groups.max()) + 1,
        "two_sided": evidence.two_sided,
        "sources": _sources(evidence),
        "bias_from": reference,
        "kept": evidence.kept(),
        "old": _told(old),
        "new": _told(new),
        "difference": difference,
        "against": against,
    }
    return Learnt(learnt, report, better=not against)


def _reference(judged: Iterable[Judged]) -> str:
    """The source whose share of fitting pairs the bias is to give: feedback, or else a set that says it can."""
    shown = dict.fromkeys(one.source for one in judged if one.shown)
    return FEEDBACK if FEEDBACK in shown else next(iter(shown), "")


def _sources(evidence: Evidence) -> dict[str, dict[str, float]]:
    return {
        name: {
            "pairs": int(mine.sum()),
            "demands": len(np.unique(evidence.groups[mine])),
            "fit": round(float(evidence.fits[mine].mean()), 4),
        }
        for place, name in enumerate(evidence.source_names)
        for mine in [evidence.sources == place]
    }


def _told(trial: Trial) -> dict[str, Any]:
    figures = {name: round(float(figure[0]), 4) for name, figure in trial.figures().items()}
    return {**figures, "calibration": trial.calibration()}


def _difference(old: Trial, new: Trial) -> dict[str, dict[str, float]]:
    """New less old, each with the interval that holds 95 % of what other demands would have given (Efron 1979)."""
    share = np.full(old.groups, 1 / old.groups)
    draws = np.random.default_rng(_SEED).multinomial(old.groups, share, size=_DRAWS).astype(np.float64)
    before, after, drawn_before, drawn_after = old.figures(), new.figures(), old.figures(draws), new.figures(draws)
    told = {}
    for name, figure in before.items():
        low, high = np.percentile(drawn_after[name] - drawn_before[name], [2.5, 97.5])
        mean = float(after[name][0] - figure[0])
        told[name] = {"mean": round(mean, 4), "low": round(float(low), 4), "high": round(float(high), 4)}
    return told


def _against(difference: Mapping[str, Mapping[str, float]]) -> list[str]:
    """Why the new weights are not to be used."""
    accuracy, loss = difference["pair_accuracy"], difference["log_loss"]
    reasons = []
    if accuracy["low"] <= 0:
        reasons.append(f"pairs are not surely in better order: {accuracy['low']:+.4f} to {accuracy['high']:+.4f}")
    if loss["mean"] > 0:
        reasons.append(f"what is predicted is further from what was said: log loss {loss['mean']:+.4f}")
    return reasons


def keep(session: Session, learnt: Learnt, *, now: datetime) -> int:
    """Store the weights under the next version; put them in use if they are better. Gives the version."""
    take_turn(session, "weights")
    version = (session.exec(select(func.max(Weighting.version))).one() or 0) + 1
    weights = {
        "bias": learnt.weights.bias,
        "parts": {name: [weight, centre] for name, (weight, centre) in learnt.weights.parts.items()},
    }
    session.add(Weighting(version=version, created_at=now, in_use=False, weights=weights, report=learnt.report))
    session.flush()
    if learnt.better:
        use(session, version, now=now)
    return version


def use(session: Session, version: int, *, now: datetime) -> bool:
    """Score by this version from now on, 0 being what is shipped, and match all again; False where it is so already.

    Raises NotFound; Conflict where the score has had other parts since.
    """
    take_turn(session, "weights")
    if weights(session, version).parts.keys() != SHIPPED.parts.keys():
        raise Conflict(noun="weights", version=version, reason="the score had other parts")
    if version == in_use(session):
        return False
    session.execute(update(Weighting).values(in_use=col(Weighting.version) == version))
    rematching.start(session, "weights", now=now)
    return True


def in_use(session: Session) -> int:
    """The version that pairs are scored by; 0 is what is shipped."""
    return session.exec(select(Weighting.version).where(col(Weighting.in_use))).first() or 0


def versions(session: Session) -> Sequence[Weighting]:
    """All that were learnt, the newest first."""
    return session.exec(select(Weighting).order_by(col(Weighting.version).desc())).all()


def row(session: Session, version: int) -> Weighting:
    """A version that was learnt. Raises NotFound."""
    found = session.get(Weighting, version)
    if found is None:
        raise NotFound(noun="weights", version=version)
    return found


def weights(session: Session, version: int) -> Weights:
    """The weights of a version. Raises NotFound."""
    return weights_of(row(session, version)) if version else SHIPPED
