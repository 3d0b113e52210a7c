"""The table of scenarios: what a hand, a card and a bar do, each drawn anew for every sweep."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np

from device.simulator.feed import Bar, Eye
from device.simulator.guide import Lie
from device.simulator.hand import Hand
from device.simulator.motion import Manner, Path, backwards, in_and_out, through
from device.sweep import Channel, Sweep

Rng = np.random.Generator
ROWS = 6
NEAT = Hand(sigma_mm=0.35, hanging=0.0)
"""An ordinary hand with the punch; faults of punching have scenarios of their own."""


@dataclass(frozen=True)
class Drawn:
    """One feeding, as drawn."""

    manner: Manner
    lie: Lie = field(default_factory=Lie)
    bar: Bar = field(default_factory=lambda: Bar((Eye(),) * ROWS))
    hand: Hand = NEAT
    path: Callable[[float, Manner, Rng], Path] = through
    spoil: Callable[[Sweep, Rng], Sweep] | None = None
    other_code: bool = False


@dataclass(frozen=True)
class Scenario:
    """One row of the table.

    share: of all sweeps. read_min: the share that must be read; `None`: none need be. beyond: outside the limits that are
    promised (docs/sensors.md says which, and what to do about it): counted and shown, but nothing is asked of it.
    """

    name: str
    draw: Callable[[Rng], Drawn]
    share: float = 1.0
    read_min: float | None = None
    beyond: bool = False


def usual(rng: Rng, top_m_s: float = 0.5) -> Manner:
    """An even feed."""
    return Manner(speed_m_s=float(rng.uniform(0.05, top_m_s)), tremor_mm=0.05)


def ordinary(rng: Rng) -> Lie:
    """A card in a guide as it should be built: 0.5 mm of play, 0.3° of lean, print half a millimetre off."""
    return Lie(
        skew_deg=float(rng.uniform(-0.3, 0.3)),
        side_mm=float(rng.uniform(-0.1, 0.1)),
        play_mm=float(rng.uniform(0, 0.15)),
        print_mm=float(rng.uniform(-0.5, 0.5)),
        bars_wider_mm=float(rng.uniform(-0.3, 0.3)),
    )


def built(rng: Rng) -> Bar:
    """A bar of sensors as they come: each a little different, the second clock sensor a little off."""
    eyes = tuple(
        Eye(gain=float(rng.uniform(0.9, 1.1)), leak=float(rng.uniform(0.02, 0.08)), off_mm=float(rng.normal(0, 0.05)))
        for _ in range(ROWS)
    )
    return Bar(eyes, gap_off_mm=float(rng.normal(0, 0.1)))


def fed(rng: Rng, manner: Manner) -> Drawn:
    """This way of feeding, everything else ordinary."""
    return Drawn(manner, ordinary(rng), built(rng))


def one_eye(rng: Rng, change: Callable[[Eye], Eye]) -> Drawn:
    """One of the sensors changed."""
    drawn = fed(rng, usual(rng))
    k = int(rng.integers(ROWS))
    eyes = tuple(change(e) if j == k else e for j, e in enumerate(drawn.bar.eyes))
    return replace(drawn, bar=replace(drawn.bar, eyes=eyes))


def lying(rng: Rng, **more: object) -> Drawn:
    """An ordinary feed of a card that lies like this."""
    drawn = fed(rng, usual(rng))
    return replace(drawn, lie=replace(drawn.lie, **more))  # type: ignore[arg-type]


def under(rng: Rng, **more: object) -> Drawn:
    """An ordinary feed under a bar that is like this."""
    drawn = fed(rng, usual(rng))
    return replace(drawn, bar=replace(drawn.bar, **more))  # type: ignore[arg-type]


def punched(rng: Rng, hand: Hand) -> Drawn:
    """An ordinary feed of a card that was punched by this hand."""
    return replace(fed(rng, usual(rng)), hand=hand)


def swapped(rng: Rng) -> Drawn:
    """Two sensors' lines exchanged."""
    wires = list(range(ROWS))
    a, b = rng.choice(ROWS, 2, replace=False)
    wires[a], wires[b] = wires[b], wires[a]
    return under(rng, wires=tuple(wires))


def shifted(rng: Rng) -> Drawn:
    """All lines one further."""
    by = int(rng.integers(1, ROWS))
    return under(rng, wires=tuple((k + by) % ROWS for k in range(ROWS)))


