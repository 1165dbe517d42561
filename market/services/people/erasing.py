"""Erasure of a person: every row of theirs, their contact in what stays, and the jobs that are about them.

What refers to an account is found in the tables' own foreign keys, so that a new table cannot be forgotten. What is
left, and where, is said by surviving.py.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Table, or_
from sqlalchemy import select as select_columns
from sqlmodel import Session, col, delete, func, select, update
from sqlmodel.sql.expression import SelectOfScalar

from market.db import dialect_of, rows_touched
from market.errors import NotFound
from market.models import (
    LISTINGS,
    METADATA,
    ApiKey,
    Claim,
    Endpoint,
    Expert,
    IdempotentAnswer,
    Import,
    Invitation,
    Job,
    Listing,
    ListingVersion,
    Membership,
    Signature,
    Usage,
    User,
)
from market.outbox import JobName, enqueue
from market.services.people import accounts, surviving
from market.services.people.surviving import Subject
from market.services.rights import turns
from market.services.rights.access import Principal
from market.services.trail import audit


@dataclass
class Erased:
    """What was done: rows by table that are gone, that were changed; and what is now nobody's."""

    subject: Subject
    gone: dict[str, int] = field(default_factory=dict)
    changed: dict[str, int] = field(default_factory=dict)
    headless: list[str] = field(default_factory=list)  # organisations left without an administrator

    def count(self, counts: dict[str, int], table: str, rows: int) -> None:
        """Add to one of the two."""
        if rows:
            counts[str(table)] = counts.get(table, 0) + rows


def erase(session: Session, actor: Principal, user: User, *, now: datetime) -> Erased:
    """Erase a person, at once and for good. The audit trail keeps the account's id, which from then on leads nowhere.
    What is others' is changed only where it is known to be about this account, never because a text has their name in
    it: a name is chosen, and may be any text. Raises Conflict for the only administrator, NotFound for whoever
    has just been erased."""
    if turns.take_last_turn_of(session, user.id) is None:
        raise NotFound(noun="account", id=str(user.id))
    if user.active:
        accounts.require_not_last(session, user)
    phones = frozenset(found["contact_phone"] for _, found in _contacts(session, user) if "contact_phone" in found)
    erased = Erased(Subject(user.id, user.email, user.name, phones))
    erased.headless = list(_headless(session, user))
    _profiles(session, user, erased, now)
    contacts = list(_contacts(session, user))  # those of a profile are gone with it
    _empty(session, contacts, erased, now)
    for noun, count in accounts.hand_over(session, user.id, now=now).items():
        erased.count(erased.changed, f"{noun}s", count)
    _jobs(session, user, [_key(row) for row, _ in contacts], erased)
    _records(session, user, erased)
    session.flush()
    session.expire_all()
    _rows_of(session, user.id, erased)
    audit.record(session, actor, "erase", ("account", erased.subject.user_id), now=now)
    return erased


def _headless(session: Session, user: User) -> Iterator[str]:
    """Organisations of which nobody else is administrator."""
    for mine in session.exec(select(Membership).where(Membership.user_id == user.id)):
        others = session.exec(
            select(Membership.roles).where(
                Membership.organisation_id == mine.organisation_id, Membership.user_id != user.id
            )
        )
        if "organisation_admin" in mine.roles and not any("organisation_admin" in roles for roles in others):
            yield str(mine.organisation_id)


def _profiles(session: Session, user: User, erased: Erased, now: datetime) -> None:
    """Their own profile as an expert goes, with everything that hangs on it."""
    approved = select(Claim.listing_id).where(
        Claim.claimant_id == user.id, Claim.noun == "expert", Claim.state == "approved"
    )
    own: list[ColumnElement[bool]] = [col(Expert.id).in_(approved)]
    if user.name:
        own += [col(Expert.name_zh) == user.name, func.lower(col(Expert.name_en)) == user.name.lower()]
    if user.orcid:
        own.append(col(Expert.orcid) == user.orcid)
    ids = session.exec(select(Expert.id).where(Expert.owner_id == user.id, or_(*own))).all()
    if not ids:
        return
    for table, condition in _about_listings(ids):
        gone = session.execute(table.delete().where(condition))
        erased.count(erased.gone, table.name, rows_touched(gone))
    erased.count(
        erased.gone, "signatures", rows_touched(session.execute(delete(Signature).where(_of(Signature, ids))))
    )
    _cascade(session, METADATA.tables["experts"], METADATA.tables["experts"].c.id.in_(ids), erased.gone)
    enqueue(session, JobName.INDEX, [f"expert:{one}" for one in ids], now=now)


def _of(model: Any, ids: Any) -> ColumnElement[bool]:
    return col(model.listing_id).in_(ids)


def _about_listings(ids: Any) -> Iterator[tuple[Table, ColumnElement[bool]]]:
    """The tables that name a listing by noun and id, without a foreign key; the trail stays."""
    for table in METADATA.sorted_tables:
        named = {"noun", "listing_id"} <= {*table.c.keys()} and table.name != "signatures"
        if named or table.name == "notifications":
            yield table, table.c.listing_id.in_(ids)


Contact = tuple[Listing | ListingVersion, dict[str, str]]
"""What names them as a contact, and the fields that do, as they stand."""


def _contacts(session: Session, user: User) -> Iterator[Contact]:
    """Where they are the contact: of listings, and of what these said before."""
    mail = user.email.lower()
    owned = [select(model.id).where(col(model.owner_id) == user.id) for model in LISTINGS.values()]
    for model in LISTINGS.values():
        named = or_(col(model.owner_id) == user.id, func.lower(col(model.contact_email)) == mail)
        for listing in session.exec(select(model).where(named)).unique():
            if found := _named(vars(listing), user, own=listing.owner_id == user.id):
                yield listing, found
    theirs = or_(*(col(ListingVersion.listing_id).in_(ids) for ids in owned))
    versions = select(ListingVersion, theirs.label("own")).where(
        or_(theirs, func.lower(col(ListingVersion.content)["contact_email"].as_string()) == mail)
    )
    for version, own in session.execute(versions):
        if found := _named(version.content, user, own=bool(own)):
            yield version, found


