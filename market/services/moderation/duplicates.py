"""Duplicates 疑似重复: listings of one kind that say nearly the same, or name the same patent, person or record."""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import and_, tuple_
from sqlalchemy.orm import aliased
from sqlmodel import Session, col, delete, func, or_, select

from market.db import append
from market.matching import resemblance
from market.matching.likeness import Scale
from market.matching.signatures import Signature
from market.matching.weighed import Weighed
from market.models import LISTINGS, Expert, Identifier, Listing, Outcome, Review
from market.models import Signature as SignatureRow
from market.services.disclosure import disclosing
from market.services.listings import histories
from market.services.matching.candidates import ALL, key_terms
from market.services.matching.remembering import Signatures
from market.services.matching.scoring import Scoring
from market.services.rights.access import Principal, allowed, visible_to
from market.services.search.indexing import Reference, index_of
from search.engine import Engine, Query
from search.text import normalise

MOST = 20
"""So many are shown, and counted."""

_RENEWED = 2 * MOST  # so many others' numbers are looked at again for one listing
_PROPOSED = 60  # by the engine, where not all of a kind are looked at
_TELLING = 6  # characters from which on another organisation's key is hardly the same by chance
_FIELDS = {("outcome", "patent"): "ip_rights", ("expert", "patent"): "works"}
_NO_NUMBER = re.compile(r"[^0-9A-Z]")
_APPLICATION = re.compile(r"(?:CN|ZL)*([0-9]{12})[0-9X]?[A-Z]?")


@dataclass(frozen=True, slots=True)
class Duplicate:
    """A listing that may be of the same thing: the cosine of the texts, and what coincides: pairs of text, heading,
    external_key, patent or orcid, and the value they share."""

    listing: Listing
    score: float
    coincides: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Looking:
    """What it takes to look for them."""

    session: Session
    engine: Engine
    scoring: Scoring
    signatures: Signatures


def of_listing(looking: Looking, actor: Principal, model: type[Listing], identity: uuid.UUID) -> list[Duplicate]:
    """Likely duplicates, the likeliest first: reviewers see those of every organisation, others those of the
    listing's own that are wholly open to them, for a score tells of hidden texts. Raises NotFound, Forbidden, and
    EngineUnavailable where very many have to be searched."""
    listing = histories.get(looking.session, actor, model, identity, "listing.duplicates")
    if allowed(actor, "moderation.queue"):
        return _likely(looking, listing, visible_to(model, actor))[:MOST]
    ours = and_(visible_to(model, actor), col(model.organisation_id) == listing.organisation_id)
    mine = disclosing.sight_in_lists(actor, listing).by == "own"
    found = _likely(looking, listing, ours) if mine else []
    return [one for one in found if disclosing.sight_in_lists(actor, one.listing).by == "own"][:MOST]


def count(looking: Looking, listing: Listing) -> int:
    """How many likely duplicates it has, up to `MOST`."""
    return len(_likely(looking, listing, col(type(listing).id).is_not(None))[:MOST])


def beside(
    looking: Looking, noun: str, ids: Sequence[uuid.UUID], *, counted: bool = False
) -> dict[uuid.UUID, int | None]:
    """Which listings with an open review are like any of these, as they are signed now, whether or not these are
    still there; with the number of duplicates that is kept of each. `counted`: only those that have any."""
    waiting = select(Review.listing_id, Review.duplicates).where(Review.decision == "", Review.noun == noun)
    if counted:
        waiting = waiting.where(col(Review.duplicates) > 0)
    known = dict(looking.session.execute(waiting).all())
    if not known or not ids:
        return {}
    found = _sharing(looking.session, noun, ids) & known.keys()
    every = _pool(looking, [*known]) if len(known) <= ALL else None
    scale = looking.scoring.scale
    for identity, ready in zip(ids, looking.signatures.of(looking.session, ids, scale), strict=True):
        if ready is None:
            continue
        pool = every or _pool(looking, [one for one in _candidates(looking, noun, ready.signature) if one in known])
        scores = pool.cosines(ready.signature, scale)
        likest = sorted(scores, key=scores.__getitem__, reverse=True)[:_RENEWED]  # nobody counts more than `MOST`
        found |= {one for one in likest if one != identity and scores[one] >= resemblance.LIKELY_OF_NAMESAKES}
    return {one: known[one] for one in found}


def _sharing(session: Session, noun: str, ids: Sequence[uuid.UUID]) -> set[uuid.UUID]:
    """Other listings of the kind that have an identifier of one of these."""
    theirs, mine = aliased(Identifier), aliased(Identifier)
    same = and_(col(theirs.kind) == col(mine.kind), col(theirs.value) == col(mine.value))
    shared = select(theirs.listing_id).join(mine, same).where(theirs.noun == noun, col(mine.listing_id).in_(ids))
    return {*session.exec(shared.where(col(theirs.listing_id) != col(mine.listing_id)))}


def _likely(looking: Looking, listing: Listing, seen: Any) -> list[Duplicate]:
    shared = _shared(looking.session, listing)
    scores = _resembling(looking, listing, [*shared])
    model = type(listing)
    near = {one for one, score in scores.items() if score >= resemblance.LIKELY_OF_NAMESAKES} | {*shared}
    rows = select(model).where(col(model.id).in_(near), col(model.merged_into).is_(None), seen)
    found: list[Duplicate] = []
    for one in looking.session.exec(rows) if near else ():
        score = scores.get(one.id, 0.0)
        namesakes = [("heading", text) for text in sorted(_headings(one) & _headings(listing))]
        least = resemblance.LIKELY_OF_NAMESAKES if namesakes else resemblance.LIKELY
        if score >= least or one.id in shared:
            texts = [("text", "")] if score >= resemblance.LIKELY else []
            found.append(Duplicate(one, round(score, 3), (*texts, *namesakes, *_told(one, shared.get(one.id, ())))))
    return sorted(found, key=lambda one: (-len(one.coincides), -one.score, one.listing.id))


