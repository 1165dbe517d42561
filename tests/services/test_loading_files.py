"""Loading NDJSON: good rows go in, bad rows are told by line, and loading again changes nothing."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from sqlmodel import select

from market.cli.data import load_folder
from market.models import Organisation, Outcome, User
from market.runtime import Runtime
from market.services.files import loading
from market.services.files.loading import LONGEST_LINE, Loaded
from tests.services.exchange import FIXTURES
from tests.services.stock import how_many, jobs, stored

ORGANISATION = {"key": "org-1", "name_zh": "渤海研究院", "kind": "research_institute", "region": "120000"}
USER = {
    "key": "user-1", "email": "one@people.example", "name": "甲", "language": "zh", "roles": ["member"],
    "organisation": "org-1",
}  # fmt: skip
OUTCOME = {"key": "outcome-1", "organisation": "org-1", "title_zh": "防腐涂层", "keywords": ["涂层"], "trl": 7}
EXPERT = {
    "key": "expert-1", "organisation": "org-1", "name_zh": "林知远",
    "works": [{"title": "起泡失效研究", "year": 2025}],
}  # fmt: skip

Line = Mapping[str, Any] | bytes


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where the files lie."""
    (tmp_path / "files").mkdir()
    return tmp_path / "files"


def load(runtime: Runtime, folder: Path, **files: list[Line]) -> dict[str, Loaded]:
    """Write these lines and load them."""
    for kind, lines in files.items():
        rows = [line if isinstance(line, bytes) else json.dumps(line).encode() for line in lines]
        (folder / f"{kind}.ndjson").write_bytes(b"\n".join(rows))
    return load_folder(runtime, folder, quiet=True)


def counts(loaded: Loaded) -> tuple[int, int, int]:
    return loaded.created, loaded.changed, loaded.unchanged


def refusals(loaded: Loaded) -> list[tuple[int, str]]:
    return [(refusal.line, refusal.pointer) for refusal in loaded.refusals]


def test_every_kind_is_loaded_in_the_order_in_which_they_refer_to_each_other(runtime: Runtime, folder: Path) -> None:
    report = load(runtime, folder, experts=[EXPERT], outcomes=[OUTCOME], users=[USER], organisations=[ORGANISATION])
    assert {kind: counts(loaded) for kind, loaded in report.items()} == dict.fromkeys(report, (1, 0, 0))


def test_what_is_loaded_is_published_at_once_and_indexed_by_a_job(runtime: Runtime, folder: Path) -> None:
    load(runtime, folder, organisations=[{**ORGANISATION, "trusted": False}], outcomes=[OUTCOME])
    with runtime.db.reading() as session:
        outcome = session.exec(select(Outcome)).one()
    assert outcome.published
    assert [(job.name, job.key) for job in jobs(runtime)] == [("index", f"outcome:{outcome.id}")]


def test_loading_the_fixtures_twice_changes_nothing(runtime: Runtime) -> None:
    load_folder(runtime, FIXTURES, quiet=True)
    before, waiting = stored(runtime), jobs(runtime)
    again = load_folder(runtime, FIXTURES, quiet=True)
    assert {(loaded.created, loaded.changed) for loaded in again.values()} == {(0, 0)}
    assert all(loaded.unchanged for loaded in again.values())
    assert stored(runtime) == before
    assert jobs(runtime) == waiting


def test_a_changed_row_gives_the_listing_a_new_version(runtime: Runtime, folder: Path) -> None:
    load(runtime, folder, organisations=[ORGANISATION], outcomes=[OUTCOME])
    report = load(runtime, folder, outcomes=[{**OUTCOME, "trl": 8}])
    assert counts(report["outcomes"]) == (0, 1, 0)
    assert list(stored(runtime)["outcome"].values()) == [2]


def test_a_changed_work_gives_the_expert_a_new_version(runtime: Runtime, folder: Path) -> None:
    load(runtime, folder, organisations=[ORGANISATION], experts=[EXPERT])
    report = load(runtime, folder, experts=[{**EXPERT, "works": [{"title": "起泡失效研究", "year": 2026}]}])
    assert counts(report["experts"]) == (0, 1, 0)
    assert list(stored(runtime)["expert"].values()) == [2]


def test_an_unchanged_expert_with_works_is_left_as_it_is(runtime: Runtime, folder: Path) -> None:
    load(runtime, folder, organisations=[ORGANISATION], experts=[EXPERT])
    assert counts(load(runtime, folder)["experts"]) == (0, 0, 1)


def test_an_organisation_and_a_user_are_brought_up_to_date(runtime: Runtime, folder: Path) -> None:
    load(runtime, folder, organisations=[ORGANISATION], users=[USER])
    report = load(
        runtime, folder, organisations=[{**ORGANISATION, "name_en": "Bohai"}], users=[{**USER, "language": "en"}]
    )
    assert {counts(report[kind]) for kind in ("organisations", "users")} == {(0, 1, 0)}
    with runtime.db.reading() as session:
        assert session.exec(select(Organisation.name_en)).one() == "Bohai"
        assert session.exec(select(User.language)).one() == "en"


