"""A card's printed faces as plain shapes in millimetres; `cards.svg` and `cards.raster` put them on paper and screen.

One edition per language, all on the same positions: a reader never needs to know which edition it sees.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

from cards.font import width_mm
from cards.layout import SOFT_HYPHEN, Layout, Marker, Position, Question, Text, plain
from cards.marks import clear_half_mm, mark_cells

Points = tuple[tuple[float, float], ...]

PAPER = "#fbf6e9"
INK = "#2b2b33"
MUTED = "#8d8676"
MARK_INK = "#000000"
"""Codes are printed as dark as can be: the camera needs the contrast."""
TIMING = "#111111"
"""Laser or pigment black: many dye inks vanish in infrared."""
THEME_INKS = ("#b3541e", "#2f6f62", "#6a4c93", "#2b5c8a", "#8a6d1f")
"""One per theme, in the order the layout names them. All stay light enough beside a hole's darkness once tinted."""
TITLE_MM, QUESTION_MM, LABEL_MM, LABEL_MIN_MM = 4.0, 2.35, 1.95, 1.4
RING_MM = 0.25
TRIM_MM = 1.8
"""Nothing is printed nearer to the card's edge: sheets are cut by stacks."""
FACE_MM = 0.22


@dataclass(frozen=True)
class Polygon:
    """A closed or open line through points, filled or not."""

    points: Points
    fill: str | None = None
    stroke: str | None = None
    stroke_mm: float = 0.0
    closed: bool = True


@dataclass(frozen=True)
class Circle:
    """A circle, filled or not."""

    x_mm: float
    y_mm: float
    radius_mm: float
    fill: str | None = None
    stroke: str | None = None
    stroke_mm: float = 0.0


@dataclass(frozen=True)
class Line:
    """One line of text, already broken. `y_mm`: its baseline; `size_mm`: the height of its font's em square."""

    text: str
    x_mm: float
    y_mm: float
    size_mm: float
    ink: str
    anchor: Literal["start", "middle"] = "start"


Shape = Polygon | Circle | Line


def outline(layout: Layout) -> Points:
    """The card's outline with its corner cut, clockwise from the top-left."""
    w, h, cut = layout.width_mm, layout.height_mm, layout.corner_cut
    corners = {
        "top-left": ((0.0, cut.dy_mm), (cut.dx_mm, 0.0)),
        "top-right": ((w - cut.dx_mm, 0.0), (w, cut.dy_mm)),
        "bottom-right": ((w, h - cut.dy_mm), (w - cut.dx_mm, h)),
        "bottom-left": ((cut.dx_mm, h), (0.0, h - cut.dy_mm)),
    }
    plain = {"top-left": (0.0, 0.0), "top-right": (w, 0.0), "bottom-right": (w, h), "bottom-left": (0.0, h)}
    points: list[tuple[float, float]] = []
    for name, corner in plain.items():
        points += corners[name] if name == cut.corner else (corner,)
    return tuple(points)


def front(layout: Layout, language: str) -> list[Shape]:
    """The front as the resident sees it. A language the layout lacks falls back to its first."""
    shapes: list[Shape] = [Polygon(outline(layout), fill=PAPER)]
    inks = _inks(layout)
    shapes += _timing(layout)
    shapes += _code_holes(layout)
    shapes += _title(layout, language)
    shapes += _dividers(layout)
    for question in layout.questions:
        shapes += _question(question, layout, language, inks.get(question.theme or "", INK))
    if layout.identify.by in ("aruco", "qr"):
        for marker in layout.identify.markers:
            shapes += _mark(layout, marker)
    return shapes


def _mark(layout: Layout, marker: Marker) -> Iterator[Shape]:
    """A printed code as black rectangles, one for each run of dark cells."""
    cells = mark_cells(layout, marker)
    side = (layout.identify.size_mm or 0.0) / len(cells)
    left, top = marker.x_mm - side * len(cells) / 2, marker.y_mm - side * len(cells) / 2
    for row, line in enumerate(cells):
        ends = [0, *(k for k in range(1, len(line)) if line[k] != line[k - 1]), len(line)]
        for start, end in pairwise(ends):
            if line[start]:
                x, y, x2, y2 = left + start * side, top + row * side, left + end * side, top + (row + 1) * side
                yield Polygon(((x, y), (x2, y), (x2, y2), (x, y2)), fill=MARK_INK)


