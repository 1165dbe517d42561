"""Every kind of problem: its status, its title, and what to do about it, in Chinese and English."""

from __future__ import annotations

from dataclasses import dataclass

from schemas.messages import Message


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of problem: its status, its title, and what to do about it; details fill the braces."""

    status: int
    title: Message
    advice: Message


def _kind(status: int, en: str, zh: str, advice_en: str, advice_zh: str) -> Kind:
    return Kind(status, Message(en, zh), Message(advice_en, advice_zh))


KINDS: dict[str, Kind] = {
    "bad-request": _kind(400, "The request cannot be read", "请求无法解读", "{reason}", "{reason}"),
    "bad-json": _kind(
        400,
        "The body is not JSON",
        "正文不是 JSON",
        "Send a JSON object in UTF-8, with Content-Type: application/json.",
        "请以 UTF-8 发送 JSON 对象，并设 Content-Type: application/json。",
    ),
    "bad-cursor": _kind(
        400,
        "The cursor is not good here",
        "游标无效",
        "Use `next` of the answer before, with the same filters and order, or start without a cursor.",
        "请使用上一次应答中的 next，过滤与排序条件须相同；或不带游标从头开始。",
    ),
    "unauthenticated": _kind(
        401,
        "A key is needed",
        "需要密钥",
        "Send Authorization: Bearer <key>. `market keys create` makes one.",
        "请发送 Authorization: Bearer <密钥>。可用 market keys create 生成。",
    ),
    "bad-key": _kind(
        401,
        "The key is not good",
        "密钥无效",
        "It is mistyped, expired or revoked. Check it, or ask for a new one.",
        "密钥有误、过期或已吊销，请核对或重新申请。",
    ),
    "bad-signature": _kind(
        401,
        "The signature is not good",
        "签名无效",
        "Sign as Standard Webhooks says: webhook-id, webhook-timestamp of the last five minutes, webhook-signature.",
        "请按 Standard Webhooks 签名：webhook-id、五分钟内的 webhook-timestamp、webhook-signature。",
    ),
    "forbidden": _kind(403, "Not allowed", "无权操作", "Your roles do not allow this.", "您的角色无权进行此操作。"),
    "role-missing": _kind(
        403,
        "Another role is needed",
        "需要其他角色",
        "This takes one of: {roles}.",
        "此操作需要以下角色之一：{roles}。",
    ),
    "not-owner": _kind(403, "Not yours", "不属于您", "Only its owner may change it.", "只有其所有者可以更改。"),
    "not-found": _kind(
        404,
        "Not found",
        "未找到",
        "There is no such {noun}, or none that you may see.",
        "没有这个 {noun}，或您无权查看。",
    ),
    "no-such-page": _kind(
        404,
        "No such address",
        "没有这个地址",
        "Nothing is served here; /docs lists what is.",
        "此处没有内容，请参阅 /docs。",
    ),
    "method-not-allowed": _kind(
        405,
        "Not a method of this address",
        "不支持的方法",
        "/docs lists what each address takes.",
        "各地址支持的方法见 /docs。",
    ),
    "conflict": _kind(
        409, "Not possible now", "当前无法进行", "The present state does not allow it.", "当前状态不允许。"
    ),
    "not-in-this-state": _kind(
        409,
        "Not possible in this state",
        "当前状态不允许",
        "{action} is not possible while it is {state}.",
        "状态为 {state} 时不能执行 {action}。",
    ),
    "closed": _kind(409, "Closed", "已关闭", "What is closed can no longer be changed.", "已关闭的内容不能再更改。"),
    "organisation-missing": _kind(
        409,
        "No organisation",
        "没有所属机构",
        "Your account belongs to no organisation, so it can own no listing.",
        "您的账户没有所属机构，无法发布。",
    ),
    "extended-already": _kind(409, "Extended already", "已延期过", "It can be extended once only.", "只能延期一次。"),
    "no-end-date": _kind(
        409,
        "No end date",
        "没有截止日期",
        "It has no end date, so there is nothing to extend.",
        "没有截止日期，无需延期。",
    ),
    "too-many-subscriptions": _kind(
        409,
        "Too many subscriptions",
        "订阅过多",
        "One person keeps at most {most}. Remove some first.",
        "每人最多保留 {most} 个订阅，请先删除一些。",
    ),
    "meaning-not-compared": _kind(
        409,
        "Meaning is not compared here",
        "此处不支持语义检索",
        "This installation has no embedder. Leave out `semantic` to search by words.",
        "本系统未配置向量模型。请去掉 semantic，按用词检索。",
    ),
    "too-many-endpoints": _kind(
        409,
        "Too many endpoints",
        "接收端过多",
        "One person has at most {most}. Remove one that is not used any more.",
        "每人最多 {most} 个接收端，请先删除不再使用的。",
    ),
    "mail-has-its-address": _kind(
        409,
        "Mail goes to your account's address",
        "邮件发往账户邮箱",
        "It can neither be moved nor removed here; PATCH /api/v1/preferences turns mails off.",
        "此处不能更改或删除；可用 PATCH /api/v1/preferences 关闭邮件通知。",
    ),
    "secret-not-ours": _kind(
        409,
        "The secret is not made here",
        "密钥不由本系统生成",
        "Only a webhook's secret is. Make a robot's anew where the robot is, then add it as a new endpoint.",
        "只有 Webhook 的密钥由本系统生成。机器人的密钥请在其平台更换，再添加为新的接收端。",
    ),
    "too-many-trials": _kind(
        409,
        "Enough trials for now",
        "测试次数过多",
        "An endpoint takes {most} trial messages an hour; see GET /api/v1/deliveries for what became of them.",
        "每个接收端每小时最多 {most} 次测试；结果见 GET /api/v1/deliveries。",
    ),
    "endpoint-disabled": _kind(
        409,
        "The endpoint is disabled",
        "接收端已停用",
        "Mend what `disabled_for` names, then POST its /actions/enable.",
        "请先解决 disabled_for 所述问题，再调用其 /actions/enable。",
    ),
    "stale-version": _kind(
        412,
        "Changed meanwhile",
        "已被更改",
        "Read it again, and send the ETag of what you read as If-Match.",
        "请重新读取，并将其 ETag 作为 If-Match 发送。",
    ),
    "too-large": _kind(413, "The body is too large", "正文过大", "At most {limit} bytes.", "最多 {limit} 字节。"),
    "unsupported-media-type": _kind(
        415, "Not JSON", "不是 JSON", "Send Content-Type: application/json.", "请设 Content-Type: application/json。"
    ),
    "invalid": _kind(
        422,
        "Some fields are not valid",
        "部分字段无效",
        "`errors` names each field and what is wrong with it.",
        "errors 中列出各字段及其问题。",
    ),
    "channel-not-offered": _kind(
        422,
        "Not a channel to add here",
        "不能添加该渠道",
        "No endpoint can be made for {channel} here. Mail needs none: it goes to your account's address.",
        "此处不能为 {channel} 添加接收端。邮件无需添加：发往账户邮箱。",
    ),
    "idempotency-key-reused": _kind(
        422,
        "The key was used before",
        "幂等键已用过",
        "This Idempotency-Key came with another request. Use a new key for a new request.",
        "该 Idempotency-Key 已用于另一请求，新的请求请用新的键。",
    ),
    "version-required": _kind(
        428,
        "If-Match is needed",
        "需要 If-Match",
        "Read it first, and send its ETag as If-Match, so that nobody's change is lost.",
        "请先读取，并将其 ETag 作为 If-Match 发送，以免覆盖他人的更改。",
    ),
    "internal": _kind(
        500,
        "An error on our side",
        "服务内部错误",
        "It has been logged. Name the request id when you report it.",
        "错误已记录。反馈时请注明 request_id。",
    ),
    "search-keys-unsupported": _kind(
        501,
        "No keys for browsers here",
        "此处不提供浏览器检索密钥",
        "This installation keeps no public search indexes. Use GET /api/v1/search instead.",
        "本系统未建立公开检索索引，请改用 GET /api/v1/search。",
    ),
    "unavailable": _kind(503, "Away for the moment", "暂不可用", "Try again in a few seconds.", "请几秒后重试。"),
    "embedder-unavailable": _kind(
        503,
        "Meaning cannot be compared for the moment",
        "语义检索暂不可用",
        "Try again in a few seconds, or leave out `semantic` to search by words.",
        "请几秒后重试，或去掉 semantic，按用词检索。",
    ),
    "too-many-streams": _kind(
        503,
        "Too many live connections",
        "实时连接过多",
        "Close those you do not need, try again, or ask GET /api/v1/notifications now and then.",
        "请关闭不需要的连接后重试，或定时查询 GET /api/v1/notifications。",
    ),
    "search-unavailable": _kind(
        503,
        "The search is away for the moment",
        "检索暂不可用",
        "Writes are accepted meanwhile. Try again in a few seconds.",
        "期间仍可写入。请几秒后重试。",
    ),
}
