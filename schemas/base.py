"""The strict base of every schema, and the kinds of field that input is made of."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

import marshmallow as ma
from marshmallow import ValidationError, fields, validate
from webargs.fields import DelimitedList

from market.vocabulary import Vocabulary, vocabulary
from schemas import messages

Figure = TypeVar("Figure", int, float)

# A vocabulary longer than this is not spelled out in the OpenAPI document.
_LISTED = 40
NUMBER_MOST = 10**15
# Control characters but tab and line feed, and half characters (the categories Cc and Cs).
_CONTROL = re.compile("[\\x00-\\x08\\x0b-\\x1f\\x7f-\\x9f\\ud800-\\udfff]")


class Strict(ma.Schema):
    """Unknown fields are refused, and every message is bilingual."""

    class Meta:
        """Refuse what is not declared."""

        unknown = ma.RAISE

    error_messages = {  # noqa: RUF012  # marshmallow reads it from the class
        "unknown": messages.translated("Unknown field."),
        "type": messages.translated("Invalid input type."),
    }

    def on_bind_field(self, _: str, field_obj: fields.Field[Any]) -> None:
        """Give the field its messages in both languages."""
        field_obj.error_messages = {key: messages.translated(text) for key, text in field_obj.error_messages.items()}


class Text(fields.String):
    """Text of at most `maximum` characters, trimmed, without control characters or half characters."""

    def __init__(self, maximum: int, *, required: bool = False, **kwargs: Any) -> None:
        """`required` text may not be blank either."""
        self.maximum = maximum
        metadata = {"maxLength": maximum, **kwargs.pop("metadata", {})}
        if required:
            metadata["minLength"] = 1
        super().__init__(required=required, metadata=metadata, **kwargs)

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> str:
        return self.checked(super()._deserialize(value, attr, data, **kwargs))

    def checked(self, text: str) -> str:
        """The text as it is kept; ValidationError where it may not be."""
        text = text.replace("\r\n", "\n").strip()
        if len(text) > self.maximum:
            raise ValidationError(messages.TOO_LONG.format(max=self.maximum))
        if self.required and not text:
            raise ValidationError(messages.BLANK)
        if not text.isprintable() and _CONTROL.search(text):
            raise ValidationError(messages.CONTROL)
        return text


class Code(fields.String):
    """A code of one vocabulary, or an empty text where it may be unknown."""

    def __init__(self, name: str, *, required: bool = False, **kwargs: Any) -> None:
        """`name` is the vocabulary's."""
        self.vocabulary: Vocabulary = vocabulary(name)
        metadata: dict[str, Any] = {"description": f"{self.vocabulary.en} {self.vocabulary.zh}"}
        codes = self.vocabulary.codes
        if len(codes) <= _LISTED:
            metadata["enum"] = [*codes] if required else ["", *codes]
        super().__init__(required=required, metadata={**metadata, **kwargs.pop("metadata", {})}, **kwargs)

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> str:
        return self.checked(super()._deserialize(value, attr, data, **kwargs))

    def checked(self, code: str) -> str:
        """The code itself; ValidationError where it is none."""
        if code not in self.vocabulary and (code or self.required):
            raise ValidationError(messages.NO_CODE.format(code=repr(code[:64]), vocabulary=self.vocabulary.name))
        return code


class Whole(fields.Integer):
    """A whole number within bounds; not true, not 5.0, not "5"."""

    def __init__(self, minimum: int, maximum: int, **kwargs: Any) -> None:
        """Both bounds belong to the range."""
        self.bounds = (minimum, maximum)
        metadata = {"minimum": minimum, "maximum": maximum, **kwargs.pop("metadata", {})}
        super().__init__(metadata=metadata, **kwargs)

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> int:
        if isinstance(value, bool) or not isinstance(value, int):
            raise self.make_error("invalid", input=value)
        return _within(value, self.bounds)


class WholeParameter(Whole):
    """The same from a query string, where every value is a text."""

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> int:
        if not re.fullmatch(r"-?[0-9]{1,15}", str(value)):
            raise self.make_error("invalid", input=value)
        return _within(int(value), self.bounds)


class Number(fields.Float):
    """A finite number within what an indicator can mean."""

    def __init__(self, **kwargs: Any) -> None:
        """Within plus and minus 10^15."""
        super().__init__(allow_nan=False, **kwargs)

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> float:
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            raise self.make_error("invalid", input=value)
        number: float = super()._deserialize(value, *_, **__)
        return _within(number, (-NUMBER_MOST, NUMBER_MOST))


def _within(value: Figure, bounds: tuple[int, int]) -> Figure:
    if not bounds[0] <= value <= bounds[1]:
        raise ValidationError(messages.OUT_OF_RANGE.format(min=bounds[0], max=bounds[1]))
    return value


def no_more_than(maximum: int, *, distinct: bool = True) -> Callable[[Sequence[Any]], None]:
    """A validator: at most so many entries, and none twice."""

    def check(values: Sequence[Any]) -> None:
        if len(values) > maximum:
            raise ValidationError(messages.TOO_MANY.format(max=maximum))
        if distinct and len(set(map(str, values))) < len(values):
            twice = next(value for value in values if list(values).count(value) > 1)
            raise ValidationError(messages.TWICE.format(value=twice))

    return check


def many(inner: fields.Field[Any], maximum: int, *, distinct: bool = True) -> fields.List[Any]:
    """A list of at most `maximum` entries."""
    return fields.List(inner, validate=no_more_than(maximum, distinct=distinct), metadata={"maxItems": maximum})


def codes(name: str, maximum: int) -> fields.List[Any]:
    """A list of codes of one vocabulary."""
    return many(Code(name, required=True), maximum)


def words(length: int, maximum: int) -> fields.List[Any]:
    """A list of short texts."""
    return many(Text(length, required=True), maximum)


def one_of(choices: Sequence[str]) -> validate.OneOf:
    """A validator: one of these texts."""
    return validate.OneOf(choices, error=messages.ONE_OF)


def comma(inner: fields.Field[Any], maximum: int = 20) -> DelimitedList:
    """A query parameter of several values, parted by commas."""
    return DelimitedList(inner, validate=no_more_than(maximum, distinct=False))


def pointers(errors: Any, prefix: str = "") -> dict[str, list[str]]:
    """marshmallow's nested errors as JSON pointer (RFC 6901) -> messages."""
    if isinstance(errors, Mapping):
        found: dict[str, list[str]] = {}
        for key, inner in errors.items():
            step = "" if key == "_schema" else "/" + str(key).replace("~", "~0").replace("/", "~1")
            for pointer, texts in pointers(inner, prefix + step).items():
                found.setdefault(pointer, []).extend(texts)
        return found
    told = errors if isinstance(errors, (list, tuple)) else [errors]
    return {prefix: [messages.translated(text) for text in told]}
