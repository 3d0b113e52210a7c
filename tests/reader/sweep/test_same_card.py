"""One card, two machines: a camera and a bar of sensors give the same answers."""

from __future__ import annotations

import numpy as np
import pytest

from cards.load import find_layout
from device.frame import decode_picture
from device.simulator.deck import make_card
from device.simulator.people import answer
from device.simulator.scene import Bed, machine_scene
from reader.camera.read import read_frame
from reader.decode import decode
from reader.reading import Reading
from reader.sweep.read import read_sweep
from tests.reader.sweep.builders import NEAT, swept

BEDS: tuple[Bed, ...] = ("panel", "green", "beech", "felt")
CARD = find_layout("stadslogistiek-bar")


@pytest.mark.parametrize("seed", range(20))
def test_camera_and_sensors_give_identical_answers(seed: int) -> None:
    wanted = answer(CARD, np.random.default_rng(seed))
    scene = machine_scene(np.random.default_rng(seed), BEDS[seed % len(BEDS)], 1230, 924)
    picture = make_card(CARD, seed, hand=NEAT, wanted=wanted, scene=scene, language="nl")
    seen = read_frame(decode_picture(picture.jpeg, "card"), [CARD, find_layout("stadslogistiek")])
    felt = read_sweep(swept(CARD, seed, wanted=wanted)[0], [CARD])
    assert isinstance(seen, Reading) and isinstance(felt, Reading)
    assert seen.layout_digest == felt.layout_digest
    by_eye, by_hand = decode(seen, CARD), decode(felt, CARD)
    assert dict(by_eye.answers) == dict(by_hand.answers)
    assert {n for n, p in felt.punches().items() if p == "punched"} == wanted
    assert by_hand.verdict.outcome == "accepted"
