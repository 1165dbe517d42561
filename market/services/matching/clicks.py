"""What one click in a message does. Its token is the right to do it: whoever clicks has no key and no session."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from sqlmodel import Session

from market.errors import Conflict, Forbidden, NotFound
from market.models import Match, Notification, User
from market.services.matching import matches
from market.services.rights import principals
from market.services.rights.access import Principal
from market.services.telling import notifications, preferences
from market.services.telling.links import ACTIONS, Click

SNOOZE = timedelta(days=7)

Done = Literal["interested", "in_contact", "dismissed", "snoozed", "unsubscribed", "too_late", "gone"]
"""What holds after a click. Too late: the two sides have gone on; gone: there is no such match any more, or the
person may not answer for its listing now. Neither changes anything."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A click, whose it is, and what it is about: a notification, or mails of a kind, or all of them."""

    action: str
    user: User
    principal: Principal  # the person as they are now
    kind: str = ""
    notification: Notification | None = None


def asked(session: Session, click: Click, *, now: datetime) -> Asked:
    """What a token asks for; changes nothing. Raises NotFound where the person or the notification is gone."""
    user = session.get(User, click.user_id)
    principal = principals.of_user(session, click.user_id, now=now)
    if user is None or principal is None:
        raise NotFound(noun="link", id="")
    if click.action == "unsubscribe" and click.about in ("", *_kinds("")):
        return Asked(click.action, user, principal, kind=click.about)
    if click.action not in ACTIONS:
        raise NotFound(noun="link", id="")
    row = notifications.get(session, principal, uuid.UUID(click.about))
    return Asked(click.action, user, principal, notification=row)


def open_still(session: Session, one: Asked) -> bool:
    """Whether there is still something to do; changes nothing."""
    if one.notification is None or one.action == "snooze":
        return True
    match_id = one.notification.match_id
    match = session.get(Match, match_id) if match_id is not None else None
    return match is not None and match.active


def act(session: Session, one: Asked, *, now: datetime) -> Done:
    """Do it, as the person it was given to. Doing it again changes nothing more."""
    if one.notification is None:
        off = {kind: {"mail": "off"} for kind in _kinds(one.kind)}
        preferences.change(session, one.user, {"rhythms": off}, now=now)
        return "unsubscribed"
    if one.action == "snooze":
        _snooze(session, one, one.notification, now)
        return "snoozed"
    done = _answer(session, one, one.notification, now)
    if done != "gone":
        notifications.read(session, one.principal, one.notification.id, now=now)
    return done


def _snooze(session: Session, one: Asked, row: Notification, now: datetime) -> None:
    if row.snoozed_until is None or row.snoozed_until <= now:
        notifications.snooze(session, one.principal, row.id, until=now + SNOOZE, now=now)


def _answer(session: Session, one: Asked, row: Notification, now: datetime) -> Done:
    if row.match_id is None:
        return "gone"
    reason = "other" if one.action == "dismiss" else ""
    try:
        match, side, _ = matches.act(session, one.principal, row.match_id, one.action, reason=reason, now=now)
        state = getattr(match, f"{side}_state")
    except (NotFound, Forbidden):
        return "gone"
    except Conflict as conflict:  # it has gone on, perhaps by this very click
        state = conflict.details["state"]
    if one.action == "dismiss":
        return "dismissed" if state == "dismissed" else "too_late"
    standing: dict[str, Done] = {"interested": "interested", "in_contact": "in_contact"}
    return standing.get(state, "too_late")


def _kinds(kind: str) -> tuple[str, ...]:
    """The kinds whose mails an unsubscription ends: one, or all but what cannot be turned off."""
    return tuple(one for one in preferences.KINDS if one not in preferences.ALWAYS and kind in ("", one))
