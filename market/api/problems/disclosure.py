"""Problems with requests to see what is protected: status, title, advice; gathered by catalogue.py."""

from __future__ import annotations

WORDS: dict[str, tuple[int, str, str, str, str]] = {
    "consent-outdated": (
        409,
        "Consent to the present text is needed",
        "须同意现行保密承诺",
        "Read GET /api/v1/confidentiality, and send its version ({version}) and sha256 as `consent`.",
        "请阅读 GET /api/v1/confidentiality，并将其 version（{version}）与 sha256 填入 consent。",
    ),
    "nothing-protected": (
        409,
        "Nothing to ask for",
        "没有需要申请的内容",
        "Nothing of it takes an agreement; `protected` of the listing names what you do not see.",
        "其中没有须经同意方可查阅的内容；未向您披露的字段见 protected。",
    ),
    "access-requested-already": (
        409,
        "You have asked already",
        "已申请过",
        "Your request is {state}; see GET /api/v1/access-requests. You may withdraw it.",
        "您的申请状态为 {state}，见 GET /api/v1/access-requests，可撤回。",
    ),
    "too-many-access-requests": (
        409,
        "Too many open requests",
        "待处理的申请过多",
        "At most {most} may wait for an answer. Withdraw some first.",
        "最多可有 {most} 个待答复的申请，请先撤回一些。",
    ),
}
