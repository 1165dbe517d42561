"""How each channel is treated: whether a person is behind it, how much goes at once, how often it may be used."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from market.delivery.robots import CHAT_WINDOWS, FEISHU_WINDOWS, Window


@dataclass(frozen=True, slots=True)
class Manner:
    """`personal`: quiet hours and the daily cap hold, and what is due together goes in one message; otherwise a
    program listens, and is told each event by itself. `burst`: messages in one go, of which `parallel` are under way
    at once. `windows`: how many it takes."""

    personal: bool = True
    burst: int = 1
    parallel: int = 1
    windows: tuple[Window, ...] = ()


MANNERS: Mapping[str, Manner] = {
    "mail": Manner(burst=2),
    "webhook": Manner(personal=False, burst=50, parallel=4),
    "wecom": Manner(windows=CHAT_WINDOWS),
    "dingtalk": Manner(windows=CHAT_WINDOWS),
    "feishu": Manner(windows=FEISHU_WINDOWS),
    "apprise": Manner(),
}
