"""API keys: their form, their life, and that only a hash is kept."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlmodel import Session, select

from market.errors import NotFound, Unauthenticated
from market.models import ApiKey, User
from market.runtime import Runtime
from market.services.people import keys
from tests.factories import Person, SettableClock, add_key, add_member, member_of

FORM = re.compile(r"qiao_[0-9A-Za-z]{36}")


@pytest.fixture
def person(runtime: Runtime) -> Person:
    """A member with a key."""
    return add_member(runtime)


def accepted(runtime: Runtime, key: str) -> bool:
    with runtime.db.reading() as session:
        try:
            keys.authenticate(session, key, now=runtime.clock())
        except Unauthenticated:
            return False
    return True


def test_a_key_is_a_prefix_with_thirty_random_and_six_check_characters(person: Person) -> None:
    assert FORM.fullmatch(person.key)


def test_a_key_speaks_for_its_user(runtime: Runtime, person: Person) -> None:
    with runtime.db.reading() as session:
        principal, _ = keys.authenticate(session, person.key, now=runtime.clock())
    assert principal == replace(member_of(person.organisation_id, person.id), confirmed=True)


def test_no_two_keys_are_alike(runtime: Runtime, person: Person) -> None:
    assert len({add_key(runtime, person) for _ in range(50)}) == 50


def test_only_the_hash_is_kept(runtime: Runtime, person: Person) -> None:
    with runtime.db.reading() as session:
        row = session.exec(select(ApiKey)).one()
    kept = " ".join(str(value) for value in row.model_dump().values())
    assert person.key not in kept
    assert person.key.removeprefix(keys.PREFIX)[4:] not in kept
    assert re.fullmatch(r"[0-9a-f]{64}", row.digest)


def test_nothing_on_disk_holds_the_key(runtime: Runtime, person: Person) -> None:
    files = [path for path in Path(runtime.settings.data).rglob("*") if path.is_file()]
    assert files
    assert not any(person.key.encode() in path.read_bytes() for path in files)


@pytest.mark.parametrize("position", [5, 20, 34, 35, 40])
def test_a_mistyped_key_fails_its_check(runtime: Runtime, person: Person, position: int) -> None:
    other = "a" if person.key[position] != "a" else "b"
    assert not accepted(runtime, person.key[:position] + other + person.key[position + 1 :])


class NoDatabase(Session):
    """Fails when it is asked anything."""

    def exec(self, *_: object, **__: object) -> None:  # type: ignore[override]
        raise AssertionError("asked the database")


def test_a_mistyped_key_is_refused_without_asking_the_database(person: Person) -> None:
    swapped = person.key[:10] + person.key[11] + person.key[10] + person.key[12:]
    if swapped == person.key:
        swapped = person.key[:-1] + ("a" if person.key[-1] != "a" else "b")
    with pytest.raises(Unauthenticated):
        keys.authenticate(NoDatabase(), swapped, now=SettableClock()())


@given(st.text(max_size=60))
def test_any_other_text_is_refused_without_asking_the_database(text: str) -> None:
    with pytest.raises(Unauthenticated):
        keys.authenticate(NoDatabase(), text, now=SettableClock()())


@given(st.text(max_size=36))
def test_any_other_text_with_the_prefix_is_refused(text: str) -> None:
    with pytest.raises(Unauthenticated):
        keys.authenticate(NoDatabase(), keys.PREFIX + text, now=SettableClock()())


def test_a_well_formed_key_that_was_never_given_out_is_refused(runtime: Runtime, person: Person) -> None:
    with runtime.db.writing() as session:
        user = session.get_one(User, person.id)
        never, row = keys.create(session, user, now=runtime.clock())
        session.expunge(row)
    assert not accepted(runtime, never)


def test_a_key_is_good_until_it_expires(runtime: Runtime, person: Person, clock: SettableClock) -> None:
    key = add_key(runtime, person, expires_at=clock() + timedelta(days=1))
    assert accepted(runtime, key)
    clock.advance(days=1)
    assert not accepted(runtime, key)


def test_a_revoked_key_is_refused_at_once(runtime: Runtime, person: Person) -> None:
    with runtime.db.writing() as session:
        keys.revoke(session, person.key[:9], now=runtime.clock())
    assert not accepted(runtime, person.key)


def test_revoking_one_key_leaves_the_others(runtime: Runtime, person: Person) -> None:
    other = add_key(runtime, person)
    with runtime.db.writing() as session:
        keys.revoke(session, person.key[:9], now=runtime.clock())
    assert accepted(runtime, other)


def test_a_key_can_be_revoked_by_its_id(runtime: Runtime, person: Person) -> None:
    with runtime.db.writing() as session:
        row = session.exec(select(ApiKey)).one()
        keys.revoke(session, str(row.id), now=runtime.clock())
    assert not accepted(runtime, person.key)


def test_revoking_what_is_not_there_is_said(runtime: Runtime, person: Person) -> None:
    with runtime.db.writing() as session, pytest.raises(NotFound):
        keys.revoke(session, "qiao_none", now=runtime.clock())


def test_a_key_of_somebody_who_left_is_refused(runtime: Runtime, person: Person) -> None:
    with runtime.db.writing() as session:
        session.get_one(User, person.id).active = False
    assert not accepted(runtime, person.key)


def test_the_last_use_is_noted_once_an_hour(runtime: Runtime, person: Person, clock: SettableClock) -> None:
    def unnoted() -> bool:
        with runtime.db.reading() as session:
            return keys.use_unnoted(session.exec(select(ApiKey)).one(), now=clock())

    assert unnoted()
    with runtime.db.writing() as session:
        keys.note_use(session, session.exec(select(ApiKey)).one(), now=clock())
    assert not unnoted()
    clock.advance(hours=1, seconds=1)
    assert unnoted()
