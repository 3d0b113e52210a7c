"""Sweeps made for one test: a card, a hand, a bar, one thing wrong."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from cards.layout import Layout
from device.simulator.feed import Bar, Eye, Fed, feed
from device.simulator.guide import Lie
from device.simulator.hand import Hand, code_cuts, punch
from device.simulator.motion import Manner, Path, through
from device.simulator.people import answer
from device.sweep import Channel, Sweep
from reader.reading import Code, Punch, Reading, Rejection

EVEN = Manner(speed_m_s=0.3)
NEAT = Hand(sigma_mm=0.3, hanging=0.0)


def bar_for(layout: Layout, **more: object) -> Bar:
    """A bar without faults, but for what is given."""
    assert layout.sensor_bar is not None
    return replace(Bar((Eye(),) * len(layout.sensor_bar.rows_mm)), **more)  # type: ignore[arg-type]


def with_eye(layout: Layout, k: int, **more: object) -> Bar:
    """A bar of which one sensor is like this."""
    bar = bar_for(layout)
    return replace(bar, eyes=tuple(replace(e, **more) if j == k else e for j, e in enumerate(bar.eyes)))  # type: ignore[arg-type]


def swept(
    layout: Layout,
    seed: int = 1,
    *,
    wanted: frozenset[str] | None = None,
    bar: Bar | None = None,
    lie: Lie | None = None,
    path: Path | None = None,
) -> tuple[Sweep, frozenset[str]]:
    """One sweep and what was punched."""
    rng = np.random.default_rng(seed)
    chosen = answer(layout, rng) if wanted is None else wanted
    cuts = [*punch(layout, chosen, NEAT, rng), *code_cuts(layout, rng)]
    way = path or through(layout.width_mm, EVEN, rng)
    return feed(Fed(layout, cuts, way, bar or bar_for(layout), lie or Lie()), rng), chosen


def punched(outcome: Reading | Rejection) -> set[str]:
    """The names of what was read as punched; everything must be certain."""
    assert isinstance(outcome, Reading), outcome
    punches = outcome.punches()
    assert Punch.UNCERTAIN not in punches.values()
    return {name for name, p in punches.items() if p is Punch.PUNCHED}


def code_of(outcome: Reading | Rejection) -> Code:
    """Why a sweep was refused."""
    assert isinstance(outcome, Rejection), "was read"
    return outcome.reasons[0].code


def with_channel(sweep: Sweep, k: int, channel: Channel) -> Sweep:
    """Another channel in place of one: data first, then the two of the clock."""
    channels: Sequence[Channel] = [*sweep.data, *sweep.clock]
    changed = [channel if j == k else c for j, c in enumerate(channels)]
    return replace(sweep, data=tuple(changed[:-2]), clock=(changed[-2], changed[-1]))
