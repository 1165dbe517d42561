"""A small exchange, filled and indexed once, that tests of searching only read; a mail server; what is logged."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import structlog
from structlog.testing import LogCapture

from market.app import create_app
from market.db import Database
from market.runtime import Runtime
from market.worker.runner import drain
from tests.api.letters import BASE
from tests.api.library import Library, demand, expert, outcome
from tests.delivery.mail_server import MailServer
from tests.factories import Caller, SettableClock, add_member, opened


@pytest.fixture(scope="session")
def library(tmp_path_factory: pytest.TempPathFactory, template: Path) -> Iterator[Library]:
    """Thirty outcomes, six experts and six demands, each posted a day after the one before."""
    clock = SettableClock(datetime(2027, 1, 1, 12, tzinfo=UTC))
    with opened(tmp_path_factory.mktemp("library"), template, clock, match_threshold=0.05) as runtime:
        client = create_app(runtime).test_client()
        owner = Caller(client, add_member(runtime, name_zh="津门大学", name_en="Jinmen University"))
        other = Caller(client, add_member(runtime, name_zh="燕山公司", name_en="Yanshan Company"))
        posted: dict[str, list[dict[str, Any]]] = {}
        for noun, make, count in (("outcome", outcome, 30), ("expert", expert, 6), ("demand", demand, 6)):
            clock.now = datetime(2027, 1, 1, 12, tzinfo=UTC)
            posted[noun] = []
            for number in range(count):
                poster = owner if number % 2 else other
                answer = poster.post(f"{noun}s", {**make(number), "submit": True})
                assert answer.status_code == 201, answer.text
                posted[noun].append(dict(answer.json))
                clock.advance(days=1)
        drain(runtime)
        yield Library(runtime, Caller(client), owner, other, posted["outcome"], posted["expert"], posted["demand"])


@pytest.fixture(scope="module")
def standing(tmp_path_factory: pytest.TempPathFactory, template: Path) -> Iterator[Runtime]:
    """A runtime for all tests of a module that let it be theirs: none may mind what the others leave in it."""
    with opened(tmp_path_factory.mktemp("standing") / "data", template, SettableClock()) as runtime:
        yield runtime


@pytest.fixture(scope="module")
def mails() -> Iterator[MailServer]:
    """A mail server."""
    with MailServer().running() as server:
        yield server


@pytest.fixture
def mailing(
    _data: tuple[Path, Database], template: Path, clock: SettableClock, mails: MailServer
) -> Iterator[Runtime]:
    """A runtime that sends mail, for modules that let it be theirs."""
    mails.received.clear()
    folder, database = _data
    sends = {"mail_url": mails.url, "mail_from": "Qiao <news@qiao.example>", "public_url": BASE}
    with opened(folder, template, clock, database=database, **sends) as built:
        yield built
        built.post.channels["mail"].close()


@pytest.fixture
def lines() -> Iterator[list[Any]]:
    """Everything that is logged."""
    before, capture = structlog.get_config(), LogCapture()
    structlog.configure(processors=[capture], wrapper_class=structlog.make_filtering_bound_logger(0))
    yield capture.entries
    structlog.configure(**before)
