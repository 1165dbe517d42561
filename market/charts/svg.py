"""A drawing as SVG. Text stays text; nothing in it is code, and nothing is fetched."""

from __future__ import annotations

import hashlib
import re
from xml.etree import ElementTree as ET  # only written here, never read

from market.charts.figures import Chart
from market.charts.layouts import lay_out
from market.charts.shapes import PAPER, Drawing, Line, Polygon, Rectangle, Shape

SVG = "http://www.w3.org/2000/svg"
FONTS = (
    "'Noto Sans CJK SC', 'Noto Sans SC', 'Source Han Sans SC', 'PingFang SC', 'Microsoft YaHei', "
    "'WenQuanYi Micro Hei', 'Helvetica Neue', Arial, 'DejaVu Sans', sans-serif"
)

# What XML 1.0 cannot hold, not even escaped (section 2.2).
_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def write(chart: Chart) -> bytes:
    """The chart as a document of its own, with a title and a description for whoever cannot see it."""
    drawing = lay_out(chart)
    # Charts that stand in one page must not have the same ids; those of one chart are always the same.
    mark = hashlib.sha256(drawing.description.encode("utf-8", "replace")).hexdigest()[:8]
    root = _root(drawing, mark)
    for shape in drawing.shapes:
        _add(root, shape)
    ET.indent(root, " ")
    written: bytes = ET.tostring(root, encoding="utf-8", xml_declaration=True)
    return written + b"\n"


def _root(drawing: Drawing, mark: str) -> ET.Element:
    root = ET.Element(
        "svg",
        {
            "xmlns": SVG,
            "width": str(drawing.width),
            "height": str(drawing.height),
            "viewBox": f"0 0 {drawing.width} {drawing.height}",
            "role": "img",
            "aria-labelledby": f"title-{mark} description-{mark}",
            "xml:lang": drawing.language,
            "font-family": FONTS,
        },
    )
    _told(root, "title", drawing.title, id=f"title-{mark}")
    _told(root, "desc", drawing.description, id=f"description-{mark}")
    ET.SubElement(root, "rect", width="100%", height="100%", fill=PAPER)
    return root


def _add(root: ET.Element, shape: Shape) -> None:
    match shape:
        case Rectangle():
            sides = {"x": shape.x, "y": shape.y, "width": shape.width, "height": shape.height}
            element = ET.SubElement(root, "rect", {name: _figure(value) for name, value in sides.items()})
            element.set("fill", shape.colour)
            if shape.told:
                _told(element, "title", shape.told)
        case Polygon():
            points = " ".join(f"{_figure(x)},{_figure(y)}" for x, y in shape.corners)
            ET.SubElement(root, "polygon", points=points, fill=shape.colour)
        case Line():
            place = {"x": _figure(shape.x), "y": _figure(shape.y), "font-size": str(shape.size)}
            element = ET.SubElement(root, "text", {**place, "fill": shape.colour, "text-anchor": shape.anchor})
            element.text = _clean(shape.text)
            if shape.told:
                title = _told(element, "title", shape.told)
                title.tail, element.text = element.text, None


def _told(parent: ET.Element, tag: str, text: str, **attributes: str) -> ET.Element:
    element = ET.SubElement(parent, tag, attributes)
    element.text = _clean(text)
    return element


def _clean(text: str) -> str:
    return _NOT_XML.sub("\ufffd", text)


def _figure(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0")
