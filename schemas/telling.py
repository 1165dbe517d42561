"""How people are told outside their inboxes: preferences, endpoints, deliveries, and mails that came back."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from marshmallow import Schema, ValidationError, fields, validates_schema

from schemas.base import Code, Strict, Text, Whole, codes, one_of
from schemas.messages import Message
from schemas.queries import Page, PageQuery

MOST_A_DAY = 200

NO_TIME = Message("Must be a time of day like 22:00.", "应为时刻，如 22:00。")
NO_TABLE = Message("Must be a JSON object: kind, channel, rhythm.", "应为 JSON 对象：通知类型、渠道、频率。")
NO_ZONE = Message("There is no such time zone; write it like Asia/Shanghai.", "没有这个时区，写法如 Asia/Shanghai。")
SECURITY_STAYS = Message(
    "Security notices are always told at once; this cannot be changed.", "安全提醒总是即时发送，不能更改。"
)
BOTH_ENDS = Message(
    "Give quiet_from and quiet_to together, or null for both.", "quiet_from 与 quiet_to 须同时给出，或同为 null。"
)
SAME_ENDS = Message("Must differ from quiet_from.", "不能与 quiet_from 相同。")
SECRET_IS_OURS = Message(
    "The secret of a webhook is made here and shown once; leave it out.",
    "Webhook 的密钥由本系统生成并只显示一次，请勿填写。",
)

_TIME = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])")


class TimeOfDay(fields.String):
    """A time like 22:00; inside, minutes after midnight."""

    def __init__(self, **kwargs: Any) -> None:
        """As any field."""
        super().__init__(metadata={"pattern": f"^{_TIME.pattern}$", **kwargs.pop("metadata", {})}, **kwargs)

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> Any:
        found = _TIME.fullmatch(super()._deserialize(value, attr, data, **kwargs))
        if found is None:
            raise ValidationError(NO_TIME)
        return int(found[1]) * 60 + int(found[2])

    def _serialize(self, value: Any, attr: str | None, obj: Any, **kwargs: Any) -> str | None:  # noqa: ARG002
        return None if value is None else f"{value // 60:02}:{value % 60:02}"


def _table(**options: Any) -> fields.Dict:
    """kind -> channel -> rhythm."""
    channels = fields.Dict(
        keys=Code("channels", required=True),
        values=Code("rhythms", required=True),
        error_messages={"invalid": NO_TABLE},
    )
    kinds = Code("notification_kinds", required=True)
    return fields.Dict(keys=kinds, values=channels, error_messages={"invalid": NO_TABLE}, **options)


class PreferencesRead(Schema):
    """How the caller wants to be told, spelled out for every kind and channel."""

    rhythms = _table(metadata={"description": "How often each kind is told by each channel 各类通知在各渠道的频率"})
    time_zone = fields.String()
    quiet_from = TimeOfDay(allow_none=True, metadata={"description": "null: no quiet hours 无免打扰时段"})
    quiet_to = TimeOfDay(allow_none=True)
    digest_at = TimeOfDay(metadata={"description": "When digests come 汇总发送时刻"})
    digest_day = fields.Integer(metadata={"description": "Of weekly digests; 0 is Monday 每周汇总日，0 为周一"})
    daily_cap = fields.Integer(
        allow_none=True, metadata={"description": "Messages a day at most; null: no limit 每日上限"}
    )
    language = fields.String()


class PreferencesUpdate(Strict):
    """What is named is changed; of the rhythms, those that are named."""

    rhythms = _table()
    time_zone = Text(64)
    quiet_from = TimeOfDay(allow_none=True)
    quiet_to = TimeOfDay(allow_none=True)
    digest_at = TimeOfDay()
    digest_day = Whole(0, 6)
    daily_cap = Whole(1, MOST_A_DAY, allow_none=True)
    language = fields.String(validate=one_of(("zh", "en")))

    @validates_schema
    def check_security(self, data: dict[str, Any], **_: Any) -> None:
        """Nothing turns security notices off, nor makes them wait."""
        wanted = data.get("rhythms", {})
        refused = {
            kind: {channel: [SECURITY_STAYS] for channel, rhythm in wanted[kind].items() if rhythm != "instant"}
            for kind in ("security", "account")
            if kind in wanted
        }
        if any(refused.values()):
            raise ValidationError({"rhythms": {kind: told for kind, told in refused.items() if told}})

    @validates_schema
    def check_quiet_hours(self, data: dict[str, Any], **_: Any) -> None:
        """Both ends or neither."""
        start, end = data.get("quiet_from"), data.get("quiet_to")
        if ("quiet_from" in data) != ("quiet_to" in data) or (start is None) != (end is None):
            raise ValidationError(BOTH_ENDS, "quiet_to" if "quiet_from" in data else "quiet_from")
        if start is not None and start == end:
            raise ValidationError(SAME_ENDS, "quiet_to")


class EndpointCreate(Strict):
    """A place to be told at."""

    channel = Code("channels", required=True)
    address = Text(2000, required=True, metadata={"description": "A URL; never shown again in full 不再完整显示"})
    name = Text(128)
    secret = Text(
        200,
        metadata={
            "description": "Of a robot that signs; a webhook's is made here 机器人的加签密钥",
            "writeOnly": True,
        },
    )
    events = codes("notification_kinds", 50)

    @validates_schema
    def check_secret(self, data: dict[str, Any], **_: Any) -> None:
        """Nobody else knows a webhook's secret."""
        if data.get("channel") == "webhook" and data.get("secret"):
            raise ValidationError(SECRET_IS_OURS, "secret")


