"""The guide, with a scripted camera: every bad picture is refused with its figures, nothing that is kept is lost."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
from click.testing import CliRunner, Result

import reader.cli.calibrate as cli
from calibration.album import Album
from calibration.judge import judge_blank
from calibration.profile import load
from cards.layout import Layout
from device.frame import Frame
from device.source import Source
from reader.camera.lying import recognise
from tests.calibration.machine import VIEWS, Machine


class Scripted(Source):
    """A camera that shows what the script says, frame by frame."""

    def __init__(self, frames: Iterable[Frame]) -> None:
        super().__init__("scripted")
        self._frames = iter(frames)
        self.shown = 0

    def wait(self, timeout_s: float) -> Frame | None:
        """The next frame of the script; the camera falls silent after it."""
        frame = next(self._frames, None)
        self.ended = frame is None
        self.shown += frame is not None
        return frame


@pytest.fixture(scope="module")
def machine() -> Machine:
    return Machine()


@pytest.fixture(scope="module")
def views(machine: Machine) -> list[Frame]:
    return [machine.sheet(**view) for view in VIEWS for _ in range(2)]


@pytest.fixture(scope="module")
def beds(machine: Machine) -> list[Frame]:
    return [machine.bed() for _ in range(3)]


@pytest.fixture(scope="module")
def blanks(machine: Machine, campaign: Layout) -> list[Frame]:
    return [machine.card(campaign, face, turn) for face in ("front", "back") for turn in (1, 181) for _ in range(2)]


def calibrate(
    folder: Path, frames: Iterable[Frame], monkeypatch: pytest.MonkeyPatch, *more: str, presses: int = 60
) -> Result:
    """`logicienne calibrate camera` in front of a scripted camera, somebody pressing Enter."""
    source = Scripted(frames)
    monkeypatch.setattr(cli, "open_source", lambda spec: source)
    args = ["camera", "--source", "camera:0", "--to", str(folder / "pictures"), "--out", str(folder / "m.profile.zip")]
    return CliRunner().invoke(cli.command, [*args, *more], input="\n" * presses)


def dark(frame: Frame) -> Frame:
    return Frame("dark", (frame.grey // 24).astype(np.uint8))


def blurred(frame: Frame) -> Frame:
    return Frame("blurred", np.asarray(cv2.GaussianBlur(frame.grey, (0, 0), 3.0), np.uint8))


def good(views: list[Frame], beds: list[Frame], blanks: list[Frame]) -> Iterator[Frame]:
    yield from views
    yield from beds
    yield from blanks


def test_a_calibration_from_first_view_to_profile(
    tmp_path: Path,
    machine: Machine,
    views: list[Frame],
    beds: list[Frame],
    blanks: list[Frame],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    done = calibrate(tmp_path, good(views, beds, blanks), monkeypatch, "--name", "table")
    assert done.exit_code == 0, done.output
    assert "not kept" not in done.output
    profile = load(tmp_path / "m.profile.zip")
    assert profile.lens.rms_px < 0.3
    assert profile.lens.camera_matrix[0, 0] == pytest.approx(1020, rel=0.02)
    assert {b.face for b in profile.blanks} == {"front", "back"}
    runner = CliRunner()
    cv2.imwrite(str(tmp_path / "now.png"), machine.bed().colour)
    checked = ["check", "--profile", str(tmp_path / "m.profile.zip"), "--from", str(tmp_path / "now.png")]
    sound = runner.invoke(cli.command, checked)
    assert sound.exit_code == 0 and "verdict: sound" in sound.output and "punched from" in sound.output, sound.output
    nudged = np.roll(machine.bed().colour, 3, axis=1)
    cv2.imwrite(str(tmp_path / "now.png"), nudged)
    moved = runner.invoke(cli.command, checked, standalone_mode=False)
    assert (
        moved.return_value == 1
        and "verdict: recalibrate" in moved.output
        and "The camera or the tray has moved" in moved.output
    )
    assert (
        "reprojection error"
        in runner.invoke(cli.command, ["show", "--profile", str(tmp_path / "m.profile.zip")]).output
    )


def test_bad_pictures_are_refused_with_figures_and_taken_again(
    tmp_path: Path, machine: Machine, campaign: Layout, views: list[Frame], beds: list[Frame], blanks: list[Frame],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    other = machine.sheet(x_mm=8, y_mm=4)
    script = [
        *[dark(views[0]), dark(views[0])], *[blurred(views[0])] * 2, *[views[0], other], *views[:2], *views[:2], *views[2:],
        machine.card(campaign, x_mm=4), views[0], dark(beds[0]), *beds,
        *beds[:2], *blanks[4:6], *[dark(blanks[0])] * 2, *blanks[:2], *blanks[:2], *blanks[2:],
    ]  # fmt: skip
    done = calibrate(tmp_path, script, monkeypatch)
    assert done.exit_code == 0, done.output
    told = [line for line in done.output.splitlines() if "not kept" in line]
    for words in ("more light", "focus: edges are", "Rest the sheet", "the same as view 1", "a card lies there",
                  "the calibration sheet lies there", "picture is black", "no card can be seen", "Turn it over: front up",
                  "Turn the card by half a turn"):  # fmt: skip
        assert any(words in line for line in told), (words, told)
    album = Album(tmp_path / "pictures")
    assert [len(album.paths(k)) for k in ("charuco", "bed", "blank")] == [len(VIEWS), 3, 4]


def test_an_interrupted_calibration_goes_on_where_it_stopped(
    tmp_path: Path, views: list[Frame], beds: list[Frame], blanks: list[Frame], monkeypatch: pytest.MonkeyPatch
) -> None:
    stopped = calibrate(tmp_path, good(views, beds, blanks), monkeypatch, presses=4)
    assert stopped.exit_code != 0
    assert len(Album(tmp_path / "pictures").paths("charuco")) == 4
    stopped = calibrate(tmp_path, views[8:] + beds[:1], monkeypatch, presses=5)
    assert "View 5" in stopped.output and not (tmp_path / "m.profile.zip").exists()
    done = calibrate(tmp_path, beds[1:] + blanks, monkeypatch)
    assert done.exit_code == 0, done.output
    assert "picture 2 of 3" in done.output and "View" not in done.output
    again = calibrate(tmp_path, beds, monkeypatch, "--again", "bed")
    assert "bed: 3 pictures thrown away" in again.output and again.exit_code == 0
    assert "blank card of" not in again.output.replace("Blank cards of", "")


def test_a_silent_camera_and_a_folder_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    done = calibrate(tmp_path, [], monkeypatch)
    assert "scripted" in str(done.exception) and "cable" in str(done.exception)
    source = Scripted([])
    source.one_card_each = True
    monkeypatch.setattr(cli, "open_source", lambda spec: source)
    refused = CliRunner().invoke(cli.command, ["camera", "--source", "folder:x"])
    assert "--from" in str(refused.exception)


def test_pictures_taken_before_are_judged_by_the_same_rules(
    tmp_path: Path, campaign: Layout, machine: Machine, views: list[Frame], beds: list[Frame], blanks: list[Frame]
) -> None:
    album = Album(tmp_path / "given")
    for frame in [*views[::2], blurred(views[0])]:
        album.keep("charuco", "view-", frame)
    for frame in [*beds, machine.card(campaign)]:
        album.keep("bed", "bed-", frame)
    for k, frame in enumerate(blanks[::2]):
        album.keep("blank", f"blank-{campaign.id}-{'front' if k < 2 else 'back'}", frame)
    args = ["camera", "--from", str(album.folder), "--out", str(tmp_path / "p.zip")]
    done = CliRunner().invoke(cli.command, args)
    assert done.exit_code == 0, (done.output, done.exception)
    assert "left out charuco/view-08.png: focus" in done.output and "left out bed/bed-3.png" in done.output
    album.forget("blank")
    missing = CliRunner().invoke(cli.command, args)
    assert "not enough to learn from" in str(missing.exception) and "back up" in str(missing.exception)


@pytest.mark.parametrize(
    "text", ["", "{", "[1]", '{"squares_x": 9}', '{"squares_x": 1, "squares_y": 0, "square_mm": -1}']
)
def test_a_board_file_that_tells_no_board_is_named(tmp_path: Path, text: str) -> None:
    (tmp_path / "charuco").mkdir()
    (tmp_path / "charuco" / "board.json").write_text(text)
    done = CliRunner().invoke(cli.command, ["camera", "--from", str(tmp_path)])
    assert "board.json" in str(done.exception)


def test_a_damaged_picture_is_named(tmp_path: Path, beds: list[Frame]) -> None:
    album = Album(tmp_path)
    path = album.keep("bed", "bed-", beds[0])
    path.write_bytes(path.read_bytes()[:-500])
    done = CliRunner().invoke(cli.command, ["camera", "--from", str(tmp_path)])
    assert "bed-0.png" in str(done.exception) and "take it anew" in str(done.exception)


def test_wrong_use_is_explained(tmp_path: Path) -> None:
    runner = CliRunner()
    assert "--source (a camera) or --from" in runner.invoke(cli.command, ["camera"]).output
    assert "--source (a camera) or --from" in runner.invoke(cli.command, ["check"]).output
    assert "ends in .pdf" in runner.invoke(cli.command, ["sheet", "--out", str(tmp_path / "s.doc")]).output
    gone = runner.invoke(cli.command, ["show", "--profile", str(tmp_path / "no.zip")])
    assert "logicienne calibrate camera" in str(gone.exception)
    again = runner.invoke(cli.command, ["camera", "--from", str(tmp_path), "--again", "bed"])
    assert "--again takes pictures anew" in again.output


def test_a_bed_that_was_not_empty_is_found_out_by_the_first_blank_card(machine: Machine, campaign: Layout) -> None:
    layouts = [campaign]
    bed, card = machine.bed().grey.astype(np.float32), machine.card(campaign)
    lying = recognise(card, layouts)
    assert not [f for f in judge_blank(card, campaign, "front", lying, bed) if not f.good]
    then = bed.copy()
    cv2.rectangle(then, (80, 690), (700, 830), 190.0, -1)
    (wrong,) = [f for f in judge_blank(card, campaign, "front", lying, then) if not f.good]
    assert "--again bed" in wrong.advice
