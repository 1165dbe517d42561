"""Finds what fits a listing: candidates of the other side, then the pair score. Writes nothing."""

from __future__ import annotations

import heapq
import math
import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import structlog
from sqlmodel import Session, col, select

from market.errors import Unavailable
from market.matching import likeness
from market.matching.evidence import Asked
from market.matching.likeness import Ready, Side
from market.matching.score import Scales, Score, Texts, Weighing, text_odds
from market.matching.signatures import Particulars, Signature, signature_of
from market.models import LISTINGS, Listing, Match
from market.services.listings import listings
from market.services.matching import candidates, signing
from market.services.matching.remembering import Signatures
from market.services.matching.scoring import Scoring
from market.services.rights.access import Principal
from market.services.search.indexing import Reference
from search.embedding import BadVectors, Embedder, EmbedderUnavailable
from search.engine import Engine, EngineUnavailable

log = structlog.get_logger()

_HARDLY = 0.05  # a likeness in words that chance may make

OFFERS = ("outcome", "expert")

MOST = 100
"""Pairs of each kind that one listing's run may find anew: more would only bury the best."""


@dataclass(frozen=True, slots=True)
class Pair:
    """A demand, an offer, and how well they fit; `copied`: the offer's own text is the demand's, word for word.

    `demand` and `offer` are the scores that these sides may see: each by all of its own texts and what the other
    shows to everybody. None where that is too little.
    """

    demand_id: uuid.UUID
    offer_noun: str
    offer_id: uuid.UUID
    demand: Score | None
    offer: Score | None
    copied: bool = False

    @property
    def score(self) -> Score:
        """The better of the two; the only one where nothing is protected."""
        return max((one for one in (self.demand, self.offer) if one is not None), key=lambda one: one.odds)


@dataclass(frozen=True, slots=True)
class _Others:
    """Listings of one kind: their ids, all their texts, and those that everybody may read (perhaps the same)."""

    ids: list[uuid.UUID]
    whole: Side
    public: Side

    def protected(self) -> list[int]:
        """The places of those that keep something to themselves."""
        return [place for place, one in enumerate(self.whole.signatures) if one.public is not None]


@dataclass(frozen=True, slots=True)
class Fitting:
    """What fits a listing, and the other side of each match that held when this was found out."""

    pairs: list[Pair]
    partners: frozenset[uuid.UUID]


