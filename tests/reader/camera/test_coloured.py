"""Over beds of a colour: holes that hands leave half open, and paint like the bed, each doubted for its own reason."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from device.frame import Frame, decode_picture
from reader.camera import read_frame
from reader.camera.find import search
from reader.camera.measure import measure, view_of
from reader.camera.scores import scores
from reader.overlay import card_to_px
from reader.reading import Code, Punch, Reading, Rejection
from tests.volume.cards import Sample, in_spec, out_of_spec


@pytest.mark.parametrize(
    ("seed", "card", "position", "doubt"),
    [
        pytest.param(5, 13, "feel2.2", "hung", id="a chad in the card's shade"),
        pytest.param(31, 217, "do3.1", "hung", id="the same where the rest is more open"),
        pytest.param(31, 470, "wish.4", "spill", id="a slit beyond the position's own place"),
        pytest.param(51, 1380, "groceries_how.delivered", "unexplained", id="a slit too narrow for the openings"),
        pytest.param(31, 691, "likert3.3", "crescent", id="an arc at the rim"),
        pytest.param(5, 139, "number3.1.9", "crescent", id="hints that add up"),
    ],
)
def test_what_is_half_open_is_uncertain(seed: int, card: int, position: str, doubt: str) -> None:
    sample = out_of_spec(seed, card, "coloured")
    assert sample.truth[position] == "ambiguous"
    outcome = read_frame(sample.frame, [sample.layout])
    assert isinstance(outcome, Reading)
    assert outcome.punches()[position] is Punch.UNCERTAIN
    assert doubt in outcome.scores[position].doubts


def painted(sample: Sample, position: str, size: tuple[float, float], light: float) -> Frame:
    """The card with an ellipse of the bed's colour on one position. size: width and height as shares of the hole's; light:
    how bright it is, as a share of the bed beside the card."""
    layout, outcome = sample.layout, read_frame(sample.frame, [sample.layout])
    assert isinstance(outcome, Reading)
    assert outcome.punches()[position] is Punch.CLEAR
    to_px, _ = card_to_px(layout, np.array(outcome.corners_px))

    def at(x: NDArray[np.float64], y: NDArray[np.float64]) -> NDArray[np.float32]:
        points = np.stack(np.broadcast_arrays(x, y), axis=-1).reshape(-1, 1, 2)
        return cv2.perspectiveTransform(points.astype(np.float32), to_px)[:, 0]

    assert sample.frame.colour is not None
    image = sample.frame.colour.copy()
    x, y = np.rint(at(np.linspace(0.2, 0.8, 30) * layout.width_mm, np.array(-4.0))).astype(int).T
    bed = np.median(image[y, x], axis=0) * light
    place = next(p for p in layout.positions if p.name == position)
    turn = np.linspace(0, 2 * np.pi, 60)
    blot = at(
        place.x_mm + size[0] * layout.hole.width_mm / 2 * np.cos(turn),
        place.y_mm + size[1] * layout.hole.height_mm / 2 * np.sin(turn),
    )
    cv2.fillPoly(image, [np.rint(8 * blot).astype(np.int32)], bed.tolist(), cv2.LINE_AA, 3)
    image = cv2.GaussianBlur(image, (0, 0), 0.8)
    return decode_picture(cv2.imencode(".png", image)[1].tobytes(), "painted")


@pytest.mark.parametrize(
    ("card", "position", "size", "light", "doubt"),
    [
        pytest.param(7, "likert2.1", (1.2, 1.2), 1.2, "faint", id="pen beyond a hole's size, paler than the holes"),
        pytest.param(69, "card.40.9", (1.6, 0.65), 0.7, "partial", id="ink that reaches no end of a machine's hole"),
    ],
)
def test_paint_of_the_beds_colour_is_no_hole(
    card: int, position: str, size: tuple[float, float], light: float, doubt: str
) -> None:
    sample = in_spec(31, card, "coloured")
    outcome = read_frame(painted(sample, position, size, light), [sample.layout])
    assert isinstance(outcome, Reading)
    assert outcome.punches()[position] is Punch.UNCERTAIN
    assert outcome.scores[position].doubts == (doubt,)


@pytest.mark.parametrize("card", [0, 1], ids=["green", "beech"])
@pytest.mark.parametrize("from_file", [False, True], ids=["a grey camera", "a file without colour"])
def test_a_picture_without_colour_is_refused_where_only_hue_tells_bed_from_print(card: int, from_file: bool) -> None:
    sample = in_spec(31, card, "coloured")
    assert isinstance(read_frame(sample.frame, [sample.layout]), Reading)
    grey = Frame("grey", sample.frame.grey)
    if from_file:
        grey = decode_picture(cv2.imencode(".png", sample.frame.grey)[1].tobytes(), "grey")
    outcome = read_frame(grey, [sample.layout])
    assert isinstance(outcome, Rejection)
    assert [reason.code for reason in outcome.reasons] == [Code.LOW_CONTRAST]


def test_what_passes_for_open_and_is_hardly_unlike_the_paper_is_no_hole() -> None:
    sample = in_spec(31, 0, "coloured")
    found = search(sample.frame, [sample.layout]).found
    assert found is not None
    measured = measure(view_of(sample.frame, found.edge.geometry), found.edge.geometry, sample.layout)
    names = [p.name for p in sample.layout.positions]
    hole = next(name for name in names if sample.truth[name] == "punched")
    pale = measured.other.copy()
    pale[names.index(hole)] = 0.1
    assert scores(measured, sample.layout)[hole].doubts == ()
    assert scores(replace(measured, other=pale), sample.layout)[hole].doubts == ("faint",)
