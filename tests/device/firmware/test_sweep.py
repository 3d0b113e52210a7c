"""A simulated card past the sampled bar: the head's bytes tell the same as the sweep does."""

import numpy as np
import pytest
from numpy.typing import NDArray

from cards.load import find_layout
from device.simulator.feed import Bar, Eye, Fed, feed
from device.simulator.guide import Lie
from device.simulator.hand import HANDS, code_cuts, punch
from device.simulator.motion import Manner, through
from device.sweep import Channel, Sweep, level_at
from reader.reading import Reading
from reader.sweep.read import read_sweep
from tests.device.firmware.rig import DATA, PERIOD_US, Rig, entries

LAYOUT = find_layout("stadslogistiek-bar")
PERIOD_S = PERIOD_US / 1e6


def swept(seed: int) -> Sweep:
    """One card, fed by a hand that trembles."""
    rng = np.random.default_rng(seed)
    wanted = frozenset(p.name for p in LAYOUT.positions if rng.random() < 0.3)
    cuts = code_cuts(LAYOUT, rng) + punch(LAYOUT, wanted, HANDS["steady"], rng)
    manner = Manner(speed_m_s=float(rng.uniform(0.1, 0.5)), tremor_mm=0.05)
    path = through(LAYOUT.width_mm, manner, rng)
    return feed(Fed(LAYOUT, cuts, path, Bar((Eye(),) * 6), Lie(skew_deg=0.2)), rng)


def rows(sweep: Sweep) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """(sample times in seconds, levels at them) from before the card to when it has long gone."""
    channels = [*sweep.data, *sweep.clock]
    ends = np.concatenate([c.ticks_s for c in channels])
    times = np.arange(np.floor((ends.min() - 0.3) / PERIOD_S), np.ceil((ends.max() + 0.3) / PERIOD_S)) * PERIOD_S
    return times, sum(level_at(c, times).astype(int) << k for k, c in enumerate(channels))


def recorded(levels: NDArray[np.int64]) -> bytes:
    """The card's bytes, when the bar shows these levels."""
    rig = Rig(block=100)
    rig.ready()
    changes = np.flatnonzero(np.diff(levels)) + 1
    starts = np.concatenate([[0], changes])
    lengths = np.diff(np.concatenate([starts, [len(levels)]]))
    rig.feed([(int(n), int(levels[at])) for at, n in zip(starts, lengths, strict=True)])
    rig.credit(rig.head.sent + 16)
    (blob,) = rig.whole().values()
    return bytes(blob)


def as_sweep(blob: bytes, start_s: float) -> Sweep:
    """The card's bytes as a sweep."""
    before, lost, found, after = entries(blob)
    times = start_s + np.cumsum([dt for dt, _ in found]) / 1e6
    levels = np.array([level for _, level in found])
    channels = []
    for k in range(8):
        bits = (levels >> k & 1).astype(bool)
        changed = np.flatnonzero(np.diff(np.concatenate([[bool(before >> k & 1)], bits])))
        channels.append(Channel(times[changed], bits[changed], bool(before >> k & 1), bool(after >> k & 1)))
    assert LAYOUT.sensor_bar is not None
    return Sweep(LAYOUT.sensor_bar.id, tuple(channels[:6]), (channels[6], channels[7]), lost)


@pytest.mark.parametrize("seed", range(4))
def test_a_recorded_card_has_every_edge_within_a_sample_and_reads_the_same(seed: int) -> None:
    sweep = swept(seed)
    times, levels = rows(sweep)
    first = int(np.flatnonzero(levels != DATA)[0])
    got = as_sweep(recorded(levels), times[first - 1])
    assert got.lost == 0
    for mine, true in zip((*got.data, *got.clock), (*sweep.data, *sweep.clock), strict=True):
        assert np.array_equal(level_at(mine, times + PERIOD_S / 2), level_at(true, times))
        late = mine.ticks_s[:, None] - true.ticks_s
        assert np.all(np.min(np.where(late > -1e-9, late, np.inf), axis=1) <= PERIOD_S + 1e-9)
    here, there = read_sweep(got, [LAYOUT]), read_sweep(sweep, [LAYOUT])
    assert isinstance(here, Reading) and isinstance(there, Reading)
    assert here.punches() == there.punches()
