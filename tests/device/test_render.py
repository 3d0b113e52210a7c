"""The renderer: fixed cameras, bent cards, empty beds and sheets, grey beside colour; every picture its own."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest

from cards.layout import Layout
from device.simulator.card import Card, Cover, Cut, Mark, Tear, disc
from device.simulator.deck import make_frame
from device.simulator.hand import HANDS, at
from device.simulator.render import encode, render, render_bed, render_sheet
from device.simulator.scene import Camera, Scene, corners_px, view_of
from device.simulator.truth import open_shares

MACHINE = Camera(focal_px=1000, distance_mm=260, k1=-0.12, tilt_deg=2, tilt_to_deg=40)
QUIET = Scene(1024, 768, noise=0.0, blur_px=0.0)


def rng(seed: int = 1) -> np.random.Generator:
    return np.random.default_rng(seed)


@pytest.mark.parametrize("curl_mm", [-3.0, 0.0, 3.0])
@pytest.mark.parametrize("camera", [None, MACHINE])
@pytest.mark.parametrize("face", ["front", "back"])
def test_pixels_and_places_are_each_others_inverse(curl_mm: float, camera: Camera | None, face: str) -> None:
    scene = Scene(camera=camera, turn_deg=12, at_mm=(7, -4), tilt_deg=9, face="back" if face == "back" else "front")
    view = view_of((187.325, 82.55), scene, curl_mm)
    places = np.array([[0.0, 0.0], [187.0, 3.0], [60.0, 80.0], [93.0, 41.0]])
    assert np.abs(view.to_mm(view.to_px(places)) - places).max() < 0.02


def test_a_fixed_camera_sees_a_moved_card_moved_and_the_same_bed(campaign: Layout) -> None:
    fixed = replace(QUIET, camera=MACHINE, bed_seed=3)
    one, two = (replace(fixed, at_mm=at_mm) for at_mm in ((0.0, 0.0), (10.0, 0.0)))
    moved = corners_px(campaign, two) - corners_px(campaign, one)
    assert moved[:, 0].min() > 30 and np.abs(moved[:, 1]).max() < 3
    frames = [render(campaign, Card(), scene, rng(k)).grey for k, scene in enumerate((one, two))]
    empty = render_bed(fixed, rng(9)).grey
    assert all(np.abs(f[:100].astype(int) - empty[:100]).max() <= 1 for f in frames), "the bed stays where it is"
    assert not np.array_equal(frames[0], frames[1])


def test_a_barrel_lens_bends_straight_edges(campaign: Layout) -> None:
    def sag(k1: float) -> float:
        scene = Scene(camera=replace(MACHINE, k1=k1, tilt_deg=0))
        line = view_of((campaign.width_mm, campaign.height_mm), scene).to_px(
            np.array([[0, 0], [93.66, 0], [187.3, 0.0]])
        )
        return float(line[1, 1] - (line[0, 1] + line[2, 1]) / 2)

    assert abs(sag(0)) < 1e-6 and sag(-0.12) < -1


def test_two_pictures_of_one_card_differ_in_noise_and_bed(campaign: Layout) -> None:
    scene = Scene(1024, 768)
    card = Card((at(campaign, campaign.positions[0]),))
    one, two = render(campaign, card, scene, rng(1)).grey, render(campaign, card, scene, rng(2)).grey
    change = one.astype(float) - two.astype(float)
    assert 2.5 < change.std() < 6 and abs(change.mean()) < 0.3


@pytest.mark.parametrize("bed", ["felt", "panel"])
def test_grey_pictures_are_the_grey_of_coloured_ones(campaign: Layout, bed: str) -> None:
    scene = replace(QUIET, bed="felt" if bed == "felt" else "panel", bed_seed=1)
    card = Card((at(campaign, campaign.positions[0]),))
    grey = render(campaign, card, scene, rng(), colour=False)
    coloured = render(campaign, card, scene, rng(), colour=True)
    assert grey.bgr is None and coloured.bgr is not None
    change = np.abs(grey.grey.astype(int) - coloured.grey)
    assert change.mean() < 0.6 and change.max() <= 8  # each channel is rounded by itself


def test_beds_that_need_colour_come_with_it(campaign: Layout) -> None:
    assert render(campaign, Card(), replace(QUIET, bed="green"), rng()).bgr is not None
    assert render(campaign, Card(), replace(QUIET, bed="felt"), rng()).bgr is None


def test_a_sheet_lies_where_the_camera_says() -> None:
    sheet = np.full((400, 600), 255, np.uint8)
    sheet[100:140, 200:240] = 0
    scene = replace(QUIET, camera=MACHINE)
    seen = render_sheet(sheet, 4.0, scene, rng(), colour=False).grey
    middle = view_of((150.0, 100.0), scene).to_px(np.array([[55.0, 30.0], [20.0, 80.0]])).round().astype(int)
    assert [seen[y, x] > 200 for x, y in middle] == [False, True]


def test_marks_darken_covers_close_tears_open(campaign: Layout) -> None:
    p, q, r = campaign.positions[0], campaign.positions[1], campaign.positions[2]
    card = Card(
        (at(campaign, q),),
        marks=(Mark(disc(p.x_mm, p.y_mm, 4), 0.0),),
        covers=(Cover(disc(q.x_mm, q.y_mm, 7)),),
        tears=(Tear(disc(r.x_mm, r.y_mm, 5)),),
    )
    seen = render(campaign, card, QUIET, rng()).grey
    places = view_of((campaign.width_mm, campaign.height_mm), QUIET).to_px(
        np.array([[v.x_mm, v.y_mm] for v in (p, q, r)])
    )
    marked, covered, torn = (int(seen[round(y), round(x)]) for x, y in places)
    assert 60 < marked < 160 < covered and torn < 30
    shares = open_shares(campaign, card)
    assert [shares[v.name] > 0.6 for v in (p, q, r)] == [False, False, True]


@pytest.mark.parametrize(
    ("swing", "least", "most"), [(0, 0, 0.02), (60, 0.40, 0.52), (90, 0.9, 0.97), (180, 0.9, 0.97)]
)
def test_a_chad_on_its_hinge_opens_as_far_as_it_swings(
    campaign: Layout, swing: float, least: float, most: float
) -> None:
    p = campaign.positions[0]
    cut = replace(at(campaign, p), flap=0.06, flap_deg=70, swing_deg=swing)
    assert least <= open_shares(campaign, Card((cut,)))[p.name] <= most


def test_the_open_share_is_that_at_the_best_place_within_tolerance(campaign: Layout) -> None:
    p, hole = campaign.positions[0], campaign.hole
    near = Cut(p.x_mm + 0.9 * hole.tolerance_mm, p.y_mm, hole.width_mm, hole.height_mm, True)
    far = replace(near, x_mm=p.x_mm + hole.tolerance_mm + 1.0)
    small = replace(near, x_mm=p.x_mm, width_mm=3.5, height_mm=3.5)
    shares = [open_shares(campaign, Card((cut,)))[p.name] for cut in (near, far, small)]
    assert shares[0] == 1.0 and 0.65 < shares[1] < 0.85 and shares[2] == pytest.approx(0.49, abs=0.03)


def test_pictures_partly_outside_are_made_too(campaign: Layout) -> None:
    for shift in ((0.45, 0.0), (3.0, 0.0)):
        assert render(campaign, Card(), replace(QUIET, shift=shift), rng()).grey.shape == (768, 1024)


def test_encoding_keeps_the_picture(campaign: Layout) -> None:
    frame = render(campaign, Card(), QUIET, rng(), colour=True)
    back = cv2.imdecode(np.frombuffer(encode(frame, 95), np.uint8), cv2.IMREAD_GRAYSCALE)
    assert back is not None and np.abs(back.astype(int) - frame.grey).mean() < 2


def test_a_frame_in_memory_follows_from_its_seed(campaign: Layout) -> None:
    worn = Card(curl_mm=1.5, worn_mm=1.0)
    (frame, card), (again, _) = (make_frame(campaign, 11, Scene(1024, 768), HANDS["usual"], worn) for _ in range(2))
    assert np.array_equal(frame.grey, again.grey) and not frame.encoded
    assert card.cuts and (card.curl_mm, card.worn_mm) == (1.5, 1.0)
    other, _ = make_frame(campaign, 12, Scene(1024, 768), HANDS["usual"], worn)
    assert not np.array_equal(frame.grey, other.grey)
