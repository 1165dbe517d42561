"""Which channels an installation offers, by its settings."""

from __future__ import annotations

from collections.abc import Mapping

from market.delivery.channels import Channel
from market.delivery.elsewhere import SCHEMES, AppriseChannel
from market.delivery.mail import MailChannel
from market.delivery.posting import Poster
from market.delivery.robots import DingTalkChannel, FeishuChannel, WeComChannel
from market.delivery.webhooks import WebhookChannel
from market.settings import Settings


def channels_of(settings: Settings) -> Mapping[str, Channel]:
    """The channels by their codes; mail only where a server is set. Raises ValueError for one that cannot be used."""
    poster = Poster(loopback=settings.send_to_loopback, seconds=settings.send_timeout_seconds)
    schemes = frozenset(filter(None, settings.apprise_schemes.split(",")))
    channels: dict[str, Channel] = {
        "webhook": WebhookChannel(poster),
        "wecom": WeComChannel(poster),
        "dingtalk": DingTalkChannel(poster),
        "feishu": FeishuChannel(poster),
        "apprise": AppriseChannel(schemes or SCHEMES),
    }
    if settings.mail_url:
        channels["mail"] = MailChannel(settings.mail_url, settings.mail_from, seconds=settings.send_timeout_seconds)
    return channels
