"""Problems with endpoints, streams and providers of mail: status, title, advice; gathered by catalogue.py."""

from __future__ import annotations

WORDS: dict[str, tuple[int, str, str, str, str]] = {
    "bad-signature": (
        401,
        "The signature is not good",
        "签名无效",
        "Sign as Standard Webhooks says: webhook-id, webhook-timestamp of the last five minutes, webhook-signature.",
        "请按 Standard Webhooks 签名：webhook-id、五分钟内的 webhook-timestamp、webhook-signature。",
    ),
    "too-many-endpoints": (
        409,
        "Too many endpoints",
        "接收端过多",
        "One person has at most {most}. Remove one that is not used any more.",
        "每人最多 {most} 个接收端，请先删除不再使用的。",
    ),
    "mail-has-its-address": (
        409,
        "Mail goes to your account's address",
        "邮件发往账户邮箱",
        "It can neither be moved nor removed here; PATCH /api/v1/preferences turns mails off.",
        "此处不能更改或删除；可用 PATCH /api/v1/preferences 关闭邮件通知。",
    ),
    "secret-not-ours": (
        409,
        "The secret is not made here",
        "密钥不由本系统生成",
        "Only a webhook's secret is. Make a robot's anew where the robot is, then add it as a new endpoint.",
        "只有 Webhook 的密钥由本系统生成。机器人的密钥请在其平台更换，再添加为新的接收端。",
    ),
    "too-many-trials": (
        429,
        "Enough trials for now",
        "测试次数过多",
        "An endpoint takes {most} trial messages an hour; see GET /api/v1/deliveries for what became of them. Come "
        "back in {seconds} seconds.",
        "每个接收端每小时最多 {most} 次测试，结果见 GET /api/v1/deliveries，请在 {seconds} 秒后重试。",
    ),
    "endpoint-disabled": (
        409,
        "The endpoint is disabled",
        "接收端已停用",
        "Mend what `disabled_for` names, then POST its /actions/enable.",
        "请先解决 disabled_for 所述问题，再调用其 /actions/enable。",
    ),
    "channel-not-offered": (
        422,
        "Not a channel to add here",
        "不能添加该渠道",
        "No endpoint can be made for {channel} here. Mail needs none: it goes to your account's address.",
        "此处不能为 {channel} 添加接收端。邮件无需添加：发往账户邮箱。",
    ),
    "too-many-streams": (
        503,
        "Too many live connections",
        "实时连接过多",
        "Close those you do not need, try again, or ask GET /api/v1/notifications now and then.",
        "请关闭不需要的连接后重试，或定时查询 GET /api/v1/notifications。",
    ),
}
