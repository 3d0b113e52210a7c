"""Every place of the bar's lattice looked at: at equal steps along the card, so that a hand that dwells cannot outvote.

A place's vote is taken over the two quarters of a pitch around its middle; each counts half. The rest of the row is
looked at as well: light between the places is a stray.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cards.bar import Cell
from cards.layout import SensorBar
from device.sweep import level_at
from reader.sweep.clock import Look, Pass
from reader.sweep.skew import Skew
from reader.sweep.track import Floats, Ints, Track

Bools = NDArray[np.bool_]
SAMPLES = 64
"""Looks per pitch, 0.14 mm apart: an aperture of a millimetre shows nothing finer."""
GAP = 3
"""Dark gaps up to so many samples within light are no paper: an aperture of a millimetre cannot show a strip that thin."""
DWELT = 2.0


@dataclass(frozen=True, eq=False)
class Run:
    """Light without a break in one row: its middle (mm from the left edge, skew taken out) and its length."""

    row: int
    middle_mm: float
    length_mm: float


@dataclass(frozen=True, eq=False)
class Votes:
    """One look at the card.

    open: (rows, columns) share of light in the vote. starts: (rows, columns) how often light begins within it.
    runs: all light, by the place it is nearest to. unsure_mm: by column, how far places may be off there, because the
    hand did not move evenly.
    """

    open: Floats
    starts: Ints
    runs: Mapping[Cell, tuple[Run, ...]]
    unsure_mm: tuple[float, ...]


def vote(way: Pass, look: Look, track: Track, bar: SensorBar, skew: Skew) -> Votes:
    """All rows and columns of one look."""
    columns = np.array(bar.columns_mm)
    steps = ((np.arange(SAMPLES) + 0.5) / SAMPLES - 0.5) * bar.pitch_mm
    on_card = columns[:, None] + steps
    late = (np.array(bar.rows_mm) - bar.track_mm)[:, None, None] * skew.slope(on_card)
    times = times_at(on_card + late, look, track)
    light = np.stack([level_at(c, times[r]) for r, c in enumerate(way.sweep.data)])
    light = _closed(light.reshape(len(bar.rows_mm), -1)).reshape(light.shape)
    quarter = SAMPLES // 4
    middle = light[:, :, quarter:-quarter]
    # The first sample counts as a start too when it is lit.
    starts = middle[:, :, 0].astype(np.int64) + (middle[:, :, 1:] > middle[:, :, :-1]).sum(axis=2)
    unsure = tuple(_unsure(look, track, columns).tolist())
    return Votes(middle.mean(axis=2), starts, _runs(light, bar), unsure)


def times_at(u_mm: Floats, look: Look, track: Track) -> Floats:
    """When the places u (mm, between the first and the last whole state) lay under the data sensors.

    Between two marks the card moves evenly, or, when that took more than `DWELT` times as long as its speed before and
    after would need, it comes in at the one speed, rests half way, and leaves at the other: what happened while it rested
    happened in one place.
    """
    along = (u_mm - track.u_mm[track.lo]) / track.step_mm
    state = np.clip(along.astype(np.int64), 0, len(look.enter_s) - 1)
    took = look.leave_s - look.enter_s
    share = along - state
    even = share * took[state]
    before, after = np.concatenate([took[:1], took[:-1]]), np.concatenate([took[1:], took[-1:]])
    dwelt = took > DWELT * (before + after) / 2
    if dwelt.any():
        late = share > 0.5
        way = np.minimum(np.where(late, 1 - share, share), 0.499)
        # Slowing down to rest half a state further on: an exponential approach, begun at the speed of the state before.
        from_end = np.minimum(-0.5 * np.log1p(-2 * way) * np.where(late, after[state], before[state]), took[state] / 2)
        even = np.where(dwelt[state], np.where(late, took[state] - from_end, from_end), even)
    return np.asarray(look.enter_s[state] + even, np.float64)


def _unsure(look: Look, track: Track, columns_mm: Floats) -> Floats:
    """As in `skew.places_at`, over the four quarters around each column."""
    took = look.leave_s - look.enter_s
    at = np.rint((columns_mm - track.u_mm[track.lo]) / track.step_mm).astype(np.int64)
    near = took[np.clip(at[:, None] + np.arange(-3, 3), 0, len(took) - 1)]
    off = track.step_mm / 8 * (near.max(axis=1) / np.maximum(near.min(axis=1), 1e-9) - 1)
    return np.asarray(np.minimum(off, track.step_mm / 2), np.float64)


def _closed(light: Bools) -> Bools:
    """Dark gaps of up to `GAP` samples filled. (rows, samples)."""
    filled = light.copy()
    for width in range(1, GAP + 1):
        for k in range(1, width + 1):
            before, after = np.zeros_like(light), np.zeros_like(light)
            before[:, k:] = light[:, :-k]
            after[:, : -(width + 1 - k)] = light[:, width + 1 - k :]
            filled |= before & after
    return filled


def _runs(light: Bools, bar: SensorBar) -> dict[Cell, tuple[Run, ...]]:
    rows = len(light)
    flat = np.zeros((rows, light[0].size + 2), np.int8)
    flat[:, 1:-1] = light.reshape(rows, -1)
    change = np.diff(flat, axis=1)
    row, start = np.nonzero(change == 1)
    end = np.nonzero(change == -1)[1]
    step = bar.pitch_mm / SAMPLES
    left = bar.first_mm - bar.pitch_mm / 2
    runs: dict[Cell, tuple[Run, ...]] = {}
    for r, a, b in zip(row.tolist(), start.tolist(), end.tolist(), strict=True):
        cell = r, min((a + b) // (2 * SAMPLES), bar.columns - 1)
        runs[cell] = (*runs.get(cell, ()), Run(r, left + (a + b) / 2 * step, (b - a) * step))
    return runs
