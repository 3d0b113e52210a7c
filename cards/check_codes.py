"""What a layout's own code must satisfy: a value that fits, marks that a camera resolves, room for all of them."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from cards import draw
from cards.font import width_mm
from cards.layout import Layout, Marker
from cards.marks import aruco_dictionary, clear_half_mm, mark_cells

Place = tuple[str | int, ...]
CELL_MIN_MM = 0.5
"""A camera of 1640 pixels sees three pixels of this on a card of 210 mm; narrower cells run together."""


def code_findings(layout: Layout, hole_paper_mm: float) -> Iterator[tuple[Place, str]]:
    """Everything wrong with `identify`. `hole_paper_mm`: the paper that must stay between holes."""
    code = layout.identify
    if code.by == "code-holes":
        yield from _code_holes(layout, hole_paper_mm)
    elif code.by != "none":
        wrong = list(_values(layout))
        yield from wrong or _marks(layout)


def _code_holes(layout: Layout, needed: float) -> Iterator[tuple[Place, str]]:
    value, places = int(layout.identify.value or 0), layout.identify.markers
    most = 2 ** (len(places) - 1) - 1
    if value > most:
        yield (
            ("identify", "value"),
            f"{len(places)} places hold values up to {most} (the last is the check hole); add a place to `at`",
        )
    hole = layout.hole
    half = hole.width_mm / 2, hole.height_mm / 2
    others = [(p.name, p.x_mm, p.y_mm, 2 * hole.tolerance_mm) for p in layout.positions]
    for k, m in enumerate(places):
        at = ("identify", "at", k)
        if not _on_card(layout, m, (half[0] + needed, half[1] + needed)):
            yield at, f"this code hole leaves less than {needed:.1f} mm of paper to the card's edge; move it inwards"
        for name, x, y, slip in others:
            dx, dy = abs(m.x_mm - x), abs(m.y_mm - y)
            round_gap = float(np.hypot(dx, dy)) - hole.width_mm
            gap = round_gap if hole.shape == "circle" else max(dx - hole.width_mm, dy - hole.height_mm)
            # Two holes that a hand's slip could bring to one place would make the code lie.
            if gap < needed - 1e-6 or np.hypot(dx, dy) < slip + min(half) - 1e-6:
                yield at, f"this code hole stands too close to {name} ({gap:.1f} mm between edges); move it"
        yield from _over_print(layout, m, max(half), at)
        others.append((f"code hole {k + 1}", m.x_mm, m.y_mm, 0.0))


def _values(layout: Layout) -> Iterator[tuple[Place, str]]:
    code = layout.identify
    if code.by != "aruco":
        return
    dictionary = aruco_dictionary(code.dictionary or "")
    if dictionary is None:
        yield ("identify", "dictionary"), f"OpenCV has no dictionary {code.dictionary!r}; for example DICT_4X4_50"
        return
    for k, m in enumerate(code.markers):
        if m.value >= len(dictionary.bytesList):
            yield (
                ("identify", "markers", k, "value"),
                f"{code.dictionary} holds values 0 to {len(dictionary.bytesList) - 1}; found {m.value}",
            )


def _marks(layout: Layout) -> Iterator[tuple[Place, str]]:
    code = layout.identify
    hole = layout.hole
    for k, m in enumerate(code.markers):
        at: Place = ("identify", "markers", k, "at") if code.by == "aruco" else ("identify", "at", k)
        cell = (code.size_mm or 0.0) / len(mark_cells(layout, m))
        if cell < CELL_MIN_MM:
            needed = CELL_MIN_MM * len(mark_cells(layout, m))
            yield ("identify", "size_mm"), f"its cells are {cell:.2f} mm wide; a camera needs {needed:.1f} mm in all"
            return
        half = clear_half_mm(layout, m)
        if not _on_card(layout, m, (half, half)):
            yield (
                at,
                f"this mark and its clear margin ({2 * half:.1f} mm square) reach beyond the card; move it inwards",
            )
        for p in layout.positions:
            reach_x, reach_y = half + hole.width_mm / 2, half + hole.height_mm / 2
            if abs(p.x_mm - m.x_mm) < reach_x and abs(p.y_mm - m.y_mm) < reach_y:
                yield at, f"{p.name} would be punched into this mark or its clear margin; move one of them"
                break
        for j, other in enumerate(code.markers[:k]):
            if max(abs(other.x_mm - m.x_mm), abs(other.y_mm - m.y_mm)) < 2 * half:
                yield at, f"this mark overlaps mark {j + 1}; move it"
        yield from _over_print(layout, m, half, at)


def _on_card(layout: Layout, m: Marker, half_mm: tuple[float, float]) -> bool:
    """Whether a rectangle around the place lies on the card, off the cut corner."""
    cut = layout.corner_cut
    x = m.x_mm if "left" in cut.corner else layout.width_mm - m.x_mm
    y = m.y_mm if "top" in cut.corner else layout.height_mm - m.y_mm
    inside = (
        half_mm[0] <= m.x_mm <= layout.width_mm - half_mm[0] and half_mm[1] <= m.y_mm <= layout.height_mm - half_mm[1]
    )
    return inside and (x - half_mm[0]) / cut.dx_mm + (y - half_mm[1]) / cut.dy_mm >= 1


def _over_print(layout: Layout, m: Marker, half_mm: float, at: Place) -> Iterator[tuple[Place, str]]:
    """Text of any edition that runs into the square. The studio's own artwork is theirs to look at."""
    for language in layout.languages:
        for shape in draw.front(layout, language):
            if not isinstance(shape, draw.Line):
                continue
            long = width_mm(shape.text, shape.size_mm)
            left = shape.x_mm - (long / 2 if shape.anchor == "middle" else 0)
            apart_x = max(left - m.x_mm, m.x_mm - left - long)
            apart_y = max(shape.y_mm - 0.75 * shape.size_mm - m.y_mm, m.y_mm - shape.y_mm - 0.2 * shape.size_mm)
            if max(apart_x, apart_y) < half_mm - 1e-6:
                yield at, f"the text {shape.text[:30]!r} ({language}) runs into it; move it or shorten the text"
                return
