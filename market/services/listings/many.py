"""Listings created, changed and deleted many at once: what listings.py does with one, in a handful of statements.

Rows are mappings of columns, an expert's with `works` beside them; no objects are made. Who may is asked before.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache
from typing import Any

from sqlalchemy import ColumnElement, Date, Update, bindparam, delete, select, update
from sqlmodel import Session, col

from market.db import append, listed, rows_touched
from market.errors import Stale
from market.models import Expert, Listing, ListingVersion, Report, Review, Work
from market.models.base import new_id
from market.outbox import JobName, enqueue, enqueue_new
from market.services.listings import reviews, rules, versions
from market.services.rights.access import Principal
from market.services.trail import audit
from market.services.trail.audit import Deed

Values = Mapping[str, Any]

WORK = ("kind", "title", "abstract", "year", "identifier")
_BLANK_WORK = {"kind": "paper", "abstract": "", "year": None, "identifier": ""}
_SUBMITTED = "submitted"


@dataclass(frozen=True, slots=True)
class Change:
    """What a listing becomes: `before` are its columns as they stand, `values` the fields that get another value."""

    before: Values
    values: Values
    state: str

    @property
    def version(self) -> int:
        """The one that this makes."""
        return int(self.before["version"]) + 1


@lru_cache
def blank(model: type[Listing]) -> Values:
    """The columns of a listing of which nothing is said yet."""
    asked = {"id", "organisation_id", "created_at", "updated_at"}
    return {name: one.default for name, one in model.model_fields.items() if name not in asked}


@lru_cache
def own_fields(model: type[Listing]) -> tuple[str, ...]:
    """The columns that whoever writes a listing fills."""
    return tuple(name for name in versions.SCHEMAS[model.NOUN]().load_fields if name in model.model_fields)


def load(session: Session, model: type[Listing], wanted: Any, how: ColumnElement[bool]) -> list[dict[str, Any]]:
    """The listings that a table of what is `wanted` joins with, as mappings, in the order of their ids."""
    query = select(*model.__table__.columns).join(wanted, how).order_by(col(model.id))  # type: ignore[attr-defined]
    found = [dict(row) for row in session.connection().execute(query).mappings()]
    if model is Expert:
        works = works_of(session, [row["id"] for row in found])
        for row in found:
            row["works"] = works.get(row["id"], [])
    return found


def works_of(session: Session, ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, list[dict[str, Any]]]:
    """The works of experts, in order."""
    if not ids:
        return {}
    wanted = listed(session, ids)
    columns: tuple[Any, ...] = (Work.expert_id, *(getattr(Work, name) for name in WORK))
    query = select(*columns).join(wanted, col(Work.expert_id) == wanted.c.id)
    query = query.order_by(wanted.c.id, col(Work.position))
    found: dict[uuid.UUID, list[dict[str, Any]]] = {}
    for row in session.connection().execute(query):
        found.setdefault(row.expert_id, []).append(dict(zip(WORK, row[1:], strict=True)))
    return found


def whole_works(works: Sequence[Values]) -> list[dict[str, Any]]:
    """Works with what their rows leave out."""
    return [{**_BLANK_WORK, **work} for work in works]


def create_all(
    session: Session, actor: Principal, model: type[Listing], rows: Sequence[Values], *, now: datetime, **details: Any
) -> None:
    """Insert listings whose every column is given, `works` beside them. `details` go into the audit trail."""
    works = [(row["id"], row["works"]) for row in rows if row.get("works")]
    if model is Expert:
        rows = [{name: value for name, value in row.items() if name != "works"} for row in rows]
    append(session, model, rows)
    _append_works(session, works)
    submitted = [row for row in rows if row["state"] == _SUBMITTED]
    _open_reviews(session, model, [(row["id"], row["organisation_id"], 1) for row in submitted], now=now)
    deeds = [
        Deed("create", (model.NOUN, row["id"]), {"version": 1, "after": row["state"], **details}) for row in rows
    ]
    audit.record_all(session, actor, deeds, now=now)
    enqueue_new(session, JobName.INDEX, [f"{model.NOUN}:{row['id']}" for row in rows], now=now, bulk=True)


def change_all(
    session: Session,
    actor: Principal,
    model: type[Listing],
    changes: Sequence[Change],
    *,
    now: datetime,
    **details: Any,
) -> None:
    """Make the next version of listings, and keep what they said. Raises Stale where one has moved on meanwhile."""
    if not changes:
        return
    changes = sorted(changes, key=lambda one: one.before["id"].int)
    append(
        session,
        ListingVersion,
        [
            versions.row_of(model.NOUN, one.before["id"], one.before["version"], _content(model, one.before), now=now)
            for one in changes
        ],
    )
    rows = [_changed(model, one, now) for one in changes]
    if rows_touched(session.connection().execute(_update(model), rows)) != len(rows):
        raise Stale(given=0, present=0)
    works = [(one.before["id"], one.values["works"]) for one in changes if "works" in one.values]
    _delete(session, Work, Work.expert_id, [identity for identity, _ in works])
    _append_works(session, works)
    _follow(session, actor, model, changes, now=now)
    audit.record_all(session, actor, [_deed(model, one, details) for one in changes], now=now)
    _touch(session, model, [one.before["id"] for one in changes], now=now)


def remove_all(
    session: Session,
    actor: Principal,
    model: type[Listing],
    ids: Sequence[uuid.UUID],
    *,
    now: datetime,
    **details: Any,
) -> None:
    """Delete listings for good, as listings.remove does."""
    if not ids:
        return
    audit.record_all(session, actor, [Deed("delete", (model.NOUN, one), details) for one in ids], now=now)
    for table, column in (
        (Review, Review.listing_id),
        (Report, Report.listing_id),
        (ListingVersion, ListingVersion.listing_id),
        (model, model.id),
    ):
        _delete(session, table, column, ids)
    _touch(session, model, ids, now=now)


def values_of(model: type[Listing], content: Values) -> dict[str, Any]:
    """The fields of a kept version as columns have them, with an expert's works."""
    columns = model.__table__.columns  # type: ignore[attr-defined]  # SQLModel does not declare it
    found: dict[str, Any] = {}
    for name, value in content.items():
        if name in columns:
            dated = isinstance(columns[name].type, Date) and isinstance(value, str)
            found[name] = date.fromisoformat(value) if dated else value
    if model is Expert:
        found["works"] = whole_works(content.get("works", []))
    return found


