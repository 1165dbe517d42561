"""Claims as claimants and those who decide send and read them; and the consent to be shown."""

from __future__ import annotations

from typing import Any

from marshmallow import Schema, ValidationError, fields, validates_schema

from schemas import messages
from schemas.base import Code, Strict, Text, one_of
from schemas.disclosure import SIDES, Consent
from schemas.queries import KINDS, Page, PageQuery

CLAIMABLE = ("outcome", "expert")


class ClaimCreate(Strict):
    """That a profile is one's own, or an outcome one's organisation's."""

    evidence = Code("claim_evidence", required=True)
    text = Text(2000, metadata={"description": "What shows it; needed for a document 证明说明"})
    organisation_id = fields.UUID(
        metadata={"description": "Where it shall belong, an organisation of yours 认领后所属机构，缺省不变"}
    )
    consent = fields.Nested(Consent)

    @validates_schema
    def check_document(self, data: dict[str, Any], **_: Any) -> None:
        """Of a document somebody must be told what it is."""
        if data["evidence"] == "document" and not data.get("text"):
            raise ValidationError(messages.BLANK, "text")


class ClaimApproval(Strict):
    """That a claim is right."""

    text = Text(2000, metadata={"description": "Shown to whoever claimed it 将告知认领人"})
    organisation_id = fields.UUID(
        metadata={"description": "Where it moves to, as the claim asks 同意转至的机构，须与认领一致"}
    )


class ClaimRefusal(Strict):
    """Why a claim is not approved."""

    text = Text(2000, required=True, metadata={"description": "Shown to whoever claimed it 将告知认领人"})


class ClaimConsent(Strict):
    """Consent to be shown, matched and contacted."""

    consent = fields.Nested(Consent, required=True)


class ClaimQuery(PageQuery):
    """Claims that one has made, or that are others'."""

    side = fields.String(validate=one_of(SIDES), load_default=SIDES[0], metadata={"enum": [*SIDES]})
    state = Code("claim_states")


class CustodyQuery(PageQuery):
    """Listings by custody."""

    type = fields.String(validate=one_of(KINDS), load_default="expert", metadata={"enum": [*KINDS]})
    custody = Code("custody", load_default="unclaimed")
    organisation = fields.UUID()


class Claimant(Schema):
    """Who claims, and for which organisation."""

    name = fields.String()
    organisation_zh = fields.String()
    organisation_en = fields.String()


class ClaimFinding(Schema):
    """Something that was found when the claim was made."""

    code = fields.String()
    label = fields.String()


class ConsentGiven(Schema):
    """What was consented to, when, and when that was taken back."""

    version = fields.String(attribute="consent_version")
    sha256 = fields.String(attribute="consent_hash")
    at = fields.AwareDateTime(attribute="consented_at")
    withdrawn_at = fields.AwareDateTime(attribute="consent_withdrawn_at", allow_none=True)


class ClaimRead(Schema):
    """A claim as its maker and those who may decide see it."""

    id = fields.UUID()
    type = fields.String(attribute="noun", metadata={"enum": [*CLAIMABLE]})
    listing_id = fields.UUID()
    listing = fields.Raw(metadata={"description": "In short; null where it is not to be seen any more"})
    claimant = fields.Nested(Claimant)
    organisation_id = fields.UUID(allow_none=True)
    evidence = Code("claim_evidence")
    finding = fields.List(fields.Nested(ClaimFinding))
    text = fields.String()
    state = Code("claim_states")
    answer = fields.String()
    decided_at = fields.AwareDateTime(allow_none=True)
    consent = fields.Nested(ConsentGiven, allow_none=True)
    may_decide = fields.Boolean(metadata={"description": "Whether you may decide on it 您是否可审核"})
    created_at = fields.AwareDateTime()


class ClaimPage(Page):
    """A page of claims, newest first."""

    items = fields.List(fields.Nested(ClaimRead))


class CustodyItem(Schema):
    """A listing in short, with its custody."""

    listing = fields.Raw()
    custody = Code("custody")


class CustodyPage(Page):
    """A page of listings by custody."""

    items = fields.List(fields.Nested(CustodyItem))
