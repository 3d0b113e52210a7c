"""An explanation says why, with the figures that decided; it never says otherwise than the reading."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from cards.layout import Layout
from cards.load import find_layout
from device.frame import Frame, decode_picture
from device.simulator.card import Card, Cut
from device.simulator.deck import make_card
from device.simulator.hand import Hand
from device.simulator.render import encode, render
from device.simulator.scene import Scene
from reader.camera import read_frame
from reader.camera.find import passes, search
from reader.explain import Explanation, explain
from reader.explain_picture import WIDTH_PX, draw_explained, write_explained
from reader.reading import Punch, Reading, Rejection, Score, Thresholds
from tests.builders import reading

MARKET = find_layout(str(Path(__file__).parents[1] / "fixtures" / "layouts" / "market"))


def picture(layout: Layout, *, flap: float = 0.0) -> Frame:
    """A card with one hole, this share of it not cut through."""
    p = layout.positions[1]
    card = Card((Cut(p.x_mm, p.y_mm, 5.0, 5.0, True, flap, 30.0),))
    return decode_picture(encode(render(layout, card, Scene(), np.random.default_rng(2), colour=True), 85), "card")


def explained(frame: Frame, layouts: list[Layout]) -> tuple[Reading | Rejection, Explanation]:
    outcome = read_frame(frame, layouts)
    return outcome, explain(frame, outcome, layouts)


def test_every_position_is_explained_as_it_was_judged() -> None:
    outcome, why = explained(picture(MARKET), [MARKET])
    assert isinstance(outcome, Reading)
    assert {p.name: p.punch for p in why.places} == outcome.punches()
    assert why.passed and why.verdict == "accepted" and why.face == "front"
    assert why.code == ("market@2 by code-holes: the card says so",)


def test_what_is_in_doubt_comes_first_with_its_reason() -> None:
    _, why = explained(picture(MARKET, flap=0.6), [MARKET])
    first = why.places[0]
    assert (first.name, first.punch) == (MARKET.positions[1].name, Punch.UNCERTAIN)
    assert first.doubts or "would make it punched" in first.change
    margins = [p.margin for p in why.places if p.punch is not Punch.UNCERTAIN]
    assert margins == sorted(margins)


@pytest.mark.parametrize(
    ("score", "words"),
    [
        (Score(0.67), "0.07 less open area would make it uncertain"),
        (Score(0.08), "0.07 more open area would make it uncertain"),
        (Score(0.35), "0.25 more would make it punched, 0.20 less clear"),
        (Score(0.9, doubts=("shade",)), "its score alone says punched; the doubt decides"),
        (Score(0.1, doubts=("something new",)), "its score alone says clear; the doubt decides"),
    ],
)
def test_what_would_change_the_outcome_is_said_in_figures(score: Score, words: str) -> None:
    name = MARKET.positions[0].name
    outcome = reading(MARKET, scores={name: score})
    assert outcome.thresholds == Thresholds(0.15, 0.60)
    why = explain(picture(MARKET), outcome, [MARKET])
    place = next(p for p in why.places if p.name == name)
    assert place.change == words and len(place.doubts) == len(score.doubts)


def test_a_card_of_another_size_is_explained_by_the_figures_that_missed(campaign: Layout) -> None:
    frame = decode_picture(make_card(campaign, 3, scene=Scene(), hand=Hand(hanging=0)).jpeg, "card")
    outcome, why = explained(frame, [MARKET])
    assert isinstance(outcome, Rejection) and why.verdict == "rejected" and why.reasons
    assert not why.passed and not why.places


def test_the_figures_are_those_that_let_a_card_through(campaign: Layout) -> None:
    """Should `passes` come to ask for more, the explanation has to say so."""
    for layout in (campaign, MARKET):
        frame = picture(MARKET)
        seen = search(frame, [layout])
        nearest = seen.found or seen.best
        if nearest is not None:
            why = explain(frame, read_frame(frame, [layout]), [layout])
            assert all(g.passed for g in why.gates) == passes(nearest.edge)


def test_an_empty_picture_is_explained_too(tmp_path: Path) -> None:
    frame = Frame("empty", np.full((480, 640), 20, np.uint8))
    outcome, why = explained(frame, [MARKET])
    assert isinstance(outcome, Rejection) and why.outline is None and why.layout is None
    assert write_explained(frame, why, tmp_path / "new" / "empty.jpg") is None
    with Image.open(tmp_path / "new" / "empty.jpg") as image:
        assert image.width == WIDTH_PX


def test_the_picture_shows_doubt_in_another_colour_than_certainty() -> None:
    def amber(image: Image.Image) -> int:
        pixels = np.asarray(image, int)
        return int((np.abs(pixels - [0xD9, 0x77, 0x06]).max(axis=2) < 12).sum())

    sure, unsure = picture(MARKET), picture(MARKET, flap=0.6)
    certain = amber(draw_explained(sure, explained(sure, [MARKET])[1]))
    assert amber(draw_explained(unsure, explained(unsure, [MARKET])[1])) > certain + 500


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    frame = picture(MARKET)
    (tmp_path / "file").write_text("")
    problem = write_explained(frame, explained(frame, [MARKET])[1], tmp_path / "file" / "card.jpg")
    assert problem is not None and "choose another folder" in problem
