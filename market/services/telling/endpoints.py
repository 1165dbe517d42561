"""Endpoints: the places outside where people are told. Addresses and secrets are sealed; a secret is shown once."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from sqlmodel import Session, col, func, select

from market.db import dialect_of, insert_into, take_turn
from market.delivery.channels import Channel, Target
from market.delivery.webhooks import new_secret
from market.errors import Conflict, Invalid, NotFound, NotOffered, TooMany, Unauthenticated
from market.models import Delivery, Endpoint, User
from market.models.base import new_id
from market.outbox import JobName, enqueue
from market.services.rights.access import Principal
from market.services.telling import notifications
from market.services.telling.telling import tell
from market.vault import Vault

MOST = 20
"""Endpoints of one person."""
MOST_TRIALS = 5
"""Messages without news to one endpoint in an hour: it may be somebody else's."""
OVERLAP = timedelta(hours=24)
"""For how long the secret before signs beside a new one."""
_TRIALS_IN = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Post:
    """What endpoints need of the house: the channels that are offered, and what seals their secrets."""

    channels: Mapping[str, Channel]
    vault: Vault

    def close(self) -> None:
        """Give the channels' connections back."""
        for channel in self.channels.values():
            channel.close()


def create(
    session: Session, post: Post, principal: Principal, data: Mapping[str, Any], *, now: datetime
) -> tuple[Endpoint, str]:
    """Add an endpoint of the caller's; gives it with the secret, which cannot be had again (empty where the channel
    has none). Raises Invalid for an address the channel could never send to, NotOffered, Conflict for too many."""
    user = _user(session, principal)
    channel = post.channels.get(data["channel"])
    if channel is None or data["channel"] == "mail":
        raise NotOffered("channel-not-offered", channel=data["channel"])
    take_turn(session, "endpoints", str(user.id))
    if len(of_user(session, user.id)) >= MOST:
        raise Conflict("too-many-endpoints", most=MOST)
    secret = new_secret() if data["channel"] == "webhook" else data.get("secret", "")
    _check(channel, Target(data["address"], (secret,) if secret else ()))
    endpoint = Endpoint(
        user_id=user.id,
        channel=data["channel"],
        name=data.get("name", ""),
        address=post.vault.seal(data["address"]),
        shown=_shown(data["address"]),
        secret=post.vault.seal(secret),
        events=data.get("events", []),
        created_at=now,
        updated_at=now,
    )
    session.add(endpoint)
    _tell_security(session, user, "endpoint_added", endpoint, now=now)
    return endpoint, secret


def change(
    session: Session, post: Post, principal: Principal, identity: uuid.UUID, data: Mapping[str, Any], *, now: datetime
) -> Endpoint:
    """Change name, address or events; raises as `create` does."""
    endpoint = get(session, principal, identity)
    for name in ("name", "events"):
        if name in data:
            setattr(endpoint, name, data[name])
    if "address" in data:
        if endpoint.channel == "mail":
            raise Conflict("mail-has-its-address")
        _check(post.channels[endpoint.channel], Target(data["address"], secrets_of(endpoint, post.vault, now=now)))
        endpoint.address, endpoint.shown = post.vault.seal(data["address"]), _shown(data["address"])
        endpoint.failing_since = None
        _tell_security(session, _user(session, principal), "endpoint_added", endpoint, now=now)
    return _touched(session, endpoint, now)


def rotate_secret(
    session: Session, post: Post, principal: Principal, identity: uuid.UUID, *, now: datetime
) -> tuple[Endpoint, str]:
    """A new secret for a webhook, shown once; for a day the one before signs as well."""
    endpoint = get(session, principal, identity)
    if endpoint.channel != "webhook":
        raise Conflict("secret-not-ours")
    secret = new_secret()
    endpoint.previous_secret, endpoint.previous_until = endpoint.secret, now + OVERLAP
    endpoint.secret = post.vault.seal(secret)
    _tell_security(session, _user(session, principal), "secret_rotated", endpoint, now=now)
    return _touched(session, endpoint, now), secret


def enable(session: Session, principal: Principal, identity: uuid.UUID, *, now: datetime) -> Endpoint:
    """Use it again; what has waited meanwhile and is still news is sent."""
    endpoint = get(session, principal, identity)
    endpoint.disabled_for, endpoint.disabled_at, endpoint.failing_since = "", None, None
    enqueue(session, JobName.DELIVER, [str(endpoint.id)], now=now)
    return _touched(session, endpoint, now)


def disable(session: Session, endpoint: Endpoint, reason: str, *, now: datetime) -> None:
    """Use it no more, for a reason of the vocabulary; its owner is told elsewhere. May be repeated."""
    if endpoint.disabled_at is not None:
        return
    endpoint.disabled_for, endpoint.disabled_at = reason, now
    _touched(session, endpoint, now)
    user = session.get(User, endpoint.user_id)
    if user is not None:
        tell(session, [notifications.news_of_endpoint(user, endpoint)], now=now)


def remove(session: Session, principal: Principal, identity: uuid.UUID) -> None:
    """Delete it, with all that was sent to it. One's mail is not deleted: preferences turn it off."""
    endpoint = get(session, principal, identity)
    if endpoint.channel == "mail":
        raise Conflict("mail-has-its-address")
    session.delete(endpoint)


