"""How people want to be told: what of, by which channel, how often; when not; how much a day."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping
from datetime import datetime, time
from typing import Any

from sqlmodel import Session, col, select

from market.db import take_turn
from market.delivery.timing import Hours, Rhythm, slower
from market.models import Preference, User
from market.vocabulary import vocabulary

KINDS = vocabulary("notification_kinds").codes
CHANNELS = vocabulary("channels").codes
ALWAYS = frozenset({"security", "account"})
"""Kinds that nothing turns off, and that wait for nothing: somebody's account hangs on them."""

_PROMPT = dict.fromkeys(KINDS, "instant")
# What somebody waits for is told at once; what can wait until tomorrow is told with the rest of the day.
_READ_BY_PEOPLE = {
    **_PROMPT,
    "match_found": "daily",
    "match_improved": "weekly",
    "listing_expiring": "daily",
    "listing_expired": "daily",
    "deadline_near": "daily",
}
DEFAULTS: Mapping[str, Mapping[str, str]] = {
    "mail": _READ_BY_PEOPLE,
    "webhook": _PROMPT,
    **{channel: {**_PROMPT, "match_improved": "daily"} for channel in ("wecom", "dingtalk", "feishu", "apprise")},
}
"""channel -> kind -> rhythm, for whoever has not said otherwise."""


def of(session: Session, user_ids: Iterable[uuid.UUID]) -> dict[uuid.UUID, Preference]:
    """The preferences of each; of those who have said nothing, what holds then."""
    ids = list(user_ids)
    found = {row.user_id: row for row in session.exec(select(Preference).where(col(Preference.user_id).in_(ids)))}
    return {one: found.get(one) or Preference(user_id=one) for one in ids}


def rhythm(preference: Preference, kind: str, channel: str, subscribed: str = "instant") -> Rhythm:
    """How often this kind is told by this channel; not more often than its subscription says. Nothing turns those in
    ALWAYS off, nor makes them wait."""
    if kind in ALWAYS:
        return "instant"
    wanted: Any = preference.rhythms.get(kind, {}).get(channel) or DEFAULTS[channel][kind]
    often: Any = subscribed
    return slower(wanted, often)


def hours(preference: Preference) -> Hours:
    """When this person may be disturbed."""
    return Hours(
        zone=preference.time_zone,
        quiet_from=_of_day(preference.quiet_from),
        quiet_to=_of_day(preference.quiet_to),
        digest_at=time(*divmod(preference.digest_at, 60)),
        digest_day=preference.digest_day,
    )


def _of_day(minutes: int | None) -> time | None:
    return None if minutes is None else time(*divmod(minutes, 60))


def matrix(preference: Preference) -> dict[str, dict[str, str]]:
    """kind -> channel -> rhythm, of all kinds and channels."""
    return {kind: {channel: rhythm(preference, kind, channel) for channel in CHANNELS} for kind in KINDS}


def change(session: Session, user: User, data: Mapping[str, Any], *, now: datetime) -> Preference:
    """Change what `data` names, which has passed its schema; of the rhythms, those it names. `language` is the
    user's own."""
    take_turn(session, "preferences", str(user.id))  # of two first changes at once, one would find the other's row
    row = session.get(Preference, user.id, populate_existing=True) or Preference(user_id=user.id)
    for name, value in data.items():
        if name == "language":
            user.language = value
        elif name == "rhythms":
            row.rhythms = {
                kind: {**row.rhythms.get(kind, {}), **value.get(kind, {})} for kind in {**row.rhythms, **value}
            }
        else:
            setattr(row, name, value)
    row.updated_at = now
    session.add_all([user, row])
    return row
