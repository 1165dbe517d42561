"""An embeddings server that is away, slow, overloaded or not one at all: what its users see, and how soon."""

from __future__ import annotations

import logging
import time
import traceback
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from embedding_server import KEY, Said, Server

from search.embedding import EmbedderUnavailable
from search.embedding.remote import RemoteEmbedder
from search.embedding.transport import ATTEMPTS, LARGEST_ANSWER
from tests.servers import free_port

pytestmark = pytest.mark.long

MARGIN = 2.5  # seconds; the machine may be busy


def embedder_at(server: Server, timeout: float = 10.0) -> RemoteEmbedder:
    return RemoteEmbedder(server.url, model="test", key=KEY, timeout=timeout)


def refused(embedder: RemoteEmbedder, match: str = "embeddings server") -> float:
    """Seconds until the embedder says that it cannot."""
    began = time.perf_counter()
    with pytest.raises(EmbedderUnavailable, match=match):
        embedder.embed(["锂电池"], role="query")
    return time.perf_counter() - began


# Again


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504, 529])
def test_what_passes_is_asked_again(server: Server, status: int) -> None:
    server.next.extend([Said(status)] * (ATTEMPTS - 1))
    assert embedder_at(server).embed(["锂电池"], role="query").shape == (1, 8)
    assert len(server.asked) == ATTEMPTS


def test_a_connection_that_breaks_off_is_made_again(server: Server) -> None:
    server.next.append(Said(body=b'{"data": [', breaks_off=True))
    assert embedder_at(server).embed(["锂电池"], role="query").shape == (1, 8)
    assert len({one.connection for one in server.asked}) == 2


@pytest.mark.parametrize("status", [429, 500])
def test_what_does_not_pass_is_given_up_and_told(server: Server, status: int) -> None:
    server.always = lambda payload: Said(status, b"too many people")
    refused(embedder_at(server), f"answers {status}: too many people")
    assert len(server.asked) == ATTEMPTS


def test_the_server_may_say_how_long_to_wait(server: Server) -> None:
    server.next.append(Said(429, headers={"Retry-After": "1"}))
    began = time.perf_counter()
    embedder_at(server).embed(["锂电池"], role="query")
    assert 1.0 <= time.perf_counter() - began < 1.0 + MARGIN


def test_the_server_may_name_a_moment_to_wait_for(server: Server) -> None:
    moment = datetime.now(UTC) + timedelta(seconds=2)
    server.next.append(Said(503, headers={"Retry-After": format_datetime(moment, usegmt=True)}))
    embedder_at(server).embed(["锂电池"], role="query")
    assert datetime.now(UTC) >= moment.replace(microsecond=0)


@pytest.mark.parametrize("asked", ["3600", "9" * 400, "Fri, 31 Dec 9999 23:59:59 GMT"])
def test_nobody_waits_beyond_the_timeout(server: Server, asked: str) -> None:
    server.always = lambda payload: Said(429, headers={"Retry-After": asked})
    assert refused(embedder_at(server, timeout=3.0), "429") < MARGIN
    assert len(server.asked) == 1


@pytest.mark.parametrize("asked", ["", "soon", "-1", "1.5", "٣", "Fri, 31 Dec 9999 23:59:59"])
def test_a_wait_that_makes_no_sense_is_passed_over(server: Server, asked: str) -> None:
    server.next.append(Said(429, headers={"Retry-After": asked.encode().decode("latin-1")}))
    began = time.perf_counter()
    embedder_at(server).embed(["锂电池"], role="query")
    assert time.perf_counter() - began < MARGIN


# Slow and away


def test_a_slow_server_costs_the_timeout_and_is_not_asked_again(server: Server) -> None:
    server.always = lambda payload: Said(wait=3)
    assert refused(embedder_at(server, timeout=0.4), "in time") < 0.4 + MARGIN
    assert len(server.asked) == 1


def test_a_server_that_answers_drop_by_drop_costs_no_more(server: Server) -> None:
    server.always = lambda payload: Said(body=b" " * 400, drops=0.02)
    assert refused(embedder_at(server, timeout=0.5), "in time") < 0.5 + MARGIN


def test_a_server_that_is_away_is_told_in_time() -> None:
    embedder = RemoteEmbedder(f"http://127.0.0.1:{free_port()}/v1", model="test")
    assert refused(embedder, "cannot be reached") < 0.2 + 0.4 + MARGIN


