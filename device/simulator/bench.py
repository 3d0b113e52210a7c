"""A bar of sensors at rest, as it is today: levels at any light, with no card or with one that is drawn through.

The data sensors are those of `feed.Bar`; the unit of their gains and thresholds is what a sensor gets through air at
`NOMINAL` light. A clock sensor brings its own light.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from cards.layout import CLOCK_GAP, Layout, SensorBar
from device.levels import SensorLevels
from device.simulator.feed import Bar
from device.simulator.guide import Card, Lie, row_edges
from device.simulator.hand import code_cuts

Floats = NDArray[np.float64]
NOMINAL = 450
"""Of 1000: the light at which a sensor as it should be gets what it should get."""
SCALE = 0.55
"""Of full scale: the analogue level of that."""
SPOT_MM = 1.0
PAPER, INK, AIR = 0.8, 0.12, 0.06
"""What a clock sensor gets back."""
STEP_MM = 1.3
"""The card moves so far from one look to the next."""
LOOK_S = 0.01
OUTSIDE_MM = 20.0
NOISE = 0.004


class SimulatedBench:
    """See the module.

    made: the bar, which may be changed at any time. analogue: whether it tells levels. dims: whether its light can be dimmed.
    """

    def __init__(
        self, layout: Layout, bar: SensorBar, made: Bar, seed: int = 1, *, analogue: bool = True, dims: bool = True
    ) -> None:
        self.name = f"simulated bar {bar.id}"
        self.bar, self.rows, self.duty_max, self.dims = bar.id, len(bar.rows_mm), 1000, dims
        self.made, self.clock_gain = made, np.ones(2)
        self._layout, self._shape, self._analogue = layout, bar, analogue
        self._rng = np.random.default_rng(seed)
        self._edges: list[Floats] = []
        self._place_mm: float | None = None
        self._time_s = 0.0

    def now_s(self) -> float:
        """Simulated seconds: every look takes one hundredth."""
        return self._time_s

    def close(self) -> None:
        """Nothing to let go of."""

    def draw(self) -> None:
        """A blank card is drawn through, from the next look on."""
        card = Card(self._layout, self._shape, code_cuts(self._layout), Lie())
        strip = card.strip_edges(self._rng)
        rows = [row_edges(card, k, 0.5, self.made.aperture_mm) for k in range(self.rows)]
        self._edges = [*rows, strip, strip - CLOCK_GAP * self._shape.pitch_mm]
        self._place_mm = -OUTSIDE_MM

    def levels(self, duty: int) -> SensorLevels:
        """One look."""
        self._time_s += LOOK_S
        opened = self._open()
        light = (duty if self.dims else (1000 if duty else 0)) / NOMINAL
        eyes = self.made.eyes
        passed = [e.leak + (1 - e.leak) * opened[k] for k, e in enumerate(eyes)]
        units = np.array([e.ambient + e.gain * light * passed[k] for k, e in enumerate(eyes)])
        units = units + self._rng.normal(0, NOISE, self.rows)
        lit = units > np.array([e.threshold for e in eyes])
        lit = np.array([v if e.stuck is None else e.stuck for v, e in zip(lit, eyes, strict=True)])
        level = np.array([v if e.stuck is None else float(e.stuck) for v, e in zip(units * SCALE, eyes, strict=True)])
        clock = self.clock_gain * self._reflected(opened[self.rows :]) + self._rng.normal(0, NOISE, 2)
        stuck = self.made.clock_stuck
        clock_lit = [bool(v > 0.4) if s is None else s for v, s in zip(clock, stuck, strict=True)]
        clock = np.array([v if s is None else float(s) for v, s in zip(clock, stuck, strict=True)])
        everything = np.concatenate([lit, clock_lit]).astype(np.bool_)
        wires = self.made.wires
        order = np.arange(len(everything)) if wires is None else np.array([*wires, self.rows, self.rows + 1])
        analogue = np.clip(np.concatenate([level, clock]), 0, 1)[order] if self._analogue else None
        return SensorLevels(everything[order], analogue)

    def _open(self) -> Floats:
        """(channels,) share of the aperture that is open; of the clock's spot, what is paper."""
        u = self._place_mm
        if u is None:
            return np.concatenate([np.ones(self.rows), np.zeros(2)])
        self._place_mm = u + STEP_MM if u < self._layout.width_mm + OUTSIDE_MM else None
        wide = np.array([self.made.aperture_mm] * self.rows + [SPOT_MM] * 2)
        return np.array(
            [_share(edges, u, w, k < self.rows) for k, (edges, w) in enumerate(zip(self._edges, wide, strict=True))]
        )

    def _reflected(self, paper: Floats) -> Floats:
        """What the clock gets back; off the card there is air, which is as dark as ink."""
        u = self._place_mm
        there = u is not None and -CLOCK_GAP * self._shape.pitch_mm < u < self._layout.width_mm
        return np.asarray((INK if there else AIR) + paper * (PAPER - INK), np.float64)


def _share(edges: Floats, u_mm: float, wide_mm: float, lit_outside: bool) -> float:
    """How much of a window around u lies where the level is high; it changes at each edge."""
    points = u_mm + np.linspace(-0.5, 0.5, 9) * wide_mm
    odd = np.searchsorted(edges, points) % 2 == 1
    return float(np.mean(~odd if lit_outside else odd))
