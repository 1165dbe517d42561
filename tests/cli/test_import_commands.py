"""`market import`: a file goes in here or is left to the worker; it can be followed, undone and cancelled."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Ended, Market

HEADER = "编号,成果名称,所属单位,技术成熟度\n"


@pytest.fixture
def table(tmp_path: Path, run: Market) -> Path:
    """Three outcomes, one of them with a fault, in an installation with one organisation."""
    organisations = tmp_path / "organisations.ndjson"
    organisations.write_text('{"key": "org-1", "name_zh": "渤海研究院", "kind": "university"}\n')
    run("init")
    run("load", str(organisations))
    file = tmp_path / "成果.csv"
    file.write_text(HEADER + "A1,防腐涂层,渤海研究院,6\nA2,焊接,org-1,中试\nA3,切割,org-1,十二\n")
    return file


def test_a_file_goes_in_and_what_is_wrong_is_told_and_written(run: Market, table: Path, tmp_path: Path) -> None:
    errors = tmp_path / "errors.csv"
    done = json.loads(run("import", "outcomes", str(table), "--errors", str(errors), "--json", fails=True).stdout)
    assert (done["state"], done["created"], done["refused"]) == ("done", 2, 1)
    lines = errors.read_text("utf-8-sig").splitlines()
    assert (len(lines), lines[1].startswith("4,技术成熟度")) == (2, True)


def test_a_person_is_told_the_line_and_the_column(run: Market, table: Path) -> None:
    said = run("import", "outcomes", str(table), fails=True).output
    assert "line 4 技术成熟度 (D)" in said
    assert "“十二”" in said


def test_what_is_wrong_in_the_same_way_on_many_lines_is_told_once(run: Market, table: Path) -> None:
    wrong = "".join(f"B{number},切割,org-1,十二\n" for number in range(1200))
    table.write_text(f"{HEADER}A1,防腐涂层,org-1,十三\n{wrong}")
    said = " ".join(run("import", "outcomes", str(table), fails=True).output.split())
    assert ("line 3 技术成熟度 (D)" in said, "(and 1,199 more like this)" in said) == (True, True)
    assert (said.count("技术成熟度 (D)"), "十三" in said) == (2, True)


def test_a_dry_run_stores_nothing_and_the_real_one_can_be_undone(
    run: Market, ask: Callable[..., Any], table: Path
) -> None:
    table.write_text(HEADER + "A1,防腐涂层,org-1,6\n")
    assert ask("import", "outcomes", str(table), "--dry-run")["created"] == 1
    done = ask("import", "outcomes", str(table))
    assert done["created"] == 1
    assert ask("import", "outcomes", str(table))["unchanged"] == 1
    assert ask("import", "--undo", done["id"])["state"] == "undone"
    assert [one["state"] for one in ask("import", "--list")] == ["done", "undone", "done"]


def test_what_is_left_to_the_worker_waits_and_is_gone_on_with_or_cancelled(
    ask: Callable[..., Any], table: Path
) -> None:
    table.write_text(HEADER + "A1,防腐涂层,,6\n")
    first, second = (ask("import", "outcomes", str(table), "--organisation", "org-1", "--detach") for _ in range(2))
    assert first["state"] == "waiting"
    assert ask("import", "--resume", first["id"])["created"] == 1
    assert ask("import", "--cancel", second["id"])["state"] == "cancelled"


def test_a_mapping_says_what_foreign_headers_and_words_mean(
    ask: Callable[..., Any], table: Path, tmp_path: Path
) -> None:
    table.write_text("内部号,题目,领域\nA1,涂层,新型材料类\n")
    mapping = tmp_path / "mapping.json"
    mapping.write_text(
        '{"mapping": {"内部号": "key", "题目": "title_zh"}, "words": {"field": {"新型材料类": "new_materials"}}}'
    )
    done = ask("import", "outcomes", str(table), "--mapping", str(mapping), "--organisation", "org-1")
    assert done["created"] == 1


def test_what_cannot_be_begun_is_said_in_one_line(whole: Callable[..., Ended], table: Path, tmp_path: Path) -> None:
    empty = tmp_path / "empty.csv"
    empty.write_text("")
    for arguments, told in (
        ((), "market import outcomes FILE"),
        (("outcomes", str(empty)), "empty"),
        (("outcomes", str(table), "--organisation", "org-9"), "org-9"),
    ):
        ended = whole("import", *arguments)
        assert (ended.status, told in ended.stderr, ended.stderr.count("\n")) == (1, True, 1)