def _told(listing: Listing, shared: Iterable[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    """What is shared, without the values of fields that are protected: those are read where reading is noted."""
    for kind, value in shared:
        field = _FIELDS.get((listing.NOUN, kind), kind)
        yield kind, "" if field in listing.protected else value


def _headings(listing: Listing) -> set[str]:
    texts = (getattr(listing, f"{listing.HEADING}_{code}") for code in ("zh", "en"))
    return {normalise(text).strip() for text in texts if text}


def _resembling(looking: Looking, listing: Listing, also: Sequence[uuid.UUID]) -> dict[uuid.UUID, float]:
    """The cosine with each candidate, and with those named `also`."""
    scale = looking.scoring.scale
    [mine] = looking.signatures.of(looking.session, [listing.id], scale)
    if mine is None:
        return {}
    candidates = _candidates(looking, listing.NOUN, mine.signature)
    pool = _pool(looking, [one for one in {*candidates, *also} if one != listing.id])
    return pool.cosines(mine.signature, scale)


@dataclass(frozen=True, slots=True)
class _Pool:
    """Listings whose texts are weighed, to be held to others' texts."""

    ids: Sequence[uuid.UUID]
    weighed: Weighed

    def cosines(self, mine: Signature, scale: Scale) -> dict[uuid.UUID, float]:
        found = resemblance.cosines(resemblance.weighed([mine], scale), self.weighed)
        return dict(zip(self.ids, found.tolist(), strict=True))


def _pool(looking: Looking, ids: Sequence[uuid.UUID]) -> _Pool:
    """Those of them that have a signature."""
    scale = looking.scoring.scale
    found = looking.signatures.of(looking.session, ids, scale)
    known = [(one, ready.signature) for one, ready in zip(ids, found, strict=True) if ready is not None]
    return _Pool([one for one, _ in known], resemblance.weighed([signature for _, signature in known], scale))


def _candidates(looking: Looking, noun: str, mine: Signature) -> list[uuid.UUID]:
    """Everyone of a kind where these are few; else those that share the words which tell most."""
    of_kind = SignatureRow.noun == noun
    held = looking.session.exec(select(func.count()).select_from(SignatureRow).where(of_kind)).one()
    if held <= ALL:
        return [*looking.session.exec(select(SignatureRow.listing_id).where(of_kind))]
    terms = key_terms(mine, looking.scoring.scale.rarity)
    if not terms:
        return []
    hits = looking.engine.search(index_of(noun), Query(terms=terms, limit=_PROPOSED)).hits
    return [uuid.UUID(hit.id) for hit in hits]


def _shared(session: Session, listing: Listing) -> dict[uuid.UUID, list[tuple[str, str]]]:
    """Listings of the same kind that have an identifier of this one, with what they share; of keys only those of
    other organisations."""
    mine = identifiers_of(listing)
    if not mine:
        return {}
    model = LISTINGS[listing.NOUN]
    rows = (
        select(Identifier.listing_id, Identifier.kind, Identifier.value)
        .join(model, col(model.id) == Identifier.listing_id)
        .where(tuple_(col(Identifier.kind), col(Identifier.value)).in_(sorted(mine)))
        .where(Identifier.noun == listing.NOUN, Identifier.listing_id != listing.id)
        .where(or_(Identifier.kind != "external_key", model.organisation_id != listing.organisation_id))
        .limit(10 * MOST)
    )
    found: dict[uuid.UUID, list[tuple[str, str]]] = {}
    for identity, kind, value in session.execute(rows):
        found.setdefault(identity, []).append((kind, value))
    return {identity: sorted(pairs) for identity, pairs in found.items()}


def identifiers_of(listing: Listing) -> set[tuple[str, str]]:
    """What names the thing itself: kinds and values in one spelling."""
    found: set[tuple[str, str]] = set()
    if listing.external_key and len(listing.external_key) >= _TELLING:
        found.add(("external_key", listing.external_key))
    if isinstance(listing, Outcome):
        found |= {("patent", number) for right in listing.ip_rights if (number := patent(right.get("number", "")))}
    if isinstance(listing, Expert):
        patents = [work.identifier for work in listing.works if work.kind == "patent"]
        found |= {("patent", number) for one in patents if (number := patent(one))}
        if listing.orcid:
            found.add(("orcid", listing.orcid))
    return found


def patent(number: str) -> str:
    """A patent's number in one spelling: "ZL 2019 1 0123456.7" and "CN201910123456.7" are one. Empty where it is too
    short to be one."""
    plain = _NO_NUMBER.sub("", number.upper())
    application = _APPLICATION.fullmatch(plain)
    if application is not None:  # without its check digit, which is often left out
        return application[1]
    return plain if sum(character.isdigit() for character in plain) >= _TELLING else ""


def keep_identifiers(session: Session, listings: Iterable[Listing], gone: Iterable[Reference]) -> None:
    """Make the identifiers of these listings equal to what they say now. May be repeated."""
    present = [*listings]
    ids = [*(one.id for one in present), *(identity for _, identity in gone)]
    if not ids:
        return
    session.execute(delete(Identifier).where(col(Identifier.listing_id).in_(ids)))
    append(
        session,
        Identifier,
        [
            {"listing_id": one.id, "kind": kind, "value": value, "noun": one.NOUN}
            for one in present
            for kind, value in sorted(identifiers_of(one))
        ],
    )
