"""Whose the rows of a file are: the organisations and accounts that they name, found for many rows at once."""

from __future__ import annotations

import re
import unicodedata
import uuid
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlmodel import Session, col, or_

from market.db import among, take_turn
from market.errors import Stale
from market.models import Membership, Organisation, User
from market.models.base import new_id
from market.services.rights.access import Principal
from market.services.rights.principals import DELEGATE
from market.services.trail import audit
from schemas.messages import Message

_CREDIT_CODE = re.compile("[0-9A-Z]{18}")
_BRACKETS = str.maketrans("[]{}〔〕【】", "()()()()")
_CHINESE = re.compile("[\u4e00-\u9fff]")

UNKNOWN = Message(
    "No organisation has this key, credit code or exact name: {name}.",
    "没有编号、统一社会信用代码或全称为“{name}”的机构。",
)
AMBIGUOUS = Message(
    "Several organisations are called {name}; give the key or the credit code.",
    "有多个机构名为“{name}”，请填写编号或统一社会信用代码。",
)
CLOSED = Message("The organisation {name} is closed.", "机构“{name}”已停用。")
NOT_YOURS = Message(
    "This is not the organisation that the import is for; leave the column out, or map it to nothing.",
    "这不是本次导入所属的机构；请去掉该列，或将其映射为空。",
)
MISSING = Message("Name the organisation whose this is.", "请填写所属机构。")
NO_ACCOUNT = Message(
    "No account that may own this has the key or mail address {name}.",
    "没有可作为其所有者、编号或邮箱为“{name}”的账户。",
)

Places = frozenset[uuid.UUID | None] | None
"""The organisations whose listings an account may own; None: any."""


@dataclass(frozen=True, slots=True)
class Party:
    """An organisation, as far as rows are concerned. `id` is None for one that a dry run would make; `name` is what
    that one is then told by."""

    id: uuid.UUID | None
    trusted: bool
    name: str = ""


@dataclass(frozen=True, slots=True)
class Parties:
    """Who is named: organisations and accounts by what rows call them; for what is no one, why."""

    organisations: Mapping[str, Party | Message]
    places: Mapping[str, Places] = field(default_factory=dict)
    accounts: Mapping[str, uuid.UUID] = field(default_factory=dict)

    def owner(self, name: str, organisation_id: uuid.UUID | None) -> uuid.UUID | Message:
        """The account's id, where it may own what is the organisation's."""
        places = self.places.get(name, frozenset())
        if name in self.accounts and (places is None or organisation_id in places):
            return self.accounts[name]
        return NO_ACCOUNT.format(name=_shown(name))


def find(
    session: Session,
    actor: Principal,
    organisations: Collection[str],
    owners: Collection[str],
    *,
    only: uuid.UUID | None,
    create: bool,
    dry_run: bool,
    now: datetime,
) -> Parties:
    """Who is meant. `only`: all is of this organisation, which "" names too, and only its people own anything.
    `create`: organisations that nobody knows are made, but not in a dry run."""
    found = _own(session, organisations, only) if only else _named(session, organisations)
    if create and not only:
        unknown = [name for name in sorted(organisations) if name and name not in found]
        found |= _made(session, actor, unknown, dry_run=dry_run, now=now)
    missing = {name: UNKNOWN.format(name=_shown(name)) if name else MISSING for name in organisations}
    places, accounts = _accounts(session, owners, anywhere=only is None, held=not dry_run, now=now)
    return Parties({**missing, **found}, places, accounts)


def of_ids(session: Session, ids: Collection[uuid.UUID]) -> dict[uuid.UUID, Party | Message]:
    """These organisations; for those that are closed, why not."""
    if not ids:
        return {}
    rows = session.execute(select(*_COLUMNS).where(col(Organisation.id).in_(ids)))
    return {row.id: _one(row.name_zh or row.name_en, [row]) for row in rows}


def hold(session: Session, ids: Collection[uuid.UUID]) -> None:
    """Have whoever closes one of these wait until the transaction ends, and then find what it has stored. Raises
    Stale where one was closed since it was looked up."""
    rows = select(col(Organisation.active)).where(col(Organisation.id).in_(ids)).order_by(col(Organisation.id))
    if not all(session.execute(rows.with_for_update(of=Organisation, read=True)).scalars()):
        raise Stale(given=0, present=0)


def _shown(name: str) -> str:
    return name[:64].replace("{", "").replace("}", "")


_COLUMNS: tuple[Any, ...] = (
    Organisation.id, Organisation.external_key, Organisation.credit_code, Organisation.name_zh,
    Organisation.name_en, Organisation.trusted, Organisation.active,
)  # fmt: skip


def _own(session: Session, names: Collection[str], only: uuid.UUID) -> dict[str, Party | Message]:
    row = session.execute(select(*_COLUMNS).where(col(Organisation.id) == only)).one()
    if not row.active:
        return dict.fromkeys(names, CLOSED.format(name=_shown(row.name_zh or row.name_en)))
    called = ("", row.external_key, row.credit_code, row.name_zh, row.name_en)
    known = {name.casefold() for name in called if name is not None}
    party = Party(row.id, row.trusted)
    return {name: party if name.casefold() in known else NOT_YOURS for name in names}


