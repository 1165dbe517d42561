"""Where everything of a chart stands: bars, columns by month, funnels. Each series has a panel and a scale of its
own, so that twenty demands are seen beside eight thousand outcomes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from market.charts.figures import Chart, Series
from market.charts.shapes import COLOURS, GRID, INK, QUIET, Drawing, Line, Polygon, Rectangle, cut, width_of

WIDTH = 960
_EDGE = 28
_TOP = 78  # below title and subtitle
_BAR, _STEP = 16, 26
_PANEL = 118
_FOOT = 34


def lay_out(chart: Chart) -> Drawing:
    """The drawing of a chart; as high as it needs."""
    drawing = Drawing(WIDTH, 0, chart.language, chart.title, chart.description)
    drawing.shapes.append(Line(_EDGE, 40, cut(chart.title, 21, WIDTH - 2 * _EDGE), size=21))
    drawing.shapes.append(Line(_EDGE, 62, cut(chart.subtitle, 13, WIDTH - 2 * _EDGE), colour=QUIET))
    end = _LAYOUTS[chart.kind](chart, drawing) if chart.labels else _nothing(chart, drawing)
    drawing.shapes.append(Line(_EDGE, end + 22, chart.source, size=11, colour=QUIET))
    drawing.height = round(end) + _FOOT + 4
    return drawing


def _nothing(chart: Chart, drawing: Drawing) -> float:
    drawing.shapes.append(Line(WIDTH / 2, _TOP + 50, chart.nothing, size=15, colour=QUIET, anchor="middle"))
    return _TOP + 100


def ticks(most: int, wanted: int) -> tuple[int, ...]:
    """Round whole numbers from 0 to `most` or just above it, about as many as wanted."""
    step = 1
    while most > step * wanted:
        lead = int(str(step)[0])
        step = step // lead * {1: 2, 2: 5, 5: 10}[lead]
    return tuple(range(0, max(most, 1) + step, step) if most % step else range(0, max(most, step) + 1, step))


def short(number: int) -> str:
    """With commas between thousands."""
    return f"{number:,}"


def _bars(chart: Chart, drawing: Drawing) -> float:
    widest = max(width_of(label, 13) for label in chart.labels)
    room = min(widest, 300 if len(chart.series) < 3 else 220) + 12
    gap = 26
    left = _EDGE + room
    width = (WIDTH - _EDGE - left - gap * (len(chart.series) - 1)) / len(chart.series)
    top = _TOP + 34
    bottom = top + _STEP * len(chart.labels)
    drawing.shapes.append(Line(left - 10, top - 14, chart.axis, size=12, colour=QUIET, anchor="end"))
    for place, one in enumerate(chart.series):
        x = left + place * (width + gap)
        _bar_panel(chart, drawing, one, COLOURS[place], box=(x, top, width, bottom))
    for place, label in enumerate(chart.labels):
        y = top + place * _STEP + _STEP / 2 + 5
        shown = cut(label, 13, room - 8)
        drawing.shapes.append(Line(left - 10, y, shown, anchor="end", told=label if shown != label else ""))
    return bottom + 38


def _bar_panel(
    chart: Chart, drawing: Drawing, one: Series, colour: str, *, box: tuple[float, float, float, float]
) -> None:
    """One series; the numbers stand at the ends of the bars, for which room is kept on the right."""
    left, top, width, bottom = box
    most = max(one.values)
    reach = width - width_of(short(most), 12) - 8
    scale = reach / max(most, 1)
    for mark in ticks(most, 3 if len(chart.series) > 2 else 5):
        if mark > max(most, 1):
            continue
        x = left + scale * mark
        drawing.shapes.append(Rectangle(x, top - 4, 1, bottom - top + 6, GRID))
        drawing.shapes.append(Line(x, bottom + 17, short(mark), size=11, colour=QUIET, anchor="middle"))
    drawing.shapes.append(Line(left, top - 14, cut(one.name, 14, width), size=14, colour=INK))
    drawing.shapes.append(Line(left + reach / 2, bottom + 34, one.axis, size=11, colour=QUIET, anchor="middle"))
    for place, (label, value) in enumerate(zip(chart.labels, one.values, strict=True)):
        y = top + place * _STEP + (_STEP - _BAR) / 2
        long = scale * value
        told = f"{label}: {short(value)} {one.name}"
        if value:
            drawing.shapes.append(Rectangle(left, y, max(long, 1.5), _BAR, colour, told))
        drawing.shapes.append(Line(left + long + 6, y + 12.5, short(value), size=12, colour=INK if value else QUIET))


def _columns(chart: Chart, drawing: Drawing) -> float:
    tallest = max(width_of(short(ticks(max(one.values), 3)[-1]), 11) for one in chart.series)
    left = _EDGE + max(tallest, 18) + 10
    width = WIDTH - _EDGE - left
    step = width / len(chart.labels)
    top: float = _TOP
    for place, one in enumerate(chart.series):
        _column_panel(chart, drawing, one, COLOURS[place], box=(left, top + 46, width, top + 46 + _PANEL))
        top += 46 + _PANEL + 10
    every = -(-round(width_of("0000-00", 11) + 12) // max(1, round(step)))
    for place in _spread(len(chart.labels), every):
        x = left + step * (place + 0.5)
        drawing.shapes.append(Line(x, top + 8, chart.labels[place], size=11, colour=QUIET, anchor="middle"))
    drawing.shapes.append(Line(left + width / 2, top + 28, chart.axis, size=11, colour=QUIET, anchor="middle"))
    return top + 34


def _spread(count: int, every: int) -> Iterator[int]:
    """Every so many, counted from the last, which is the newest."""
    return (place for place in range(count) if (count - 1 - place) % every == 0)


def _column_panel(
    chart: Chart, drawing: Drawing, one: Series, colour: str, *, box: tuple[float, float, float, float]
) -> None:
    left, top, width, bottom = box
    marks = ticks(max(one.values), 3)
    scale = (bottom - top) / marks[-1]
    for mark in marks:
        y = bottom - scale * mark
        drawing.shapes.append(Rectangle(left, y, width, 1, GRID))
        drawing.shapes.append(Line(left - 8, y + 4, short(mark), size=11, colour=QUIET, anchor="end"))
    drawing.shapes.append(Line(left, top - 22, one.name, size=14))
    drawing.shapes.append(Line(left + width, top - 22, one.axis, size=11, colour=QUIET, anchor="end"))
    step = width / len(chart.labels)
    roomy = width_of(short(max(one.values)), 11) < step  # numbers at all columns or at none
    wide = min(step * 0.72, 44)
    for place, (label, value) in enumerate(zip(chart.labels, one.values, strict=True)):
        high = scale * value
        x = left + step * (place + 0.5) - wide / 2
        if value:
            told = f"{label}: {short(value)} {one.name}"
            drawing.shapes.append(Rectangle(x, bottom - max(high, 1.5), wide, max(high, 1.5), colour, told))
            if roomy:
                place_of = (x + wide / 2, bottom - high - 4)
                drawing.shapes.append(Line(*place_of, short(value), size=11, anchor="middle"))


def _funnel(chart: Chart, drawing: Drawing) -> float:
    [one] = chart.series
    left = _EDGE + max(width_of(label, 14) for label in chart.labels) + 24
    right = WIDTH - _EDGE - max([width_of(note, 13) for note in chart.notes] or [0]) - 24
    middle, most = (left + right) / 2, max(*one.values, 1)
    high, gap = 46, 26
    halves = [max((right - left) / 2 * value / most, 1.0) for value in one.values]
    top = _TOP + 22
    for place, (label, value) in enumerate(zip(chart.labels, one.values, strict=True)):
        y = top + place * (high + gap)
        half = halves[place]
        if place:
            above = halves[place - 1]
            corners = ((middle - above, y - gap), (middle + above, y - gap), (middle + half, y), (middle - half, y))
            drawing.shapes.append(Polygon(corners, "#cfe3ef"))
        told = f"{label}: {short(value)}"
        drawing.shapes.append(Rectangle(middle - half, y, 2 * half, high, COLOURS[0], told))
        drawing.shapes.append(Line(_EDGE, y + high / 2 + 5, label, size=14))
        if chart.notes:
            drawing.shapes.append(Line(WIDTH - _EDGE, y + high / 2 + 5, chart.notes[place], anchor="end"))
    end = top + len(chart.labels) * (high + gap) - gap
    drawing.shapes.append(Line(middle, end + 22, one.axis, size=11, colour=QUIET, anchor="middle"))
    return end + 30


_LAYOUTS: Mapping[str, Callable[[Chart, Drawing], float]] = {"bars": _bars, "columns": _columns, "funnel": _funnel}
