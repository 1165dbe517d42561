"""Rules about what operators look at: dashboard and alerts ask for metrics that exist, and none is forgotten."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import promql_parser
import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from market.monitoring import exposition
from market.outbox import JobName
from market.runtime import Runtime

OPERATIONS = Path(__file__).parents[2] / "docs" / "operations"
DASHBOARD = json.loads((OPERATIONS / "grafana-dashboard.json").read_text(encoding="utf-8"))
RULES = [
    rule
    for group in yaml.safe_load((OPERATIONS / "prometheus-alerts.yml").read_text(encoding="utf-8"))["groups"]
    for rule in group["rules"]
]
PROMETHEUS_OWN = {"up"}
OMITTED = {
    r"python_.*": "the interpreter's own: for whoever hunts a leak",
    r"process_(?!cpu_seconds|resident_memory).*": "the kernel's own: hosts are watched by their own means",
    r".*_created": "when a counter began, which Prometheus notices by itself",
}


def expressions() -> Iterator[tuple[str, str]]:
    for panel in DASHBOARD["panels"]:
        for target in panel.get("targets", []):
            filled = target["expr"].replace("$__rate_interval", "5m").replace("$instance", ".*")
            yield f"{panel['title']} {target['refId']}", filled
    for rule in RULES:
        yield rule["alert"], rule["expr"]


def selectors(expression: str) -> list[promql_parser.VectorSelector]:
    """What an expression looks at. Raises ValueError where it is no PromQL."""
    found: list[promql_parser.VectorSelector] = []

    def visit(node: promql_parser.Expr) -> bool:
        if isinstance(node, promql_parser.VectorSelector):
            found.append(node)
        return True

    promql_parser.walk(promql_parser.parse(expression), visit)
    return found


@pytest.fixture
def exported(runtime: Runtime) -> dict[str, set[str]]:
    """Every sample that can be exported, with the labels it has; also of metrics that count nothing yet."""
    found: dict[str, set[str]] = {}
    for family in text_string_to_metric_families(exposition(runtime).decode()):
        suffixes = {"counter": ("_total",), "histogram": ("_bucket", "_sum", "_count")}.get(family.type, ("",))
        for suffix in suffixes:
            found[f"{family.name}{suffix}"] = set()
        for sample in family.samples:
            found.setdefault(sample.name, set()).update(sample.labels)
    return found


def test_what_is_asked_for_is_exported(exported: dict[str, set[str]]) -> None:
    for name, expression in expressions():
        asked = {selector.name for selector in selectors(expression)}
        assert asked, name
        assert asked <= {*exported, *PROMETHEUS_OWN}, name


def test_what_is_exported_is_shown_or_left_out_for_a_reason(exported: dict[str, set[str]]) -> None:
    shown = {selector.name for _, expression in expressions() for selector in selectors(expression)}
    families = {re.sub(r"_(bucket|sum|count)$", "", name) for name in exported}
    forgotten = {
        family
        for family in families
        if not any(re.fullmatch(pattern, family) for pattern in OMITTED)
        and not shown & {family, f"{family}_bucket", f"{family}_count"}
    }
    assert forgotten == set()


def test_the_jobs_that_are_named_exist() -> None:
    named = {name for _, text in expressions() for name in re.findall(r'[{,]name="(\w+)"', text)}
    assert named
    assert named <= {name.value for name in JobName}


def test_every_alert_has_its_words_and_a_row_in_the_page_for_operators() -> None:
    page = (OPERATIONS.parent / "operations.md").read_text(encoding="utf-8")
    for rule in RULES:
        assert rule["annotations"]["summary"]
        assert rule["labels"]["severity"] in {"warning", "critical"}
        assert f"`{rule['alert']}`" in page


def test_labels_have_few_values(exported: dict[str, set[str]]) -> None:
    ours = {label for name, labels in exported.items() if name.startswith("qiao_") for label in labels}
    assert ours <= {
        "operation",
        "status",
        "name",
        "state",
        "result",
        "part",
        "channel",
        "outcome",
        "kind",
        "error",
        "version",
        "python",
        "le",
    }
