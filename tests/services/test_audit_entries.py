"""What an entry of the audit trail says, and what it never does."""

from __future__ import annotations

import uuid

import pytest
import structlog
from sqlmodel import col, select

from market.models import AuditEntry
from market.runtime import Runtime
from market.services.rights.access import SYSTEM, VISITOR, Principal
from market.services.trail import audit


def test_an_entry_says_who_and_in_which_request(runtime: Runtime) -> None:
    person, subject = Principal(user_id=uuid.uuid4()), ("organisation", uuid.uuid4())
    with structlog.contextvars.bound_contextvars(request_id="r-1"), runtime.db.writing() as session:
        for actor in (person, SYSTEM, VISITOR):
            audit.record(session, actor, "verify", subject, now=runtime.clock(), level="full")
    with runtime.db.reading() as session:
        rows = session.exec(select(AuditEntry).order_by(col(AuditEntry.id))).all()
    assert [(row.actor_kind, row.actor_id) for row in rows] == [
        ("user", person.user_id),
        ("system", None),
        ("visitor", None),
    ]
    assert {(row.noun, row.subject_id, row.request_id, row.details["level"]) for row in rows} == {
        (*subject, "r-1", "full")
    }


@pytest.mark.parametrize("text", ["x" * 201, ["short", "y" * 201]])
def test_texts_are_kept_out_of_the_details(runtime: Runtime, text: str | list[str]) -> None:
    with pytest.raises(ValueError, match="reason"), runtime.db.writing() as session:
        audit.record(session, SYSTEM, "reject", ("outcome", uuid.uuid4()), now=runtime.clock(), reason=text)
    with runtime.db.reading() as session:
        assert session.exec(select(AuditEntry)).all() == []