def sampling(rng: Rng, rate_hz: float) -> Bar:
    """A head that samples instead of timing edges."""
    return replace(built(rng), rate_hz=rate_hz)


def either(rng: Rng, least: float, most: float) -> float:
    """Between these, to either side."""
    return float(rng.choice([-1, 1]) * rng.uniform(least, most))


def jittery_and_leaning(rng: Rng) -> Drawn:
    """A nervous punch, and a card that leans."""
    return replace(lying(rng, skew_deg=float(rng.uniform(-1, 1))), hand=Hand(sigma_mm=0.8, hanging=0.0))


def specks(rng: Rng) -> tuple[tuple[float, float], ...]:
    """Dark spots on the strip: place and width."""
    return tuple((float(rng.uniform(0, 210)), float(rng.uniform(0.5, 4))) for _ in range(int(rng.integers(1, 4))))


def clock_stuck(rng: Rng) -> Drawn:
    """One of the two clock sensors dark or light for ever."""
    levels: list[bool | None] = [None, None]
    levels[int(rng.integers(2))] = bool(rng.integers(2))
    return under(rng, clock_stuck=tuple(levels))


def tear(rng: Rng) -> tuple[float, float, float]:
    """(height, depth, breadth) of a tear."""
    return float(rng.uniform(0, 99)), float(rng.uniform(1, 12)), float(rng.uniform(4, 60))


def lose_edges(sweep: Sweep, rng: Rng) -> Sweep:
    """One edge of one line never arrives, or two, and then the source's sequence numbers tell."""
    k = int(rng.integers(len(sweep.data) + 2))
    channels = [*sweep.data, *sweep.clock]
    c = channels[k]
    if len(c.ticks_s) < 4:
        return sweep
    at = int(rng.integers(len(c.ticks_s) - 1))
    gone = [at] if rng.random() < 0.5 else [at, at + 1]
    channels[k] = Channel(np.delete(c.ticks_s, gone), np.delete(c.levels, gone), c.before, c.after)
    return Sweep(sweep.bar, tuple(channels[:-2]), (channels[-2], channels[-1]), lost=len(gone) - 1)


def from_behind(width_mm: float, manner: Manner, rng: Rng) -> Path:
    """Fed from the far side."""
    return backwards(width_mm, through(width_mm, manner, rng))


def out_again(width_mm: float, manner: Manner, rng: Rng) -> Path:
    """All the way in, and pulled back out."""
    return in_and_out(width_mm, width_mm + float(rng.uniform(-8, 30)), manner, rng)


def half_way(width_mm: float, manner: Manner, rng: Rng) -> Path:
    """Pulled back out too early."""
    return in_and_out(width_mm, float(rng.uniform(5, 0.88 * width_mm)), manner, rng)


def manner(rng: Rng, stops: int, reversals: int, top_m_s: float) -> Manner:
    """A hand that stops or turns back up to so many times."""
    return Manner(
        speed_m_s=float(rng.uniform(0.1, top_m_s)),
        stops=int(rng.integers(1, stops + 1)) if stops else 0,
        reversals=int(rng.integers(1, reversals + 1)) if reversals else 0,
        tremor_mm=float(rng.uniform(0.05, 0.3)),
    )


def everything(rng: Rng) -> Drawn:
    """A bit of all of it, within the limits."""
    drawn = fed(rng, manner(rng, 2, 2, 1.0))
    lie = replace(drawn.lie, skew_deg=float(rng.uniform(-0.6, 0.6)), turn_deg=float(rng.uniform(-0.2, 0.2)))
    eyes = tuple(replace(e, ambient=float(rng.uniform(0, 0.15))) for e in drawn.bar.eyes)
    bar = replace(drawn.bar, eyes=eyes, noise_mm=0.06, bounce=0.03, rate_hz=4000.0 if rng.random() < 0.5 else None)
    return replace(drawn, lie=lie, bar=bar, hand=Hand(sigma_mm=0.6, hanging=0.0))


