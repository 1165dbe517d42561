"""One deadline, little read, no redirect, the right certificate, and connections that are used again."""

from __future__ import annotations

import gzip
import logging
import socket
import time
import traceback
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from market.delivery import wires
from market.delivery.posting import Poster, Unreachable, asked_pause
from market.delivery.wires import Answer
from tests.delivery.receivers import (
    Certificate,
    Receiver,
    answering,
    certificate,
    endless,
    hanging,
    leading,
    raw,
    receiving,
)
from tests.pace import within
from tests.servers import free_port

NOW = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)
HEAD = b"HTTP/1.1 200 OK\r\n"
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"


def test_what_is_posted_arrives_and_the_answer_comes_back(poster: Poster) -> None:
    with receiving(answering(201, b"taken", X_Told="Yes")) as receiver:
        answer = poster.post(receiver.url("/a/b?c=d"), b'{"e":1}', {"Content-Type": "application/json", "X-Own": "2"})
        assert (answer.status, answer.body, answer.headers["x-told"]) == (201, b"taken", "Yes")
        (request,) = receiver.requests
        assert (request.method, request.target, request.body) == ("POST", "/a/b?c=d", b'{"e":1}')
        assert request.headers == {
            "host": f"127.0.0.1:{receiver.port}",
            "content-length": "7",
            "content-type": "application/json",
            "x-own": "2",
        }
        poster.close()


@pytest.mark.parametrize(
    ("words", "answer"),
    [
        ("never answers", hanging),
        ("drips its headers", endless(HEAD, b"X", 0.02)),
        ("drips the first line", endless(b"", b"H", 0.02)),
        ("drips the body", endless(HEAD + b"Content-Length: 1000\r\n\r\n", b"x", 0.02)),
        ("drips a body without a length", endless(HEAD + b"\r\n", b"x", 0.02)),
        ("drips chunks", endless(CHUNKED, b"1\r\nx\r\n", 0.02)),
        ("drips what follows the chunks", endless(CHUNKED + b"0\r\n", b"A: b\r\n", 0.02)),
        ("goes on promising an answer", endless(b"", b"HTTP/1.1 100 Continue\r\n\r\n", 0.02)),
    ],
)
def test_one_deadline_ends_whoever_is_slow(words: str, answer: object) -> None:
    poster = Poster(loopback=True, seconds=0.3)
    with receiving(answer) as receiver:  # type: ignore[arg-type]
        begun = time.monotonic()
        with within(1), pytest.raises(Unreachable, match="in time"):
            poster.post(receiver.url(), b"{}", {})
        assert time.monotonic() - begun > 0.25, words


def test_a_receiver_that_does_not_read_is_not_waited_for_either(poster: Poster) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        poster = Poster(loopback=True, seconds=0.3)
        with within(1), pytest.raises(Unreachable, match="in time"):
            poster.post(f"http://127.0.0.1:{listener.getsockname()[1]}/", b"x" * 30_000_000, {})


def test_a_handshake_that_never_ends_is_not_waited_for() -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as listener,
        within(1),
        pytest.raises(Unreachable, match="in time"),
    ):
        Poster(loopback=True, seconds=0.3).post(f"https://127.0.0.1:{listener.getsockname()[1]}/", b"{}", {})


@pytest.mark.parametrize(
    "answer",
    [
        answering(200, b"x" * 3_000_000),
        endless(HEAD + b"\r\n", b"x" * 65536),
        endless(CHUNKED, b"10000\r\n" + b"x" * 65536 + b"\r\n"),
    ],
)
def test_of_a_huge_answer_only_the_beginning_is_read(answer: object) -> None:
    poster = Poster(loopback=True, seconds=5)
    with receiving(answer) as receiver:  # type: ignore[arg-type]
        told = poster.post(receiver.url(), b"{}", {})
        assert told.body == b"x" * wires.LARGEST_ANSWER
        told = poster.post(receiver.url(), b"{}", {})
        assert receiver.accepted == 2, "a connection with something unread is not used again"
    poster.close()


def test_an_answer_in_crumbs_counts_with_their_sizes(poster: Poster) -> None:
    with receiving(endless(CHUNKED, b"1\r\nx\r\n" * 1000)) as receiver:
        assert poster.post(receiver.url(), b"{}", {}).status == 200


@pytest.mark.parametrize(
    ("told", "piece"),
    [
        (HEAD, b"A: " + b"b" * 4000 + b"\r\n"),
        (HEAD, b"A: b\r\n"),
        (HEAD, b"a" * 70000),
        (b"", b"a" * 70000),
        (b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 100),
    ],
)
def test_headers_without_end_are_no_answer(told: bytes, piece: bytes) -> None:
    with receiving(endless(told, piece)) as receiver, pytest.raises(Unreachable, match=r"no end|no HTTP"):
        Poster(loopback=True, seconds=3).post(receiver.url(), b"{}", {})