def try_out(session: Session, post: Post, principal: Principal, identity: uuid.UUID, *, now: datetime) -> Delivery:
    """Have a trial message sent to it, which tells nothing; gives the delivery. Raises NotFound, NotOffered, Conflict
    for one that is disabled, and TooMany."""
    endpoint = get(session, principal, identity)
    if endpoint.channel not in post.channels:
        raise NotOffered("channel-not-offered", channel=endpoint.channel)
    if endpoint.disabled_at is not None:
        raise Conflict("endpoint-disabled")
    take_turn(session, "trials", str(identity))
    lately = (
        select(func.count(), func.min(Delivery.created_at))
        .select_from(Delivery)
        .where(
            Delivery.endpoint_id == identity,
            Delivery.kind == "test",
            col(Delivery.created_at) > now - _TRIALS_IN,
        )
    )
    made, first = session.execute(lately).one()
    if made >= MOST_TRIALS:
        raise TooMany("too-many-trials", again_in=first + _TRIALS_IN - now, most=MOST_TRIALS)
    delivery = Delivery(endpoint_id=endpoint.id, user_id=endpoint.user_id, kind="test", next_at=now, created_at=now)
    session.add(delivery)
    enqueue(session, JobName.DELIVER, [str(endpoint.id)], now=now)
    return delivery


def get(session: Session, principal: Principal, identity: uuid.UUID) -> Endpoint:
    """One of the caller's. Raises NotFound for another's."""
    endpoint = session.get(Endpoint, identity)
    if endpoint is None or endpoint.user_id != principal.user_id:
        raise NotFound(noun="endpoint", id=str(identity))
    return endpoint


def of_user(session: Session, user_id: uuid.UUID) -> Sequence[Endpoint]:
    """Oldest first."""
    return session.exec(select(Endpoint).where(Endpoint.user_id == user_id).order_by(col(Endpoint.id))).all()


def of_users(session: Session, user_ids: Iterable[uuid.UUID], *, mail: bool, now: datetime) -> list[Endpoint]:
    """All endpoints of these people. Everybody has one for their mail address, made when it is first asked for."""
    ids = sorted(set(user_ids))
    found = list(session.exec(select(Endpoint).where(col(Endpoint.user_id).in_(ids)).order_by(col(Endpoint.id))))
    lacking = set(ids) - {one.user_id for one in found if one.channel == "mail"}
    if mail and lacking:
        rows = [_mail(one, now) for one in sorted(lacking)]
        session.connection().execute(insert_into(dialect_of(session), Endpoint).on_conflict_do_nothing(), rows)
        made = select(Endpoint).where(col(Endpoint.user_id).in_(lacking), Endpoint.channel == "mail")
        found += session.exec(made)
    return found


def _mail(user_id: uuid.UUID, now: datetime) -> dict[str, Any]:
    return {**Endpoint(id=new_id(), user_id=user_id, channel="mail", created_at=now, updated_at=now).model_dump()}


def secrets_of(endpoint: Endpoint, vault: Vault, *, now: datetime) -> tuple[str, ...]:
    """The secrets that sign for it now, the newest first. Raises VaultError."""
    previous = endpoint.previous_until is not None and endpoint.previous_until > now
    sealed = (endpoint.secret, endpoint.previous_secret if previous else "")
    return tuple(vault.open(one) for one in sealed if one)


def target_of(endpoint: Endpoint, user: User, vault: Vault, *, now: datetime) -> Target:
    """Where its messages go. Raises VaultError."""
    if endpoint.channel == "mail":
        return Target(user.email)
    return Target(vault.open(endpoint.address), secrets_of(endpoint, vault, now=now))


def seal_all_again(session: Session, vault: Vault) -> int:
    """Seal every address and secret with the newest key; gives how many endpoints. Raises VaultError."""
    count = 0
    for endpoint in session.exec(select(Endpoint).order_by(col(Endpoint.id)).with_for_update()):
        for name in ("address", "secret", "previous_secret"):
            setattr(endpoint, name, vault.seal_again(getattr(endpoint, name)))
        session.add(endpoint)
        count += 1
    return count


def _check(channel: Channel, target: Target) -> None:
    try:
        channel.check(target)
    except ValueError as error:
        raise Invalid({"/address": [str(error)]}) from error


def _shown(address: str) -> str:
    """The part of an address that is no secret: who may know the rest of a robot's address may speak through it."""
    parts = urlsplit(address)
    return f"{parts.scheme}://{parts.hostname or ''}"[:200]


def _user(session: Session, principal: Principal) -> User:
    user = session.get(User, principal.user_id) if principal.user_id is not None else None
    if user is None:
        raise Unauthenticated
    return user


def _tell_security(session: Session, user: User, deed: str, endpoint: Endpoint, *, now: datetime) -> None:
    news = notifications.news_of_security(user, deed, endpoint.name or endpoint.shown)
    tell(session, [news], now=now)


def _touched(session: Session, endpoint: Endpoint, now: datetime) -> Endpoint:
    endpoint.updated_at, endpoint.version = now, endpoint.version + 1
    session.add(endpoint)
    return endpoint
