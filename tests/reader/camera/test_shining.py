"""What light says of a hole over a bed that shines, dazzling or not; and what half a hole measures over a colour."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from cards.layout import Layout
from device.frame import Frame
from reader.camera import read_frame
from reader.camera.bed import ground_of
from reader.camera.find import search
from reader.camera.measure import Measured, measure, measure_at, view_of
from reader.camera.scores import LIGHT_MIN, scores
from reader.camera.unmix import unmix
from reader.reading import Punch, Reading, Score
from tests.reader.camera.test_worse import blurred, worse
from tests.volume.cards import Sample, in_spec, out_of_spec

Image = NDArray[np.uint8]


def dimmed(image: Image) -> Image:
    """So that the bed's white is 217, and no picture of it saturates."""
    return np.asarray(image * 0.85, np.uint8)


@pytest.mark.parametrize(("card", "position"), [(59, "number1.1.2"), (71, "likert4.1"), (79, "number1.1.1")])
def test_a_half_open_hole_has_less_light_than_whole_ones_however_blurred(card: int, position: str) -> None:
    sample = out_of_spec(31, card)
    assert sample.scene.bed == "panel"
    assert sample.truth[position] == "ambiguous"
    outcome = read_frame(worse(sample.frame, dimmed, blurred), [sample.layout])
    assert isinstance(outcome, Reading)
    assert outcome.punches()[position] is Punch.UNCERTAIN
    assert "hung" in outcome.scores[position].doubts


@pytest.mark.parametrize(("card", "position"), [(59, "likert4.4"), (79, "likert1.2"), (79, "likert6.2")])
def test_a_narrow_arc_of_light_is_never_clear(card: int, position: str) -> None:
    sample = out_of_spec(31, card)
    assert sample.truth[position] == "ambiguous"
    outcome = read_frame(worse(sample.frame, dimmed, blurred), [sample.layout])
    assert isinstance(outcome, Reading)
    assert outcome.punches()[position] is Punch.UNCERTAIN


def over_a_panel(layout: str) -> Sample:
    """An in-spec card of this layout that lies on a lit panel."""
    samples = (in_spec(31, k) for k in range(200))
    return next(s for s in samples if s.scene.bed == "panel" and s.layout.id == layout)


@pytest.mark.parametrize("layout", ["stadslogistiek", "survey-a", "survey-b", "survey-c"])
def test_whole_holes_over_a_dim_panel_need_no_help(layout: str) -> None:
    sample = over_a_panel(layout)
    outcome = read_frame(worse(sample.frame, dimmed), [sample.layout])
    assert isinstance(outcome, Reading)
    assert {n: str(p) for n, p in outcome.punches().items()} == sample.truth


def measured(frame: Frame, layout: Layout) -> Measured:
    found = search(frame, [layout]).found
    assert found is not None
    return measure(view_of(frame, found.edge.geometry), found.edge.geometry, layout)


def score_with(sample: Sample, known: Measured, *, hole: bool, **values: float) -> Score:
    """The score of the card's first hole, or first clear position, if these figures had been measured there."""
    at = int(np.flatnonzero(known.open > 0.5 if hole else known.open == 0)[0])
    changed: dict[str, Any] = {}
    for name, value in values.items():
        changed[name] = getattr(known, name).copy()
        changed[name][at] = value
    return scores(replace(known, **changed), sample.layout)[sample.layout.positions[at].name]


def test_light_proves_a_hole_that_is_not_as_bright_as_its_bed_everywhere() -> None:
    sample = over_a_panel("survey-a")
    known = measured(sample.frame, sample.layout)
    assert score_with(sample, known, hole=True, open=0.52, light=0.82).open == pytest.approx(0.82)
    assert score_with(sample, known, hole=True, open=0.52, light=0.7).open < 0.66


def test_on_a_card_whose_print_is_light_itself_it_proves_none() -> None:
    sample = over_a_panel("survey-b")
    known = measured(sample.frame, sample.layout)
    pale = replace(known, light=np.maximum(known.light, np.float32(0.05)))
    assert score_with(sample, pale, hole=True, open=0.52, light=0.82).open < 0.66


def test_stray_light_counts_by_what_is_usual_on_the_card() -> None:
    sample = over_a_panel("survey-a")
    known = measured(sample.frame, sample.layout)
    little = LIGHT_MIN + 0.01
    assert score_with(sample, known, hole=False, light=little).doubts == ("unexplained",)
    clear = known.open < 0.3
    usual = replace(known, light=np.where(clear, np.float32(0.03), known.light))
    assert score_with(sample, usual, hole=False, light=little).doubts == ()


def veiled(frame: Frame, layout: Layout, name: str) -> Frame:
    """Light on one position that is nowhere as bright as a third of the way to the bed."""
    found = search(frame, [layout]).found
    assert found is not None
    geometry = found.edge.geometry
    at = next(p for p in layout.positions if p.name == name)
    x, y = np.rint(geometry.to_px(np.array([[at.x_mm, at.y_mm]]))[0]).astype(int).tolist()
    radius = geometry.px_per_mm * layout.hole.width_mm / 2
    glow = np.zeros(frame.grey.shape, np.float32)
    cv2.ellipse(glow, (x, y), (round(radius * 0.9), round(radius * 0.7)), 0, 0, 360, 0.27, -1)
    glow = np.asarray(cv2.GaussianBlur(glow, (0, 0), 2.0), np.float32)
    return Frame("veiled", np.rint(frame.grey + glow * (255 - frame.grey.astype(np.float32))).astype(np.uint8))


def test_light_that_is_nowhere_like_the_bed_is_doubted_for_its_sum(monkeypatch: pytest.MonkeyPatch) -> None:
    sample = over_a_panel("survey-a")
    name = next(n for n, state in sample.truth.items() if state == "clear")
    frame = veiled(sample.frame, sample.layout, name)
    outcome = read_frame(frame, [sample.layout])
    assert isinstance(outcome, Reading)
    assert outcome.scores[name].doubts == ("unexplained",)
    # The light alone is worth a second look, whatever else the glance sees.
    monkeypatch.setattr("reader.camera.measure.worth_a_look", lambda mixture, *_: np.zeros(len(mixture.open), np.bool_))
    at = next(k for k, p in enumerate(sample.layout.positions) if p.name == name)
    assert measured(frame, sample.layout).light[at] > LIGHT_MIN


def test_over_felt_a_little_shade_at_one_side_is_doubted() -> None:
    samples = (in_spec(31, k) for k in range(200))
    sample = next(s for s in samples if s.scene.bed == "felt" and s.layout.id == "survey-a")
    known = measured(sample.frame, sample.layout)
    assert score_with(sample, known, hole=False, aside=0.055).doubts == ("crescent",)
    assert score_with(sample, known, hole=False, aside=0.045).doubts == ()


def test_on_paper_that_is_not_dark_usual_light_excuses_no_arc() -> None:
    sample = out_of_spec(20241205, 12994)
    assert sample.truth["wish.3"] == "ambiguous"
    outcome = read_frame(sample.frame, [sample.layout])
    assert isinstance(outcome, Reading)
    assert outcome.scores["wish.3"].doubts == ("unexplained",)


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