class Finder:
    """Pairs for many listings in one go; keeps signatures, so that none is asked for twice."""

    def __init__(
        self, session: Session, engine: Engine, scoring: Scoring, signatures: Signatures, *, candidates: int
    ) -> None:
        """`candidates`: how many of a kind are looked at where not all are."""
        self.session = session
        self.engine = engine
        self.scoring = scoring
        self.candidates = candidates
        self._known = signatures
        self._listings: dict[uuid.UUID, Ready | None] = {}
        self._partners: dict[Reference, dict[str, set[uuid.UUID]]] = {}
        self._all: dict[str, _Others | None] = {}

    def read_ahead(self, references: Iterable[Reference]) -> None:
        """Read what `pairs` will need of many listings, in a few queries instead of a few for each."""
        unknown = [reference for reference in references if reference not in self._partners]
        self._fetch([identity for _, identity in unknown])
        self._partners.update({reference: {} for reference in unknown})
        for noun in {noun for noun, _ in unknown}:
            mine = [identity for one, identity in unknown if one == noun]
            held = select(Match.demand_id, Match.outcome_id, Match.expert_id).where(col(Match.active))
            for demand_id, outcome_id, expert_id in self.session.execute(
                held.where(col(getattr(Match, f"{noun}_id")).in_(mine))
            ):
                offer, offer_id = ("outcome", outcome_id) if outcome_id else ("expert", expert_id)
                if noun == "demand":
                    self._partners[noun, demand_id].setdefault(offer, set()).add(offer_id)
                else:
                    self._partners[noun, offer_id].setdefault("demand", set()).add(demand_id)

    def pairs(self, noun: str, identity: uuid.UUID, *, least: float, most: int = MOST) -> Fitting:
        """What fits a stored listing at `least` or better, best first, up to `most` of each kind and as many as were
        matched before; nothing when it has no signature.

        Pairs matched before are scored again even where no road would bring them up.
        """
        self.read_ahead([(noun, identity)])
        mine, partners = self._listings[identity], self._partners[noun, identity]
        kinds = OFFERS if noun == "demand" else ("demand",)
        odds = math.log(least / (1 - least)) if least > 0 else -math.inf
        found: list[Pair] = []
        if mine is not None:
            for kind in kinds:
                theirs = partners.get(kind, set())
                found += self._fitting(identity, mine, kind, theirs, odds, most + len(theirs))
        return Fitting(_best_first(found), frozenset().union(*partners.values()))

    def pairs_of_text(self, signature: Signature, sought: str, *, most: int) -> list[Pair]:
        """The best pairs of a text that is asked with, whether it is stored or not: `sought` is the kind of the other
        side. A text of few words is supported by what the nearest offers say.

        Whoever asks can ask as often as they like with other words: so protected texts have no part in it.
        """
        others = self._others(signature, sought, set())
        if not others.ids or not len(signature.bags.keys):
            return []
        [mine] = Ready.by(self.scoring.scale, [signature])
        found = self._scored(uuid.UUID(int=0), mine, sought, others.ids, others.public, -math.inf, most, typed=True)
        return _best_first(found)

    def signature(self, identity: uuid.UUID) -> Signature | None:
        """That of a stored listing; None where it has none."""
        self._fetch([identity])
        listing = self._listings[identity]
        return None if listing is None else listing.signature

    def scores(self, demand_id: uuid.UUID, kind: str, offers: Sequence[uuid.UUID]) -> list[Pair]:
        """The pair scores of a stored demand with these offers, best first."""
        self._fetch([demand_id, *offers])
        mine = self._listings[demand_id]
        known = [offer for offer in offers if self._listings[offer] is not None]
        if mine is None or not known:
            return []
        return _best_first(self._scored(demand_id, mine, kind, known, self._side(known), -math.inf, len(known)))

    def _fitting(
        self, identity: uuid.UUID, mine: Ready, kind: str, partners: set[uuid.UUID], least: float, most: int
    ) -> list[Pair]:
        """What fits by what this side knows, and what by what the other sides know."""
        others = self._others(mine.signature, kind, partners)
        if not others.ids:
            return []
        ours = self._scored(identity, mine, kind, others.ids, others.public, least, most)
        if mine.signature.public is None:
            ids = [others.ids[place] for place in others.protected()]
            theirs = self._scored(identity, mine, kind, ids, self._side(ids), least, most) if ids else []
        else:
            ids, [shown] = others.ids, Ready.by(self.scoring.scale, [mine.signature.in_public()])
            theirs = self._scored(identity, shown, kind, ids, others.whole, least, most)
        return _by_both(kind, ours, theirs, frozenset(ids))

    def _others(self, mine: Signature, kind: str, partners: set[uuid.UUID]) -> _Others:
        everyone = self._everyone(kind)
        if everyone is not None and (not partners or partners.issubset(everyone.ids)):
            return everyone
        found = (
            everyone.ids
            if everyone is not None
            else candidates.by_roads(self.engine, mine, kind, self.scoring.scale.rarity, most=self.candidates)
        )
        return self._known_of([*dict.fromkeys([*found, *sorted(partners)])])

    def _everyone(self, kind: str) -> _Others | None:
        if kind not in self._all:
            ids = candidates.all_of(self.session, kind)
            self._all[kind] = None if ids is None else self._known_of(ids)
        return self._all[kind]

    def _known_of(self, ids: list[uuid.UUID]) -> _Others:
        self._fetch(ids)
        known = [one for one in ids if self._listings[one] is not None]
        whole = self._side(known)
        return _Others(known, whole, self._in_public(known, whole))

    def _side(self, ids: Sequence[uuid.UUID]) -> Side:
        return self._side_of([listing for one in ids if (listing := self._listings[one]) is not None])

    def _side_of(self, listings: Sequence[Ready]) -> Side:
        return Side(listings, self.scoring.scale)

    def _in_public(self, ids: Sequence[uuid.UUID], side: Side) -> Side:
        """The same listings, each by its public texts alone."""
        if all(one.public is None for one in side.signatures):
            return side
        known = [listing for one in ids if (listing := self._listings[one]) is not None]
        secret = [listing.signature.in_public() for listing in known if listing.signature.public is not None]
        anew = iter(Ready.by(self.scoring.scale, secret))
        return self._side_of([one if one.signature.public is None else next(anew) for one in known])

    def _scored(
        self,
        identity: uuid.UUID,
        listing: Ready,
        kind: str,
        ids: Sequence[uuid.UUID],
        others: Side,
        least: float,
        most: int,
        *,
        typed: bool = False,
    ) -> list[Pair]:
        """The best pairs of a listing whose log-odds reach `least`.

        They are looked at in order of what the texts give, until what all else could add would change nothing.
        """
        mine, my_side = listing.signature, self._side_of([listing])
        weights = self.scoring.weights
        alike = likeness.compare(*((others, my_side) if kind == "demand" else (my_side, others)))
        copied = alike.copied.ravel().tolist()
        if typed and kind != "demand":
            alike = likeness.supported(my_side, others, alike)
        words, meaning = alike.words.ravel(), alike.meaning.ravel()
        mute = [_speechless(mine.particulars, other.particulars) for other in others.signatures]
        words = np.where(np.array(mute) & (words < _HARDLY), np.nan, words)
        of_texts = text_odds(words, meaning, weights) + weights.bias
        order = np.argsort(-of_texts, kind="stable").tolist()
        scales = Scales(mine.particulars, weights)
        reaches = (of_texts + scales.most).tolist()
        figures = [*zip(words.tolist(), meaning.tolist(), strict=True)]
        best: list[tuple[float, int, Weighing]] = []
        for place in order:
            bar = least if len(best) < most else max(least, best[0][0])
            if reaches[place] < bar:
                break
            demand, offer = _in_order(kind, mine, others.signatures[place])
            texts = Texts(*map(_known, figures[place]))
            weighed = scales.weigh(demand.particulars, offer.particulars, texts, least=bar)
            if weighed is not None and weighed.odds >= least:
                push = heapq.heappush if len(best) < most else heapq.heappushpop
                push(best, (weighed.odds, -place, weighed))
        asked = None if kind == "demand" else self._asked(mine)
        found: list[Pair] = []
        for _, place, weighed in best:
            demand, offer = _in_order(kind, mine, others.signatures[-place])
            ends = (ids[-place], identity) if kind == "demand" else (identity, ids[-place])
            told = self._told(asked or self._asked(demand), offer, weighed, int(alike.best.flat[-place]))
            found.append(Pair(ends[0], offer.particulars.noun, ends[1], told, told, copied[-place]))
        return found

    def _asked(self, demand: Signature) -> Asked:
        return Asked(demand, self.scoring.scale.rarity)

    def _told(self, asked: Asked, offer: Signature, weighed: Weighing, nearest: int) -> Score:
        """The score, with what shows that the texts are alike."""
        told = asked.told(offer, nearest)
        return weighed.score().with_evidence(told.shared, told.nearest)

    def _fetch(self, ids: Iterable[uuid.UUID]) -> None:
        missing = [identity for identity in ids if identity not in self._listings]
        if not missing:
            return
        known = self._known.of(self.session, missing, self.scoring.scale)
        self._listings.update(zip(missing, known, strict=True))


