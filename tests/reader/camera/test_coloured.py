"""Over beds of a colour: holes that hands leave half open, print and paint like the bed, each doubted for its own reason."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from device.frame import Frame, decode_picture
from reader.camera import read_frame
from reader.camera.bed import ground_of
from reader.camera.find import search
from reader.camera.measure import Measured, measure_at, view_of
from reader.camera.scores import scores
from reader.camera.unmix import unmix
from reader.overlay import card_to_px
from reader.reading import Code, Punch, Reading, Rejection
from tests.reader.camera.measured import measured, score_with
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


def test_what_passes_for_open_and_is_hardly_unlike_the_paper_is_no_hole(on_green: tuple[Sample, Measured]) -> None:
    assert score_with(*on_green, hole=True).doubts == ()
    assert score_with(*on_green, hole=True, other=0.1).doubts == ("faint",)


@pytest.fixture(scope="module")
def on_green() -> tuple[Sample, Measured]:
    samples = (in_spec(31, k, "coloured") for k in range(200))
    sample = next(s for s in samples if s.scene.bed == "green" and s.layout.id == "survey-a")
    return sample, measured(sample.frame, sample.layout)


@pytest.mark.parametrize(
    ("figures", "doubted"),
    [
        pytest.param({"crescent": 0.51}, False, id="an icon that fills an arc"),
        pytest.param({"crescent": 0.51, "slit": 0.14}, True, id="an arc of the bed's colour"),
        pytest.param({"crescent": 0.56}, True, id="an arc that no icon fills so"),
    ],
)
def test_over_a_colour_an_arc_is_doubted_by_how_much_of_the_bed_is_seen(
    on_green: tuple[Sample, Measured], figures: dict[str, float], doubted: bool
) -> None:
    sample, known = on_green
    assert ("crescent" in score_with(sample, known, hole=False, **figures).doubts) == doubted


@pytest.mark.parametrize(
    ("figures", "doubted"),
    [
        pytest.param({"lean": 0.30, "gone": 0.76}, True, id="what is gone lies to one side"),
        pytest.param({"lean": 0.10, "gone": 0.20}, True, id="hardly anything is gone"),
        pytest.param({"lean": 0.10, "gone": 0.76}, False, id="gone as in a whole hole"),
    ],
)
def test_over_a_colour_a_hole_that_is_not_quite_whole_is_doubted(
    on_green: tuple[Sample, Measured], figures: dict[str, float], doubted: bool
) -> None:
    sample, known = on_green
    part = {"open": 0.74, "other": 0.74, "disc": 0.9, "hung": 0.0}
    assert ("hung" in score_with(sample, known, hole=True, **part, **figures).doubts) == doubted


def machine_punched_on_green() -> tuple[Sample, Measured]:
    samples = (in_spec(31, k, "coloured") for k in range(69, 700, 70))
    sample = next(s for s in samples if s.scene.bed == "green")
    assert sample.layout.id == "ibm80"
    return sample, measured(sample.frame, sample.layout)


@pytest.mark.parametrize("machine", [False, True], ids=["a hand's", "a machine's"])
def test_what_is_part_open_over_a_colour_has_the_shape_of_a_hole_or_is_doubted(
    on_green: tuple[Sample, Measured], machine: bool
) -> None:
    """Blurred rings and letters may be as open as holes, and more."""
    sample, known = machine_punched_on_green() if machine else on_green
    part = {"open": 0.7, "other": 1.4, "gone": 0.7, "lean": 0.1, "hung": 0.0}
    for disc, doubted in ((0.65 if machine else 0.31, True), (0.73 if machine else 0.54, False)):
        assert ("hung" in score_with(sample, known, hole=True, disc=disc, **part).doubts) == doubted


def test_no_hole_of_a_card_is_believed_where_its_print_passes_for_bed(on_green: tuple[Sample, Measured]) -> None:
    sample, known = on_green
    clear, holes = np.flatnonzero(known.open == 0), np.flatnonzero(known.open > 0.5)
    for several, opened, believed in ((2, 1.0, True), (len(holes), 0.5, True), (len(holes), 1.0, False)):
        like_holes = {}
        for name in ("open", "other", "gone", "depth", "shade"):
            values = like_holes[name] = getattr(known, name).copy()
            values[clear[:several]] = (opened if name in ("open", "other") else 1.0) * values[holes[0]]
        disc = known.disc.copy()
        disc[clear[:several]] = 0.2
        found = scores(replace(known, disc=disc, **like_holes), sample.layout)
        doubts = [found[sample.layout.positions[k].name].doubts for k in holes]
        assert all(("spill" not in why) == believed for why in doubts)


def test_a_card_of_dark_print_still_says_where_something_is_as_dark_as_the_bed() -> None:
    """What is neither paper nor bed counts as print where there is much of it; a washed-out hole among it does not."""
    sample, known = machine_punched_on_green()
    clear = np.flatnonzero(known.open == 0)
    other, ends, gone = known.other.copy(), known.ends.copy(), known.gone.copy()
    other[clear[:100]], ends[clear[:100]], gone[clear[:100]] = 0.79, 1.0, 0.05
    gone[clear[0]] = 0.3
    found = scores(replace(known, other=other, ends=ends, gone=gone), sample.layout)
    doubts = [found[sample.layout.positions[k].name].doubts for k in clear[:100]]
    assert doubts[0] == ("unexplained",) and not any(doubts[1:])


@pytest.mark.parametrize(("seen", "whole"), [(0.28, True), (0.22, False)])
def test_a_hole_of_which_a_quarter_is_lit_and_the_rest_lies_in_its_own_shade_is_whole(
    on_green: tuple[Sample, Measured], seen: float, whole: bool
) -> None:
    sample, known = on_green
    shaded = {"other": 0.85, "gone": 0.8, "disc": 0.98, "lean": 0.18, "hung": 0.0}
    score = score_with(sample, known, hole=True, open=seen, **shaded)
    assert (score.open > 0.8 and score.doubts == ()) == whole
    assert whole or score.doubts


@pytest.mark.parametrize(("off", "unlike"), [(12.5, False), (16.0, True)])
def test_on_a_bed_much_like_the_paper_a_ring_that_bleeds_is_not_something_else(off: float, unlike: bool) -> None:
    paper, bed = (np.array([colour], np.float32) for colour in ([200.0, 180, 150], [180.0, 155, 128]))
    seen = (paper - np.array([[off, 0, 0]], np.float32))[:, None, None]
    assert bool(unmix(seen, paper, bed, ground_of(bed)).unlike.any()) == unlike


def test_a_place_in_deep_shade_lies_over_the_same_bed_as_all_the_others(on_green: tuple[Sample, Measured]) -> None:
    """By itself it is as dark as felt, over which whatever is dark is a hole: a pen's black, too."""
    sample, known = on_green
    found = search(sample.frame, [sample.layout]).found
    assert found is not None
    geometry, layout = found.edge.geometry, sample.layout
    view = view_of(sample.frame, geometry)
    at = int(max(np.flatnonzero(known.open == 0), key=lambda k: layout.positions[k].x_mm))
    shade = np.float32(0.3) + np.float32(0.7) * (view.bed.at_mm[:, :1] < layout.width_mm / 2)
    shaded = replace(view.bed, colour=(view.bed.colour * shade).astype(np.float32))
    image = np.asarray(view.image * 0.3, np.uint8)
    x, y = np.rint(geometry.to_px(layout.centres_mm[at : at + 1])[0]).astype(int).tolist()
    cv2.circle(image, (x, y), round(0.45 * layout.hole.width_mm * geometry.px_per_mm), (10, 11, 11), -1)
    assert ground_of(shaded.beneath(layout.centres_mm[at : at + 1])).kind == "black"
    for places in (layout.centres_mm[at : at + 1], np.tile(layout.centres_mm[at : at + 1], (9, 1))):
        inked = measure_at(replace(view, image=image, bed=shaded), geometry, layout, places, 1.5)
        assert inked.bed == "coloured" and inked.open.max() < 0.15 and inked.other.min() > 0.5
