"""Finds what fits a listing: candidates from the search engine by key terms, then the pair score. Writes nothing."""

from __future__ import annotations

import math
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlmodel import Session, col, select

from market.errors import Unavailable
from market.matching.parts import KEY_TERMS, KeyTerms, key_terms
from market.matching.score import Score, score
from market.matching.signatures import Signature, Words, bag, scripts, surface_forms, unpack
from market.models import LISTINGS, Listing, Match
from market.models import Signature as SignatureRow
from market.services import listings
from market.services.access import Principal
from market.services.indexing import Reference, index_of
from search.engine import AnyOf, Engine, EngineUnavailable, Filter, Query, WeightedTerm
from search.indexes import INDEXES

OFFERS = ("outcome", "expert")
_OFFER_TERMS = 400  # terms an offer is searched with
_FEW = 50.0  # so few are found by any term: a small exchange may be about one topic
_COMMON = 0.4  # a term that stands in more than this share of all listings finds nothing in particular


@dataclass
class Corpus:
    """How rare each term is, over all listings together: the same for both directions. Remembers what it asked;
    make a new one for each batch."""

    engine: Engine
    total: int = 0
    counts: dict[str, int] = field(default_factory=dict)

    def learn(self, terms: Iterable[str]) -> None:
        """Ask for the frequencies of terms not known yet, all at once."""
        unknown = [term for term in dict.fromkeys(terms) if term not in self.counts]
        if not unknown:
            return
        answers = [self.engine.frequencies(index, unknown) for index in INDEXES]
        self.total = sum(answer.total for answer in answers)
        for term in unknown:
            self.counts[term] = sum(answer.counts.get(term, 0) for answer in answers)

    def rarity(self, term: str) -> float:
        """Inverse document frequency, ln(1 + N / (1 + n)); above 0 for every term."""
        return math.log(1 + (self.total + 1) / (1 + self.counts.get(term, 0)))

    def telling(self, term: str) -> bool:
        """Whether the term is rare enough to search by."""
        return self.counts.get(term, 0) <= max(_FEW, _COMMON * self.total)


@dataclass(frozen=True, slots=True)
class Pair:
    """A demand, an offer, and how well they fit."""

    demand_id: uuid.UUID
    offer_noun: str
    offer_id: uuid.UUID
    score: Score


@dataclass(frozen=True, slots=True)
class Fitting:
    """What fits a listing, and the other side of each match that held when this was found out."""

    pairs: list[Pair]
    partners: frozenset[uuid.UUID]


