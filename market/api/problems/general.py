"""Problems with any request: status, title, advice; gathered by catalogue.py."""

from __future__ import annotations

WORDS: dict[str, tuple[int, str, str, str, str]] = {
    "bad-request": (400, "The request cannot be read", "请求无法解读", "{reason}", "{reason}"),
    "bad-json": (
        400,
        "The body is not JSON",
        "正文不是 JSON",
        "Send a JSON object in UTF-8, with Content-Type: application/json.",
        "请以 UTF-8 发送 JSON 对象，并设 Content-Type: application/json。",
    ),
    "bad-cursor": (
        400,
        "The cursor is not good here",
        "游标无效",
        "Use `next` of the answer before, with the same filters and order, or start without a cursor.",
        "请使用上一次应答中的 next，过滤与排序条件须相同；或不带游标从头开始。",
    ),
    "not-found": (
        404,
        "Not found",
        "未找到",
        "There is no such {noun}, or none that you may see.",
        "没有这个 {noun}，或您无权查看。",
    ),
    "no-such-page": (
        404,
        "No such address",
        "没有这个地址",
        "Nothing is served here; /docs lists what is.",
        "此处没有内容，请参阅 /docs。",
    ),
    "method-not-allowed": (
        405,
        "Not a method of this address",
        "不支持的方法",
        "/docs lists what each address takes.",
        "各地址支持的方法见 /docs。",
    ),
    "conflict": (409, "Not possible now", "当前无法进行", "The present state does not allow it.", "当前状态不允许。"),
    "not-in-this-state": (
        409,
        "Not possible in this state",
        "当前状态不允许",
        "{action} is not possible while it is {state}.",
        "状态为 {state} 时不能执行 {action}。",
    ),
    "answered-already": (
        409,
        "Done already, and not shown again",
        "已完成，不再重复返回",
        "This request was carried out once. Your roles have changed since, so its answer is not repeated. "
        "Read what it made.",
        "该请求此前已完成。您的角色此后有变动，故不再返回原结果，请直接查看相关内容。",
    ),
    "stale-version": (
        412,
        "Changed meanwhile",
        "已被更改",
        "Read it again, and send the ETag of what you read as If-Match.",
        "请重新读取，并将其 ETag 作为 If-Match 发送。",
    ),
    "too-large": (413, "The body is too large", "正文过大", "At most {limit} bytes.", "最多 {limit} 字节。"),
    "unsupported-media-type": (
        415,
        "Not JSON",
        "不是 JSON",
        "Send Content-Type: application/json.",
        "请设 Content-Type: application/json。",
    ),
    "invalid": (
        422,
        "Some fields are not valid",
        "部分字段无效",
        "`errors` names each field and what is wrong with it.",
        "errors 中列出各字段及其问题。",
    ),
    "idempotency-key-reused": (
        422,
        "The key was used before",
        "幂等键已用过",
        "This Idempotency-Key came with another request. Use a new key for a new request.",
        "该 Idempotency-Key 已用于另一请求，新的请求请用新的键。",
    ),
    "version-required": (
        428,
        "If-Match is needed",
        "需要 If-Match",
        "Read it first, and send its ETag as If-Match, so that nobody's change is lost.",
        "请先读取，并将其 ETag 作为 If-Match 发送，以免覆盖他人的更改。",
    ),
    "internal": (
        500,
        "An error on our side",
        "服务内部错误",
        "It has been logged. Name the request id when you report it.",
        "错误已记录。反馈时请注明 request_id。",
    ),
    "too-many-requests": (
        429,
        "Too many requests",
        "请求过多",
        'The limit "{policy}" of {most} is used up. Come back in {seconds} seconds, as Retry-After says.',
        "“{policy}”的限额 {most} 已用完，请在 {seconds} 秒后重试（见 Retry-After）。",
    ),
    "too-many-profiles": (
        429,
        "Too many profiles of experts",
        "查看的专家过多",
        "You may see {most} profiles a day; more in {seconds} seconds. Sign in, or have your organisation verified, "
        "to see more; ask the exchange for an export where you need very many.",
        "每天最多查看 {most} 位专家，{seconds} 秒后可继续。登录或完成机构认证后可查看更多；"
        "如需大量数据，请向运营方申请导出。",
    ),
    "unavailable": (503, "Away for the moment", "暂不可用", "Try again in a few seconds.", "请几秒后重试。"),
}
