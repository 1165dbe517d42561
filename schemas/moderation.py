"""Moderation as reviewers, owners and reporters send and read it."""

from __future__ import annotations

from typing import Any

from marshmallow import Schema, ValidationError, fields, validates_schema

from schemas import messages
from schemas.base import Code, Strict, Text, Whole, WholeParameter, one_of
from schemas.queries import KINDS, Page, PageQuery

BULK_ACTIONS = ("approve", "reject", "return", "suspend", "restore", "assign")
AS_SEEN = ("approve", "restore")
MOST_AT_ONCE = 200
_FORCE = "Although another reviewer is looking at it 即使其他审核人正在处理"


def _force() -> fields.Boolean:
    return fields.Boolean(load_default=False, metadata={"description": _FORCE})


class Approval(Strict):
    """Publish what was submitted."""

    force = _force()


class Rejection(Strict):
    """Why a listing is not published."""

    reason = Code("rejection_reasons", required=True)
    text = Text(2000, load_default="", metadata={"description": "Shown to its owner 将告知发布者"})
    force = _force()


class Return(Strict):
    """What is to be changed before it is submitted again."""

    text = Text(2000, required=True, metadata={"description": "Shown to its owner 将告知发布者"})
    force = _force()


class Suspension(Strict):
    """Why a listing is taken down."""

    reason = Code("rejection_reasons", required=True)
    text = Text(2000, load_default="", metadata={"description": "Shown to its owner 将告知发布者"})


class Merge(Strict):
    """Which listing of the same kind goes on for both."""

    into = fields.UUID(required=True)
    force = _force()


class Assignment(Strict):
    """Who is to look at a review."""

    user = fields.UUID(metadata={"description": "Without it: you 缺省为您本人"})
    force = _force()


class Releasing(Strict):
    """That nobody looks at it any more."""

    force = _force()


def _assignee(value: str) -> None:
    if value in ("me", "none"):
        return
    fields.UUID().deserialize(value)


class QueueQuery(PageQuery):
    """Which open reviews."""

    noun = fields.String(validate=one_of(KINDS))
    assigned = fields.String(
        validate=_assignee,
        metadata={
            "description": "me, none, or the id of a reviewer; an assignment counts for 24 hours 分配 24 小时内有效"
        },
    )
    older_than_hours = WholeParameter(0, 100_000)
    organisation = fields.UUID()
    sort = fields.String(validate=one_of(("oldest", "newest")), load_default="oldest")


class PersonShown(Schema):
    """Somebody by name."""

    id = fields.UUID()
    name = fields.String()


class ReviewRead(Schema):
    """A submission that waits, with what there is to know before looking."""

    id = fields.UUID()
    type = fields.String(metadata={"enum": [*KINDS]})
    listing = fields.Raw(metadata={"description": "In short, as everybody may see it"})
    version = fields.Integer()
    submitted_at = fields.AwareDateTime()
    age_seconds = fields.Integer()
    assigned_to = fields.Nested(PersonShown, allow_none=True)
    assigned_at = fields.AwareDateTime(allow_none=True)
    first_publication = fields.Boolean(
        metadata={"description": "false: a change of what was published before 为 false 时是已发布内容的更改"}
    )
    submitted_before = fields.Boolean()
    duplicates = fields.Integer(
        allow_none=True, metadata={"description": "Likely ones; null while they are being counted 统计中为 null"}
    )
    open_flags = fields.Integer()
    open_reports = fields.Integer()
    may_decide = fields.Boolean(metadata={"description": "false: it is your own, or your organisation's"})


class ReviewPage(Page):
    """A page of the queue."""

    items = fields.List(fields.Nested(ReviewRead))


class Ages(Schema):
    """How long, in seconds, half, nine tenths and all of them have waited at most."""

    half = fields.Integer(allow_none=True)
    nine_tenths = fields.Integer(allow_none=True)
    oldest = fields.Integer(allow_none=True)


class ModerationSummary(Schema):
    """How much waits for reviewers."""

    waiting = fields.Integer()
    by_type = fields.Dict(keys=fields.String(), values=fields.Integer())
    assigned = fields.Integer()
    age = fields.Nested(Ages)
    open_flags = fields.Integer()
    open_reports = fields.Integer()
    decided = fields.Dict(
        keys=fields.String(), values=fields.Integer(), metadata={"description": "In the last seven days, by decision"}
    )


class BulkItem(Strict):
    """One listing of many."""

    type = fields.String(required=True, validate=one_of(KINDS))
    id = fields.UUID(required=True)
    version = Whole(1, 10**9, metadata={"description": "As you have seen it; approve and restore need it 审核时所见"})


def _not_too_many(items: list[Any]) -> None:
    if not items:
        raise ValidationError(messages.BLANK)
    if len(items) > MOST_AT_ONCE:
        raise ValidationError(messages.TOO_MANY.format(max=MOST_AT_ONCE))


