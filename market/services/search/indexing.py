"""Keeps the search index and the signatures equal to the database: what a listing becomes when indexed."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlmodel import Session, col, func, select

from market.clock import Clock
from market.db import Database
from market.matching.features import Passages
from market.matching.indicators import stated
from market.matching.signatures import Indicator, Particulars, Signature, protecting, signatures_of
from market.models import LISTINGS, Demand, Expert, Listing, Outcome
from market.services.rights.access import readers_of
from schemas.documents import DOCUMENTS, epoch_day
from search.engine import Document, Engine

Reference = tuple[str, uuid.UUID]
"""A listing's noun and id; written `outcome:0190...` as a job's key."""

VectorOf = Callable[[uuid.UUID], Sequence[float] | None]
"""The vector of a listing, where it has one."""

# A change shows this much later than its time says, at most: its transaction may still be under way.
_LONGEST_TRANSACTION = timedelta(minutes=2)

# How often a word counts that stands in a title or among the keywords: who asks says there what it is about.
_HEADING = {"demand": 4.0, "outcome": 2.0, "expert": 2.0}
_TEXTS = {
    "outcome": ("summary", "description", "advantages"),
    "expert": ("directions", "biography"),
    "demand": ("problem", "background"),
}

_READ_IN_MATCHING = {noun: frozenset((*texts, "keywords", "works")) for noun, texts in _TEXTS.items()}


def index_of(noun: str) -> str:
    """The search index that holds listings of this kind."""
    return f"{noun}s"


def reference(key: str) -> Reference:
    """The inverse of a job's key."""
    noun, _, identity = key.partition(":")
    return noun, uuid.UUID(identity)


def load(session: Session, references: Iterable[Reference]) -> dict[Reference, Listing]:
    """The listings that still exist, one query for each kind."""
    wanted: dict[str, list[uuid.UUID]] = {}
    for noun, identity in references:
        wanted.setdefault(noun, []).append(identity)
    found: dict[Reference, Listing] = {}
    for noun, ids in wanted.items():
        model = LISTINGS[noun]
        for listing in session.exec(select(model).where(col(model.id).in_(ids))):
            found[noun, listing.id] = listing
    return found


def document(listing: Listing) -> Document:
    """What the search engine keeps of a listing. Holds nothing that is protected."""
    fields: dict[str, Any] = DOCUMENTS[listing.NOUN].dump(listing)
    fields["readers"] = readers_of(listing)
    return fields


def documents(listings: Iterable[Listing], *, vector: VectorOf) -> dict[str, list[Document]]:
    """The documents of listings, by index; `vector` gives a listing's, where it has one."""
    found: dict[str, list[Document]] = {}
    for listing in listings:
        found.setdefault(index_of(listing.NOUN), []).append({**document(listing), "vector": vector(listing.id)})
    return found


def write(engine: Engine, present: Mapping[str, Sequence[Document]], gone: Iterable[Reference]) -> None:
    """Put what exists and delete what does not; returns once both show in searches. May be repeated."""
    for index, ones in present.items():
        engine.put(index, ones)
    deleted: dict[str, list[str]] = {}
    for noun, identity in gone:
        deleted.setdefault(index_of(noun), []).append(str(identity))
    for index, ids in deleted.items():
        engine.delete(index, ids)


def texts_of(listing: Listing, *, without: Collection[str] = ()) -> list[Passages]:
    """The texts that matching reads: the listing's own, then those of an expert's works; those of the fields in
    `without` are empty."""
    noun = listing.NOUN
    # A name is no topic.
    heading = () if noun == "expert" else tuple(f"{listing.HEADING}_{code}" for code in ("zh", "en"))
    body = [f"{name}_{code}" for name in _TEXTS[noun] if name not in without for code in ("zh", "en")]
    own = [
        *((getattr(listing, name), _HEADING[noun]) for name in heading),
        *((word, _HEADING[noun]) for word in listing.keywords if "keywords" not in without),
        *((getattr(listing, name), 1.0) for name in body),
    ]
    works = listing.works if isinstance(listing, Expert) else []
    if "works" in without:
        return [own, *([] for _ in works)]
    return [own, *([(work.title, _HEADING[noun]), (work.abstract, 1.0)] for work in works)]


def public_texts_of(listing: Listing) -> list[Passages]:
    """The same texts, those empty that not everybody may read. Only these are given to an embedder, which may be
    another's, and only their vectors are in the index."""
    return texts_of(listing, without=listing.protected)


def sign(listings: Iterable[Listing]) -> list[Signature]:
    """What matching needs of listings; they have no vectors yet. Protected texts are compared, and never told."""
    ones = list(listings)
    found = signatures_of((_particulars(one), texts_of(one)) for one in ones)
    secret = [place for place, one in enumerate(ones) if _protects_texts(one)]
    public = signatures_of((found[place].particulars, public_texts_of(ones[place])) for place in secret)
    for place, shown in zip(secret, public, strict=True):
        found[place] = protecting(found[place], shown)
    return found


def _protects_texts(listing: Listing) -> bool:
    return not _READ_IN_MATCHING[listing.NOUN].isdisjoint(listing.protected)