class EndpointUpdate(Strict):
    """What is named is changed."""

    address = Text(2000, required=False)
    name = Text(128)
    events = codes("notification_kinds", 50)


class EndpointRead(Schema):
    """A place where the caller is told, without what is secret of it."""

    id = fields.UUID()
    channel = Code("channels")
    name = fields.String()
    shown = fields.String(metadata={"description": "What may be seen of the address 地址中可公开的部分"})
    events = fields.List(fields.String(), metadata={"description": "Kinds that it is told; empty: all 为空即全部"})
    failing_since = fields.AwareDateTime(allow_none=True)
    disabled_for = Code("endpoint_reasons", metadata={"description": "Empty: it is in use 为空即启用中"})
    disabled_at = fields.AwareDateTime(allow_none=True)
    previous_until = fields.AwareDateTime(
        allow_none=True, metadata={"description": "Until when the secret before signs as well 旧密钥失效时间"}
    )
    created_at = fields.AwareDateTime()
    updated_at = fields.AwareDateTime()


class EndpointMade(EndpointRead):
    """The same with its secret, this once."""

    secret = fields.String(
        allow_none=True,
        metadata={
            "description": "Shown once; empty where none is made here; null where the request was repeated with "
            "its Idempotency-Key: rotate it then 只显示一次；非本系统生成时为空；"
            "以同一幂等键重复请求时为 null，请重新生成"
        },
    )


class EndpointList(Schema):
    """All of the caller's, oldest first."""

    items = fields.List(fields.Nested(EndpointRead))


class DeliveryQuery(PageQuery):
    """Which deliveries."""

    endpoint = fields.UUID()
    state = Code("delivery_states", required=False)


class AttemptRead(Schema):
    """One try."""

    at = fields.AwareDateTime(attribute="created_at")
    ended_at = fields.AwareDateTime(allow_none=True)
    outcome = fields.String(
        metadata={"enum": ["", "sent", "failed", "refused", "gone"], "description": "Empty: under way 为空即进行中"}
    )
    status = fields.Integer(allow_none=True, metadata={"description": "HTTP or SMTP code, or the robot's 状态码"})
    detail = fields.String()


class DeliveryRead(Schema):
    """A message to one endpoint, and what became of it."""

    id = fields.UUID()
    endpoint_id = fields.UUID()
    channel = Code("channels")
    kind = fields.String(metadata={"enum": ["event", "digest", "test"]})
    state = Code("delivery_states")
    tries = fields.Integer(metadata={"description": "Since it was made or last replayed 自创建或上次重发以来"})
    next_at = fields.AwareDateTime(allow_none=True, metadata={"description": "null: it is not tried again 不再尝试"})
    created_at = fields.AwareDateTime()
    finished_at = fields.AwareDateTime(allow_none=True)
    attempts = fields.List(fields.Nested(AttemptRead), metadata={"description": "Oldest first 由旧到新"})


class DeliveryPage(Page):
    """A page of deliveries, newest first."""

    items = fields.List(fields.Nested(DeliveryRead))


class DigestQuery(Strict):
    """For which endpoint; for the caller's mail where none is named."""

    endpoint = fields.UUID()


class Digest(Schema):
    """What waits to be told, as it would be told now."""

    subject = fields.String()
    text = fields.String()
    html = fields.String()
    items = fields.Integer(metadata={"description": "0: nothing new 没有新消息"})


class Bounce(Strict):
    """What the mail provider tells of a mail."""

    address = Text(254, required=True)
    kind = fields.String(required=True, validate=one_of(("hard", "soft", "complaint")))
    message_id = Text(998)
