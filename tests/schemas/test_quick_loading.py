"""What is loaded quickly is what marshmallow loads, and what it refuses is refused in the same words."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from marshmallow import ValidationError

from schemas.base import Strict
from schemas.quick import loader
from schemas.rows import ROWS

FIXTURES = Path(__file__).parents[2] / "fixtures"
SCHEMAS: dict[str, Strict] = {kind: schema() for kind, schema in ROWS.items()}
LOADERS = {kind: loader(schema) for kind, schema in SCHEMAS.items()}
GOOD = {
    kind: [json.loads(line) for line in (FIXTURES / f"{kind}.ndjson").read_text("utf-8").splitlines() if line.strip()]
    for kind in ROWS
}


def result(load: Any, data: Any) -> Any:
    try:
        loaded = load(data)
    except ValidationError as error:
        return error.messages
    return list(loaded.items())


@pytest.mark.parametrize("kind", ROWS)
def test_the_rows_that_come_along_load_alike(kind: str) -> None:
    for row in GOOD[kind]:
        assert result(LOADERS[kind], row) == result(SCHEMAS[kind].load, row)


RANGE = {"name": "a", "direction": "between", "value": 2}
ODD = st.sampled_from(
    [
        None, True, 0, 5, -1, 10**400, 5.0, float("nan"), float("inf"), "", " ", " a ", "a\x00", "\ud800",
        "x" * 30_000, b"a", [], ["a", "a"], [None], ["new_materials"], ("a",), {}, {"name": "a"},
        [{}], [{**RANGE, "value_to": 1}],
        [{**RANGE, "value_to": 10**16}], [RANGE], [{**RANGE, "unit": "m", "value_to": 3}],
        "2030-01-01", "none", "required",
    ]
)  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_rows_that_were_changed_load_alike(data: st.DataObject) -> None:
    kind = data.draw(st.sampled_from(sorted(ROWS)))
    row = dict(data.draw(st.sampled_from(GOOD[kind])))
    names = st.sampled_from([*SCHEMAS[kind].fields, "unknown"])
    row.update(data.draw(st.dictionaries(names, ODD, max_size=3)))
    for name in data.draw(st.sets(names, max_size=3)):
        row.pop(name, None)
    assert result(LOADERS[kind], row) == result(SCHEMAS[kind].load, row)


@pytest.mark.parametrize("data", [None, [], "x", 1, [{}], {1: 2}])
def test_what_is_no_object_is_refused_alike(data: Any) -> None:
    assert result(LOADERS["outcomes"], data) == result(SCHEMAS["outcomes"].load, data)
