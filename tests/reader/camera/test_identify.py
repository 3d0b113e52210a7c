"""A card says itself which layout it is; what it does not say is never guessed."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from cards.canonical import with_digest
from cards.layout import Identify, Layout, Marker
from cards.load import catalogue, find_layout
from device.frame import decode_picture
from device.simulator.card import Card, Cut
from device.simulator.deck import make_card
from device.simulator.hand import Hand
from device.simulator.render import encode, render
from device.simulator.scene import BEDS, Scene
from reader.camera import read_frame
from reader.camera.find import search
from reader.camera.identify import Placed, read_code
from reader.reading import Code, Reading, Rejection
from tests.needs import shared_folder

FIXTURES = Path(__file__).parents[2] / "fixtures" / "layouts"
MARKET = find_layout(str(FIXTURES / "market"))
OLD = find_layout(str(FIXTURES / "market" / "v1.yaml"))
MARKS = ((136.0, 14.0), (136.0, 34.0), (70.0, 58.0))
Face = ["front", "back"]


def named(code: Identify, version: int) -> Layout:
    return with_digest(replace(MARKET, version=version, identify=code, retired=False))


def by_holes(value: int) -> Layout:
    return named(replace(MARKET.identify, value=str(value)), 10 + value)


def by_aruco(first: int) -> Layout:
    markers = tuple(Marker(first + k, x, y) for k, (x, y) in enumerate(MARKS))
    return named(Identify("aruco", "DICT_4X4_50", 9.0, None, markers), 20 + first)


def by_qr(value: str) -> Layout:
    return named(Identify("qr", None, 14.0, value, (Marker(0, 100.0, 35.0),)), 30 + len(value))


TWINS = {
    "code holes": (by_holes(5), by_holes(6)),
    "ArUco": (by_aruco(0), by_aruco(7)),
    "QR": (by_qr("market@3"), by_qr("market@14")),
}
TURNS = (0.0, 25.0, 180.0, 200.0)


def seen(layout: Layout, face: str = "front", seed: int = 1, **scene: object) -> bytes:
    place = Scene(bed=list(BEDS)[seed % len(BEDS)], face=face, turn_deg=TURNS[seed], tilt_deg=4, fill=0.66, **scene)  # type: ignore[arg-type]
    return make_card(layout, seed, scene=place, hand=Hand(hanging=0)).jpeg


def read(jpeg: bytes, layouts: list[Layout], known: tuple[Layout, ...] = ()) -> Reading | Rejection:
    return read_frame(decode_picture(jpeg, "card"), layouts, known=known)


def why(outcome: Reading | Rejection) -> tuple[Code, str | None]:
    assert isinstance(outcome, Rejection), outcome
    return outcome.reasons[0].code, outcome.reasons[0].found


def altered(layout: Layout, holes: list[tuple[float, float]], face: str = "front", without_code: bool = False) -> bytes:
    """A card with only these holes beside its code, or instead of it."""
    printed = replace(layout, identify=Identify()) if without_code else layout
    card = Card(tuple(Cut(x, y, 5.0, 5.0, True) for x, y in holes))
    scene = Scene(face=face, fill=0.7)  # type: ignore[arg-type]
    return encode(render(printed, card, scene, np.random.default_rng(1), colour=True), 85)


@pytest.mark.parametrize("kind", TWINS)
@pytest.mark.parametrize("which", [0, 1])
@pytest.mark.parametrize("seed", [1, 2])
def test_of_twins_the_one_that_the_code_names_is_read(kind: str, which: int, seed: int) -> None:
    twins = list(TWINS[kind])
    outcome = read(seen(twins[which], seed=seed), twins)
    assert isinstance(outcome, Reading), outcome
    assert outcome.layout_digest == twins[which].digest and not outcome.strays


@pytest.mark.parametrize("which", [0, 1])
def test_code_holes_show_on_the_back_too(which: int) -> None:
    twins = list(TWINS["code holes"])
    outcome = read(seen(twins[which], "back"), twins)
    assert isinstance(outcome, Reading) and outcome.face == "back"
    assert outcome.layout_digest == twins[which].digest and not outcome.strays


@pytest.mark.parametrize("kind", ["ArUco", "QR"])
def test_a_back_hides_printed_marks_and_equal_twins_are_not_guessed(kind: str) -> None:
    twins = list(TWINS[kind])
    outcome = read(seen(twins[0], "back"), twins)
    assert why(outcome)[0] is Code.AMBIGUOUS_FIT
    alone = read(seen(twins[0], "back"), twins[:1])
    assert isinstance(alone, Reading) and alone.face == "back"


@pytest.mark.parametrize("face", Face)
@pytest.mark.parametrize("missing", [0, 1, 2])
def test_a_code_hole_that_is_missing_refuses_the_card(missing: int, face: str) -> None:
    layout = by_holes(7)  # three bits punched, so the check hole is not
    holes = [(m.x_mm, m.y_mm) for k, m in enumerate(layout.code_holes) if k != missing]
    outcome = read(altered(layout, holes, face, without_code=True), [layout, by_holes(3)], (by_holes(5), by_holes(6)))
    assert why(outcome) == (Code.UNKNOWN_LAYOUT, "no code")


def test_a_hole_too_many_in_the_code_refuses_the_card() -> None:
    layout = by_holes(2)
    spare = next(m for m in layout.identify.markers if m not in layout.code_holes)
    outcome = read(altered(layout, [(spare.x_mm, spare.y_mm)]), [layout])
    assert why(outcome) == (Code.UNKNOWN_LAYOUT, "no code")


def test_a_card_without_any_code_is_not_taken_for_one_that_has_one() -> None:
    plain = with_digest(replace(MARKET, identify=Identify()))
    for layout in (by_holes(5), by_aruco(0), by_qr("market@3")):
        assert why(read(seen(plain), [layout])) == (Code.UNKNOWN_LAYOUT, "no code")


@pytest.mark.parametrize("kind", TWINS)
def test_another_cards_code_is_refused_with_what_was_read(kind: str) -> None:
    mine, other = TWINS[kind]
    code, found = why(read(seen(other), [mine]))
    assert code is Code.UNKNOWN_LAYOUT and found in ("code holes 6", "ArUco 7", "market@14")


def test_another_known_card_is_refused_by_its_name() -> None:
    mine, other = by_holes(5), by_holes(6)
    assert why(read(seen(other), [mine], (other,))) == (Code.UNKNOWN_LAYOUT, other.identity)


@pytest.mark.parametrize("face", Face)
def test_a_retired_version_is_refused_by_its_name(face: str) -> None:
    assert OLD.retired and OLD in catalogue([MARKET])
    assert why(read(seen(OLD, face), [MARKET], catalogue([MARKET]))) == (Code.RETIRED_LAYOUT, "market@1")


def test_a_retired_version_is_refused_even_when_it_is_offered() -> None:
    assert why(read(seen(OLD), [OLD, MARKET])) == (Code.RETIRED_LAYOUT, "market@1")
    plain = with_digest(replace(OLD, identify=Identify()))
    assert why(read(seen(plain), [plain])) == (Code.RETIRED_LAYOUT, "market@1")


def test_without_a_code_the_permanences_choice_counts_and_nothing_is_looked_up() -> None:
    plain = with_digest(replace(MARKET, identify=Identify()))
    assert catalogue([plain]) == ()
    outcome = read(seen(plain), [plain])
    assert isinstance(outcome, Reading) and outcome.layout == "market@2"


def spoiled(layout: Layout, marks: int, colour: int) -> bytes:
    """A picture of a blank card with so many of its marks painted over."""
    frame = render(layout, Card(), Scene(fill=0.7), np.random.default_rng(3))
    found = search(frame, [layout]).found
    assert found is not None
    image = frame.grey.copy()
    for m in layout.identify.markers[:marks]:
        x, y = m.x_mm, m.y_mm
        square = np.array([[x - 6, y - 6], [x + 6, y - 6], [x + 6, y + 6], [x - 6, y + 6]])
        cv2.fillConvexPoly(image, np.rint(found.edge.geometry.to_px(square)).astype(np.int32), colour)
    return cv2.imencode(".png", image)[1].tobytes()


@pytest.mark.parametrize("colour", [0, 128, 255])
def test_one_mark_of_three_may_be_lost_to_a_stain_or_to_glare_but_not_two(colour: int) -> None:
    layout = by_aruco(0)
    assert isinstance(read(spoiled(layout, 1, colour), [layout]), Reading)
    assert why(read(spoiled(layout, 2, colour), [layout])) == (Code.UNKNOWN_LAYOUT, "no code")


def test_a_card_pasted_together_of_two_is_refused() -> None:
    one, other = TWINS["ArUco"]
    mixed = with_digest(
        replace(one, identify=replace(one.identify, markers=(*one.identify.markers[:2], other.identify.markers[2])))
    )
    assert why(read(seen(mixed), [one])) == (Code.UNKNOWN_LAYOUT, "ArUco 9")


def test_the_marks_of_the_shared_pictures_all_agree() -> None:
    folder = shared_folder("photos")
    layout = find_layout(str(FIXTURES / "survey-c.yaml"))
    agree = 0
    for path in sorted(folder.glob("*.json")):
        if '"survey-c"' not in path.read_text():
            continue
        frame = decode_picture(path.with_suffix(".jpg").read_bytes(), path.name)
        found = search(frame, [layout]).found
        if found is not None:
            kind = read_code(frame, Placed(layout, found.face, found.edge.geometry), layout).kind
            assert kind == ("hidden" if found.face == "back" else "agrees"), path.name
            agree += kind == "agrees"
    assert agree >= 9
