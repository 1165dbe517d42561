"""What notifications say: a title and a body for each kind, in Chinese and English."""

from __future__ import annotations

from typing import Any

TITLES = {
    "match_found": ("新的匹配：{other}", "A new match: {other}"),
    "match_improved": ("匹配度提高：{other}", "A better match now: {other}"),
    "counterpart_interested": ("对方感兴趣：{other}", "They are interested: {other}"),
    "mutual_interest": ("双方均感兴趣：{other}", "Both sides are interested: {other}"),
    "listing_approved": ("已发布：{title}", "Published: {title}"),
    "listing_rejected": ("未通过审核：{title}", "Not published: {title}"),
    "listing_expiring": ("即将到期：{title}", "About to expire: {title}"),
    "listing_expired": ("已到期：{title}", "Expired: {title}"),
    "deadline_near": ("需求临近截止：{other}", "A demand is about to close: {other}"),
    "subscription_hit": ("订阅“{name}”有新结果：{title}", "New for “{name}”: {title}"),
    "endpoint_disabled": ("接收端已停用：{name}", "No longer told at: {name}"),
    "security": ("安全提醒：{what}", "Security notice: {what}"),
}
BODIES = {
    "match_found": (
        "与您的“{title}”匹配度 {score:.0%}：{reason}",
        "Fits your “{title}” at {score:.0%}. {reason}",
    ),
    "match_improved": (
        "与您的“{title}”匹配度由 {before:.0%} 升至 {score:.0%}：{reason}",
        "Fits your “{title}” at {score:.0%}, up from {before:.0%}. {reason}",
    ),
    "counterpart_interested": (
        "对方希望就您的“{title}”与您联系。若您也感兴趣，请予确认。",
        "They would like to talk about your “{title}”. Say that you are interested too, and you are in contact.",
    ),
    "mutual_interest": (
        "您的“{title}”与之双方均已表示感兴趣，可以联系了。",
        "You and they are both interested, about “{title}”. You can talk now.",
    ),
    "listing_approved": ("审核通过，现已公开。", "A reviewer approved it; it is public now."),
    "listing_rejected": (
        "原因：{reason} 修改后可再次提交。",
        "Reason: {reason} Mend it and submit it again.",
    ),
    "listing_expiring": ("{day} 到期，可延期一次。", "It expires on {day}; it can be extended once."),
    "listing_expired": (
        "已于 {day} 到期，不再公开，也不再匹配。",
        "It expired on {day} and is no longer public or matched.",
    ),
    "deadline_near": (
        "它与您的“{title}”匹配，{day} 截止。",
        "It matches your “{title}” and closes on {day}.",
    ),
    "subscription_hit": ("符合您订阅的条件。", "It answers the search you have kept."),
    "endpoint_disabled": (
        "原因：{reason}。修复后可在接收端设置中重新启用。",
        "Reason: {reason}. Mend it, then enable it again among your endpoints.",
    ),
    "security": (
        "如非您本人操作，请立即吊销密钥并联系管理员。",
        "If this was not you, revoke your keys at once and tell an administrator.",
    ),
}

# What a security notice is about.
DEEDS = {
    "endpoint_added": ("新增接收端 {name}", "an endpoint was added: {name}"),
    "secret_rotated": ("接收端 {name} 的密钥已更换", "the secret of an endpoint was changed: {name}"),
    "key_created": ("新建 API 密钥 {name}", "an API key was made: {name}"),
    "key_revoked": ("API 密钥 {name} 已吊销", "an API key was revoked: {name}"),
}


def title(kind: str, language: str, details: dict[str, Any]) -> str:
    """The title of a notification of this kind; `details` fill it."""
    return TITLES[kind][language != "zh"].format(**details)


def body(kind: str, language: str, details: dict[str, Any]) -> str:
    """The body likewise."""
    return BODIES[kind][language != "zh"].format(**details)
