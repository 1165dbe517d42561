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
from sqlalchemy import select as select_columns
from sqlmodel import Session, col, select

from market.errors import Unavailable
from market.matching import evidence, features, likeness, parts
from market.matching.likeness import Side
from market.matching.score import Score, Texts, score, text_odds
from market.matching.signatures import FORMAT, Particulars, Signature, signature_of, unpack
from market.models import LISTINGS, Listing, Match
from market.models import Signature as Row
from market.services import candidates, listings, signing
from market.services.access import Principal
from market.services.indexing import Reference
from market.services.scoring import Scoring
from search.embedding import BadVectors, Embedder, EmbedderUnavailable
from search.engine import Engine, EngineUnavailable

log = structlog.get_logger()

_HARDLY = 0.05  # a likeness in words that chance may make

OFFERS = ("outcome", "expert")

MOST = 100
"""Pairs of each kind that one listing's run may find anew: more would only bury the best."""


@dataclass(frozen=True, slots=True)
class Pair:
    """A demand, an offer, and how well they fit; `copied`: the offer's own text is the demand's, word for word."""

    demand_id: uuid.UUID
    offer_noun: str
    offer_id: uuid.UUID
    score: Score
    copied: bool = False


@dataclass(frozen=True, slots=True)
class Fitting:
    """What fits a listing, and the other side of each match that held when this was found out."""

    pairs: list[Pair]
    partners: frozenset[uuid.UUID]


