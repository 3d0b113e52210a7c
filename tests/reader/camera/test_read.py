"""Reading simulated pictures: any way round, any bed; and what is no whole card of ours is refused by its name."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from cards.layout import Layout
from cards.load import find_layout
from device.frame import Frame, decode_picture
from device.simulator.card import Card, Cut
from device.simulator.deck import SimulatedCard, make_card
from device.simulator.hand import Hand
from device.simulator.render import render
from device.simulator.scene import BEDS, Bed, Scene
from reader.camera import read_frame
from reader.decode import decode
from reader.reading import Code, Punch, Reading, Rejection

STEADY = Hand(0.35, 0.0)


def read(card: SimulatedCard, *layouts: Layout) -> Reading | Rejection:
    return read_frame(decode_picture(card.jpeg, card.name), layouts)


def wrong(reading: Reading | Rejection, truth: dict[str, Any]) -> list[str]:
    """Positions read with certainty, and otherwise than they are."""
    assert isinstance(reading, Reading), reading
    kinds = {"punched": Punch.PUNCHED, "clear": Punch.CLEAR}
    return [
        name
        for name, punch in reading.punches().items()
        if punch is not Punch.UNCERTAIN and kinds.get(truth["truth"][name.replace(".", "/", 1)], punch) is not punch
    ]


def unsure(reading: Reading | Rejection) -> int:
    assert isinstance(reading, Reading), reading
    return list(reading.punches().values()).count(Punch.UNCERTAIN)


def refused(outcome: Reading | Rejection) -> Code:
    assert isinstance(outcome, Rejection), outcome
    return outcome.reasons[0].code


def picture(image: NDArray[np.uint8], name: str = "test") -> Frame:
    done, data = cv2.imencode(".png", image)
    assert done
    return decode_picture(data.tobytes(), name)


def pixels(card: SimulatedCard) -> NDArray[np.uint8]:
    image = cv2.imdecode(np.frombuffer(card.jpeg, np.uint8), cv2.IMREAD_COLOR)
    assert image is not None
    return np.asarray(image, np.uint8)


@pytest.mark.parametrize("bed", list(BEDS))
@pytest.mark.parametrize("face", ["front", "back"])
def test_every_bed_and_both_faces(campaign: Layout, bed: Bed, face: Any) -> None:
    card = make_card(campaign, 31, scene=Scene(bed=bed, face=face, turn_deg=3, light=0.9), hand=STEADY)
    reading = read(card, campaign)
    assert wrong(reading, card.truth) == [] and unsure(reading) == 0
    assert isinstance(reading, Reading) and reading.face == face


@pytest.mark.parametrize("turn_deg", [0, 37, 90, 135, 180, -90, -20])
@pytest.mark.parametrize("face", ["front", "back"])
def test_any_way_round(campaign: Layout, turn_deg: float, face: Any) -> None:
    card = make_card(campaign, 77, scene=Scene(face=face, turn_deg=turn_deg, fill=0.55), hand=STEADY)
    reading = read(card, campaign)
    assert wrong(reading, card.truth) == [] and unsure(reading) == 0
    assert isinstance(reading, Reading) and reading.corners_px is not None
    known = np.array(list(card.truth["corners_px"].values()))
    assert np.abs(np.array(reading.corners_px) - known).max() < 1.5


@pytest.mark.parametrize("tilt_to_deg", [0, 90, 210])
def test_a_leaning_camera(campaign: Layout, tilt_to_deg: float) -> None:
    scene = Scene(tilt_deg=14, tilt_to_deg=tilt_to_deg, fill=0.65, turn_deg=8)
    card = make_card(campaign, 12, scene=scene, hand=STEADY)
    assert wrong(read(card, campaign), card.truth) == []


def test_a_print_shift_within_the_hands_tolerance_is_read(campaign: Layout) -> None:
    moved = [replace(c, x_mm=c.x_mm + 0.9, y_mm=c.y_mm - 0.7) for q in campaign.questions for c in q.choices]
    by_place = {(c.id, round(c.x_mm - 0.9, 3), round(c.y_mm + 0.7, 3)): c for c in moved}
    shifted = replace(
        campaign,
        questions=tuple(
            replace(q, choices=tuple(by_place[c.id, round(c.x_mm, 3), round(c.y_mm, 3)] for c in q.choices))
            for q in campaign.questions
        ),
        digest="shifted",
    )
    card = make_card(shifted, 9, scene=Scene(), hand=Hand(0.2, 0.0))
    reading = read(card, campaign)
    assert wrong(reading, card.truth) == [] and unsure(reading) == 0


@pytest.mark.parametrize("seed", range(12))
def test_a_careless_hand_never_makes_a_certain_error(campaign: Layout, seed: int) -> None:
    card = make_card(campaign, 500 + seed, hand=Hand(0.5, 0.3, half=0.2, stray=0.5))
    outcome = read(card, campaign)
    assert wrong(outcome, card.truth) == []


@pytest.mark.parametrize("bed", list(BEDS))
def test_half_punched_holes_are_uncertain(campaign: Layout, bed: Bed) -> None:
    card = make_card(campaign, 41, scene=Scene(bed=bed), hand=Hand(0.2, 0.0, half=1.0))
    reading = read(card, campaign)
    assert isinstance(reading, Reading)
    halves = [n.replace("/", ".", 1) for n, t in card.truth["truth"].items() if t == "ambiguous"]
    assert len(halves) > 5
    states = [reading.punches()[n] for n in halves]
    assert states.count(Punch.UNCERTAIN) >= 0.8 * len(halves)


@pytest.mark.parametrize("bed", list(BEDS))
def test_a_stray_is_found_where_it_is(campaign: Layout, bed: Bed) -> None:
    card = make_card(campaign, 4, scene=Scene(bed=bed), hand=Hand(0.3, 0.0, stray=1.0))
    reading = read(card, campaign)
    assert isinstance(reading, Reading)
    (found,), (known,) = reading.strays, card.truth["stray"]
    assert np.hypot(found.x_mm - known["x_mm"], found.y_mm - known["y_mm"]) < 0.6
    assert decode(reading, campaign).verdict.outcome == "review"


@pytest.mark.parametrize("bed", ["felt", "panel"])
@pytest.mark.parametrize("at_mm", [(182.0, 9.0), (5.0, 77.0), (182.0, 77.0), (150.0, 78.0), (14.0, 6.0)])
def test_a_stray_near_an_edge_is_found(campaign: Layout, bed: Bed, at_mm: tuple[float, float]) -> None:
    card = Card((Cut(*at_mm, 5.0, 5.0, True),))
    reading = read_frame(render(campaign, card, Scene(bed=bed, turn_deg=2), np.random.default_rng(1)), [campaign])
    assert isinstance(reading, Reading)
    (found,) = reading.strays
    assert np.hypot(found.x_mm - at_mm[0], found.y_mm - at_mm[1]) < 0.6


def test_classic_cards_are_read_to_the_letter() -> None:
    layout = find_layout("ibm80")
    for seed, bed in ((1, "felt"), (2, "panel")):
        card = make_card(layout, seed, scene=Scene(bed=bed, fill=0.85), hand=Hand(0.05, 0.0))  # type: ignore[arg-type]
        reading = read(card, layout)
        assert wrong(reading, card.truth) == []
        assert isinstance(reading, Reading)
        answer = decode(reading, layout).answers[layout.questions[0].id]
        assert answer.state == "answered"


@pytest.mark.parametrize("seed", range(4))
def test_a_pale_picture_of_a_classic_card_never_slips_by_a_column(seed: int) -> None:
    layout = find_layout("ibm80")
    card = make_card(layout, seed, scene=Scene(fill=0.85), hand=Hand(0.05, 0.0))
    for gamma in (0.8, 0.6, 0.45):
        pale = (255 * (pixels(card) / 255.0) ** gamma).astype(np.uint8)
        outcome = read_frame(picture(pale), [layout])
        assert isinstance(outcome, Rejection) or wrong(outcome, card.truth) == []


def test_a_classic_card_under_the_campaigns_layout_is_refused(campaign: Layout) -> None:
    card = make_card(find_layout("ibm80"), 3, scene=Scene(fill=0.8), hand=Hand(0.05, 0.0))
    assert refused(read(card, campaign)) is Code.UNKNOWN_LAYOUT


def test_the_campaigns_card_under_the_classic_layout_is_refused(campaign: Layout) -> None:
    for seed in range(3):
        card = make_card(campaign, seed, scene=Scene(fill=0.8), hand=STEADY)
        assert isinstance(read(card, find_layout("ibm80")), Rejection)


def test_offered_together_each_card_finds_its_own_layout(campaign: Layout) -> None:
    classic = find_layout("ibm80")
    for layout, hand in ((campaign, STEADY), (classic, Hand(0.05, 0.0))):
        outcome = read(make_card(layout, 6, scene=Scene(fill=0.8), hand=hand), classic, campaign)
        assert isinstance(outcome, Reading) and outcome.layout == layout.identity


def test_an_empty_tray_has_no_card(campaign: Layout) -> None:
    rng = np.random.default_rng(3)
    felt = np.clip(rng.normal(18, 4, (1232, 1640, 3)), 0, 255).astype(np.uint8)
    assert refused(read_frame(picture(felt), [campaign])) is Code.NO_CARD


def test_something_else_in_the_picture_is_no_card(campaign: Layout) -> None:
    image = np.full((900, 1200, 3), 40, np.uint8)
    cv2.ellipse(image, (600, 450), (260, 190), 20, 0, 360, (150, 170, 190), -1)  # a cat, curled up
    cv2.circle(image, (830, 330), 110, (150, 170, 190), -1)
    assert refused(read_frame(picture(image), [campaign])) in (Code.NO_CARD, Code.WRONG_PROPORTIONS)


def test_a_card_of_another_size_is_refused(campaign: Layout) -> None:
    image = np.full((900, 1200, 3), 15, np.uint8)
    cv2.rectangle(image, (300, 200), (900, 800), (230, 235, 238), -1)
    assert isinstance(read_frame(picture(image), [campaign]), Rejection)


def test_two_cards_are_refused_as_two(campaign: Layout) -> None:
    one = pixels(make_card(campaign, 1, scene=Scene(fill=0.62, shift=(0.0, -0.22)), hand=STEADY))
    two = pixels(make_card(campaign, 2, scene=Scene(fill=0.62, shift=(0.0, 0.22)), hand=STEADY))
    both = np.vstack([one[: one.shape[0] // 2], two[two.shape[0] // 2 :]])
    assert refused(read_frame(picture(both), [campaign])) is Code.TWO_CARDS


def test_a_second_card_cut_off_by_the_edge_does_not_disturb(campaign: Layout) -> None:
    card = make_card(campaign, 1, scene=Scene(fill=0.6, shift=(0.0, -0.18)), hand=STEADY)
    other = pixels(make_card(campaign, 2, scene=Scene(fill=0.6, shift=(0.05, 0.36)), hand=STEADY))
    both = pixels(card)
    both[850:] = other[850:]
    assert wrong(read_frame(picture(both), [campaign]), card.truth) == []


def test_pens_coins_and_chads_about_do_not_disturb(campaign: Layout) -> None:
    card = make_card(campaign, 21, scene=Scene(fill=0.62), hand=STEADY)
    image = pixels(card)
    cv2.line(image, (150, 1150), (900, 1090), (190, 60, 40), 26)
    cv2.circle(image, (1480, 180), 60, (70, 150, 190), -1)
    for x in range(300, 1300, 170):
        cv2.circle(image, (x, 150), 11, (215, 225, 228), -1)
    assert wrong(read_frame(picture(image), [campaign]), card.truth) == []


@pytest.mark.parametrize("keep", [0.55, 0.62, 0.7, 0.8])
@pytest.mark.parametrize("side", ["left", "right"])
def test_a_card_cut_off_by_the_picture_is_never_read(campaign: Layout, keep: float, side: str) -> None:
    image = pixels(make_card(campaign, 13, scene=Scene(fill=0.8), hand=STEADY))
    width = round(image.shape[1] * keep)
    part = image[:, :width] if side == "left" else image[:, -width:]
    assert isinstance(read_frame(picture(np.ascontiguousarray(part)), [campaign]), Rejection)


def test_a_torn_off_corner_is_not_taken_for_the_cut_one(campaign: Layout) -> None:
    card = make_card(campaign, 13, scene=Scene(), hand=STEADY)
    image = pixels(card)
    x, y = card.truth["corners_px"]["bottom_right"]
    torn = np.array([[x + 9, y + 9], [x - 110, y + 9], [x + 9, y - 110]], np.int32)
    cv2.fillPoly(image, [torn], (15, 15, 16))
    outcome = read_frame(picture(image), [campaign])
    if isinstance(outcome, Reading):
        assert outcome.face == "front" and wrong(outcome, card.truth) == []


def test_a_blurred_picture_is_refused_or_read_without_error(campaign: Layout) -> None:
    card = make_card(campaign, 17, scene=Scene(), hand=STEADY)
    codes = []
    for sigma in (2.0, 5.0, 10.0, 18.0):
        outcome = read_frame(picture(cv2.GaussianBlur(pixels(card), (0, 0), sigma)), [campaign])
        if isinstance(outcome, Reading):
            assert wrong(outcome, card.truth) == []
        else:
            codes.append(outcome.reasons[0].code)
    assert Code.BLURRED in codes


def test_holes_that_hardly_differ_from_the_paper_are_not_called_clear(campaign: Layout) -> None:
    card = make_card(campaign, 19, scene=Scene(), hand=STEADY)
    image = pixels(card).astype(np.float32)
    flat = np.clip(image * 0.06 + 110, 0, 255).astype(np.uint8)
    outcome = read_frame(picture(flat), [campaign])
    if isinstance(outcome, Reading):
        assert wrong(outcome, card.truth) == []


def test_a_pen_filled_ring_is_not_a_hole(campaign: Layout) -> None:
    card = make_card(campaign, 23, scene=Scene(bed="beech", turn_deg=0.0), hand=STEADY)
    clear = next(n for n, t in card.truth["truth"].items() if t == "clear" and n.startswith("bulky"))
    p = next(p for p in campaign.positions if p.name == clear.replace("/", ".", 1))
    image = pixels(card)
    corners = np.array(list(card.truth["corners_px"].values()), np.float32)
    w, h = campaign.width_mm, campaign.height_mm
    to_px = cv2.getPerspectiveTransform(np.array([[0, 0], [w, 0], [w, h], [0, h]], np.float32), corners)
    x, y, s = to_px @ np.array([p.x_mm, p.y_mm, 1.0])
    cv2.circle(image, (round(x / s), round(y / s)), 15, (60, 30, 25), -1, cv2.LINE_AA)
    outcome = read_frame(picture(image), [campaign])
    assert isinstance(outcome, Reading)
    assert outcome.punches()[p.name] is not Punch.PUNCHED


@pytest.mark.parametrize("bed", ["green", "felt"])
def test_a_shadows_edge_across_positions_makes_no_certain_error(campaign: Layout, bed: Bed) -> None:
    """Half of the paper around a hole is dark; neither half is then the paper."""
    card = make_card(campaign, 6, bed=bed)
    image = pixels(card).astype(np.float64)
    across = np.arange(image.shape[1]) / image.shape[1]
    for share in (0.3, 0.42, 0.5, 0.61):
        shade = np.where(across < share, 1.0, 0.16)[None, :, None]
        dimmed = read_frame(picture((image * shade).astype(np.uint8)), [campaign])
        assert isinstance(dimmed, Rejection) or wrong(dimmed, card.truth) == []


def test_grey_frames_without_colour_are_read(campaign: Layout) -> None:
    card = make_card(campaign, 29, scene=Scene(), hand=STEADY)
    grey = np.asarray(cv2.cvtColor(pixels(card), cv2.COLOR_BGR2GRAY), np.uint8)
    assert wrong(read_frame(Frame("camera", grey), [campaign]), card.truth) == []


@pytest.mark.parametrize("shape", [(1, 1), (1, 5000), (2, 500), (40, 40), (3000, 30)])
@pytest.mark.parametrize("level", [0, 128, 255])
def test_degenerate_pictures_are_refused_quietly(campaign: Layout, shape: tuple[int, int], level: int) -> None:
    assert isinstance(read_frame(Frame("x", np.full(shape, level, np.uint8)), [campaign]), Rejection)


def test_noise_is_refused_quietly(campaign: Layout) -> None:
    rng = np.random.default_rng(5)
    for _ in range(3):
        noise = rng.integers(0, 255, (480, 640), np.uint8)
        assert isinstance(read_frame(Frame("x", noise), [campaign]), Rejection)


def test_reading_needs_a_layout(campaign: Layout) -> None:
    with pytest.raises(ValueError, match="at least one layout"):
        read_frame(Frame("x", np.zeros((10, 10), np.uint8)), [])
