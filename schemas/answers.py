"""The shapes of answers that are not listings themselves: pages, matches, notifications, the caller, problems."""

from __future__ import annotations

from marshmallow import Schema, fields

from schemas.base import Code, Strict, Text, Whole, one_of
from schemas.queries import Page


class ErrorItem(Schema):
    """One field that was refused."""

    pointer = fields.String(metadata={"description": "JSON pointer (RFC 6901), or the parameter"})
    message = fields.String()


class Problem(Schema):
    """Problem details, RFC 9457."""

    type = fields.String()
    title = fields.String()
    status = fields.Integer()
    detail = fields.String()
    errors = fields.List(fields.Nested(ErrorItem))
    request_id = fields.String()


class FacetValue(Schema):
    """One value of a facet, with how often it stands in what was found."""

    value = fields.String()
    label = fields.String()
    count = fields.Integer()


class Highlight(Schema):
    """A passage of the original text; marks are [start, end) offsets into it."""

    field = fields.String()
    fragment = fields.String()
    marks = fields.List(fields.List(fields.Integer()))


class Hit(Schema):
    """A listing found in a search over all kinds."""

    type = fields.String()
    score = fields.Float()
    listing = fields.Raw()
    highlights = fields.List(fields.Nested(Highlight))


class Hits(Schema):
    """What a search over all kinds found, kind by kind."""

    items = fields.List(fields.Nested(Hit))
    totals = fields.Dict(keys=fields.String(), values=fields.Integer())


class SearchPage(Page):
    """A page of a search; each item is a listing's summary with its `score` and `highlights`."""

    items = fields.List(fields.Raw())
    total = fields.Integer()
    facets = fields.Dict(keys=fields.String(), values=fields.List(fields.Nested(FacetValue)))


class Suggestion(Schema):
    """A completion, and a listing that holds it."""

    text = fields.String()
    type = fields.String()
    id = fields.UUID()


class Suggestions(Schema):
    """Completions, best first."""

    items = fields.List(fields.Nested(Suggestion))


class SearchKey(Schema):
    """Where a browser asks the search server, with which key, and the name that each index has there."""

    url = fields.String()
    key = fields.String()
    indexes = fields.Dict(keys=fields.String(), values=fields.String())
    expires_at = fields.String(metadata={"format": "date-time"})


class Part(Schema):
    """One reason: how well the pair fits in this respect, how much that weighs, and what made it so."""

    name = fields.String()
    label = fields.String()
    score = fields.Float()
    weight = fields.Float()
    contribution = fields.Float()
    evidence = fields.List(fields.String())


class MatchRead(Schema):
    """A match as one side sees it."""

    id = fields.UUID()
    score = fields.Float()
    sentence = fields.String(metadata={"description": "The reason in one sentence 一句话理由"})
    reasons = fields.List(fields.Nested(Part))
    type = fields.String(metadata={"description": "The kind of the listing on the other side"})
    listing = fields.Raw()
    state = Code("match_states")
    other_state = fields.String(metadata={"description": "interested or in_contact once the other side is"})
    reason = Code("dismissal_reasons")
    created_at = fields.AwareDateTime()
    updated_at = fields.AwareDateTime()


class MatchPage(Page):
    """A page of matches."""

    items = fields.List(fields.Nested(MatchRead))


class TextMatchRead(Schema):
    """A listing that fits a text."""

    type = fields.String()
    score = fields.Float()
    sentence = fields.String()
    reasons = fields.List(fields.Nested(Part))
    listing = fields.Raw()


class TextMatches(Schema):
    """What fits a text, best first, but at most three of one organisation among the first ten."""

    items = fields.List(fields.Nested(TextMatchRead))
    meaning_compared = fields.Boolean(
        metadata={"description": "false: by words alone, not by meaning as well 为 false 时仅按用词比对"}
    )


class Suggested(Schema):
    """A field that is not filled in yet, and what filling it in would do."""

    field = fields.String()
    label = fields.String()
    why = fields.String()
    gain = fields.Float(
        metadata={
            "description": "How far a candidate's log-odds would move: weight x share of the candidates that state "
            "it x 0.5; a small constant where nothing can be measured 对匹配对数几率的预期影响"
        }
    )
    measured = fields.Boolean(metadata={"description": "false: the gain is a constant 为 false 时 gain 为固定值"})
    known = fields.Integer(metadata={"description": "Candidates that state it 写明此项的候选数"})


