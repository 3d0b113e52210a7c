"""A card's face as SVG in real millimetres: opens in Inkscape, Illustrator and every browser."""

from __future__ import annotations

from collections.abc import Iterable
from xml.sax.saxutils import escape, quoteattr

from cards.draw import Circle, Line, Polygon, Shape
from cards.layout import Layout

FONT = "Bitstream Vera Sans, DejaVu Sans, Verdana, sans-serif"


def svg(layout: Layout, shapes: Iterable[Shape]) -> str:
    """The shapes as one SVG document of the card's size; one user unit is one millimetre."""
    return document(layout.identity, layout.width_mm, layout.height_mm, shapes)


def document(title: str, width_mm: float, height_mm: float, shapes: Iterable[Shape]) -> str:
    """The shapes on paper of this size."""
    w, h = width_mm, height_mm
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{w:g}mm" height="{h:g}mm" viewBox="0 0 {w:g} {h:g}">\n'
        f"<title>{escape(title)}</title>\n"
    )
    return head + "".join(f"{_element(shape)}\n" for shape in shapes) + "</svg>\n"


def _element(shape: Shape) -> str:
    if isinstance(shape, Circle):
        return f'<circle cx="{shape.x_mm:.3f}" cy="{shape.y_mm:.3f}" r="{shape.radius_mm:.3f}"{_paint(shape)}/>'
    if isinstance(shape, Polygon):
        points = " ".join(f"{x:.3f},{y:.3f}" for x, y in shape.points)
        return f'<{"polygon" if shape.closed else "polyline"} points="{points}"{_paint(shape)}/>'
    return _text(shape)


def _paint(shape: Circle | Polygon) -> str:
    stroke = f' stroke="{shape.stroke}" stroke-width="{shape.stroke_mm:g}"' if shape.stroke else ""
    return f' fill="{shape.fill or "none"}"{stroke}'


def _text(line: Line) -> str:
    # The viewer's font may run wider than the one the line was measured with.
    return (
        f'<text x="{line.x_mm:.3f}" y="{line.y_mm:.3f}" font-size="{line.size_mm:.3f}" font-family={quoteattr(FONT)} '
        f'text-anchor="{line.anchor}" fill="{line.ink}">{escape(line.text)}</text>'
    )
