"""How the card leans: its two short edges and the code holes cross every row; their times tell by how much.

A card that leans by an angle brings row y too late by (y - strip) · slope. Each end gives two measurements, from the
paper's edge and from the code holes, and each is believed as far as the hand moved evenly while it was made.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from reader.sweep.track import Floats

POINT_MM = 0.18
"""How well one edge is placed when the hand moves evenly: aperture, threshold, print."""
BEYOND = 1.5
LEAN_PRIOR, TURN_PRIOR = 0.035, 0.005
"""Before anything is measured: a card leans by this slope (2°), and by this much more at one end than the other."""


@dataclass(frozen=True)
class Lean:
    """One measurement: at which place of the card, which slope, how sure (standard deviation)."""

    u_mm: float
    slope: float
    sigma: float


@dataclass(frozen=True)
class Skew:
    """The slope at place u is `middle` + `turn` · (u / width - 0.5); `sigma`: of the slope at the worse end."""

    width_mm: float
    middle: float
    turn: float
    sigma: float

    def slope(self, u_mm: Floats) -> Floats:
        """At each place, shape kept."""
        return np.asarray(self.middle + self.turn * (u_mm / self.width_mm - 0.5), np.float64)


@dataclass(frozen=True)
class Line:
    """A straight line through one crossing of the rows: slope, where it meets the strip's y, worst distance from it."""

    slope: float
    at_strip_mm: float
    worst_mm: float
    spread_mm: float


def line(rows_mm: Floats, places_mm: Floats, strip_mm: float) -> Line | None:
    """Least squares; `None` for fewer than three rows."""
    if len(rows_mm) < 3:
        return None
    y = rows_mm - rows_mm.mean()
    spread = float((y * y).sum())
    slope = float((y * (places_mm - places_mm.mean())).sum()) / spread
    rest = places_mm - places_mm.mean() - slope * y
    at_strip = float(places_mm.mean()) + slope * (strip_mm - float(rows_mm.mean()))
    return Line(slope, at_strip, float(np.abs(rest).max()), spread**0.5)


def combined(leans: list[Lean], width_mm: float) -> Skew:
    """All measurements weighed together."""
    a = np.array([[1.0, m.u_mm / width_mm - 0.5] for m in leans]).reshape(-1, 2)
    weight = np.array([1 / m.sigma**2 for m in leans])
    seen = np.array([m.slope for m in leans])
    inverse = np.diag([1 / LEAN_PRIOR**2, 1 / TURN_PRIOR**2]) + (a * weight[:, None]).T @ a
    spread = np.linalg.inv(inverse)
    middle, turn = spread @ (a * weight[:, None]).T @ seen
    ends = [np.array([1.0, half]) for half in (-0.5, 0.5)]
    sigma = max(float(np.sqrt(e @ spread @ e)) for e in ends)
    return Skew(width_mm, float(middle), float(turn), sigma)


def places_at(times: Floats, marks: tuple[Floats, Floats]) -> tuple[Floats, float]:
    """Places at these times by the marks around them, straight on beyond the last; and how far they may be off, in mm.

    A hand that speeds up or slows down between two marks moves the place by at most an eighth of their distance times
    the change of speed. Beyond `BEYOND` such distances from the last mark nothing is known: infinitely far off.
    """
    t, u = marks
    k = np.clip(np.searchsorted(t, times, side="right") - 1, 0, len(t) - 2)
    step_t, step_u = np.maximum(np.diff(t), 1e-9), np.diff(u)
    along = (times - t[k]) / step_t[k]
    speed = (step_u / step_t)[max(int(k.min()) - 1, 0) : int(k.max()) + 2]
    off = float(step_u[k].max()) / 8 * (float(speed.max() / speed.min()) - 1)
    if along.min() < -BEYOND or along.max() > 1 + BEYOND:
        off = float("inf")
    return u[k] + along * step_u[k], off