def test_a_compressed_bomb_stays_as_small_as_it_came(poster: Poster) -> None:
    bomb = gzip.compress(b"\0" * 30_000_000)
    with receiving(answering(200, bomb, Content_Encoding="gzip")) as receiver:
        told = poster.post(receiver.url(), b"{}", {})
        assert told.body == bomb[: wires.LARGEST_ANSWER]
        assert "accept-encoding" not in receiver.requests[0].headers
        poster.close()


@pytest.mark.parametrize(
    ("told", "words"),
    [
        (b"", "broken off"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc", "broken off"),
        (CHUNKED + b"9\r\nabc", "broken off"),
        (CHUNKED + b"word\r\nabc", "broken off"),
        (b"SSH-2.0-OpenSSH_9\r\n", "no HTTP"),
        (b"\xff\xfe\x00\r\n\r\n", "no HTTP"),
        (b"HTTP/1.1 two hundred\r\n\r\n", "no HTTP"),
    ],
)
def test_what_is_no_whole_answer_is_none(told: bytes, words: str, poster: Poster) -> None:
    with receiving(raw(told)) as receiver, pytest.raises(Unreachable, match=words):
        poster.post(receiver.url(), b"{}", {})


def test_nobody_there_is_told_as_such(poster: Poster) -> None:
    with pytest.raises(Unreachable, match="refused"):
        poster.post(f"http://127.0.0.1:{free_port()}/", b"{}", {})


def test_the_next_address_is_tried_where_one_is_dead() -> None:
    poster = Poster(loopback=True, seconds=2, resolver=leading("::1", "127.0.0.1"))
    with receiving(answering()) as receiver:
        assert poster.post(f"http://hooks.example:{receiver.port}/", b"{}", {}).status == 200
        assert receiver.requests[0].headers["host"] == f"hooks.example:{receiver.port}"
        poster.close()


def test_a_certificate_nobody_vouches_for_is_refused(shown: Certificate, poster: Poster) -> None:
    with receiving(answering(), shown.context) as receiver:
        with pytest.raises(Unreachable, match="certificate is not accepted: self-signed"):
            poster.post(receiver.url("/secret"), b"{}", {})
        assert receiver.requests == []


def test_the_name_is_shown_and_must_be_in_the_certificate(shown: Certificate) -> None:
    resolver = leading("127.0.0.1")
    poster = Poster(loopback=True, seconds=3, resolver=resolver, authorities=shown.pem)
    with receiving(answering(), shown.context) as receiver:
        for _ in range(3):
            assert poster.post(f"https://hooks.example:{receiver.port}/a", b"{}", {}).status == 200
        assert {request.name for request in receiver.requests} == {"hooks.example"}
        assert {request.headers["host"] for request in receiver.requests} == {f"hooks.example:{receiver.port}"}
        assert receiver.accepted == 1
        with pytest.raises(Unreachable, match="certificate is not accepted: Hostname mismatch"):
            poster.post(f"https://other.example:{receiver.port}/a", b"{}", {})
        assert len(receiver.requests) == 3
        assert poster.post(receiver.url("/a"), b"{}", {}).status == 200, "the address is in the certificate too"
        poster.close()


def test_a_server_that_speaks_tls_is_not_posted_to_in_the_clear(shown: Certificate, poster: Poster) -> None:
    with receiving(answering(), shown.context) as receiver:
        with pytest.raises(Unreachable):
            poster.post(f"http://127.0.0.1:{receiver.port}/", b"{}", {})
        assert receiver.requests == []


def test_a_certificate_that_is_trusted_but_another_servers_is_refused(shown: Certificate, tmp_path: Path) -> None:
    poster = Poster(loopback=True, seconds=2, authorities=certificate(tmp_path, "hooks.example").pem)
    with receiving(answering(), shown.context) as receiver, pytest.raises(Unreachable, match="certificate"):
        poster.post(receiver.url(), b"{}", {})


def test_connections_are_used_again_and_each_name_has_its_own() -> None:
    poster = Poster(loopback=True, seconds=2, resolver=leading("127.0.0.1"))
    with receiving(answering()) as receiver:
        for _ in range(5):
            poster.post(f"http://one.example:{receiver.port}/", b"{}", {})
        assert receiver.accepted == 1
        poster.post(f"http://two.example:{receiver.port}/", b"{}", {})
        assert receiver.accepted == 2
        poster.close()


def test_a_connection_that_was_closed_meanwhile_costs_nothing(poster: Poster) -> None:
    with receiving(answering()) as receiver:
        for _ in range(3):
            assert poster.post(receiver.url(), b"{}", {}).status == 200
            receiver.hang_up()
        assert [request.body for request in receiver.requests] == [b"{}"] * 3
        poster.close()


def test_a_connection_that_is_closed_just_then_is_replaced_once() -> None:
    poster = Poster(loopback=True, seconds=2)
    turns = iter([True, False, True])
    reply = answering()

    def answer(connection: socket.socket, request: object) -> bool:
        return next(turns) and reply(connection, request)  # type: ignore[arg-type]

    with receiving(answer) as receiver:
        assert poster.post(receiver.url(), b"1", {}).status == 200
        assert poster.post(receiver.url(), b"2", {}).status == 200
        assert (receiver.accepted, len(receiver.requests)) == (2, 3)
        poster.close()


def test_a_connection_that_says_something_unasked_is_not_used_again(poster: Poster) -> None:
    with receiving(raw(HEAD + b"Content-Length: 2\r\n\r\n{}" + b"x" * 20000, keep=True)) as receiver:
        for _ in range(3):
            assert poster.post(receiver.url(), b"{}", {}).body == b"{}"
        assert receiver.accepted == 3
        poster.close()


@pytest.mark.parametrize(
    "told", [HEAD + b"Connection: close\r\n\r\n{}", b"HTTP/1.0 200 OK\r\n\r\n{}", b"HTTP/1.1 101 S\r\n\r\n"]
)
def test_a_connection_that_is_to_be_closed_is_not_kept(told: bytes, poster: Poster) -> None:
    with receiving(raw(told)) as receiver:
        for _ in range(2):
            poster.post(receiver.url(), b"{}", {})
        assert receiver.accepted == 2


def test_no_more_connections_are_kept_than_are_allowed(receiver: Receiver) -> None:
    names = [f"n{number}.example" for number in range(wires.KEPT + 10)]
    poster = Poster(loopback=True, seconds=5, resolver=leading("127.0.0.1"))
    for name in names:
        poster.post(f"http://{name}:{receiver.port}/", b"{}", {})
    assert receiver.accepted == len(names)
    poster.post(f"http://{names[-1]}:{receiver.port}/", b"{}", {})
    assert receiver.accepted == len(names)
    poster.post(f"http://{names[0]}:{receiver.port}/", b"{}", {})
    assert receiver.accepted == len(names) + 1, "the one unused for longest had to go"
    poster.close()


def test_many_threads_post_to_one_receiver_over_few_connections(receiver: Receiver) -> None:
    poster = Poster(loopback=True, seconds=10)
    with within(8), ThreadPoolExecutor(64) as threads:
        told = list(threads.map(lambda one: poster.post(receiver.url(), b"%d" % one, {}).status, range(1000)))
    assert set(told) == {200}
    assert sorted(int(request.body) for request in receiver.requests) == list(range(1000))
    assert receiver.accepted <= 64
    poster.close()


def test_no_part_of_the_url_but_its_host_gets_into_errors_or_logs(
    caplog: pytest.LogCaptureFixture, shown: Certificate
) -> None:
    caplog.set_level(logging.DEBUG)
    poster = Poster(loopback=True, seconds=0.2)
    for answer in (raw(b""), raw(b"rubbish\r\n"), hanging, answering(500), answering(302, Location="/k3y")):
        with receiving(answer) as receiver:  # type: ignore[arg-type]
            url = receiver.url("/p4th-k3y/send?key=k3y")
            try:
                poster.post(url, b"{}", {})
            except Unreachable:
                assert "k3y" not in traceback.format_exc()
    with receiving(answering(), shown.context) as receiver:
        for url in (
            receiver.url("/k3y"),
            f"http://127.0.0.1:{free_port()}/k3y",
            "https://10.0.0.1/k3y",
            "https://x /k3y",
        ):
            with pytest.raises((Unreachable, ValueError)) as failed:
                poster.post(url, b"{}", {})
            assert "k3y" not in "".join(traceback.format_exception(failed.value))
    assert "k3y" not in caplog.text
    poster.close()


@pytest.mark.parametrize(
    ("given", "pause"),
    [
        ("120", timedelta(minutes=2)),
        ("0", timedelta(0)),
        ("99999999999999999999", timedelta(hours=24)),
        ("Mon, 04 May 2026 12:05:00 GMT", timedelta(minutes=5)),
        ("Mon, 04 May 2026 11:00:00 GMT", timedelta(0)),
        ("Mon, 04 May 2099 12:05:00 GMT", timedelta(hours=24)),
        ("soon", None),
        ("-5", None),
        ("١٢", None),
        ("", None),
    ],
)
def test_a_pause_is_asked_for_in_seconds_or_by_a_date(given: str, pause: timedelta | None) -> None:
    assert asked_pause(Answer(503, {"retry-after": given}, b""), NOW) == pause
