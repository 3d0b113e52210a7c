"""A card's face as pixels: previews, and the paper of the simulator."""

from __future__ import annotations

from collections.abc import Iterable

from PIL import Image, ImageDraw

from cards.draw import Circle, Line, Shape
from cards.font import font
from cards.layout import Layout

SUPERSAMPLE = 2
"""Pillow draws lines without smoothing; drawing larger and reducing smooths them."""


def raster(layout: Layout, shapes: Iterable[Shape], px_per_mm: float, ground: str = "#ffffff") -> Image.Image:
    """The shapes as an RGB picture; what the card does not cover is `ground`."""
    return picture(layout.width_mm, layout.height_mm, shapes, px_per_mm, ground)


def picture(
    width_mm: float, height_mm: float, shapes: Iterable[Shape], px_per_mm: float, ground: str = "#ffffff"
) -> Image.Image:
    """The shapes on paper of this size, as an RGB picture."""
    scale = px_per_mm * SUPERSAMPLE
    size = round(width_mm * px_per_mm), round(height_mm * px_per_mm)
    image = Image.new("RGB", (size[0] * SUPERSAMPLE, size[1] * SUPERSAMPLE), ground)
    pen = ImageDraw.Draw(image)
    for shape in shapes:
        _draw(pen, shape, scale)
    return image.resize(size, Image.Resampling.BOX)


def _draw(pen: ImageDraw.ImageDraw, shape: Shape, scale: float) -> None:
    if isinstance(shape, Line):
        at = (shape.x_mm * scale, shape.y_mm * scale)
        pen.text(
            at,
            shape.text,
            fill=shape.ink,
            font=font(shape.size_mm * scale),
            anchor="ls" if shape.anchor == "start" else "ms",
        )
    elif isinstance(shape, Circle):
        x, y, r = shape.x_mm * scale, shape.y_mm * scale, (shape.radius_mm + shape.stroke_mm / 2) * scale
        width = max(1, round(shape.stroke_mm * scale)) if shape.stroke else 0
        pen.ellipse((x - r, y - r, x + r, y + r), fill=shape.fill, outline=shape.stroke, width=width)
    else:
        points = [(x * scale, y * scale) for x, y in shape.points]
        if shape.fill:
            pen.polygon(points, fill=shape.fill)
        if shape.stroke:
            line = [*points, points[0]] if shape.closed else points
            pen.line(line, fill=shape.stroke, width=max(1, round(shape.stroke_mm * scale)), joint="curve")
