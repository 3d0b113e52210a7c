"""What the reader says of damaged cards, row by row of the simulator's table."""

from __future__ import annotations

import numpy as np
import pytest

from cards.layout import Layout
from device.simulator.damage import CASES, Case, damaged
from device.simulator.render import render
from device.simulator.scene import machine_scene
from device.simulator.truth import truth
from reader.camera import read_frame
from reader.decode import decode
from reader.reading import Punch, Reading

ROWS = [pytest.param(case, bed, id=f"{case.name}, {bed}") for case in CASES for bed in ("felt", "panel")]


@pytest.mark.parametrize(("case", "bed"), ROWS)
def test_damage_is_read_as_the_table_says(campaign: Layout, case: Case, bed: str) -> None:
    for seed in range(3):
        rng = np.random.default_rng([seed, 5])
        card, struck = damaged(campaign, case, rng)
        scene = machine_scene(rng, "felt" if bed == "felt" else "panel", 1640, 1232)
        outcome = read_frame(render(campaign, card, scene, rng), [campaign])
        if not isinstance(outcome, Reading):
            assert "refused" in case.allowed, outcome
            continue
        said = outcome.punches()
        assert said[struck.name].value in case.allowed
        known = truth(campaign, card)
        certain = {name: p.value for name, p in said.items() if p is not Punch.UNCERTAIN}
        assert {n for n, p in certain.items() if p != known[n] and n != struck.name} == set()
        if case.review:
            assert decode(outcome, campaign).verdict.outcome != "accepted"