BAD_ROWS: list[tuple[str, Line, str]] = [
    ("bad JSON", b'{"key": "x", ', ""),
    ("not UTF-8", b'{"key": "\xff\xfe"}', ""),
    ("not an object", b"[1, 2]", ""),
    ("an unknown field", {**OUTCOME, "key": "x", "colour": "red"}, "/colour"),
    ("a code of no vocabulary", {**OUTCOME, "key": "x", "field": "magic"}, "/field"),
    ("a number out of range", {**OUTCOME, "key": "x", "trl": 10}, "/trl"),
    ("no key", {key: value for key, value in OUTCOME.items() if key != "key"}, "/key"),
    ("an unknown organisation", {**OUTCOME, "key": "x", "organisation": "org-9"}, "/organisation"),
    ("an unknown owner", {**OUTCOME, "key": "x", "owner": "user-9"}, "/owner"),
    ("no title", {"key": "x", "organisation": "org-1"}, "/title_zh"),
    ("a line that is too long", b'{"key": "' + b"x" * LONGEST_LINE + b'"}', ""),
    ("brackets without end", b"[" * 100_000, ""),
]


@pytest.mark.parametrize(("line", "pointer"), [row[1:] for row in BAD_ROWS], ids=[row[0] for row in BAD_ROWS])
def test_a_bad_row_is_told_by_line_and_the_rest_goes_in(
    runtime: Runtime, folder: Path, line: Line, pointer: str
) -> None:
    good = [{**OUTCOME, "key": f"good-{number}"} for number in range(3)]
    report = load(runtime, folder, organisations=[ORGANISATION], outcomes=[good[0], line, *good[1:]])
    assert refusals(report["outcomes"]) == [(2, pointer)]
    assert counts(report["outcomes"]) == (3, 0, 0)
    assert len(stored(runtime)["outcome"]) == 3


def test_several_bad_rows_are_all_told(runtime: Runtime, folder: Path) -> None:
    lines = [b"{", OUTCOME, {**OUTCOME, "key": "x", "organisation": "org-9"}, {**OUTCOME, "key": "y", "trl": 99}]
    report = load(runtime, folder, organisations=[ORGANISATION], outcomes=lines)
    assert sorted(refusals(report["outcomes"])) == [(1, ""), (3, "/organisation"), (4, "/trl")]


def test_empty_lines_are_skipped_and_still_counted(runtime: Runtime, folder: Path) -> None:
    report = load(runtime, folder, organisations=[ORGANISATION], outcomes=[b"", OUTCOME, b"   ", b"{"])
    assert refusals(report["outcomes"]) == [(4, "")]
    assert counts(report["outcomes"]) == (1, 0, 0)


def test_a_key_that_comes_twice_in_one_file_is_one_listing_with_the_later_values(
    runtime: Runtime, folder: Path
) -> None:
    report = load(runtime, folder, organisations=[ORGANISATION], outcomes=[OUTCOME, {**OUTCOME, "trl": 9}])
    assert counts(report["outcomes"]) == (1, 1, 0)
    with runtime.db.reading() as session:
        assert session.exec(select(Outcome.trl)).one() == 9


def test_the_same_key_in_two_organisations_makes_two_listings(runtime: Runtime, folder: Path) -> None:
    organisations = [ORGANISATION, {**ORGANISATION, "key": "org-2"}]
    report = load(
        runtime, folder, organisations=organisations, outcomes=[OUTCOME, {**OUTCOME, "organisation": "org-2"}]
    )
    assert counts(report["outcomes"]) == (2, 0, 0)


def test_two_users_with_one_address_are_told_by_line(runtime: Runtime, folder: Path) -> None:
    report = load(runtime, folder, organisations=[ORGANISATION], users=[USER, {**USER, "key": "user-2"}])
    assert [refusal.line for refusal in report["users"].refusals] == [2]
    with runtime.db.reading() as session:
        assert how_many(session, User) == 1


def test_a_message_never_repeats_what_a_row_says(runtime: Runtime, folder: Path) -> None:
    secret = "13800000000"
    report = load(
        runtime, folder, organisations=[ORGANISATION],
        users=[USER, {**USER, "key": "user-2", "name": secret}],
    )  # fmt: skip
    assert not any(secret in refusal.message for refusal in report["users"].refusals)


def test_parsing_goes_line_by_line_and_never_holds_the_file() -> None:
    taken = 0

    def endless() -> Any:
        nonlocal taken
        while True:
            taken += 1
            yield json.dumps({**OUTCOME, "key": f"k{taken}"}).encode()

    rows = loading.parse("outcomes", endless(), Loaded())
    assert [next(rows).line for _ in range(3)] == [1, 2, 3]
    assert taken == 3
