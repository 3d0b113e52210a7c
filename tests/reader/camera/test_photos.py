"""The shared photo-like pictures and the real old cards, where they are there: no certain error, and enough read."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from cards.layout import Layout
from cards.load import find_layout
from device.frame import decode_picture
from reader.camera import read_frame
from reader.reading import Punch, Reading, Rejection
from tests.chance import SILENT, look
from tests.needs import shared_folder
from tests.stress import pictures

LAYOUTS = Path(__file__).parents[2] / "fixtures" / "layouts"
Image = NDArray[np.uint8]
TARGETS = {"easy": 0.98, "field": 0.92, "hard": 0.60}


@cache
def layouts() -> dict[str, Layout]:
    """The designs of the pictures, by id."""
    found = [find_layout(str(p)) for p in sorted(LAYOUTS.glob("*.yaml"))] + [find_layout("ibm80")]
    return {layout.id: layout for layout in found}


@cache
def results() -> list[tuple[dict[str, Any], Reading | Rejection]]:
    """(truth, outcome) of every picture, all layouts offered."""
    folder = shared_folder("photos")
    return [
        (
            json.loads(path.with_suffix(".json").read_text()),
            read_frame(decode_picture(path.read_bytes(), path.name), list(layouts().values())),
        )
        for path in sorted(folder.glob("*.jpg"))
    ]


def certain_errors(truth: dict[str, Any], outcome: Reading | Rejection) -> list[str]:
    if isinstance(outcome, Rejection):
        return []
    punches = outcome.punches()
    known = by_position(truth)
    return [n for n, t in known.items() if t != "ambiguous" and punches[n] not in (t, Punch.UNCERTAIN)]


def by_position(truth: dict[str, Any]) -> dict[str, str]:
    """The picture's truth by our position names, joined by place: the designs name things otherwise."""
    folder = shared_folder("photos")
    design = json.loads((folder / "designs" / f"{truth['design']}.json").read_text())
    places = {(round(p["x_mm"], 1), round(p["y_mm"], 1)): f"{p['question']}/{p['choice']}" for p in design["positions"]}
    layout = layouts()[truth["design"]]
    found = {}
    for p in layout.positions:
        nearest = min(places, key=lambda at: (at[0] - p.x_mm) ** 2 + (at[1] - p.y_mm) ** 2)
        if places[nearest] in truth["truth"]:
            found[p.name] = truth["truth"][places[nearest]]
    return found


@pytest.mark.parametrize("grade", list(TARGETS))
def test_no_position_is_wrong_with_certainty(grade: str) -> None:
    mine = [(t, o) for t, o in results() if t["grade"] == grade]
    errors = {t["image"]: certain_errors(t, o) for t, o in mine}
    assert not {k: v for k, v in errors.items() if v}


@pytest.mark.parametrize("grade", list(TARGETS))
def test_enough_cards_need_no_help(grade: str) -> None:
    mine = [(t, o) for t, o in results() if t["grade"] == grade]
    right = 0
    for truth, outcome in mine:
        if isinstance(outcome, Reading):
            punches, known = outcome.punches(), by_position(truth)
            right += all(punches[n] == t for n, t in known.items() if t != "ambiguous")
    assert right >= TARGETS[grade] * len(mine), f"{right} of {len(mine)}"


def test_ambiguous_holes_are_never_called_certain() -> None:
    states = [
        outcome.punches()[name] is not Punch.UNCERTAIN
        for truth, outcome in results()
        if isinstance(outcome, Reading)
        for name, t in by_position(truth).items()
        if t == "ambiguous"
    ]
    assert len(states) > 10 and not sum(states), f"{sum(states)} of {len(states)}"


def test_layout_and_face_are_always_right() -> None:
    for truth, outcome in results():
        if isinstance(outcome, Reading):
            assert (outcome.layout.split("@")[0], outcome.face) == (truth["design"], truth["side"]), truth["image"]


