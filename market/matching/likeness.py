"""How alike the texts of demands and offers are, in words and in meaning; many at once. Arrays in, arrays out.

The constants were chosen on labelled data of both languages, and changing one by a fifth changes little;
docs/matching.md has the figures.
"""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from market.matching.features import KIND
from market.matching.signatures import Signature, Vectors
from market.matching.sparse import Keys, Rarity, Weights
from market.matching.weighed import Weighed, norms_of

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
_SUPPORTING = 3  # offers that tell what a few words may mean
_LONG = 50  # features of a demand of which half as much is left to tell
_SURE = 5  # features of a demand whose vector is half as sure as that of a long text
_COPIED, _COPIED_FROM = 0.85, 40  # the cosine, and the features, from which a text is the other's copy


@dataclass(frozen=True, slots=True)
class Scale:
    """What all texts are measured by: how rare features are; which model's vectors count, and which cosine those of
    unlike texts have."""

    rarity: Rarity
    model: str = ""
    unlike: float = 0.8

    def of(self, keys: Keys) -> Weights:
        """What each feature tells."""
        told: Weights = self.rarity.of(keys) * _KINDS[keys & KIND]
        return told


@dataclass(frozen=True, slots=True, eq=False)
class Ready:
    """A listing whose texts have been weighed."""

    signature: Signature
    weighed: Weighed

    @classmethod
    def by(cls, scale: Scale, signatures: Sequence[Signature]) -> list[Ready]:
        """Each weighed by a scale, all in one go: a few calls for many short texts."""
        if not signatures:
            return []
        bags = [one.bags for one in signatures]
        sizes = [len(one.keys) for one in bags]
        counts = np.concatenate([one.counts for one in bags])
        asks = np.repeat([one.particulars.noun == "demand" for one in signatures], sizes)
        told = scale.of(np.concatenate([one.keys for one in bags]))
        weights = np.where(asks, _asked(counts), _offered(counts)) * told
        norms = norms_of(weights, np.concatenate([np.diff(one.starts) for one in bags]))
        # Copies, or each would keep the arrays of all.
        pieces = zip(
            signatures,
            np.split(weights, np.cumsum(sizes)[:-1]),
            np.split(norms, np.cumsum([len(one) for one in bags])[:-1]),
            strict=True,
        )
        return [
            cls(one, Weighed(one.bags.keys, weight.copy(), one.bags.starts, norm.copy()))
            for one, weight, norm in pieces
        ]


class Side:
    """Listings of one side, to be compared with those of the other."""

    def __init__(self, listings: Sequence[Ready], scale: Scale) -> None:
        """`listings` are all demands, or all offers, weighed by this scale."""
        self.signatures = [one.signature for one in listings]
        self.scale = scale
        self.starts = np.cumsum([0, *(len(one.weighed) for one in listings)])
        self.weighed = Weighed.joined([one.weighed for one in listings])

    def with_texts(self, weighed: Weighed, vectors: Vectors | None) -> Side:
        """The same listings with other texts."""
        side = copy(self)
        side.weighed = weighed
        side.__dict__.pop("singly", None)
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
    def works(self) -> NDArray[np.intp]:
        """How many texts each listing has beside its own."""
        return np.diff(self.starts) - 1

    @cached_property
    def are_experts(self) -> NDArray[np.bool_]:
        """Which of the listings are experts."""
        return np.array([one.particulars.noun == "expert" for one in self.signatures], np.bool_)

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
    which of the offer's texts is the nearest, its own being 0; and whether its own is the demand's, word for word.
    Words and meaning count alike, and 0 is no likeness at all."""

    words: Matrix
    meaning: Matrix
    best: NDArray[np.intp]
    copied: NDArray[np.bool_]


def compare(demands: Side, offers: Side) -> Likeness:
    """Compare every demand with every offer. Quick where one side is a single listing."""
    words, meaning = _likeness(demands, offers), _nearness(demands, offers)
    copies = _copies(words, demands, offers)
    first = offers.starts[:-1]
    copied = copies[:, first]
    proofless = copies & (offers.works > 0)[offers.owner]
    if proofless.any():  # a work that is the demand itself shows nothing, nor does what holds it
        proofless[:, first] |= np.logical_or.reduceat(proofless, first, axis=1)
        words[proofless] *= 0.0
        meaning[proofless] *= 0.0  # what is not known stays so
    best = _best(words + np.nan_to_num(meaning), offers)
    return Likeness(_of_offers(words, offers, _PROFILE), _of_offers(meaning, offers, 0.0), best, copied)


def supported(demand: Side, offers: Side, alike: Likeness) -> Likeness:
    """The likeness of one demand, supported by the three offers nearest to it: an offer that is like these, too, is
    likelier to be meant, for few words rarely name all that they mean.

    (own + share x support) / (1 + share): the support is the nearest offers' own likeness times how alike they are to
    the offer. Pseudo-relevance feedback (Rocchio 1971), but what is like nothing stays so. The share falls with the
    demand's features, for long texts say it all.
    """
    total = (np.nan_to_num(alike.words) + np.nan_to_num(alike.meaning))[0]
    nearest = np.argsort(-total, kind="stable")[:_SUPPORTING]
    share = _LONG / (_LONG + len(demand.weighed.keys))
    words, meaning = alike.words.copy(), alike.meaning.copy()
    for place in nearest[total[nearest] > 0]:
        text = int(offers.starts[place] + alike.best[0, place])
        vectors = None if offers.vectors is None else offers.vectors[text : text + 1]
        one = demand.with_texts(offers.weighed.one(text), vectors)
        amount = share * total[place]
        words += amount * _of_offers(_likeness(one, offers), offers, _PROFILE)
        meaning += amount * np.nan_to_num(_of_offers(_nearness(one, offers), offers, 0.0))
    return replace(alike, words=words / (1 + share), meaning=meaning / (1 + share))


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


def _copies(likeness: Matrix, demands: Side, offers: Side) -> NDArray[np.bool_]:
    """Which texts are a demand's, word for word; short ones may be so by chance."""
    cosines = likeness * (_USUAL_NORM / np.maximum(offers.weighed.norms, 1e-9)) ** (1 - _SLOPE)
    long = np.diff(demands.weighed.starts) >= _COPIED_FROM
    return (cosines > _COPIED) & long[:, None]


