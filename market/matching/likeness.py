"""How alike the texts of demands and offers are, in words and in meaning; many at once. Arrays in, arrays out.

The constants were chosen on labelled data of both languages, and changing one by a fifth changes little;
docs/matching.md has the figures.
"""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from market.matching.features import KIND
from market.matching.signatures import Signature, Vectors
from market.matching.sparse import Bags, Rarity, Weighed, Weights

Matrix = NDArray[np.float64]
"""(demands, offers), or (demands, texts of offers)."""

# What a feature counts by its kind: words, pairs of characters, characters, stems, pairs of stems, concepts. Squares,
# as that is how they enter a scalar product.
_KINDS = np.sqrt(np.array([0.16, 0.24, 0.60, 0.70, 0.20, 0.16, 0.0, 0.0], np.float32))
_SATURATION = 1.2  # of an offer's repeated features: BM25's k1 (Robertson 1994)
_SLOPE = 0.85  # how far a long offer is held to a longer norm: pivoted normalisation (Singhal 1996), geometric
_USUAL_NORM = 20.0  # its pivot
_MEANING = 0.27  # what the same text counts by its vector alone
_ENOUGH = 5  # works that show an expert's experience; fewer show less of it
_WORK = 0.25  # what each of them counts; two and the profile count as much as an outcome
_PROFILE = 0.5  # what an expert's profile, with all works written together, counts beside them
_FEEDBACK = 3  # offers that a demand may learn words from
_LONG = 50  # features of a demand from which it has less to learn
_COPIED, _COPIED_FROM = 0.85, 40  # the cosine, and the features, from which a text is the other's copy


@dataclass(frozen=True, slots=True)
class Scale:
    """What all texts are measured by: how rare features are; which model's vectors count, and which cosine those of
    unlike texts have."""

    rarity: Rarity
    model: str = ""
    unlike: float = 0.8

    def of(self, bags: Bags) -> Weights:
        """What each feature tells."""
        told: Weights = self.rarity.of(bags.keys) * _KINDS[bags.keys & KIND]
        return told


class Side:
    """Listings of one side, ready to be compared with those of the other."""

    def __init__(self, signatures: Sequence[Signature], scale: Scale) -> None:
        """`signatures` are all demands, or all offers."""
        self.signatures = signatures
        self.scale = scale
        self.starts = np.cumsum([0, *(len(one.bags) for one in signatures)])
        bags = Bags.joined([one.bags for one in signatures])
        asks = any(one.particulars.noun == "demand" for one in signatures)
        self.weighed = Weighed(bags, (_asked if asks else _offered)(bags.counts) * scale.of(bags))

    def with_texts(self, weighed: Weighed, vectors: Vectors | None) -> Side:
        """The same listings with other texts."""
        side = copy(self)
        side.weighed = weighed
        for derived in ("singly", "vectors"):
            side.__dict__.pop(derived, None)
        side.__dict__["vectors"] = vectors
        return side

    def __len__(self) -> int:
        return len(self.signatures)

    @property
    def texts(self) -> int:
        return int(self.starts[-1])

    @cached_property
    def owner(self) -> NDArray[np.intp]:
        """For each text the place of its listing."""
        return np.repeat(np.arange(len(self)), np.diff(self.starts))

    @cached_property
    def singly(self) -> list[Weighed]:
        """Each text on its own."""
        return [self.weighed.one(index) for index in range(self.texts)]

    @cached_property
    def vectors(self) -> Vectors | None:
        """A row for each text, of zeros where it has none; None where nobody has any."""
        known = [one.vectors if one.model == self.scale.model else None for one in self.signatures]
        width = next((one.shape[1] for one in known if one is not None), 0)
        if not width:
            return None
        rows = np.zeros((self.texts, width), np.float32)
        for start, one in zip(self.starts, known, strict=False):
            if one is not None:
                rows[start : start + len(one)] = one
        return rows


def _asked(counts: Weights) -> Weights:
    return np.sqrt(counts)


def _offered(counts: Weights) -> Weights:
    return counts * np.float32(_SATURATION + 1) / (counts + np.float32(_SATURATION))


@dataclass(frozen=True, slots=True)
class Likeness:
    """Of each demand with each offer: how alike in words; how near in meaning, NaN where that is not known of both;
    and which of the offer's texts is the nearest, its own being 0. Both count alike, and 0 is no likeness at all."""

    words: Matrix
    meaning: Matrix
    best: NDArray[np.intp]


def compare(demands: Side, offers: Side) -> Likeness:
    """Compare every demand with every offer. Quick where one side is a single listing."""
    words, meaning = _likeness(demands, offers), _nearness(demands, offers)
    proofless = copies(words, demands, offers) & (np.diff(offers.starts)[offers.owner] > 1)
    if proofless.any():
        first = offers.starts[:-1]  # a work that is the demand itself shows nothing, nor does what holds it
        proofless[:, first] |= np.logical_or.reduceat(proofless, first, axis=1)
        words[proofless] *= 0.0
        meaning[proofless] *= 0.0  # what is not known stays so
    best = _best(words + np.nan_to_num(meaning), offers)
    return Likeness(_of_offers(words, offers, _PROFILE), _of_offers(meaning, offers, 0.0), best)