class Finder:
    """Pairs for many listings in one go; keeps signatures, so that none is read twice."""

    def __init__(self, session: Session, engine: Engine, scoring: Scoring, *, candidates: int) -> None:
        """`candidates`: how many of a kind are looked at where not all are."""
        self.session = session
        self.engine = engine
        self.scoring = scoring
        self.candidates = candidates
        self._signatures: dict[uuid.UUID, Signature | None] = {}
        self._partners: dict[Reference, dict[str, set[uuid.UUID]]] = {}
        self._all: dict[str, tuple[list[uuid.UUID], Side] | None] = {}

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
        mine, partners = self._signatures[identity], self._partners[noun, identity]
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
        side. A text of few words is widened by what the nearest offers say."""
        ids, others = self._others(signature, sought, set())
        if not ids or not len(signature.bags.keys):
            return []
        found = self._scored(uuid.UUID(int=0), signature, sought, ids, others, -math.inf, most, widen=True)
        return _best_first(found)

    def signature(self, identity: uuid.UUID) -> Signature | None:
        """That of a stored listing; None where it has none."""
        self._fetch([identity])
        return self._signatures[identity]

    def scores(self, demand_id: uuid.UUID, kind: str, offers: Sequence[uuid.UUID]) -> list[Pair]:
        """The pair scores of a stored demand with these offers, best first."""
        self._fetch([demand_id, *offers])
        mine = self._signatures[demand_id]
        known = [offer for offer in offers if self._signatures[offer] is not None]
        if mine is None or not known:
            return []
        return _best_first(self._scored(demand_id, mine, kind, known, self._side(known), -math.inf, len(known)))

    def _fitting(
        self, identity: uuid.UUID, mine: Signature, kind: str, partners: set[uuid.UUID], least: float, most: int
    ) -> list[Pair]:
        ids, side = self._others(mine, kind, partners)
        return self._scored(identity, mine, kind, ids, side, least, most) if ids else []

    def _others(self, mine: Signature, kind: str, partners: set[uuid.UUID]) -> tuple[list[uuid.UUID], Side]:
        everyone = self._everyone(kind)
        if everyone is not None and partners.issubset(everyone[0]):
            return everyone
        found = (
            everyone[0]
            if everyone is not None
            else candidates.by_roads(self.engine, mine, kind, self.scoring.scale.rarity, most=self.candidates)
        )
        ids = [*dict.fromkeys([*found, *sorted(partners)])]
        self._fetch(ids)
        known = [one for one in ids if self._signatures[one] is not None]
        return known, self._side(known)

    def _everyone(self, kind: str) -> tuple[list[uuid.UUID], Side] | None:
        if kind not in self._all:
            ids = candidates.all_of(self.session, kind)
            if ids is None:
                self._all[kind] = None
            else:
                self._fetch(ids)
                known = [one for one in ids if self._signatures[one] is not None]
                self._all[kind] = known, self._side(known)
        return self._all[kind]

    def _side(self, ids: Sequence[uuid.UUID]) -> Side:
        return self._side_of([signature for one in ids if (signature := self._signatures[one]) is not None])

    def _side_of(self, signatures: Sequence[Signature]) -> Side:
        return Side(signatures, self.scoring.scale)

    def _scored(
        self,
        identity: uuid.UUID,
        mine: Signature,
        kind: str,
        ids: Sequence[uuid.UUID],
        others: Side,
        least: float,
        most: int,
        *,
        widen: bool = False,
    ) -> list[Pair]:
        """The best pairs of `mine` whose log-odds reach `least`.

        They are looked at in order of what the texts give, until what all else could add would change nothing.
        """
        my_side = self._side_of([mine])
        weights = self.scoring.weights
        alike = likeness.compare(*((others, my_side) if kind == "demand" else (my_side, others)))
        if widen and kind != "demand":
            alike = likeness.compare(likeness.widened(my_side, others, alike), others)
        words, meaning = alike.words.ravel(), alike.meaning.ravel()
        mute = [_speechless(mine.particulars, other.particulars) for other in others.signatures]
        words = np.where(np.array(mute) & (words < _HARDLY), np.nan, words)
        of_texts = text_odds(words, meaning, weights) + weights.bias
        beside = weights.most(parts.within_reach(mine.particulars))
        best: list[tuple[float, int, Score]] = []
        for place in np.argsort(-of_texts, kind="stable").tolist():
            reach = of_texts[place] + beside
            if reach < least or (len(best) >= most and best[0][0] > reach):
                break
            demand, offer = _in_order(kind, mine, others.signatures[place])
            texts = Texts(_known(words[place]), _known(meaning[place]))
            scored = score(demand.particulars, offer.particulars, texts, weights)
            if not scored.excluded and scored.odds >= least:
                push = heapq.heappush if len(best) < most else heapq.heappushpop
                push(best, (scored.odds, -place, scored))
        found = [
            (ids[-place], others.signatures[-place], one, int(alike.best.flat[-place])) for _, place, one in best
        ]
        copied = self._copied(mine, kind, [other for _, other, _, _ in found])
        return [
            replace(self._told(identity, mine, kind, *one), copied=copy)
            for one, copy in zip(found, copied, strict=True)
        ]

    def _copied(self, mine: Signature, kind: str, others: Sequence[Signature]) -> list[bool]:
        """With which of the others the offer's own text is the demand's, word for word."""
        if not others:
            return []
        sides = self._side_of([_own_text(mine)]), self._side_of([_own_text(one) for one in others])
        demands, offers = sides[::-1] if kind == "demand" else sides
        return [bool(one) for one in likeness.copied(demands, offers).flat]

    def _told(
        self,
        identity: uuid.UUID,
        mine: Signature,
        kind: str,
        other_id: uuid.UUID,
        other: Signature,
        scored: Score,
        nearest: int,
    ) -> Pair:
        """The pair, with what shows that its texts are alike."""
        demand, offer = _in_order(kind, mine, other)
        demand_id, offer_id = (other_id, identity) if kind == "demand" else (identity, other_id)
        told = evidence.of(demand, offer, nearest, self.scoring.scale.rarity)
        return Pair(demand_id, offer.particulars.noun, offer_id, scored.with_evidence(told.shared, told.nearest))

    def _fetch(self, ids: Iterable[uuid.UUID]) -> None:
        missing = [identity for identity in ids if identity not in self._signatures]
        if not missing:
            return
        self._signatures.update(dict.fromkeys(missing))
        rows = self.session.execute(
            select_columns(Row.listing_id, Row.body, Row.digests, Row.vectors, Row.model).where(  # type: ignore[call-overload]
                col(Row.listing_id).in_(missing), Row.format == FORMAT
            )
        )
        for identity, body, digests, vectors, model in rows:
            self._signatures[identity] = unpack(body, digests=digests, vectors=vectors, model=model)


def _own_text(signature: Signature) -> Signature:
    return replace(signature, bags=signature.bags.one(0), vectors=None)


def _speechless(left: Particulars, right: Particulars) -> bool:
    """Whether the two share no language: that they share no word then tells nothing."""
    return "both" not in (left.languages, right.languages) and left.languages != right.languages


def _in_order(kind: str, mine: Signature, other: Signature) -> tuple[Signature, Signature]:
    """The demand and the offer; `kind` is the other's."""
    return (other, mine) if kind == "demand" else (mine, other)


def _known(figure: float) -> float | None:
    return None if math.isnan(figure) else float(figure)


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
        languages=features.languages_of([text]),
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
