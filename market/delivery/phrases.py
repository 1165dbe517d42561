"""What mails and their pages say around the notifications themselves, in Chinese and English."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from market.delivery.messages import MessageKind


@dataclass(frozen=True, slots=True)
class Phrases:
    """One language's words. `tag` names it to programs."""

    tag: str
    hello: str  # with the recipient's name
    hello_nobody: str
    intro: Mapping[MessageKind, str]
    one: str  # the intro of a digest of one notification
    about: str  # the heading of a group
    labelled: str  # what stands before a URL on a line of its own
    private: str
    why: str
    preferences: str
    unsubscribe: str

    def greeting(self, name: str) -> str:
        """The first line."""
        return self.hello.format(name=name) if name else self.hello_nobody

    def opening(self, kind: MessageKind, count: int) -> str:
        """The sentence that leads to the notifications."""
        return self.one if kind == "digest" and count == 1 else self.intro[kind].format(count=count)


_ZH = Phrases(
    tag="zh-CN",
    hello="{name}，您好：",
    hello_nobody="您好：",
    intro={
        "event": "技术转移平台“Qiao 桥”上有与您相关的新消息。",
        "digest": "以下是技术转移平台“Qiao 桥”上与您相关的 {count} 条新消息，供您一并查阅。",
        "test": "这是一封测试邮件。您能看到它，说明平台的通知可以送达此邮箱。本邮件不含其他内容，无需处理。",
    },
    one="以下是技术转移平台“Qiao 桥”上与您相关的 1 条新消息。",
    about="关于“{title}”",
    labelled="{label}：",
    private="邮件中的操作链接仅供您本人使用，请勿转发。",
    why="本邮件由系统自动发出。您的账户开启了邮件通知，因此会收到此类邮件。",
    preferences="通知设置",
    unsubscribe="退订",
)
_EN = Phrases(
    tag="en",
    hello="Dear {name},",
    hello_nobody="Good day,",
    intro={
        "event": "There is news for you on Qiao 桥, the technology-transfer marketplace.",
        "digest": "These {count} items have come in for you on Qiao 桥, the technology-transfer marketplace.",
        "test": "This is a test mail. It shows that notifications from Qiao 桥 reach this address. It tells you "
        "nothing else, and there is nothing you need to do.",
    },
    one="This item has come in for you on Qiao 桥, the technology-transfer marketplace.",
    about="About “{title}”",
    labelled="{label}:",
    private="The links for actions in this mail are for you alone. Please do not forward it.",
    why="This mail was sent automatically. You get it because mail notifications are switched on for your account.",
    preferences="Notification settings",
    unsubscribe="Unsubscribe",
)


def phrases(language: str) -> Phrases:
    """The words of zh; of English for any other."""
    return _ZH if language == "zh" else _EN
