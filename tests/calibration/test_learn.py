"""Learning refuses what teaches nothing, and says which picture and what to do."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from calibration.bed import learn_bed
from calibration.errors import CalibrationError
from calibration.learn import BlankCards, learn
from calibration.lens import Board, Lens, learn_lens
from calibration.models import Plane
from calibration.place import Tray, turns
from calibration.plane import Pose, card_map, learn_plane, to_mm, to_px
from cards.layout import Layout
from device.frame import Frame

SIZE = (640, 480)
MATRIX = np.array([[560.0, 0, 319.5], [0, 560.0, 239.5], [0, 0, 1]])
DISTORTION = np.array([-0.09, 0.01, 0, 0, 0])
LENS = Lens(MATRIX, DISTORTION, SIZE, 0.1, 1.0, ())
PLANE = Plane(np.array([0.02, -0.015, 0]), np.array([0, 0, 190.0]), 0.0)


def view(turn: tuple[float, float, float], shift: tuple[float, float, float]) -> NDArray[np.uint8]:
    """The board before a pinhole camera: it has no distortion to find."""
    sheet = Board().make().generateImage((1350, 900), marginSize=0)
    rotation = np.asarray(cv2.Rodrigues(np.array(turn, np.float64))[0])
    corners = np.array([[0, 0], [135.0, 0], [135, 90], [0, 90]])
    seen = (np.column_stack([corners - [67.5, 45], np.zeros(4)]) @ rotation.T + shift) @ MATRIX.T
    px = (seen[:, :2] / seen[:, 2:]).astype(np.float32)
    flat = cv2.getPerspectiveTransform(np.array([[0, 0], [1350, 0], [1350, 900], [0, 900]], np.float32), px)
    return np.asarray(cv2.warpPerspective(sheet, flat, SIZE, flags=cv2.INTER_AREA, borderValue=200), np.uint8)


TILTS = [(0, 0, 0), (0.3, 0, 0), (-0.3, 0, 0), (0, 0.35, 0), (0, -0.35, 0), (0.25, 0.25, 0.3), (-0.2, 0.3, -0.4)]
PLACES = [(0, 0), (40, 25), (-40, 25), (40, -25), (-40, -25), (-30, 0), (30, 10)]
VIEWS = [Frame(f"v{k}", view(t, (*p, 190.0))) for k, (t, p) in enumerate(zip(TILTS, PLACES, strict=True))]


def test_the_lens_comes_back_from_views_of_the_board() -> None:
    lens = learn_lens(VIEWS, Board())
    assert abs(lens.camera_matrix[0, 0] - 560) < 6
    assert lens.rms_px < 0.5


def test_no_views_and_empty_views_are_named() -> None:
    with pytest.raises(CalibrationError, match="no pictures"):
        learn_lens([], Board())
    blank = Frame("grey.jpg", np.full((480, 640), 128, np.uint8))
    with pytest.raises(CalibrationError, match=r"grey\.jpg: only 0 corners"):
        learn_lens([blank, *VIEWS[:3]], Board())


def test_one_view_many_times_is_too_alike() -> None:
    with pytest.raises(CalibrationError, match="corners too"):
        learn_lens([Frame(f"v{k}", VIEWS[0].grey) for k in range(8)], Board())


def test_views_that_all_lie_flat_are_too_alike() -> None:
    flat = [Frame(f"v{k}", view((0, 0, 0.1 * k), (*p, 190.0))) for k, p in enumerate(PLACES)]
    with pytest.raises(CalibrationError, match="tilt"):
        learn_lens(flat, Board())


def test_two_resolutions_are_refused() -> None:
    with pytest.raises(CalibrationError, match="another size"):
        learn_lens([*VIEWS, Frame("small.jpg", np.zeros((240, 320), np.uint8))], Board())


def test_an_unknown_dictionary_is_refused() -> None:
    with pytest.raises(CalibrationError, match="dictionary"):
        Board(dictionary="__class__").make()


def test_something_on_one_bed_picture_is_named() -> None:
    empty = np.full((480, 640), 30, np.uint8)
    hand = empty.copy()
    hand[100:300, 200:400] = 160
    with pytest.raises(CalibrationError, match=r"b\.jpg"):
        learn_bed([empty, hand, empty, empty, empty], ["a.jpg", "b.jpg", "c.jpg", "d.jpg", "e.jpg"])
    with pytest.raises(CalibrationError, match="no picture"):
        learn_bed([], [])


def test_a_lamp_that_changes_between_bed_pictures_is_refused() -> None:
    levels = [np.full((480, 640), v, np.uint8) for v in (100, 130)]
    with pytest.raises(CalibrationError, match="brightness"):
        learn_bed(levels, ["a", "b"])


def test_millimetres_and_pixels_are_each_others_inverse() -> None:
    mm = np.random.default_rng(2).uniform(-90, 90, (50, 2)) * [1, 0.7]
    assert np.abs(to_mm(LENS, PLANE, to_px(LENS, PLANE, mm)) - mm).max() < 0.02


@pytest.mark.parametrize("mirrored", [False, True])
def test_a_cards_map_agrees_with_the_camera_and_turns_with_the_card(mirrored: bool) -> None:
    pose = Pose(5, -3, 0.05)
    points = np.random.default_rng(3).uniform(-1, 1, (40, 2)) * [93, 41]
    mapped = card_map(LENS, PLANE, pose, 187, 82)
    assert np.abs(mapped.at(points) - to_px(LENS, PLANE, pose.to_plane(points))).max() < 0.05
    turned = Pose(5, -3, 0.05 + np.pi, mirrored)
    other = mapped.turned(True, mirrored)
    assert np.abs(other.at(points) - to_px(LENS, PLANE, turned.to_plane(points))).max() < 0.05


def test_the_plane_comes_back_from_cards_of_known_size() -> None:
    size = (148.0, 105.0)
    model = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]]) * np.array(size) / 2
    poses = [Pose(0, 0, 0), Pose(8, -4, 0.1), Pose(-6, 5, -0.08)]
    corners = [to_px(LENS, PLANE, p.to_plane(model)) for p in poses]
    found = learn_plane(LENS, corners, [size] * 3)
    assert np.abs(found.rotation - PLANE.rotation).max() < 0.002
    assert abs(found.translation_mm[2] - 190) < 0.2
    with pytest.raises(CalibrationError, match="off one plane"):
        learn_plane(LENS, corners, [size, (120.0, 105.0), size])


def card(pose: Pose, size: tuple[float, float], level: int = 180) -> NDArray[np.uint8]:
    """A plain card on a dark bed."""
    image = np.full((480, 640), 20, np.uint8)
    half = np.array(size) / 2
    outline = np.array([[-0.9, -1], [1, -1], [1, 1], [-1, 1], [-1, -0.8]]) * half
    px = np.round(to_px(LENS, PLANE, pose.to_plane(outline)) * 16).astype(np.int32)
    cv2.fillPoly(image, [px], level, lineType=cv2.LINE_AA, shift=4)
    return image


@pytest.mark.parametrize("level", [60, 180])
def test_a_card_is_placed_to_a_tenth_of_a_millimetre(level: int) -> None:
    size = (148.0, 105.0)
    bed = learn_bed([np.full((480, 640), 20, np.uint8)] * 2, ["a", "b"])
    tray = Tray(LENS, PLANE, bed)
    image = card(Pose(4.3, -2.6, 0.06), size, level)
    found = tray.rectangle(tray.changed(tray.coarse(image)))
    assert found is not None
    fits = [tray.refine(image, Pose(found.x_mm, found.y_mm, t), *size) for t in turns(found, size, 4.0)[:1]]
    assert fits[0] is not None
    assert abs(fits[0].pose.x_mm - 4.3) < 0.1
    assert abs(fits[0].pose.y_mm + 2.6) < 0.1
    assert abs(fits[0].pose.turn - 0.06) < 0.002
    assert fits[0].support > 0.9


def test_an_empty_tray_holds_no_rectangle() -> None:
    bed = learn_bed([np.full((480, 640), 20, np.uint8)] * 2, ["a", "b"])
    tray = Tray(LENS, PLANE, bed)
    assert tray.rectangle(tray.changed(tray.coarse(bed.mean))) is None


def test_learning_names_the_picture_without_a_card(campaign: Layout) -> None:
    bed = [Frame(f"bed{k}", np.full((480, 640), 20, np.uint8)) for k in range(2)]
    with pytest.raises(CalibrationError, match=r"nothing\.jpg"):
        learn(VIEWS, Board(), bed, [BlankCards(campaign, "front", [Frame("nothing.jpg", bed[0].grey)])])
    with pytest.raises(CalibrationError, match="blank cards: none"):
        learn(VIEWS, Board(), bed, [])
