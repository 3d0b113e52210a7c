"""Votes become scores and strays. What decides is `reader.reading.judge`; here is only gathered what speaks against it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from cards.bar import Cell, cell_of
from cards.layout import Layout, SensorBar
from reader.reading import Punch, Score, Stray, Thresholds, judge
from reader.sweep.votes import SAMPLES, Run, Votes

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
    scores: dict[str, Score] = {}
    for p in layout.positions:
        cell = cell_of(bar, p.x_mm, p.y_mm)
        if cell is None:
            raise ValueError(f"{layout.identity}: no sensor passes over {p.name}; run: logicienne cards check")
        shares = [float(v.open[cell]) for v in votes]
        sure = {judge(Score(share), thresholds) for share in shares}
        if {Punch.PUNCHED, Punch.CLEAR} <= sure:
            return None
        share = float(np.mean(shares))
        doubts = _doubts(layout, bar, cell, votes, share, max(shares) - min(shares), thresholds)
        scores[p.name] = Score(round(share, 4), _offset(bar, cell, votes[0], share), doubts)
    return scores


def _doubts(
    layout: Layout,
    bar: SensorBar,
    cell: Cell,
    votes: Sequence[Votes],
    share: float,
    spread: float,
    thresholds: Thresholds,
) -> tuple[str, ...]:
    doubts = []
    if 0 < share <= thresholds.clear_max:
        doubts.append("sliver")
    if any(_changes(v, cell) > 1 for v in votes):
        doubts.append("flicker")
    if spread > AGREE:
        doubts.append("looks")
    x = bar.columns_mm[cell[1]]
    for v in votes:
        longest = LONG * layout.hole.width_mm + 2 * float(v.unsure_mm[cell[1]])
        if any(r.row == cell[0] and abs(r.middle_mm - x) < r.length_mm / 2 and r.length_mm > longest for r in v.runs):
            doubts.append("long")
            break
    return tuple(doubts)


def _changes(votes: Votes, cell: Cell) -> int:
    """How often light begins anew in a place's vote."""
    middle = votes.light[cell][SAMPLES // 4 : -SAMPLES // 4].astype(np.int8)
    return int((np.diff(middle, prepend=0) == 1).sum())


def _offset(bar: SensorBar, cell: Cell, votes: Votes, share: float) -> tuple[float, float]:
    x = bar.columns_mm[cell[1]]
    over = [r for r in votes.runs if r.row == cell[0] and abs(r.middle_mm - x) < bar.pitch_mm / 2]
    return (round(over[0].middle_mm - x, 2), 0.0) if over and share > 0 else (0.0, 0.0)


def strays_of(layout: Layout, bar: SensorBar, code: frozenset[Cell], votes: Sequence[Votes]) -> tuple[Stray, ...]:
    """Light at no place, from the first look that saw any."""
    known = code | {c for p in layout.positions if (c := cell_of(bar, p.x_mm, p.y_mm)) is not None}
    for v in votes:
        found = [r for r in v.runs if _is_stray(layout, bar, known, r, v)]
        if found:
            return tuple(
                Stray(round(r.middle_mm, 1), bar.rows_mm[r.row], round(np.pi / 4 * r.length_mm**2, 1)) for r in found
            )
    return ()


def _is_stray(layout: Layout, bar: SensorBar, known: frozenset[Cell], run: Run, votes: Votes) -> bool:
    column = int(np.clip(round((run.middle_mm - bar.first_mm) / bar.pitch_mm), 0, bar.columns - 1))
    unsure = float(votes.unsure_mm[column])
    if run.length_mm < SPECK_MM:
        return False
    off = abs(run.middle_mm - bar.columns_mm[column])
    return (run.row, column) not in known or off > layout.hole.tolerance_mm + REACH_MM + unsure
