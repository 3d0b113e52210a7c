"""Finding the card: what counts as its outline, and what is said of pictures that show none."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from cards.layout import Layout
from device.frame import Frame, decode_picture
from device.simulator.deck import make_card
from device.simulator.scene import Bed, Scene, machine_scene
from reader.camera.find import Search, search
from reader.camera.geometry import PARAMETERS, Floats, Sheet, as_matrix, project, slopes
from reader.camera.outline import Quad, quads_of, shapes_of_mask, small_copy

Image = NDArray[np.uint8]


def picture(layout: Layout, bed: Bed) -> Image:
    scene = machine_scene(np.random.default_rng(3), bed, 1640, 1232)
    image = cv2.imdecode(np.frombuffer(make_card(layout, 3, scene=scene).jpeg, np.uint8), cv2.IMREAD_COLOR)
    return np.asarray(image, np.uint8)


def looked_at(image: Image, layout: Layout) -> Search:
    done, data = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, 90])
    assert done
    return search(decode_picture(data.tobytes(), "x"), [layout])


def lit_up(image: Image, layout: Layout, at_mm: tuple[float, float], radius_mm: float) -> Image:
    """The picture with a lamp's reflection around a place on the card."""
    found = looked_at(image, layout).found
    assert found is not None
    geometry = found.edge.geometry
    px = geometry.to_px(np.array([at_mm]))[0]
    y, x = np.mgrid[: image.shape[0], : image.shape[1]]
    away_mm = np.hypot(x - px[0], y - px[1]) / geometry.px_per_mm
    light = 400 * np.exp(-((away_mm / radius_mm) ** 4))
    return np.asarray(np.clip(image + light[..., None], 0, 255), np.uint8)


@pytest.mark.parametrize("bed", ["felt", "green"])
def test_a_reflection_over_a_side_is_named(campaign: Layout, bed: Bed) -> None:
    image = picture(campaign, bed)
    drowned = looked_at(lit_up(image, campaign, (campaign.width_mm / 2, 0.0), 30), campaign)
    assert drowned.found is None and drowned.glare and not drowned.too_dark


def test_a_lit_bed_is_no_reflection(campaign: Layout) -> None:
    image = picture(campaign, "panel")
    drowned = looked_at(lit_up(image, campaign, (campaign.width_mm / 2, 0.0), 30), campaign)
    assert drowned.found is None and not drowned.glare


def test_a_reflection_where_no_card_lies_explains_nothing(campaign: Layout) -> None:
    image = np.full((616, 820), 30, np.uint8)
    cv2.circle(image, (400, 300), 120, 255, -1)
    outcome = search(Frame("x", image), [campaign])
    assert outcome.found is None and not outcome.glare and not outcome.too_dark


def test_a_picture_without_light_is_too_dark_and_a_dim_one_is_not(campaign: Layout) -> None:
    image = picture(campaign, "felt")
    assert looked_at((image * 0.03).astype(np.uint8), campaign).too_dark
    assert looked_at((image * 0.15).astype(np.uint8), campaign).found is not None


def test_a_dark_card_on_a_dark_bed_is_found(campaign: Layout) -> None:
    """Six levels between paper and felt."""
    found = looked_at((picture(campaign, "felt") * 0.03 + 10).astype(np.uint8), campaign).found
    assert found is not None and found.layout is campaign


def lit_from_one_side(image: Image, way: float, least: float) -> Image:
    """The picture in a light that falls off to `least` of itself in direction `way`, in radians."""
    y, x = np.mgrid[: image.shape[0], : image.shape[1]] / max(image.shape)
    along = x * np.cos(way) + y * np.sin(way)
    share = (along - along.min()) / np.ptp(along)
    return np.asarray(np.rint(image * (1 - (1 - least) * share)[..., None]), np.uint8)


@pytest.mark.parametrize("way", [0.5, 1.5, 2.5, 3.5, 4.5, 5.5])
def test_a_card_is_found_in_a_light_that_falls_off_to_one_side(campaign: Layout, way: float) -> None:
    """No one level parts card and bed: where the light is poor the bed is darker than the card is where it is good."""
    found = looked_at(
        lit_from_one_side(np.asarray(np.minimum(picture(campaign, "panel"), 200), np.uint8), way, 0.35), campaign
    ).found
    assert found is not None and found.layout is campaign