def test_after_three_failures_the_answer_is_at_once_and_after_a_pause_all_is_well(server: Server) -> None:
    embedder = embedder_at(server)
    server.always = lambda payload: Said(503)
    for _ in range(3):
        refused(embedder, "503")
    waited = sorted(refused(embedder, "asked again") for _ in range(100))
    assert waited[50] < 0.005
    server.always = None
    time.sleep(2.0)
    assert embedder.embed(["锂电池"], role="query").shape == (1, 8)


def test_refusals_of_single_texts_do_not_close_the_way_for_others(server: Server) -> None:
    embedder = embedder_at(server)
    server.always = lambda payload: Said(400, b"too long")
    for _ in range(5):
        refused(embedder, "refuses with 400: too long")
    server.always = None
    assert embedder.embed(["锂电池"], role="query").shape == (1, 8)


# Not ours

GARBAGE: dict[str, Said] = {
    "a page": Said(body=b"<html><h1>It works!</h1></html>"),
    "a page that is not found": Said(404, b"<html><h1>Not Found</h1></html>"),
    "nothing": Said(),
    "nothing created": Said(204),
    "somebody else's JSON": Said(body=b'{"ok": true}'),
    "somebody else's list": Said(body=b"[1, 2]"),
    "somebody else's data": Said(body=b'{"data": {"0": 1}}'),
    "numbers for entries": Said(body=b'{"data": [1]}'),
    "half an answer": Said(body=b'{"data": ['),
    "octets": Said(body=b"\xff\xfe\0\0"),
    "a well": Said(body=b"[" * 1_000_000),
    "what claims to be packed": Said(body=b"no gzip", headers={"Content-Encoding": "gzip"}),
}


@pytest.mark.parametrize("what", GARBAGE)
def test_whatever_else_answers_is_an_embedder_that_is_unavailable(server: Server, what: str) -> None:
    server.always = lambda payload: GARBAGE[what]
    refused(embedder_at(server))


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_nobody_follows_a_server_that_sends_elsewhere(server: Server, status: int) -> None:
    server.always = lambda payload: Said(status, headers={"Location": server.url})
    refused(embedder_at(server), f"answers {status}")
    assert len(server.asked) == 1


def test_an_endless_answer_is_not_read_to_its_end(server: Server) -> None:
    server.always = lambda payload: Said(body=b" " * (LARGEST_ANSWER + 1_000_000))
    refused(embedder_at(server), f"more than {LARGEST_ANSWER}")
    assert len(server.asked) == 1
    server.always = None


def test_answers_that_were_not_read_to_their_end_leave_nothing_for_the_next(server: Server) -> None:
    embedder = embedder_at(server, timeout=0.5)
    server.next.append(Said(body=b" " * 400, drops=0.02))
    refused(embedder)
    assert embedder.embed(["锂电池"], role="query").shape == (1, 8)


# The key


def everything_about(error: BaseException) -> str:
    return "".join(traceback.format_exception(error)) + repr(error) + str(error.args)


LEAKY: dict[str, Callable[[dict[str, object]], Said]] = {
    "not accepted": lambda payload: Said(401, f"Incorrect API key provided: {KEY}".encode()),
    "forbidden": lambda payload: Said(403, f"{'x' * 190}{KEY}".encode()),
    "refused": lambda payload: Said(422, KEY.encode()),
    "overloaded": lambda payload: Said(500, KEY.encode()),
    "no JSON": lambda payload: Said(body=KEY.encode()),
    "broken off": lambda payload: Said(body=KEY.encode(), breaks_off=True),
    "elsewhere": lambda payload: Said(302, headers={"Location": f"http://127.0.0.1/{KEY}"}),
}


@pytest.mark.parametrize("what", LEAKY)
def test_the_key_is_in_no_error_and_in_no_log(server: Server, what: str, caplog: pytest.LogCaptureFixture) -> None:
    server.always = LEAKY[what]
    embedder = embedder_at(server)
    with caplog.at_level(logging.DEBUG), pytest.raises(EmbedderUnavailable) as told:
        embedder.embed(["锂电池"], role="query")
    assert KEY[:8] not in everything_about(told.value) + repr(embedder) + repr(embedder._wire)
    assert KEY not in "".join(record.getMessage() for record in caplog.records)


def test_a_key_that_is_none_is_refused_without_being_shown() -> None:
    for key in (f"{KEY}\n", f"{KEY} 2", f"{KEY}é", f"{KEY}\x00"):
        with pytest.raises(ValueError, match="key") as told:
            RemoteEmbedder("http://127.0.0.1/v1", model="test", key=key)
        assert KEY not in everything_about(told.value)