def versions(session: Session, found: Mapping[Reference, Fitting]) -> dict[uuid.UUID, int]:
    """Of which versions the signatures are by which this was found out, in the same snapshot."""
    ends = {one for fitting in found.values() for pair in fitting.pairs for one in (pair.demand_id, pair.offer_id)}
    return signing.versions(session, ends | {identity for _, identity in found})


def _speechless(left: Particulars, right: Particulars) -> bool:
    """Whether the two share no language: that they share no word then tells nothing."""
    return "both" not in (left.languages, right.languages) and left.languages != right.languages


def _in_order(kind: str, mine: Signature, other: Signature) -> tuple[Signature, Signature]:
    """The demand and the offer; `kind` is the other's."""
    return (other, mine) if kind == "demand" else (mine, other)


def _known(figure: float) -> float | None:
    return None if math.isnan(figure) else figure


def _by_both(kind: str, ours: list[Pair], theirs: list[Pair], differ: frozenset[uuid.UUID]) -> list[Pair]:
    """Pairs as both sides see them: `ours` as this side does, and, of the others in `differ`, `theirs` as those do.
    All else is seen alike. `kind` is the others'."""
    by_them = {(pair.demand_id, pair.offer_id): pair for pair in theirs}
    found = []
    for pair in ours:
        other = pair.demand_id if kind == "demand" else pair.offer_id
        found.append(
            _seen(kind, pair, by_them.pop((pair.demand_id, pair.offer_id), None)) if other in differ else pair
        )
    return found + [_seen(kind, None, pair) for pair in by_them.values()]


