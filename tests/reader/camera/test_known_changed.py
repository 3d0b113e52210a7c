"""A machine that is not as it was calibrated: what it reads is right, or it says that it cannot."""

from __future__ import annotations

from dataclasses import replace
from math import erf, sqrt
from typing import Any

import numpy as np
import pytest

from calibration.blank import lying
from calibration.errors import CalibrationError
from calibration.outline import STEP_MM, side_offsets, side_points
from calibration.place import BLUR_MAX_MM
from device.simulator.card import Card, Cut
from device.simulator.scene import Bed
from device.simulator.truth import truth
from reader.camera.known import Known
from reader.camera.printed import ALIKE_MIN
from reader.camera.read import read_frame
from reader.reading import Code, Punch, Reading, Rejection
from tests.reader.camera.two_cards import ONE, OTHER, holes, profile, seen
from tests.volume import machine
from tests.volume.cards import layouts

pytestmark = pytest.mark.xdist_group("rivals")
BEDS: tuple[Bed, ...] = ("felt", "panel")
WINDOW = (-0.4, -0.2)
"""Light that falls in from one side since."""


def outcome(name: str, bed: Bed, cuts: tuple[Cut, ...], seed: int, **changed: Any) -> Reading | Rejection:
    layout = layouts()[name]
    return read_frame(seen(layout, bed, "front", cuts, seed=seed, **changed), [layout], profile(bed))


def half_open(name: str, share: float, side_deg: float) -> tuple[Cut, ...]:
    """Every third position open by this share, its chad standing at that side."""
    layout = layouts()[name]
    size = layout.hole.width_mm, layout.hole.height_mm
    return tuple(
        Cut(p.x_mm, p.y_mm, *size, round=True, flap=1 - share, flap_deg=side_deg) for p in layout.positions[::3]
    )


def code(found: Reading | Rejection) -> Code | None:
    return found.reasons[0].code if isinstance(found, Rejection) else None


@pytest.mark.parametrize("bed", BEDS)
def test_out_of_focus_a_card_is_refused_as_blurred_and_a_little_soft_it_is_read(bed: Bed) -> None:
    cuts = holes(layouts()[ONE], 3)
    sharp, soft, *blurred = (outcome(ONE, bed, cuts, 5, blur_px=px) for px in (0.8, 1.2, 2.4, 3.5, 5.0))
    assert isinstance(sharp, Reading) and isinstance(soft, Reading) and soft.punches() == sharp.punches()
    assert [code(found) for found in blurred] == [Code.BLURRED] * 3


def test_no_blank_card_is_learnt_out_of_focus() -> None:
    layout, tray = layouts()[ONE], Known(profile("felt")).tray
    sharp, blurred = (seen(layout, "felt", "front", (), seed=4, blur_px=px).grey for px in (0.8, 2.5))
    assert lying(tray, sharp, layout, "front", "blank-1").blur_mm < BLUR_MAX_MM
    with pytest.raises(CalibrationError, match=r"blank-2.*blurred.*focus the camera"):
        lying(tray, blurred, layout, "front", "blank-2")


@pytest.mark.parametrize("swing_deg", [33.0, 35.0])
def test_a_slit_that_is_a_little_out_of_focus_is_doubted(swing_deg: float) -> None:
    """What it leaves is neither bed nor paper for certain."""
    layout, told = layouts()[OTHER], 0
    for side in range(0, 360, 45):
        slits = tuple(replace(cut, flap=0.05, swing_deg=swing_deg) for cut in half_open(OTHER, 0.5, side))
        unsure = [t == "ambiguous" for t in truth(layout, Card(slits)).values()]
        found = outcome(OTHER, "felt", slits, side, blur_px=1.7)
        if isinstance(found, Reading):
            told += 1
            assert [p is Punch.UNCERTAIN for p in found.punches().values()] == unsure, side
        else:
            assert code(found) is Code.BLURRED
    assert told


def test_light_that_falls_otherwise_makes_no_holes() -> None:
    for seed in range(6):
        assert code(outcome(ONE, "panel", (), seed, slope=WINDOW)) is Code.PROFILE_MISMATCH, seed
        found = outcome(ONE, "panel", (), seed, slope=(WINDOW[0] / 3, WINDOW[1] / 3))
        assert isinstance(found, Reading) and set(found.punches().values()) == {Punch.CLEAR}, seed


