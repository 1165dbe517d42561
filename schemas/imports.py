"""Imports 导入, as they come in and go out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson
from marshmallow import Schema, ValidationError, fields

from market.vocabulary import vocabulary
from schemas.base import Code, Strict, one_of
from schemas.messages import Message
from schemas.queries import Page, PageQuery

NOUNS = ("outcome", "expert", "demand")
FORMATS = ("csv", "xlsx", "ndjson")

NO_FILE = Message("Must be a file.", "应为文件。")
EMPTY_FILE = Message("The file is empty.", "文件为空。")
NO_MAPPING = Message(
    'Must be a JSON object from a header to a field: {"项目名称": "title_zh"}.',
    '应为 JSON 对象，由表头指向字段：{"项目名称": "title_zh"}。',
)
NO_WORDS = Message(
    'Must be a JSON object from a field to what its words mean: {"field": {"新材料技术": "new_materials"}}.',
    '应为 JSON 对象，由字段指向词语的含义：{"field": {"新材料技术": "new_materials"}}。',
)

_MOST_HEADERS, _MOST_WORDS, _LONGEST = 300, 5_000, 256


@dataclass(frozen=True, slots=True)
class Uploaded:
    """A file as it came: what it was called, and its bytes."""

    name: str
    content: bytes


class File(fields.Field[Uploaded]):
    """A file of a form; a text stands for one without a name."""

    def __init__(self, **kwargs: Any) -> None:
        """As any field."""
        metadata = {"type": "string", "format": "binary", **kwargs.pop("metadata", {})}
        super().__init__(metadata=metadata, **kwargs)

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> Uploaded:
        if isinstance(value, str):
            value = Uploaded("", value.encode())
        if not isinstance(value, Uploaded):
            raise ValidationError(NO_FILE)
        if not value.content:
            raise ValidationError(EMPTY_FILE)
        return value


class _Table(fields.Field[Mapping[str, Any]]):
    """A table written as JSON, in a field of a form."""

    def __init__(self, message: Message, *, deep: bool, **kwargs: Any) -> None:
        """`deep`: its values are tables of texts; else they are texts."""
        self.message, self.deep = message, deep
        metadata = {"type": "string", "contentMediaType": "application/json", **kwargs.pop("metadata", {})}
        super().__init__(metadata=metadata, **kwargs)

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> Mapping[str, Any]:
        try:
            table = orjson.loads(value) if isinstance(value, str) else value
        except orjson.JSONDecodeError as error:
            raise ValidationError(self.message) from error
        tables = list(table.values()) if self.deep and isinstance(table, dict) else [table]
        if not isinstance(table, dict) or not all(_texts(one) for one in tables):
            raise ValidationError(self.message)
        if len(table) > _MOST_HEADERS or sum(map(len, tables)) > _MOST_WORDS:
            raise ValidationError(self.message)
        return table


def _texts(table: Any) -> bool:
    """Whether it leads from texts to texts, none of them long."""
    if not isinstance(table, dict):
        return False
    return all(isinstance(value, str) and len(name) <= _LONGEST >= len(value) for name, value in table.items())


class ImportCreate(Strict):
    """A file to be imported."""

    file = File(required=True, metadata={"description": "xlsx, csv or one JSON object a line, at most 20 MB 文件"})
    noun = fields.String(required=True, validate=one_of(NOUNS), metadata={"enum": [*NOUNS]})
    mapping = _Table(NO_MAPPING, deep=False, metadata={"description": "Header -> field, as JSON 表头映射"})
    words = _Table(NO_WORDS, deep=True, metadata={"description": "Field -> word -> code, as JSON 词语映射"})
    dry_run = fields.Boolean(metadata={"description": "Only say what would happen 试运行"})
    organisation_id = fields.UUID(metadata={"description": "Whose all of it is; without it your own 所属机构"})
    create_organisations = fields.Boolean(
        metadata={"description": "Make organisations that nobody knows; for administrators 自动新建机构"}
    )


class ImportsQuery(PageQuery):
    """Which imports to list."""

    state = Code("import_states")


class FaultsQuery(PageQuery):
    """How to tell of the faults."""

    format = fields.String(load_default="json", validate=one_of(("json", "csv")), metadata={"enum": ["json", "csv"]})


class TemplateQuery(Strict):
    """Which template."""

    format = fields.String(load_default="xlsx", validate=one_of(FORMATS), metadata={"enum": [*FORMATS]})


class ImportLinks(Schema):
    """Where to go from an import."""

    self = fields.String()
    faults = fields.String()
    cancel = fields.String()
    undo = fields.String()
    run = fields.String()


class ImportRead(Schema):
    """An import."""

    id = fields.UUID()
    noun = fields.String(metadata={"enum": [*NOUNS]})
    state = fields.String(metadata={"enum": [*vocabulary("import_states").codes]})
    why = fields.String(metadata={"description": "Of a failed one 失败原因"})
    name = fields.String()
    digest = fields.String(metadata={"description": "SHA-256 of the file 文件摘要"})
    bytes = fields.Integer()
    organisation_id = fields.UUID(allow_none=True)
    dry_run = fields.Boolean()
    rows = fields.Integer(metadata={"description": "In the file, as counted beforehand 行数"})
    done = fields.Integer(metadata={"description": "The last line that is dealt with 已处理到的行"})
    progress = fields.Float(metadata={"minimum": 0, "maximum": 1})
    created = fields.Integer()
    changed = fields.Integer()
    unchanged = fields.Integer()
    refused = fields.Integer(metadata={"description": "Lines of which something is told 有错误的行"})
    undone = fields.Integer(metadata={"description": "Rows taken back 已撤销的行"})
    left = fields.Integer(metadata={"description": "Rows not taken back: changed since 因后续修改而保留的行"})
    created_at = fields.AwareDateTime()
    updated_at = fields.AwareDateTime()
    finished_at = fields.AwareDateTime(allow_none=True)
    links = fields.Nested(ImportLinks)


class ImportPage(Page):
    """A page of imports."""

    items = fields.List(fields.Nested(ImportRead))


class FaultRead(Schema):
    """What is told of a row."""

    line = fields.Integer(metadata={"description": "From 1; 0 is the whole file 行号"})
    column = fields.String(metadata={"description": "A header, or a JSON pointer 列"})
    kind = fields.String(
        metadata={"enum": ["fault", "note"], "description": "A row with only notes is in 提示不影响导入"}
    )
    message = fields.String()


class FaultPage(Page):
    """A page of what is told."""

    items = fields.List(fields.Nested(FaultRead))
