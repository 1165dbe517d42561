"""Problems with reviews, reports and merging: status, title, advice; gathered by catalogue.py."""

from __future__ import annotations

WORDS: dict[str, tuple[int, str, str, str, str]] = {
    "others-merged-into-it": (
        409,
        "Others were merged into it",
        "已有其他条目并入",
        "It goes on for them, and their addresses lead here. Withdraw or close it to take it out of sight; to delete "
        "it, ask a reviewer to part them first (actions/unmerge), or delete those that are yours.",
        "其他条目已并入此条，其地址指向此处。如需不再公开，可撤回或关闭；如需删除，请先由审核人取消合并（actions/unmerge），"
        "或先删除属于您的被并入条目。",
    ),
    "assigned-to-another": (
        409,
        "Another reviewer is looking at it",
        "其他审核人正在处理",
        "It is assigned to {name}. Ask them, wait until a day has passed, or send force: true.",
        "已分配给 {name}。请与其联系，或待满一天，或发送 force: true。",
    ),
    "reported-already": (
        409,
        "You have reported it",
        "您已举报过",
        "A reviewer looks at each report once; another reason can be reported on its own.",
        "同一内容同一原因只需举报一次；其他原因可另行举报。",
    ),
    "too-many-reports": (
        429,
        "Too many reports",
        "举报过多",
        "One person makes at most {most} reports a day; write to the exchange where that is not enough.",
        "每人每天最多举报 {most} 次，如需更多请联系运营方。",
    ),
}
