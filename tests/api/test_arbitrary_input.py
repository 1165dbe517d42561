"""Whatever is sent, the answer is never an error on our side."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from schemas.outcomes import OutcomeCreate
from schemas.queries import OutcomeQuery
from tests.factories import Caller, payload

FIELDS = sorted(OutcomeCreate().fields)
PARAMETERS = sorted(OutcomeQuery().fields)

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
bodies = st.dictionaries(st.sampled_from(FIELDS) | st.text(max_size=8), values, max_size=5)
texts = st.text(max_size=20) | st.sampled_from(
    ["1", "-1", "new_energy", "2027-01-01", '"', '"a b"', "a*", "NOT", "+", ","]
)
steady = settings(max_examples=120, suppress_health_check=[HealthCheck.function_scoped_fixture])


@steady
@given(body=values | bodies, based=st.booleans())
def test_any_json_is_taken_or_refused(owner: Caller, body: Any, based: bool) -> None:
    sent = {**payload("outcome"), **body} if based and isinstance(body, dict) else body
    data = json.dumps(sent).encode("utf-8", "surrogatepass")
    response = owner.send("POST", "outcomes", data=data, content_type="application/json")
    assert response.status_code in (201, 400, 422), response.text


@steady
@given(data=st.binary(max_size=200))
def test_any_bytes_are_taken_or_refused(owner: Caller, data: bytes) -> None:
    response = owner.send("POST", "outcomes", data=data, content_type="application/json")
    assert response.status_code in (400, 422), response.text


@steady
@given(query=st.dictionaries(st.sampled_from(PARAMETERS) | st.text(max_size=8), texts, max_size=4))
def test_any_query_is_answered_or_refused(visitor: Caller, query: dict[str, str]) -> None:
    response = visitor.send("GET", "outcomes", query_string=query)
    assert response.status_code in (200, 400, 422), response.text


@steady
@given(q=st.text(max_size=60) | st.text(alphabet='"*()+-~^:\\/ab焊接 ', max_size=40))
def test_any_words_can_be_searched_for(visitor: Caller, q: str) -> None:
    response = visitor.send("GET", "outcomes", query_string={"q": q, "highlight": "true"})
    assert response.status_code in (200, 422), response.text


@pytest.mark.parametrize("query", ["q=%ff", "q=%00", "%", "&&&=&", "q=a&q=b", "limit=1&limit=2", "q[]=a", "a" * 5000])
def test_odd_query_strings_are_answered_or_refused(visitor: Caller, query: str) -> None:
    assert visitor.get(f"outcomes?{query}").status_code in (200, 400, 414, 422)