def _content(model: type[Listing], columns: Values) -> dict[str, Any]:
    return versions.dumped(model.NOUN, columns)


def _changed(model: type[Listing], one: Change, now: datetime) -> dict[str, Any]:
    """The parameters of the UPDATE; every one sets the same columns."""
    before = one.before
    after = {**before, **one.values}
    row = {name: after[name] for name in own_fields(model)}
    row["warned"] = before["warned"] and before[model.EXPIRES] == after[model.EXPIRES]
    row["published_at"] = before["published_at"] or (now if one.state == "published" else None)
    row |= {"state": one.state, "language": rules.language_of(model, after.get), "updated_at": now}
    return {**row, "version": one.version, "that_id": before["id"], "that_version": before["version"]}


@lru_cache
def _update(model: type[Listing]) -> Update:
    columns = (*own_fields(model), "warned", "published_at", "state", "language", "updated_at", "version")
    statement = update(model.__table__).where(  # type: ignore[attr-defined]  # SQLModel does not declare it
        col(model.id) == bindparam("that_id"), col(model.version) == bindparam("that_version")
    )
    made: Update = statement.values({name: bindparam(name) for name in columns})
    return made.execution_options(preserve_rowcount=True)


def _follow(
    session: Session, actor: Principal, model: type[Listing], changes: Sequence[Change], *, now: datetime
) -> None:
    """Reviews follow states, as reviews.follow has it for one."""
    opened = [one for one in changes if one.state == _SUBMITTED != one.before["state"]]
    parties = [(one.before["id"], one.before["organisation_id"], one.version) for one in opened]
    _open_reviews(session, model, parties, now=now)
    waiting = [one for one in changes if one.before["state"] == _SUBMITTED]
    for one in waiting:
        ours = update(Review).where(col(Review.listing_id) == one.before["id"], col(Review.decision) == "")
        if one.state == _SUBMITTED:
            ours = ours.values(listing_version=one.version)
        else:
            ours = ours.values(decision="withdrawn", decided_by=actor.user_id, decided_at=now)
        session.connection().execute(ours)


def _open_reviews(
    session: Session, model: type[Listing], parties: Sequence[tuple[uuid.UUID, uuid.UUID, int]], *, now: datetime
) -> None:
    rows = [
        reviews.row_of(model.NOUN, identity, organisation_id, version=version, now=now)
        for identity, organisation_id, version in parties
    ]
    append(session, Review, rows)


def _deed(model: type[Listing], one: Change, details: Values) -> Deed:
    states = {"before": one.before["state"], "after": one.state} if one.state != one.before["state"] else {}
    told = {"fields": sorted(one.values), "version": one.version, **states, **details}
    return Deed("change", (model.NOUN, one.before["id"]), told)


def _append_works(session: Session, works: Sequence[tuple[uuid.UUID, Sequence[Values]]]) -> None:
    append(
        session,
        Work,
        [
            {"id": new_id(), "expert_id": identity, "position": position, **_BLANK_WORK, **work}
            for identity, each in works
            for position, work in enumerate(each)
        ],
    )


def _delete(session: Session, model: Any, column: Any, ids: Sequence[uuid.UUID]) -> None:
    if ids:
        wanted = listed(session, ids)
        session.connection().execute(delete(model.__table__).where(col(column).in_(select(wanted.c.id))))


def _touch(session: Session, model: type[Listing], ids: Sequence[uuid.UUID], *, now: datetime) -> None:
    enqueue(session, JobName.INDEX, [f"{model.NOUN}:{identity}" for identity in ids], now=now, bulk=True)
