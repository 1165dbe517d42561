"""Robots in group chats: WeCom, DingTalk, Feishu. Each has its own form, and its own word for having taken a message.

A robot's URL is its key. Success is the code within the body: all three answer HTTP 200 to what they refuse.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, ClassVar
from urllib.parse import quote, urlencode

import orjson

from market.delivery import addresses
from market.delivery.addresses import Blocked
from market.delivery.channels import Receipt, Target
from market.delivery.messages import Message
from market.delivery.plain import Line, fitting, heading
from market.delivery.posting import Poster, Unreachable
from market.delivery.wires import Answer

PAUSE = timedelta(seconds=60)
"""After a robot has said that it is too much: all three count by the minute."""

WECOM_BYTES = 4096  # of the Markdown
DINGTALK_BYTES = 20_000  # of the whole body
FEISHU_BYTES = 20 * 1024  # of the whole body

_HEADERS = {"Content-Type": "application/json; charset=utf-8", "User-Agent": "Qiao"}
_LOOPBACK = ("127.0.0.1", "::1", "localhost")


@dataclass(frozen=True, slots=True)
class Window:
    """At most `count` messages within any `seconds`."""

    count: int
    seconds: float


CHAT_WINDOWS = (Window(20, 60),)  # of WeCom's robots and of DingTalk's
FEISHU_WINDOWS = (Window(100, 60), Window(5, 1))


def free_at(windows: Sequence[Window], sent: Sequence[datetime], now: datetime) -> datetime:
    """The earliest moment from which one more may be sent; `sent` may hold moments to come that are promised.

    Not a token bucket: that gives away a full bucket at once and fills it again meanwhile, so within one minute
    nearly twice as many go out, and the robot is silenced.
    """
    latest = sorted(sent, reverse=True)
    free = now
    for window in windows:
        if len(latest) >= window.count:
            free = max(free, latest[window.count - 1] + timedelta(seconds=window.seconds))
    return free


@dataclass(frozen=True, slots=True)
class _Vendor:
    """Where a vendor's robots are posted to, and what their codes mean."""

    name: str
    hosts: tuple[str, ...]
    path: re.Pattern[str]  # with the query
    example: str
    codes: tuple[str, ...]  # fields of the answer, the first that is there counts
    busy: frozenset[int]
    wrong: Mapping[int, str] = field(hash=False)


class _Robot:
    """What the three have in common; each gives its vendor and its form."""

    vendor: ClassVar[_Vendor]
    limits: ClassVar[tuple[Window, ...]]

    def __init__(self, poster: Poster) -> None:
        self._poster = poster

    def close(self) -> None:
        """Close idle connections; another message would open new ones."""
        self._poster.close()

    def check(self, target: Target) -> None:
        """Raise ValueError for whatever is not the URL of such a robot."""
        vendor = self.vendor
        place = addresses.read(target.address, loopback=self._poster.loopback)
        official = place.scheme == "https" and place.host in vendor.hosts and place.port == 443
        own = self._poster.loopback and place.host in _LOOPBACK
        if not (official or own) or not vendor.path.fullmatch(place.target):
            raise ValueError(f"a robot of {vendor.name} has a URL of the form {vendor.example}")
        if len(target.secrets) > 1:
            raise ValueError("a robot has one secret at most")

    def send(self, message: Message, target: Target, *, now: datetime) -> Receipt:
        """Post it once."""
        try:
            self.check(target)
        except ValueError as error:
            return Receipt("refused", detail=str(error))
        secret = target.secrets[0] if target.secrets else ""
        url, body = self._request(message, target.address, secret, now)
        try:
            answer = self._poster.post(url, body, _HEADERS)
        except (Blocked, Unreachable) as error:
            return Receipt("failed", detail=str(error))
        return _receipt(answer, self.vendor)

    def _request(self, message: Message, url: str, secret: str, now: datetime) -> tuple[str, bytes]:
        raise NotImplementedError


class WeComChannel(_Robot):
    """A group robot of WeCom (企业微信), in Markdown."""

    vendor = _Vendor(
        name="WeCom",
        hosts=("qyapi.weixin.qq.com",),
        path=re.compile(r"/cgi-bin/webhook/send\?key=[\w-]+"),
        example="https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key=…",
        codes=("errcode",),
        busy=frozenset({45009, 45033}),
        wrong={
            40008: "the kind of message is not known to it",
            40058: "the message is not as it should be",
            44004: "the message is empty",
            45002: "the message is too long",
            93000: "the key is wrong, or the robot was removed from its group",
            93004: "the robot was stopped",
            93008: "the robot is not in the group",
        },
    )
    limits = CHAT_WINDOWS

    def check(self, target: Target) -> None:
        """Raise ValueError for whatever is not the URL of such a robot, and for a secret, which it would not use."""
        super().check(target)
        if target.secrets:
            raise ValueError("a robot of WeCom has no secret beside its URL; leave it out")

    def _request(self, message: Message, url: str, secret: str, now: datetime) -> tuple[str, bytes]:  # noqa: ARG002
        found = fitting(message, lambda some: len(_markdown(message, some, "\n").encode()) <= WECOM_BYTES)
        text = _markdown(message, found, "\n")
        return url, orjson.dumps({"msgtype": "markdown", "markdown": {"content": text}})


