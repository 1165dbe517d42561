"""Learns the weights of the pair score from pairs that were judged. Pure: nothing is read or stored.

Logistic regression (Cox 1958) in the score's own form, fitted by Newton's method (McCullagh & Nelder 1989, 4.4) and
pulled towards the present weights. Libraries pull towards zero and take no offset, so the forty lines stand here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from market.matching.score import Score
from market.matching.weights import Weights

Vector = NDArray[np.float64]
Matrix = NDArray[np.float64]
Places = NDArray[np.intp]

PRIOR = 20.0
"""The present weights count as the evidence of so many demands, and more: little feedback changes little."""

_SHOWN_AS = {"words": "texts", "meaning": "texts"}  # reasons that share a weight are one part here

_MOST = 10.0  # a demand counts for no more than so many pairs: a long list does not outvote many short ones
_KNOWN = 30  # judged pairs that must know a part before its weight is learnt
_ALIKE = 1e-3  # a part that differs by less between pairs tells them apart as little as the bias does
_FREE = 1e-3  # how firmly a source's own bias is held to the score's: hardly
_EXACT = 1e-8
_BINS = 10
_FOLDS = 5


@dataclass(frozen=True, slots=True)
class Judged:
    """A pair, and what was said of it.

    `group` is whose ranking it stands in, a demand; `features` is what `features_of` its score. `label` is how far it
    fits, from 0 to 1, and `weight` how much that counts; `grade` orders the pairs of a group, whatever its scale.
    `about` names the parts that somebody gave as the reason why it does not fit. `shown`: as many of its source's
    pairs fit as of those that people are shown.
    """

    source: str
    group: str
    features: Mapping[str, float]
    label: float
    grade: float
    weight: float = 1.0
    about: tuple[str, ...] = ()
    shown: bool = True


def features_of(found: Score) -> dict[str, float]:
    """By what each weight is multiplied in this score: the part less its centre. What is not known has none."""
    features: dict[str, float] = {}
    for part in found.parts:
        name = _SHOWN_AS.get(part.name, part.name)
        features[name] = features.get(name, 0.0) + part.score - part.centre
    return features


@dataclass(frozen=True, eq=False)
class Evidence:
    """Judged pairs as arrays. A row is a pair, a column of `features` a part's score less its centre."""

    names: tuple[str, ...]
    features: Matrix  # 0 where a part is not known
    known: NDArray[np.bool_]
    about: NDArray[np.bool_]
    labels: Vector
    grades: Vector
    weights: Vector
    groups: Places
    sources: Places
    source_names: tuple[str, ...]

    @classmethod
    def of(cls, judged: Sequence[Judged], present: Weights) -> Evidence:
        """The arrays of these pairs, a column for each part that has a weight."""
        names = tuple(present.parts)
        features = np.array([[one.features.get(name, np.nan) for name in names] for one in judged], float)
        features = features.reshape(len(judged), len(names))
        groups = _places((one.source, one.group) for one in judged)
        sources = sorted({one.source for one in judged})
        weights = np.array([one.weight for one in judged], float)
        totals = np.bincount(groups, weights)
        return cls(
            names=names,
            features=np.nan_to_num(features),
            known=~np.isnan(features),
            about=np.array([[name in one.about for name in names] for one in judged], bool).reshape(features.shape),
            labels=np.array([one.label for one in judged], float),
            grades=np.array([one.grade for one in judged], float),
            weights=weights * np.minimum(1, _MOST / np.maximum(totals, _EXACT))[groups],
            groups=groups,
            sources=np.array([sources.index(one.source) for one in judged], np.intp),
            source_names=tuple(sources),
        )

    @cached_property
    def fits(self) -> NDArray[np.bool_]:
        """Which pairs rather fit than not."""
        return self.labels >= 0.5

    @cached_property
    def two_sided(self) -> int:
        """How many groups have pairs that fit and pairs that do not."""
        return len({*self.groups[self.fits].tolist()} & {*self.groups[~self.fits].tolist()})

    def only(self, which: NDArray[np.bool_]) -> Evidence:
        """Those pairs alone; groups and sources keep their places."""
        rows = ("features", "known", "about", "labels", "grades", "weights", "groups", "sources")
        return replace(self, **{name: getattr(self, name)[which] for name in rows})

    def kept(self) -> dict[str, str]:
        """The parts whose weight these pairs cannot tell, each with the reason."""
        reasons = ((name, self._untold(place)) for place, name in enumerate(self.names))
        return {name: reason for name, reason in reasons if reason}

    def _untold(self, place: int) -> str:
        known = self.known[:, place]
        fit = self.fits[known]
        if known.sum() < _KNOWN:
            return f"known of {known.sum()} pairs, {_KNOWN} are needed"
        if fit.all() or not fit.any():
            return "all pairs that know it have the same label"
        if self.features[known, place].std() < _ALIKE:
            return "the same in all pairs"
        return ""


