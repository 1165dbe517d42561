"""The audit trail: entries in the deed's transaction, sealed into a chain, and nothing in it can change unnoticed."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import structlog
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from sqlalchemy import JSON, String, cast, delete, insert, literal, update
from sqlalchemy.exc import DBAPIError
from sqlmodel import Session, col, select
from structlog.testing import LogCapture

from market.models import AuditEntry, AuditSeal
from market.models.base import new_id
from market.runtime import Runtime
from market.services.rights.access import Principal
from market.services.trail import audit, sealing, verifying
from market.services.trail.audit import Deed
from tests.factories import SettableClock

ENTRIES = 7
TABLES = ("audit_entries", "audit_seals")

pytestmark = pytest.mark.usefixtures("runtime")


def recorded(runtime: Runtime, count: int = ENTRIES) -> list[uuid.UUID]:
    """So many entries; gives their subjects."""
    subjects = [uuid.uuid4() for _ in range(count)]
    actor = Principal(user_id=uuid.uuid4(), roles=frozenset({"member"}))
    with runtime.db.writing() as session:
        deeds = [Deed("change", ("outcome", one), {"fields": ["trl"], "n": n}) for n, one in enumerate(subjects)]
        audit.record_all(session, actor, deeds, now=runtime.clock())
    return subjects


def sealed(runtime: Runtime, *, whole: bool = False) -> bool:
    """What the job does."""
    with runtime.db.reading() as session:
        made = sealing.make(session, now=runtime.clock(), whole=whole)
    with runtime.db.writing() as session:
        return sealing.keep(session, made)


def verdict(runtime: Runtime, **options: Any) -> verifying.Verdict:
    with runtime.db.reading() as session:
        return verifying.verify(session, **options)


@contextmanager
def around_the_triggers(runtime: Runtime) -> Iterator[Session]:
    """What only the owner of the tables can do. Nothing of it is kept."""
    with runtime.db.writing() as session:
        run = session.connection().exec_driver_sql
        if runtime.db.dialect == "sqlite":
            for (name,) in run("SELECT name FROM sqlite_master WHERE type = 'trigger'").all():
                run(f"DROP TRIGGER {name}")
        else:
            for table in TABLES:
                run(f"ALTER TABLE {table} DISABLE TRIGGER USER")
        yield session
        session.rollback()


@contextmanager
def logged() -> Iterator[list[Any]]:
    """The lines that are logged meanwhile."""
    before, capture = structlog.get_config(), LogCapture()
    structlog.configure(processors=[capture], wrapper_class=structlog.make_filtering_bound_logger(0))
    try:
        yield capture.entries
    finally:
        structlog.configure(**before)


def fault_after(runtime: Runtime, *statements: Any) -> verifying.Fault:
    """What a walk finds once these were done."""
    with around_the_triggers(runtime) as session:
        for statement in statements:
            session.connection().execute(statement)
        found = verifying.verify(session).fault
    assert found is not None
    return found


TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=20)
MOMENTS = st.integers(0, 2**31).map(lambda second: datetime.fromtimestamp(second, UTC))
VALUES: dict[str, st.SearchStrategy[Any]] = {
    "id": st.uuids(),
    "created_at": MOMENTS,
    "actor_kind": st.sampled_from(["user", "system", "visitor"]),
    "actor_id": st.none() | st.uuids(),
    "action": TEXTS,
    "noun": TEXTS,
    "subject_id": st.uuids(),
    "details": st.dictionaries(TEXTS, TEXTS | st.integers(-(2**40), 2**40) | st.booleans(), max_size=2),
    "request_id": TEXTS,
}
SEAL_VALUES: dict[str, st.SearchStrategy[Any]] = {
    "position": st.integers(-100, 100),
    "entry_id": st.uuids(),
    "sealed_at": MOMENTS,
    "hash": st.text("0123456789abcdef", min_size=64, max_size=64) | TEXTS,
}
CHANGES = st.one_of(
    *(st.tuples(st.just(AuditEntry), st.just(name), values) for name, values in VALUES.items()),
    *(st.tuples(st.just(AuditSeal), st.just(name), values) for name, values in SEAL_VALUES.items()),
)


@pytest.fixture
def chain(runtime: Runtime) -> list[tuple[AuditEntry, AuditSeal]]:
    """Some sealed entries, in the order of their seals."""
    recorded(runtime)
    assert sealed(runtime)
    with runtime.db.reading() as session:
        query = select(AuditEntry, AuditSeal).where(AuditEntry.id == AuditSeal.entry_id)
        return [(entry, seal) for entry, seal in session.exec(query.order_by(col(AuditSeal.position)))]


@pytest.mark.long
@hypothesis_settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(place=st.integers(0, ENTRIES - 1), change=CHANGES)
def test_any_change_of_any_column_is_found(
    runtime: Runtime, chain: list[tuple[AuditEntry, AuditSeal]], place: int, change: tuple[Any, str, Any]
) -> None:
    model, name, value = change
    entry, seal = chain[place]
    row: Any = entry if model is AuditEntry else seal
    taken = (
        {getattr(one, name) for pair in chain for one in pair if isinstance(one, model)} if name != "details" else ()
    )
    if getattr(row, name) == value or (name in ("position", "entry_id", "id") and value in taken):
        return
    key = col(AuditEntry.id) == entry.id if model is AuditEntry else col(AuditSeal.position) == seal.position
    found = fault_after(runtime, update(model).where(key).values({name: value}))
    if name == "position":
        assert found.kind in ("missing", "inserted")
        assert found.position in (seal.position, value)
    else:
        assert (found.position, found.kind) == (seal.position, "missing" if name in ("id", "entry_id") else "altered")


@pytest.mark.parametrize("place", [0, 3, ENTRIES - 1])
def test_a_deleted_entry_is_named(runtime: Runtime, chain: list[tuple[AuditEntry, AuditSeal]], place: int) -> None:
    gone = chain[place][0].id
    found = fault_after(runtime, delete(AuditEntry).where(col(AuditEntry.id) == gone))
    assert (found.kind, found.position, found.entry_id) == ("missing", place + 1, gone)


def test_a_deleted_seal_is_found(runtime: Runtime, chain: list[tuple[AuditEntry, AuditSeal]]) -> None:
    found = fault_after(runtime, delete(AuditSeal).where(col(AuditSeal.position) == 3))
    assert (found.kind, found.position) == ("missing", 3)


def test_a_seal_put_in_between_is_found(runtime: Runtime, chain: list[tuple[AuditEntry, AuditSeal]]) -> None:
    moved = [
        update(AuditSeal).where(col(AuditSeal.position) == place).values(position=place + 1)
        for place in range(ENTRIES, 3, -1)
    ]
    new = {
        "id": new_id(), "created_at": chain[0][0].created_at, "actor_kind": "system", "action": "approve",
        "noun": "outcome", "subject_id": uuid.uuid4(), "details": {}, "request_id": "",
    }  # fmt: skip
    put_in = {"position": 4, "entry_id": new["id"], "sealed_at": chain[0][1].sealed_at, "hash": "0" * 64}
    found = fault_after(runtime, *moved, insert(AuditEntry).values(**new), insert(AuditSeal).values(**put_in))
    assert (found.kind, found.position, found.entry_id) == ("altered", 4, new["id"])


def test_swapped_entries_are_found(runtime: Runtime, chain: list[tuple[AuditEntry, AuditSeal]]) -> None:
    (first, _), (second, _), spare = chain[2], chain[5], uuid.uuid4()
    steps = [(first.id, spare), (second.id, first.id), (spare, second.id)]
    found = fault_after(
        runtime, *(update(AuditEntry).where(col(AuditEntry.id) == old).values(id=new) for old, new in steps)
    )
    assert (found.kind, found.position) == ("altered", 3)


def test_an_entry_sealed_again_is_found_where_nothing_refuses_it(
    runtime: Runtime, chain: list[tuple[AuditEntry, AuditSeal]]
) -> None:
    entry, last = chain[1][0], chain[-1][1]
    with around_the_triggers(runtime) as session:
        run = session.connection().exec_driver_sql
        if runtime.db.dialect == "postgresql":
            run("ALTER TABLE audit_seals DROP CONSTRAINT uq_audit_seals_entry_id")
        else:
            run("CREATE TABLE copied AS SELECT * FROM audit_seals")
            run("DROP TABLE audit_seals")
            run("ALTER TABLE copied RENAME TO audit_seals")
        fields = session.connection().execute(select(*sealing.ENTRY).where(col(AuditEntry.id) == entry.id)).one()
        good = sealing.hash_of(last.hash, ENTRIES + 1, last.sealed_at, fields)
        again = {"position": ENTRIES + 1, "entry_id": entry.id, "sealed_at": last.sealed_at, "hash": good}
        session.connection().execute(insert(AuditSeal).values(**again))
        found = verifying.verify(session).fault
    assert found is not None
    assert (found.kind, found.entry_id) == ("doubled", entry.id)


def test_values_that_cannot_be_read_are_found(runtime: Runtime, chain: list[tuple[AuditEntry, AuditSeal]]) -> None:
    if runtime.db.dialect == "postgresql":
        pytest.skip("PostgreSQL's columns refuse them")
    for change in ("created_at = 'yesterday'", "details = '{'", "actor_id = 'nobody'"):
        with around_the_triggers(runtime) as session:
            session.connection().exec_driver_sql(
                f"UPDATE audit_entries SET {change} WHERE id = '{chain[3][0].id.hex}'"
            )
            found = verifying.verify(session)
        assert found.fault is not None
        assert (found.fault.kind, found.fault.position, found.verified) == ("altered", 4, 3)


def test_a_key_put_before_its_like_is_found(runtime: Runtime, chain: list[tuple[AuditEntry, AuditSeal]]) -> None:
    doubled = cast(literal('{"n": 0, ' + json.dumps(chain[3][0].details)[1:], String), JSON)
    with around_the_triggers(runtime) as session:
        session.execute(update(AuditEntry).where(col(AuditEntry.id) == chain[3][0].id).values(details=doubled))
        found = verifying.verify(session).fault
    assert (getattr(found, "kind", ""), getattr(found, "position", 0)) == ("altered", 4)


@pytest.mark.parametrize("table", TABLES)
@pytest.mark.parametrize("deed", ["UPDATE {} SET {} = {}", "DELETE FROM {}"])
def test_the_service_itself_can_neither_change_nor_delete(
    runtime: Runtime, chain: list[tuple[AuditEntry, AuditSeal]], table: str, deed: str
) -> None:
    column = "action" if table == "audit_entries" else "hash"
    with pytest.raises(DBAPIError, match="append-only"), runtime.db.writing() as session:
        session.connection().exec_driver_sql(deed.format(table, column, column))
    assert verdict(runtime).verified == len(chain)


def test_nothing_is_replaced_by_inserting(runtime: Runtime, chain: list[tuple[AuditEntry, AuditSeal]]) -> None:
    replace = "INSERT OR REPLACE" if runtime.db.dialect == "sqlite" else "INSERT"
    for table in TABLES:
        with pytest.raises(DBAPIError), runtime.db.writing() as session:
            session.connection().exec_driver_sql(f"{replace} INTO {table} SELECT * FROM {table}")
    assert verdict(runtime).fault is None
    assert verdict(runtime).verified == len(chain)


def test_a_chain_cut_off_or_written_anew_is_found_by_a_head_kept_elsewhere(
    runtime: Runtime, chain: list[tuple[AuditEntry, AuditSeal]]
) -> None:
    kept = chain[-1][1].hash
    assert verdict(runtime, anchor=kept).fault is None
    recorded(runtime, 2)
    sealed(runtime)
    assert verdict(runtime, anchor=kept).fault is None
    with around_the_triggers(runtime) as session:
        session.connection().execute(delete(AuditSeal).where(col(AuditSeal.position) >= ENTRIES))
        cut = verifying.verify(session, anchor=kept)
        sealing.keep(session, sealing.make(session, now=runtime.clock() + timedelta(seconds=1)))
        anew = verifying.verify(session, anchor=kept)
    assert cut.fault is not None
    assert (cut.fault.kind, cut.verified, cut.unsealed) == ("head-not-found", ENTRIES - 1, 3)
    assert anew.fault is not None
    assert (anew.fault.kind, anew.verified) == ("head-not-found", ENTRIES + 2)


def test_a_walk_can_begin_anywhere_in_the_chain(runtime: Runtime, chain: list[tuple[AuditEntry, AuditSeal]]) -> None:
    assert verdict(runtime, start=5).verified == ENTRIES - 4
    beyond = verdict(runtime, start=ENTRIES + 3)
    assert beyond.fault is not None
    assert beyond.fault.kind == "missing"


def test_of_two_sealers_at_once_one_seals(runtime: Runtime) -> None:
    recorded(runtime)
    with runtime.db.reading() as session:
        first = sealing.make(session, now=runtime.clock())
        second = sealing.make(session, now=runtime.clock())
    with runtime.db.writing() as session:
        assert sealing.keep(session, first)
    with runtime.db.writing() as session:
        assert not sealing.keep(session, second)
    found = verdict(runtime)
    assert (found.fault, found.verified, found.unsealed) == (None, ENTRIES, 0)


def test_long_trails_are_sealed_a_part_at_a_time(runtime: Runtime) -> None:
    recorded(runtime, 10)
    full = []
    for _ in range(3):
        with runtime.db.reading() as session:
            made = sealing.make(session, now=runtime.clock(), limit=4)
        full.append(made.full)
        with runtime.db.writing() as session:
            assert sealing.keep(session, made)
    assert full == [True, True, False]
    assert verdict(runtime).verified == 10


def test_an_entry_much_older_than_the_last_seal_is_sealed_by_the_look_at_everything(runtime: Runtime) -> None:
    recorded(runtime, 1)
    sealed(runtime)
    old = uuid.UUID(int=(new_id().int >> 80) - 3_600_000 << 80)
    with runtime.db.writing() as session:
        values = {"actor_kind": "system", "action": "create", "noun": "outcome", "subject_id": old, "details": {}}
        session.add(AuditEntry(id=old, created_at=runtime.clock(), **values))
    sealed(runtime)
    assert verdict(runtime).unsealed == 1
    sealed(runtime, whole=True)
    found = verdict(runtime)
    assert (found.fault, found.verified, found.unsealed) == (None, 2, 0)


def test_entries_without_any_seal_are_not_good(runtime: Runtime, chain: list[tuple[AuditEntry, AuditSeal]]) -> None:
    found = fault_after(runtime, delete(AuditSeal))
    assert (found.kind, found.position) == ("missing", 1)
    with around_the_triggers(runtime) as session:
        for table in (AuditSeal, AuditEntry):
            session.connection().execute(delete(table))
        nothing = verifying.verify(session)
        anchored = verifying.verify(session, anchor=chain[-1][1].hash)
    assert (nothing.fault, nothing.verified) == (
        None,
        0,
    )  # as where nothing has happened yet: a head tells them apart
    assert anchored.fault is not None


def test_only_a_head_kept_elsewhere_anchors_the_chain(
    runtime: Runtime, chain: list[tuple[AuditEntry, AuditSeal]]
) -> None:
    heads = ("", sealing.GENESIS, chain[-1][1].hash, "0" * 64)
    assert [verdict(runtime, anchor=head).anchored for head in heads] == [False, False, True, False]


@pytest.mark.parametrize("forged", ["both", "id", "created_at"])
def test_what_is_put_in_as_if_it_had_been_done_long_ago_is_suspicious(runtime: Runtime, forged: str) -> None:
    recorded(runtime)
    sealed(runtime)
    assert verdict(runtime).late == 0
    long_ago = runtime.clock() - timedelta(hours=1, seconds=2)
    old = uuid.UUID(int=(int(long_ago.timestamp() * 1000) << 80) | new_id().int & (1 << 80) - 1)
    values = {"actor_kind": "system", "action": "approve", "noun": "outcome", "subject_id": old, "details": {}}
    with runtime.db.writing() as session:
        identity = new_id() if forged == "created_at" else old
        moment = runtime.clock() if forged == "id" else long_ago
        session.add(AuditEntry(id=identity, created_at=moment, **values))
    sealed(runtime, whole=True)
    found = verdict(runtime)
    assert (found.fault, found.late) == (None, 1)
    assert [(one.position, one.entry_id) for one in found.first_late] == [(ENTRIES + 1, identity)]
    assert 3600 < found.first_late[0].seconds < 3610


@pytest.mark.parametrize("server", ["postgresql"], indirect=True)
def test_what_is_committed_late_is_sealed_later(runtime: Runtime) -> None:
    actor = Principal(user_id=uuid.uuid4())
    early, late = uuid.uuid4(), uuid.uuid4()
    with runtime.db.writing() as slow:
        audit.record(slow, actor, "create", ("outcome", late), now=runtime.clock())
        with runtime.db.writing() as quick:
            audit.record(quick, actor, "create", ("outcome", early), now=runtime.clock())
        assert sealed(runtime)
        assert verdict(runtime).verified == 1
    assert sealed(runtime)
    with runtime.db.reading() as session:
        query = select(AuditEntry.subject_id).where(AuditEntry.id == AuditSeal.entry_id)
        assert session.exec(query.order_by(col(AuditSeal.position))).all() == [early, late]
    assert verdict(runtime).fault is None


def test_the_worker_seals_every_ten_seconds_and_logs_the_head(
    runtime: Runtime, clock: SettableClock, drain: Callable[[], int]
) -> None:
    drain()
    recorded(runtime)
    drain()
    assert verdict(runtime).unsealed == ENTRIES
    clock.advance(seconds=10)
    with logged() as lines:
        drain()
    found = verdict(runtime)
    assert (found.verified, found.unsealed) == (ENTRIES, 0)
    said = [line for line in lines if line["event"] == "audit sealed"]
    assert [(line["position"], line["hash"], line["entries"]) for line in said] == [
        (ENTRIES, found.head.hash, ENTRIES)
    ]


def test_a_head_that_is_not_committed_is_not_logged(runtime: Runtime) -> None:
    recorded(runtime)
    with logged() as lines:
        with suppress(KeyError), runtime.db.writing() as session:
            assert sealing.keep(session, sealing.make(session, now=runtime.clock()))
            raise KeyError
        assert lines == []
        assert sealed(runtime)
        assert [line["position"] for line in lines] == [ENTRIES]