class DingTalkChannel(_Robot):
    """A group robot of DingTalk (钉钉), in Markdown; signed where it has a secret."""

    vendor = _Vendor(
        name="DingTalk",
        hosts=("oapi.dingtalk.com",),
        path=re.compile(r"/robot/send\?access_token=\w+"),
        example="https://oapi.dingtalk.com/robot/send?access_token=…",
        codes=("errcode",),
        busy=frozenset({130101, 410100, 90030}),
        wrong={
            40035: "the message is not as it should be",
            43004: "the message is not as it should be",
            300001: "the token is wrong",
            300005: "the token is wrong",
            310000: "its security settings refuse the message: keyword, signature or sender's address",
            400013: "the group was dissolved",
            400101: "the token is wrong",
            400102: "the robot was stopped",
            400105: "the kind of message is not known to it",
            400106: "the robot does not exist",
            430101: "a link of the message is thought unsafe",
            430102: "the text of the message is thought improper",
            430103: "a picture of the message is thought improper",
            430104: "the message is thought improper",
        },
    )
    limits = CHAT_WINDOWS

    def _request(self, message: Message, url: str, secret: str, now: datetime) -> tuple[str, bytes]:
        def body(found: Sequence[Line]) -> bytes:
            text = _markdown(message, found, "\n\n")
            return orjson.dumps({"msgtype": "markdown", "markdown": {"title": heading(message), "text": text}})

        found = fitting(message, lambda some: len(body(some)) <= DINGTALK_BYTES)
        return (f"{url}&{dingtalk_signature(secret, now)}" if secret else url), body(found)


class FeishuChannel(_Robot):
    """A group robot of Feishu (飞书) or Lark, in rich text; signed where it has a secret."""

    vendor = _Vendor(
        name="Feishu",
        hosts=("open.feishu.cn", "open.larksuite.com"),
        path=re.compile(r"/open-apis/bot/v2/hook/[\w-]+"),
        example="https://open.feishu.cn/open-apis/bot/v2/hook/…",
        codes=("code", "StatusCode"),
        busy=frozenset({11232, 11233, 11247, 99991400}),
        wrong={
            9499: "the message is not as it should be",
            19001: "the token is wrong",
            19002: "the message is not as it should be",
            19021: "the signature is wrong, or the clocks differ by an hour",
            19022: "the sender's address is not on its list",
            19024: "the message holds none of its keywords",
        },
    )
    limits = FEISHU_WINDOWS

    def _request(self, message: Message, url: str, secret: str, now: datetime) -> tuple[str, bytes]:
        proof = feishu_signature(secret, now) if secret else {}

        def body(found: Sequence[Line]) -> bytes:
            language = "zh_cn" if message.language == "zh" else "en_us"
            post = {language: {"title": heading(message), "content": [_rich(line) for line in found]}}
            return orjson.dumps({**proof, "msg_type": "post", "content": {"post": post}})

        return url, body(fitting(message, lambda some: len(body(some)) <= FEISHU_BYTES))


def dingtalk_signature(secret: str, now: datetime) -> str:
    """Parameters for the URL: the time in milliseconds, and both signed with the secret."""
    timestamp = str(int(now.timestamp() * 1000))
    digest = hmac.digest(secret.encode(), f"{timestamp}\n{secret}".encode(), hashlib.sha256)
    return urlencode({"timestamp": timestamp, "sign": base64.b64encode(digest)}, quote_via=quote, safe="")


def feishu_signature(secret: str, now: datetime) -> dict[str, str]:
    """Fields for the body. Here time and secret are the key, and what is signed is empty."""
    timestamp = str(int(now.timestamp()))
    digest = hmac.digest(f"{timestamp}\n{secret}".encode(), b"", hashlib.sha256)
    return {"timestamp": timestamp, "sign": base64.b64encode(digest).decode()}


def _markdown(message: Message, found: Sequence[Line], between: str) -> str:
    return between.join([f"**{heading(message)}**", *(_marked(line) for line in found)])


def _marked(line: Line) -> str:
    if not line.entry:
        return f"**{line.text}**"
    return f"- [{line.text}]({line.url})" if line.url else f"- {line.text}"


def _rich(line: Line) -> list[dict[str, str]]:
    if line.url:
        return [{"tag": "text", "text": "- "}, {"tag": "a", "text": line.text, "href": line.url}]
    return [{"tag": "text", "text": f"- {line.text}" if line.entry else line.text}]


def _receipt(answer: Answer, vendor: _Vendor) -> Receipt:
    told = _json(answer.body)
    code = next((told[name] for name in vendor.codes if type(told.get(name)) is int), None)
    if code is None:
        pause = PAUSE if answer.status == 429 else None
        return Receipt("failed", answer.status, f"{vendor.name} answers {answer.status} and no code", pause)
    if code == 0:
        return Receipt("sent", 0)
    # Feishu has one code for a message that is wrong and for one that is too much.
    many = code == 9499 and "too many" in str(told.get("msg", "")).lower()
    if code in vendor.busy or many or answer.status == 429:
        return Receipt("failed", code, f"{vendor.name} takes no more at present ({code})", PAUSE)
    if code in vendor.wrong:
        return Receipt("refused", code, f"{vendor.name} answers {code}: {vendor.wrong[code]}")
    return Receipt("failed", code, f"{vendor.name} answers {code}")


def _json(body: bytes) -> dict[str, Any]:
    try:
        told = orjson.loads(body)
    except orjson.JSONDecodeError:
        return {}
    return told if isinstance(told, dict) else {}