@dataclass(frozen=True, slots=True)
class Fit:
    """Weights, and the bias of each source, in the order of the evidence's sources."""

    weights: Weights
    biases: Vector

    def odds(self, evidence: Evidence) -> Vector:
        """The log-odds of pairs, each with its source's bias."""
        return self.biases[evidence.sources] + evidence.features @ _of_parts(self.weights, evidence.names)


def fit(evidence: Evidence, present: Weights, *, reference: str) -> Fit:
    """The weights that say most about the evidence, near the present ones and never negative.

    Of sources other than `reference` each has a bias of its own, for how many of a set's pairs fit says how the set
    was made. An empty `reference`: none tells how many of the shown pairs fit, and their mean stays as predicted.
    """
    kept = evidence.kept()
    free = {name for name in evidence.names if name not in kept}
    pull = present
    while True:
        fitted = _fitted(evidence, pull, reference, free, anchored=False)
        least = min(free, key=lambda name: fitted.weights.parts[name][0], default="")
        if not least or fitted.weights.parts[least][0] >= 0:
            break
        # A part that seems to speak against a fit is left out, the worst first: others may have pushed it there.
        pull = _with(pull, {least: 0.0})
        free -= {least}
    if reference:
        return fitted
    return replace(fitted, weights=replace(fitted.weights, bias=_same_mean(evidence, present, fitted.weights)))


def unchanged(evidence: Evidence, present: Weights, *, reference: str) -> Fit:
    """The present weights, with what `fit` too gives each source but `reference`: a bias of its own."""
    return _fitted(evidence, present, reference, set(), anchored=True)


def _fitted(evidence: Evidence, present: Weights, reference: str, free: set[str], *, anchored: bool) -> Fit:
    """Fit the free parts and the biases; that of `reference`, which becomes the score's, not where it is anchored."""
    sources = np.array([name == reference for name in evidence.source_names])
    columns = np.hstack([np.eye(len(sources))[evidence.sources], evidence.features])
    mean = np.concatenate([np.full(len(sources), present.bias), _of_parts(present, evidence.names)])
    precision = _precision(evidence, columns)
    precision[: len(sources)][~sources] = _FREE
    chosen = np.concatenate([~(sources & anchored), [name in free for name in evidence.names]]).astype(bool)
    rows, labels, weights, offset = _observations(evidence, columns, mean)
    offset += rows[:, ~chosen] @ mean[~chosen]
    found = mean.copy()
    found[chosen] = _newton(rows[:, chosen], labels, weights, offset, mean[chosen], precision[chosen])
    biases, parts = np.split(found, [len(sources)])
    learnt = _with(present, dict(zip(evidence.names, parts.tolist(), strict=True)))
    return Fit(replace(learnt, bias=float(biases[sources][0]) if sources.any() else present.bias), biases)


def _precision(evidence: Evidence, columns: Matrix) -> Vector:
    """How firmly each figure is held: as by `PRIOR` demands that tell of it as much as the evidence's do.

    A quarter is the most that a pair tells (Böhning 1992), and the present weights must not matter here.
    """
    told = evidence.weights @ columns**2 / 4
    demands = [len(np.unique(evidence.groups[column != 0])) for column in columns.T]
    held: Vector = PRIOR * told / np.maximum(demands, 1) + _EXACT
    return held


