"""Which addresses may be connected to: public ones only, known before anything is sent, each name looked up once.

Whoever gives a URL would like us to ask it from inside our network. So the name is looked up here, all its addresses
are judged, and whoever connects takes one of these and never asks for the name again.
"""

from __future__ import annotations

import ipaddress
import re
import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlsplit

import idna

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Resolver = Callable[..., Sequence[tuple[Any, ...]]]
"""Answers as socket.getaddrinfo does."""

LONGEST_URL = 2000
BLOCKED_PORTS = frozenset(
    {1, 7, 9, 11, 13, 15, 17, 19, 20, 21, 22, 23, 25, 37, 42, 43, 53, 69, 77, 79, 87, 95, 101, 102, 103}
    | {104, 109, 110, 111, 113, 115, 117, 119, 123, 135, 137, 139, 143, 161, 179, 389, 427, 465, 512, 513}
    | {514, 515, 526, 530, 531, 532, 540, 548, 554, 556, 563, 587, 601, 636, 989, 990, 993, 995, 1719, 1720}
    | {1723, 2049, 3306, 3389, 3659, 4045, 4190, 5060, 5061, 5432, 6000, 6379, 6566, 6665, 6666, 6667, 6668}
    | {6669, 6679, 6697, 10080, 11211, 27017}
)
"""What browsers refuse to post to, and common databases. Any other port may be used: people do run receivers on 8443.
These speak other protocols, some of which would take a line of a request for a command of their own."""

_PUBLIC_6 = ipaddress.ip_network("2000::/3")  # nothing else of IPv6 is given out; so no need to list what is not
_BLOCKED = tuple(
    ipaddress.ip_network(network)
    for network in (
        "0.0.0.0/8",
        "10.0.0.0/8",
        "100.64.0.0/10",  # carriers' own; clouds keep their metadata there too
        "127.0.0.0/8",
        "168.63.129.16/32",  # looks public, and is the inside of one cloud
        "169.254.0.0/16",
        "172.16.0.0/12",
        "192.0.0.0/24",
        "192.0.2.0/24",
        "192.31.196.0/24",
        "192.52.193.0/24",
        "192.88.99.0/24",  # relays of 6to4
        "192.168.0.0/16",
        "192.175.48.0/24",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/4",
        "240.0.0.0/4",
        "2001::/23",  # Teredo, ORCHID, benchmarks
        "2001:db8::/32",
        "2002::/16",  # 6to4: any IPv4 address is written within
        "2620:4f:8000::/48",
        "3ffe::/16",
        "3fff::/20",
    )
)
_NUMBER = re.compile(r"(?:[0-9]+|0x[0-9a-f]*)\Z")
_LABEL = r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?"
_NAME = re.compile(rf"(?=.{{1,253}}\Z){_LABEL}(?:\.{_LABEL})*\Z")
_INVISIBLE = re.compile(r"[\x00-\x20\x7f-\xa0\\]")


class Blocked(ValueError):
    """Nothing is sent there; the text says what to mend, and never what a name was found to lead to."""


class Unresolved(OSError):
    """The name leads nowhere at present."""


@dataclass(frozen=True, slots=True)
class Place:
    """What a URL says, before its name is looked up. `target` is path and query, which may hold a key."""

    scheme: str
    host: str  # as in certificates: lower case, no brackets, no dot at the end
    port: int
    target: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Checked:
    """A place with all its addresses, each of which may be connected to."""

    place: Place
    addresses: tuple[Address, ...]


def public(address: Address) -> bool:
    """Whether it is an address of one machine on the public internet, and of nothing that leads elsewhere."""
    if isinstance(address, ipaddress.IPv6Address) and (address.scope_id is not None or address not in _PUBLIC_6):
        return False
    inside = any(address.version == network.version and address in network for network in _BLOCKED)
    return not inside and address.is_global and not address.is_multicast


