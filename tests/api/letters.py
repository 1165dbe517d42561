"""Mails about accounts, read as their recipients read them. Asserts nothing."""

from __future__ import annotations

import re
from collections.abc import Callable

from tests.delivery.mail_server import MailServer

BASE = "https://qiao.example"
PASSWORD = "kite-ladder-orange-mill"
OTHER = "seven quiet harbours"


def tokens(mails: MailServer, drain: Callable[[], int], to: str) -> list[str]:
    """The tokens in the mails that this address has had so far, the newest last."""
    drain()
    found = [one.part("plain") for one in mails.received if to in one.recipients]
    return [token for text in found for token in re.findall(rf"{BASE}/click/account/(\S+)", text)]
