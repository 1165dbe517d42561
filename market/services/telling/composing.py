"""Writes the message of a delivery, of what may still be told at this moment: grouped by listing, best first."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sqlmodel import Session, col, select

from market.delivery.messages import Action, Entry, Group, Message, MessageKind
from market.models import LISTINGS, DeliveryItem, Endpoint, Listing, Match, Notification, User
from market.services.rights import principals
from market.services.rights.access import VISITOR, Principal, visible_to
from market.services.telling import confirming, former, matched
from market.services.telling.links import ACTIONS, Links
from market.services.telling.preferences import ALWAYS

_LABELS = {
    "interest": ("感兴趣", "Interested"),
    "dismiss": ("忽略", "Dismiss"),
    "snooze": ("稍后提醒", "Remind me later"),
}
_CONFIRMED = {
    "verify": ("确认此邮箱", "Confirm this address"),
    "reset": ("设置密码", "Set a password"),
    "join": ("接受邀请", "Accept the invitation"),
}
_SUBJECTS = {
    "digest": ("桥：{count} 条新消息，{first}", "Qiao: {count} news, {first}"),
    "test": ("桥：测试消息", "Qiao: a trial message"),
}
# What leads to a pair that somebody can take up or turn down.
_ABOUT_PAIRS = frozenset({"match_found", "match_improved", "counterpart_interested"})
# What still holds when its listing is not published any more.
_ABOUT_ENDS = frozenset(
    {"listing_rejected", "listing_expired", "case_assigned", "claim_made", "claim_decided", "relay_message"}
)


@dataclass(frozen=True, slots=True)
class _Held:
    """A notification that may be told, its listing where it has one, and its match likewise."""

    row: Notification
    listing: Listing | None
    match: Match | None
    body: str
    confirmed: Action | None = None  # what an account's mail leads to; nobody else may see it


def messages(
    session: Session, links: Links, endpoint: Endpoint, user: User, kinds: Mapping[uuid.UUID, str], *, now: datetime
) -> dict[uuid.UUID, Message]:
    """The messages of deliveries, given with their kinds; none where nothing is left to be told."""
    items = (
        select(DeliveryItem.delivery_id, Notification)
        .join(Notification, col(Notification.id) == col(DeliveryItem.notification_id))
        .where(col(DeliveryItem.delivery_id).in_(list(kinds)))
    )
    found = session.exec(items).all()
    delivery_of = {row.id: delivery_id for delivery_id, row in found}
    held: dict[uuid.UUID | None, list[_Held]] = {}
    for one in _told(session, user, [row for _, row in found], now=now):
        held.setdefault(delivery_of[one.row.id], []).append(one)
    made: dict[uuid.UUID, Message] = {}
    for delivery_id, kind in kinds.items():
        mine = held.get(delivery_id, [])
        if kind == "test":
            made[delivery_id] = _message(links, endpoint, user, "test", str(delivery_id), ())
        elif mine:
            if endpoint.channel == "mail":  # these open accounts: they go to its address and nowhere else
                mine = [_with_token(session, links, user, one, now) for one in mine]
            together: MessageKind = "digest" if len(mine) > 1 else "event"
            made[delivery_id] = _message(links, endpoint, user, together, str(delivery_id), mine)
    return made


def _with_token(session: Session, links: Links, user: User, one: _Held, now: datetime) -> _Held:
    found = (
        confirming.click(session, user, one.row, make=links.account, now=now) if one.row.kind == "account" else None
    )
    if found is None:
        return one
    deed, url = found
    return replace(one, confirmed=Action(_CONFIRMED[deed][user.language != "zh"], url))


def preview(session: Session, links: Links, endpoint: Endpoint, user: User, *, now: datetime) -> Message | None:
    """What waits for an endpoint, as one message, whenever it is due; None where nothing does."""
    pending = select(DeliveryItem.notification_id).where(
        DeliveryItem.endpoint_id == endpoint.id, col(DeliveryItem.delivery_id).is_(None)
    )
    rows = session.exec(select(Notification).where(col(Notification.id).in_(pending))).all()
    held = _told(session, user, rows, now=now)
    return _message(links, endpoint, user, "digest", str(endpoint.id), held) if held else None


def _told(session: Session, user: User, rows: Sequence[Notification], *, now: datetime) -> list[_Held]:
    """Those that are still news: not read, not put off, their listing there to be seen, their match not withdrawn."""
    principal = principals.of_user(session, user.id, now=now) or VISITOR
    listings = _listings(session, principal, rows)
    ids = [row.match_id for row in rows if row.match_id is not None]
    matches = {match.id: match for match in session.exec(select(Match).where(col(Match.id).in_(ids)))} if ids else {}
    others = _open(session, matches.values())
    bodies = matched.bodies(session, user.id, rows, now=now)
    held = []
    for row in rows:
        if (row.read_at is not None or (row.snoozed_until or now) > now) and not former.address(row):
            continue
        listing = listings.get(row.listing_id) if row.listing_id is not None else None
        if row.listing_id is not None and (listing is None or not (listing.published or row.kind in _ABOUT_ENDS)):
            continue
        match = matches.get(row.match_id) if row.match_id is not None else None
        if row.match_id is not None and (
            match is None
            or not match.active
            or match.dismissed
            or not others.issuperset((match.demand_id, match.offer_id))
        ):
            continue
        if body := bodies.get(row.id, row.body):  # empty: it is no match of theirs any more
            held.append(_Held(row, listing, match, body))
    return held


def _listings(
    session: Session, principal: Principal, rows: Iterable[Notification]
) -> dict[uuid.UUID | None, Listing]:
    """The listings that notifications are about, where their reader may still see them."""
    wanted: dict[str, list[uuid.UUID]] = {}
    for row in rows:
        if row.listing_id is not None:
            wanted.setdefault(row.listing_noun, []).append(row.listing_id)
    found: dict[uuid.UUID | None, Listing] = {}
    for noun, ids in wanted.items():
        model = LISTINGS[noun]
        # Whoever is told of their own listing sees it in every state; a subscriber only while it is public.
        for listing in session.exec(select(model).where(col(model.id).in_(ids), visible_to(model, principal))):
            found[listing.id] = listing
    return found


def _open(session: Session, matches: Iterable[Match]) -> set[uuid.UUID]:
    """Those of the matches' listings that are public now: a pair of which one is not is nobody's news."""
    wanted: dict[str, set[uuid.UUID]] = {}
    for match in matches:
        wanted.setdefault("demand", set()).add(match.demand_id)
        wanted.setdefault(match.offer_kind, set()).add(match.offer_id)
    found: set[uuid.UUID] = set()
    for noun, ids in wanted.items():
        model = LISTINGS[noun]
        found.update(session.exec(select(model.id).where(col(model.id).in_(ids), col(model.state) == "published")))
    return found


def _message(
    links: Links, endpoint: Endpoint, user: User, kind: MessageKind, identity: str, held: Sequence[_Held]
) -> Message:
    english = user.language != "zh"
    groups = tuple(_groups(links, user, held))
    first = groups[0].entries[0].title if groups else ""
    subject = _SUBJECTS[kind][english].format(count=len(held), first=first) if kind != "event" else first
    mail = endpoint.channel == "mail"
    about = held[0].row.kind if kind == "event" else ""
    return Message(
        id=identity,
        kind=kind,
        language=user.language,
        # Who an unknown person says they are is not told on to whom they have us write.
        recipient="" if any(one.confirmed for one in held) else user.name,
        subject=subject,
        groups=groups,
        preferences_url=links.preferences,
        unsubscribe_url=links.click("unsubscribe", user.id, about) if mail and about not in ALWAYS else "",
    )


def _groups(links: Links, user: User, held: Sequence[_Held]) -> Iterable[Group]:
    """By listing, the one with the best match first, in each the best first; what is about none comes last."""
    by_listing: dict[uuid.UUID | None, list[_Held]] = {}
    for one in sorted(held, key=_worth):
        about = None if one.row.kind == "subscription_hit" else one.row.listing_id
        by_listing.setdefault(about, []).append(one)
    for about, ones in by_listing.items():
        listing = ones[0].listing if about is not None else None
        entries = tuple(_entry(links, user, one) for one in ones)
        if listing is None:
            yield Group("", "", entries)
        else:
            yield Group(listing.heading(user.language), links.page(listing.NOUN, listing.id), entries)


def _worth(one: _Held) -> tuple[float, int]:
    """Best first: what both sides want, then by score, then the newest."""
    wanted = 1.0 if one.row.kind in ("mutual_interest", "counterpart_interested") else 0.0
    side = "demand" if one.row.listing_noun == "demand" else "offer"
    return -(one.match.score_of(side) if one.match is not None else 0.0) - wanted, -one.row.position


def _entry(links: Links, user: User, one: _Held) -> Entry:
    row = one.row
    return Entry(
        id=str(row.id),
        kind=row.kind,
        title=row.title,
        body=one.body,
        url=_url(links, one),
        at=row.created_at,
        noun=row.listing_noun,
        listing_id=str(row.listing_id or ""),
        match_id=str(row.match_id or ""),
        actions=tuple(_actions(links, user, one)),
    )


def _url(links: Links, one: _Held) -> str:
    """Where it leads: to the other listing of a match, to the listing itself, or to the inbox."""
    if one.match is not None:
        noun, identity = one.match.offer_kind, one.match.offer_id
        if one.row.listing_noun != "demand":
            noun, identity = "demand", one.match.demand_id
        return links.page(noun, identity)
    return links.page(one.row.listing_noun, one.row.listing_id) if one.row.listing_id else links.inbox


def _actions(links: Links, user: User, one: _Held) -> Iterable[Action]:
    if one.confirmed is not None:
        yield one.confirmed
    if one.row.kind not in _ABOUT_PAIRS:
        return
    for action in ACTIONS:
        yield Action(_LABELS[action][user.language != "zh"], links.click(action, user.id, str(one.row.id)))


def labels() -> Mapping[str, tuple[str, str]]:
    """What the actions are called, in Chinese and English."""
    return _LABELS