@pytest.mark.parametrize(
    ("first", "last", "below_mm"), [(0.05, 0.6, 1.9), (0.4, 0.95, 1.9), (0.1, 0.9, 1.9), (0.3, 0.8, 1.0)]
)
def test_a_printed_band_with_a_stronger_edge_beside_a_side_is_not_taken_for_it(
    campaign: Layout, first: float, last: float, below_mm: float
) -> None:
    """Over a panel that hardly outshines the paper, along the first to the last share of the card's longer side."""
    image = picture(campaign, "panel")
    found = looked_at(image, campaign).found
    assert found is not None
    geometry, width = found.edge.geometry, campaign.width_mm
    corners = np.array([[first * width, below_mm], [last * width, below_mm], [last * width, 8.0], [first * width, 8.0]])
    pale = np.asarray(np.minimum(image, 200), np.uint8)
    cv2.fillPoly(pale, [np.int32(np.rint(geometry.to_px(corners)))], (60, 70, 50), cv2.LINE_AA)  # type: ignore[arg-type]
    again = looked_at(np.asarray(cv2.GaussianBlur(pale, (0, 0), 0.8), np.uint8), campaign).found
    assert again is not None
    points = campaign.centres_mm
    assert np.abs(again.edge.geometry.to_px(points) - geometry.to_px(points)).max() < 0.15 * geometry.px_per_mm


def test_a_card_that_a_finger_touches_is_among_the_proposals() -> None:
    mask = np.zeros((300, 410), np.uint8)
    card = np.array([[120, 80], [330, 100], [322, 190], [112, 170]])
    cv2.fillPoly(mask, [card], 255)
    cv2.line(mask, (0, 270), (150, 150), 255, 34)

    def off(quad: Quad) -> float:
        """How far the card's corners lie from the shape's, whichever comes first."""
        return float(np.hypot(*(quad.corners[:, None] - card).T).min(axis=1).max())

    shapes = shapes_of_mask(mask, 1.0)
    assert min(off(q) for q in quads_of(shapes, joined=True)) < 2.5
    assert all(off(q) > 10 for q in quads_of(shapes))


def test_a_card_that_lies_quite_straight_is_found_though_rails_cover_parts_of_a_side(campaign: Layout) -> None:
    """A scan: every side runs along the picture's rows and columns, and a feeder's rails bite into one."""
    flat = make_card(campaign, 4, scene=Scene(turn_deg=0, tilt_deg=0, fill=0.93))
    image = np.asarray(cv2.imdecode(np.frombuffer(flat.jpeg, np.uint8), cv2.IMREAD_GRAYSCALE), np.uint8)
    found = search(Frame("x", image), [campaign]).found
    assert found is not None
    corner, below = found.edge.geometry.corners_px[1:3]
    for share in (0.3, 0.8):
        x, y = (corner + share * (below - corner)).astype(int)
        image[y - 25 : y + 25, x - 6 : x + 6] = 0
    again = search(Frame("x", image), [campaign]).found
    assert again is not None
    moved = again.edge.geometry.corners_px - found.edge.geometry.corners_px
    assert np.hypot(*moved.T).max() / found.edge.geometry.px_per_mm < 0.3


def test_slopes_are_those_of_the_projection() -> None:
    rng = np.random.default_rng(0)
    pose = np.array([0.1, -0.2, 0.3, 4, -5, 500, np.log(1400), 0.03, 0.5, -0.4, 0.3, 0.2, -0.2, 0.1])
    sheet = Sheet.of(rng.random((20, 2)) * [180, 80], 187, 83)
    normal = rng.normal(size=(20, 2))
    found = slopes(project(pose, sheet, (820, 616)), sheet, normal)
    for k in range(PARAMETERS):
        step: Floats = np.zeros(PARAMETERS)
        step[k] = 1e-5
        turns = [as_matrix(s[:3]) @ as_matrix(pose[:3]) for s in (step, -step)]
        ahead, behind = (project(pose + w * step, sheet, (820, 616), t).px for w, t in zip((1, -1), turns, strict=True))
        assert np.allclose(((ahead - behind) * normal).sum(axis=1) / 2e-5, found[k], rtol=1e-4, atol=1e-3)


@pytest.mark.parametrize("size", [(1232, 1640), (999, 1333), (410, 300), (820, 616), (3000, 4001)])
def test_the_small_copy_keeps_places(size: tuple[int, int]) -> None:
    """A square's middle in the small copy, scaled up, is its middle in the picture."""
    image = np.zeros(size, np.uint8)
    y, x, half = round(0.7 * size[0]), round(0.3 * size[1]), round(0.1 * size[0])
    image[y - half : y + half + 1, x - half : x + half + 1] = 255
    small, scale = small_copy(image)
    rows, columns = np.nonzero(small > 127)
    middle = (np.array([columns.mean(), rows.mean()]) + 0.5) * scale - 0.5
    assert np.abs(middle - [x, y]).max() < scale
