"""Aperture plate and guide in millimetres, from a layout's bar. The plate is drawn at its size: print it at 100 %."""

from __future__ import annotations

from collections.abc import Iterator

from cards.draw import Circle, Polygon, Shape
from cards.layout import CLOCK_GAP, Layout, SensorBar
from cards.svg import document
from device.drawings.shapes import (
    BLUE,
    INK,
    MUTED,
    PALE,
    PAPER,
    THIN_MM,
    VIOLET,
    across,
    box,
    down,
    wire,
    word,
)

APERTURE_MM = 1.25
SPOT_MM = 3.0
"""Window for a reflective sensor; its own spot is 1 mm."""
CLEARANCE_MM = 0.5
GUIDE_MM = 120.0
RAIL_MM = 10.0
SCREW_MM = 3.2
PLATE_MM = 60.0


def plate_drawing(layout: Layout, bar: SensorBar) -> str:
    """Drill template of the black plate, at its true size, card's front up, as SVG."""
    high = layout.height_mm + CLEARANCE_MM + 2 * RAIL_MM
    x0, y0 = 52.0, 26.0
    x, top = x0 + 22.0, y0 + RAIL_MM + CLEARANCE_MM / 2
    wide_all, high_all = x0 + PLATE_MM + 70, y0 + high + 34
    shapes: list[Shape] = [box(0, 0, wide_all, high_all, PAPER, None)]
    shapes += [word(f"Aperture plate of the bar “{bar.id}”, 1 : 1", 8, 9, 4.6),
               word("black, opaque, 1.5 to 3 mm; seen from the card's front", 8, 15, 3.0, MUTED)]  # fmt: skip
    shapes += [box(x0, y0, PLATE_MM, high, "#ffffff", INK, 0.4)]
    shapes += [
        box(x0, y0, PLATE_MM, RAIL_MM, PALE, INK, THIN_MM),
        box(x0, y0 + high - RAIL_MM, PLATE_MM, RAIL_MM, PALE, INK, THIN_MM),
    ]
    for sx in (x0 + 5, x0 + PLATE_MM - 5):
        for sy in (y0 + 5, y0 + high - 5):
            shapes += _cross(sx, sy, SCREW_MM)
    for k, row in enumerate(bar.rows_mm):
        shapes += _cross(x, top + row, APERTURE_MM)
        shapes += [word(f"{k + 1}", x + 4, top + row + 1, 3.0), *_measure(x0, x, top + row, f"{row:g}")]
    gap = CLOCK_GAP * bar.pitch_mm
    for name, sx in (("T1", x), ("T2", x + gap)):
        shapes += _cross(sx, top + bar.track_mm, SPOT_MM)
        shapes += [word(name, sx, top + bar.track_mm - 3, 3.0, VIOLET, "middle")]
    shapes += [*_measure(x0, x, top + bar.track_mm, f"{bar.track_mm:g}")]
    shapes += across(x, x + gap, top + bar.track_mm + 7, f"{gap:g}")
    shapes += down(x0 + PLATE_MM + 6, top, top + layout.height_mm, f"card {layout.height_mm:g}")
    shapes += down(x0 + PLATE_MM + 40, y0, y0 + high, f"plate {high:g}")
    shapes += across(x0, x0 + PLATE_MM, y0 - 4, f"{PLATE_MM:g}")
    shapes += _entry(x0 + PLATE_MM + 4, y0 + 6)
    y = y0 + high + 10
    holes = f"rows: holes of {APERTURE_MM:g} mm (1 to 1.5); T1, T2: windows of {SPOT_MM:g} mm for reflective sensors"
    figures = "figures left: millimetres from the card's upper edge, ±0.2; T2 lies where the card comes in"
    shapes += [word(holes, 8, y, 2.8), word(figures, 8, y + 4.4, 2.8), *_ruler(8, y + 12)]
    return document(f"Aperture plate {bar.id}", wide_all, high_all, shapes)


def _measure(x0: float, x: float, y: float, text: str) -> Iterator[Shape]:
    yield wire((x0 - 16, y), (x - 2, y), ink=BLUE, line=0.12)
    yield word(text, x0 - 17, y + 1, 3.0, BLUE, "end")


def _cross(x: float, y: float, diameter: float) -> Iterator[Shape]:
    yield Circle(x, y, diameter / 2, "#ffffff", INK, 0.25)
    reach = diameter / 2 + 1.5
    yield wire((x - reach, y), (x + reach, y), line=0.12)
    yield wire((x, y - reach), (x, y + reach), line=0.12)


def _entry(x: float, y: float) -> Iterator[Shape]:
    yield wire((x + 26, y), (x + 8, y), ink=VIOLET, line=0.8)
    yield Polygon(((x + 4, y), (x + 9, y - 2.2), (x + 9, y + 2.2)), VIOLET)
    yield word("the card comes in", x + 4, y - 3.4, 2.8, VIOLET)


