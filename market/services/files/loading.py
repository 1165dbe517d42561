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
from market.files.faults import Row
from market.models import LISTINGS, Organisation, User
from market.models.memberships import ROLES
from market.services.files import storing
from market.services.files.storing import Terms
from market.services.listings import listings
from market.services.rights import people
from market.services.rights.access import SYSTEM
from market.services.telling import endpoints
from schemas.base import pointers
from schemas.quick import loader
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


@dataclass
class Loaded:
    """What became of a file."""

    created: int = 0
    changed: int = 0
    unchanged: int = 0
    refusals: list[Refusal] = field(default_factory=list)

    def add(self, other: Loaded) -> None:
        """Count what became of a batch, and keep what it refused."""
        self.created += other.created
        self.changed += other.changed
        self.unchanged += other.unchanged
        self.refusals += other.refusals

    def refuse(self, line: int, errors: dict[str, list[str]]) -> None:
        """Note each message of a row."""
        self.refusals += [Refusal(line, pointer, str(text)) for pointer, texts in errors.items() for text in texts]


def parse(kind: str, lines: Iterable[bytes], loaded: Loaded) -> Iterator[Row]:
    """The rows of an NDJSON file that pass their schema; the others are noted in `loaded`."""
    load = loader(ROWS[kind]())
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        if len(line) > LONGEST_LINE:
            loaded.refuse(number, {"": [f"A row may have {LONGEST_LINE} bytes, this one has {len(line)}."]})
            continue
        try:
            yield Row(number, load(orjson.loads(line)))
        except orjson.JSONDecodeError as error:
            loaded.refuse(number, {"": [f"Not JSON: {error}."]})
        except ValidationError as error:
            loaded.refuse(number, pointers(error.messages))


def store(session: Session, kind: str, rows: Sequence[Row], *, now: datetime) -> Loaded:
    """Insert or bring up to date, by key. Raises what the database does not take; load rows singly to learn which.

    May be repeated: a row that has not changed is left as it is. Listings are published at once, as theirs
    is the word of whoever runs the exchange.
    """
    loaded = Loaded()
    if kind in ("organisations", "users"):
        held = _by_key(session, Organisation, [row.data.get("organisation") for row in rows])
        _store_parties(session, kind, rows, {key: one.id for key, one in held.items()}, loaded, now=now)
        return loaded
    outcome = storing.store(session, LISTINGS[kind.removesuffix("s")], rows, Terms(SYSTEM), now=now)
    loaded.created, loaded.changed, loaded.unchanged = outcome.created, outcome.changed, outcome.unchanged
    for fault in outcome.faults:
        loaded.refuse(fault.line, {fault.column: [fault.message]})
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
    homes: dict[str, tuple[uuid.UUID, tuple[str, ...]]] = {}
    for row in rows:
        data = dict(row.data)
        data["external_key"] = data.pop("key")
        organisation, there = data.pop("organisation", None), ()
        if organisation:
            there = tuple(role for role in data["roles"] if role in ROLES)
            data["roles"] = [role for role in data["roles"] if role not in there]
            homes[data["external_key"]] = (_known(organisations, organisation, "/organisation"), there)
        party = known.get(data["external_key"])
        if model is User:  # the word of whoever runs the exchange: the address is theirs
            data["email_verified_at"] = _confirmed(party, data["email"]) or now
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
        users = _by_key(session, User, [row.data["key"] for row in rows])
        people.join(session, {users[key].id: home for key, home in homes.items()}, now=now)
        endpoints.of_users(session, [one.id for one in users.values()], mail=True, now=now)


def _confirmed(party: Organisation | User | None, email: str) -> datetime | None:
    return party.email_verified_at if isinstance(party, User) and party.email == email else None


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
