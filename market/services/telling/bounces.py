"""Mails that came back, as the mail provider tells: an address that takes none is sent none."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

import structlog
from sqlmodel import Session, col, func, select
from standardwebhooks import Webhook, WebhookVerificationError

from market.errors import Unauthenticated
from market.models import Endpoint, User
from market.services.telling import endpoints

log = structlog.get_logger()

Kind = Literal["hard", "soft", "complaint"]
_REASONS = {"hard": "bounced", "complaint": "complained"}


def verify(secret: str, body: bytes, headers: dict[str, str]) -> None:
    """Whether the provider says this, by Standard Webhooks, within the last five minutes. Raises Unauthenticated."""
    try:
        Webhook(secret).verify(body, headers, json_parse=False)
    except (WebhookVerificationError, ValueError) as error:
        raise Unauthenticated("bad-signature") from error


def take(session: Session, address: str, kind: Kind, *, now: datetime) -> None:
    """Disable the mail endpoint of whoever has this address, unless the mail may arrive another day. An address that
    is nobody's is passed over. May be repeated."""
    log.info("mail came back", kind=kind)
    if kind not in _REASONS:
        return
    found = (
        select(Endpoint)
        .join(User, col(User.id) == col(Endpoint.user_id))
        .where(Endpoint.channel == "mail", func.lower(User.email) == address.lower())  # providers change case
        .order_by(col(Endpoint.id))
        .with_for_update(of=Endpoint)
    )
    for endpoint in session.exec(found).all():
        endpoints.disable(session, endpoint, _REASONS[kind], now=now)
