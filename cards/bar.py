"""What a card must satisfy so that a row of sensors can read it. `cards check` refuses the others, hole by hole.

The limits come from the parts: phototransistors behind apertures of 1 to 1.5 mm, a card moved by hand in a guide, two
reflective sensors on the printed strip of timing bars (`docs/sensors.md`).
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from cards.check import Finding, Place, hole_place
from cards.layout import CLOCK_GAP, Layout, Marker, SensorBar

HOLE_MIN_MM, HOLE_MAX_MM = 4.0, 6.0
PAPER_MM = 4.0
"""Between the holes of neighbouring columns: the light must go out in between, however a hand punched."""
ROW_MIN_MM = 6.35
"""Between sensors: a quarter of an inch, the narrowest that 5 mm parts and the holes' crosstalk allow."""
MARGIN_MM = 20.0
"""From the card's short edge to the nearest hole: all channels must be seen dark before the first hole comes."""
PRINT_SLACK_MM = 1.0
"""How far print may lie off the paper's edge."""
TRACK_MIN_MM = 6.0
"""A spot of 1 mm must stay on the strip though the card leans and plays in its guide."""
ON_PLACE_MM = 0.05

Cell = tuple[int, int]
"""Row and column on the bar's lattice, from 0."""


def findings(layout: Layout, places: dict[str, Place]) -> Iterator[Finding]:
    """Why a bar could not read this layout; nothing for a layout that names no bar."""
    bar = layout.sensor_bar
    if bar is None:
        return
    yield from _holes_and_pitch(layout, bar)
    yield from _rows(layout, bar)
    yield from _edges(layout, bar)
    yield from _positions(layout, bar, places)
    yield from _code(layout, bar)


def cell_of(bar: SensorBar, x_mm: float, y_mm: float) -> Cell | None:
    """The bar's place a hole's centre lies on; `None` when no sensor passes over it at any column."""
    column = round((x_mm - bar.first_mm) / bar.pitch_mm)
    if not 0 <= column < bar.columns or abs(bar.first_mm + column * bar.pitch_mm - x_mm) > ON_PLACE_MM:
        return None
    for row, y in enumerate(bar.rows_mm):
        if abs(y - y_mm) <= ON_PLACE_MM:
            return row, column
    return None


def code_cells(layout: Layout, bar: SensorBar) -> frozenset[Cell]:
    """The places on the bar's lattice where the printer punches a hole."""
    cells = (cell_of(bar, m.x_mm, m.y_mm) for m in layout.code_holes)
    return frozenset(c for c in cells if c is not None)


def _holes_and_pitch(layout: Layout, bar: SensorBar) -> Iterator[Finding]:
    hole = layout.hole
    if hole.shape != "circle" or not HOLE_MIN_MM <= hole.width_mm <= HOLE_MAX_MM:
        yield ("hole",), f"a sensor bar reads round holes of {HOLE_MIN_MM:g} to {HOLE_MAX_MM:g} mm; change the hole"
    if bar.pitch_mm < hole.width_mm + PAPER_MM - 1e-6:
        yield (
            ("sensor_bar", "columns", "pitch_mm"),
            f"{bar.pitch_mm:g} mm leave {bar.pitch_mm - hole.width_mm:.1f} mm of paper between holes, "
            f"{PAPER_MM:g} needed; space the columns wider",
        )


def _rows(layout: Layout, bar: SensorBar) -> Iterator[Finding]:
    for k, (above, below) in enumerate(pairwise(bar.rows_mm)):
        if below - above < ROW_MIN_MM - 1e-6:
            yield (
                ("sensor_bar", "rows_mm", k + 1),
                f"{below - above:g} mm below the sensor before it, {ROW_MIN_MM:g} needed; list the rows from the top and move it",
            )
    half = layout.hole.width_mm / 2
    for k, y in enumerate(bar.rows_mm):
        if not half < y < layout.height_mm - half:
            yield ("sensor_bar", "rows_mm", k), f"a sensor at {y:g} mm passes beside the card's holes; move it"
    top, bottom = bar.track_span_mm
    at = ("sensor_bar", "track")
    if bar.track_height_mm < TRACK_MIN_MM:
        yield at, f"the timing strip is {bar.track_height_mm:g} mm high, {TRACK_MIN_MM:g} needed"
    if top < 0 or bottom > layout.height_mm:
        yield at, "the timing strip runs off the card; move it"
    if any(top - half < y < bottom + half for y in bar.rows_mm):
        yield at, "a row of holes cuts into the timing strip; move one of them"
    if abs(layout.height_mm - 2 * bar.track_mm) < bar.track_height_mm:
        yield at, "turned upside down the card would show its strip to the clock too; move it towards one long edge"


