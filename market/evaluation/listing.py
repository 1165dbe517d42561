"""What a record of a labelled set becomes as a listing."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlmodel import Session

from market.evaluation.sets import Record
from market.models import Demand, Expert, Listing, Organisation, Outcome, Work
from search.text import normalise, runs

_UNTITLED = "—"  # every listing has a title; this one has no word
# Characters that listings hold; what is longer goes on in the next field.
_TITLE, _WORK_TITLE, _ABSTRACT = 250, 500, 5000
_ROOM = {"demand": (("problem", 10_000), ("background", 10_000)), "outcome": (("description", 19_000),)}


@dataclass(frozen=True, slots=True)
class Owners:
    """One organisation asks, another offers: nobody is matched with themselves."""

    asking: Organisation
    offering: Organisation


def owners(session: Session, *, now: datetime) -> Owners:
    """Both organisations, stored."""
    both = [Organisation(name_en=name, trusted=True, created_at=now) for name in ("Asking", "Offering")]
    session.add_all(both)
    session.flush()
    return Owners(*both)


def words_of(record: Record) -> str:
    """A query that is no listing, as it would be typed."""
    return "\n".join(part for part in (record.get("title"), record.get("full_text") or record["text"]) if part)


def listing_of(kind: str, record: Record, owners: Owners, *, now: datetime) -> Listing:
    """A published listing with the record's texts."""
    common: dict[str, Any] = {
        "organisation_id": (owners.asking if kind == "demand" else owners.offering).id,
        "keywords": list(record.get("keywords") or ()),
        "state": "published",
        "published_at": now,
        "updated_at": now,
        "created_at": now,
    }
    if kind == "expert":
        works = [_work(place, work) for place, work in enumerate(record.get("works", ()))]
        return Expert(**common, name_en=_UNTITLED, works=works)
    title = (record.get("title") or _UNTITLED).replace("_", " ")
    text = (record.get("full_text") or record.get("text") or "").replace("_", " ")
    code = "zh" if any(han for _, _, han in runs(normalise(title + text))) else "en"
    texts = {f"title_{code}": title[:_TITLE]}
    for name, room in _ROOM[kind]:
        texts[f"{name}_{code}"], text = text[:room], text[room:]
    values = {**common, "language": code, **texts}
    return Demand(**values) if kind == "demand" else Outcome(**values)


def _work(place: int, work: Record) -> Work:
    title = (work.get("title") or "").strip()
    return Work(position=place, title=title[:_WORK_TITLE], abstract=(work.get("text") or "")[:_ABSTRACT])