class Advice(Schema):
    """What would sharpen a demand's matches most, best first."""

    completeness = fields.Float(metadata={"description": "Share of these fields filled in, 0 to 1 完整度"})
    candidates = fields.Integer(metadata={"description": "Offers that the gains were measured on 参与测算的候选数"})
    items = fields.List(fields.Nested(Suggested))


class Dismissal(Strict):
    """Why a match is turned down; it is remembered."""

    reason = Code("dismissal_reasons", required=True)


VERDICTS = ("harmless", "copied")


class FlagVerdict(Strict):
    """What a reviewer finds a flagged listing to be."""

    verdict = fields.String(required=True, validate=one_of(VERDICTS))


class FlagRead(Schema):
    """A listing to be looked at, and the demand that it copies; both in short, without what is confidential."""

    id = fields.UUID()
    kind = fields.String(metadata={"enum": ["copied_demand"]})
    type = fields.String(attribute="noun", metadata={"description": "The kind of the flagged listing"})
    listing = fields.Raw()
    demand = fields.Raw()
    verdict = fields.String(metadata={"enum": ["", *VERDICTS], "description": "Empty while open 待处理时为空"})
    created_at = fields.AwareDateTime()
    resolved_at = fields.AwareDateTime(allow_none=True)
    resolved_by = fields.UUID(allow_none=True)


class FlagPage(Page):
    """A page of flags, oldest first."""

    items = fields.List(fields.Nested(FlagRead))


class Extension(Strict):
    """The new last day."""

    until = fields.Date(required=True)


class Nothing(Strict):
    """An action that needs no words: an empty object, or no body at all."""


class NotificationRead(Schema):
    """A row of the inbox."""

    id = fields.UUID()
    position = fields.Integer(metadata={"description": "Grows within one inbox 收件箱内递增"})
    kind = Code("notification_kinds")
    title = fields.String()
    body = fields.String()
    language = fields.String()
    listing_type = fields.String(
        attribute="listing_noun", metadata={"description": "Empty: about none 空：与发布无关"}
    )
    listing_id = fields.UUID(allow_none=True)
    match_id = fields.UUID(allow_none=True)
    created_at = fields.AwareDateTime()
    read_at = fields.AwareDateTime(allow_none=True)


class NotificationPage(Page):
    """A page of the inbox, newest first."""

    items = fields.List(fields.Nested(NotificationRead))
    unread = fields.Integer()


class NewsPage(Schema):
    """What came after a position, oldest first, and the position to ask from next."""

    items = fields.List(fields.Nested(NotificationRead))
    position = fields.Integer()


class Snooze(Strict):
    """For how long a notification is put off."""

    days = Whole(1, 90, load_default=7)


class ReadAll(Schema):
    """How many were unread before."""

    read = fields.Integer()


class OrganisationRead(Schema):
    """An organisation."""

    id = fields.UUID()
    name_zh = fields.String()
    name_en = fields.String()
    kind = Code("organisation_kinds")
    region = fields.String()
    summary_zh = fields.String()
    summary_en = fields.String()
    credit_code = fields.String(
        allow_none=True, metadata={"description": "Unified social credit code 统一社会信用代码"}
    )
    verification = Code("verification_states")


class MembershipRead(Schema):
    """An organisation one belongs to, and one's roles there."""

    organisation = fields.Nested(OrganisationRead)
    roles = fields.List(fields.String())


class Me(Schema):
    """The caller: the roles of their account, and those in organisations."""

    id = fields.UUID()
    name = fields.String()
    email = fields.String()
    language = fields.String()
    roles = fields.List(fields.String())
    organisation = fields.Nested(
        OrganisationRead, allow_none=True, metadata={"description": "What one posts belongs to it 默认所属机构"}
    )
    memberships = fields.List(fields.Nested(MembershipRead))
    scopes = fields.List(
        fields.String(), metadata={"description": "What the key is for; empty: everything 密钥权限范围"}
    )


class TermRead(Schema):
    """One value of a vocabulary. The code never changes; `label` is in the caller's language."""

    code = fields.String()
    label = fields.String()
    zh = fields.String()
    en = fields.String()
    parent = fields.String(allow_none=True)


class VocabularyRead(Schema):
    """A controlled vocabulary."""

    name = fields.String()
    label = fields.String()
    zh = fields.String()
    en = fields.String()
    terms = fields.List(fields.Nested(TermRead))


class VocabulariesRead(Schema):
    """All of them."""

    items = fields.List(fields.Nested(VocabularyRead))


class VocabulariesQuery(Strict):
    """Which to give: all, when none is named."""

    name = Text(64)
