"""Webhooks as Standard Webhooks 1.0 says: one id for all attempts, a time and a signature for each."""

from __future__ import annotations

import base64
import binascii
import math
import secrets
from datetime import UTC, datetime
from typing import Any

import orjson
from standardwebhooks import Webhook

from market.delivery import addresses
from market.delivery.addresses import Blocked
from market.delivery.channels import Receipt, Target
from market.delivery.messages import Entry, Message
from market.delivery.posting import Poster, Unreachable, asked_pause
from market.delivery.wires import Answer

SECRET = "whsec_"  # noqa: S105 - how every secret begins
MOST_SECRETS = 8

_PAUSING = (429, 503)


class WebhookChannel:
    """Posts JSON that tells what happened and where to read on: an id and a title, never the text."""

    def __init__(self, poster: Poster) -> None:
        self._poster = poster

    def close(self) -> None:
        """Close idle connections; another message would open new ones."""
        self._poster.close()

    def check(self, target: Target) -> None:
        """Raise ValueError for a URL or a secret that is none."""
        addresses.read(target.address, loopback=self._poster.loopback)
        if not target.secrets:
            raise ValueError("a webhook needs a secret to be signed with")
        if len(target.secrets) > MOST_SECRETS:
            raise ValueError(f"a webhook has at most {MOST_SECRETS} secrets at a time")
        for secret in target.secrets:
            check_secret(secret)

    def send(self, message: Message, target: Target, *, now: datetime) -> Receipt:
        """Post it once, signed with every secret, so that the receiver may change from one to the next."""
        body = orjson.dumps(content(message, now))
        try:
            headers = signed(message.id, body, target.secrets, now)
        except ValueError as error:
            return Receipt("refused", detail=str(error))
        try:
            answer = self._poster.post(target.address, body, headers)
        except (Blocked, Unreachable) as error:  # a name may lead elsewhere tomorrow
            return Receipt("failed", detail=str(error))
        return _receipt(answer, now)


def new_secret() -> str:
    """A secret that nobody has."""
    return SECRET + base64.b64encode(secrets.token_bytes(32)).decode()


def content(message: Message, now: datetime) -> dict[str, Any]:
    """What the body says. The same in every attempt, but for the time of a test, which tells of nothing."""
    at = max((entry.at for entry in message.entries), default=now)
    if message.kind == "test":
        return {"type": "test.ping", "timestamp": _time(at), "data": {}}
    entries = [_told(entry) for entry in message.entries]
    if message.kind == "event" and len(entries) == 1:
        return {"type": _dotted(message.entries[0].kind), "timestamp": _time(at), "data": entries[0]}
    return {"type": "digest", "timestamp": _time(at), "data": {"entries": entries}}


def signed(identity: str, body: bytes, keys: tuple[str, ...], now: datetime) -> dict[str, str]:
    """The headers of one attempt. Raises ValueError where a secret is none."""
    moment = now.astimezone(UTC)  # the library takes whatever it is given for UTC
    try:
        signatures = [Webhook(key).sign(msg_id=identity, timestamp=moment, data=body.decode()) for key in keys]
    except Exception:  # an empty secret is an error of the library's own kind
        raise ValueError("the webhook's secret is none; make a new one") from None
    return {
        "Content-Type": "application/json",
        "User-Agent": "Qiao",
        "webhook-id": identity,
        "webhook-timestamp": str(math.floor(moment.timestamp())),
        "webhook-signature": " ".join(signatures),
    }


def check_secret(secret: str) -> None:
    """Raise ValueError for a secret that is none."""
    try:
        key = base64.b64decode(secret.removeprefix(SECRET), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if not secret.startswith(SECRET) or not 24 <= len(key) <= 64:
        raise ValueError(f"a webhook's secret is {SECRET} and 24 to 64 bytes in base64")


def _told(entry: Entry) -> dict[str, Any]:
    return {
        "id": entry.id,
        "kind": entry.kind,
        "title": entry.title,
        "url": entry.url,
        "listing": {"type": entry.noun, "id": entry.listing_id} if entry.listing_id else None,
        "match_id": entry.match_id or None,
    }


def _dotted(kind: str) -> str:
    """match.found for match_found: receivers filter by what stands before the dot."""
    return kind.replace("_", ".")


def _time(at: datetime) -> str:
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _receipt(answer: Answer, now: datetime) -> Receipt:
    if 200 <= answer.status < 300:
        return Receipt("sent", answer.status)
    if answer.status == 410:
        return Receipt("gone", answer.status, "the receiver answers that it is gone for good")
    if 300 <= answer.status < 400:
        return Receipt("failed", answer.status, "the receiver sends elsewhere; give the final URL")
    pause = asked_pause(answer, now) if answer.status in _PAUSING else None
    return Receipt("failed", answer.status, f"the receiver answers {answer.status}", pause)
