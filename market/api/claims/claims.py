"""/claims: who says that an imported profile or outcome is theirs, what is decided, and the consent to be shown."""

from __future__ import annotations

import uuid
from typing import Any

from marshmallow import Schema

from market.api import paging
from market.api.calls import Call
from market.api.doors import Answer, Door
from market.api.examples import claims as examples
from market.api.presenting import PRESENTERS, shown_to
from market.models import LISTINGS
from market.rights import consent
from market.services.claims import claims, evidence, holding
from market.services.claims.claims import Shown
from market.services.listings import custody
from schemas.answers import Nothing
from schemas.claims import (
    CLAIMABLE,
    ClaimApproval,
    ClaimConsent,
    ClaimCreate,
    ClaimPage,
    ClaimQuery,
    ClaimRead,
    ClaimRefusal,
    ConsentGiven,
    CustodyPage,
    CustodyQuery,
)
from schemas.disclosure import Confidentiality
from schemas.experts import ExpertRead

door = Door("claims", __name__, url_prefix="/api/v1", description="Claims 认领")

_row = ClaimRead(exclude=("listing", "claimant", "finding", "consent", "may_decide"))
_given = ConsentGiven()
_TEXT = {"version": consent.VERSION, "sha256": consent.SHA256, "zh": consent.ZH, "en": consent.EN}
_DECISIONS: dict[str, tuple[type[Schema], str]] = {
    "approve": (ClaimApproval, "Turn it over to whoever claims it; all other claims to it are refused"),
    "refuse": (ClaimRefusal, "Say why it is not theirs"),
}


@door.route_to("GET", "/consent", action="exchange.read", answer=Confidentiality, example=examples.CONSENT)
def read_consent(_: Call) -> Answer:
    """What whoever claims something may consent to: to be shown, matched and contacted; with its version and hash."""
    return Answer(_TEXT)


def _of_listing(noun: str) -> None:
    model: Any = LISTINGS[noun]

    @door.route_to(
        "POST", f"/{noun}s/<uuid:identity>/claims", action="claim.make", body=ClaimCreate,
        body_example=examples.CREATE, answer=ClaimRead, example=examples.CLAIM, status=201,
        name=f"claim_{noun}", summary=f"Say that this {noun} is yours; evidence that holds decides at once",
    )  # fmt: skip
    def make(call: Call, identity: uuid.UUID, body: dict[str, Any]) -> Answer:
        claim = claims.make(call.session, call.principal, model, identity, body, now=call.runtime.clock())
        headers = {"Location": f"/api/v1/claims/{claim.id}"}
        return Answer(_shown(call, claims.get(call.session, call.principal, claim.id)), 201, headers=headers)


for _noun in CLAIMABLE:
    _of_listing(_noun)


@door.route_to(
    "GET", "/claims", action="claim.read", query=ClaimQuery, answer=ClaimPage,
    example={"items": [examples.CLAIM], "next": None},
)  # fmt: skip
def list_claims(call: Call, query: dict[str, Any]) -> Answer:
    """Claims that you have made, or that others have made to what you may decide on; newest first."""
    page = paging.page(
        query,
        lambda before, limit: claims.listed(
            call.session, call.principal, side=query["side"], state=query.get("state", ""), before=before, limit=limit
        ),
        place=lambda one: one.claim.id,
    )
    return page.answer(_shown(call, one) for one in page.rows)


@door.route_to("GET", "/claims/<uuid:identity>", action="claim.read", answer=ClaimRead, example=examples.CLAIM)
def read_claim(call: Call, identity: uuid.UUID) -> Answer:
    """Read one, with what was found when it was made."""
    return Answer(_shown(call, claims.get(call.session, call.principal, identity)))


def _decision(deed: str) -> None:
    body, summary = _DECISIONS[deed]

    @door.route_to(
        "POST", f"/claims/<uuid:identity>/actions/{deed}", action="claim.decide", body=body,
        body_example=examples.DECISIONS[deed], answer=ClaimRead, example=examples.DECIDED[deed],
        name=f"{deed}_claim", summary=summary,
    )  # fmt: skip
    def decide(call: Call, identity: uuid.UUID, body: dict[str, Any]) -> Answer:
        one = claims.decide(call.session, call.principal, identity, deed, body, now=call.runtime.clock())
        return Answer(_shown(call, one))


for _deed in _DECISIONS:
    _decision(_deed)


@door.route_to(
    "POST", "/claims/<uuid:identity>/actions/withdraw", action="claim.make", body=Nothing, body_example={},
    answer=ClaimRead, example=examples.WITHDRAWN,
)  # fmt: skip
def withdraw_claim(call: Call, identity: uuid.UUID, body: dict[str, Any]) -> Answer:  # noqa: ARG001
    """Take back your own claim, while it waits for a decision."""
    return Answer(_shown(call, claims.withdraw(call.session, call.principal, identity, now=call.runtime.clock())))


@door.route_to(
    "POST", "/claims/<uuid:identity>/actions/consent", action="claim.consent", body=ClaimConsent,
    body_example=examples.CONSENTING, answer=ClaimRead, example=examples.DECIDED["approve"],
)  # fmt: skip
def consent_to_claim(call: Call, identity: uuid.UUID, body: dict[str, Any]) -> Answer:
    """Agree that what you have claimed is shown, matched, and that messages about it reach you."""
    one = claims.agree(call.session, call.principal, identity, body["consent"], now=call.runtime.clock())
    return Answer(_shown(call, one))


@door.route_to(
    "POST", "/experts/<uuid:identity>/actions/withdraw-consent", action="claim.consent", body=Nothing,
    body_example={}, answer=ExpertRead, example=examples.PROFILE_WITHDRAWN,
)  # fmt: skip
def withdraw_consent(call: Call, identity: uuid.UUID, body: dict[str, Any]) -> Answer:  # noqa: ARG001
    """Take back your consent: your profile is no longer public, until you consent again."""
    return shown_to(call, holding.take_back(call.session, call.principal, identity, now=call.runtime.clock()))


@door.route_to(
    "GET", "/custody", action="moderation.queue", query=CustodyQuery, answer=CustodyPage, example=examples.CUSTODY
)
def list_by_custody(call: Call, query: dict[str, Any]) -> Answer:
    """Listings by their custody, the oldest first: those that nobody has claimed, unless asked otherwise."""
    page = paging.page(
        query,
        lambda after, limit: custody.listed(
            call.session, call.principal, LISTINGS[query["type"]], query["custody"],
            organisation_id=query.get("organisation"), after=after, limit=limit,
        ),
    )  # fmt: skip
    return page.answer({"listing": PRESENTERS[one.NOUN].summary(one), "custody": one.custody} for one in page.rows)


def _shown(call: Call, one: Shown) -> dict[str, Any]:
    claim, organisation = one.claim, one.organisation
    given = claim.consented_at is not None
    return {
        **_row.dump(claim),
        "listing": PRESENTERS[claim.noun].summary(one.listing) if one.listing is not None else None,
        "claimant": {
            "name": one.claimant.name if one.claimant else "",
            "organisation_zh": organisation.name_zh if organisation else "",
            "organisation_en": organisation.name_en if organisation else "",
        },
        "finding": [
            {"code": code, "label": evidence.WORDS[code].text(call.language)}
            for code in claim.finding
            if code in evidence.WORDS
        ],
        "consent": _given.dump(claim) if given else None,
        "may_decide": one.may_decide,
    }