def _named(session: Session, names: Collection[str]) -> dict[str, Party | Message]:
    """By key, else by credit code, else by name, as long as it is one organisation's."""
    wanted = sorted(name for name in names if name)
    if not wanted:
        return {}
    columns = (Organisation.external_key, Organisation.credit_code, Organisation.name_zh, Organisation.name_en)
    any_of = or_(*(among(session, col(column), wanted) for column in columns))
    rows = session.execute(select(*_COLUMNS).where(any_of).order_by(col(Organisation.id))).all()
    found: dict[str, Party | Message] = {}
    for better in (("name_zh", "name_en"), ("credit_code",), ("external_key",)):
        found |= _by(rows, better, frozenset(wanted))
    return found


def _by(rows: Iterable[Any], columns: tuple[str, ...], wanted: frozenset[str]) -> dict[str, Party | Message]:
    called: dict[str, dict[uuid.UUID, Any]] = {}
    for row in rows:
        for column in columns:
            name = getattr(row, column)
            if name in wanted:
                called.setdefault(name, {})[row.id] = row
    return {name: _one(name, [*meant.values()]) for name, meant in called.items()}


def _one(name: str, meant: list[Any]) -> Party | Message:
    if len(meant) > 1:
        return AMBIGUOUS.format(name=_shown(name))
    return Party(meant[0].id, meant[0].trusted) if meant[0].active else CLOSED.format(name=_shown(name))


def _made(
    session: Session, actor: Principal, names: Collection[str], *, dry_run: bool, now: datetime
) -> dict[str, Party | Message]:
    """Organisations of these names, unless one is there whose name differs only in how it is spelt; what looks like a
    credit code is no name."""
    spelt = {name: _folded(name) for name in names if not _CREDIT_CODE.fullmatch(name)}
    if not spelt:
        return {}
    if not dry_run:
        for folded in sorted({*spelt.values()}):
            take_turn(session, "organisation", folded)
    there = _spelt(session, frozenset(spelt.values()))  # whoever had the turn before may have made it
    for name, folded in spelt.items():
        if folded not in there:
            made = Party(None, trusted=False, name=folded) if dry_run else _make(session, actor, name, now=now)
            there[folded] = made
    return {name: there[folded] for name, folded in spelt.items()}


def _make(session: Session, actor: Principal, name: str, *, now: datetime) -> Party:
    zh, en = (name, "") if _CHINESE.search(name) else ("", name)
    row = Organisation(id=new_id(), created_at=now, kind="other", name_zh=zh, name_en=en)
    session.add(row)
    session.flush()
    audit.record(session, actor, "create", ("organisation", row.id), now=now)
    return Party(row.id, trusted=False)


def _folded(name: str) -> str:
    """A name without what one spells now so, now otherwise: width, case, spaces, the form of brackets."""
    return "".join(unicodedata.normalize("NFKC", name).casefold().split()).translate(_BRACKETS)


def _spelt(session: Session, wanted: frozenset[str]) -> dict[str, Party | Message]:
    """The organisations with these folded names. No database folds as we do, so all are looked through."""
    called: dict[str, dict[uuid.UUID, Any]] = {}
    for row in session.execute(select(*_COLUMNS).order_by(col(Organisation.id))):
        for name in (row.name_zh, row.name_en):
            if name and (folded := _folded(name)) in wanted:
                called.setdefault(folded, {})[row.id] = row
    return {name: _one(name, [*rows.values()]) for name, rows in called.items()}


def _accounts(
    session: Session, names: Collection[str], *, anywhere: bool, held: bool, now: datetime
) -> tuple[dict[str, Places], dict[str, uuid.UUID]]:
    """Open accounts by key or mail address, and where each belongs: not only publishes for others. `held`: who closes
    one, or leaves, waits until the transaction ends."""
    if not names:
        return {}, {}
    wanted = sorted(names)
    of_them = or_(among(session, col(User.external_key), wanted), among(session, col(User.email), wanted))
    account: tuple[Any, ...] = (User.id, User.external_key, User.email)
    those = select(*account).where(of_them, col(User.active)).order_by(col(User.id))
    users = session.execute(those.with_for_update(of=User, read=True) if held else those).all()
    accounts = {name: row.id for row in users for name in (row.email, row.external_key) if name in names}
    if anywhere:
        return dict.fromkeys(accounts), accounts
    membership: tuple[Any, ...] = (Membership.user_id, Membership.organisation_id, Membership.roles)
    there = select(*membership).where(
        col(Membership.user_id).in_(accounts.values()),
        or_(col(Membership.until).is_(None), col(Membership.until) > now),
    )
    belongs: dict[uuid.UUID, set[uuid.UUID | None]] = {}
    for row in session.execute(there):
        if DELEGATE in row.roles:
            continue
        belongs.setdefault(row.user_id, set()).add(row.organisation_id)
    return {name: frozenset(belongs.get(identity, ())) for name, identity in accounts.items()}, accounts