def _observations(evidence: Evidence, columns: Matrix, mean: Vector) -> tuple[Matrix, Vector, Vector, Vector]:
    """Rows, labels, weights and offsets: each pair; and each that did not fit for a reason once more, with all but
    what was named held as it is, so that only that can answer for it."""
    sources = columns.shape[1] - len(evidence.names)
    named = evidence.about & evidence.known
    again = named.any(axis=1)
    answering = np.hstack([np.zeros((int(again.sum()), sources), bool), named[again]])
    rest = np.where(answering, 0.0, columns[again]) @ mean
    share = np.minimum(1, evidence.weights[again] * 2)  # a capped demand's reasons are capped with it
    return (
        np.vstack([columns, np.where(answering, columns[again], 0.0)]),
        np.concatenate([evidence.labels, np.zeros(len(rest))]),
        np.concatenate([evidence.weights, share]),
        np.concatenate([np.zeros(len(evidence.labels)), rest]),
    )


def _newton(rows: Matrix, labels: Vector, weights: Vector, offset: Vector, mean: Vector, precision: Vector) -> Vector:
    """Where log loss and pull are least together. Both are convex; halved steps make it sure."""

    def loss(at: Vector) -> float:
        odds = offset + rows @ at
        return float(weights @ (np.logaddexp(0, odds) - labels * odds) + precision @ (at - mean) ** 2 / 2)

    at, present = mean.copy(), loss(mean)
    for _ in range(100):
        chance = chance_of(offset + rows @ at)
        slope = rows.T @ (weights * (chance - labels)) + precision * (at - mean)
        bend = (rows.T * (weights * chance * (1 - chance))) @ rows + np.diag(precision)
        step = np.linalg.solve(bend, slope)
        while loss(at - step) > present and np.abs(step).max(initial=0) > _EXACT:
            step /= 2
        at, present = at - step, min(present, loss(at - step))
        if np.abs(step).max(initial=0) < _EXACT:
            break
    return at


def _same_mean(evidence: Evidence, present: Weights, learnt: Weights) -> float:
    """The bias with which as many pairs are expected to fit as by the present weights; by halving."""
    before, after = (evidence.features @ _of_parts(one, evidence.names) for one in (present, learnt))
    wanted = evidence.weights @ chance_of(present.bias + before)
    low, high = -50.0, 50.0
    for _ in range(60):
        middle = (low + high) / 2
        under = evidence.weights @ chance_of(middle + after) < wanted
        low, high = (middle, high) if under else (low, middle)
    return (low + high) / 2


def _with(weights: Weights, changed: Mapping[str, float]) -> Weights:
    return replace(weights, parts={name: (changed.get(name, w), c) for name, (w, c) in weights.parts.items()})


def _of_parts(weights: Weights, names: Iterable[str]) -> Vector:
    return np.array([weights.parts[name][0] for name in names])


def chance_of(odds: Vector) -> Vector:
    chance: Vector = (1 + np.tanh(odds / 2)) / 2
    return chance


def _places(keys: Iterable[tuple[str, str]]) -> Places:
    places: dict[tuple[str, str], int] = {}
    return np.array([places.setdefault(key, len(places)) for key in keys], np.intp)


