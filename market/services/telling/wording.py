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
    "listing_returned": ("请修改后再提交：{title}", "Changes are asked for: {title}"),
    "listing_suspended": ("已下架：{title}", "Taken down: {title}"),
    "listing_expiring": ("即将到期：{title}", "About to expire: {title}"),
    "listing_expired": ("已到期：{title}", "Expired: {title}"),
    "deadline_near": ("需求临近截止：{other}", "A demand is about to close: {other}"),
    "subscription_hit": ("订阅“{name}”有新结果：{title}", "New for “{name}”: {title}"),
    "endpoint_disabled": ("接收端已停用：{name}", "No longer told at: {name}"),
    "access_requested": ("有人申请查阅：{title}", "Somebody asks to see: {title}"),
    "access_decided": ("查阅申请有结果：{title}", "Your request was decided: {title}"),
    "claim_made": ("有人认领：{title}", "A claim was made: {title}"),
    "claim_decided": ("认领有结果：{title}", "A claim was decided: {title}"),
    "relay_message": ("关于“{title}”的留言", "A message about “{title}”"),
    "case_assigned": ("请您跟进：{title}", "A case for you: {title}"),
    "case_closed": ("跟进已结束：{title}", "A case was closed: {title}"),
    "security": ("安全提醒：{what}", "Security notice: {what}"),
    "import_finished": ("导入已结束：{name}", "Import finished: {name}"),
    "account": ("账户通知：{what}", "Your account: {what}"),
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
    "listing_returned": (
        "审核意见：{reason} 修改后可再次提交。",
        "The reviewer says: {reason} Mend it and submit it again.",
    ),
    "listing_suspended": (
        "原因：{reason} 不再公开，也不再匹配。",
        "Reason: {reason} It is no longer public or matched.",
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
    "access_requested": (
        "申请查阅其中受限披露的内容，并已同意保密承诺。请在查阅申请中答复。",
        "They ask to see what is protected of it, and will keep it confidential. Answer among your access requests.",
    ),
    "access_decided": ("结果：{state}。", "It is now: {state}."),
    "import_finished": (
        "新增 {created}，更新 {changed}，未变 {unchanged}，有错误的行 {refused}。",
        "{created} made, {changed} changed, {unchanged} as they were, {refused} rows with faults.",
    ),
    "claim_made": (
        "有人认为此条目属于自己或其机构。如有异议，请联系运营方。",
        "Somebody says that it is theirs, or their organisation's. Write to the exchange where you disagree.",
    ),
    "claim_decided": ("结果：{what}", "{what}"),
    "relay_message": (
        "有人通过平台给您留言，请在“留言”中查看和答复。对方看不到您的联系方式。",
        "Somebody wrote to you through the exchange. Read and answer it among your messages; they do not see your "
        "address.",
    ),
    "case_assigned": (
        "您已被指派跟进此条目，可查看其全部内容和匹配。",
        "It was assigned to you: you see all of it, with its matches, and may act on them.",
    ),
    "case_closed": ("原因：{what}", "{what}"),
    "security": (
        "如非您本人操作，请立即吊销密钥并联系管理员。",
        "If this was not you, revoke your keys at once and tell an administrator.",
    ),
    "account": (
        "{text}如有疑问，请联系平台管理员。",
        "{text} If anything is unclear, ask whoever runs the exchange.",
    ),
}
# Of a match whose reasons are not known as they are now.
WITHOUT_REASONS = ("与您的“{title}”匹配度 {score:.0%}。", "Fits your “{title}” at {score:.0%}.")

# How a claim was decided.
RULINGS = {
    "approved": ("认领已通过，现由您管理。", "Your claim was approved; it is yours now."),
    "refused": ("认领未通过。{text}", "Your claim was refused. {text}"),
    "overtaken": ("另一项认领已通过。", "Another claim was approved."),
    "listing_deleted": ("所认领的记录已被删除。", "What you claimed was deleted."),
    "handed_over": ("已由他人认领，不再由您管理。", "It was claimed by somebody else and is no longer yours."),
}

# Why a case was closed, where nobody closed it.
ENDS = {"listing_deleted": ("所跟进的记录已被删除。", "What you looked after was deleted.")}

# What a security notice is about.
DEEDS = {
    "endpoint_added": ("新增接收端 {name}", "an endpoint was added: {name}"),
    "secret_rotated": ("接收端 {name} 的密钥已更换", "the secret of an endpoint was changed: {name}"),
    "key_created": ("新建 API 密钥 {name}", "an API key was made: {name}"),
    "key_revoked": ("API 密钥 {name} 已吊销", "an API key was revoked: {name}"),
    "password_set": ("密码已更改", "the password was changed"),
    "password_reset": (
        "密码已通过邮件重设，所有密钥均已失效",
        "the password was set by mail, and all keys have ended",
    ),
    "identity_added": ("已通过 {name} 登录并关联账户", "somebody signed in with {name} for the first time"),
    "address_changed": ("账户邮箱已更改", "the account's mail address was changed"),
}

# What notices about an account say: a title and a text.
NOTICES = {
    "verify": (
        ("请确认您的邮箱", "Confirm your mail address"),
        (
            "有人用此邮箱注册了账户。如果是您本人，请通过邮件中的链接确认；"
            "否则请忽略。链接 24 小时内有效，仅可使用一次。",
            "An account was registered with this address. If that "
            "was you, confirm it by the link in the mail; if not, "
            "do nothing. The link is good for 24 hours, and once.",
        ),
    ),
    "reset": (
        ("设置密码", "Set a password"),
        (
            "有人请求为您的账户设置密码。如果是您本人，请使用邮件中的链接；"
            "否则请忽略，密码保持不变。链接 24 小时内有效，仅可使用一次。",
            "Somebody asked to set a password for your account. If "
            "that was you, use the link in the mail; if not, do "
            "nothing, and the password stays. The link is good for 24 hours, and once.",
        ),
    ),
    "known": (
        ("您已有账户", "You have an account already"),
        (
            "有人再次用此邮箱注册。如果是您本人，请直接登录，或重置密码；否则请忽略。",
            "Somebody registered with this address again. If that "
            "was you, sign in, or set a new password; if not, do "
            "nothing.",
        ),
    ),
    "invitation": (
        ("邀请您加入{name}", "An invitation to join {name}"),
        (
            "{name}邀请您加入。请通过邮件中的链接接受；若与您无关，请忽略。",
            "{name} invites you to join. Accept by the link in the mail; if it means nothing to you, do nothing.",
        ),
    ),
    "organisation_verified": (
        ("机构已通过认证：{name}", "Your organisation is verified: {name}"),
        (
            "其成员现可查看仅向已认证机构披露的内容。",
            "Its people now see what is disclosed to verified organisations.",
        ),
    ),
    "organisation_refused": (
        ("机构未通过认证：{name}", "Your organisation was not verified: {name}"),
        ("原因：{reason}。", "Reason: {reason}."),
    ),
    "organisation_closed": (
        ("机构已停用：{name}", "Your organisation was deactivated: {name}"),
        ("其发布不再公开。", "Its listings are no longer public."),
    ),
}


def title(kind: str, language: str, details: dict[str, Any]) -> str:
    """The title of a notification of this kind; `details` fill it."""
    return TITLES[kind][language != "zh"].format(**details)


def body(kind: str, language: str, details: dict[str, Any]) -> str:
    """The body likewise."""
    return BODIES[kind][language != "zh"].format(**details)