def _ruler(x: float, y: float) -> Iterator[Shape]:
    yield wire((x, y), (x + 100, y), line=0.3)
    for k in range(11):
        yield wire((x + 10 * k, y), (x + 10 * k, y - (3 if k % 5 == 0 else 2)), line=0.3)
    yield word("100 mm: measure this on paper", x + 103, y, 2.6, MUTED)


def guide_drawing(layout: Layout, bar: SensorBar) -> str:
    """The guide from above and its section along the card's way, as SVG."""
    wide, high = 250.0, layout.height_mm + 2 * RAIL_MM + 118
    x0, y0 = 60.0, 28.0
    channel = layout.height_mm + CLEARANCE_MM
    shapes: list[Shape] = [box(0, 0, wide, high, PAPER, None), word("The guide", 8, 9, 4.6)]
    shapes += [word("from above, 1 : 1; the card's front up, its left edge first", 8, 15, 3.0, MUTED)]
    for y in (y0, y0 + RAIL_MM + channel):
        shapes += [box(x0, y, GUIDE_MM, RAIL_MM, PALE, INK, 0.4)]
    mouth = 14.0
    for y, lip in ((y0 + RAIL_MM, -4.0), (y0 + RAIL_MM + channel, 4.0)):
        shapes += [wire((x0 + GUIDE_MM, y), (x0 + GUIDE_MM + mouth, y + lip), line=0.6)]
    shapes += [box(x0, y0 + RAIL_MM, GUIDE_MM, channel, "#ffffff", None)]
    middle, top = x0 + GUIDE_MM / 2 - 6, y0 + RAIL_MM + CLEARANCE_MM / 2
    for row in bar.rows_mm:
        shapes += _cross(middle, top + row, APERTURE_MM)
    for sx in (middle, middle + CLOCK_GAP * bar.pitch_mm):
        shapes += _cross(sx, top + bar.track_mm, SPOT_MM)
    brush = x0 + GUIDE_MM - 18
    shapes += [
        box(brush, y0 + RAIL_MM + 1, 4, channel - 2, "#efe4c8", MUTED, 0.2),
        word("brush", brush + 2, y0 + RAIL_MM + 6, 2.6, MUTED, "middle"),
    ]
    shapes += across(x0, x0 + GUIDE_MM, y0 - 4, f"{GUIDE_MM:g} (100 or more)")
    shapes += down(x0 - 34, y0 + RAIL_MM, y0 + RAIL_MM + channel, f"{channel:g} = card + {CLEARANCE_MM:g}")
    shapes += _entry(x0 + GUIDE_MM + 16, y0 + RAIL_MM + 30)
    shapes += _section(x0, y0 + 2 * RAIL_MM + channel + 20, middle)
    return document(f"Guide for the bar {bar.id}", wide, high, shapes)


def _section(x0: float, y: float, middle: float) -> Iterator[Shape]:
    """Along the card's way, heights four times too large."""
    yield word("section along the card's way, heights not to scale", 8, y - 8, 3.0, MUTED)
    yield box(x0, y + 22, GUIDE_MM, 8, "#44444c", INK, 0.3)
    yield box(x0, y + 10, GUIDE_MM, 8, "#44444c", INK, 0.3)
    yield box(x0 + 14, y + 19, GUIDE_MM + 30, 1.6, "#f3ead2", INK, 0.2)
    yield box(middle - 0.8, y + 10, 1.6, 8, PAPER, None)
    yield box(middle - 0.8, y + 22, 1.6, 8, PAPER, None)
    yield box(middle - 5, y + 32, 10, 7, VIOLET, INK, 0.3)
    yield word("940 nm LEDs", middle + 8, y + 38, 2.8, VIOLET)
    yield box(middle - 5, y + 1, 10, 7, "#ffffff", INK, 0.3)
    yield word("phototransistors, and the reflective clock sensors beside them", middle + 8, y + 5.6, 2.8)
    yield word("upper plate, black", x0 - 3, y + 15, 2.8, INK, "end")
    yield word("lower plate, black", x0 - 3, y + 27, 2.8, INK, "end")
    yield word("card ≥ 200 g/m², print up", x0 + GUIDE_MM + 4, y + 27, 2.8)
    yield from down(middle - 18, y + 8, y + 32, "")
    yield word("8 to 10", middle - 18, y + 6, 2.8, BLUE, "middle")
    slit = x0 + GUIDE_MM - 8
    yield wire((slit, y + 18), (slit, y + 22), ink=BLUE, line=0.8)
    yield wire((slit, y + 22), (slit, y + 43), ink=BLUE, line=THIN_MM)
    yield word("slit: 1.5 × the card's thickness, so that two cards do not fit", slit + 2, y + 47, 2.8, BLUE, "end")
    yield word("over all of it a lightproof hood, matt black inside", x0, y + 55, 2.8, MUTED)
