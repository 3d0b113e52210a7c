"""Small parts of drawings in millimetres: words, boxes, wires, symbols of parts (IEC), measures."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from cards.draw import Circle, Line, Polygon, Shape
from cards.font import width_mm

INK, PALE, PAPER, MUTED = "#2b2b33", "#dcd6c6", "#fffdf6", "#7a7466"
RED, AMBER, GREEN, BLUE, TEAL, VIOLET = "#b3261e", "#b86e00", "#2f6f3a", "#2b5c8a", "#2f6f62", "#6a4c93"
WIRE_MM, THIN_MM = 0.45, 0.2
Point = tuple[float, float]


def word(
    text: str,
    x: float,
    y: float,
    size: float = 3.0,
    ink: str = INK,
    anchor: Literal["start", "middle", "end"] = "start",
) -> Line:
    """One line of text; y is its baseline."""
    if anchor == "end":
        return Line(text, x - width_mm(text, size), y, size, ink)
    return Line(text, x, y, size, ink, anchor)


def box(
    x: float, y: float, wide: float, high: float, fill: str | None = None, stroke: str | None = INK, line: float = 0.3
) -> Polygon:
    """A rectangle from its top-left corner."""
    return Polygon(((x, y), (x + wide, y), (x + wide, y + high), (x, y + high)), fill, stroke, line)


def wire(*points: Point, ink: str = INK, line: float = WIRE_MM) -> Polygon:
    """A line through points."""
    return Polygon(points, None, ink, line, closed=False)


def dot(x: float, y: float, ink: str = INK) -> Circle:
    """Where wires join."""
    return Circle(x, y, 0.7, ink)


def resistor_down(x: float, y: float, value: str) -> Iterator[Shape]:
    """A resistor from (x, y) to 12 mm below, its value beside it."""
    yield wire((x, y), (x, y + 2))
    yield box(x - 1.4, y + 2, 2.8, 8, PAPER, INK, WIRE_MM)
    yield wire((x, y + 10), (x, y + 12))
    yield word(value, x + 2.4, y + 7, 2.8)


def resistor_right(x: float, y: float, value: str) -> Iterator[Shape]:
    """A resistor from (x, y) to 12 mm to the right, its value above it."""
    yield wire((x, y), (x + 2, y))
    yield box(x + 2, y - 1.4, 8, 2.8, PAPER, INK, WIRE_MM)
    yield wire((x + 10, y), (x + 12, y))
    yield word(value, x + 6, y - 2.4, 2.8, anchor="middle")


def led_down(x: float, y: float, ink: str = INK, name: str = "") -> Iterator[Shape]:
    """A light-emitting diode, anode at (x, y), cathode 9 mm below."""
    yield wire((x, y), (x, y + 2.5))
    yield Polygon(((x - 2.2, y + 2.5), (x + 2.2, y + 2.5), (x, y + 6.3)), ink, INK, THIN_MM)
    yield wire((x - 2.2, y + 6.3), (x + 2.2, y + 6.3))
    yield wire((x, y + 6.3), (x, y + 9))
    for k in (0.0, 1.6):
        yield wire((x + 2.8, y + 3.0 + k), (x + 5.2, y + 1.6 + k), line=0.25)
        yield Polygon(((x + 5.8, y + 1.3 + k), (x + 4.9, y + 1.3 + k), (x + 5.3, y + 2.1 + k)), INK)
    if name:
        yield word(name, x - 3.2, y + 5.4, 2.8, anchor="end")


def phototransistor(x: float, y: float) -> Iterator[Shape]:
    """Collector at (x, y), emitter 11 mm below, light from the left."""
    yield Circle(x - 1.2, y + 5.5, 4.2, PAPER, INK, WIRE_MM)
    yield wire((x - 2.5, y + 3), (x - 2.5, y + 8))
    yield wire((x - 2.5, y + 4.6), (x, y + 2.6), (x, y))
    yield wire((x - 2.5, y + 6.4), (x, y + 8.4), (x, y + 11))
    yield Polygon(((x, y + 8.4), (x - 1.5, y + 8.1), (x - 0.7, y + 7.0)), INK)
    for k in (0.0, 2.0):
        yield wire((x - 10, y + 3.2 + k), (x - 6.8, y + 4.4 + k), line=0.25)
        yield Polygon(((x - 6.0, y + 4.7 + k), (x - 7.0, y + 3.8 + k), (x - 7.2, y + 4.9 + k)), INK)


def ground(x: float, y: float) -> Iterator[Shape]:
    """Ground at (x, y)."""
    yield wire((x, y), (x, y + 2))
    for k in range(3):
        half = 3 - k
        yield wire((x - half, y + 2 + k), (x + half, y + 2 + k))


def supply(x: float, y: float, volts: str, ink: str = RED) -> Iterator[Shape]:
    """A supply's rail at (x, y), its name above it."""
    yield wire((x - 3, y), (x + 3, y), ink=ink, line=0.7)
    yield word(volts, x, y - 1.4, 3.0, ink, "middle")


def port(x: float, y: float, name: str, ink: str) -> Iterator[Shape]:
    """A labelled end of a wire, pointing right from (x, y)."""
    wide = width_mm(name, 3.0) + 5
    yield Polygon(
        ((x, y), (x + 2, y - 2.8), (x + wide, y - 2.8), (x + wide, y + 2.8), (x + 2, y + 2.8)), PAPER, ink, 0.4
    )
    yield word(name, x + 3, y + 1.1, 3.0, ink)


def across(x0: float, x1: float, y: float, text: str) -> Iterator[Shape]:
    """A measure from x0 to x1."""
    yield from _arrow((x0, y), (x1, y))
    yield word(text, (x0 + x1) / 2, y - 1.0, 2.8, BLUE, "middle")


def down(x: float, y0: float, y1: float, text: str) -> Iterator[Shape]:
    """A measure from y0 to y1."""
    yield from _arrow((x, y0), (x, y1))
    yield word(text, x + 1.2, (y0 + y1) / 2 + 1, 2.8, BLUE)


def _arrow(a: Point, b: Point) -> Iterator[Shape]:
    yield wire(a, b, ink=BLUE, line=THIN_MM)
    flat = a[1] == b[1]
    for (x, y), sign in ((a, 1), (b, -1)):
        tip = ((x, y), (x + sign * 1.6, y + 0.5), (x + sign * 1.6, y - 0.5)) if flat else (
            (x, y), (x + 0.5, y + sign * 1.6), (x - 0.5, y + sign * 1.6))  # fmt: skip
        yield Polygon(tip, BLUE)
