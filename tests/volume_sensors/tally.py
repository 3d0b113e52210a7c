"""Sweeps made, read and counted."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

import numpy as np

from cards.layout import Layout
from cards.load import find_layout
from device.simulator.card import Card, Cut
from device.simulator.feed import Fed, feed
from device.simulator.hand import code_cuts, punch
from device.simulator.people import answer
from device.simulator.truth import truth
from reader.reading import Punch, Reading, Rejection
from reader.sweep.read import read_sweep
from tests.volume_sensors.scenarios import Drawn, Scenario


@dataclass
class Tally:
    """read: every position as it is, and sure. review: some unsure, none wrong. wrong: sure of what is not so."""

    read: int = 0
    review: int = 0
    refused: int = 0
    wrong: int = 0
    reasons: Counter[str] = field(default_factory=Counter)
    wrong_seeds: list[int] = field(default_factory=list)

    def add(self, other: Tally) -> None:
        """Count the other's too."""
        self.read += other.read
        self.review += other.review
        self.refused += other.refused
        self.wrong += other.wrong
        self.reasons += other.reasons
        self.wrong_seeds += other.wrong_seeds

    @property
    def total(self) -> int:
        """All sweeps."""
        return self.read + self.review + self.refused + self.wrong


def one(layout: Layout, drawn: Drawn, rng: np.random.Generator) -> tuple[Reading | Rejection, dict[str, str]]:
    """One sweep's outcome, and what is true of its card."""
    cuts = punch(layout, answer(layout, rng), drawn.hand, rng)
    known: dict[str, str] = {**truth(layout, Card(tuple(cuts)))}
    code = code_cuts(layout, rng)
    if drawn.other_code:
        code = [Cut(c.x_mm, 88.0 - c.y_mm, c.width_mm, c.height_mm, True) for c in code]
    # Two cards one over the other are fed until both are out.
    path = drawn.path(layout.width_mm + (drawn.lie.over_mm or 0.0), drawn.manner, rng)
    sweep = feed(Fed(layout, [*cuts, *code], path, drawn.bar, drawn.lie), rng)
    if drawn.spoil is not None:
        sweep = drawn.spoil(sweep, rng)
    return read_sweep(sweep, [layout]), known


def run(scenario: Scenario, seed: int, count: int) -> Tally:
    """`count` sweeps of one scenario, from a seed."""
    layout = find_layout("stadslogistiek-bar")
    tally = Tally()
    for k in range(seed, seed + count):
        rng = np.random.default_rng(k)
        drawn = scenario.draw(rng)
        outcome, known = one(layout, drawn, rng)
        if isinstance(outcome, Rejection):
            tally.refused += 1
            tally.reasons[str(outcome.reasons[0].code)] += 1
            continue
        verdict = judged(outcome, known)
        if drawn.other_code:
            verdict = "wrong"
        setattr(tally, verdict, getattr(tally, verdict) + 1)
        if verdict == "wrong":
            tally.wrong_seeds.append(k)
    return tally


def judged(reading: Reading, known: dict[str, str]) -> str:
    """`read`, `review` or `wrong`. A half hole may be called anything but the opposite of nothing."""
    punches = reading.punches()
    opposite = {(Punch.PUNCHED, "clear"), (Punch.CLEAR, "punched")}
    if any((punch_, known[name]) in opposite for name, punch_ in punches.items()):
        return "wrong"
    return "review" if Punch.UNCERTAIN in punches.values() or reading.strays else "read"
