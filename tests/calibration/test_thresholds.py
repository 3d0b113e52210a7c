"""Thresholds come from what a machine's own unpunched cards measure, within bounds."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
from numpy.typing import NDArray

from calibration.bed import learn_bed
from calibration.lens import Lens
from calibration.models import Plane
from calibration.place import Fit, Tray
from calibration.plane import Pose, to_px
from calibration.thresholds import CLEAR_MAX, CLEAR_MIN, PUNCHED_MAX, PUNCHED_MIN, clear_scores, thresholds
from cards.layout import Layout

CAMERA = np.array([[900.0, 0, 639.5], [0, 900.0, 479.5], [0, 0, 1]])
LENS = Lens(CAMERA, np.zeros(5), (1280, 960), 0.1, 1.0, ())
PLANE = Plane(np.zeros(3), np.array([0.0, 0.0, 200.0]), 0.0)
POSES = (Pose(0, 0, 0), Pose(3, -2, 0.03), Pose(-2, 3, -0.02))


def cards(layout: Layout, hole: tuple[float, float] | None = None) -> list[NDArray[np.uint8]]:
    """Plain cards on a dark bed, the first with one hole when asked for."""
    rng = np.random.default_rng(1)
    half = np.array([layout.width_mm, layout.height_mm]) / 2
    images = []
    for pose in POSES:
        image = np.full((960, 1280), 20, np.uint8)
        outline = to_px(LENS, PLANE, pose.to_plane(np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]]) * half))
        cv2.fillPoly(image, [np.round(outline).astype(np.int32)], 180)
        if hole is not None and not images:
            x, y = to_px(LENS, PLANE, pose.to_plane(np.array([hole]) - half))[0]
            cv2.circle(image, (round(x), round(y)), round(layout.hole.width_mm / 2 * 4.5), 20, -1)
        images.append(np.clip(image + rng.normal(0, 1.5, image.shape), 0, 255).astype(np.uint8))
    return images


def scores(layout: Layout, images: list[NDArray[np.uint8]]) -> NDArray[np.float64]:
    bed = learn_bed([np.full((960, 1280), 20, np.uint8)] * 2, ["a", "b"])
    fits = [Fit(pose, 0.0, 1.0, (0.0, 0.0), 0.1, 0.0) for pose in POSES[: len(images)]]
    return clear_scores(Tray(LENS, PLANE, bed), images, fits, layout, "front")


def test_plain_cards_measure_nothing_and_clear_ends_at_its_lower_bound(campaign: Layout) -> None:
    found = scores(campaign, cards(campaign))
    assert found.shape == (3 * len(campaign.positions),)
    assert found.max() < 0.01
    assert thresholds(found, [campaign], 7.0).clear_max == CLEAR_MIN


def test_each_card_is_judged_by_the_others_alone(campaign: Layout) -> None:
    place = campaign.positions[3]
    found = scores(campaign, cards(campaign, (place.x_mm, place.y_mm))).reshape(3, -1)
    assert found[0, 3] > 0.8
    assert np.delete(found[0], 3).max() < 0.01


def test_one_card_alone_is_not_judged_and_the_upper_bound_stands(campaign: Layout) -> None:
    found = scores(campaign, cards(campaign)[:1])
    assert len(found) == 0
    assert thresholds(found, [campaign], 7.0).clear_max == CLEAR_MAX


def test_noise_raises_what_is_clear_but_never_beyond_its_bound(campaign: Layout) -> None:
    rng = np.random.default_rng(2)
    ends = [thresholds(np.abs(rng.normal(0, s, 500)), [campaign], 7.0).clear_max for s in (0.001, 0.012, 0.1)]
    assert ends[0] == CLEAR_MIN < ends[1] < ends[2] == CLEAR_MAX


def test_one_position_that_measures_much_counts_though_the_spread_is_small(campaign: Layout) -> None:
    found = np.zeros(1000)
    found[7] = 0.055
    assert thresholds(found, [campaign], 7.0).clear_max == 0.055


def test_punched_begins_higher_for_small_holes_and_coarse_pictures(campaign: Layout) -> None:
    small = replace(campaign, hole=replace(campaign.hole, width_mm=3.0, height_mm=3.0))
    begins = [
        thresholds(np.zeros(1), y, s).punched_min for y, s in (([campaign], 20), ([small], 7), ([campaign, small], 3))
    ]
    assert begins[0] == PUNCHED_MIN < begins[1] < begins[2] == PUNCHED_MAX
