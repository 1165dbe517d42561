"""Rules of the house that are read from the source itself."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path

import pytest

from market.api.problems.catalogue import KINDS
from market.settings import Settings
from schemas import messages
from schemas.messages import Message

PROJECT = Path(__file__).parents[2]
CODE = ("market", "search", "schemas")
ALL = (*CODE, "tests", "benchmarks")


def sources(*folders: str) -> list[Path]:
    found = [path for folder in folders for path in sorted((PROJECT / folder).rglob("*.py"))]
    assert found
    return found


def named(path: Path) -> str:
    return path.relative_to(PROJECT).as_posix()


def calls(path: Path) -> Iterator[ast.Call]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call):
            yield node


def holding(pattern: str, *folders: str) -> set[str]:
    return {named(path) for path in sources(*folders) if re.search(pattern, path.read_text(encoding="utf-8"))}


def test_only_the_database_module_commits() -> None:
    found = {
        named(path)
        for path in sources("market", "schemas")
        for call in calls(path)
        if isinstance(call.func, ast.Attribute) and call.func.attr == "commit"
    }
    assert found == {"market/db.py"}


def test_only_the_settings_module_reads_the_environment() -> None:
    assert holding(r"\bos\.environ\b|\bgetenv\b|from os import environ", *CODE) == {"market/settings.py"}


def test_every_setting_is_described() -> None:
    page = PROJECT / "docs" / "settings.md"
    assert page.is_file(), "docs/settings.md is missing: it describes every setting"
    text = page.read_text(encoding="utf-8")
    missing = [one.name for one in fields(Settings) if f"MARKET_{one.name.upper()}" not in text]
    assert not missing, f"docs/settings.md says nothing of {missing}"


def test_no_setting_is_described_that_does_not_exist() -> None:
    page = PROJECT / "docs" / "settings.md"
    assert page.is_file(), "docs/settings.md is missing: it describes every setting"
    known = {f"MARKET_{one.name.upper()}" for one in fields(Settings)}
    assert set(re.findall(r"\bMARKET_[A-Z_]+\b", page.read_text(encoding="utf-8"))) <= known


@pytest.mark.parametrize("folder", ALL)
def test_no_file_is_longer_than_four_hundred_lines(folder: str) -> None:
    if folder == "benchmarks" and not list((PROJECT / folder).rglob("*.py")):
        pytest.skip("there are no benchmarks here")
    lengths = {named(path): len(path.read_text(encoding="utf-8").splitlines()) for path in sources(folder)}
    assert {name: length for name, length in lengths.items() if length > 400} == {}


def test_every_module_of_the_service_says_what_it_is() -> None:
    silent = [named(path) for path in sources(*CODE) if not ast.get_docstring(ast.parse(path.read_text("utf-8")))]
    assert silent == []


def test_the_search_engine_knows_nothing_of_the_market() -> None:
    assert holding(r"^\s*(?:from|import) (?:market|schemas)\b", "search") == set()


def test_schemas_know_of_the_market_only_its_vocabulary() -> None:
    pattern = re.compile(r"^\s*(?:from|import) (market[\w.]*)", re.MULTILINE)
    imported = {name for path in sources("schemas") for name in pattern.findall(path.read_text(encoding="utf-8"))}
    assert imported == {"market.vocabulary"}


def test_services_and_search_know_nothing_of_http() -> None:
    pattern = r"^\s*(?:from|import) (?:flask|werkzeug|flask_smorest|webargs)\b"
    folders = ("market/services", "market/matching", "market/models", "market/worker", "search")
    found = {name for folder in folders for name in holding(pattern, folder)}
    assert found == set()


def raised_codes() -> dict[str, str]:
    """Every code of a problem that is raised, or that is an error's own, with the file where it stands."""
    found: dict[str, str] = {}
    for path in sources("market"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call) and node.exc.args:
                first = node.exc.args[0]
                codes = [first.body, first.orelse] if isinstance(first, ast.IfExp) else [first]
                for code in codes:
                    if isinstance(code, ast.Constant) and re.fullmatch(r"[a-z]+(-[a-z]+)*", str(code.value)):
                        found[str(code.value)] = named(path)
    for path in (PROJECT / "market" / "errors.py", PROJECT / "market" / "api" / "problems" / "handling.py"):
        text = path.read_text(encoding="utf-8")
        pattern = r'^    code = "([a-z-]+)"|problem\("([a-z-]+)"|\d{3}: "([a-z-]+)"'
        for match in re.finditer(pattern, text, re.MULTILINE):
            found[next(filter(None, match.groups()))] = named(path)
    return found


def test_every_problem_that_is_raised_is_explained() -> None:
    codes = raised_codes()
    assert len(codes) > 15
    assert {code: path for code, path in codes.items() if code not in KINDS} == {}


def test_every_problem_that_is_explained_is_raised() -> None:
    assert set(KINDS) - set(raised_codes()) - {"bad-request"} == set()


def test_every_message_speaks_both_languages() -> None:
    own = {name: value for name, value in vars(messages).items() if isinstance(value, Message)}
    known = {text: value for text, value in messages._KNOWN.items() if text}
    for name, message in {**own, **known}.items():
        assert str(message).strip(), name
        assert re.search("[\u4e00-\u9fff]", message.zh), name
        assert set(re.findall(r"{(\w+)}", str(message))) == set(re.findall(r"{(\w+)}", message.zh)), name


def test_notifications_speak_both_languages() -> None:
    from market.services.telling import wording
    from market.vocabulary import vocabulary

    for table in (wording.TITLES, wording.BODIES):
        assert set(table) == set(vocabulary("notification_kinds").codes)
        for zh, en in table.values():
            assert re.search("[\u4e00-\u9fff]", re.sub("{what}|{text}", "言", zh))
            assert not re.search("[\u4e00-\u9fff]", en)
            assert set(re.findall(r"{(\w+)", zh)) == set(re.findall(r"{(\w+)", en))


def test_no_listing_is_told_of_in_a_log_line() -> None:
    pattern = r"log\.\w+\([^)]*\b(title|name|contact|body|text|payload)="
    assert holding(pattern, "market") == set()


def test_tests_replace_none_of_our_own_code() -> None:
    imports = r"^\s*(?:from unittest|import unittest).*mock|\bmocker\b"
    patches = r"monkeypatch\.setattr\(\s*[\"']?(?:market|schemas)\b"
    assert holding(f"(?m){imports}|{patches}", "tests") == set()
