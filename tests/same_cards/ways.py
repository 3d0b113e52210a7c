"""One card, the ways to read it. Every way gets the same holes; light, hand and noise are its own."""

from __future__ import annotations

from array import array
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache

import numpy as np

from calibration.learn import BlankCards, learn
from calibration.lens import Board
from calibration.profile import Profile
from cards.layout import Layout
from cards.load import find_layout
from device.firmware.core import CARD_MAX, RATE_HZ, RING
from device.firmware.recorder import Recorder
from device.firmware.ring import Ring
from device.heads.cards import sweep_of
from device.heads.messages import Caps
from device.simulator.card import Card, Cut
from device.simulator.feed import Fed, feed
from device.simulator.hand import HANDS, code_cuts, punch
from device.simulator.head import transitions
from device.simulator.motion import through
from device.simulator.people import answer
from device.simulator.render import render
from device.simulator.scene import BEDS, machine_scene
from device.simulator.truth import truth
from device.sweep import Sweep, is_peek
from reader.camera.read import read_frame
from reader.reading import Reading, Rejection
from reader.sweep.read import read_sweep
from tests.calibration.machine import VIEWS, Machine
from tests.volume_sensors.scenarios import built, manner, ordinary

LAYOUT = "stadslogistiek-bar"
PICTURE_PX = (1230, 924)
PERIOD_US = 1_000_000 // RATE_HZ
REST_US = 300_000
"""The bar is empty for so long before and after: more than the head waits for."""
Rng = np.random.Generator


@dataclass(frozen=True)
class One:
    """Card k: what a resident meant, the holes that the hand made, the printer's holes, what is true of each position."""

    number: int
    cuts: tuple[Cut, ...]
    code: tuple[Cut, ...]
    truth: dict[str, str]


Way = Callable[[Layout, One, Rng], Reading | Rejection]


def card(layout: Layout, seed: int, number: int) -> One:
    """Card k of a seed, punched by an ordinary hand: a chad hangs on now and then."""
    rng = np.random.default_rng((seed, number))
    cuts = tuple(punch(layout, answer(layout, rng), HANDS["usual"], rng))
    return One(number, cuts, tuple(code_cuts(layout, rng)), {**truth(layout, Card(cuts))})


def by_camera(layout: Layout, one: One, rng: Rng) -> Reading | Rejection:
    """A camera over any of the beds, uncalibrated."""
    bed = list(BEDS)[one.number % len(BEDS)]
    scene = machine_scene(rng, bed, *PICTURE_PX)
    return read_frame(render(layout, Card(one.cuts, "nl"), scene, rng), [layout])


def by_calibrated_camera(layout: Layout, one: One, rng: Rng) -> Reading | Rejection:
    """A machine that has learnt its lens, its bed and this card."""
    machine, profile = _machine(layout.identity)
    x, y = rng.uniform(-4, 4, 2)
    turn = float(rng.uniform(-4, 4)) + (180.0 if rng.random() < 0.25 else 0.0)
    return read_frame(machine.card(layout, "front", turn, float(x), float(y), one.cuts), [layout], profile)


def by_bar(layout: Layout, one: One, rng: Rng) -> Reading | Rejection:
    """Drawn past a bar of sensors that times its edges."""
    return read_sweep(_fed(layout, one, rng), [layout])


def by_head(layout: Layout, one: One, rng: Rng) -> Reading | Rejection:
    """Drawn past a sensor head: sampled, recorded by its firmware, made into sweeps from the bytes that it would send.

    A hand that comes back after its card was out gives a second one, which cannot be read.
    """
    outcomes = [read_sweep(sweep, [layout]) for sweep in recorded(_fed(layout, one, rng)) if not is_peek(sweep)]
    readings = [o for o in outcomes if isinstance(o, Reading)]
    assert len(readings) <= 1, f"card {one.number} was read twice"
    return readings[0] if readings else outcomes[0]


def recorded(sweep: Sweep) -> list[Sweep]:
    """What becomes of a sweep in a head."""
    before, changes = transitions(sweep)
    ring = Ring(RING, CARD_MAX)
    recorder = Recorder(ring, before, PERIOD_US)
    recorder.allowed = True
    at_us = REST_US
    levels = [before] * (REST_US // PERIOD_US)
    shown = before
    for wait_us, level in changes:
        at_us += wait_us
        # A change is seen at the next sample; of two between samples only the second.
        levels += [shown] * (at_us // PERIOD_US + 1 - len(levels))
        shown = level
    levels += [shown] * (REST_US // PERIOD_US)
    recorder.take(memoryview(array("H", levels)), len(levels))
    caps = Caps("0" * 16, 1, RATE_HZ, len(sweep.data), 2, RING, CARD_MAX, "", sweep.bar)
    return [sweep_of(bytes(slot.data[: slot.length]), caps) for slot in ring.kept]


def _fed(layout: Layout, one: One, rng: Rng) -> Sweep:
    path = through(layout.width_mm, manner(rng, 1, 1, 0.6), rng)
    return feed(Fed(layout, [*one.cuts, *one.code], path, built(rng), ordinary(rng)), rng)


@cache
def _machine(identity: str) -> tuple[Machine, Profile]:
    layout, machine = find_layout(identity.split("@")[0]), Machine()
    faces = [
        BlankCards(layout, face, [machine.card(layout, face, turn) for turn in (0.0, 180.0)])
        for face in ("front", "back")
    ]
    views = [replace(machine.sheet(**v), name=f"view {k}") for k, v in enumerate(VIEWS)]  # type: ignore[arg-type]
    return machine, learn(views, Board(), [machine.bed() for _ in range(3)], faces, "same cards", "sim")


WAYS: dict[str, Way] = {
    "camera": by_camera,
    "calibrated camera": by_calibrated_camera,
    "sensor bar": by_bar,
    "sensor head": by_head,
}