def back(layout: Layout, language: str) -> list[Shape]:
    """The back, as seen when the card is turned over left to right: quiet paper, and which card this is.

    Nothing is printed where a hole may be: letters of a hole's size would look like a half-open one.
    """
    w, h = layout.width_mm, layout.height_mm
    mirrored = tuple((w - x, y) for x, y in outline(layout))
    shapes: list[Shape] = [Polygon(mirrored, fill=PAPER)]
    free = _free_bands(layout)
    title = _text(layout.title, language)
    top, bottom = max(free, key=lambda band: (min(band[1] - band[0], 9.0), -abs(band[0] + band[1] - h)))
    size = min(7.0, _fitting(title, w * 0.8, 7.0), bottom - top - 1.0)
    if size >= LABEL_MIN_MM:
        shapes.append(Line(title, w / 2, (top + bottom) / 2 + 0.36 * size, size, MUTED, "middle"))
    for k, ink in enumerate(_inks(layout).values()):
        y = bottom - 0.4 - 0.8 * k
        if y > (top + bottom) / 2 + 0.6 * size:
            shapes.append(Polygon(((w * 0.3, y), (w * 0.7, y)), stroke=ink, stroke_mm=0.4, closed=False))
    low, foot = free[-1]
    size = min(2.2, foot - low)
    if (low, foot) != (top, bottom) and size >= LABEL_MIN_MM:
        shapes.append(Line(layout.identity, w / 2, foot - 0.3, size, MUTED, "middle"))
    return shapes


def _free_bands(layout: Layout) -> list[tuple[float, float]]:
    """(top, bottom) of the strips across the card, in mm, in which no hole may be, wherever a hand punches it.

    Nor the timing strip: a card that lies on its face must look blank to the clock.
    """
    reach = layout.hole.height_mm / 2 + layout.hole.tolerance_mm
    places = [p.y_mm for p in layout.positions] + [m.y_mm for m in layout.identify.markers]
    taken = [(y - reach, y + reach) for y in places]
    if layout.sensor_bar is not None:
        taken.append(layout.sensor_bar.track_span_mm)
    bands, top = [], TRIM_MM
    for above, below in sorted(taken):
        if above > top:
            bands.append((top, above))
        top = max(top, below)
    if top < layout.height_mm - TRIM_MM:
        bands.append((top, layout.height_mm - TRIM_MM))
    return bands or [(0.0, 0.0)]


def _timing(layout: Layout) -> Iterator[Shape]:
    """The strip that the clock sensors look at: bars of half a pitch, centred on the columns, from edge to edge."""
    bar = layout.sensor_bar
    if bar is None:
        return
    top, bottom = bar.track_span_mm
    first = bar.first_mm - math.ceil(bar.first_mm / bar.pitch_mm + 0.5) * bar.pitch_mm
    for k in range(math.ceil((layout.width_mm - first) / bar.pitch_mm) + 1):
        middle = first + k * bar.pitch_mm
        left = max(0.0, middle - bar.pitch_mm / 4)
        right = min(layout.width_mm, middle + bar.pitch_mm / 4)
        if right > left:
            yield Polygon(((left, top), (right, top), (right, bottom), (left, bottom)), fill=TIMING)


def _code_holes(layout: Layout) -> Iterator[Shape]:
    """Where the printer's die strikes: a hair-thin circle, unlike the rings that residents punch."""
    for m in layout.code_holes:
        yield Circle(m.x_mm, m.y_mm, layout.hole.width_mm / 2, stroke=tint(MUTED, 0.7), stroke_mm=0.12)


def _dividers(layout: Layout) -> Iterator[Shape]:
    """A fine line between blocks of different themes that stand too close for paper alone to part them."""
    blocks: dict[str | None, list[Position]] = {}
    for question in layout.questions:
        blocks.setdefault(question.theme, []).extend(question.positions)
    spans = sorted((min(p.x_mm for p in b), max(p.x_mm for p in b), b) for b in blocks.values())
    for (_, right, before), (left, _, after) in pairwise(spans):
        if 0 < left - right < 2.5 * layout.hole.width_mm:
            x, ys = (left + right) / 2, [p.y_mm for p in (*before, *after)]
            top, bottom = min(ys) - layout.hole.height_mm - 0.5, max(ys) + layout.hole.height_mm + 1.5
            yield Polygon(((x, top), (x, bottom)), stroke=tint(MUTED, 0.6), stroke_mm=0.15, closed=False)


def _inks(layout: Layout) -> dict[str, str]:
    themes = dict.fromkeys(q.theme for q in layout.questions if q.theme)
    return {theme: THEME_INKS[k % len(THEME_INKS)] for k, theme in enumerate(themes)}


def _text(text: Text, language: str) -> str:
    return text.get(language) or next(iter(text.values()), "")


def _title(layout: Layout, language: str) -> Iterator[Shape]:
    text = _text(layout.title, language)
    left = 4.0 + (layout.corner_cut.dx_mm if layout.corner_cut.corner == "top-left" else 0.0)
    top = min((p.y_mm for p in layout.positions), default=layout.height_mm) - layout.hole.height_mm / 2
    # Above the first row of holes and its question there must be room for a line, or the card has no title.
    if top < TITLE_MM + QUESTION_MM + 3:
        return
    right = layout.width_mm - 4
    for marker in layout.identify.markers if layout.identify.by in ("aruco", "qr") else ():
        half = clear_half_mm(layout, marker)
        if marker.y_mm - half < 2.0 + 1.3 * TITLE_MM:
            if marker.x_mm < layout.width_mm / 2:
                left = max(left, marker.x_mm + half)
            else:
                right = min(right, marker.x_mm - half)
    size = min(TITLE_MM, _fitting(text, right - left, TITLE_MM))
    yield Line(text, left, 2.0 + size, size, INK)


