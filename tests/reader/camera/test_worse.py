"""Holes that hands leave half open, in pictures made worse: what blur, tone and a cast take must not make them clear."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from cards.layout import Layout
from device.frame import Frame, decode_picture
from device.simulator.render import render
from device.simulator.truth import truth
from reader.camera import read_frame
from reader.camera.crescent import shaded
from reader.reading import Reading
from tests.volume.cards import in_spec, layouts, out_of_spec

Image = NDArray[np.uint8]
BLUR_PX = 1.8


def blurred(image: Image) -> Image:
    return np.asarray(cv2.GaussianBlur(image, (0, 0), BLUR_PX), np.uint8)


def paler(image: Image) -> Image:
    return np.asarray(np.rint(255 * (image / 255.0) ** 0.6), np.uint8)


def printed_dark(image: Image) -> Image:
    """The card over felt as if its ground were dark and its print pale, and blurred."""
    levels = np.interp(np.arange(256), [0, 20, 60, 70, 150, 165, 255], [14, 17, 20, 75, 75, 45, 48])
    return blurred(levels.astype(np.uint8)[image])


def worse(frame: Frame, *ways: Callable[[Image], Image]) -> Frame:
    image = frame.grey if frame.colour is None else frame.colour
    for way in ways:
        image = way(image)
    return decode_picture(cv2.imencode(".png", image)[1].tobytes(), frame.name)


@pytest.mark.parametrize(
    ("seed", "card", "ways", "position"),
    [
        pytest.param(31, 47, (blurred,), "likert1.4", id="a narrow arc, blurred"),
        pytest.param(31, 56, (blurred, paler), "groceries_how.delivered", id="the same, in pale tones"),
        pytest.param(20260, 21, (blurred,), "feel5.1", id="one of several on its card"),
    ],
)
def test_over_a_colour_shade_at_one_side_is_doubted(
    seed: int, card: int, ways: tuple[Callable[[Image], Image], ...], position: str
) -> None:
    sample = out_of_spec(seed, card, "coloured")
    assert sample.truth[position] == "ambiguous"
    outcome = read_frame(worse(sample.frame, *ways), [sample.layout])
    assert isinstance(outcome, Reading)
    assert outcome.scores[position].doubts == ("crescent",)


@pytest.mark.parametrize(("card", "position"), [(16, "groceries_how.transit"), (57, "do5.4")])
def test_on_a_dark_card_over_felt_shade_at_one_side_is_doubted(card: int, position: str) -> None:
    sample = out_of_spec(31, card)
    assert sample.scene.bed == "felt"
    assert sample.truth[position] == "ambiguous"
    outcome = read_frame(worse(sample.frame, printed_dark), [sample.layout])
    assert isinstance(outcome, Reading)
    assert outcome.scores[position].doubts == ("crescent",)


def test_on_a_dark_card_every_position_is_looked_at_closely() -> None:
    layout = layouts()["survey-b"]
    name = layout.positions[20].name
    outcome = read_frame(decode_picture(cv2.imencode(".png", dark_card(layout, name))[1].tobytes(), "dark"), [layout])
    assert isinstance(outcome, Reading)
    assert outcome.scores[name].doubts == ("crescent",)


def dark_card(layout: Layout, name: str) -> Image:
    """Over felt, a dark card with pale discs; the one at `name` shows 16 % of the bed, blurred to half its depth."""
    scale, margin = 23.6, 12.0
    width, height, radius = layout.width_mm, layout.height_mm, layout.hole.width_mm / 2
    image = np.full((round((height + 2 * margin) * scale), round((width + 2 * margin) * scale)), 17, np.uint8)

    def px(x_mm: float, y_mm: float) -> tuple[int, int]:
        return int((x_mm + margin) * scale), int((y_mm + margin) * scale)

    cut = layout.corner_cut
    assert cut is not None
    assert cut.corner == "top-left"
    outline = [(cut.dx_mm, 0), (width, 0), (width, height), (0, height), (0, cut.dy_mm)]
    cv2.fillPoly(image, [np.array([px(*corner) for corner in outline])], 45)
    for k, p in enumerate(layout.positions):
        cv2.circle(image, px(p.x_mm, p.y_mm), int((radius + 0.2) * scale), 95, -1)
        cv2.circle(image, px(p.x_mm, p.y_mm), int((radius - 0.2) * scale), 67, -1)
        if k % 9 == 4:
            cv2.circle(image, px(p.x_mm + 0.2, p.y_mm - 0.1), int(radius * scale), 33, -1)
        if p.name == name:
            way = np.linspace(-0.96, 0.96, 60) + np.deg2rad(80)
            at = np.stack([p.x_mm + 0.2 + radius * np.cos(way), p.y_mm + 0.1 + radius * np.sin(way)], axis=1)
            cv2.fillPoly(image, [np.array([px(x, y) for x, y in at])], 33)
    small = cv2.resize(image, None, fx=0.25, fy=0.25, interpolation=cv2.INTER_AREA).astype(np.float32)
    seen = cv2.GaussianBlur(small, (0, 0), 2.2) + np.random.default_rng(1).normal(0, 1.5, small.shape)
    return np.asarray(np.clip(np.rint(seen), 0, 255), np.uint8)


@pytest.mark.parametrize(("card", "position"), [(209, "card.27.9"), (489, "card.51.6")])
def test_a_machines_hole_open_at_one_end_is_doubted_in_pale_tones(card: int, position: str) -> None:
    sample = in_spec(31, card, "coloured")
    rng = np.random.default_rng([31, card])
    cuts = tuple(
        replace(cut, flap=float(rng.uniform(0.72, 0.84)), flap_deg=float(rng.choice([90, 270])))
        if rng.random() < 0.3
        else cut
        for cut in sample.card.cuts
    )
    half = replace(sample.card, cuts=cuts)
    assert truth(sample.layout, half)[position] == "ambiguous"
    outcome = read_frame(worse(render(sample.layout, half, sample.scene, rng, name="half"), paler), [sample.layout])
    assert isinstance(outcome, Reading)
    assert outcome.scores[position].doubts == ("crescent",)


def test_many_positions_tell_their_print_more_finely_than_a_glance() -> None:
    rng = np.random.default_rng(1)
    dark = rng.normal(0, 0.005, (24, 9, 9)).astype(np.float32)
    dark[:, 4] = 0.4
    bed_dark, coarse = np.full((24, 1, 1), 0.8, np.float32), np.full((9, 9), 0.1, np.float32)
    few = np.arange(24) < 5
    assert shaded(dark, bed_dark, coarse, few)[:, 4].min() > 0.3
    assert shaded(dark, bed_dark, coarse, few | True)[:, 4].max() < 0.05