def _edges(layout: Layout, bar: SensorBar) -> Iterator[Finding]:
    ends = (("left", bar.first_mm), ("right", layout.width_mm - bar.columns_mm[-1]))
    for side, centre in ends:
        at = ("sensor_bar", "columns")
        margin = centre - layout.hole.width_mm / 2
        # The clock pair is whole only this far into the card; the last hole's vote must be over by then.
        needed = max(MARGIN_MM, (CLOCK_GAP + 0.5) * bar.pitch_mm)
        if margin < needed:
            yield at, f"{margin:.1f} mm from the {side} edge to the nearest hole, {needed:.1f} needed; move the columns"
        off = abs((centre + bar.pitch_mm / 2) % bar.pitch_mm - bar.pitch_mm / 2)
        if off > bar.pitch_mm / 4 - PRINT_SLACK_MM:
            yield (
                at,
                f"the {side} edge lies {off:.1f} mm from a timing bar's middle, {bar.pitch_mm / 4 - PRINT_SLACK_MM:.1f} at "
                "most, or the first mark is counted wrongly when print lies off the paper's edge; move the columns",
            )


def _positions(layout: Layout, bar: SensorBar, places: dict[str, Place]) -> Iterator[Finding]:
    used: dict[Cell, str] = dict.fromkeys(code_cells(layout, bar), "a code hole")
    code_columns = {column for _, column in used}
    for q in layout.questions:
        for k, p in enumerate(q.positions):
            at = hole_place(places[q.id], q, k)
            cell = cell_of(bar, p.x_mm, p.y_mm)
            if cell is None:
                yield at, f"{p.name} at {p.x_mm:g}, {p.y_mm:g} mm: no sensor passes there at any column; move it"
            elif cell[1] in code_columns:
                yield at, f"{p.name} stands in column {cell[1] + 1}, which holds code holes; move it"
            else:
                used[cell] = p.name
    for column in range(bar.columns):
        if all((row, column) in used for row in range(len(bar.rows_mm))):
            names = ", ".join(used[row, column] for row in range(len(bar.rows_mm)))
            yield (
                ("sensor_bar", "rows_mm"),
                f"column {column + 1} may be punched at every sensor ({names}) and would look like the card's end; "
                "leave one place free, or add a sensor where nothing is ever punched",
            )


def _code(layout: Layout, bar: SensorBar) -> Iterator[Finding]:
    at = ("identify", "at")
    if layout.identify.by != "code-holes":
        yield ("identify", "by"), "a sensor bar tells cards by their code holes; say `by: code-holes`"
        return
    for k, m in enumerate(layout.identify.markers):
        if cell_of(bar, m.x_mm, m.y_mm) is None:
            yield (*at, k), f"{_place(m)}: no sensor passes there at any column; move the code hole"
    cells = code_cells(layout, bar)
    columns = {column for _, column in cells}
    if not {0, bar.columns - 1} <= columns:
        yield at, f"code holes must stand in the first and the last column (1 and {bar.columns})"
    marks = {row: frozenset(c for r, c in cells if r == row) for row in range(len(bar.rows_mm))}
    seen: dict[frozenset[int], int] = {}
    for row, mark in marks.items():
        if not mark:
            yield at, f"sensor {row + 1} meets no code hole, so nobody would notice when it fails; give it one"
        elif mark in seen:
            yield (
                at,
                f"sensors {seen[mark] + 1} and {row + 1} meet code holes in the same columns, so nobody would notice when "
                "they are swapped; give each its own columns",
            )
        seen.setdefault(mark, row)
    rows, last = len(bar.rows_mm) - 1, bar.columns - 1
    turned = (
        {(rows - r, c) for r, c in cells},
        {(r, last - c) for r, c in cells},
        {(rows - r, last - c) for r, c in cells},
    )
    if cells in turned:
        yield at, "the code holes look the same when the card is turned over or round; move one"


def _place(marker: Marker) -> str:
    return f"{marker.x_mm:g}, {marker.y_mm:g} mm"
