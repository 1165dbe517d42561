"""Problems with listings and their lives: status, title, advice; gathered by catalogue.py."""

from __future__ import annotations

WORDS: dict[str, tuple[int, str, str, str, str]] = {
    "closed": (409, "Closed", "已关闭", "What is closed can no longer be changed.", "已关闭的内容不能再更改。"),
    "organisation-missing": (
        409,
        "No organisation",
        "没有所属机构",
        "Your account belongs to no organisation, so it can own no listing.",
        "您的账户没有所属机构，无法发布。",
    ),
    "organisation-closed": (
        409,
        "The organisation is closed",
        "机构已关闭",
        "Nothing of a closed organisation is made public. Ask the exchange to open it again first.",
        "已关闭机构的内容不能公开。请先联系运营方重新启用该机构。",
    ),
    "extended-already": (409, "Extended already", "已延期过", "It can be extended once only.", "只能延期一次。"),
    "no-end-date": (
        409,
        "No end date",
        "没有截止日期",
        "It has no end date, so there is nothing to extend.",
        "没有截止日期，无需延期。",
    ),
}
