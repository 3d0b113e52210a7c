"""One card, two machines: a camera and a bar of sensors give the same answers."""

from __future__ import annotations

import numpy as np
import pytest

from cards.load import find_layout
from device.frame import decode_picture
from device.simulator.card import Card, Cover
from device.simulator.deck import make_card, picture_of
from device.simulator.hand import punch
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


def test_a_timing_bar_that_is_covered_to_the_size_of_a_hole_is_no_stray_on_felt() -> None:
    assert CARD.sensor_bar is not None
    rng = np.random.default_rng(0)
    cuts = tuple(punch(CARD, answer(CARD, rng), NEAT, rng))
    x, y, bottom = CARD.sensor_bar.columns_mm[8], CARD.sensor_bar.track_mm, CARD.sensor_bar.track_span_mm[1]
    sticker = Cover(((x - 4, y), (x + 4, y), (x + 4, bottom + 0.5), (x - 4, bottom + 0.5)))
    scene = machine_scene(np.random.default_rng(0), "felt", 1230, 924)
    picture = picture_of(CARD, Card(cuts, "nl", covers=(sticker,)), scene, rng, 0, "card")
    seen = read_frame(decode_picture(picture.jpeg, "card"), [CARD])
    assert isinstance(seen, Reading)
    assert seen.strays == ()