class Trial:
    """How well log-odds tell held-back pairs apart, group by group, so that groups can be drawn again."""

    def __init__(self, evidence: Evidence, odds: Vector) -> None:
        chance = chance_of(odds)
        self.groups = int(evidence.groups.max()) + 1
        losses = np.logaddexp(0, odds) - evidence.labels * odds
        self._weight = self._sums(evidence.groups, evidence.weights)
        self._loss = self._sums(evidence.groups, evidence.weights * losses)
        self._right, self._gain = np.array(
            [_order(evidence.grades[mine], odds[mine]) for mine in self._members(evidence.groups)]
        ).T
        bins = evidence.groups * _BINS + np.minimum((chance * _BINS).astype(int), _BINS - 1)
        weights = evidence.weights
        figures = (np.ones_like(odds), weights, weights * chance, weights * evidence.labels)
        self._bins = [np.bincount(bins, one, self.groups * _BINS).reshape(-1, _BINS) for one in figures]

    def _sums(self, groups: Places, figures: Vector) -> Vector:
        return np.bincount(groups, figures, self.groups).astype(np.float64)

    def _members(self, groups: Places) -> list[Places]:
        ends = np.cumsum(np.bincount(groups, minlength=self.groups))[:-1]
        return [part.astype(np.intp) for part in np.split(np.argsort(groups, kind="stable"), ends)]

    def figures(self, draws: Matrix | None = None) -> dict[str, Vector]:
        """Each figure for each row of `draws`, which says how often each group counts; without it, once.

        Log loss; the share of a group's pairs of unlike grades that are in order, and nDCG@10, each a mean over
        groups; and the expected calibration error in ten bins (Guo et al. 2017).
        """
        counts = np.ones((1, self.groups)) if draws is None else draws
        _, weight, chance, label = (counts @ one for one in self._bins)
        return {
            "log_loss": (counts @ self._loss) / (counts @ self._weight),
            "pair_accuracy": _mean(self._right, counts),
            "ndcg@10": _mean(self._gain, counts),
            "calibration_error": np.abs(chance - label).sum(axis=1) / weight.sum(axis=1),
        }

    def calibration(self) -> list[dict[str, float]]:
        """What was predicted and what was observed in each bin that has pairs."""
        pairs, weight, chance, label = (one.sum(axis=0) for one in self._bins)
        return [
            {
                "from": place / _BINS,
                "pairs": int(pairs[place]),
                "predicted": round(float(chance[place] / weight[place]), 4),
                "observed": round(float(label[place] / weight[place]), 4),
            }
            for place in np.flatnonzero(weight).tolist()
        ]


def held_back(evidence: Evidence, present: Weights, *, reference: str, seed: int) -> tuple[Vector, Vector]:
    """The log-odds of each pair by the present weights, and by weights learnt from the other groups: five folds."""
    groups = np.unique(evidence.groups)
    fold_of = np.zeros(int(groups.max()) + 1, np.intp)
    fold_of[np.random.default_rng(seed).permutation(groups)] = np.arange(len(groups)) % _FOLDS
    old, new = np.zeros_like(evidence.labels), np.zeros_like(evidence.labels)
    for fold in range(_FOLDS):
        held = fold_of[evidence.groups] == fold
        rest, asked = evidence.only(~held), evidence.only(held)
        old[held] = unchanged(rest, present, reference=reference).odds(asked)
        new[held] = fit(rest, present, reference=reference).odds(asked)
    return old, new


def _order(grades: Vector, odds: Vector) -> tuple[float, float]:
    """The share of pairs in order, ties counting half, and nDCG@10 (Burges 2005); NaN where nothing is to be put in
    order."""
    higher = grades[:, None] > grades[None, :]
    if not higher.any():
        return np.nan, np.nan
    right = (odds[:, None] > odds[None, :]) + 0.5 * (odds[:, None] == odds[None, :])
    gains = 2**grades - 1
    discounts = 1 / np.log2(np.arange(2, 2 + min(len(grades), 10)))
    found = gains[np.argsort(-odds, kind="stable")[:10]] @ discounts
    best = np.sort(gains)[::-1][:10] @ discounts
    return float(right[higher].mean()), float(found / best)


def _mean(figures: Vector, counts: Matrix) -> Vector:
    """The mean over the groups that have the figure, each as often as it counts."""
    there = ~np.isnan(figures)
    total = counts @ there.astype(float)
    mean: Vector = np.divide(counts @ np.nan_to_num(figures), total, out=np.zeros(len(counts)), where=total > 0)
    return mean
