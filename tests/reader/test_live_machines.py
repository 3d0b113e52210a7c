"""Live on a calibrated machine: pictures of a real-looking tray, its bed, its cards, one after the other with noise."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from click.testing import CliRunner

from calibration.profile import save
from device.frame import Frame, decode_picture
from reader.camera import read_frame
from reader.cli import group
from reader.live import Changed, Live, Seen, State
from reader.reading import Punch, Reading
from tests.machines import FIXTURES, calibrated, layouts
from tests.needs import shared_folder

CARDS = 4


def noisy(frame: Frame, rng: np.random.Generator) -> Frame:
    noise = rng.normal(0, 2, frame.grey.shape).astype(np.float32)
    grey = np.asarray(cv2.add(frame.grey, np.rint(noise), dtype=cv2.CV_8U), np.uint8)
    return Frame(frame.name, grey, bgr=frame.colour)


def wrong(seen: Reading, truth: dict[str, Any]) -> int:
    layout = next(y for y in layouts() if y.digest == seen.layout_digest)
    punches = [seen.punches()[p.name] for p in layout.positions]
    states = truth["truth"].values()
    return sum(p != s for p, s in zip(punches, states, strict=True) if p is not Punch.UNCERTAIN and s != "ambiguous")


def test_cards_on_a_calibrated_machine_are_each_read_once() -> None:
    folder = shared_folder("machines") / "felt"
    profile, rng = calibrated(folder), np.random.default_rng(4)
    bed = decode_picture(next(iter(sorted((folder / "bed").glob("*.jpg")))).read_bytes(), "bed")
    live = Live(lambda frame: read_frame(frame, layouts(), profile))
    seen: list[Reading] = []
    k = 0
    for path in sorted((folder / "cards").glob("*.jpg"))[:CARDS]:
        card, before = decode_picture(path.read_bytes(), path.name), len(seen)
        for frame in [bed] * 7 + [card] * 9 + [bed] * 7:
            seen += [e.reading for e in live.feed(noisy(frame, rng), k / 15) if isinstance(e, Seen)]
            k += 1
        assert live.state is State.EMPTY
        assert len(seen) <= before + 1
        if len(seen) > before:
            assert wrong(seen[-1], json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))) == 0
    assert len(seen) >= CARDS - 1 and all(reading.profile for reading in seen)


def test_a_machine_that_is_not_as_it_was_calibrated_says_so(campaign: Any) -> None:
    folder = shared_folder("machines") / "felt"
    profile = calibrated(folder)
    live = Live(lambda frame: read_frame(frame, layouts(), profile))
    small = Frame("", np.full((480, 640), 30, np.uint8))
    hints = [e.hint.code for k in range(20) for e in live.feed(small, k / 15) if isinstance(e, Changed) and e.hint]
    assert hints == ["profile_mismatch"]


def test_the_command_reads_by_a_profile(tmp_path: Path) -> None:
    folder = shared_folder("machines") / "felt"
    save(calibrated(folder), tmp_path / "felt.profile")
    scans = tmp_path / "scans"
    scans.mkdir()
    for path in sorted((folder / "cards").glob("*.jpg"))[:2]:
        (scans / path.name).write_bytes(path.read_bytes())
    args = ["run", "--source", f"folder:{scans}?settle=0.01&once=yes", "--place", "Zenne"]
    args += ["--store", str(tmp_path / "s.db"), "--profile", str(tmp_path / "felt.profile")]
    for design in "abc":
        args += ["--layout", str(FIXTURES / f"survey-{design}.yaml")]
    shown = CliRunner().invoke(group, args)
    assert shown.exit_code == 0 and "calibrated:" in shown.output, shown.output
    assert sum(word in shown.output for word in ("accepted", "review")) >= 1


def test_a_profile_that_is_none_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "no.profile").write_text("nothing")
    args = ["run", "--source", "sim:?cards=0", "--profile"]
    for name, says in (("no.profile", "no profile"), ("missing.profile", "cannot be read")):
        shown = CliRunner().invoke(group, [*args, str(tmp_path / name)])
        assert shown.exit_code == 1 and says in str(shown.exception)
