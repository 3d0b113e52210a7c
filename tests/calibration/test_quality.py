"""Each measure of a picture tells good from bad by its figure, near its limit."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from calibration.lens import Board
from calibration.quality import (
    EDGE_MAX_PX,
    VIEWS_MIN,
    edge_width_px,
    evenness,
    exposure,
    noise_levels,
    resolution,
    stillness,
    variety,
)
from calibration.sheet import see_sheet
from tests.calibration.machine import FOCAL, HEIGHT, VIEWS, WIDTH, Machine

RNG = np.random.default_rng(5)
TEXTURE = cv2.GaussianBlur(RNG.normal(0, 60, (300, 400)), (0, 0), 2) + 100


def grey(image: np.ndarray[tuple[int, ...], np.dtype[np.float64]]) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    return np.clip(np.rint(image), 0, 255).astype(np.uint8)


@pytest.mark.parametrize("blur_px", [1.0, 1.5, 2.0])
def test_edges_are_as_wide_as_the_blur_makes_them(blur_px: float) -> None:
    frame = Machine().sheet(lean=(5, 8), turn=12, blur_px=blur_px)
    view = see_sheet(frame.grey, Board())
    assert view is not None
    assert edge_width_px(frame.grey, view, Board()) == pytest.approx(2.563 * blur_px, rel=0.2)


def test_a_sheet_out_of_focus_is_beyond_the_limit() -> None:
    frame = Machine().sheet(blur_px=2.6)
    view = see_sheet(frame.grey, Board())
    assert view is not None
    width = edge_width_px(frame.grey, view, Board())
    assert width is not None and width > EDGE_MAX_PX


@pytest.mark.parametrize("sigma", [1.0, 3.0, 8.0])
def test_grain_is_measured_whatever_the_lamp_does(sigma: float) -> None:
    one, two = (grey(TEXTURE * gain + RNG.normal(0, sigma, TEXTURE.shape)) for gain in (1.0, 1.03))
    assert noise_levels(one, two) == pytest.approx(sigma, rel=0.15)


@pytest.mark.parametrize(("moved_px", "good"), [(0, True), (0.5, True), (2, False), (7, False)])
def test_movement_is_measured(moved_px: float, good: bool) -> None:
    moved = cv2.warpAffine(
        TEXTURE, np.array([[1, 0, moved_px], [0, 1, 0.0]]), (400, 300), borderMode=cv2.BORDER_REFLECT
    )
    found = stillness(grey(TEXTURE), grey(moved))
    assert found.good == good
    assert float(found.figure.split()[0]) == pytest.approx(moved_px, abs=0.15)


@pytest.mark.parametrize(("white", "good"), [(60, False), (120, True), (240, True), (254, False)])
def test_paper_may_be_neither_dark_nor_full(white: float, good: bool) -> None:
    assert exposure(np.full(500, float(white))).good == good


def test_a_reflection_on_the_paper_is_told() -> None:
    levels = np.full(1000, 200.0)
    levels[:30] = 255
    assert "reflect" in exposure(levels).advice


@pytest.mark.parametrize(("darkest", "good"), [(0.9, True), (0.5, True), (0.3, False)])
def test_an_uneven_lamp_is_told(darkest: float, good: bool) -> None:
    surface = 180 * np.ones((240, 360)) * np.linspace(1, darkest, 360)
    assert evenness(grey(surface), np.ones(surface.shape, bool), "the bed").good == good


def test_a_coarse_camera_is_told() -> None:
    assert resolution(7.0, 1.4).good and not resolution(5.0, 1.4).good


def test_views_must_be_many_everywhere_and_leaning() -> None:
    machine = Machine()
    seen = [see_sheet(machine.sheet(**view).grey, Board()) for view in VIEWS]
    views = [view for view in seen if view is not None]
    whole = variety(views, Board(), WIDTH, HEIGHT)
    assert len(views) == VIEWS_MIN and all(f.good for f in whole.findings())
    assert whole.leans_deg[4] == pytest.approx(20, abs=2), FOCAL
    flat = variety([views[0]] * VIEWS_MIN, Board(), WIDTH, HEIGHT)
    assert [f.topic for f in flat.findings() if not f.good] == ["coverage", "lean"]
    left = variety([v for v in views if v.corners_px[:, 0].mean() < WIDTH / 2], Board(), WIDTH, HEIGHT)
    assert any("right" in name for name in left.missing)