def _named(values: Mapping[str, Any], user: User, *, own: bool) -> dict[str, str]:
    """The contact fields that are theirs: by an address that they have shown to be theirs; in what they own by their
    name, too. A telephone number is whose the address or the name beside it is."""
    shown = own or user.email_verified_at is not None
    mail = shown and str(values.get("contact_email", "")).lower() == user.email.lower()
    name = (own or mail) and bool(user.name) and values.get("contact_name") == user.name
    found = {"contact_email": mail, "contact_name": name, "contact_phone": mail or name}
    return {field: str(values[field]) for field, theirs in found.items() if theirs and values.get(field)}


def _empty(session: Session, contacts: Sequence[Contact], erased: Erased, now: datetime) -> None:
    for row, found in contacts:
        emptied = dict.fromkeys(found, "")
        if isinstance(row, ListingVersion):
            row.content = {**row.content, **emptied}
        else:
            for name, value in emptied.items():
                setattr(row, name, value)
            row.version, row.updated_at = row.version + 1, now
            enqueue(session, JobName.INDEX, [_key(row)], now=now)
        session.add(row)
        erased.count(erased.changed, str(row.__tablename__), 1)


def _key(row: Listing | ListingVersion) -> str:
    """What jobs call the listing."""
    return f"{row.noun}:{row.listing_id}" if isinstance(row, ListingVersion) else f"{row.NOUN}:{row.id}"


def _jobs(session: Session, user: User, about: Sequence[str], erased: Erased) -> None:
    """What the queue was to do for them; who asked for what else it does; errors that quote what is now emptied."""
    endpoints = session.exec(select(Endpoint.id).where(Endpoint.user_id == user.id))
    theirs = col(Job.key).in_([str(user.id), *map(str, endpoints)])
    erased.count(erased.gone, "jobs", rows_touched(session.execute(delete(Job).where(theirs))))
    asked = update(Job).where(col(Job.payload)["by"].as_string() == str(user.id)).values(payload={})
    quoted = update(Job).where(col(Job.key).in_(about), col(Job.error) != "").values(error="")
    for change in (asked, quoted):
        erased.count(erased.changed, "jobs", rows_touched(session.execute(change)))


def _records(session: Session, user: User, erased: Erased) -> None:
    """Answers to them that are kept for a day, and to others that name their address; how much they have asked; the
    names of their files; invitations of theirs. Whom somebody has invited whose address they never showed to be
    theirs may yet come."""
    subjects = [f"user:{user.id}", *(f"key:{one}" for one in session.exec(_keys_of(user)))]
    invited = func.lower(col(Invitation.email)) == user.email.lower()
    if user.email_verified_at is None:
        invited &= col(Invitation.accepted_at).is_not(None)
    for model, condition in (
        (IdempotentAnswer, col(IdempotentAnswer.caller) == str(user.id)),
        (Usage, col(Usage.subject).in_(subjects)),
        (Invitation, invited),
    ):
        gone = session.execute(delete(model).where(condition).execution_options(synchronize_session=False))
        erased.count(erased.gone, str(model.__tablename__), rows_touched(gone))
    if user.email_verified_at is not None:
        _answers_naming(session, user.email, erased)
    files = update(Import).where(col(Import.user_id) == user.id, col(Import.name) != "").values(name="")
    erased.count(erased.changed, "imports", rows_touched(session.execute(files)))


def _answers_naming(session: Session, mail: str, erased: Erased) -> None:
    """Answers to others that are kept for a day and have this address in them, whole and not as a part of another."""
    whole = re.compile(rf"(?<![\w.+-]){re.escape(mail)}(?![\w-]|\.\w)", re.IGNORECASE)
    rows = select(IdempotentAnswer).where(
        surviving.bytes_hold(col(IdempotentAnswer.body), [mail], dialect_of(session))
    )
    for one in session.exec(rows).all():
        if whole.search(one.body.decode(errors="replace")):
            session.delete(one)
            erased.count(erased.gone, "idempotent_answers", 1)


def _keys_of(user: User) -> SelectOfScalar[uuid.UUID]:
    return select(ApiKey.id).where(ApiKey.user_id == user.id)


def _rows_of(session: Session, user_id: uuid.UUID, erased: Erased) -> None:
    """The account itself, and what refers to it: deleted with it, or kept without saying whose it was."""
    users = METADATA.tables["users"]
    for table in METADATA.sorted_tables:
        for key in table.foreign_keys:
            if key.column.table is users and key.ondelete == "SET NULL":
                nobodys = update(table).where(key.parent == user_id).values({key.parent: None})
                erased.count(erased.changed, table.name, rows_touched(session.execute(nobodys)))
    _cascade(session, users, users.c.id == user_id, erased.gone)


def _cascade(session: Session, table: Table, condition: ColumnElement[bool], gone: dict[str, int]) -> None:
    """Delete rows, and before them what would go with them: so that each is counted."""
    for other in METADATA.sorted_tables:
        for key in other.foreign_keys:
            if key.column.table is table and key.ondelete == "CASCADE":
                _cascade(session, other, key.parent.in_(select_columns(key.column).where(condition)), gone)
    count = rows_touched(session.execute(delete(table).where(condition)))
    if count:
        gone[str(table.name)] = gone.get(table.name, 0) + count
