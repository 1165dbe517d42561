"""What may not be connected to is not connected to: a server on this machine sees not one connection."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from typing import Any

import pytest
from pytest_socket import SocketConnectBlockedError

from market.delivery import addresses
from market.delivery.addresses import Blocked, Unresolved, checked, public, read
from market.delivery.posting import Poster, Unreachable
from tests.delivery.receivers import Receiver, answering, leading, receiving

# PORT stands for the port of a server that does listen on this machine.
HOSTILE = [
    "https://127.0.0.1:PORT/",
    "http://127.0.0.1:PORT/",
    "https://127.1:PORT/",
    "https://127.0.1:PORT/",
    "https://2130706433:PORT/",
    "https://0177.0.0.1:PORT/",
    "https://0177.0.0.01:PORT/",
    "https://017700000001:PORT/",
    "https://0x7f.1:PORT/",
    "https://0x7f.0.0.1:PORT/",
    "https://0x7f000001:PORT/",
    "https://0X7F000001:PORT/",
    "https://127.0.0.0x1:PORT/",
    "https://127.0.0.1.:PORT/",
    "https://127.0.0.256:PORT/",
    "https://1.2.3.4.5:PORT/",
    "https://127.255.255.254:PORT/",
    "https://１２７.0.0.1:PORT/",
    "https://①②⑦.⓪.⓪.①:PORT/",
    "https://127。0。0。1:PORT/",
    "https://ⓛⓞⓒⓐⓛⓗⓞⓢⓣ:PORT/",
    "https://localhost:PORT/",
    "https://LOCALHOST.:PORT/",
    "https://some.localhost:PORT/",
    "https://%31%32%37.0.0.1:PORT/",
    "https://127.0.0.1%2f.hooks.example:PORT/",
    "https://0.0.0.0:PORT/",
    "https://0:PORT/",
    "https://10.0.0.1:PORT/",
    "https://100.64.0.1:PORT/",
    "https://100.100.100.200:PORT/",
    "https://168.63.129.16:PORT/",
    "https://169.254.169.254:PORT/latest/meta-data/",
    "https://172.16.0.1:PORT/",
    "https://192.0.0.192:PORT/",
    "https://192.0.2.1:PORT/",
    "https://192.88.99.1:PORT/",
    "https://192.168.1.1:PORT/",
    "https://198.18.0.1:PORT/",
    "https://198.51.100.7:PORT/",
    "https://203.0.113.7:PORT/",
    "https://224.0.0.1:PORT/",
    "https://239.255.255.250:PORT/",
    "https://240.0.0.1:PORT/",
    "https://255.255.255.255:PORT/",
    "https://[::1]:PORT/",
    "https://[0:0:0:0:0:0:0:1]:PORT/",
    "https://[::]:PORT/",
    "https://[::ffff:127.0.0.1]:PORT/",
    "https://[::ffff:7f00:1]:PORT/",
    "https://[::ffff:93.184.216.34]:PORT/",
    "https://[::127.0.0.1]:PORT/",
    "https://[::ffff:0:127.0.0.1]:PORT/",
    "https://[64:ff9b::7f00:1]:PORT/",
    "https://[64:ff9b:1::a00:1]:PORT/",
    "https://[2002:7f00:1::]:PORT/",
    "https://[2002:a00:1::1]:PORT/",
    "https://[2001::7f00:1]:PORT/",
    "https://[2001:2::1]:PORT/",
    "https://[2001:10::1]:PORT/",
    "https://[2001:20::1]:PORT/",
    "https://[2001:db8::1]:PORT/",
    "https://[3ffe::1]:PORT/",
    "https://[3fff::1]:PORT/",
    "https://[5f00::1]:PORT/",
    "https://[100::1]:PORT/",
    "https://[fc00::1]:PORT/",
    "https://[fd00:ec2::254]:PORT/",
    "https://[fe80::1]:PORT/",
    "https://[fe80::1%25lo]:PORT/",
    "https://[2606:4700::1%25lo]:PORT/",
    "https://[fec0::1]:PORT/",
    "https://[ff02::1]:PORT/",
    "https://[v1.127.0.0.1]:PORT/",
    "https://[127.0.0.1]:PORT/",
    "https://[::1:PORT/",
    "https://hooks.example@127.0.0.1:PORT/",
    "https://127.0.0.1:PORT@hooks.example/",
    "https://user:word@127.0.0.1:PORT/",
    "https://hooks.example\\@127.0.0.1:PORT/",
    "https://127.0.0.1:PORT\\@hooks.example/",
    "https://127.0.0.1:PORT#@hooks.example/",
    "https://hooks.example #@127.0.0.1:PORT/",
    "https://127.0.0.1\t:PORT/",
    "https://127.0.0.1:PORT/\r\nHost: hooks.example",
    "ht\ntps://127.0.0.1:PORT/",
    " https://127.0.0.1:PORT/",
    "https:127.0.0.1:PORT/",
    "https:///127.0.0.1:PORT/",
    "//127.0.0.1:PORT/",
    "127.0.0.1:PORT",
    "file:///etc/passwd",
    "gopher://127.0.0.1:PORT/_",
    "ftp://127.0.0.1:PORT/",
    "unix:///run/some.sock",
    "https://",
    "https://:PORT/",
    "https://.:PORT/",
    "https://a..example:PORT/",
    "https://-a.example:PORT/",
    "https://hooks.example:0/",
    "https://hooks.example:65536/",
    "https://hooks.example:-1/",
    "https://hooks.example:٣/",
    "https://hooks.example:22/",
    "https://hooks.example:25/",
    "https://hooks.example:6379/",
    "https://" + "a" * 64 + ".example/",
    "https://" + "a." * 127 + "example/",
    "https://hooks.example/" + "a" * 2000,
]
INSIDE = [
    "127.0.0.1",
    "10.1.2.3",
    "169.254.169.254",
    "::1",
    "::ffff:10.1.2.3",
    "fd00::1",
    "64:ff9b::a01:203",
]
PUBLIC = ["93.184.216.34", "1.1.1.1", "2606:4700::1111", "2a00:1450::1"]


@pytest.fixture(scope="module")
def inside() -> Iterator[Receiver]:
    """A server on this machine that nobody may come to."""
    with receiving(answering()) as one:
        yield one


@pytest.mark.parametrize("url", HOSTILE)
def test_a_hostile_url_is_refused_before_any_name_is_looked_up(url: str, inside: Receiver) -> None:
    resolver = leading("127.0.0.1")
    poster = Poster(loopback=False, seconds=1, resolver=resolver)
    with pytest.raises(Blocked, match=" "):
        poster.post(url.replace("PORT", str(inside.port)), b"{}", {})
    assert resolver.asked == []
    assert inside.accepted == 0


@pytest.mark.parametrize("address", INSIDE)
@pytest.mark.parametrize("before", [[], ["93.184.216.34"], ["2606:4700::1111", "93.184.216.34"]])
def test_a_name_is_refused_if_any_of_its_addresses_is_inside(
    address: str, before: list[str], inside: Receiver
) -> None:
    for answers in ([*before, address], [address, *before]):
        resolver = leading(*answers)
        poster = Poster(loopback=False, seconds=1, resolver=resolver)
        with pytest.raises(Blocked) as refused:
            poster.post(f"https://hooks.example:{inside.port}/", b"{}", {})
        assert address not in str(refused.value), "what a name leads to is nobody's business"
        assert resolver.asked == ["hooks.example"]
    assert inside.accepted == 0


def test_a_name_that_leads_elsewhere_the_second_time_is_asked_only_once(inside: Receiver) -> None:
    answers = iter([leading("93.184.216.34"), leading("127.0.0.1")])

    def rebinding(host: str, port: int, **more: Any) -> Any:
        return next(answers)(host, port, **more)

    poster = Poster(loopback=False, seconds=1, resolver=rebinding)
    with pytest.raises((SocketConnectBlockedError, UserWarning), match=r"93\.184\.216\.34"):  # the tests' own fence
        poster.post(f"https://hooks.example:{inside.port}/", b"{}", {})
    assert next(answers)("hooks.example", 1)[0][4][0] == "127.0.0.1"
    assert inside.accepted == 0


def test_a_redirect_to_the_inside_is_an_answer_and_is_not_followed(inside: Receiver) -> None:
    poster = Poster(loopback=True, seconds=2)
    for status in (301, 302, 303, 307, 308):
        with receiving(answering(status, Location=inside.url())) as outside:
            answer = poster.post(outside.url(), b"{}", {})
            assert (answer.status, answer.headers["location"]) == (status, inside.url())
            poster.close()
    assert inside.accepted == 0


@pytest.mark.parametrize(
    "variable", ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"]
)
def test_a_proxy_in_the_environment_is_not_used(
    variable: str, inside: Receiver, receiver: Receiver, poster: Poster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, inside.url(""))
    assert poster.post(receiver.url(), b"{}", {}).status == 200
    assert (inside.accepted, receiver.accepted) == (0, 1)


def test_plain_http_is_for_this_machine_only_even_where_it_is_allowed() -> None:
    with pytest.raises(Blocked, match="https"):
        checked("http://hooks.example/", loopback=True, resolver=leading("93.184.216.34"))
    with pytest.raises(Blocked, match="https"):
        checked("http://hooks.example/", loopback=True, resolver=leading("127.0.0.1", "93.184.216.34"))
    found = checked("http://hooks.example/", loopback=True, resolver=leading("127.0.0.1"))
    assert [str(one) for one in found.addresses] == ["127.0.0.1"]


@pytest.mark.parametrize("address", ["10.0.0.1", "::ffff:127.0.0.1", "0.0.0.0", "fe80::1", "169.254.169.254"])
def test_allowing_this_machine_allows_nothing_else(address: str) -> None:
    with pytest.raises(Blocked):
        checked("https://hooks.example/", loopback=True, resolver=leading(address))


@pytest.mark.parametrize("address", PUBLIC)
def test_a_public_address_may_be_connected_to(address: str) -> None:
    found = checked("https://hooks.example/a?b=c", resolver=leading(address))
    assert [str(one) for one in found.addresses] == [address]
    assert public(found.addresses[0])


def test_an_address_with_a_scope_beside_it_is_not_public() -> None:
    def resolver(host: str, port: int, **_: Any) -> list[tuple[Any, ...]]:
        return [(socket.AF_INET6, socket.SOCK_STREAM, 6, "", ("2606:4700::1111", port, 0, 2))]

    with pytest.raises(Blocked):
        checked("https://hooks.example/", resolver=resolver)


@pytest.mark.parametrize(
    ("url", "host", "port", "target"),
    [
        ("https://hooks.example", "hooks.example", 443, "/"),
        ("https://Hooks.Example.:8443/a/b?c=d&e", "hooks.example", 8443, "/a/b?c=d&e"),
        ("https://例子.测试/钩", "xn--fsqu00a.xn--0zwm56d", 443, "/%E9%92%A9"),
        ("https://bücher.example/%20x", "xn--bcher-kva.example", 443, "/%20x"),
        ("https://my_host.hooks.example/", "my_host.hooks.example", 443, "/"),
        ("https://[2606:4700::1111]:444/", "2606:4700::1111", 444, "/"),
        ("https://93.184.216.34/", "93.184.216.34", 443, "/"),
        ("https://1password.example/", "1password.example", 443, "/"),
        ("https://hooks.example?key=1", "hooks.example", 443, "/?key=1"),
    ],
)
def test_a_url_is_read_as_it_is_meant(url: str, host: str, port: int, target: str) -> None:
    place = read(url)
    assert (place.scheme, place.host, place.port, place.target) == ("https", host, port, target)
    assert target == "/" or target not in repr(place), "a path may hold a key"


@pytest.mark.parametrize("failure", [socket.gaierror(-2, "unknown"), UnicodeError("label too long")])
def test_a_name_that_leads_nowhere_is_not_blocked_but_unreachable(failure: Exception) -> None:
    def resolver(*_: Any, **__: Any) -> list[tuple[Any, ...]]:
        raise failure

    for nowhere in (resolver, leading()):
        with pytest.raises(Unresolved):
            addresses.resolve("hooks.example", 443, nowhere)
        with pytest.raises(Unreachable, match="no address"):
            Poster(loopback=False, seconds=1, resolver=nowhere).post("https://hooks.example/", b"", {})
