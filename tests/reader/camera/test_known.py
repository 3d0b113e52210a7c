"""Calibrated reading of the two machines beside the repository: nothing misread, whatever has become of the machine."""

from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from calibration.profile import Profile, load, save
from cards.layout import Layout
from device.frame import Frame
from reader.camera.read import read_frame
from reader.reading import Code, Punch, Reading, Rejection
from tests.machines import NAMES, Tally, calibrated, layouts, pictures, tally
from tests.needs import shared_folder

Grey = NDArray[np.uint8]
pytestmark = pytest.mark.xdist_group("machines")
EVERY = 5
"""One card in so many is looked at again, under every change."""


@pytest.fixture(scope="module", params=NAMES)
def machine(request: pytest.FixtureRequest) -> Path:
    return shared_folder("machines") / str(request.param)


@pytest.fixture(scope="module")
def profile(machine: Path) -> Profile:
    return calibrated(machine)


@pytest.fixture(scope="module")
def offered() -> list[Layout]:
    return layouts()


def moved(dx: float, dy: float, turn: float = 0.0, scale: float = 1.0) -> Callable[[Grey], Grey]:
    def of(image: Grey) -> Grey:
        h, w = image.shape
        matrix = cv2.getRotationMatrix2D((w / 2, h / 2), turn, scale)
        matrix[:, 2] += dx, dy
        return np.asarray(cv2.warpAffine(image, matrix, (w, h), borderMode=cv2.BORDER_REPLICATE), np.uint8)

    return of


def levels(change: Callable[[NDArray[np.float64]], NDArray[np.float64]]) -> Callable[[Grey], Grey]:
    table = np.clip(change(np.arange(256, dtype=np.float64)), 0, 255).astype(np.uint8)
    return lambda image: np.asarray(cv2.LUT(image, table), np.uint8)


def test_no_card_is_misread_and_doubt_is_rare(machine: Path, profile: Profile) -> None:
    found = tally(machine, profile)
    assert found.cards == 32
    assert (found.wrong, found.amb_certain, found.strays_missed, found.strays_false, found.unread) == (0, 0, 0, 0, 0)
    assert found.right >= 30


CHANGES: dict[str, Callable[[Grey], Grey]] = {
    "nudged": moved(3, 2),
    "pushed": moved(15, -8),
    "elsewhere": moved(60, 30),
    "turned": moved(0, 0, 5),
    "nearer": moved(0, 0, 0, 1.02),
    "dimmed": levels(lambda v: v * 0.8),
    "failing": levels(lambda v: v * 0.5),
    "brighter": levels(lambda v: v * 1.15),
    "other gamma": levels(lambda v: 255 * (v / 255) ** 0.8),
    "blurred": lambda image: np.asarray(cv2.GaussianBlur(image, (0, 0), 1.8), np.uint8),
    "noisy": lambda image: np.clip(image + np.random.default_rng(1).normal(0, 5, image.shape), 0, 255).astype(np.uint8),
    "mirrored": lambda image: np.ascontiguousarray(image[:, ::-1]),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_machine_that_changed_is_read_or_refused_never_misread(
    machine: Path, profile: Profile, offered: list[Layout], change: str
) -> None:
    found = Tally()
    for frame in pictures(machine / "cards")[::EVERY]:
        truth = json.loads((machine / "cards" / frame.name).with_suffix(".json").read_text(encoding="utf-8"))
        found.add(truth, read_frame(Frame(frame.name, CHANGES[change](frame.grey)), offered, profile), offered)
    assert found.wrong == 0


@pytest.mark.parametrize("change", ["elsewhere", "turned", "failing", "mirrored"])
def test_a_machine_that_is_not_the_profiles_is_named_as_such(
    machine: Path, profile: Profile, offered: list[Layout], change: str
) -> None:
    frame = pictures(machine / "cards")[0]
    outcome = read_frame(Frame(frame.name, CHANGES[change](frame.grey)), offered, profile)
    assert isinstance(outcome, Rejection)
    assert outcome.reasons[0].code == Code.PROFILE_MISMATCH


def test_another_resolution_is_a_mismatch(machine: Path, profile: Profile, offered: list[Layout]) -> None:
    small = cv2.resize(pictures(machine / "cards")[0].grey, (820, 616))
    outcome = read_frame(Frame("small", np.asarray(small, np.uint8)), offered, profile)
    assert isinstance(outcome, Rejection)
    assert outcome.reasons[0].code == Code.PROFILE_MISMATCH
    assert outcome.reasons[0].found == "820 × 616 px"


def test_the_empty_bed_holds_no_card(machine: Path, profile: Profile, offered: list[Layout]) -> None:
    for frame in pictures(machine / "bed"):
        outcome = read_frame(frame, offered, profile)
        assert isinstance(outcome, Rejection)
        assert outcome.reasons[0].code == Code.NO_CARD


def test_a_layout_without_its_blank_is_refused_not_guessed(
    machine: Path, profile: Profile, offered: list[Layout]
) -> None:
    unknown = [y for y in offered if y.id in ("ibm80", "stadslogistiek")]
    for frame in pictures(machine / "cards")[::EVERY]:
        assert isinstance(read_frame(frame, unknown, profile), Rejection)


def test_a_profile_from_its_file_reads_alike_and_stands_in_the_reading(
    machine: Path, profile: Profile, offered: list[Layout], tmp_path: Path
) -> None:
    save(profile, tmp_path / "p")
    frame = pictures(machine / "cards")[0]
    one, two = read_frame(frame, offered, profile), read_frame(frame, offered, load(tmp_path / "p"))
    assert isinstance(one, Reading)
    assert one == two
    assert one.profile == profile.label


def test_threads_that_share_a_profile_read_as_one_does(machine: Path, profile: Profile, offered: list[Layout]) -> None:
    frames = pictures(machine / "cards")[:8] * 4
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(lambda frame: read_frame(frame, offered, profile), frames))
    assert together == [read_frame(frame, offered, profile) for frame in frames]


def test_reading_needs_layouts(profile: Profile) -> None:
    with pytest.raises(ValueError, match="at least one layout"):
        read_frame(Frame("x", np.zeros((1232, 1640), np.uint8)), [], profile)


def test_cards_that_look_exactly_like_the_profiles_blanks_are_clear(
    machine: Path, profile: Profile, offered: list[Layout]
) -> None:
    """They were learnt from these very pictures: in some not a single spot is off."""
    for frame in pictures(machine / "blank")[::3]:
        outcome = read_frame(frame, offered, profile)
        assert isinstance(outcome, Reading)
        assert set(outcome.punches().values()) == {Punch.CLEAR} and not outcome.strays