class Finder:
    """Pairs for many listings in one go; keeps signatures and frequencies so that none is read twice."""

    def __init__(self, session: Session, engine: Engine, *, candidates: int) -> None:
        """`candidates`: how many of each kind the engine gives before the pair score decides."""
        self.session = session
        self.engine = engine
        self.candidates = candidates
        self.corpus = Corpus(engine)
        self._signatures: dict[uuid.UUID, Signature | None] = {}
        self._wanted: dict[uuid.UUID, KeyTerms] = {}
        self._sought: dict[uuid.UUID, frozenset[str]] = {}
        self._partners: dict[Reference, dict[str, set[uuid.UUID]]] = {}

    def read_ahead(self, references: Iterable[Reference]) -> None:
        """Read what `pairs` will need of many listings, in a few queries instead of a few for each."""
        unknown = [reference for reference in references if reference not in self._partners]
        self._fetch([identity for _, identity in unknown])
        signatures = [self._signatures[identity] for _, identity in unknown]
        self.corpus.learn(term for one in signatures if one is not None for term in _terms_of(one))
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

    def pairs(self, noun: str, identity: uuid.UUID, *, least: float) -> Fitting:
        """Everything that fits a stored listing at `least` or better, best first; nothing when it has no signature.

        Pairs matched before are scored again even where the engine would not bring them up.
        """
        self.read_ahead([(noun, identity)])
        mine, partners = self._signatures[identity], self._partners[noun, identity]
        found = [] if mine is None else self._scored(noun, identity, mine, partners, least=least)
        return Fitting(found, frozenset().union(*partners.values()))

    def pairs_of_text(self, signature: Signature, sought: str, *, least: float) -> list[Pair]:
        """The same for a listing that is not stored: `sought` is the kind of the other side."""
        return self._scored(signature.noun, uuid.UUID(int=0), signature, {}, least=least, kinds=(sought,))

    def _scored(
        self,
        noun: str,
        identity: uuid.UUID,
        mine: Signature,
        partners: dict[str, set[uuid.UUID]],
        *,
        least: float,
        kinds: Sequence[str] = (),
    ) -> list[Pair]:
        found: list[Pair] = []
        for kind in kinds or (OFFERS if noun == "demand" else ("demand",)):
            ids = [*dict.fromkeys([*self._candidates(mine, kind), *partners.get(kind, ())])]
            self._fetch(ids)
            for other_id in ids:
                other = self._signatures[other_id]
                if other is None:
                    continue
                demand_id, demand = (identity, mine) if noun == "demand" else (other_id, other)
                offer_noun, offer_id, offer = (kind, other_id, other) if noun == "demand" else (noun, identity, mine)
                if not self._speaks_of_it(demand_id, demand, offer):
                    continue
                scored = self._score(demand_id, demand, offer)
                if scored.value >= least:
                    found.append(Pair(demand_id, offer_noun, offer_id, scored))
        return sorted(found, key=lambda pair: (-pair.score.value, str(pair.offer_id), str(pair.demand_id)))

    def _score(self, demand_id: uuid.UUID, demand: Signature, offer: Signature) -> Score:
        wanted = self._wanted.get(demand_id)
        if wanted is None:
            self.corpus.learn(demand.words.counts)
            wanted = self._wanted[demand_id] = key_terms(demand.words, self.corpus.rarity)
        return score(demand, offer, wanted)

    def _seek(self, mine: Signature) -> KeyTerms:
        """The terms a listing is searched with. A demand's are its heaviest; an offer's nearly all it has, as each
        may be among the heaviest of a demand, and demands are few."""
        counts = dict(mine.words.counts)
        for _, words in mine.works:
            for term in words.counts:
                counts[term] = counts.get(term, 0) + 0.5
        self.corpus.learn(counts)  # those of a text that is not stored; of others they are known
        telling = Words({term: count for term, count in counts.items() if self.corpus.telling(term)})
        return key_terms(telling, self.corpus.rarity, KEY_TERMS if mine.noun == "demand" else _OFFER_TERMS)

    def _speaks_of_it(self, demand_id: uuid.UUID, demand: Signature, offer: Signature) -> bool:
        """Whether the demand's own search could bring the offer up: so both directions find the same pairs."""
        sought = self._sought.get(demand_id)
        if sought is None:
            sought = self._sought[demand_id] = frozenset(term for term, _ in self._seek(demand))
        bags = (offer.words, *(words for _, words in offer.works))
        return not all(sought.isdisjoint(words.counts) for words in bags)

    def _candidates(self, mine: Signature, kind: str) -> list[uuid.UUID]:
        terms = self._seek(mine)
        if not terms:
            return []
        filters: tuple[Filter, ...] = (AnyOf("state", ("published",)),)
        if kind == "demand":
            filters += (AnyOf("progress", ("open",)),)
        query = Query(
            terms=tuple(WeightedTerm(term, weight) for term, weight in terms),
            filters=filters,
            limit=self.candidates,
        )
        return [uuid.UUID(hit.id) for hit in self.engine.search(index_of(kind), query).hits]

    def _fetch(self, ids: Iterable[uuid.UUID]) -> None:
        missing = [identity for identity in ids if identity not in self._signatures]
        if not missing:
            return
        self._signatures.update(dict.fromkeys(missing))
        rows = self.session.execute(
            select(SignatureRow.listing_id, SignatureRow.body).where(col(SignatureRow.listing_id).in_(missing))
        )
        for identity, body in rows:
            self._signatures[identity] = unpack(body)


def _terms_of(signature: Signature) -> Iterator[str]:
    yield from signature.words.counts
    for _, words in signature.works:
        yield from words.counts


def of_text(
    session: Session, engine: Engine, principal: Principal, asked: Mapping[str, Any], *, candidates: int
) -> list[tuple[Pair, Listing]]:
    """What fits a text that is not stored, best first, as far as the caller may see it.

    `asked` has passed its schema: the text, the kind sought, and what else is known. Raises Unavailable.
    """
    sought = asked["kind"]
    text = [(asked["text"], 1.0)]
    level = (asked.get("trl_from"), asked.get("trl_to"))
    money = (asked.get("budget_from"), asked.get("budget_to"))
    signature = Signature(
        noun="outcome" if sought == "demand" else "demand",
        languages=scripts([asked["text"]]),
        words=bag(text),
        surfaces=surface_forms([asked["text"]]),
        field_code=asked.get("field", ""),
        trl=level if any(level) else None,
        money=money if any(money) else None,
        regions=(asked["region"],) if asked.get("region") else (),
        region_rule="preferred" if asked.get("region") else "none",
    )
    finder = Finder(session, engine, candidates=candidates)
    try:
        pairs = finder.pairs_of_text(signature, sought, least=0.0)[: asked["limit"]]
    except EngineUnavailable as error:
        raise Unavailable("search-unavailable") from error
    ids = [pair.demand_id if sought == "demand" else pair.offer_id for pair in pairs]
    rows = listings.of_ids(session, principal, LISTINGS[sought], ids)
    return [(pair, rows[identity]) for pair, identity in zip(pairs, ids, strict=True) if identity in rows]
