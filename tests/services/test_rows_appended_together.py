"""Rows appended many at once: as objects would be stored, however many they are, and all or none of them."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

import pytest
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, col, select

from market.db import among, append
from market.models import Job, Outcome
from market.models.base import new_id
from market.runtime import Runtime
from market.services.listings import many
from tests.factories import add_organisation

NOW = datetime(2027, 3, 1, 12, 30, 15, 123456, UTC)


def _outcomes(runtime: Runtime, count: int) -> list[dict[str, Any]]:
    """Rows in which each type of column has several values, shared ones and values of their own."""
    organisation = add_organisation(runtime)
    moments = [NOW, None, datetime(2027, 1, 1, 8, tzinfo=timezone(timedelta(hours=8)))]
    return [
        {
            **many.blank(Outcome),
            "id": new_id(),
            "created_at": NOW,
            "updated_at": NOW + timedelta(microseconds=number),
            "published_at": moments[number % 3],
            "organisation_id": organisation,
            "external_key": f"k{number}",
            "title_zh": f"可降解\u3000水泵“{number}” \\ \t\n'\"",
            "keywords": [[], ["泵", '"quoted"'], [f"{number}"]][number % 3],
            "indicators": [{"name": "扬程", "value": number / 3, "unit": "m"}] * (number % 2),
            "tiers": [{}, {"price": "verified"}][number % 2],
            "price": [None, 10**12 + number][number % 2],
            "trl": [None, 1 + number % 9][number % 2],
            "price_negotiable": number % 5 == 0,
            "valid_until": [None, date(2030, 1, 1 + number % 28)][number % 2],
        }
        for number in range(count)
    ]


def _appended(runtime: Runtime, rows: list[dict[str, Any]]) -> None:
    with runtime.db.writing() as session:
        append(session, Outcome, rows)


def _kept(session: Session) -> list[dict[str, Any]]:
    found = session.exec(select(Outcome).order_by(col(Outcome.external_key)))
    return [{**one.model_dump()} for one in found]


@pytest.mark.parametrize("count", [1, 19, 20, 221, 439])
def test_rows_appended_together_are_kept_as_objects_would_be(runtime: Runtime, count: int) -> None:
    rows = _outcomes(runtime, count)
    _appended(runtime, rows)

    with runtime.db.writing() as session:
        appended = _kept(session)
        session.execute(Outcome.__table__.delete())  # type: ignore[attr-defined]
        session.add_all([Outcome(**row) for row in rows])
        session.flush()
        session.expunge_all()
        assert appended == _kept(session)
    assert len(appended) == count


def test_columns_that_are_left_out_get_their_defaults(runtime: Runtime) -> None:
    job = {"created_at": NOW, "run_at": NOW, "name": "index"}
    with runtime.db.writing() as session:
        append(
            session,
            Job,
            [{**job, "id": new_id(), "payload": {}, "key": f"outcome:{number}"} for number in range(250)],
        )
    with runtime.db.reading() as session:
        found = session.exec(select(Job)).all()
    assert {(one.state, one.attempts, one.lease_until, str(one.payload)) for one in found} == {
        ("queued", 0, None, "{}")
    }
    assert len(found) == 250


def test_one_row_that_the_database_refuses_keeps_all_of_them_out(runtime: Runtime) -> None:
    rows = _outcomes(runtime, 450)
    rows[333]["kind"] = "no-such-kind"
    with pytest.raises(IntegrityError), runtime.db.writing() as session, session.begin_nested():
        append(session, Outcome, rows)
    with runtime.db.reading() as session:
        assert _kept(session) == []


def test_any_of_many_texts_is_found_and_nothing_else(runtime: Runtime) -> None:
    _appended(runtime, _outcomes(runtime, 30))
    wanted = [f"k{number}" for number in range(3, 2000)] + ["k1'", '"']
    with runtime.db.reading() as session:
        asked = select(Outcome.external_key).where(among(session, col(Outcome.external_key), wanted))
        assert set(session.exec(asked)) == {f"k{number}" for number in range(3, 30)}
        assert session.exec(select(Outcome.id).where(among(session, col(Outcome.external_key), []))).all() == []
