"""What the reader says of damaged cards, row by row of the simulator's table."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from calibration.profile import Profile
from cards.layout import Layout
from cards.load import find_layout
from device.simulator.card import Card
from device.simulator.damage import CASES, Case, damaged
from device.simulator.render import render
from device.simulator.scene import Bed, machine_scene
from device.simulator.truth import truth
from reader.camera import read_frame
from reader.decode import decode
from reader.reading import Punch, Reading, Rejection
from tests.volume import machine

ROWS = [pytest.param(case, bed, id=f"{case.name}, {bed}") for case in CASES for bed in ("felt", "panel")]


@pytest.mark.parametrize(("case", "bed"), ROWS)
def test_damage_is_read_as_the_table_says(campaign: Layout, case: Case, bed: str) -> None:
    for seed in range(3):
        rng = np.random.default_rng([seed, 5])
        card, struck = damaged(campaign, case, rng)
        scene = machine_scene(rng, "felt" if bed == "felt" else "panel", 1640, 1232)
        outcome = read_frame(render(campaign, card, scene, rng), [campaign])
        _check(campaign, case, card, struck.name, outcome)


def _check(layout: Layout, case: Case, card: Card, struck: str, outcome: Reading | Rejection) -> None:
    if not isinstance(outcome, Reading):
        assert "refused" in case.allowed, outcome
        return
    said = outcome.punches()
    assert said[struck].value in case.allowed
    known = truth(layout, card)
    certain = {name: p.value for name, p in said.items() if p is not Punch.UNCERTAIN}
    assert {n for n, p in certain.items() if p != known[n] and n != struck} == set()
    if case.review:
        assert decode(outcome, layout).verdict.outcome != "accepted"


@pytest.mark.xdist_group("machines")
@pytest.mark.parametrize(("case", "bed"), ROWS)
def test_a_calibrated_machine_reads_damage_as_the_table_says(campaign: Layout, case: Case, bed: str) -> None:
    which: Bed = "felt" if bed == "felt" else "panel"
    for seed in range(2):
        rng = np.random.default_rng([seed, 5])
        card, struck = damaged(campaign, case, rng)
        card = replace(card, language=machine.edition(campaign))
        frame = render(campaign, card, machine.lies(which, "front", rng), rng)
        outcome = read_frame(frame, [campaign], _profile(which, campaign.identity))
        _check(campaign, case, card, struck.name, outcome)


@cache
def _profile(bed: Bed, identity: str) -> Profile:
    return machine.learnt(bed, [find_layout(identity.split("@")[0])])
