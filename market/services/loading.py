"""Loads rows of files: each through its schema, inserted or brought up to date by its key."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeVar

import orjson
from marshmallow import ValidationError
from sqlmodel import Session, col, select

from market.errors import Invalid, MarketError
from market.models import LISTINGS, Listing, Organisation, User
from market.services import endpoints, listings
from market.services.access import SYSTEM
from schemas.base import pointers
from schemas.rows import ROWS

Party = TypeVar("Party", Organisation, User)

LONGEST_LINE = 1024 * 1024  # bytes

# What refers to what: files are loaded in this order.
ORDER = ("organisations", "users", "outcomes", "experts", "demands")


@dataclass(frozen=True, slots=True)
class Refusal:
    """A row that stayed out: its line (from 1), where in it, and why."""

    line: int
    pointer: str
    message: str


@dataclass(frozen=True, slots=True)
class Row:
    """A row that has passed its schema."""

    line: int
    data: dict[str, Any]


@dataclass
class Loaded:
    """What became of a file."""

    created: int = 0
    changed: int = 0
    unchanged: int = 0
    refusals: list[Refusal] = field(default_factory=list)

    def add(self, other: Loaded) -> None:
        """Count what became of a batch."""
        self.created += other.created
        self.changed += other.changed
        self.unchanged += other.unchanged

    def refuse(self, line: int, errors: dict[str, list[str]]) -> None:
        """Note each message of a row."""
        self.refusals += [Refusal(line, pointer, str(text)) for pointer, texts in errors.items() for text in texts]


def parse(kind: str, lines: Iterable[bytes], loaded: Loaded) -> Iterator[Row]:
    """The rows of an NDJSON file that pass their schema; the others are noted in `loaded`."""
    schema = ROWS[kind]()
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        if len(line) > LONGEST_LINE:
            loaded.refuse(number, {"": [f"A row may have {LONGEST_LINE} bytes, this one has {len(line)}."]})
            continue
        try:
            yield Row(number, schema.load(orjson.loads(line)))
        except orjson.JSONDecodeError as error:
            loaded.refuse(number, {"": [f"Not JSON: {error}."]})
        except ValidationError as error:
            loaded.refuse(number, pointers(error.messages))


def store(session: Session, kind: str, rows: Sequence[Row], *, now: datetime) -> Loaded:
    """Insert or bring up to date, by key. Raises whatever a row cannot do; load rows singly to learn which.

    May be repeated: a row that has not changed is left as it is. Listings are published at once, as theirs
    is the word of whoever runs the exchange.
    """
    loaded = Loaded()
    # The organisations are held until the end, or each listing would read its own again.
    held = _by_key(session, Organisation, [row.data.get("organisation") for row in rows])
    organisations = {key: party.id for key, party in held.items()}
    if kind in ("organisations", "users"):
        _store_parties(session, kind, rows, organisations, loaded, now=now)
        return loaded
    model = LISTINGS[kind.removesuffix("s")]
    owners = {key: user.id for key, user in _by_key(session, User, [row.data.get("owner") for row in rows]).items()}
    known = {
        (row.organisation_id, row.external_key): row
        for row in session.exec(select(model).where(col(model.external_key).in_([row.data["key"] for row in rows])))
    }
    for row in rows:
        data = dict(row.data)
        organisation_id = _known(organisations, data.pop("organisation"), "/organisation")
        owner = data.pop("owner", None)
        owner_id = _known(owners, owner, "/owner") if owner else None
        data["external_key"] = data.pop("key")
        listing = known.get((organisation_id, data["external_key"]))
        if listing is None:
            listings.add(
                session, SYSTEM, model, {**data, "submit": True}, now=now,
                organisation_id=organisation_id, owner_id=owner_id,
            )  # fmt: skip
            loaded.created += 1
        elif _differs(listing, data):
            listings.change(session, SYSTEM, model, listing.id, data, version=None, now=now)
            loaded.changed += 1
        else:
            loaded.unchanged += 1
    session.flush()
    return loaded


def _store_parties(
    session: Session,
    kind: str,
    rows: Sequence[Row],
    organisations: dict[str, uuid.UUID],
    loaded: Loaded,
    *,
    now: datetime,
) -> None:
    model: Any = Organisation if kind == "organisations" else User  # they share the columns used here
    known = _by_key(session, model, [row.data["key"] for row in rows])
    for row in rows:
        data = dict(row.data)
        data["external_key"] = data.pop("key")
        organisation = data.pop("organisation", None)
        if organisation:
            data["organisation_id"] = _known(organisations, organisation, "/organisation")
        party = known.get(data["external_key"])
        if party is None:
            session.add(model(**data))
            loaded.created += 1
        elif any(getattr(party, name) != value for name, value in data.items()):
            for name, value in data.items():
                setattr(party, name, value)
            if isinstance(party, Organisation):
                listings.touch_all_of(session, party, now=now)
            loaded.changed += 1
        else:
            loaded.unchanged += 1
    session.flush()
    if model is User:
        # From now on they can be reached by mail, where there is any.
        loaded_keys = [row.data["key"] for row in rows]
        endpoints.of_users(
            session, [one.id for one in _by_key(session, User, loaded_keys).values()], mail=True, now=now
        )


def store_singly(session: Session, kind: str, row: Row, *, now: datetime, loaded: Loaded) -> None:
    """Store one row inside a savepoint; what it cannot do is noted by line and undone."""
    try:
        with session.begin_nested():
            one = store(session, kind, [row], now=now)
    except Invalid as error:
        loaded.refuse(row.line, error.fields)
    except MarketError as error:
        loaded.refuse(row.line, {"": [str(error)]})
    except Exception as error:  # one bad row must not stop the file
        loaded.refuse(row.line, {"": [str(getattr(error, "orig", error))]})
    else:
        loaded.add(one)


def _by_key(session: Session, model: type[Party], keys: Iterable[str | None]) -> dict[str, Party]:
    """The organisations or users that were loaded with these keys."""
    wanted = {key for key in keys if key}
    rows = session.exec(select(model).where(col(model.external_key).in_(wanted))) if wanted else ()
    return {str(row.external_key): row for row in rows}


def _known(ids: dict[str, uuid.UUID], key: str, pointer: str) -> uuid.UUID:
    if key not in ids:
        raise Invalid({pointer: [f"Nothing was loaded with the key {key}."]})
    return ids[key]


def _differs(listing: Listing, data: dict[str, Any]) -> bool:
    """Whether any field of the row says something new."""
    for name, given in data.items():
        present, value = getattr(listing, name), given
        if name == "works":
            fields_of = ("kind", "title", "abstract", "year", "identifier")
            present = [{key: getattr(work, key) for key in fields_of} for work in present]
            value = [{"kind": "paper", "abstract": "", "year": None, "identifier": "", **work} for work in given]
        if present != value:
            return True
    return False
