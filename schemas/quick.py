"""Loads what is right in a fraction of the time; whatever is not goes to marshmallow, which tells what is wrong.

The rules stay with the fields: what is done here is only to walk a schema once, before its rows come.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from marshmallow import ValidationError, fields, missing
from marshmallow.decorators import POST_LOAD, PRE_LOAD, VALIDATES, VALIDATES_SCHEMA

from schemas.base import NUMBER_MOST, Code, Number, Strict, Text, Whole

Load = Callable[[Any], Any]


class _Slow(Exception):
    """Not plainly right: marshmallow shall say."""


def loader(schema: Strict) -> Callable[[Any], dict[str, Any]]:
    """A function that gives what `schema.load` gives, and raises what it raises, for one object at a time."""
    quick = _object(schema)

    def load(data: Any) -> dict[str, Any]:
        try:
            loaded: dict[str, Any] = quick(data)
        except (_Slow, ValidationError):
            loaded = schema.load(data)
        return loaded

    return load


def _object(schema: Strict) -> Load:
    if any(schema._hooks[hook] for hook in (PRE_LOAD, POST_LOAD, VALIDATES)) or schema.partial or schema.many:
        raise ValueError(f"{type(schema).__name__} does more than can be done quickly")
    plan = [
        (field.data_key or name, field.attribute or name, _field(field)) for name, field in schema.load_fields.items()
    ]
    names = {name for name, _, _ in plan}
    if any(field.load_default is not missing for field in schema.load_fields.values()):
        raise ValueError(f"{type(schema).__name__} has defaults")
    required = {field.data_key or name for name, field in schema.load_fields.items() if field.required}
    checks = [getattr(schema, name) for name, many, _ in schema._hooks[VALIDATES_SCHEMA] if not many]

    def load(data: Any) -> dict[str, Any]:
        if type(data) is not dict or not data.keys() <= names or not required <= data.keys():
            raise _Slow
        found = {attribute: one(data[name]) for name, attribute, one in plan if name in data}
        for check in checks:
            check(found, partial=None, many=False, unknown=schema.unknown)
        return found

    return load


def _field(field: fields.Field[Any]) -> Load:
    """One field, with what it does before and after."""
    one, validators, allow_none = _value(field), tuple(field.validators), field.allow_none
    if field.pre_load or field.post_load:
        return field.deserialize

    def load(value: Any) -> Any:
        if value is None:
            if allow_none:
                return None
            raise _Slow
        found = one(value)
        for validate in validators:
            validate(found)
        return found

    return load if validators or allow_none else one


def _value(field: fields.Field[Any]) -> Load:
    """What a value becomes, where it is no null; exact types only, since whoever inherits may do more."""
    if type(field) in (Text, Code):
        return _text(field.checked)  # type: ignore[attr-defined]  # both have it
    if type(field) in (Whole, Number):
        return _whole(field) if isinstance(field, Whole) else _number
    if isinstance(field, Text):
        return lambda value: field._deserialize(value, None, None)
    if type(field) is fields.List:
        return _list(_field(field.inner))
    if type(field) is fields.Nested and isinstance(field.schema, Strict) and not field.many and field.unknown is None:
        return _object(field.schema)
    return field.deserialize


def _text(checked: Callable[[str], str]) -> Load:
    def load(value: Any) -> Any:
        if type(value) is not str:
            raise _Slow
        return checked(value)

    return load


def _whole(field: Whole) -> Load:
    lowest, highest = field.bounds

    def load(value: Any) -> Any:
        if type(value) is not int or not lowest <= value <= highest:
            raise _Slow
        return value

    return load


def _number(value: Any) -> Any:
    if type(value) not in (int, float) or not -NUMBER_MOST <= value <= NUMBER_MOST:
        raise _Slow
    return float(value)


def _list(one: Load) -> Load:
    def load(value: Any) -> Any:
        if type(value) is not list:
            raise _Slow
        return [one(each) for each in value]

    return load
