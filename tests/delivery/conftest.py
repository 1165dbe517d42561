"""Fixtures of the channels: what posts, a receiver that takes everything, and a certificate."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from market.delivery.posting import Poster
from tests.delivery.receivers import Certificate, Receiver, answering, certificate, receiving


@pytest.fixture
def poster() -> Iterator[Poster]:
    """May post to this machine, and waits for two seconds."""
    made = Poster(loopback=True, seconds=2)
    yield made
    made.close()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """Takes everything."""
    with receiving(answering()) as one:
        yield one


@pytest.fixture(scope="session")
def shown(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    """A certificate for hooks.example and for 127.0.0.1."""
    return certificate(tmp_path_factory.mktemp("certificate"), "hooks.example", "127.0.0.1")