def _seen(kind: str, by_us: Pair | None, by_them: Pair | None) -> Pair:
    """One pair of two that differ in what is known; `kind` is the others'."""
    by_demand, by_offer = (by_them, by_us) if kind == "demand" else (by_us, by_them)
    known = by_us or by_them
    assert known is not None
    return replace(
        known,
        demand=by_demand.score if by_demand is not None else None,
        offer=by_offer.score if by_offer is not None else None,
        copied=any(pair.copied for pair in (by_us, by_them) if pair is not None),
    )


def _best_first(pairs: list[Pair]) -> list[Pair]:
    return sorted(pairs, key=lambda pair: (-pair.score.odds, str(pair.offer_id), str(pair.demand_id)))


def of_text(
    finder: Finder, embedder: Embedder | None, principal: Principal, asked: Mapping[str, Any]
) -> list[tuple[Pair, Listing]]:
    """What fits a text that is not stored, best first, as far as the caller may see it.

    `asked` has passed its schema: the text, the kind sought, and what else is known. Raises Unavailable.
    """
    sought = asked["kind"]
    try:
        pairs = finder.pairs_of_text(_signature_of(asked, embedder), sought, most=asked["limit"])
    except EngineUnavailable as error:
        raise Unavailable("search-unavailable") from error
    ids = [pair.demand_id if sought == "demand" else pair.offer_id for pair in pairs]
    rows = listings.of_ids(finder.session, principal, LISTINGS[sought], ids)
    return [(pair, rows[identity]) for pair, identity in zip(pairs, ids, strict=True) if identity in rows]


def _signature_of(asked: Mapping[str, Any], embedder: Embedder | None) -> Signature:
    text = asked["text"]
    noun = "outcome" if asked["kind"] == "demand" else "demand"
    level = (asked.get("trl_from"), asked.get("trl_to"))
    money = (asked.get("budget_from"), asked.get("budget_to"))
    particulars = Particulars(
        noun=noun,
        field_code=asked.get("field", ""),
        trl=level if any(level) else None,
        money=money if any(money) else None,
        regions=(asked["region"],) if asked.get("region") else (),
        region_rule="preferred" if asked.get("region") else "none",
    )
    passages = [(text, 1.0)]
    signature = signature_of(particulars, [passages])
    if embedder is None:
        return signature
    try:
        vectors = signing.vector_of_text(embedder, passages, noun)[None, :]
    except (EmbedderUnavailable, BadVectors) as error:
        log.warning("matching by words alone", error=str(error))
        return signature
    return replace(signature, vectors=vectors, model=embedder.model)
