"""What `calibrate check` notices, in figures, and what it must not notice: from real-looking and simulated beds."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from calibration.check import Check, Verdict, check_bed
from cards.layout import Layout
from tests.calibration.machine import Machine
from tests.needs import shared_folder

Grey = NDArray[np.uint8]
BEDS = ("felt", "panel", "simulated")
PX_PER_MM = {"felt": 7.3, "panel": 7.3, "simulated": 4.7}
Singles = NDArray[np.float32]


@pytest.fixture(scope="module")
def looks() -> dict[str, tuple[Singles, Grey]]:
    """Machine → (its learnt bed, another picture of it)."""
    return {}


@pytest.fixture(params=BEDS)
def bed(request: pytest.FixtureRequest, looks: dict[str, tuple[Singles, Grey]]) -> tuple[str, Singles, Grey]:
    """One machine's (name, learnt bed, another picture of it)."""
    name = str(request.param)
    if name not in looks:
        looks[name] = simulated() if name == "simulated" else photographed(name)
    return name, *looks[name]


def simulated() -> tuple[Singles, Grey]:
    machine = Machine()
    frames = [machine.bed().grey for _ in range(3)]
    return np.mean(frames, axis=0).astype(np.float32), machine.bed().grey


def photographed(name: str) -> tuple[Singles, Grey]:
    paths = sorted((shared_folder("machines") / name / "bed").glob("*.jpg"))
    frames = [np.asarray(cv2.imread(str(p), cv2.IMREAD_GRAYSCALE), np.uint8) for p in paths]
    return np.mean(frames[:2], axis=0).astype(np.float32), frames[2]


def checked(name: str, learnt: Singles, now: NDArray[np.generic]) -> Check:
    scale = PX_PER_MM[name]
    seen = np.clip(np.rint(now.astype(np.float32)), 0, 255).astype(np.uint8)
    return check_bed(learnt, [seen], scale, lambda x, y: (x / scale, y / scale))


def warped(grey: Grey, matrix: NDArray[np.float64]) -> Grey:
    size = grey.shape[::-1]
    moved = cv2.warpAffine(grey, matrix, size, flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT)
    return np.asarray(moved, np.uint8)


def about_middle(grey: Grey, turn_deg: float, zoom: float) -> Grey:
    height, width = grey.shape
    return warped(grey, np.asarray(cv2.getRotationMatrix2D((width / 2, height / 2), turn_deg, zoom), np.float64))


def ramp(grey: Grey, left: float) -> NDArray[np.float32]:
    return np.asarray(grey * np.linspace(left, 1, grey.shape[1], dtype=np.float32), np.float32)


HARMLESS: dict[str, Callable[[Grey], NDArray[np.generic]]] = {
    "as it is": lambda g: g,
    "2 % darker": lambda g: g * 0.98,
    "2 % brighter": lambda g: g * 1.02,
    "grainier": lambda g: g + np.random.default_rng(1).normal(0, 2.5, g.shape),
    "moved by 0.3 px": lambda g: warped(g, np.array([[1, 0, 0.3], [0, 1, 0.2]])),
}


@pytest.mark.parametrize("change", HARMLESS)
def test_a_sound_machine_raises_no_alarm(bed: tuple[str, Singles, Grey], change: str) -> None:
    name, learnt, now = bed
    found = checked(name, learnt, HARMLESS[change](now))
    assert found.verdict == Verdict.SOUND, [str(p.finding) for p in found.parts]


MOVED: dict[str, Callable[[Grey], Grey]] = {
    "shifted by 3 px": lambda g: warped(g, np.array([[1, 0, 3.0], [0, 1, 0]])),
    "turned by 0.3°": lambda g: about_middle(g, 0.3, 1.0),
    "half a per cent nearer": lambda g: about_middle(g, 0.0, 1.005),
    "shifted far": lambda g: warped(g, np.array([[1, 0, 20.0], [0, 1, -13.0]])),
    "shifted and darker": lambda g: warped((g * 0.95).astype(np.uint8), np.array([[1, 0, -3.0], [0, 1, 2.0]])),
}


@pytest.mark.parametrize("change", MOVED)
def test_a_moved_camera_is_noticed(bed: tuple[str, Singles, Grey], change: str) -> None:
    name, learnt, now = bed
    found = checked(name, learnt, MOVED[change](now))
    assert found.part("place").verdict == Verdict.RECALIBRATE
    assert found.part("lamp").verdict == Verdict.SOUND


def test_the_shift_is_told_to_a_tenth_of_a_millimetre(bed: tuple[str, Singles, Grey]) -> None:
    name, learnt, now = bed
    by_px = 0.5 * PX_PER_MM[name]
    part = checked(name, learnt, warped(now, np.array([[1, 0, by_px], [0, 1, 0]]))).part("place")
    assert part.verdict == Verdict.RECALIBRATE
    told_mm = float(part.finding.figure.split("= ")[1].split(" mm")[0])
    assert told_mm == pytest.approx(0.5, abs=0.1)


