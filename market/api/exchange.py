"""The exchange as a whole: vocabularies, statistics, organisations, the caller."""

from __future__ import annotations

import uuid
from typing import Any

from marshmallow import fields

from market.api import examples, paging
from market.api.calls import Call
from market.api.doors import Answer, Door
from market.models import User
from market.services import people, statistics
from market.vocabulary import VOCABULARIES
from schemas.answers import Me, OrganisationRead, SearchPage, Statistics, VocabulariesQuery, VocabulariesRead
from schemas.base import Text
from schemas.queries import PageQuery

door = Door("exchange", __name__, url_prefix="/api/v1", description="The exchange as a whole 概览")

_organisation = OrganisationRead()


@door.route_to(
    "GET", "/vocabularies", who="anyone", query=VocabulariesQuery, answer=VocabulariesRead,
    example=examples.VOCABULARIES,
)  # fmt: skip
def list_vocabularies(call: Call, query: dict[str, Any]) -> Answer:
    """Every controlled vocabulary: stable codes with Chinese and English labels."""
    wanted = query.get("name")
    shown = [one for one in VOCABULARIES.values() if wanted in (None, one.name)]
    items = [
        {
            "name": one.name,
            "label": one.zh if call.language == "zh" else one.en,
            "zh": one.zh,
            "en": one.en,
            "terms": [
                {
                    "code": term.code,
                    "label": term.label(call.language),
                    "zh": term.zh,
                    "en": term.en,
                    "parent": term.parent,
                }
                for term in one
            ],
        }
        for one in shown
    ]
    return Answer({"items": items})


@door.route_to("GET", "/stats", who="anyone", answer=Statistics, example=examples.STATISTICS)
def read_statistics(call: Call) -> Answer:
    """What the exchange holds, counted now."""
    return Answer(statistics.count(call.session))


@door.route_to("GET", "/me", who="caller", answer=Me, example=examples.ME)
def read_me(call: Call) -> Answer:
    """Who you are to this service."""
    user = call.session.get_one(User, call.principal.user_id)
    organisation = people.organisation(call.session, user.organisation_id) if user.organisation_id else None
    return Answer(
        {
            "id": user.id,
            "name": user.name,
            "email": user.email,
            "language": user.language,
            "roles": user.roles,
            "organisation": _organisation.dump(organisation) if organisation else None,
        }
    )


class OrganisationQuery(PageQuery):
    """Organisations by name."""

    q = Text(100)


class OrganisationPage(SearchPage):
    """A page of organisations."""

    class Meta:
        """Organisations are counted by /stats."""

        exclude = ("total", "facets")

    items = fields.List(fields.Nested(OrganisationRead))


@door.route_to(
    "GET", "/organisations", who="anyone", query=OrganisationQuery, answer=OrganisationPage,
    example={"items": [examples.ORGANISATION], "next": None},
)  # fmt: skip
def list_organisations(call: Call, query: dict[str, Any]) -> Answer:
    """Organisations, by a part of their name."""
    secret, limit = call.runtime.secret, query["limit"]
    position = paging.decode(secret, query.get("cursor"))
    after = uuid.UUID(position) if position else None
    rows = people.organisations(call.session, q=query.get("q", ""), after=after, limit=limit + 1)
    cursor = paging.encode(secret, str(rows[limit - 1].id)) if len(rows) > limit else None
    return Answer({"items": _organisation.dump(rows[:limit], many=True), "next": cursor}, next_cursor=cursor)


@door.route_to(
    "GET",
    "/organisations/<uuid:identity>",
    who="anyone",
    answer=OrganisationRead,
    example=examples.ORGANISATION,
)
def read_organisation(call: Call, identity: uuid.UUID) -> Answer:
    """One organisation."""
    return Answer(_organisation.dump(people.organisation(call.session, identity)))
