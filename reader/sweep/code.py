"""The code holes: where the printer's die struck, and nowhere else in their columns.

They name the layout; they show that every sensor sees a hole and sits in its place; and because they are all of one size,
the light they let through shows whether the rows still lie under their sensors, at both ends of the card.
"""

from __future__ import annotations

import math

import numpy as np

from cards.bar import Cell
from cards.layout import Layout, SensorBar
from reader.reading import Code, Reason
from reader.sweep.skew import POINT_MM, Lean, Skew, line
from reader.sweep.votes import Run, Votes

OPEN_MIN, CLEAR_MAX = 0.7, 0.1
OFF_MM = 1.0
"""A die strikes within 0.3 mm; the rest is measurement."""
CHORD = 0.88
"""Of a code hole's diameter, what its sensor must see of it: less, and the row has left its sensor by a millimetre."""
CHORD_WEAK = 0.84
"""The same for one sensor alone: less, and it is weak, dirty or in the wrong place."""
STEADY_MM = 0.4
"""Places known no better than this say nothing about a hole's size."""
LEANING, STRAIGHT = math.tan(math.radians(0.7)), math.tan(math.radians(0.45))
"""Where the hand stopped over the code holes their size is known less well. Then the card may lean no more than the one
when they look whole all the same, and no more than the other when they do not: so little takes no row off its sensor."""


def run_at(bar: SensorBar, cell: Cell, votes: Votes) -> Run | None:
    """The light nearest to a place's middle, within half a pitch."""
    x = bar.columns_mm[cell[1]]
    return min(votes.runs.get(cell, ()), key=lambda r: abs(r.middle_mm - x), default=None)


def code_leans(bar: SensorBar, code: frozenset[Cell], votes: Votes, skew: Skew) -> list[Lean]:
    """What the code holes of each column tell of the card's lean."""
    leans = []
    for column in sorted({c for _, c in code}):
        cells = sorted(cell for cell in code if cell[1] == column)
        runs = [r for cell in cells if (r := run_at(bar, cell, votes)) is not None]
        x = bar.columns_mm[column]
        seen = line(
            np.array([bar.rows_mm[r.row] for r in runs]), np.array([r.middle_mm - x for r in runs]), bar.track_mm
        )
        if seen is not None and len(runs) == len(cells):
            sigma = math.hypot(1.4 * POINT_MM, votes.unsure_mm[column]) / seen.spread_mm
            leans.append(Lean(x, float(skew.slope(np.array([x]))[0]) + seen.slope, sigma))
    return leans


def code_fault(layout: Layout, bar: SensorBar, code: frozenset[Cell], votes: Votes, skew: Skew) -> Reason | None:
    """Why the code holes are not the layout's, or not where they belong."""
    columns = sorted({c for _, c in code})
    chords: dict[Cell, float] = {}
    for column in columns:
        unsure = votes.unsure_mm[column]
        for row in range(len(bar.rows_mm)):
            share = float(votes.open[row, column])
            if (row, column) not in code:
                if share > CLEAR_MAX:
                    return Reason(Code.CODE_HOLES, found=f"{row + 1} × {column + 1}")
                continue
            run = run_at(bar, (row, column), votes)
            if run is None or share < OPEN_MIN - unsure / bar.pitch_mm:
                return Reason(Code.CODE_HOLES, found=f"{row + 1} × {column + 1}")
            if abs(run.middle_mm - bar.columns_mm[column]) > OFF_MM + 2 * unsure:
                return Reason(Code.CODE_HOLES, found=f"{row + 1} × {column + 1}")
            chords[row, column] = run.length_mm
    return _off_track(layout, bar, chords, votes, skew) or _weak(layout, bar, chords, votes)


def _weak(layout: Layout, bar: SensorBar, chords: dict[Cell, float], votes: Votes) -> Reason | None:
    for row in range(len(bar.rows_mm)):
        seen = [v + 2 * votes.unsure_mm[c] for (r, c), v in chords.items() if r == row]
        if seen and max(seen) < CHORD_WEAK * layout.hole.width_mm:
            return Reason(Code.SENSOR_WEAK, found=str(row + 1))
    return None


def _off_track(layout: Layout, bar: SensorBar, chords: dict[Cell, float], votes: Votes, skew: Skew) -> Reason | None:
    middle = bar.columns / 2
    leaning = float(np.abs(skew.slope(np.array([0.0, layout.width_mm]))).max())
    for end in ([c for c in chords if c[1] < middle], [c for c in chords if c[1] >= middle]):
        steady = [c for c in end if votes.unsure_mm[c[1]] <= STEADY_MM]
        short = float(np.median([chords[c] for c in steady or end])) < CHORD * layout.hole.width_mm
        if steady and short:
            return Reason(Code.OFF_TRACK)
        if not steady and leaning > (STRAIGHT if short else LEANING):
            return Reason(Code.UNSTEADY)
    return None
