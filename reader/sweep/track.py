"""What the two clock sensors meet on a card that moves evenly past the bar: the printed strip as a list of edges.

`u` is the place on the card, in mm from its left edge along the strip, that lies under the data sensors: below 0 the
card has not come yet, beyond its width it is gone. Clock sensor 0 sees place u, clock sensor 1 place u + 1.25 pitches.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from cards.layout import CLOCK_GAP, Layout, SensorBar

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
BOTH = 3
"""The state in which both clock sensors see paper; states are 2·(sensor 0) + (sensor 1)."""


@dataclass(frozen=True, eq=False)
class Track:
    """Edges in the order of u. State j lies between edges j and j + 1.

    u_mm: (n,) where; sensor: (n,) which of the two; level: (n,) 1 when it sees paper from there on.
    lo, hi: the first and the last state in which both see paper. From lo to hi each state is a quarter of a pitch long.
    step_mm: that quarter.
    """

    u_mm: Floats
    sensor: Ints
    level: Ints
    lo: int
    hi: int
    step_mm: float


@lru_cache(maxsize=32)
def track_of(width_mm: float, bar: SensorBar) -> Track:
    """The strip of a card of this width."""
    quarter = bar.pitch_mm / 4
    first = bar.first_mm - np.ceil(bar.first_mm / bar.pitch_mm + 1) * bar.pitch_mm
    middles = np.arange(first, width_mm + bar.pitch_mm, bar.pitch_mm)
    edges = np.concatenate([middles - quarter, middles + quarter])
    level = np.concatenate([np.zeros(len(middles), np.int64), np.ones(len(middles), np.int64)])
    on_card = (edges > 0) & (edges < width_mm)
    edges, level = edges[on_card], level[on_card]
    u = np.concatenate([edges, edges - CLOCK_GAP * bar.pitch_mm])
    sensor = np.repeat(np.array([0, 1], np.int64), len(edges))
    order = np.argsort(u, kind="stable")
    u, sensor, level = u[order], sensor[order], np.concatenate([level, level])[order]
    both = np.flatnonzero(_states(sensor, level) == BOTH)
    return Track(u, sensor, level, int(both[0]), int(both[-1]), quarter)


def _states(sensor: Ints, level: Ints) -> Ints:
    seen = [0, 0]
    states = []
    for s, v in zip(sensor, level, strict=True):
        seen[s] = int(v)
        states.append(2 * seen[0] + seen[1])
    return np.array(states, np.int64)


def edges_mm(layout: Layout, bar: SensorBar) -> tuple[Floats, Floats]:
    """Where the card begins and ends at each row, (rows,) each: the corner that is cut comes later or goes earlier."""
    cut = layout.corner_cut
    rows = np.array(bar.rows_mm)
    from_corner = rows if cut.corner.startswith("top") else layout.height_mm - rows
    missing = np.maximum(0.0, 1 - from_corner / cut.dy_mm) * cut.dx_mm
    left, right = np.zeros(len(rows)), np.full(len(rows), layout.width_mm)
    return (left + missing, right) if cut.corner.endswith("left") else (left, right - missing)