LAMPS: dict[str, Callable[[Grey], NDArray[np.generic]]] = {
    "weaker by 30 %": lambda g: g * 0.7,
    "one side weaker": lambda g: ramp(g, 0.7),
    "half the bed weaker": lambda g: np.where(np.arange(g.shape[1]) < g.shape[1] / 2, g * 0.7, g),
    "off": lambda g: g * 0.02,
}


@pytest.mark.parametrize("change", LAMPS)
def test_a_dying_lamp_is_noticed_and_not_called_a_move(bed: tuple[str, Singles, Grey], change: str) -> None:
    name, learnt, now = bed
    found = checked(name, learnt, LAMPS[change](now))
    assert found.part("lamp").verdict == Verdict.RECALIBRATE
    assert all(p.verdict == Verdict.SOUND for p in found.parts if p.finding.topic in ("place", "focus"))


def test_the_weak_side_is_named(bed: tuple[str, Singles, Grey]) -> None:
    name, learnt, now = bed
    told = str(checked(name, learnt, ramp(now, 0.7)).part("lamp").finding)
    assert "left" in told.split("weakest")[1]


def test_specks_are_told_with_place_and_size(bed: tuple[str, Singles, Grey]) -> None:
    name, learnt, now = bed
    scale = PX_PER_MM[name]
    dirty = now.copy()
    for x_mm, y_mm, radius_mm, level in ((60, 50, 1.0, 140), (120, 90, 0.8, 70), (90, 100, 1.8, 150)):
        middle = (round(x_mm * scale), round(y_mm * scale))
        cv2.circle(dirty, middle, round(radius_mm * scale), level, -1, cv2.LINE_AA)
    part = checked(name, learnt, dirty).part("dirt")
    assert part.verdict == Verdict.WORN
    assert part.finding.figure.startswith("3 spots")
    for place in ("x 60, y 50", "x 120, y 90", "x 90, y 100"):
        assert place in part.finding.figure


def test_much_dirt_is_worse(bed: tuple[str, Singles, Grey]) -> None:
    name, learnt, now = bed
    scale = PX_PER_MM[name]
    dirty = now.copy()
    cv2.circle(dirty, (round(80 * scale), round(70 * scale)), round(6 * scale), 120, -1, cv2.LINE_AA)
    assert checked(name, learnt, dirty).part("dirt").verdict == Verdict.RECALIBRATE


@pytest.mark.parametrize(("blur_px", "least"), [(1.4, Verdict.WORN), (2.5, Verdict.RECALIBRATE)])
def test_lost_focus_is_noticed(bed: tuple[str, Singles, Grey], blur_px: float, least: Verdict) -> None:
    name, learnt, now = bed
    part = checked(name, learnt, cv2.GaussianBlur(now, (0, 0), blur_px)).part("focus")
    assert part.verdict in (least, Verdict.RECALIBRATE)
    assert part.finding.advice


@pytest.mark.parametrize("name", ["felt", "panel"])
def test_a_card_in_the_bed_is_told_before_anything_is_judged(name: str) -> None:
    learnt, _ = photographed(name)
    folder = shared_folder("machines") / name
    pictures = [*sorted((folder / "blank").glob("*.jpg")), *sorted((folder / "cards").glob("*.jpg"))[:3]]
    for path in pictures:
        found = checked(name, learnt, np.asarray(cv2.imread(str(path), cv2.IMREAD_GRAYSCALE), np.uint8))
        assert found.verdict == Verdict.UNCLEAR, path.name
        assert "lies at" in found.part("bed").finding.figure, path.name


def test_a_simulated_card_and_a_hand_are_told_too(campaign: Layout) -> None:
    machine = Machine()
    learnt, now = simulated()
    assert checked("simulated", learnt, machine.card(campaign).grey).verdict == Verdict.UNCLEAR
    hand = now.copy()
    cv2.ellipse(hand, (600, 880), (140, 420), 20, 0, 360, 170, -1, cv2.LINE_AA)
    assert checked("simulated", learnt, hand).verdict == Verdict.UNCLEAR


def test_another_resolution_or_another_machine_is_told() -> None:
    learnt, now = simulated()
    assert checked("simulated", learnt, now[::2, ::2]).part("resolution").verdict == Verdict.RECALIBRATE
    noise = np.random.default_rng(3).normal(40, 12, now.shape)
    assert checked("simulated", learnt, noise).verdict in (Verdict.RECALIBRATE, Verdict.UNCLEAR)
    assert checked("simulated", learnt, np.zeros_like(now)).part("lamp").verdict == Verdict.RECALIBRATE
