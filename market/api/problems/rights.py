"""Problems with rights, and with showing who one is: status, title, advice; gathered by catalogue.py."""

from __future__ import annotations

WORDS: dict[str, tuple[int, str, str, str, str]] = {
    "unauthenticated": (
        401,
        "A key is needed",
        "需要密钥",
        "Send Authorization: Bearer <key>. `market keys create` makes one.",
        "请发送 Authorization: Bearer <密钥>。可用 market keys create 生成。",
    ),
    "bad-key": (
        401,
        "The key is not good",
        "密钥无效",
        "It is mistyped, expired or revoked. Check it, or ask for a new one.",
        "密钥有误、过期或已吊销，请核对或重新申请。",
    ),
    "forbidden": (403, "Not allowed", "无权操作", "Your roles do not allow this.", "您的角色无权进行此操作。"),
    "role-missing": (
        403,
        "Another role is needed",
        "需要其他角色",
        "This takes one of: {roles}.",
        "此操作需要以下角色之一：{roles}。",
    ),
    "scope-missing": (
        403,
        "The key is not for this",
        "密钥权限不足",
        "It lacks the scope `{scope}`. Use another key, or have one made with that scope.",
        "密钥缺少权限范围 {scope}，请换用其他密钥或申请带此范围的密钥。",
    ),
    "not-owner": (403, "Not yours", "不属于您", "Only its owner may change it.", "只有其所有者可以更改。"),
    "not-your-own": (
        403,
        "Not of your own organisation",
        "不能审核本机构",
        "Somebody who does not belong to it verifies an organisation.",
        "机构认证须由非该机构人员进行。",
    ),
}
