"""`market stats`: totals and groups as a table, JSON, CSV and charts."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from click.testing import Result
from PIL import Image

from market.charts import fonts
from market.services.figures import publishing
from tests.services.exchange import FIXTURES

Run = Callable[..., Result]
Ask = Callable[..., Any]


@pytest.fixture
def loaded(run: Run) -> Run:
    """With the outcomes of the demonstration, published."""
    run("init")
    for kind in ("organisations", "users", "outcomes"):
        run("load", str(FIXTURES / f"{kind}.ndjson"))
    return run


def test_totals_and_groups_agree(loaded: Run, ask: Ask) -> None:
    totals = ask("stats")
    assert totals["outcomes"] > 0
    for dimension in ("region", "field", "organisation", "month"):
        told = ask("stats", "--by", dimension, "--top", "100")
        assert sum(one["outcomes"] for one in told["items"]) == told["total"]["outcomes"] == totals["outcomes"]


def test_people_get_a_table_with_labels_in_their_language(loaded: Run) -> None:
    assert "Tianjin" in loaded("stats", "--by", "region").stdout
    assert "天津市" in loaded("stats", "--by", "region", "--language", "zh").stdout
    assert "organisations_publishing" in loaded("stats").stdout


def test_a_period_and_a_kind_can_be_chosen(loaded: Run, ask: Ask) -> None:
    assert ask("stats", "--until", "2001-01-01")["outcomes"] == 0
    told = ask("stats", "--by", "field", "--what", "experts", "--since", "2001-01-01", "--top", "3")
    assert (told["what"], told["since"], told["items"]) == (["experts"], "2001-01-01", [])


def test_figures_and_chart_are_written_to_files(loaded: Run, ask: Ask, tmp_path: Path) -> None:
    sheet, drawing, picture = (tmp_path / f"stats.{ending}" for ending in ("csv", "svg", "png"))
    told = ask("stats", "--by", "field", "--csv", str(sheet), "--chart", str(drawing), "--language", "zh")
    lines = csv.DictReader(io.StringIO(sheet.read_text("utf-8-sig"), newline=""))
    assert [int(line["outcomes"]) for line in lines] == [one["outcomes"] for one in told["items"]]
    shown = "\n".join(ET.fromstring(drawing.read_bytes()).itertext())
    assert all(one["zh"] in shown for one in told["items"])
    said = loaded("stats", "--chart", str(picture), "--language", "zh").stderr
    with Image.open(picture) as image:
        assert image.format == "PNG"
    assert (publishing.NO_CHINESE in " ".join(said.split())) != fonts.chinese()


def test_a_chart_in_no_known_format_is_refused_before_anything_is_counted(run: Run, tmp_path: Path) -> None:
    assert "neither .svg nor .png" in run("stats", "--chart", str(tmp_path / "chart.jpg"), fails=True).stderr


def test_a_period_that_ends_before_it_begins_is_refused(run: Run) -> None:
    refused = run("stats", "--since", "2026-02-01", "--until", "2026-01-01", fails=True)
    assert "before --since" in refused.stderr