def _nearness(demands: Side, offers: Side) -> Matrix:
    """How much nearer the vectors are than those of unlike texts; NaN where one is missing."""
    if demands.vectors is None or offers.vectors is None:
        return np.full((demands.texts, offers.texts), np.nan)
    unlike = demands.scale.unlike - 0.6 * (1 - demands.scale.unlike)
    # In double precision a pair's figure does not depend on who else is compared.
    cosines = np.matmul(demands.vectors, offers.vectors.T, dtype=np.float64)
    nearness: Matrix = _MEANING * np.maximum(0.0, (cosines - unlike) / (1 - unlike))
    features = np.diff(demands.weighed.starts)
    nearness *= (features / (features + _SURE))[:, None]  # the vector of a word or two lies anywhere
    nearness[np.logical_or.outer(~demands.vectors.any(axis=1), ~offers.vectors.any(axis=1))] = np.nan
    return nearness


def _of_offers(texts: Matrix, offers: Side, profile: float) -> Matrix:
    """One figure for each offer: that of its only text; or, of an expert, a quarter of that of each of the five
    nearest works, and half of the profile's. NaN where none of the texts is known."""
    figures = texts[:, offers.starts[:-1]]
    alone = offers.are_experts & (offers.works == 0)
    figures[:, alone] *= _WORK + _PROFILE  # as if it were a work too
    several = offers.are_experts & (offers.works > 0)
    if several.any():
        works = _works(texts, offers, several)
        unknown = np.isnan(works)
        works[unknown] = 0.0
        nearest = np.sort(works, axis=2)[:, :, -_ENOUGH:]
        together = nearest.sum(axis=2) * _WORK + profile * np.nan_to_num(figures[:, several])
        figures[:, several] = np.where(unknown.all(axis=2), np.nan, together)
    return figures


def _best(texts: Matrix, offers: Side) -> NDArray[np.intp]:
    """The place of each offer's nearest work; 0 where none is alike."""
    best = np.zeros((len(texts), len(offers)), np.intp)
    several = offers.works > 0
    if several.any():
        works = np.nan_to_num(_works(texts, offers, several))
        best[:, several] = np.where(works.any(axis=2), np.argmax(works, axis=2) + 1, 0)
    return best


def _works(texts: Matrix, offers: Side, some: NDArray[np.bool_]) -> NDArray[np.float64]:
    """What is known of the works of some offers: (demands, these offers, works), NaN behind the last of each."""
    counts = offers.works[some]
    place = np.arange(counts.max())
    columns = np.minimum(offers.starts[:-1][some][:, None] + 1 + place, offers.texts - 1)
    return np.where(place < counts[:, None], texts[:, columns], np.nan)
