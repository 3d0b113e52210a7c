"""A machine taught from pictures that were taken before, checked, and read with."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from calibration.profile import load
from reader.cli.calibrate import command
from reader.cli.read import command as read
from tests.conftest import FIXTURES
from tests.needs import shared_folder

LAYOUTS = [f"--layout={FIXTURES / 'layouts' / f'survey-{x}.yaml'}" for x in "ab"]


@pytest.fixture(scope="module")
def felt(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The profile of the machine with the black felt."""
    path = tmp_path_factory.mktemp("felt") / "felt.profile.zip"
    args = ["camera", "--from", str(shared_folder("machines") / "felt"), "--name", "felt", "--out", str(path), *LAYOUTS]
    done = CliRunner().invoke(command, args)
    assert done.exit_code == 0, (done.output, done.exception)
    assert "left out" not in done.output and "reprojection error 0.1" in done.output
    return path


def test_the_lens_is_what_the_machine_has(felt: Path) -> None:
    truth = json.loads((shared_folder("machines") / "felt" / "machine.json").read_text())
    lens = load(felt).lens
    assert lens.camera_matrix[0, 0] == pytest.approx(truth["camera_matrix"][0][0], rel=0.005)
    assert lens.distortion[0] == pytest.approx(truth["distortion"]["k1"], abs=0.01)


def test_its_empty_bed_is_sound_and_a_card_there_is_told(felt: Path) -> None:
    folder = shared_folder("machines") / "felt"
    sound = CliRunner().invoke(command, ["check", "--profile", str(felt), "--from", str(folder)])
    assert sound.exit_code == 0 and "verdict: sound" in sound.output, sound.output
    card = sorted((folder / "cards").glob("*.jpg"))[0]
    told = CliRunner().invoke(command, ["check", "--profile", str(felt), "--from", str(card)])
    assert told.exit_code == 1 and "verdict: unclear" in told.output and "Take the card" in told.output


def test_a_profile_of_another_machine_does_not_pass(felt: Path) -> None:
    other = shared_folder("machines") / "panel"
    done = CliRunner().invoke(command, ["check", "--profile", str(felt), "--from", str(other)])
    assert done.exit_code == 1 and "verdict: sound" not in done.output


def test_cards_are_read_with_the_profile(felt: Path) -> None:
    cards = sorted((shared_folder("machines") / "felt" / "cards").glob("*.jpg"))[:2]
    args = [*map(str, cards), "--no-store", "--format", "jsonl", "--profile", str(felt), *LAYOUTS]
    done = CliRunner().invoke(read, args)
    assert done.exit_code == 0, (done.output, done.exception)
    lines = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    assert [Path(x["file"]).name for x in lines] == [c.name for c in cards]
    assert all(x["layout"] for x in lines)


def test_a_file_that_is_no_profile_is_named(tmp_path: Path) -> None:
    (tmp_path / "p.zip").write_bytes(b"PK no")
    (tmp_path / "x.jpg").write_bytes(b"x")
    for args in (["check", "--profile", str(tmp_path / "p.zip"), "--from", str(tmp_path)],
                 ["show", "--profile", str(tmp_path / "p.zip")]):  # fmt: skip
        done = CliRunner().invoke(command, args)
        assert "p.zip" in str(done.exception) and "calibrate again" in str(done.exception)