def read(url: str, *, loopback: bool = False) -> Place:
    """What the URL says. Asks nobody. Raises Blocked.

    `loopback` allows this machine's own addresses and plain http, and is for tests.
    """
    if len(url) > LONGEST_URL:
        raise Blocked(f"the URL is longer than {LONGEST_URL} characters")
    if _INVISIBLE.search(url):  # some readers skip them, some take a backslash for a slash
        raise Blocked("the URL holds spaces, backslashes or invisible characters; write them as %20 and the like")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise Blocked("the URL cannot be read; write it as https://host/path") from None
    if parts.scheme != "https" and not (loopback and parts.scheme == "http"):
        raise Blocked("the URL has to begin with https://")
    if "@" in parts.netloc:
        raise Blocked("the URL holds a user name or password before the host; leave out everything up to the @")
    if parts.fragment:
        raise Blocked("the URL has a # in it; leave it out with what follows")
    host = _host(parts.hostname or "", bracketed="[" in parts.netloc)
    port = port if port is not None else {"https": 443, "http": 80}[parts.scheme]
    if port == 0 or port in BLOCKED_PORTS:
        raise Blocked(f"port {port} belongs to another protocol; let the receiver listen on 443 or another")
    literal = _literal(host)
    if literal is not None:
        _judge(host, (literal,), scheme=parts.scheme, loopback=loopback)
    elif not loopback and (host == "localhost" or host.endswith(".localhost")):
        raise _not_public(host)
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return Place(parts.scheme, host, port, quote(target, safe="!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~"))


def resolve(host: str, port: int, resolver: Resolver = socket.getaddrinfo) -> tuple[Address, ...]:
    """All addresses of a host, in the order they should be tried; a literal address is its own. Raises Unresolved."""
    literal = _literal(host)
    if literal is not None:
        return (literal,)
    try:
        answers = resolver(host, port, type=socket.SOCK_STREAM)
        found = [_address(answer[4]) for answer in answers]
    except (OSError, UnicodeError, ValueError):
        raise Unresolved("the host's name leads to no address") from None
    if not found:
        raise Unresolved("the host's name leads to no address")
    return tuple(dict.fromkeys(found))


def checked(url: str, *, loopback: bool = False, resolver: Resolver = socket.getaddrinfo) -> Checked:
    """The URL's place and its addresses, asked for once. Raises Blocked if ANY is blocked, and Unresolved."""
    place = read(url, loopback=loopback)
    addresses = resolve(place.host, place.port, resolver)
    _judge(place.host, addresses, scheme=place.scheme, loopback=loopback)
    return Checked(place, addresses)


def _host(given: str, *, bracketed: bool) -> str:
    if bracketed:
        if _literal(given) is None:
            raise Blocked("the host in brackets is no IPv6 address")
        return given
    host = given
    if not given.isascii():
        try:
            host = idna.encode(given, uts46=True, transitional=False).decode()
        except idna.IDNAError:
            raise Blocked("the host holds characters that no domain name has") from None
    host = host.lower().removesuffix(".")
    if not host:
        raise Blocked("the URL names no host")
    if _NUMBER.match(host.rpartition(".")[2]) and not isinstance(_literal(host), ipaddress.IPv4Address):
        raise Blocked("the host is a number that some read as an address; write its name, or four numbers up to 255")
    if not _NAME.match(host):
        raise Blocked("the host is no domain name")
    return host


def _literal(host: str) -> Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None


def _address(told: Sequence[Any]) -> Address:
    """Of a socket's address. A scope beside it counts as one within, which is never public."""
    text = str(told[0])
    if len(told) > 3 and told[3] and "%" not in text:
        text = f"{text}%{told[3]}"
    return ipaddress.ip_address(text)


def _judge(host: str, addresses: Sequence[Address], *, scheme: str, loopback: bool) -> None:
    own = [_own(address) for address in addresses]
    if scheme == "http" and not all(own):
        raise Blocked("the URL has to begin with https://")
    if not all(public(address) or (loopback and mine) for address, mine in zip(addresses, own, strict=True)):
        raise _not_public(host)


def _own(address: Address) -> bool:
    """Of this machine; written as what it is, not as an IPv4 address within one of IPv6."""
    return address.is_loopback and getattr(address, "ipv4_mapped", None) is None


def _not_public(host: str) -> Blocked:
    return Blocked(f"{host} is not, or not only, on the public internet; give a host that everybody can reach")