SCENARIOS = (
    Scenario("steady, to 0.5 m/s", lambda r: fed(r, usual(r)), 4, 0.995),
    Scenario("steady, to 1 m/s", lambda r: fed(r, usual(r, 1.0)), 4, 0.995),
    Scenario("stops and tremor", lambda r: fed(r, manner(r, 4, 0, 0.5)), 4, 0.995),
    Scenario("stops and reversals, to 1 m/s", lambda r: fed(r, manner(r, 3, 3, 1.0)), 6, 0.995),
    Scenario("fed from the far side", lambda r: replace(fed(r, manner(r, 1, 1, 0.8)), path=from_behind), 2, 0.99),
    Scenario("pulled back out", lambda r: replace(fed(r, manner(r, 1, 0, 0.8)), path=out_again), 2, 0.95),
    Scenario("pulled out half way", lambda r: replace(fed(r, usual(r)), path=half_way)),
    Scenario("bar askew by up to 1°", lambda r: lying(r, skew_deg=float(r.uniform(-1, 1)), drifts=False), 2, 0.99),
    Scenario("bar askew by 1° to 2°", lambda r: lying(r, skew_deg=either(r, 1, 2), drifts=False), 2),
    Scenario("card leans by up to 1°", lambda r: lying(r, skew_deg=float(r.uniform(-1, 1))), 3),
    Scenario("card leans by 1° to 2°", lambda r: lying(r, skew_deg=either(r, 1, 2)), 3),
    Scenario("card turns on its way by 1°", lambda r: lying(r, turn_deg=float(r.uniform(-1, 1))), 2),
    Scenario("holes off by σ 0.8 mm", lambda r: punched(r, Hand(sigma_mm=0.8, hanging=0.0)), 5),
    Scenario("… and the card leans by up to 1°", jittery_and_leaning, 3),
    Scenario("hanging chads", lambda r: punched(r, Hand(hanging=0.3)), 2, beyond=True),
    Scenario("half punched holes", lambda r: punched(r, Hand(half=0.1, hanging=0.0)), 2),
    Scenario("a hole astray", lambda r: punched(r, Hand(stray=1.0, hanging=0.0)), 2),
    Scenario("one timing bar missing", lambda r: lying(r, missing_bar=int(r.integers(1, 23))), 4),
    Scenario("dirt on the strip", lambda r: lying(r, dirt=specks(r)), 3),
    Scenario("one channel stuck light", lambda r: one_eye(r, lambda e: replace(e, stuck=True)), 2),
    Scenario("one channel stuck dark", lambda r: one_eye(r, lambda e: replace(e, stuck=False)), 1),
    Scenario("one channel weak", lambda r: one_eye(r, lambda e: replace(e, gain=float(r.uniform(0.45, 0.8)))), 3),
    Scenario("one channel shines through", lambda r: one_eye(r, lambda e: replace(e, leak=float(r.uniform(0.2, 0.6)))), 2),
    Scenario("one channel off its place", lambda r: one_eye(r, lambda e: replace(e, off_mm=either(r, 0.5, 9))), 3),
    Scenario("two channels swapped", swapped, 3),
    Scenario("all channels shifted", shifted, 1),
    Scenario("a clock sensor stuck", clock_stuck),
    Scenario("ambient light", lambda r: under(r, eyes=(Eye(ambient=float(r.uniform(0, 0.6))),) * ROWS), 3),
    Scenario("noise and bounce", lambda r: under(r, noise_mm=0.1, bounce=0.1), 2),
    Scenario("sampled at 4 kHz, to 1 m/s", lambda r: replace(fed(r, usual(r, 1.0)), bar=sampling(r, 4000)), 3, 0.995),
    Scenario("sampled at 1 kHz, to 0.5 m/s", lambda r: replace(fed(r, usual(r)), bar=sampling(r, 1000)), 2, 0.98),
    Scenario("torn left edge", lambda r: lying(r, torn_left_mm=tear(r)), 3),
    Scenario("torn right edge", lambda r: lying(r, torn_right_mm=tear(r)), 3),
    Scenario("two cards, one over the other", lambda r: lying(r, over_mm=float(r.uniform(1, 200))), 3),
    Scenario("wrong way round or face down", lambda r: lying(r, blank_strip=True)),
    Scenario("edges lost on the way", lambda r: replace(fed(r, usual(r)), spoil=lose_edges), 3),
    Scenario("a card of another code", lambda r: replace(fed(r, usual(r)), other_code=True), 2),
    Scenario("a bit of everything", everything, 6),
)  # fmt: skip
"""Shares are relative. Two cards less than a millimetre apart are kept out by the slit (docs/sensors.md), not by light."""