@pytest.mark.parametrize("changed", [{}, {"light": 1.1}, {"slope": (0.15, 0.1)}, {"noise": 5.0}, {"light": 0.75}])
def test_in_other_light_a_half_open_hole_is_no_whole_one(changed: dict[str, Any]) -> None:
    """Nor where the card has no whole one to compare it with."""
    told = 0
    for side in range(0, 360, 60):
        found = outcome(OTHER, "panel", half_open(OTHER, 0.595, side), side, **changed)
        if isinstance(found, Reading):
            told += 1
            assert set(list(found.punches().values())[::3]) == {Punch.UNCERTAIN}, side
    assert told


def test_a_camera_that_has_become_noisy_is_not_as_calibrated() -> None:
    for seed in range(4):
        assert code(outcome(ONE, "panel", holes(layouts()[ONE], seed), seed, noise=12.0)) is Code.PROFILE_MISMATCH, seed


def test_before_a_camera_that_leans_no_column_is_taken_for_the_next() -> None:
    """Halfway between two sides is not seen halfway then, and print that repeats lies on other print."""
    layout = layouts()["ibm80"]
    column = [p for p in layout.positions if ".40." in p.name]
    size = layout.hole.width_mm, layout.hole.height_mm
    cuts = tuple(Cut(p.x_mm, p.y_mm, *size, round=False) for p in column)
    learnt, straight = machine.learnt("panel", [layout]), machine.MACHINES["panel"].camera
    assert straight is not None
    leaning = [replace(straight, tilt_deg=2.1, tilt_to_deg=to) for to in (285.0, 250.0, 100.0)]
    for seed in range(3):
        sound = read_frame(seen(layout, "panel", "front", cuts, seed=seed), [layout], learnt)
        assert isinstance(sound, Reading)
        assert {n for n, p in sound.punches().items() if p is Punch.PUNCHED} == {p.name for p in column}
        for camera in leaning:
            found = read_frame(seen(layout, "panel", "front", cuts, seed=seed, camera=camera), [layout], learnt)
            assert code(found) is Code.PROFILE_MISMATCH, (seed, camera)


@pytest.mark.parametrize("bed", BEDS)
@pytest.mark.parametrize("changed", [{"slope": WINDOW}, {"slope": (0.3, 0.15)}, {"noise": 7.0}, {"light": 1.25}])
def test_in_other_light_another_card_is_no_more_taken_for_the_known_one(bed: Bed, changed: dict[str, Any]) -> None:
    for seed in range(4):
        frame = seen(layouts()[OTHER], bed, "front", holes(layouts()[OTHER], seed), seed=seed, **changed)
        assert isinstance(read_frame(frame, [layouts()[ONE]], profile(bed)), Rejection), seed


@pytest.mark.parametrize("bed", BEDS)
def test_what_a_card_has_of_its_print_hardly_changes_with_the_light(bed: Bed) -> None:
    for name, least, most in ((ONE, ALIKE_MIN, 2.0), (OTHER, -1.0, ALIKE_MIN / 2)):
        known = Known(profile(bed))
        face = known.faces(layouts()[ONE])[0]
        for changed in ({}, {"slope": WINDOW}, {"light": 0.75}, {"blur_px": 1.4}):
            image = seen(layouts()[name], bed, "front", (), seed=2, **changed).grey
            placed = known.place(image, [layouts()[ONE]])
            assert not isinstance(placed, Rejection)
            mapped = next(m for option, m in placed.options if option is face)
            alike = face.look(image, placed.beds, mapped).alike
            assert alike is not None and least < alike < most, (name, changed, alike)


@pytest.mark.parametrize("sigma_mm", [0.1, 0.2, 0.3, 0.4])
@pytest.mark.parametrize("paper, bed", [(200.0, 20.0), (150.0, 250.0)])
def test_the_blur_of_an_edge_is_what_blurred_it(sigma_mm: float, paper: float, bed: float) -> None:
    steps = side_points(100.0, 60.0).shape[0]
    for off_mm in (-0.6, 0.0, 0.35):
        away = (np.arange(steps) - steps // 2) * STEP_MM - off_mm
        share = np.array([0.5 - 0.5 * erf(x / sigma_mm / sqrt(2)) for x in away])
        levels = (bed + (paper - bed) * share).astype(np.float32)[:, None, None].repeat(4, 1).repeat(16, 2)
        sides = side_offsets(levels, np.full_like(levels, bed))
        assert sides.good.all() and np.allclose(sides.offset_mm, off_mm, atol=0.07)
        assert np.allclose(sides.blur_mm, sigma_mm, atol=0.05)
