"""Keeps the search index and the signatures equal to the database: what a listing becomes when indexed."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from sqlmodel import Session, col, delete, select

from market.db import dialect_of, insert_into
from market.matching import signatures
from market.matching.signatures import Indicator, Signature
from market.models import LISTINGS, Demand, Expert, Listing, Outcome
from market.models import Signature as SignatureRow
from market.services.access import readers_of
from schemas.documents import DOCUMENTS, epoch_day
from search.engine import Document, Engine

Reference = tuple[str, uuid.UUID]
"""A listing's noun and id; written `outcome:0190...` as a job's key."""

# How much a word weighs by where it stands. Mild on purpose: strong title weights lose long texts.
_TITLE, _KEYWORDS, _TEXT = 2.0, 2.0, 1.0
_TEXTS = {
    "outcome": ("summary", "description", "advantages"),
    "expert": ("directions", "biography"),
    "demand": ("problem", "background"),
}


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
    """What the search engine keeps of a listing. Holds nothing confidential: no contact, no masked name."""
    fields: dict[str, Any] = DOCUMENTS[listing.NOUN].dump(listing)
    fields["readers"] = readers_of(listing)
    return fields


def write(engine: Engine, listings: Sequence[Listing], gone: Iterable[Reference]) -> None:
    """Put what exists and delete what does not; returns once both show in searches. May be repeated."""
    by_noun: dict[str, list[Document]] = {}
    for listing in listings:
        by_noun.setdefault(listing.NOUN, []).append(document(listing))
    for noun, documents in by_noun.items():
        engine.put(index_of(noun), documents)
    deleted: dict[str, list[str]] = {}
    for noun, identity in gone:
        deleted.setdefault(noun, []).append(str(identity))
    for noun, ids in deleted.items():
        engine.delete(index_of(noun), ids)


def sign(listing: Listing) -> Signature:
    """What matching needs of a listing."""
    noun = listing.NOUN
    heading = [(getattr(listing, f"{listing.HEADING}_{code}"), _TITLE) for code in ("zh", "en")]
    body = [(getattr(listing, f"{name}_{code}"), _TEXT) for name in _TEXTS[noun] for code in ("zh", "en")]
    if noun == "expert":
        heading = []  # a name is no topic
    texts = [*heading, *((word, _KEYWORDS) for word in listing.keywords), *body]
    works = [f"{work.title}\n{work.abstract}" for work in listing.works] if isinstance(listing, Expert) else []
    plain = [text for text, _ in texts if text] + works
    return Signature(
        noun=noun,
        organisation=str(listing.organisation_id),
        languages=signatures.scripts(plain),
        words=signatures.bag(texts),
        works=tuple(
            (work.title, signatures.bag([(work.title, _TITLE), (work.abstract, _TEXT)]))
            for work in (listing.works if isinstance(listing, Expert) else [])
        ),
        surfaces=signatures.surface_forms(plain),
        field_code=listing.field,
        disciplines=tuple(listing.disciplines),
        industries=tuple(getattr(listing, "industries", ())),
        published_day=epoch_day(listing.published_at.date()) if listing.published_at else None,
        **_particulars(listing),
    )


def _particulars(listing: Listing) -> Mapping[str, Any]:
    if isinstance(listing, Outcome):
        return {
            "trl": (listing.trl, listing.trl) if listing.trl else None,
            "money": (listing.price, listing.price) if listing.price is not None else None,
            "regions": (listing.region,) if listing.region else (),
            "modes": tuple(listing.cooperation_modes),
            "indicators": _indicators(listing.indicators),
        }
    if isinstance(listing, Expert):
        return {
            "regions": tuple(listing.regions_served),
            "modes": tuple(listing.cooperation),
            "available": listing.availability != "unavailable",
        }
    assert isinstance(listing, Demand)
    return {
        "trl": (listing.trl_from, listing.trl_to) if listing.trl_from or listing.trl_to else None,
        "money": (listing.budget_from, listing.budget_to) if listing.budget_to is not None else None,
        "regions": (listing.region,) if listing.region else (),
        "region_rule": listing.region_rule or "none",
        "modes": tuple(listing.cooperation_modes),
        "indicators": _indicators(listing.indicators),
    }


def _indicators(rows: Iterable[Mapping[str, Any]]) -> tuple[Indicator, ...]:
    return tuple(
        Indicator(row["name"], row["direction"], row["value"], row.get("value_to"), row.get("unit", ""))
        for row in rows
    )


def signature_row(listing: Listing) -> dict[str, Any]:
    """The signature, to be kept beside the listing."""
    return {
        "listing_id": listing.id,
        "noun": listing.NOUN,
        "version": listing.version,
        "body": signatures.pack(sign(listing)),
    }


def keep_signatures(session: Session, rows: Sequence[Mapping[str, Any]], gone: Iterable[Reference]) -> None:
    """Store signatures, each over its listing's older one, and drop those of listings that are gone."""
    if rows:
        insert = insert_into(dialect_of(session), SignatureRow)
        new = {name: insert.excluded[name] for name in ("version", "body")}
        session.execute(insert.on_conflict_do_update(index_elements=["listing_id"], set_=new), rows)
    dropped = [identity for _, identity in gone]
    session.execute(delete(SignatureRow).where(col(SignatureRow.listing_id).in_(dropped)))


def differences(session: Session, engine: Engine, noun: str) -> Iterator[str]:
    """Keys of listings whose index entry is missing, of another version, or of nothing: both are read in
    order of id, side by side, so that memory stays the same at any size."""
    model = LISTINGS[noun]
    rows = iter(
        session.execute(select(model.id, model.version).order_by(col(model.id)).execution_options(yield_per=5000))
    )
    kept = ((str(identity), version) for identity, version in rows)
    entries = engine.versions(index_of(noun))
    row, entry = next(kept, None), next(entries, None)
    while row is not None or entry is not None:
        if entry is None or (row is not None and row[0] < entry[0]):
            assert row is not None
            yield f"{noun}:{row[0]}"
            row = next(kept, None)
        elif row is None or entry[0] < row[0]:
            yield f"{noun}:{entry[0]}"
            entry = next(entries, None)
        else:
            if row[1] != entry[1]:
                yield f"{noun}:{row[0]}"
            row, entry = next(kept, None), next(entries, None)