def test_a_layout_that_is_not_the_cards_own_is_refused() -> None:
    folder = shared_folder("photos")
    for truth, _ in results():
        frame = decode_picture((folder / truth["image"]).read_bytes(), truth["image"])
        for name, layout in layouts().items():
            if name != truth["design"]:
                assert isinstance(read_frame(frame, [layout]), Rejection), (truth["image"], name)


WORSE: dict[str, Callable[[Image], Image]] = {
    "blurred": lambda image: np.asarray(cv2.GaussianBlur(image, (0, 0), 1.8), np.uint8),
    "smaller": lambda image: np.asarray(
        cv2.resize(image, None, fx=0.7, fy=0.7, interpolation=cv2.INTER_AREA), np.uint8
    ),
    "warmer": lambda image: np.clip(image * np.array([0.75, 0.95, 1.1]), 0, 255).astype(np.uint8),
    "paler": lambda image: (255 * (image / 255.0) ** 0.6).astype(np.uint8),
    "darker": lambda image: (255 * (image / 255.0) ** 1.6).astype(np.uint8),
    "noisier": lambda image: np.clip(image + np.random.default_rng(1).normal(0, 8, image.shape), 0, 255).astype(
        np.uint8
    ),
}


@pytest.mark.parametrize("machine", ["felt", "panel"])
def test_a_fixed_machines_cards_are_read_without_calibration_and_without_a_certain_error(machine: str) -> None:
    # On felt, two discs filled with green pen are holes to a grey look; two icons lie along their ring as a chad does.
    right = 0
    paths = sorted((shared_folder("machines") / machine / "cards").glob("*.jpg"))
    for path in paths:
        truth = json.loads(path.with_suffix(".json").read_text())
        outcome = read_frame(decode_picture(path.read_bytes(), path.name), [layouts()[truth["design"]]])
        assert certain_errors(truth, outcome) == [], path.name
        if isinstance(outcome, Reading):
            punches, known = outcome.punches(), by_position(truth)
            right += all(punches[n] == t for n, t in known.items() if t != "ambiguous")
    assert right >= 0.85 * len(paths), f"{right} of {len(paths)}"


@pytest.mark.parametrize("how", list(WORSE))
def test_worse_pictures_are_read_with_more_doubt_not_with_errors(how: str) -> None:
    folder = shared_folder("photos")
    for truth, _ in results():
        image = cv2.imread(str(folder / truth["image"]))
        assert image is not None
        done, data = cv2.imencode(".jpg", WORSE[how](np.asarray(image, np.uint8)), [cv2.IMWRITE_JPEG_QUALITY, 90])
        assert done
        outcome = read_frame(decode_picture(data.tobytes(), how), [layouts()[truth["design"]]])
        assert certain_errors(truth, outcome) == [], truth["image"]


def test_old_cards_are_read_without_a_certain_error() -> None:
    folder = shared_folder("realcards")
    layout = layouts()["ibm80"]
    read = 0
    for path in sorted(folder.glob("*.json")):
        truth = json.loads(path.read_text())
        if "holes" not in truth:
            continue
        picture = folder / truth["file"]
        outcome = read_frame(decode_picture(picture.read_bytes(), picture.name), [layout])
        if isinstance(outcome, Rejection):
            continue
        read += 1
        for name, punch in outcome.punches().items():
            _, column, row = name.split(".")
            hole = truth["holes"][truth["rows_top_to_bottom"].index(row)][int(column) - 1] == "O"
            assert punch is Punch.UNCERTAIN or (punch is Punch.PUNCHED) == hole, (picture.name, name)
    assert read >= 8


def test_pictures_changed_by_chance_in_several_ways_at_once_are_not_misread() -> None:
    """Every third of the shared pictures, as `python -m tests.chance --seed 77` changes it first."""
    for _, path in list(pictures())[::3]:
        sums, lines = look((path, 77, 0, False))
        assert not any(sums[name] for name in SILENT), (path.name, lines)
