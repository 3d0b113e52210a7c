"""The hand-fed card: same seed, same edges; what the geometry says, the sensors see."""

from __future__ import annotations

import numpy as np
import pytest

from cards.layout import Layout
from cards.load import find_layout
from device.simulator.card import Cut
from device.simulator.feed import Bar, Eye, Fed, feed
from device.simulator.guide import Card, Lie, row_edges
from device.simulator.hand import code_cuts
from device.simulator.motion import Manner, Path, backwards, in_and_out, through
from device.sweep import Sweep, level_at, mirrored


@pytest.fixture(scope="module")
def card() -> Layout:
    return find_layout("stadslogistiek-bar")


def evenly(card: Layout, mm_s: float = 200.0) -> Path:
    """A machine's feed: the place is the time."""
    u = np.array([-40.0, card.width_mm + 40.0])
    return Path(u / mm_s, u)


def bare(**more: object) -> Bar:
    return Bar((Eye(),) * 6, hysteresis_mm=0.0, noise_mm=0.0, **more)  # type: ignore[arg-type]


def fed(card: Layout, cuts: list[Cut], bar: Bar | None = None, lie: Lie | None = None, seed: int = 1) -> Sweep:
    return feed(Fed(card, cuts, evenly(card), bar or bare(), lie or Lie()), np.random.default_rng(seed))


def test_the_same_seed_makes_the_same_sweep(card: Layout) -> None:
    def made(seed: int) -> list[float]:
        rng = np.random.default_rng(seed)
        path = through(card.width_mm, Manner(0.3, stops=2, reversals=1, tremor_mm=0.2), rng)
        sweep = feed(Fed(card, code_cuts(card, rng), path, Bar((Eye(),) * 6)), rng)
        return [t for c in (*sweep.data, *sweep.clock) for t in c.ticks_s.tolist()]

    assert made(1) == made(1) != made(2)


def test_a_hole_is_light_while_it_lies_before_its_sensor(card: Layout) -> None:
    hole = Cut(100.0, 17.0, 5.0, 5.0, True)
    sweep = fed(card, [hole])
    seen = level_at(sweep.data[0], np.array([96.5, 98.0, 100.0, 102.0, 103.5]) / 200.0)
    assert seen.tolist() == [False, True, True, True, False]
    assert len(sweep.data[0].ticks_s) == 4 and len(sweep.data[1].ticks_s) == 2


@pytest.mark.parametrize("low", [0.0, 0.8, 1.6])
def test_a_row_that_runs_beside_its_sensor_sees_a_shorter_chord(card: Layout, low: float) -> None:
    assert card.sensor_bar is not None
    lie = Lie(side_mm=low)
    edges = row_edges(Card(card, card.sensor_bar, [Cut(100.0, 17.0, 5.0, 5.0, True)], lie), 0, 0.5, 0.02)
    assert edges[2] - edges[1] == pytest.approx(2 * np.sqrt(2.5**2 - low**2), abs=0.02)


def test_a_flap_covers_its_side_of_the_hole(card: Layout) -> None:
    assert card.sensor_bar is not None
    whole, flap = Cut(100, 17, 5, 5, True), Cut(100, 17, 5, 5, True, flap=0.25, flap_deg=0.0)
    a, b = (row_edges(Card(card, card.sensor_bar, [c], Lie()), 0, 0.5, 0.02)[1:3] for c in (whole, flap))
    assert a[0] == pytest.approx(b[0]) and b[1] < a[1] - 1.0


def test_the_two_clock_sensors_are_a_quarter_out_of_phase(card: Layout) -> None:
    first, second = fed(card, []).clock
    inside = first.ticks_s[5:-5]
    gap = np.abs(second.ticks_s[None] - inside[:, None]).min(axis=1) * 200.0
    assert gap == pytest.approx(np.full(len(inside), 9.1 / 4), abs=1e-6)
    assert (level_at(first, inside - 1e-6) != level_at(first, inside)).all()


def test_a_leaning_card_comes_later_at_the_far_rows(card: Layout) -> None:
    sweep = fed(card, [], lie=Lie(skew_deg=1.0, drifts=False))
    came = np.array([c.ticks_s[0] * 200.0 for c in sweep.data])
    assert np.diff(came) == pytest.approx(np.diff([17, 26, 35, 53, 62, 71]) * np.tan(np.radians(1.0)), abs=0.01)


def test_levels_alternate_and_end_as_they_began_whatever_the_hand_does(card: Layout) -> None:
    for seed in range(20):
        rng = np.random.default_rng(seed)
        manner = Manner(0.8, stops=2, reversals=2, tremor_mm=0.3)
        makers = (through, lambda w, m, r: in_and_out(w, 0.7 * w, m, r), lambda w, m, r: backwards(w, through(w, m, r)))
        path = makers[seed % 3](card.width_mm, manner, rng)
        bar = Bar((Eye(),) * 6, bounce=0.1, rate_hz=4000.0 if seed % 2 else None)
        sweep = feed(Fed(card, code_cuts(card, rng), path, bar), rng)
        for c in (*sweep.data, *sweep.clock):
            known = np.concatenate([[c.before], c.levels])
            assert (known[1:] != known[:-1]).all() and c.before == c.after == known[-1]
            assert (np.diff(c.ticks_s) >= 0).all()


def test_hysteresis_costs_its_play_at_every_turn(card: Layout) -> None:
    path = Path(np.arange(5.0), np.array([0.0, 10.0, 10.0, 5.0, 12.0]))
    assert path.lagging(0.5).u_mm == pytest.approx([0.0, 9.5, 9.5, 5.5, 11.5])


@pytest.mark.parametrize(("eye", "lit"), [(Eye(gain=0.4), False), (Eye(leak=0.9), True), (Eye(ambient=0.6), True)])
def test_a_sensor_beyond_its_comparator_never_changes(card: Layout, eye: Eye, lit: bool) -> None:
    channel = fed(card, [], bar=Bar((eye,) + (Eye(),) * 5)).data[0]
    assert (len(channel.ticks_s), channel.before, channel.after) == (0, lit, lit)


def test_time_run_backwards_twice_is_time(card: Layout) -> None:
    sweep = fed(card, code_cuts(card, np.random.default_rng(1)))
    again = mirrored(mirrored(sweep))
    for a, b in zip((*sweep.data, *sweep.clock), (*again.data, *again.clock), strict=True):
        assert a.ticks_s.tolist() == b.ticks_s.tolist() and a.levels.tolist() == b.levels.tolist()


def test_a_layout_without_a_bar_cannot_be_fed(campaign: Layout) -> None:
    with pytest.raises(ValueError, match="names no sensor bar"):
        fed(campaign, [])
