"""`market export`: a search as a file, for whoever runs the exchange."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

Run = Callable[..., Result]

ORGANISATION = {"key": "org-1", "name_zh": "渤海研究院", "kind": "research_institute"}


@pytest.fixture
def stocked(run: Run, tmp_path: Path) -> Run:
    """An installation with three outcomes of one organisation, indexed."""
    folder = tmp_path / "files"
    folder.mkdir()
    rows = [
        {"key": f"outcome-{n}", "organisation": "org-1", "title_zh": f"第{n}号涂层", "contact_phone": "022-1",
         "region": ("120000", "110000")[n % 2]}
        for n in range(3)
    ]  # fmt: skip
    (folder / "organisations.ndjson").write_text(json.dumps(ORGANISATION))
    (folder / "outcomes.ndjson").write_text("\n".join(map(json.dumps, rows)))
    run("init")
    run("load", str(folder))
    run("drain")
    return run


def test_an_export_has_what_the_search_finds_as_lines_of_json(stocked: Run) -> None:
    shown = stocked("export", "outcomes", "--query", "q=涂层&region=120000", "--json").output
    rows: list[dict[str, Any]] = [json.loads(line) for line in shown.splitlines()]
    assert {row["title_zh"] for row in rows} == {"第0号涂层", "第2号涂层"}
    assert "022-1" not in shown


def test_a_whole_export_has_every_field_and_the_audit_trail_says_so(stocked: Run, ask: Callable[..., Any]) -> None:
    rows = [json.loads(line) for line in stocked("export", "outcomes", "--whole", "--json").output.splitlines()]
    assert {row["contact_phone"] for row in rows} == {"022-1"}
    assert {row["key"] for row in rows} == {"outcome-0", "outcome-1", "outcome-2"}
    assert len(ask("audit", "list", "--action", "disclose")) == 3


@pytest.mark.parametrize(("fmt", "begin"), [("csv", b"\xef\xbb\xbf"), ("xlsx", b"PK"), ("jsonld", b'{"@context"')])
def test_a_file_is_there_when_it_is_whole(stocked: Run, tmp_path: Path, fmt: str, begin: bytes) -> None:
    file = tmp_path / f"out.{fmt}"
    stocked("export", "outcomes", "--format", fmt, "-o", str(file))
    assert file.read_bytes().startswith(begin)
    assert [one.name for one in tmp_path.glob("out.*")] == [file.name]


def test_what_was_left_out_is_told(stocked: Run) -> None:
    shown = stocked("export", "outcomes", "--query", "limit=2", "--codes")
    assert shown.stdout.splitlines()[0].removeprefix("\ufeff").startswith("key,organisation,title_zh")
    assert "More was found than the 2 rows" in shown.stderr


def test_a_query_that_no_search_takes_is_refused_with_the_reason(stocked: Run) -> None:
    assert "region" in stocked("export", "outcomes", "--query", "region=nowhere", fails=True).output
