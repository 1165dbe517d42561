"""Subscriptions 订阅, as they come in and go out; and the searches they keep, in the form in which one searches."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

from marshmallow import Schema, ValidationError, fields
from webargs.fields import DelimitedList

from schemas import messages
from schemas.base import Strict, Text, one_of
from schemas.queries import KINDS, DemandQuery, ExpertQuery, ListingQuery, OutcomeQuery, Page

RHYTHMS = ("instant", "daily", "weekly")

# How a search is shown, not what it is for: passed over where a whole query string is pasted.
_SHOWING = frozenset({"limit", "cursor", "sort", "facets", "highlight"})
_KINDS: Mapping[str, type[ListingQuery]] = {"outcome": OutcomeQuery, "expert": ExpertQuery, "demand": DemandQuery}
_SEARCHES: Mapping[str, ListingQuery] = {
    noun: schema(exclude=("state", *_SHOWING)) for noun, schema in _KINDS.items()
}
_QUERY = {
    "description": "What a search takes, without page, order, facets, highlights and state: as an object, or as the "
    "search's own query string 检索参数，可为对象或查询字符串",
    "oneOf": [{"type": "object"}, {"type": "string"}],
}
_ONCE = "Shown once; null where the request was repeated with its key 只显示一次；以同一幂等键重复请求时为 null"


@dataclass(frozen=True, slots=True)
class Search:
    """A search that passed its schema: as it was loaded, and as it was asked, which is what is kept."""

    noun: str
    asked: Mapping[str, Any]
    wire: Mapping[str, Any]

    @property
    def semantic(self) -> bool:
        """Whether listings near in meaning answer it too."""
        return bool(self.asked.get("semantic"))


def search_of(noun: str, given: object) -> Search:
    """Load the parameters of a search by the schema of searches of this kind. Raises ValidationError."""
    schema = _SEARCHES[noun]
    if isinstance(given, str):
        given = _pasted(given)
    if not isinstance(given, Mapping):
        raise ValidationError(messages.NO_SEARCH)
    asked: dict[str, Any] = schema.load({name: _joined(schema, name, value) for name, value in given.items()})
    if asked["semantic"] and not asked.get("q"):
        raise ValidationError({"semantic": [messages.NOTHING_MEANT]})
    wire: dict[str, Any] = schema.dump(asked)
    return Search(noun, asked, {name: value for name, value in wire.items() if value not in ("", [], False, None)})


def _pasted(text: str) -> dict[str, str]:
    """A query string's parameters; of those given twice the first, as in a search."""
    if len(text) > 4000:
        raise ValidationError(messages.TOO_LONG.format(max=4000))
    pairs = parse_qsl(text.strip().removeprefix("?"), keep_blank_values=True)
    return {name: value for name, value in reversed(pairs) if name not in _SHOWING}


def _joined(schema: Schema, name: str, value: object) -> object:
    """Several values as a query string has them, where there may be several."""
    several = isinstance(value, list) and isinstance(schema.fields.get(name), DelimitedList)
    return ",".join(map(str, value)) if several and isinstance(value, list) else value


class _Kept(Strict):
    name = Text(128)
    rhythm = fields.String(validate=one_of(RHYTHMS), metadata={"enum": [*RHYTHMS]})
    expires_on = fields.Date(allow_none=True, metadata={"description": "Its last day 最后一天"})


class SubscriptionCreate(_Kept):
    """A new one."""

    noun = fields.String(required=True, validate=one_of(KINDS), metadata={"enum": [*KINDS]})
    query = fields.Raw(required=True, metadata=_QUERY)
    feed = fields.Boolean(load_default=False, metadata={"description": "With an Atom feed 同时生成 Atom 订阅源"})


class SubscriptionUpdate(_Kept):
    """What is to be otherwise."""

    query = fields.Raw(metadata=_QUERY)
    paused = fields.Boolean()


class SubscriptionPreview(Strict):
    """A search to be tried."""

    noun = fields.String(required=True, validate=one_of(KINDS), metadata={"enum": [*KINDS]})
    query = fields.Raw(required=True, metadata=_QUERY)


class SubscriptionRead(Schema):
    """A subscription, to whom it belongs."""

    id = fields.UUID()
    noun = fields.String(metadata={"enum": [*KINDS]})
    name = fields.String()
    query = fields.Dict(keys=fields.String())
    rhythm = fields.String(metadata={"enum": [*RHYTHMS]})
    paused = fields.Boolean()
    expires_on = fields.Date(allow_none=True)
    has_feed = fields.Function(lambda row: row.feed_digest is not None, metadata={"type": "boolean"})
    created_at = fields.AwareDateTime()
    updated_at = fields.AwareDateTime()


class SubscriptionMade(SubscriptionRead):
    """The same, with the address of its new feed where one was asked for."""

    feed = fields.String(allow_none=True, metadata={"description": _ONCE})


class SubscriptionPage(Page):
    """One's subscriptions, newest first."""

    items = fields.List(fields.Nested(SubscriptionRead))


class FeedAddress(Schema):
    """Where the feed is; whoever knows it can read it."""

    feed = fields.String(allow_none=True, metadata={"description": _ONCE})


class PreviewRead(Schema):
    """What a subscription would have sent."""

    days = fields.Integer()
    count = fields.Integer()
    complete = fields.Boolean(
        metadata={"description": "false: only the newest candidates were looked at 为 false 时仅检查了最新的候选"}
    )
    items = fields.List(fields.Raw(), metadata={"description": "The newest five 最新五条"})
