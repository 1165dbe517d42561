"""Which identity providers there are, by the setting MARKET_OIDC_PROVIDERS: the one place that makes them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import orjson

from market.identity.contract import Provider

if TYPE_CHECKING:
    from market.identity.oidc import Client

_NAME = re.compile(r"[a-z][a-z0-9-]{0,31}")
_NEEDED = ("name", "issuer", "client_id", "client_secret")
_FIELDS = frozenset({*_NEEDED, "orcid", "scope"})


def providers_of(text: str, *, seconds: float = 10.0, loopback: bool = False) -> dict[str, Provider]:
    """By name; none where the text is empty. Raises ValueError, which names no secret."""
    if not text.strip():
        return {}
    # Half a second that an installation without providers need not wait for at each start.
    from market.identity.oidc import OpenIdProvider  # noqa: PLC0415

    try:
        entries = orjson.loads(text)
    except orjson.JSONDecodeError:
        raise ValueError("it is not JSON") from None
    if not isinstance(entries, list):
        raise ValueError("it is a list of objects")
    found: dict[str, Provider] = {}
    for number, entry in enumerate(entries, start=1):
        client = _client(entry, number)
        if client.name in found:
            raise ValueError(f"{client.name} stands there twice")
        found[client.name] = OpenIdProvider(client, seconds=seconds, loopback=loopback)
    return found


def _client(entry: Any, number: int) -> Client:
    from market.identity.oidc import Client  # noqa: PLC0415  # as above

    if not isinstance(entry, Mapping) or set(entry) - _FIELDS:
        raise ValueError(f"entry {number} is an object of {', '.join(sorted(_FIELDS))}")
    values = {name: entry.get(name, "") for name in _NEEDED}
    if not all(isinstance(value, str) and value for value in values.values()):
        raise ValueError(f"entry {number} needs {', '.join(_NEEDED)}")
    if not _NAME.fullmatch(values["name"]):
        raise ValueError(f"the name of entry {number} is of small letters, digits and hyphens")
    orcid = entry.get("orcid", False)
    scope = entry.get("scope", "openid" if orcid is True else "openid email profile")
    if not isinstance(orcid, bool) or not isinstance(scope, str) or "openid" not in scope.split():
        raise ValueError(f"entry {number}: orcid is true or false, and the scope holds openid")
    return Client(**values, orcid=orcid, scope=scope)
