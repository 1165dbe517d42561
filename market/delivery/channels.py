"""The contract of every channel: a message and where to send it in, a receipt out."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal, Protocol

from market.delivery.messages import Message

Outcome = Literal["sent", "failed", "refused", "gone"]
"""Taken; not now, perhaps later; never this message; never anything again, the other side says."""


@dataclass(frozen=True, slots=True)
class Target:
    """Where to: a URL or a mail address, and the secrets that sign for it, the newest first."""

    address: str
    secrets: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Receipt:
    """What became of one attempt. `detail` is short, and holds no secret and no text of the message."""

    outcome: Outcome
    status: int | None = None  # HTTP or SMTP code, or the robot's own
    detail: str = ""
    retry_after: timedelta | None = None


class Channel(Protocol):
    """Sends messages of one kind. Safe to call from many threads."""

    def check(self, target: Target) -> None:
        """Raise ValueError, with what to mend, for a target this channel could never send to. Connects to nothing."""

    def close(self) -> None:
        """Give connections back. May be repeated."""

    def send(self, message: Message, target: Target, *, now: datetime) -> Receipt:
        """Try once. Raises nothing that the network, the other side or the message can cause."""
