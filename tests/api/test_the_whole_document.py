"""Every operation of the OpenAPI document, called with whatever its schemas allow and much that they do not, as a
member and as an administrator: no error on our side, and no answer that the document does not describe."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from market.app import create_app
from tests.api.callers import on_sqlite
from tests.factories import SettableClock, add_member, add_person, opened

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
EVENTS = "text/event-stream"  # has no end

pytestmark = pytest.mark.long


@dataclass
class Stage:
    """An application, its document, and the keys of two roles."""

    schema: Any
    keys: dict[str, str]
    answers: Counter[tuple[str, int]] = field(default_factory=Counter)

    def operations(self) -> list[Any]:
        found = [one.ok() for one in self.schema.get_all_operations()]
        return [one for one in found if EVENTS not in str(one.definition.raw.get("responses", {}).get("200", {}))]


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory, template: Path) -> Iterator[Stage]:
    with opened(tmp_path_factory.mktemp("document"), template, SettableClock()) as runtime:
        app = create_app(runtime)
        keys = {
            "member": add_member(runtime, trusted=False).key,
            "administrator": add_person(runtime, roles=("administrator",)).key,
        }
        yield Stage(schemathesis.openapi.from_wsgi("/openapi.json", app), keys)


@on_sqlite
@pytest.mark.parametrize("role", ["member", "administrator"])
def test_nothing_fails_and_every_answer_is_as_documented(stage: Stage, role: str) -> None:
    wrong: list[str] = []
    for operation in stage.operations():
        label = f"{operation.method.upper()} {operation.path}"

        @settings(max_examples=12, suppress_health_check=[*HealthCheck])
        @given(case=operation.as_strategy() | operation.as_strategy(generation_mode=_NEGATIVE), language=_LANGUAGES)
        def call(case: Any, language: str) -> None:
            case.headers = {**(case.headers or {}), "Accept-Language": language}
            response = case.call(headers={"Authorization": f"Bearer {stage.keys[role]}"})
            stage.answers[case.operation.label, response.status_code] += 1
            # 501 says that this installation is not set up for it.
            case.validate_response(response, checks=CHECKS[1:] if response.status_code == 501 else CHECKS)

        try:
            call()
        except BaseException as error:  # each operation is looked at, whatever another did
            if isinstance(error, KeyboardInterrupt):
                raise
            wrong.append(f"{label}: {str(error)[:600]}")
    print(f"{role}: {sum(stage.answers.values())} calls of {len(stage.operations())} operations, {len(wrong)} wrong")
    assert wrong == []


_LANGUAGES = st.sampled_from(("zh", "en"))
_NEGATIVE = schemathesis.GenerationMode.NEGATIVE
