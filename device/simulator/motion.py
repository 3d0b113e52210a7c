"""How a hand moves a card: smooth reaches, stops, steps back, tremor. All as one path over time.

A reach follows the minimum-jerk profile that people's hands follow (Flash and Hogan 1985); its peak speed is 1.875 times
its mean. Tremor of a resting hand: 8 to 12 Hz, tenths of a millimetre.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
RATE_HZ = 1000.0
OUTSIDE_MM = 40.0
"""The path begins and ends so far outside the card."""


@dataclass(frozen=True, eq=False)
class Path:
    """Times and places: `u_mm` is what lies under the data sensors, below 0 before the card, beyond its width after."""

    t_s: Floats
    u_mm: Floats

    def lagging(self, play_mm: float) -> Path:
        """The path as a comparator with hysteresis sees it: turning back costs twice `play_mm` first."""
        if play_mm <= 0:
            return self
        u = self.u_mm
        turns = np.flatnonzero(np.diff(np.sign(np.diff(u))) != 0) + 1
        cuts = np.concatenate([[0], turns, [len(u) - 1]])
        seen = np.empty_like(u)
        seen[0] = last = u[0]
        for a, b in pairwise(cuts.tolist()):
            leg = u[a + 1 : b + 1]
            if not len(leg):
                continue
            rising = u[b] >= u[a]
            seen[a + 1 : b + 1] = np.maximum(last, leg - play_mm) if rising else np.minimum(last, leg + play_mm)
            last = seen[b]
        return replace(self, u_mm=seen)


@dataclass(frozen=True)
class Manner:
    """How a hand feeds.

    speed_m_s: peak speed of its reaches. stops, reversals: how many of each on the way; stop_s: how long a stop lasts;
    back_mm: how far it steps back. tremor_mm: amplitude while it rests, a third of it while it moves.
    """

    speed_m_s: float = 0.3
    stops: int = 0
    reversals: int = 0
    stop_s: tuple[float, float] = (0.1, 1.2)
    back_mm: tuple[float, float] = (1.0, 40.0)
    tremor_mm: float = 0.0


def through(width_mm: float, manner: Manner, rng: np.random.Generator) -> Path:
    """In on the one side, out on the other."""
    return _path(_stations(-OUTSIDE_MM, width_mm + OUTSIDE_MM, manner, rng), manner, rng)


def in_and_out(width_mm: float, reach_mm: float, manner: Manner, rng: np.random.Generator) -> Path:
    """In as far as `reach_mm`, and pulled back out where it came from."""
    there = _stations(-OUTSIDE_MM, reach_mm, manner, rng)
    back = [width_mm - u for u in _stations(width_mm - reach_mm, width_mm + OUTSIDE_MM, manner, rng)]
    return _path([*there, *back[1:]], manner, rng)


def backwards(width_mm: float, path: Path) -> Path:
    """Fed from the far side: the right edge first."""
    return replace(path, u_mm=width_mm - path.u_mm)


def _stations(start_mm: float, end_mm: float, manner: Manner, rng: np.random.Generator) -> list[float]:
    """Where the hand comes to rest, in order."""
    rests = [(float(u), 0.0) for u in rng.uniform(start_mm + 20, end_mm - 5, manner.stops)]
    rests += [
        (float(u), float(rng.uniform(*manner.back_mm)))
        for u in rng.uniform(start_mm + 20, end_mm - 5, manner.reversals)
    ]
    stations = [start_mm]
    for u, back in sorted(rests):
        stations.append(u)
        if back:
            stations.append(max(u - back, start_mm))
    return [*stations, end_mm]


def _path(stations: Sequence[float], manner: Manner, rng: np.random.Generator) -> Path:
    pieces: list[Floats] = []
    resting: list[Floats] = []
    for k, (a, b) in enumerate(pairwise(stations)):
        peak = manner.speed_m_s * 1000 * rng.uniform(0.6, 1.0)
        # A short step is slower than a long one: hands accelerate at 10 m/s² or so.
        seconds = max(1.875 * abs(b - a) / peak, float(np.sqrt(5.77 * abs(b - a) / 10_000)), 0.02)
        n = max(3, int(seconds * RATE_HZ))
        s = np.arange(n) / n
        pieces.append(a + (b - a) * (10 * s**3 - 15 * s**4 + 6 * s**5))
        resting.append(np.full(n, 1 / 3))
        if 0 < k + 1 < len(stations) - 1:
            n = max(1, int(rng.uniform(*manner.stop_s) * RATE_HZ)) if manner.stops or manner.reversals else 1
            pieces.append(np.full(n, b))
            resting.append(np.ones(n))
    u = np.concatenate([*pieces, [stations[-1]]])
    t = np.arange(len(u)) / RATE_HZ
    if manner.tremor_mm > 0:
        u = u + manner.tremor_mm * _tremor(t, rng) * np.concatenate([*resting, [1 / 3]])
    u[0], u[-1] = stations[0], stations[-1]
    return Path(t, u)


def _tremor(t: Floats, rng: np.random.Generator) -> Floats:
    """Three beats between 8 and 12 Hz: amplitude about 1."""
    total = np.zeros_like(t)
    for hertz, phase in zip(rng.uniform(8, 12, 3), rng.uniform(0, 2 * np.pi, 3), strict=True):
        total += np.sin(2 * np.pi * hertz * t + phase)
    return total / 1.8
