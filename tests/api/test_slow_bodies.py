"""A body that arrives slowly is waited for with nothing in hand: no session, and no right that ends meanwhile."""

from __future__ import annotations

import io
import json
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from sqlalchemy import event, func, select, update
from sqlalchemy.pool import Pool
from werkzeug.test import TestResponse

from market.models import ApiKey, Import, Outcome
from market.runtime import Runtime
from tests.api.claiming import problem
from tests.factories import Caller, payload
from tests.services.files import ndjson, row

FORM = "multipart/form-data; boundary=xyz"


class Arriving(io.BytesIO):
    """A body; `meanwhile` happens when half of it has arrived."""

    def __init__(self, body: bytes, meanwhile: Callable[[], object]) -> None:
        super().__init__(body)
        self._half, self._meanwhile = len(body) // 2, meanwhile

    def readinto(self, buffer: Any, /) -> int:
        if self.tell() == 0:
            return super().readinto(memoryview(buffer)[: self._half])
        if self.tell() == self._half:
            self._meanwhile()
        return super().readinto(buffer)


def listing() -> tuple[str, str, bytes]:
    return "outcomes", "application/json", json.dumps(payload("outcome")).encode()


def file() -> tuple[str, str, bytes]:
    head = b'--xyz\r\nContent-Disposition: form-data; name="noun"\r\n\r\noutcome\r\n'
    head += b'--xyz\r\nContent-Disposition: form-data; name="file"; filename="a.ndjson"\r\n\r\n'
    return "imports", FORM, head + ndjson([row("outcome", "a")]) + b"\r\n--xyz--\r\n"


def post(caller: Caller, sent: tuple[str, str, bytes], meanwhile: Callable[[], object]) -> TestResponse:
    path, kind, body = sent
    stream = Arriving(body, meanwhile)
    return caller.send("POST", path, input_stream=stream, content_length=len(body), content_type=kind)


@pytest.mark.parametrize("sent", [listing(), file()], ids=["JSON", "a file"])
def test_a_key_that_is_revoked_while_the_body_arrives_writes_nothing(
    runtime: Runtime, owner: Caller, sent: tuple[str, str, bytes]
) -> None:
    def revoke() -> None:
        with runtime.db.writing() as session:
            session.execute(update(ApiKey).values(revoked_at=runtime.clock()))

    assert post(owner, sent, lambda: None).status_code in (201, 202)
    answer = post(owner, sent, revoke)
    assert (answer.status_code, problem(answer)) == (401, "bad-key")
    with runtime.db.reading() as session:
        made = [session.execute(select(func.count()).select_from(one)).scalar_one() for one in (Outcome, Import)]
    assert sum(made) == 1


@pytest.fixture
def in_hand() -> Iterator[Counter[str]]:
    """How often connections were taken, and given back."""
    counted: Counter[str] = Counter()
    deeds = {name: lambda *_, name=name: counted.update([name]) for name in ("checkout", "checkin")}
    for name, deed in deeds.items():
        event.listen(Pool, name, deed)
    yield counted
    for name, deed in deeds.items():
        event.remove(Pool, name, deed)


@pytest.mark.parametrize("path", ["match", "outcomes"])
def test_no_session_is_held_while_a_body_arrives(owner: Caller, in_hand: Counter[str], path: str) -> None:
    body = json.dumps({"kind": "demand", "text": "防腐涂层"} if path == "match" else payload("outcome")).encode()
    held: list[int] = []
    answer = post(
        owner, (path, "application/json", body), lambda: held.append(in_hand["checkout"] - in_hand["checkin"])
    )
    assert answer.status_code in (200, 201), answer.text
    assert (held, in_hand["checkout"] > 0) == ([0], True)
