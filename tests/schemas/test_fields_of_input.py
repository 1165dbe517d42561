"""The kinds of field that input is made of, and where their errors point."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from marshmallow import ValidationError, fields

from market.vocabulary import VOCABULARIES, vocabulary
from schemas.base import Code, Number, Strict, Text, Whole, WholeParameter, codes, comma, many, pointers, words
from schemas.common import IpcSymbol
from schemas.experts import Orcid
from schemas.messages import Message, translated


def refused(field: fields.Field[Any], value: Any) -> str:
    with pytest.raises(ValidationError) as caught:
        field.deserialize(value)
    [message] = caught.value.messages
    return str(message)


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("  涂层 ", "涂层"),
        ("a\r\nb", "a\nb"),
        ("a\tb", "a\tb"),
        ("", ""),
        ("   ", ""),
        ("𠮷野", "𠮷野"),
        ("e\u0301", "e\u0301"),
        ("\u200d👩", "\u200d👩"),
    ],
)
def test_a_text_is_trimmed_and_else_kept_as_it_is(given: str, kept: str) -> None:
    assert Text(20).deserialize(given) == kept


@pytest.mark.parametrize("given", ["a\x00b", "a\x07b", "a\x1bb", "a\x7fb", "a\x85b", "a\ud800b", "a\rb"])
def test_a_text_has_no_control_characters_and_no_half_ones(given: str) -> None:
    assert refused(Text(20), given) == "Contains characters that are not text."


def test_a_text_is_measured_in_characters_after_trimming() -> None:
    assert Text(3).deserialize(" 防腐层 ") == "防腐层"
    assert refused(Text(3), "防腐涂层") == "At most 3 characters."


@pytest.mark.parametrize("given", ["", " ", "\n"])
def test_a_required_text_is_not_blank(given: str) -> None:
    assert refused(Text(3, required=True), given) == "May not be blank."


@given(st.text(max_size=50))
def test_what_a_text_keeps_it_keeps_again(given: str) -> None:
    field = Text(50)
    try:
        kept = field.deserialize(given)
    except ValidationError:
        return
    assert field.deserialize(kept) == kept


@pytest.mark.parametrize("name", VOCABULARIES)
def test_a_code_is_one_of_its_vocabulary(name: str) -> None:
    field = Code(name)
    assert [field.deserialize(code) for code in vocabulary(name).codes] == list(vocabulary(name).codes)
    assert field.deserialize("") == ""
    assert name in refused(field, "no such code")


def test_a_required_code_is_not_empty() -> None:
    assert refused(Code("fields", required=True), "")


def test_the_message_repeats_no_more_than_the_start_of_a_wrong_code() -> None:
    assert len(refused(Code("fields"), "x" * 10_000)) < 200


@pytest.mark.parametrize("given", [0, 5, 9, -0])
def test_a_whole_number_within_its_bounds_is_kept(given: int) -> None:
    assert Whole(0, 9).deserialize(given) == given


@pytest.mark.parametrize("given", [True, False, 5.0, "5", None, [], 10, -1, 10**400])
def test_nothing_else_is_a_whole_number(given: Any) -> None:
    assert refused(Whole(0, 9), given)


@pytest.mark.parametrize(("given", "kept"), [("5", 5), ("-3", -3), ("007", 7)])
def test_a_parameter_is_a_number_in_digits(given: str, kept: int) -> None:
    assert WholeParameter(-9, 9).deserialize(given) == kept


@pytest.mark.parametrize("given", ["", " 5", "5 ", "+5", "5.0", "0x5", "1_0", "٥", "五", "9" * 400, "1e1"])
def test_nothing_else_is_a_number_in_a_query(given: str) -> None:
    assert refused(WholeParameter(-(10**9), 10**9), given)


@pytest.mark.parametrize("given", [0, 1.5, -2, 10**15])
def test_an_indicators_value_is_a_finite_number(given: float) -> None:
    assert Number().deserialize(given) == given


@pytest.mark.parametrize("given", [True, "1.5", float("nan"), float("inf"), 10**16, -(10**400), None, {}])
def test_nothing_else_is_an_indicators_value(given: Any) -> None:
    assert refused(Number(), given)


@pytest.mark.parametrize(
    "given", ["0000-0002-1825-0097", "0000-0001-5109-3700", "0000-0002-1694-233X", "0000-0002-1694-233x", ""]
)
def test_an_orcid_has_the_right_check_character(given: str) -> None:
    assert Orcid().deserialize(given) == given.upper()


@pytest.mark.parametrize(
    "given", ["0000-0002-1825-0098", "0000000218250097", "0000-0002-1825", "abcd-efgh-ijkl-mnop"]
)
def test_another_check_character_is_refused(given: str) -> None:
    assert "ORCID" in refused(Orcid(), given)


@pytest.mark.parametrize(
    ("given", "kept"), [("C08J 5/04", "C08J5/04"), ("h01l", "H01L"), ("A61K 31/00", "A61K31/00")]
)
def test_an_ipc_symbol_is_kept_in_one_form(given: str, kept: str) -> None:
    assert IpcSymbol().deserialize(given) == kept


@pytest.mark.parametrize("given", ["C", "C08", "Z08J", "C08J 5", "C08J 5/", "C08J  5/04", "C08J 5/0"])
def test_what_is_no_ipc_symbol_is_refused(given: str) -> None:
    assert "IPC" in refused(IpcSymbol(), given)


def test_a_list_has_a_length_and_nothing_twice() -> None:
    assert refused(words(9, 2), ["a", "b", "c"]) == "At most 2 entries."
    assert refused(words(9, 3), ["a", "a"]) == "a stands there twice."
    assert refused(codes("fields", 2), ["new_energy", "new_energy"])
    assert many(Text(9), 2, distinct=False).deserialize(["a", "a"]) == ["a", "a"]


def test_values_in_a_query_are_parted_by_commas() -> None:
    assert comma(Code("fields", required=True)).deserialize("new_energy,aerospace") == ["new_energy", "aerospace"]


class Inner(Strict):
    name = Text(3, required=True)


class Outer(Strict):
    inners = many(fields.Nested(Inner), 5, distinct=False)
    flag = fields.Boolean()


@pytest.mark.parametrize(
    ("given", "pointer"),
    [
        ({"inners": [{"name": "a"}, {}]}, "/inners/1/name"),
        ({"inners": [{"name": "a", "x/y": 1}]}, "/inners/0/x~1y"),
        ({"inners": ["a"]}, "/inners/0"),
        ({"inners": None}, "/inners"),
        ({"~": 1}, "/~0"),
        ({"flag": "perhaps"}, "/flag"),
        ([], ""),
        (None, ""),
    ],
)
def test_errors_point_at_the_value_that_is_wrong_in_both_languages(given: Any, pointer: str) -> None:
    with pytest.raises(ValidationError) as caught:
        Outer().load(given)
    found = pointers(caught.value.messages)
    assert list(found) == [pointer]
    assert all(isinstance(text, Message) and text.zh for texts in found.values() for text in texts)


def test_a_message_that_nobody_translated_stays_as_it_is() -> None:
    assert translated("Something else.") == "Something else."


def test_a_filled_in_message_keeps_both_languages() -> None:
    message = Message("At most {max}.", "最多 {max}。").format(max=3)
    assert (message.text("en"), message.text("zh")) == ("At most 3.", "最多 3。")
