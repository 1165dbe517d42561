"""Charts: the same bytes for the same figures, readable by people and machines, whatever the labels hold."""

from __future__ import annotations

import io
import subprocess
import sys
from itertools import pairwise
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from market.charts import fonts, png, svg
from market.charts.figures import Chart, Kind, Series
from market.charts.layouts import WIDTH, ticks
from market.charts.shapes import COLOURS

KINDS: tuple[Kind, ...] = ("bars", "columns", "funnel")
LABELS = ("Tianjin", "Beijing", 'A <very> long & "quoted" name of an institute of materials and engineering')


def chart(kind: Kind, labels: tuple[str, ...] = LABELS, most: int = 8575, **changes: object) -> Chart:
    """A chart of one series, or of four where the kind can show them."""
    names = ("Outcomes",) if kind == "funnel" else ("Outcomes", "Experts", "Demands", "Matches")
    series = tuple(
        Series(name, f"number of {name}", tuple(most // (place + 1) for place in range(len(labels))))
        for name in names
    )
    values = {
        "kind": kind, "title": "By region", "subtitle": "All time", "axis": "Region", "labels": labels,
        "series": series, "source": "Counted 2026-11-23 14:20 from the database", "language": "en",
        "nothing": "Nothing to count", "notes": (), **changes,
    }  # fmt: skip
    return Chart(**values)  # type: ignore[arg-type]


def texts(written: bytes) -> list[str]:
    return [text.strip() for text in ET.fromstring(written).itertext() if text.strip()]


@pytest.mark.parametrize("kind", KINDS)
def test_an_svg_has_title_description_source_and_every_label_whole(kind: Kind) -> None:
    written = svg.write(chart(kind))
    root = ET.fromstring(written)
    assert root.get("role") == "img"
    told = {child.get("id"): child for child in root if child.get("id")}
    title, description = (told[one] for one in str(root.get("aria-labelledby")).split())
    assert title.text == "By region"
    assert all(f"{label}: " in str(description.text) for label in LABELS)
    assert "Counted 2026-11-23 14:20 from the database" in texts(written)
    for label in LABELS:
        assert label in texts(written) or any(text.startswith(label) for text in texts(written))


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_figures_give_the_same_bytes(kind: Kind) -> None:
    assert svg.write(chart(kind)) == svg.write(chart(kind))
    assert png.write(chart(kind)) == png.write(chart(kind))


@pytest.mark.parametrize("kind", KINDS)
def test_a_png_has_its_size_and_the_colours_of_its_series(kind: Kind) -> None:
    image = Image.open(io.BytesIO(png.write(chart(kind))))
    root = ET.fromstring(svg.write(chart(kind)))
    assert image.size == (WIDTH * png.SCALE, int(str(root.get("height"))) * png.SCALE)
    drawn = {colour for _, colour in image.getcolors(1 << 20)}
    wanted = COLOURS[: len(chart(kind).series)]
    assert {tuple(bytes.fromhex(colour[1:])) for colour in wanted} <= drawn
    assert image.text["Title"] == "By region"  # type: ignore[attr-defined]  # of PNG files


def test_bars_are_as_long_as_what_they_count() -> None:
    root = ET.fromstring(svg.write(chart("bars", most=1000)))
    bars = [one for one in root.iter("{http://www.w3.org/2000/svg}rect") if one.get("fill") == COLOURS[0]]
    widths = [float(str(bar.get("width"))) for bar in bars]
    assert widths == pytest.approx([widths[0], widths[0] / 2, widths[0] / 3], abs=0.2)


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_is_said_where_there_is_nothing(kind: Kind) -> None:
    empty = chart(kind, labels=())
    assert "Nothing to count" in texts(svg.write(empty))
    assert Image.open(io.BytesIO(png.write(empty))).width == WIDTH * png.SCALE


@pytest.mark.parametrize("kind", KINDS)
def test_zeros_alone_can_be_drawn(kind: Kind) -> None:
    zeros = chart(kind, most=0)
    assert ET.fromstring(svg.write(zeros)) is not None
    assert png.write(zeros)


@pytest.mark.long
@settings(max_examples=25)
@given(labels=st.lists(st.text(max_size=40), min_size=1, max_size=6), most=st.integers(0, 10**12))
def test_whatever_the_labels_hold_both_formats_can_be_read(labels: list[str], most: int) -> None:
    for kind in KINDS:
        odd = chart(kind, labels=tuple(labels), most=most)
        ET.fromstring(svg.write(odd))
    Image.open(io.BytesIO(png.write(chart("bars", labels=tuple(labels), most=most)))).verify()


def test_a_chart_that_cannot_be_read_is_refused() -> None:
    for labels, values in ((("a",) * 51, (1,) * 51), (("a",), (1, 2)), (("a",), (-1,))):
        with pytest.raises(ValueError, match=r"chart|series"):
            chart("bars", labels=labels, series=(Series("Outcomes", "number", values),))


@given(most=st.integers(0, 10**12), wanted=st.integers(2, 6))
def test_ticks_are_whole_round_few_and_reach_the_top(most: int, wanted: int) -> None:
    marks = ticks(most, wanted)
    steps = {later - earlier for earlier, later in pairwise(marks)}
    assert marks[0] == 0
    assert len(steps) == 1
    assert str(steps.pop()).rstrip("0") in {"1", "2", "5"}
    assert marks[-1] >= most
    assert 2 <= len(marks) <= wanted + 1


def test_characters_that_the_font_has_not_are_replaced() -> None:
    assert fonts.drawable("Institute 12") == "Institute 12"
    assert not [one for one in fonts.drawable("桥 é … – \ue000") if not fonts.has(fonts.of_size(20), one)]


def test_pictures_are_drawn_only_by_whoever_asks_for_them() -> None:
    check = "import market.app, market.cli.statistics, sys; sys.exit('PIL' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", check], cwd=Path(__file__).parents[2], check=False)
    assert done.returncode == 0
