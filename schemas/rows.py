"""Rows of a file to be loaded: what the API takes, with a key of its own and the keys of what it belongs to."""

from __future__ import annotations

from marshmallow import fields

from schemas.base import Code, Strict, Text, codes
from schemas.demands import DemandFields
from schemas.experts import ExpertFields
from schemas.outcomes import OutcomeFields


class OrganisationRow(Strict):
    """An organisation."""

    key = Text(128, required=True)
    name_zh = Text(128)
    name_en = Text(256)
    kind = Code("organisation_kinds", required=True)
    region = Code("regions")
    summary_zh = Text(2000)
    summary_en = Text(2000)
    trusted = fields.Boolean()


class UserRow(Strict):
    """A user with roles."""

    key = Text(128, required=True)
    email = fields.Email(required=True)
    name = Text(128, required=True)
    language = Code("languages", required=True)
    roles = codes("roles", 9)
    organisation = Text(128)


class _Owned(Strict):
    key = Text(128, required=True)
    organisation = Text(128, metadata={"description": "Key of the organisation; absent where the import is its own"})
    owner = Text(128, metadata={"description": "Key of the user whose it is"})


class OutcomeRow(_Owned, OutcomeFields):
    """An outcome of an organisation."""


class ExpertRow(_Owned, ExpertFields):
    """An expert of an organisation. That they consent is for them to say, with a claim; what a file says of it counts
    for nothing."""

    consented = fields.Boolean()


class DemandRow(_Owned, DemandFields):
    """A demand of an organisation."""


ROWS: dict[str, type[Strict]] = {
    "organisations": OrganisationRow,
    "users": UserRow,
    "outcomes": OutcomeRow,
    "experts": ExpertRow,
    "demands": DemandRow,
}
