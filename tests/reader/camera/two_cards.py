"""Two designs of one outline before the calibrated machines of the volume run, which learn both once."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import Any, Literal

import numpy as np

from calibration.profile import Profile
from cards.layout import Layout
from device.frame import Frame
from device.simulator.card import Card, Cut
from device.simulator.hand import Hand, punch
from device.simulator.people import answer
from device.simulator.render import render
from device.simulator.scene import Bed
from tests.volume import machine
from tests.volume.cards import layouts

ONE, OTHER = "stadslogistiek", "survey-a"
Side = Literal["front", "back"]


@cache
def profile(bed: Bed) -> Profile:
    """What the machine of this bed has learnt of both."""
    return machine.learnt(bed, [layouts()[ONE], layouts()[OTHER]])


def seen(
    layout: Layout,
    bed: Bed,
    face: Side,
    cuts: tuple[Cut, ...],
    language: str | None = None,
    seed: int = 1,
    **changed: Any,
) -> Frame:
    """A card before that machine. changed: what of the scene is not as it was when it learnt."""
    rng = np.random.default_rng(seed)
    card = Card(cuts, language=language or machine.edition(layout))
    return render(layout, card, replace(machine.lies(bed, face, rng), **changed), rng)


def holes(layout: Layout, seed: int) -> tuple[Cut, ...]:
    """Somebody's answers."""
    rng = np.random.default_rng(seed)
    return tuple(punch(layout, answer(layout, rng), Hand(0.3, 0.0), rng))
