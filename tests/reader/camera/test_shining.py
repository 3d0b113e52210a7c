"""What light says of a hole over a bed that shines, dazzling or not."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from cards.layout import Layout
from device.frame import Frame
from reader.camera import read_frame
from reader.camera.find import search
from reader.camera.scores import LIGHT_MIN
from reader.reading import Punch, Reading
from tests.reader.camera.measured import measured, score_with
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
