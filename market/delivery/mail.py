"""The mail channel: one message to one address, as plain text and HTML, with headers that nothing can be put into."""

from __future__ import annotations

import re
from datetime import datetime
from email import policy
from email.header import Header
from email.message import EmailMessage
from email.utils import format_datetime

import idna

from market.delivery.channels import Receipt, Target
from market.delivery.mailing import Post
from market.delivery.messages import Message
from market.delivery.phrases import phrases
from market.delivery.rendering import one_line, render, web_url
from market.delivery.smtp import server_at

LONGEST_ADDRESS = 254
LONGEST_NAME = 60
LONGEST_URL = 900
"""In a header, whose lines end at 998 bytes. A longer one stands only in the text."""

_LOCAL = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}")
_LABEL = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?")
_SENDER = re.compile(r'(?:"?(?P<name>[^"<>]*?)"?\s*<(?=.*>\Z))?(?P<address>[^<>\s]+)>?')
_IN_IDS = re.compile(r"[^A-Za-z0-9._-]+")
_SEVEN_BIT = policy.SMTP.clone(cte_type="7bit")


class MailChannel:
    """Sends mail through one server. Safe to call from many threads."""

    def __init__(self, url: str, sender: str, *, seconds: float = 15.0) -> None:
        """`url` is as in smtp.server_at; `sender` an address, or a name and one: `Qiao 桥 <post@example.org>`.

        `seconds` are for one attempt, with everything it takes. Raises ValueError, which never shows the password.
        """
        if not seconds > 0:
            raise ValueError("a mail needs time to be sent")
        parts = _SENDER.fullmatch(sender)
        self._sender = mailable(parts["address"] if parts else "")
        self._from = _named(parts["name"] or "" if parts else "", self._sender, header="From")
        self._post = Post(server_at(url), seconds)

    def check(self, target: Target) -> None:
        """Raise ValueError for what is no mail address."""
        mailable(target.address)

    def send(self, message: Message, target: Target, *, now: datetime) -> Receipt:
        """Try once. The mail keeps its Message-ID over all attempts, so that a mailbox can tell that it has it."""
        try:
            recipient = mailable(target.address)
        except ValueError as error:
            return Receipt("refused", None, str(error))
        return self._post.deliver(self._sender, recipient, self._letter(message, recipient, now))

    def close(self) -> None:
        """Close the connections; another mail would open a new one."""
        self._post.close()

    def _letter(self, message: Message, recipient: str, now: datetime) -> bytes:
        rendered = render(message)
        domain = self._sender.rpartition("@")[2]
        headers = {
            "From": self._from,
            "To": _named(message.recipient, recipient, header="To"),
            "Subject": _encoded(rendered.subject, header="Subject"),
            "Date": format_datetime(now),
            "Message-ID": f"<{_IN_IDS.sub('-', message.id)[:200]}@{domain}>",
            "Auto-Submitted": "auto-generated",
            "List-Id": f"<notifications.{domain}>",
            "Content-Language": phrases(message.language).tag,
            **_unsubscribing(web_url(message.unsubscribe_url)),
        }
        body = EmailMessage(policy=_SEVEN_BIT)
        body.set_content(rendered.text)
        body.add_alternative(rendered.html, subtype="html")
        # By hand, since the library folds a long URL or id as if it were prose, and encodes it beyond recognition.
        head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        return head.encode("ascii") + body.as_bytes()


def mailable(address: str) -> str:
    """The address as mail servers take it: a domain in other letters in its ASCII form. Raises ValueError."""
    local, at, domain = address.rpartition("@")
    try:
        domain = domain if domain.isascii() else idna.encode(domain, uts46=True, transitional=False).decode()
    except UnicodeError:
        domain = ""
    plain = f"{local}{at}{domain}"
    if not _LOCAL.fullmatch(local) or not all(map(_LABEL.fullmatch, domain.split("."))):
        raise ValueError("a mail address is a name in ASCII, one @ and a domain")
    if len(plain) > LONGEST_ADDRESS:
        raise ValueError(f"a mail address has at most {LONGEST_ADDRESS} characters")
    return plain


def _unsubscribing(url: str) -> dict[str, str]:
    """The headers of RFC 8058, which wants https of a link that one click acts on; any other is only shown."""
    if not url or len(url) > LONGEST_URL:
        return {}
    listed = {"List-Unsubscribe": f"<{url}>"}
    if url.lower().startswith("https://"):
        listed["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    return listed


def _named(name: str, address: str, *, header: str) -> str:
    """The address, after the name of whom it is where that is known."""
    name = one_line(name, LONGEST_NAME)
    if not name:
        return address
    if _says_itself(name):
        quoted = re.sub(r'(["\\])', r"\\\1", name)
        return f'"{quoted}" <{address}>'
    return f"{_encoded(name, header=header)}\r\n <{address}>"


def _encoded(text: str, *, header: str) -> str:
    charset = None if _says_itself(text) else "utf-8"
    return Header(text, charset, header_name=header).encode(linesep="\r\n")


def _says_itself(text: str) -> bool:
    """Whether it can stand in a header as it is: plain, and nothing in it would be decoded as something else."""
    return text.isascii() and "=?" not in text
