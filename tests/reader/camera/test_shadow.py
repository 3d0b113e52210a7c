"""A shadow on a card: it takes light from paper and bed alike, so that what lies in it is read as if it did not."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from cards.layout import Layout
from device.frame import Frame
from device.simulator.deck import SimulatedCard, make_card
from device.simulator.hand import Hand
from device.simulator.scene import Bed, Scene
from reader.camera import read_frame
from reader.camera.bed import view
from reader.camera.find import Found, search
from reader.camera.measure import Measured, measure, search_reach_mm, view_of
from reader.camera.scores import ASTRAY_MM, scores
from reader.camera.shadow import hides_colour, without_shadow
from reader.reading import Punch, Reading, Rejection
from tests.reader.camera.test_read import STEADY, picture, pixels, unsure, wrong

LEFT = (0.42, 0.40, 0.38)
"""What the shadow leaves of blue, green and red."""


def shaded(card: SimulatedCard, share: float, way_deg: float, soft_px: float = 6.0) -> Frame:
    """The card's picture, that share of it in a shadow whose edge runs across."""
    image = pixels(card).astype(np.float64)
    height, width = image.shape[:2]
    way = np.radians(way_deg)
    y, x = np.mgrid[:height, :width]
    along = x * np.cos(way) + y * np.sin(way)
    lit = np.clip(0.5 + (along - np.quantile(along, share)) / soft_px, 0, 1)[..., None]
    left = np.array(LEFT)
    return picture(np.rint(image * (left + (1 - left) * lit)).astype(np.uint8))


def seen(frame: Frame, layout: Layout) -> tuple[Found, Measured, Measured]:
    """The card, what is measured of it, and what is measured without its shadow."""
    found = search(frame, [layout]).found
    assert found is not None
    view, geometry = view_of(frame, found.edge.geometry), found.edge.geometry
    measured = measure(view, geometry, layout)
    return found, measured, without_shadow(view, geometry, layout, measured)


@pytest.mark.parametrize(
    ("bed", "share", "way_deg"),
    [("green", 0.35, 20), ("green", 0.5, 70), ("green", 0.45, -35), ("green", 0.4, 180), ("beech", 0.35, 20)],
)
def test_a_card_half_in_a_shadow_is_read_like_one_in_the_light(
    campaign: Layout, bed: Bed, share: float, way_deg: float
) -> None:
    card = make_card(campaign, 31, scene=Scene(bed=bed, turn_deg=3), hand=STEADY)
    reading = read_frame(shaded(card, share, way_deg), [campaign])
    assert wrong(reading, card.truth) == [] and unsure(reading) == 0


@pytest.mark.parametrize("seed", range(6))
def test_half_open_holes_in_a_shadow_stay_uncertain(campaign: Layout, seed: int) -> None:
    card = make_card(campaign, 40 + seed, scene=Scene(bed="green"), hand=Hand(0.2, 0.0, half=1.0))
    reading = read_frame(shaded(card, 0.45, 30.0 * seed), [campaign])
    assert isinstance(reading, Reading)
    halves = [n.replace("/", ".", 1) for n, t in card.truth["truth"].items() if t == "ambiguous"]
    assert halves and {reading.punches()[n] for n in halves} == {Punch.UNCERTAIN}


@pytest.mark.parametrize("bed", ["green", "beech", "felt", "panel"])
def test_no_shadow_is_seen_where_none_lies(campaign: Layout, bed: Bed) -> None:
    card = make_card(campaign, 31, scene=Scene(bed=bed), hand=STEADY)
    _, measured, again = seen(picture(pixels(card)), campaign)
    assert again is measured


def test_a_dark_card_in_the_light_is_no_shadow(campaign: Layout) -> None:
    """A shadow on the bed alone says nothing about paper that is printed dark in places."""
    card = make_card(campaign, 31, scene=Scene(bed="green"), hand=STEADY)
    frame = shaded(card, 0.45, 0)
    found, measured, again = seen(frame, campaign)
    assert again is not measured
    half = np.array([[0, 0], [60, 0], [60, campaign.height_mm], [0, campaign.height_mm]], np.float64)
    image = np.asarray(frame.colour).copy()
    over = np.zeros(image.shape[:2], np.uint8)
    cv2.fillConvexPoly(over, np.rint(found.edge.geometry.to_px(half)).astype(np.int32), 255)
    image[over > 0] = (image[over > 0] * (0.9, 0.4, 0.3)).astype(np.uint8)
    _, measured, again = seen(picture(image), campaign)
    assert again is measured


@pytest.mark.parametrize("share", [0.6, 0.75, 0.85, 0.92])
@pytest.mark.parametrize("bed", ["green", "beech"])
def test_a_bed_of_a_colour_that_is_mostly_in_shadow_is_not_taken_for_felt(
    campaign: Layout, bed: Bed, share: float
) -> None:
    card = make_card(campaign, 31, scene=Scene(bed=bed, light=0.7), hand=STEADY)
    outcome = read_frame(shaded(card, share, 25), [campaign])
    assert isinstance(outcome, Rejection) or wrong(outcome, card.truth) == []


def test_felt_in_a_shadow_hides_no_colour(campaign: Layout) -> None:
    frame = shaded(make_card(campaign, 31, scene=Scene(bed="felt"), hand=STEADY), 0.6, 25)
    found = search(frame, [campaign]).found
    assert found is not None
    geometry = found.edge.geometry
    for image in (frame.grey, frame.colour):
        assert image is not None and not hides_colour(frame, geometry, view(image, geometry))


def test_what_lies_further_off_than_a_hand_punches_is_no_hole_for_certain(campaign: Layout) -> None:
    card = make_card(campaign, 31, scene=Scene(bed="green"), hand=STEADY)
    _, measured, _ = seen(picture(pixels(card)), campaign)
    k = int(measured.open.argmax())
    far = search_reach_mm(campaign) + ASTRAY_MM
    for off, doubts in ((far - 0.1, ()), (far + 0.1, ("astray",))):
        moved: NDArray[np.float32] = measured.offset_mm.copy()
        moved[k] = off, 0
        score = scores(replace(measured, offset_mm=moved), campaign)[campaign.positions[k].name]
        assert score.open > 0.7 and score.doubts == doubts


@pytest.mark.parametrize("share", [0.3, 0.5, 0.7])
def test_a_shadow_in_a_picture_without_colour_makes_no_certain_error(campaign: Layout, share: float) -> None:
    card = make_card(campaign, 31, scene=Scene(bed="green"), hand=STEADY)
    outcome = read_frame(Frame("grey", shaded(card, share, 25).grey), [campaign])
    assert isinstance(outcome, Rejection) or wrong(outcome, card.truth) == []
