"""NDJSON: an object a line, faults by line and JSON pointer."""

from __future__ import annotations

import io

from market.files.faults import MOST_ROWS, Fault, Row
from market.files.reading import count
from tests.files.corpus import faults, found, ndjson, rows

FILE = "file.ndjson"
GOOD = {
    "title_zh": "海洋涂层",
    "trl": 6,
    "key": "o-1",
    "indicators": [{"value": 1, "direction": "at_least", "name": "a"}],
}


def test_objects_pass_their_schema_in_any_order_of_keys() -> None:
    [row] = found(ndjson(GOOD), FILE)
    assert isinstance(row, Row)
    assert row.data["indicators"] == [{"name": "a", "direction": "at_least", "value": 1.0}]


def test_faults_are_told_by_line_and_pointer_and_the_rest_is_read() -> None:
    content = ndjson(GOOD) + b"\n{\n" + ndjson({**GOOD, "trl": 12, "colour": 1}, [1], {"title_zh": "x"}, GOOD)
    assert faults(content, FILE) == [(3, ""), (4, "/trl"), (4, "/colour"), (5, ""), (6, "/key")]
    assert [one.line for one in found(content, FILE) if isinstance(one, Row)] == [1, 7]
    assert all(one.message.zh for one in found(content, FILE) if isinstance(one, Fault))


def test_a_mark_at_the_beginning_is_no_content() -> None:
    assert len(rows(b"\xef\xbb\xbf" + ndjson(GOOD), FILE)) == 1


def test_a_line_that_is_too_long_is_told_and_the_next_one_read() -> None:
    content = b'{"key": "' + b"x" * 3 * 1024 * 1024 + b'"}\n' + ndjson(GOOD)
    assert faults(content, FILE) == [(1, "")]
    assert [one.line for one in found(content, FILE)] == [1, 2]


def test_fields_and_words_of_others_are_put_into_ours() -> None:
    content = ndjson({"编号": "1", "名称": "x", "trl": "已转化", "cooperation_modes": ["卖断", "licence"], "CGMC": 1})
    mapping = {"编号": "key", "名称": "title_zh", "CGMC": ""}
    words = {"trl": {"已转化": "9"}, "cooperation_modes": {"卖断": "transfer"}}
    assert rows(content, FILE, mapping=mapping, words=words) == [
        {"key": "1", "title_zh": "x", "trl": 9, "cooperation_modes": ["transfer", "licence"]}
    ]


def test_words_that_lead_nowhere_are_told_by_their_field() -> None:
    content = ndjson({**GOOD, "trl": "已转化"})
    assert faults(content, FILE, words={"trl": {"已转化": "done"}}) == [(1, "/trl")]


def test_reading_can_begin_after_a_line_and_lines_are_counted() -> None:
    content = ndjson(GOOD, {**GOOD, "key": "o-2"}) + b"\n" + ndjson({**GOOD, "key": "o-3"})
    assert [row["key"] for row in rows(content, FILE, start=1)] == ["o-2", "o-3"]
    assert count(io.BytesIO(content), name=FILE) == 3


def test_more_rows_than_may_be_are_refused() -> None:
    assert faults(b"{}\n" * (MOST_ROWS + 5), FILE, start=MOST_ROWS) == [(MOST_ROWS + 1, "")]
