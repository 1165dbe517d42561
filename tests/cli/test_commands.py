"""The commands, one after the other as an operator uses them: JSON for programs, tables for people."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

from market.db import Database
from market.models import Job
from market.runtime import Runtime, build
from market.services.people import keys as service
from market.settings import Settings
from tests import databases
from tests.cli.conftest import Ended
from tests.services.exchange import FIXTURES

Run = Callable[..., Result]
Ask = Callable[..., Any]

ROWS = {
    "organisations": {"key": "org-1", "name_zh": "渤海研究院", "kind": "research_institute"},
    "users": {
        "key": "user-1", "email": "one@people.example", "name": "甲", "language": "zh", "roles": ["member"],
        "organisation": "org-1",
    },
    "outcomes": {
        "key": "outcome-1", "organisation": "org-1", "title_zh": "潮差区防腐涂层", "title_en": "Tidal-zone coating",
        "keywords": ["防腐涂层"],
    },
}  # fmt: skip
NEED = "潮差区钢结构的防腐涂层起泡"


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """A small folder to load."""
    folder = tmp_path / "files"
    folder.mkdir()
    for kind, row in ROWS.items():
        (folder / f"{kind}.ndjson").write_text(json.dumps(row))
    return folder


@pytest.fixture
def stocked(run: Run, files: Path) -> Run:
    """An installation with that folder loaded and indexed."""
    run("init")
    run("load", str(files))
    run("drain")
    return run


@pytest.fixture
def runtime(data: Path) -> Iterator[Runtime]:
    """The installation as the service would open it, to look into."""
    built = build(Settings(data=str(data), database_url=databases.url_of(data), embedder="none"))
    yield built
    built.close()


def test_init_makes_a_database_and_may_be_repeated(ask: Ask, data: Path) -> None:
    first, second = ask("init"), ask("init")
    assert first == second == {"database": databases.url_of(data), "keys": {}}
    assert ask("stats")["outcomes"] == 0


def test_a_folder_without_a_database_is_told_in_one_line(whole: Callable[..., Ended]) -> None:
    ended = whole("stats")
    assert ended.status == 1
    assert "run `market init` first" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_init_keeps_the_data_there_are(stocked: Run, ask: Ask) -> None:
    stocked("init")
    assert ask("stats")["outcomes"] == 1


def test_init_with_demonstration_data_gives_a_key_for_each_role_and_the_same_ones_again(ask: Ask, data: Path) -> None:
    first = ask("init", "--demo", str(FIXTURES))["keys"]
    assert {*first} == {"administrator", "reviewer", "member", "expert"}
    assert ask("init", "--demo", str(FIXTURES))["keys"] == first
    assert (data / "demo-keys.json").stat().st_mode & 0o777 == 0o600
    assert ask("stats")["matches"] > 0


def test_load_tells_what_became_of_each_file(run: Run, ask: Ask, files: Path) -> None:
    run("init")
    report = ask("load", str(files))
    assert {kind: (loaded["created"], loaded["refusals"]) for kind, loaded in report.items()} == dict.fromkeys(
        ROWS, (1, [])
    )


def test_load_takes_one_file(stocked: Run, ask: Ask, files: Path) -> None:
    assert ask("load", str(files / "outcomes.ndjson"))["outcomes"]["unchanged"] == 1


def test_load_refuses_a_file_that_is_none_of_its_kinds(run: Run, files: Path) -> None:
    run("init")
    (files / "things.ndjson").write_text("{}")
    assert "things.ndjson is none of" in run("load", str(files / "things.ndjson"), fails=True).stderr


def test_load_with_bad_rows_fails_and_names_the_line(run: Run, files: Path) -> None:
    run("init")
    (files / "outcomes.ndjson").write_text(json.dumps(ROWS["outcomes"]) + "\n{")
    result = run("load", str(files), fails=True)
    assert "outcomes line 2" in result.stderr


def test_load_with_bad_rows_gives_them_as_json_and_loads_the_rest(run: Run, ask: Ask, files: Path) -> None:
    run("init")
    (files / "outcomes.ndjson").write_text("{\n" + json.dumps(ROWS["outcomes"]))
    report = ask("load", str(files), fails=True)
    assert [refusal["line"] for refusal in report["outcomes"]["refusals"]] == [1]
    assert report["outcomes"]["created"] == 1


def test_drain_runs_what_waits_and_then_nothing_is_left(run: Run, ask: Ask, files: Path) -> None:
    run("init")
    run("load", str(files))
    assert ask("drain")["ran"] > 0
    assert ask("jobs", "list") == []


def test_reindex_builds_the_index_from_the_database(stocked: Run, ask: Ask, data: Path) -> None:
    assert ask("reindex") == {
        "outcome": {"indexed": 1, "mending": 0},
        "expert": {"indexed": 0, "mending": 0},
        "demand": {"indexed": 0, "mending": 0},
    }
    assert [found["title"] for found in ask("match", NEED)] == ["潮差区防腐涂层"]


def test_stats_count_what_the_public_sees(stocked: Run, ask: Ask) -> None:
    counted = ask("stats")
    assert (counted["organisations"], counted["outcomes"], counted["demands"]) == (1, 1, 0)


def test_match_gives_what_fits_a_text_with_score_and_reason(stocked: Run, ask: Ask) -> None:
    [found] = ask("match", NEED)
    assert found["type"] == "outcome"
    assert 0 < found["score"] <= 1
    assert "防腐" in found["why"]
    assert found["reasons"]


def test_match_speaks_english_if_asked(stocked: Run, ask: Ask) -> None:
    [found] = ask("match", NEED, "--language", "en")
    assert found["title"] == "Tidal-zone coating"
    assert found["why"].startswith("Both speak of")


def test_match_finds_nothing_for_a_text_without_words(stocked: Run, ask: Ask) -> None:
    assert ask("match", "?!") == []


def test_a_key_is_made_shown_once_listed_by_its_hint_and_revoked(stocked: Run, ask: Ask, runtime: Runtime) -> None:
    made = ask("keys", "create", "one@people.example", "--label", "reports", "--days", "30")
    listed = ask("keys", "list")
    assert [(row["hint"], row["label"], row["revoked_at"]) for row in listed] == [(made["hint"], "reports", None)]
    assert made["key"] not in json.dumps(listed)
    with runtime.db.reading() as session:
        principal, _ = service.authenticate(session, made["key"], now=runtime.clock())
    expires = datetime.fromisoformat(listed[0]["expires_at"])
    assert timedelta(days=29) < expires - runtime.clock() <= timedelta(days=30)
    assert principal.held == {"member"}
    assert ask("keys", "revoke", made["hint"]) == {"revoked": made["hint"]}
    assert ask("keys", "list")[0]["revoked_at"] is not None


def kill(data: Path) -> str:
    """A dead job, and its id."""
    db = Database(databases.url_of(data))
    job = Job(name="notify", key="0190a000-0000-7000-8000-000000000000", state="dead", attempts=8, error="It broke.")
    with db.writing() as session:
        session.add(job)
        identity = str(job.id)
    db.close()
    return identity


def test_dead_jobs_are_listed_with_their_error(stocked: Run, ask: Ask, data: Path) -> None:
    identity = kill(data)
    [job] = ask("jobs", "list", "--state", "dead")
    assert (job["id"], job["name"], job["attempts"], job["error"]) == (identity, "notify", 8, "It broke.")


def test_a_dead_job_is_replayed_by_its_id(stocked: Run, ask: Ask, data: Path) -> None:
    identity = kill(data)
    assert ask("jobs", "replay", identity) == {"replayed": 1}
    assert ask("jobs", "list", "--state", "dead") == []
    assert [job["name"] for job in ask("jobs", "list", "--state", "queued")] == ["notify"]


def test_all_dead_jobs_are_replayed_where_none_is_named(stocked: Run, ask: Ask, data: Path) -> None:
    kill(data)
    assert ask("jobs", "replay") == {"replayed": 1}


@pytest.mark.parametrize(
    ("arguments", "shown"),
    [
        (("stats",), "organisations"),
        (("match", NEED), "潮差区防腐涂层"),
        (("keys", "list"), "revoked_at"),
        (("jobs", "list"), "attempts"),
        (("drain",), "jobs run"),
        (("reindex",), "indexed"),
    ],
    ids=lambda value: value[0] if isinstance(value, tuple) else "",
)
def test_people_get_a_table(stocked: Run, arguments: tuple[str, ...], shown: str) -> None:
    printed = stocked(*arguments).stdout
    assert shown in printed
    assert "┃" in printed
    with pytest.raises(json.JSONDecodeError):
        json.loads(printed)


def test_an_empty_list_is_json_too(run: Run, ask: Ask) -> None:
    run("init")
    assert ask("keys", "list") == ask("jobs", "list") == []