def widened(demand: Side, offers: Side, alike: Likeness) -> Side:
    """One demand, with what the three nearest offers say mixed in: a few words rarely name all that they mean.

    Pseudo-relevance feedback (Rocchio 1971); the share falls with the demand's features, for long texts say it all.
    """
    total = (np.nan_to_num(alike.words) + np.nan_to_num(alike.meaning))[0]
    nearest = np.argsort(-total, kind="stable")[:_FEEDBACK]
    nearest = nearest[total[nearest] > 0]
    if not len(nearest):
        return demand
    own, amounts = demand.weighed, total[nearest]
    texts = offers.starts[nearest] + alike.best[0, nearest]
    told = _summed(
        [(offers.weighed.one(int(text)), float(amount)) for text, amount in zip(texts, amounts, strict=True)]
    )
    share = 0.5 * _LONG / (_LONG + len(own.weights))
    mixed = _summed([(own, 1 - share), (told, share)])
    return demand.with_texts(mixed, _mixed_vectors(demand.vectors, offers.vectors, texts, amounts, share))


def _summed(parts: Sequence[tuple[Weighed, float]]) -> Weighed:
    """One text: the sum of texts, each brought to length 1 and multiplied."""
    keys, places = np.unique(np.concatenate([one.bags.keys for one, _ in parts]), return_inverse=True)
    weights = np.concatenate([one.weights * (amount / max(one.norms[0], 1e-9)) for one, amount in parts])
    together = np.bincount(places, weights, len(keys)).astype(np.float32)
    return Weighed(Bags(keys, np.ones_like(together), np.array([0, len(keys)])), together)


def _mixed_vectors(
    own: Vectors | None, theirs: Vectors | None, texts: NDArray[np.intp], amounts: NDArray[np.float64], share: float
) -> Vectors | None:
    if own is None or theirs is None or not own.any() or not theirs[texts].any():
        return own
    mixed = (1 - share) * own[0] + share * (amounts @ theirs[texts]) / amounts.sum()
    return np.asarray(mixed / np.linalg.norm(mixed), np.float32)[None, :]


def _likeness(demands: Side, offers: Side) -> Matrix:
    """The scalar product of each demand's features with those of each text that is offered, by the norms of both."""
    if demands.texts <= offers.texts:
        products = np.array([offers.weighed.products(one) for one in demands.singly])
    else:
        products = np.array([demands.weighed.products(one) for one in offers.singly]).T
    products = products.reshape(demands.texts, offers.texts)
    norms = np.outer(demands.weighed.norms, offers.weighed.norms**_SLOPE * _USUAL_NORM ** (1 - _SLOPE))
    likeness: Matrix = np.divide(products, norms, out=np.zeros_like(products), where=norms > 0)
    return likeness


def copied(demands: Side, offers: Side) -> NDArray[np.bool_]:
    """Which texts of offers are which demand's, word for word."""
    return copies(_likeness(demands, offers), demands, offers)


def copies(likeness: Matrix, demands: Side, offers: Side) -> NDArray[np.bool_]:
    """Which texts are a demand's, word for word; short ones may be so by chance."""
    cosines = likeness * (_USUAL_NORM / np.maximum(offers.weighed.norms, 1e-9)) ** (1 - _SLOPE)
    long = np.diff(demands.weighed.bags.starts) >= _COPIED_FROM
    return (cosines > _COPIED) & long[:, None]


def _nearness(demands: Side, offers: Side) -> Matrix:
    """How much nearer the vectors are than those of unlike texts; NaN where one is missing."""
    if demands.vectors is None or offers.vectors is None:
        return np.full((demands.texts, offers.texts), np.nan)
    unlike = demands.scale.unlike - 0.6 * (1 - demands.scale.unlike)
    # In double precision a pair's figure does not depend on who else is compared.
    cosines = np.matmul(demands.vectors, offers.vectors.T, dtype=np.float64)
    nearness: Matrix = _MEANING * np.maximum(0.0, (cosines - unlike) / (1 - unlike))
    nearness[np.logical_or.outer(~demands.vectors.any(axis=1), ~offers.vectors.any(axis=1))] = np.nan
    return nearness


def _of_offers(texts: Matrix, offers: Side, profile: float) -> Matrix:
    """One figure for each offer: that of its only text; or, of an expert, a quarter of that of each of the five
    nearest works, and half of the profile's. NaN where none of the texts is known."""
    figures = texts[:, offers.starts[:-1]]
    for place, signature in enumerate(offers.signatures):
        if signature.particulars.noun != "expert":
            continue
        start, end = offers.starts[place : place + 2]
        own, works = texts[:, start], texts[:, start + 1 : end]
        if not works.size:
            figures[:, place] = own * (_WORK + _PROFILE)  # as if it were a work too
            continue
        known = ~np.isnan(works).all(axis=1)
        nearest = np.sort(np.nan_to_num(works), axis=1)[:, -_ENOUGH:]
        together = nearest.sum(axis=1) * _WORK + profile * np.nan_to_num(own)
        figures[:, place] = np.where(known, together, np.nan)
    return figures


def _best(texts: Matrix, offers: Side) -> NDArray[np.intp]:
    if offers.texts == len(offers):
        return np.zeros(texts.shape, np.intp)
    bounds = list(zip(offers.starts[:-1], offers.starts[1:], strict=True))
    return np.array([[_nearest(row[low:high]) for low, high in bounds] for row in texts], np.intp)


def _nearest(texts: NDArray[np.float64]) -> int:
    """The place of the nearest work; 0 where there is none."""
    return int(np.argmax(texts[1:])) + 1 if texts[1:].any() else 0