def _particulars(listing: Listing) -> Particulars:
    """What everybody may know: what is protected counts as unknown."""
    works = listing.works if isinstance(listing, Expert) and "works" not in listing.protected else []
    return Particulars(
        noun=listing.NOUN,
        organisation=str(listing.organisation_id),
        titles=tuple(work.title for work in works),
        field_code=listing.field,
        disciplines=tuple(listing.disciplines),
        industries=tuple(getattr(listing, "industries", ())),
        published_day=epoch_day(listing.published_at.date()) if listing.published_at else None,
        **_known_of(listing),
    )


def _known_of(listing: Listing) -> Mapping[str, Any]:
    hidden = listing.protected
    if isinstance(listing, Outcome):
        price = None if "price" in hidden else listing.price
        return {
            "trl": (listing.trl, listing.trl) if listing.trl else None,
            "money": (price, price) if price is not None else None,
            "regions": (listing.region,) if listing.region else (),
            "modes": tuple(listing.cooperation_modes),
            "indicators": _indicators(listing),
        }
    if isinstance(listing, Expert):
        return {
            "regions": tuple(listing.regions_served),
            "modes": tuple(listing.cooperation),
            "available": listing.availability != "unavailable",
        }
    assert isinstance(listing, Demand)
    budget = (listing.budget_from, listing.budget_to) if "budget" not in hidden else (None, None)
    return {
        "trl": (listing.trl_from, listing.trl_to) if listing.trl_from or listing.trl_to else None,
        "money": budget if budget[1] is not None else None,
        "regions": (listing.region,) if listing.region else (),
        "region_rule": listing.region_rule or "none",
        "modes": tuple(listing.cooperation_modes),
        "indicators": _indicators(listing),
    }


def _indicators(listing: Outcome | Demand) -> tuple[Indicator, ...]:
    """The indicators that are filled in; where none is, or they are protected, those that public texts state."""
    hidden = listing.protected
    names = [name for name in ("title", *_TEXTS[listing.NOUN]) if name not in hidden]
    given = tuple(
        Indicator(row["name"], row["direction"], row["value"], row.get("value_to"), row.get("unit", ""))
        for row in ([] if "indicators" in hidden else listing.indicators)
    )
    return given or stated(getattr(listing, f"{name}_{code}") for name in names for code in ("zh", "en"))


@dataclass(frozen=True, slots=True)
class Difference:
    """A listing whose index entry is missing, of another version, or of nothing; None is where it is not."""

    noun: str
    id: str
    stored: int | None
    indexed: int | None

    @property
    def key(self) -> str:
        """The key of the job that mends it."""
        return f"{self.noun}:{self.id}"


def _versions(session: Session, model: type[Listing], *, batch: int = 5000) -> Iterator[tuple[str, int]]:
    """Ids and versions in order of id. In pages, as whoever stops in the middle would leave a cursor open."""
    rows = select(model.id, model.version).order_by(col(model.id)).limit(batch)
    last: uuid.UUID | None = None
    while True:
        page = session.execute(rows if last is None else rows.where(col(model.id) > last)).all()
        yield from ((str(identity), version) for identity, version in page)
        if len(page) < batch:
            return
        last = page[-1][0]


def differences(session: Session, engine: Engine, noun: str) -> Iterator[Difference]:
    """Where database and index differ: both are read in order of id, side by side, so that memory stays the same
    at any size."""
    kept = _versions(session, LISTINGS[noun])
    entries = engine.versions(index_of(noun))
    row, entry = next(kept, None), next(entries, None)
    while row is not None or entry is not None:
        if entry is None or (row is not None and row[0] < entry[0]):
            assert row is not None
            yield Difference(noun, row[0], row[1], None)
            row = next(kept, None)
        elif row is None or entry[0] < row[0]:
            yield Difference(noun, entry[0], None, entry[1])
            entry = next(entries, None)
        else:
            if row[1] != entry[1]:
                yield Difference(noun, row[0], row[1], entry[1])
            row, entry = next(kept, None), next(entries, None)


def all_documents(db: Database, noun: str, *, batch: int = 500, now: Clock) -> Iterator[Document]:
    """The document of every listing of a kind, then of those changed meanwhile, until none is: what an index is
    filled with anew, while people go on writing. What is deleted meanwhile is told by `differences` afterwards."""
    model = LISTINGS[noun]
    since: datetime | None = None
    while True:
        began, last, found = now(), None, 0
        while True:
            rows = select(model).order_by(col(model.id)).limit(batch)
            rows = rows if since is None else rows.where(col(model.updated_at) >= since)
            with db.reading() as session:
                listings = session.exec(rows if last is None else rows.where(col(model.id) > last)).all()
                made = [document(listing) for listing in listings]
            yield from made
            found += len(made)
            if len(made) < batch:
                break
            last = listings[-1].id
        if since is not None and found <= batch:
            return
        since = began - _LONGEST_TRANSACTION


def how_many(session: Session, noun: str) -> int:
    """The number of listings of a kind."""
    return session.exec(select(func.count()).select_from(LISTINGS[noun])).one()
