"""Problems with searches that are kept: status, title, advice; gathered by catalogue.py."""

from __future__ import annotations

WORDS: dict[str, tuple[int, str, str, str, str]] = {
    "too-many-subscriptions": (
        409,
        "Too many subscriptions",
        "订阅过多",
        "One person keeps at most {most}. Remove some first.",
        "每人最多保留 {most} 个订阅，请先删除一些。",
    ),
}
