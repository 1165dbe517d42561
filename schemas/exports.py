"""What exports and bibliographies are asked with, and what an expert with new works is answered with."""

from __future__ import annotations

from collections.abc import Mapping

from marshmallow import Schema, fields

from schemas.base import Strict, WholeParameter, one_of
from schemas.experts import ExpertRead
from schemas.queries import DemandQuery, ExpertQuery, ListingQuery, OutcomeQuery

MOST = 10_000


class _Export(Strict):
    format = fields.String(
        load_default="csv",
        validate=one_of(("csv", "xlsx", "ndjson", "jsonld")),
        metadata={"enum": ["csv", "xlsx", "ndjson", "jsonld"]},
    )
    labels = fields.Boolean(
        load_default=True,
        metadata={
            "description": "In csv and xlsx: headers and codes in your language, else names of fields and codes "
            "表头与代码以所选语言显示，为 false 时使用字段名与代码"
        },
    )
    limit = WholeParameter(1, MOST, load_default=MOST, metadata={"description": "Rows at most 最多行数"})


class OutcomeExport(_Export, OutcomeQuery):
    """An export of outcomes: what a search takes, without pages."""

    class Meta:
        """All at once."""

        exclude = ("cursor",)


class ExpertExport(_Export, ExpertQuery):
    """An export of experts: what a search takes, without pages."""

    class Meta:
        """All at once."""

        exclude = ("cursor",)


class DemandExport(_Export, DemandQuery):
    """An export of demands: what a search takes, without pages."""

    class Meta:
        """All at once."""

        exclude = ("cursor",)


EXPORTS: Mapping[str, type[ListingQuery]] = {"outcome": OutcomeExport, "expert": ExpertExport, "demand": DemandExport}


class WorksGiven(Strict):
    """A bibliography for an expert's profile."""

    format = fields.String(
        load_default="auto",
        validate=one_of(("auto", "bibtex", "csl", "orcid")),
        metadata={"enum": ["auto", "bibtex", "csl", "orcid"]},
    )
    text = fields.String(required=True, metadata={"description": "The bibliography itself 文献内容"})
    mode = fields.String(
        load_default="add",
        validate=one_of(("add", "replace")),
        metadata={"enum": ["add", "replace"], "description": "Beside the present works, or instead 追加或替换"},
    )


class SkippedEntry(Schema):
    """An entry that was left out: its key, its line from 1 (0 where there are none), and why."""

    key = fields.String()
    line = fields.Integer()
    message = fields.String()


class ExpertWithWorks(ExpertRead):
    """The profile as changed, and what was left out."""

    skipped = fields.List(fields.Nested(SkippedEntry))
