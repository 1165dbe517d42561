"""What a process remembers of listings is what the database has: a change elsewhere is seen at once."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from sqlmodel import col, delete, update

from market.db import Database
from market.matching.likeness import Ready, Scale
from market.matching.signatures import FORMAT, Signature, pack, pack_vectors
from market.models import Signature as Row
from market.runtime import Runtime
from market.services.matching import remembering
from market.services.matching.remembering import Signatures
from tests.matching.makers import EVEN, MODEL, at, speaking_of

pytestmark = pytest.mark.long

SCALE = Scale(EVEN, MODEL)
NEED = speaking_of("防腐涂层起泡", vectors=None, model="")


def row_of(identity: uuid.UUID, signed: Signature, version: int = 1) -> Row:
    return Row(
        listing_id=identity,
        noun=signed.particulars.noun,
        version=version,
        format=FORMAT,
        body=pack(signed),
        digests=b"".join(signed.digests),
        model=signed.model,
        vectors=None if signed.vectors is None else pack_vectors(signed.vectors),
    )


def add(runtime: Runtime, *signed: Signature) -> list[uuid.UUID]:
    ids = [uuid.uuid4() for _ in signed]
    with runtime.db.writing() as session:
        session.add_all([row_of(*one) for one in zip(ids, signed, strict=True)])
    return ids


def read(
    runtime: Runtime, *ids: uuid.UUID, known: Signatures | None = None, scale: Scale = SCALE
) -> list[Ready | None]:
    with runtime.db.reading() as session:
        return (known or runtime.signatures).of(session, ids, scale)


def only(runtime: Runtime, identity: uuid.UUID) -> Ready:
    (found,) = read(runtime, identity)
    assert found is not None
    return found


@pytest.fixture
def elsewhere(runtime: Runtime) -> Iterator[Database]:
    """The same database, as another process has it."""
    database = Database(runtime.db.url)
    yield database
    database.close()


def change(elsewhere: Database, identity: uuid.UUID, **values: Any) -> None:
    with elsewhere.writing() as session:
        session.execute(update(Row).where(col(Row.listing_id) == identity).values(**values))


def test_what_has_not_changed_is_not_read_again(runtime: Runtime) -> None:
    (identity,) = add(runtime, NEED)
    assert only(runtime, identity) is only(runtime, identity)


def test_each_listing_stands_in_its_place_and_nothing_where_there_is_none(runtime: Runtime) -> None:
    one, other = add(runtime, NEED, speaking_of("焊接", model=""))
    for ids in ([one, uuid.uuid4(), other], [other, one, one]):
        known = {one: NEED.bags.keys.tolist(), other: speaking_of("焊接").bags.keys.tolist()}
        for identity, found in zip(ids, read(runtime, *ids), strict=True):
            assert (None if found is None else found.signature.bags.keys.tolist()) == known.get(identity)
    assert read(runtime) == []


def test_a_listing_that_another_process_changes_is_read_again(runtime: Runtime, elsewhere: Database) -> None:
    (identity,) = add(runtime, NEED)
    before = only(runtime, identity)
    changed = replace(NEED, particulars=replace(NEED.particulars, field_code="new_materials"))
    change(elsewhere, identity, version=2, body=pack(changed))
    assert before.signature.particulars == NEED.particulars
    assert only(runtime, identity).signature.particulars == changed.particulars


@pytest.mark.parametrize("model", ["", MODEL])
def test_vectors_that_another_process_makes_are_seen(runtime: Runtime, elsewhere: Database, model: str) -> None:
    (identity,) = add(runtime, replace(NEED, model=model))
    assert only(runtime, identity).signature.vectors is None
    change(elsewhere, identity, model=MODEL, vectors=pack_vectors(at(0)))
    assert np.array_equal(only(runtime, identity).signature.vectors, at(0))


def test_vectors_of_another_model_are_seen(runtime: Runtime, elsewhere: Database) -> None:
    (identity,) = add(runtime, replace(NEED, model=MODEL, vectors=at(0)))
    assert only(runtime, identity).signature.model == MODEL
    change(elsewhere, identity, model="other", vectors=pack_vectors(at(90)))
    found = only(runtime, identity).signature
    assert found.model == "other"
    assert np.allclose(found.vectors, at(90), atol=1e-3)  # type: ignore[arg-type]


def test_vectors_that_were_still_missing_of_some_texts_are_seen(runtime: Runtime, elsewhere: Database) -> None:
    expert = speaking_of("防腐", "焊接", noun="expert", vectors=at(0, 0))
    half = at(0, 0)
    half[1] = 0
    (identity,) = add(runtime, replace(expert, vectors=half))
    assert np.array_equal(only(runtime, identity).signature.vectors, half)
    change(elsewhere, identity, vectors=pack_vectors(at(0, 0)))
    assert np.array_equal(only(runtime, identity).signature.vectors, at(0, 0))


def test_what_another_process_removes_or_writes_in_another_format_is_gone(
    runtime: Runtime, elsewhere: Database
) -> None:
    one, other = add(runtime, NEED, NEED)
    assert all(read(runtime, one, other))
    change(elsewhere, one, format=FORMAT + 1)
    with elsewhere.writing() as session:
        session.execute(delete(Row).where(col(Row.listing_id) == other))
    assert read(runtime, one, other) == [None, None]


def test_a_reader_sees_what_it_saw_at_first_whatever_others_have_read_meanwhile(
    runtime: Runtime, elsewhere: Database
) -> None:
    (identity,) = add(runtime, NEED)
    with runtime.db.reading() as session:
        (before,) = runtime.signatures.of(session, [identity], SCALE)
        change(elsewhere, identity, version=2, body=pack(speaking_of("焊接", model="")))
        after = only(runtime, identity)
        (again,) = runtime.signatures.of(session, [identity], SCALE)
    assert before is not None
    assert again is not None
    assert again.signature.bags.keys.tolist() == before.signature.bags.keys.tolist()
    assert after.signature.bags.keys.tolist() == speaking_of("焊接").bags.keys.tolist()


def test_listings_are_weighed_anew_by_another_scale(runtime: Runtime) -> None:
    (identity,) = add(runtime, NEED)
    first = only(runtime, identity)
    other = Scale(EVEN, MODEL)
    (second,) = read(runtime, identity, scale=other)
    assert second is not None
    assert second.signature is first.signature
    assert second.weighed is not first.weighed


def test_only_so_many_bytes_are_remembered_and_what_was_used_last_stays(runtime: Runtime) -> None:
    ids = add(runtime, *[NEED] * 6)
    known = Signatures()
    read(runtime, ids[0], known=known)
    known = Signatures(most=3 * known.size)
    first, *_ = read(runtime, *ids[:3], known=known)
    assert read(runtime, ids[0], known=known) == [first]
    read(runtime, *ids[3:5], known=known)
    assert read(runtime, ids[0], known=known)[0] is first
    read(runtime, *ids, known=known)
    assert 0 < known.size <= known._most
    assert known.size == sum(one.size for one in known._kept.values())
    assert len(known._kept) == 3


def test_what_is_too_large_is_read_each_time(runtime: Runtime) -> None:
    (identity,) = add(runtime, NEED)
    known = Signatures(most=1)
    assert all(read(runtime, identity, identity, known=known))
    assert known.size == 0


def test_threads_that_read_side_by_side_all_see_the_present(runtime: Runtime, elsewhere: Database) -> None:
    ids = add(runtime, *[NEED] * 20)
    known = Signatures(most=remembering.MOST // 20_000)  # so little that entries come and go

    def look(turn: int) -> None:
        some = ids[turn % 7 :]
        assert all(found is not None for found in read(runtime, *some, known=known))

    with ThreadPoolExecutor(4) as threads:
        for turn, _ in enumerate(threads.map(look, range(60))):
            if turn % 20 == 0:
                change(elsewhere, ids[turn % 20], version=turn + 2)
    assert known.size == sum(one.size for one in known._kept.values()) <= known._most