def _question(question: Question, layout: Layout, language: str, ink: str) -> Iterator[Shape]:
    positions = question.positions
    hole = layout.hole
    left = min(p.x_mm for p in positions) - hole.width_mm / 2
    right = max(p.x_mm for p in positions) + hole.width_mm / 2
    top = min(p.y_mm for p in positions) - hole.height_mm / 2
    text = _text(question.text, language)
    room = right - left
    if hole.shape == "circle" and room > 12 and top > QUESTION_MM + 1:
        size = min(QUESTION_MM, _fitting(text, room, QUESTION_MM))
        if size >= LABEL_MIN_MM:
            yield Line(text, left, top - 1.1, size, ink)
        else:
            first, second = wrap(text, LABEL_MIN_MM + 0.3)
            yield Line(first, left, top - 1.1 - LABEL_MIN_MM - 0.6, LABEL_MIN_MM + 0.3, ink)
            yield Line(second, left, top - 1.1, LABEL_MIN_MM + 0.3, ink)
    pitch = _pitch(positions, hole.width_mm)
    for k, position in enumerate(positions):
        yield from _ring(position, layout, ink)
        if question.columns is not None:
            yield from _row_name(position, layout)
            continue
        if question.answer == "scale":
            yield from _face(position, layout, k, len(positions))
        label = _text(question.choices[k].text, language)
        yield from _label(label, position, layout, pitch)


def _ring(p: Position, layout: Layout, ink: str) -> Iterator[Shape]:
    hole = layout.hole
    if hole.shape == "circle":
        yield Circle(p.x_mm, p.y_mm, hole.width_mm / 2 - RING_MM / 2, stroke=tint(ink, 0.5), stroke_mm=RING_MM)


def _row_name(p: Position, layout: Layout) -> Iterator[Shape]:
    name = p.choice.rpartition(".")[2]
    size = 0.5 * min(layout.hole.height_mm, 3 * layout.hole.width_mm)
    yield Line(name, p.x_mm, p.y_mm + 0.36 * size, size, tint(INK, 0.55), "middle")


def _face(p: Position, layout: Layout, k: int, count: int) -> Iterator[Shape]:
    """From a smile to a frown, for those who do not read: pale, so that no machine takes it for a hole."""
    r = layout.hole.width_mm / 2
    pale = tint(INK, 0.55)
    yield Circle(p.x_mm - 0.32 * r, p.y_mm - 0.22 * r, 0.09 * r, fill=pale)
    yield Circle(p.x_mm + 0.32 * r, p.y_mm - 0.22 * r, 0.09 * r, fill=pale)
    mood = 1 - 2 * k / max(count - 1, 1)
    mouth = tuple(
        (p.x_mm + u * 0.42 * r, p.y_mm + (0.34 + 0.26 * mood * (0.5 - u * u)) * r)
        for u in (-1, -0.6, -0.2, 0.2, 0.6, 1)
    )
    yield Polygon(mouth, stroke=pale, stroke_mm=FACE_MM, closed=False)


def _label(text: str, p: Position, layout: Layout, pitch_mm: float) -> Iterator[Shape]:
    if not text or layout.hole.shape != "circle":
        return
    room = pitch_mm - 0.4
    lines = (plain(text),) if width_mm(plain(text), LABEL_MM) <= room else wrap(text, LABEL_MM)
    size = min(LABEL_MM, *(_fitting(line, room, LABEL_MM) for line in lines))
    y = p.y_mm + layout.hole.height_mm / 2 + 0.5
    for k, line in enumerate(lines):
        yield Line(line, p.x_mm, y + (k + 0.8) * size * 1.02, size, INK, "middle")


def _pitch(positions: Sequence[Position], least_mm: float) -> float:
    xs = sorted({p.x_mm for p in positions})
    return min((b - a for a, b in pairwise(xs)), default=4 * least_mm)


def wrap(text: str, size_mm: float) -> tuple[str, str]:
    """In two lines, the wider as narrow as can be: at a space or, with a hyphen, at a soft hyphen."""
    breaks = [k for k, sign in enumerate(text) if sign in (" ", SOFT_HYPHEN)]
    ways = [
        (plain(text[:k]) + ("-" if text[k] == SOFT_HYPHEN else ""), plain(text[k + 1 :]))
        for k in breaks
    ]  # fmt: skip
    return min(ways, key=lambda lines: max(width_mm(line, size_mm) for line in lines), default=(plain(text), ""))


def _fitting(text: str, room_mm: float, size_mm: float) -> float:
    """The size at which the line is no wider than its room, at most `size_mm`."""
    return size_mm * min(1.0, room_mm / max(width_mm(text, size_mm), 1e-6))


def tint(ink: str, share: float) -> str:
    """The ink on paper at this share: 1 is the ink itself, 0 the paper."""
    mixed = (
        round(int(ink[k : k + 2], 16) * share + int(PAPER[k : k + 2], 16) * (1 - share)) for k in (1, 3, 5)
    )  # fmt: skip
    return "#" + "".join(f"{v:02x}" for v in mixed)
