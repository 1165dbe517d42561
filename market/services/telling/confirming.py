"""The signed tokens in mails about accounts: what each lets its holder do, until when, and that only once.

A token is made when a mail is written and kept nowhere. It holds a print of what it is about as that is now, so that
it is void as soon as it has done its deed, or anything has changed meanwhile.
"""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Callable
from datetime import datetime, timedelta

from sqlmodel import Session

from market.errors import NotFound
from market.models import Invitation, Notification, User
from market.services.rights import turns
from market.services.telling.links import Click, Links

DEEDS = ("verify", "reset", "join")
"""Show that an address is one's own; set a password; accept an invitation. Each shows the first as well."""
GOOD_FOR = timedelta(hours=24)
_INVITED = "invitation"


def event(deed: str, user: User, now: datetime) -> str:
    """What names a notification that asks for this deed: to one address at most one in ten minutes."""
    address = hashlib.sha256(user.email.encode()).hexdigest()[:8]
    return f"{deed}:{user.id}:{int(now.timestamp()) // 600}:{address}"


def of_invitation(invitation: Invitation) -> str:
    """What names the notification of an invitation."""
    return f"{_INVITED}:{invitation.id}"


def click(
    session: Session, user: User, row: Notification, *, make: Callable[[str, uuid.UUID, str], str], now: datetime
) -> tuple[str, str] | None:
    """The deed and the address that a mail about an account leads to; None where there is nothing to do any more."""
    deed, _, rest = row.event.partition(":")
    invitation = None
    if deed == _INVITED:
        deed, invitation = "join", session.get(Invitation, uuid.UUID(rest.partition(":")[0]))
        until = invitation.until if invitation is not None else now
    else:
        until = row.created_at + GOOD_FOR
    if deed not in DEEDS or until <= now or (deed == "verify" and user.email_verified_at is not None):
        return None
    if deed == "join" and not _is_for(invitation, user, now=now):
        return None
    about = f"{int(until.timestamp())}.{_print(deed, user, invitation)}"
    return deed, make(deed, user.id, about if invitation is None else f"{about}.{invitation.id.hex}")


def handed_over(links: Links, user: User, *, until: datetime) -> str:
    """The address that sets a password, for whoever runs the exchange to hand over where there is no mail."""
    return links.account("reset", user.id, f"{int(until.timestamp())}.{_print('reset', user, None)}")


def read(
    session: Session, click: Click, deeds: tuple[str, ...], *, held: bool = False, now: datetime
) -> tuple[str, User, Invitation | None]:
    """What a token allows, whose it is, and the invitation that it accepts. `held`: so they stay until the
    transaction ends, and whoever changes them now is waited for. Raises NotFound for any token that is not good now,
    always alike."""
    user = turns.take_turn_of(session, click.user_id) if held else session.get(User, click.user_id)
    parts = click.about.split(".")
    if click.action not in deeds or user is None or not user.active or len(parts) not in (2, 3):
        raise _nowhere()
    invitation = _invitation(session, uuid.UUID(parts[2]), held=held) if len(parts) == 3 else None
    if (click.action == "join") != (invitation is not None) or int(parts[0]) <= now.timestamp():
        raise _nowhere()
    if parts[1] != _print(click.action, user, invitation):
        raise _nowhere()
    if invitation is not None and not _is_for(invitation, user, now=now):
        raise _nowhere()
    return click.action, user, invitation


def _invitation(session: Session, identity: uuid.UUID, *, held: bool) -> Invitation | None:
    return session.get(Invitation, identity, with_for_update=held, populate_existing=held)


def _is_for(invitation: Invitation | None, user: User, *, now: datetime) -> bool:
    """That it is open, and the account still has the address that was invited: no other is shown to be theirs."""
    return (
        invitation is not None and invitation.email.lower() == user.email.lower() and open_still(invitation, now=now)
    )


def open_still(invitation: Invitation, *, now: datetime) -> bool:
    """Whether it can be accepted."""
    return invitation.accepted_at is None and invitation.revoked_at is None and invitation.until > now


def _print(deed: str, user: User, invitation: Invitation | None) -> str:
    """Changes with all that the token relies on."""
    relied_on = [deed, user.email, str(user.email_verified_at is not None), user.password]
    if invitation is not None:
        relied_on = [deed, user.email, invitation.email, invitation.digest]
    return hashlib.sha256("\0".join(relied_on).encode()).hexdigest()[:32]


def _nowhere() -> NotFound:
    return NotFound(noun="link", id="")
