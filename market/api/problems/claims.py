"""Problems with claims, messages that are passed on, and cases: status, title, advice; gathered by catalogue.py."""

from __future__ import annotations

WORDS: dict[str, tuple[int, str, str, str, str]] = {
    "showing-consent-outdated": (
        409,
        "Consent to the present text is needed",
        "须同意现行同意书",
        "Read GET /api/v1/consent, and send its version ({version}) and sha256 as `consent`.",
        "请阅读 GET /api/v1/consent，并将其 version（{version}）与 sha256 填入 consent。",
    ),
    "consent-withdrawn": (
        409,
        "Consent was withdrawn",
        "已撤回同意",
        "The person has taken back their consent to be shown. It becomes public again once they consent anew, by "
        "POST /api/v1/claims/<id>/actions/consent.",
        "本人已撤回展示同意。须由本人通过 POST /api/v1/claims/<id>/actions/consent 再次同意后方可公开。",
    ),
    "claimed-already": (
        409,
        "You have claimed it",
        "您已认领",
        "Your claim waits for a decision; see GET /api/v1/claims. You may withdraw it.",
        "您的认领待处理，见 GET /api/v1/claims，可撤回。",
    ),
    "yours-already": (
        409,
        "It is yours",
        "已归您管理",
        "You or your organisation hold it already.",
        "该条目已由您或您的机构管理。",
    ),
    "claimant-gone": (
        409,
        "The account is closed",
        "认领人账户已停用",
        "Whoever claimed it has no open account any more. Refuse the claim.",
        "认领人的账户已停用，无法移交，请驳回该认领。",
    ),
    "too-many-claims": (
        409,
        "Too many open claims",
        "待处理的认领过多",
        "At most {most} may wait for a decision. Withdraw some first.",
        "最多可有 {most} 项待处理的认领，请先撤回一些。",
    ),
    "too-many-messages": (
        429,
        "Too many messages",
        "留言过多",
        "At most {most} messages to listings a day, beside answers. Come back in {seconds} seconds.",
        "每人每天最多主动留言 {most} 条，答复不计。请在 {seconds} 秒后重试。",
    ),
    "own-listing": (
        409,
        "It is your own",
        "这是您自己的发布",
        "A message about it would come to you.",
        "相关留言将发送给您本人。",
    ),
    "nobody-to-tell": (
        409,
        "Nobody takes messages here",
        "暂无人接收留言",
        "Nobody who could answer has an account that is open; try again later.",
        "目前没有可答复的有效账户，请稍后再试。",
    ),
    "thread-closed": (
        409,
        "This conversation is closed",
        "对话已关闭",
        "One side has closed it; nothing more is passed on.",
        "一方已关闭该对话，不再转交留言。",
    ),
    "case-open-already": (
        409,
        "Assigned already",
        "已指派",
        "This broker looks after it already; see GET /api/v1/cases.",
        "该技术经理人已在跟进此条目，见 GET /api/v1/cases。",
    ),
}
