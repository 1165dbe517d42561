"""What can go wrong, in the market's own words. Knows no HTTP: market/api/problems/ has each one's status."""

from __future__ import annotations

import math
from datetime import timedelta
from typing import Any


class MarketError(Exception):
    """An error that a caller can act on. `code` names its entry in the catalogue of problems."""

    code = "internal"

    def __init__(self, code: str | None = None, **details: Any) -> None:
        self.code = code or type(self).code
        self.details = details
        super().__init__(f"{self.code} {details}" if details else self.code)


class Unauthenticated(MarketError):
    """Nobody, or a key that is unknown, expired or revoked."""

    code = "unauthenticated"


class Forbidden(MarketError):
    """Known, but without the right. What the caller may not even see is NotFound instead."""

    code = "forbidden"


class NotFound(MarketError):
    """No such thing, or none that this caller may see."""

    code = "not-found"


class Conflict(MarketError):
    """The present state does not allow it."""

    code = "conflict"


class Stale(MarketError):
    """The caller's version is no longer the present one."""

    code = "stale-version"


class VersionRequired(MarketError):
    """A change that must name the version it is based on, and did not."""

    code = "version-required"


class KeyReused(MarketError):
    """An idempotency key that came before with another request."""

    code = "idempotency-key-reused"


class Unreadable(MarketError):
    """A body that is not JSON."""

    code = "bad-json"


class BadCursor(MarketError):
    """A page cursor that this service did not give, or gave for another query."""

    code = "bad-cursor"


class TooMany(MarketError):
    """More than the caller may use for now; details say of what, how many, and in how many whole seconds it works
    again."""

    code = "too-many-requests"

    def __init__(self, code: str | None = None, *, again_in: timedelta, **details: Any) -> None:
        # Rounded up: whoever comes back when they are told to is not refused once more.
        super().__init__(code, seconds=max(1, math.ceil(again_in.total_seconds())), **details)


class Unavailable(MarketError):
    """A part the request needs (search engine, database) is away; it may be tried again."""

    code = "unavailable"


class NotOffered(MarketError):
    """Something this installation is not set up for."""

    code = "search-keys-unsupported"


class Invalid(MarketError):
    """Input that breaks rules; `fields` maps a JSON pointer to its messages (plain or bilingual strings)."""

    code = "invalid"

    def __init__(self, fields: dict[str, list[str]]) -> None:
        super().__init__("invalid")
        self.fields = fields
