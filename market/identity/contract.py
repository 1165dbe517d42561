"""The one contract between the service and an identity provider: how a sign-in begins, and what comes back of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


class NotVouched(Exception):
    """The provider vouches for nobody, or what came back cannot be trusted. Says why in words without any name."""


class ProviderAway(Exception):
    """The provider does not answer, or not as one. Asking again later may succeed."""


@dataclass(frozen=True, slots=True)
class Begun:
    """A sign-in under way: where the browser goes, and what must fit when it comes back. Good for one answer."""

    url: str
    state: str
    nonce: str
    verifier: str


@dataclass(frozen=True, slots=True)
class Returned:
    """What the browser brings back in its address."""

    code: str
    state: str
    issuer: str = ""
    error: str = ""


@dataclass(frozen=True, slots=True)
class Vouched:
    """Who it is, as the provider says: `subject` among all that it knows. `email` only where the provider says that
    it has checked it; `orcid` only where the provider is ORCID itself."""

    issuer: str
    subject: str
    email: str = ""
    name: str = ""
    orcid: str = ""


class Provider(Protocol):
    """Safe to share between threads. `back` is our address that the browser returns to."""

    name: str
    issuer: str

    def begin(self, back: str) -> Begun:
        """Start a sign-in. Raises ProviderAway."""
        ...

    def finish(self, begun: Begun, returned: Returned, back: str, *, now: datetime) -> Vouched:
        """Who has signed in. Raises NotVouched, ProviderAway."""
        ...

    def close(self) -> None:
        """Give its connections back."""
        ...