class Bulk(Strict):
    """One deed on many listings."""

    action = fields.String(required=True, validate=one_of(BULK_ACTIONS))
    reason = Code("rejection_reasons", load_default="")
    text = Text(2000, load_default="")
    user = fields.UUID(metadata={"description": "To assign to; without it: you"})
    force = _force()
    items = fields.List(
        fields.Nested(BulkItem), required=True, validate=_not_too_many, metadata={"maxItems": MOST_AT_ONCE}
    )

    @validates_schema
    def check_versions(self, data: dict[str, Any], **_: Any) -> None:
        """What makes public is about what was seen."""
        if data.get("action") in AS_SEEN:
            unseen = [place for place, item in enumerate(data.get("items", [])) if "version" not in item]
            if unseen:
                raise ValidationError({"items": {place: {"version": [messages.SEEN_NEEDED]} for place in unseen}})

    @validates_schema
    def check_words(self, data: dict[str, Any], **_: Any) -> None:
        """What a decision needs: a reason, or a text."""
        action = data.get("action")
        if action in ("reject", "suspend") and not data.get("reason"):
            raise ValidationError(messages.BLANK, "reason")
        if action == "return" and not data.get("text"):
            raise ValidationError(messages.BLANK, "text")


class BulkDone(Schema):
    """What became of one of them: its present state and version, or the problem."""

    type = fields.String()
    id = fields.UUID()
    ok = fields.Boolean()
    state = fields.String()
    version = fields.Integer()
    problem = fields.String(metadata={"description": "The code of a kind of problem: /problems/<code>"})
    title = fields.String()


class BulkRead(Schema):
    """What became of each, in the order asked for."""

    done = fields.Integer()
    items = fields.List(fields.Nested(BulkDone))


class HistoryQuery(PageQuery):
    """A page of a history."""


class Actor(Schema):
    """Who did it, as far as you may know."""

    role = fields.String(metadata={"enum": ["owner", "colleague", "reviewer", "other", "system"]})
    name = fields.String(metadata={"description": "Empty where it is not told"})


class HistoryEntry(Schema):
    """One deed."""

    id = fields.UUID()
    at = fields.AwareDateTime()
    who = fields.Nested(Actor)
    action = fields.String()
    before = fields.String(metadata={"description": "The state"})
    after = fields.String()
    fields_changed = fields.List(fields.String())
    version = fields.Integer(allow_none=True, metadata={"description": "The one that it made"})
    restored = fields.Integer(allow_none=True, metadata={"description": "The version whose content came back"})
    reason = fields.String()
    text = fields.String()
    listing = fields.UUID(metadata={"description": "Another's, where that was merged into this one"})


class HistoryPage(Page):
    """A page of a history, the newest first."""

    items = fields.List(fields.Nested(HistoryEntry))


class VersionRead(Schema):
    """What a listing said in a version."""

    version = fields.Integer()
    content = fields.Dict(keys=fields.String())


class DiffQuery(Strict):
    """Between which versions."""

    older = WholeParameter(
        1, 10**9, load_default=1, data_key="from", metadata={"description": "Without it: the first one"}
    )
    newer = WholeParameter(1, 10**9, data_key="to", metadata={"description": "Without it: the present one"})


class Edit(Schema):
    """A piece of a text."""

    op = fields.String(metadata={"enum": ["equal", "delete", "insert"]})
    text = fields.String()


class FieldDiff(Schema):
    """A field that differs; `text` of texts, `added` and `removed` of lists."""

    field = fields.String()
    before = fields.Raw(allow_none=True)
    after = fields.Raw(allow_none=True)
    text = fields.List(fields.Nested(Edit))
    added = fields.List(fields.Raw())
    removed = fields.List(fields.Raw())


class DiffRead(Schema):
    """Two versions side by side."""

    older = fields.Integer(data_key="from")
    newer = fields.Integer(data_key="to")
    items = fields.List(fields.Nested(FieldDiff))


class Restoring(Strict):
    """Which version's content comes back."""

    version = Whole(1, 10**9, required=True)


class Coincidence(Schema):
    """What two listings share."""

    what = fields.String(metadata={"enum": ["text", "heading", "external_key", "patent", "orcid"]})
    value = fields.String()


class DuplicateRead(Schema):
    """A listing that may be of the same thing."""

    type = fields.String()
    listing = fields.Raw()
    score = fields.Float(metadata={"description": "How alike the texts are, 0 to 1 文本相似度"})
    coincides = fields.List(fields.Nested(Coincidence))


class Duplicates(Schema):
    """Likely duplicates, the likeliest first."""

    items = fields.List(fields.Nested(DuplicateRead))


class ReportCreate(Strict):
    """Why a listing should be looked at."""

    kind = Code("report_kinds", required=True)
    text = Text(2000, load_default="")


class ReportMade(Schema):
    """A report as its reporter sees it."""

    id = fields.UUID()
    kind = Code("report_kinds")
    created_at = fields.AwareDateTime()


class ReportQuery(PageQuery):
    """Reports, oldest first: those that wait, or those with a verdict."""

    state = fields.String(validate=one_of(("open", "resolved")), load_default="open")


class ReportVerdict(Strict):
    """What a reviewer finds; `suspended` takes the listing down."""

    verdict = Code("report_verdicts", required=True)
    text = Text(
        2000,
        load_default="",
        metadata={"description": "Its owner is told this where it is taken down 下架时告知发布者"},
    )


class ReportRead(Schema):
    """A report as reviewers see it: not who made it."""

    id = fields.UUID()
    kind = Code("report_kinds")
    text = fields.String()
    type = fields.String(attribute="noun")
    listing = fields.Raw()
    created_at = fields.AwareDateTime()
    verdict = fields.String()
    answer = fields.String()
    resolved_at = fields.AwareDateTime(allow_none=True)
    resolved_by = fields.UUID(allow_none=True)


class ReportPage(Page):
    """A page of reports."""

    items = fields.List(fields.Nested(ReportRead))
