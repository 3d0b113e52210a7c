"""Votes become scores and strays. What decides is `reader.reading.judge`; here is only gathered what speaks against it."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from cards.bar import Cell, cell_of
from cards.layout import Layout, Position, SensorBar
from reader.reading import Punch, Score, Stray, Thresholds, judge
from reader.sweep.votes import Run, Votes

AGREE = 0.5
"""Looks at one place differ by less than this share."""
REACH_MM = 0.8
"""A hole's middle is measured within this; further off its place than that and its tolerance it is a stray."""
LONG = 1.3
"""Light longer than this many diameters is two holes, or a tear."""
SPECK_MM = 0.6
"""Light shorter than this between the places is no hole of anybody's."""


def scores_of(
    layout: Layout, bar: SensorBar, votes: Sequence[Votes], thresholds: Thresholds
) -> dict[str, Score] | None:
    """Position name → score; `None` when one look is sure of a hole where another is sure that there is none."""
    opens = np.stack([v.open for v in votes])
    mean, low, high = opens.mean(axis=0), opens.min(axis=0), opens.max(axis=0)
    starts = np.stack([v.starts for v in votes]).max(axis=0)
    long = _long(layout, bar, votes)
    scores: dict[str, Score] = {}
    for p in layout.positions:
        cell = _cell(layout, bar, p)
        least, most, share = float(low[cell]), float(high[cell]), float(mean[cell])
        if (judge(Score(least), thresholds), judge(Score(most), thresholds)) == (Punch.CLEAR, Punch.PUNCHED):
            return None
        doubts = (
            *(("sliver",) if 0 < share <= thresholds.clear_max else ()),
            *(("flicker",) if starts[cell] > 1 else ()),
            *(("looks",) if most - least > AGREE else ()),
            *(("long",) if cell in long else ()),
        )
        scores[p.name] = Score(round(share, 4), _offset(bar, cell, votes[0], share), doubts)
    return scores


def _cell(layout: Layout, bar: SensorBar, position: Position) -> Cell:
    cell = cell_of(bar, position.x_mm, position.y_mm)
    if cell is None:
        raise ValueError(f"{layout.identity}: no sensor passes over {position.name}; run: logicienne cards check")
    return cell


def _long(layout: Layout, bar: SensorBar, votes: Sequence[Votes]) -> set[Cell]:
    """Places within light that is too long for one hole."""
    columns = np.array(bar.columns_mm)
    found: set[Cell] = set()
    for v in votes:
        for (row, column), runs in v.runs.items():
            for run in runs:
                if run.length_mm > LONG * layout.hole.width_mm + 2 * v.unsure_mm[column]:
                    within = np.abs(columns - run.middle_mm) < run.length_mm / 2
                    found |= {(row, int(c)) for c in np.flatnonzero(within)}
    return found


def _offset(bar: SensorBar, cell: Cell, votes: Votes, share: float) -> tuple[float, float]:
    over = votes.runs.get(cell, ())
    return (round(over[0].middle_mm - bar.columns_mm[cell[1]], 2), 0.0) if over and share > 0 else (0.0, 0.0)


def strays_of(layout: Layout, bar: SensorBar, code: frozenset[Cell], votes: Sequence[Votes]) -> tuple[Stray, ...]:
    """Light at no place, from the first look that saw any."""
    known = code | {_cell(layout, bar, p) for p in layout.positions}
    for v in votes:
        found = [run for cell, runs in v.runs.items() for run in runs if _is_stray(layout, bar, known, cell, run, v)]
        if found:
            return tuple(
                Stray(round(r.middle_mm, 1), bar.rows_mm[r.row], round(math.pi / 4 * r.length_mm**2, 1)) for r in found
            )
    return ()


def _is_stray(layout: Layout, bar: SensorBar, known: frozenset[Cell], cell: Cell, run: Run, votes: Votes) -> bool:
    if run.length_mm < SPECK_MM + votes.unsure_mm[cell[1]]:
        return False
    off = abs(run.middle_mm - bar.columns_mm[cell[1]])
    return cell not in known or off > layout.hole.tolerance_mm + REACH_MM + votes.unsure_mm[cell[1]]
