"""A card fed by a hand past a row of sensors: what the hand does, what the sensors make of it, as a `Sweep`.

Nothing is decided here that depends on answers: paths, paper and sensors in millimetres, seconds and shares of light.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from cards.layout import CLOCK_GAP, Layout, SensorBar
from device.simulator.card import Cut
from device.simulator.guide import Card, Lie, row_edges
from device.simulator.motion import Path
from device.sweep import Channel, Sweep

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Eye:
    """One sensor.

    gain: light that reaches it through air, as a share of what it should get; leak: share that paper lets through;
    ambient: light from elsewhere, on the same scale; threshold: where its comparator stands.
    stuck: its level whatever happens. off_mm: how far along the card's way it sits beside its place.
    """

    gain: float = 1.0
    leak: float = 0.04
    ambient: float = 0.0
    threshold: float = 0.5
    stuck: bool | None = None
    off_mm: float = 0.0

    @property
    def needs(self) -> float:
        """The share of the aperture that must be open; 0 or less: always lit, 1 or more: never."""
        return ((self.threshold - self.ambient) / max(self.gain, 1e-9) - self.leak) / (1 - self.leak)


@dataclass(frozen=True)
class Bar:
    """The bar of sensors as it was built and as it is today.

    eyes: one a row. aperture_mm: the hole in the black plate before each. hysteresis_mm: by how much later an edge is
    seen. noise_mm: scatter of every edge. bounce: how often an edge chatters. rate_hz: the sampling rate of a head
    that samples; `None` for edges that are timed. wires: which sensor's line comes in where. gap_off_mm: the second
    clock sensor's error of place. clock_stuck: levels of the clock sensors, whatever happens.
    """

    eyes: tuple[Eye, ...]
    aperture_mm: float = 1.25
    hysteresis_mm: float = 0.06
    noise_mm: float = 0.03
    bounce: float = 0.0
    rate_hz: float | None = None
    wires: tuple[int, ...] | None = None
    gap_off_mm: float = 0.0
    clock_stuck: tuple[bool | None, bool | None] = (None, None)


@dataclass(frozen=True)
class Fed:
    """One feeding: the card with its holes, how it lies in the guide, how the hand moves it, the bar it passes."""

    layout: Layout
    cuts: Sequence[Cut]
    path: Path
    bar: Bar
    lie: Lie = field(default_factory=Lie)


def feed(fed: Fed, rng: np.random.Generator) -> Sweep:
    """What the sensors report. Raises `ValueError` for a layout without a bar."""
    bar = fed.layout.sensor_bar
    if bar is None:
        raise ValueError(f"{fed.layout.identity} names no sensor bar")
    card = Card(fed.layout, bar, fed.cuts, fed.lie)
    edges, starts = _edges(fed, card, bar, rng)
    channels = _channels(fed, edges, starts, rng)
    rows = len(bar.rows_mm)
    data = [channels[k] for k in (fed.bar.wires or range(rows))]
    return Sweep(bar.id, tuple(data), (channels[rows], channels[rows + 1]))


def _edges(fed: Fed, card: Card, bar: SensorBar, rng: np.random.Generator) -> tuple[list[Floats], list[bool]]:
    """Per channel (data, then clock): the places u at which its level changes, and its level before the card comes."""
    edges: list[Floats] = []
    starts: list[bool] = []
    for row, eye in enumerate(fed.bar.eyes):
        lit = eye.stuck if eye.stuck is not None else (eye.needs <= 0 if not 0 < eye.needs < 1 else None)
        edges.append(
            np.empty(0) if lit is not None else row_edges(card, row, eye.needs, fed.bar.aperture_mm) + eye.off_mm
        )
        starts.append(True if lit is None else lit)
    marks = card.strip_edges(rng)
    for k, gap in enumerate((0.0, CLOCK_GAP * bar.pitch_mm + fed.bar.gap_off_mm)):
        stuck = fed.bar.clock_stuck[k]
        edges.append(np.empty(0) if stuck is not None else marks - gap)
        starts.append(bool(stuck))
    return edges, starts


def _channels(fed: Fed, edges: list[Floats], starts: list[bool], rng: np.random.Generator) -> list[Channel]:
    """Every crossing of every edge, timed along the path."""
    place = np.concatenate(edges)
    owner = np.repeat(np.arange(len(edges)), [len(e) for e in edges])
    order = np.argsort(place, kind="stable")
    place, owner = place[order], owner[order]
    time, which = _crossings(fed.path.lagging(fed.bar.hysteresis_mm), place, fed.bar.noise_mm, rng)
    channels = []
    for k, start in enumerate(starts):
        ticks = np.sort(time[owner[which] == k])
        if fed.bar.bounce > 0:
            ticks = _bounced(ticks, fed.bar.bounce, rng)
        if fed.bar.rate_hz is not None:
            ticks = _sampled(ticks, fed.bar.rate_hz)
        levels = (np.arange(len(ticks)) % 2 == 0) ^ start
        channels.append(Channel(ticks, levels, start, bool(levels[-1]) if len(levels) else start))
    return channels


def _crossings(path: Path, place: Floats, noise_mm: float, rng: np.random.Generator) -> tuple[Floats, Ints]:
    """(times, index of the edge) of every crossing of sorted places."""
    at = np.searchsorted(place, path.u_mm)
    jump = np.diff(at)
    moved = np.flatnonzero(jump)
    count = np.abs(jump[moved])
    step = np.repeat(moved, count)
    inner = np.arange(len(step)) - np.repeat(np.cumsum(count) - count, count)
    up = jump[step] > 0
    which = np.where(up, at[step] + inner, at[step] - 1 - inner)
    u0, u1 = path.u_mm[step], path.u_mm[step + 1]
    t0, t1 = path.t_s[step], path.t_s[step + 1]
    share = (place[which] - u0) / np.where(u1 == u0, 1.0, u1 - u0)
    speed = np.maximum(np.abs(u1 - u0) / (t1 - t0), 5.0)
    # Noise moves an edge in time the more the slower the card goes, but a comparator does not wait for ever.
    time = t0 + share * (t1 - t0) + rng.normal(0, noise_mm, len(step)) / speed
    return time, which.astype(np.int64)


def _bounced(ticks: Floats, share: float, rng: np.random.Generator) -> Floats:
    """Some edges followed by a pair more within 0.3 ms."""
    hit = ticks[rng.random(len(ticks)) < share]
    first = hit + rng.uniform(2e-5, 1.5e-4, len(hit))
    return np.sort(np.concatenate([ticks, first, first + rng.uniform(2e-5, 1.5e-4, len(hit))]))


def _sampled(ticks: Floats, rate_hz: float) -> Floats:
    """Seen at the next sample; two edges within one sample are never seen."""
    sample = np.ceil(ticks * rate_hz)
    values, count = np.unique(sample, return_counts=True)
    return np.asarray(values[count % 2 == 1] / rate_hz, np.float64)
