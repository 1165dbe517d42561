"""A drawing as PNG, at twice its size in pixels, for screens that are fine and for print. Imports Pillow, so it is
itself imported only when a PNG is drawn."""

from __future__ import annotations

import io

from PIL import Image, ImageDraw, PngImagePlugin

from market.charts import fonts
from market.charts.figures import Chart
from market.charts.layouts import lay_out
from market.charts.shapes import PAPER, Line, Polygon, Rectangle

SCALE = 2
_FINER = 4  # slanted edges are drawn so much larger and then made smooth
_ANCHORS = {"start": "ls", "middle": "ms", "end": "rs"}


def write(chart: Chart) -> bytes:
    """The chart; the same bytes for the same figures and fonts. In Chinese only where `fonts.chinese()`."""
    drawing = lay_out(chart)
    image = Image.new("RGB", (drawing.width * SCALE, drawing.height * SCALE), PAPER)
    canvas = ImageDraw.Draw(image)
    for shape in drawing.shapes:
        match shape:
            case Rectangle():
                _rectangle(canvas, shape)
            case Polygon():
                _polygon(image, shape)
            case Line():
                font = fonts.of_size(shape.size * SCALE)
                place = (round(shape.x * SCALE), round(shape.y * SCALE))
                text = fonts.drawable(shape.text)
                canvas.text(place, text, fill=shape.colour, font=font, anchor=_ANCHORS[shape.anchor])
    told = PngImagePlugin.PngInfo()
    told.add_itxt("Title", drawing.title)
    told.add_itxt("Description", drawing.description)
    written = io.BytesIO()
    image.save(written, "PNG", pnginfo=told, dpi=(144, 144), compress_level=4)
    return written.getvalue()


def _rectangle(canvas: ImageDraw.ImageDraw, shape: Rectangle) -> None:
    left, top = round(shape.x * SCALE), round(shape.y * SCALE)
    right, bottom = round((shape.x + shape.width) * SCALE), round((shape.y + shape.height) * SCALE)
    canvas.rectangle((left, top, max(right - 1, left), max(bottom - 1, top)), fill=shape.colour)


def _polygon(image: Image.Image, shape: Polygon) -> None:
    """Through a mask of its own box, drawn larger."""
    xs, ys = ([corner[axis] * SCALE for corner in shape.corners] for axis in (0, 1))
    left, top = int(min(xs)), int(min(ys))
    size = (int(max(xs)) - left + 2, int(max(ys)) - top + 2)
    mask = Image.new("L", (size[0] * _FINER, size[1] * _FINER))
    corners = [((x - left) * _FINER, (y - top) * _FINER) for x, y in zip(xs, ys, strict=True)]
    ImageDraw.Draw(mask).polygon(corners, fill=255)
    image.paste(shape.colour, (left, top), mask.resize(size, Image.Resampling.BOX))
