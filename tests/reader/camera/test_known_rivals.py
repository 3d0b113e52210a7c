"""Cards of one outline before a calibrated machine: each is read as itself, or not at all."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from calibration.blank import paper_mask, raster_shape
from calibration.models import BLANK_PX_PER_MM
from device.simulator.card import Cut
from device.simulator.scene import Bed
from reader.camera.printed import ALIKE_MIN, Print
from reader.camera.read import read_frame
from reader.reading import Code, Reading, Rejection
from tests.reader.camera.two_cards import ONE, OTHER, Side, holes, profile, seen
from tests.volume.cards import layouts

pytestmark = pytest.mark.xdist_group("rivals")
BEDS: tuple[Bed, ...] = ("felt", "panel")


@pytest.mark.parametrize("bed", BEDS)
@pytest.mark.parametrize("mine, offered", [(ONE, OTHER), (OTHER, ONE)])
def test_an_unpunched_card_is_not_taken_for_another_of_its_outline(bed: Bed, mine: str, offered: str) -> None:
    outcome = read_frame(seen(layouts()[mine], bed, "front", ()), [layouts()[offered]], profile(bed))
    assert isinstance(outcome, Rejection) and outcome.reasons[0].code is Code.UNKNOWN_LAYOUT


@pytest.mark.parametrize("bed", BEDS)
@pytest.mark.parametrize("face", ["front", "back"])
def test_a_punched_card_is_not_taken_for_another_of_its_outline(bed: Bed, face: Side) -> None:
    for seed in range(8):
        frame = seen(layouts()[OTHER], bed, face, holes(layouts()[OTHER], seed), seed=seed)
        outcome = read_frame(frame, [layouts()[ONE]], profile(bed))
        assert isinstance(outcome, Rejection) and outcome.reasons[0].code is Code.UNKNOWN_LAYOUT, seed


@pytest.mark.parametrize("bed", BEDS)
@pytest.mark.parametrize("face", ["front", "back"])
@pytest.mark.parametrize("name", [ONE, OTHER])
def test_of_two_layouts_of_one_outline_the_cards_own_is_read(bed: Bed, face: Side, name: str) -> None:
    both = [layouts()[ONE], layouts()[OTHER]]
    for seed in range(4):
        frame = seen(layouts()[name], bed, face, holes(layouts()[name], seed), seed=seed)
        outcome = read_frame(frame, both, profile(bed))
        assert isinstance(outcome, Reading) and outcome.layout == layouts()[name].identity, seed


def test_an_unprinted_back_without_holes_may_be_either_cards() -> None:
    both = [layouts()[ONE], layouts()[OTHER]]
    outcome = read_frame(seen(both[0], "felt", "back", ()), both, profile("felt"))
    assert isinstance(outcome, Rejection) and outcome.reasons[0].code is Code.AMBIGUOUS_FIT


def test_print_tells_an_unpunched_card_from_one_that_has_none() -> None:
    both, learnt = [layouts()[ONE], layouts()[OTHER]], profile("felt")
    plain = tuple(
        replace(b, mean=np.full_like(b.mean, np.median(b.mean))) if b.layout == both[1].identity else b
        for b in learnt.blanks
    )
    outcome = read_frame(seen(both[0], "felt", "front", ()), both, replace(learnt, blanks=plain))
    assert isinstance(outcome, Reading) and outcome.layout == both[0].identity


@pytest.mark.parametrize("bed", BEDS)
def test_a_card_in_another_language_than_the_blank_is_read(bed: Bed) -> None:
    layout = layouts()[ONE]
    cuts = holes(layout, 3)
    own, *others = (read_frame(seen(layout, bed, "front", cuts, e), [layout], profile(bed)) for e in layout.languages)
    assert isinstance(own, Reading) and others
    for other in others:
        assert isinstance(other, Reading) and other.punches() == own.punches()


@pytest.mark.parametrize("bed", BEDS)
@pytest.mark.parametrize("mine, other", [(ONE, OTHER), (OTHER, ONE)])
def test_a_blanks_print_is_on_itself_and_not_on_another_of_its_outline(bed: Bed, mine: str, other: str) -> None:
    own, others = (profile(bed).blank(layouts()[name].identity, "front") for name in (mine, other))
    assert own is not None and others is not None
    told = Print(layouts()[mine], own.mean, paper_mask(layouts()[mine]).astype(np.uint8) * 255, BLANK_PX_PER_MM)
    lit = np.ones(len(told.here), np.float32)
    assert told.alike(own.mean, lit) == 1
    assert (told.alike(others.mean, lit) or 0) < ALIKE_MIN / 2


def test_a_face_without_print_tells_nothing() -> None:
    layout = layouts()[ONE]
    plain = np.full(raster_shape((layout.width_mm, layout.height_mm)), 200, np.uint8)
    told = Print(layout, plain, np.full_like(plain, 255), BLANK_PX_PER_MM)
    assert told.alike(plain, np.ones(len(told.here), np.float32)) is None


def test_a_narrow_slit_is_doubted_though_blur_leaves_little_of_it() -> None:
    layout = layouts()["survey-a"]
    place = layout.positions[5]
    hole = Cut(place.x_mm, place.y_mm, layout.hole.width_mm, layout.hole.height_mm, round=True)
    for side in range(0, 360, 45):
        slit = replace(hole, flap=0.05, flap_deg=float(side), swing_deg=33.0)
        outcome = read_frame(seen(layout, "felt", "front", (slit,)), [layout], profile("felt"))
        assert isinstance(outcome, Reading)
        assert outcome.scores[place.name].doubts or outcome.scores[place.name].open > 0.1, side
        assert all(p.value == "clear" for name, p in outcome.punches().items() if name != place.name)
