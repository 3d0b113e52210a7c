"""A profile as a file: what is written comes back, and nothing hostile gets in."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from calibration.errors import CalibrationError
from calibration.lens import Lens, LensView
from calibration.models import Bed, Blank, Plane
from calibration.profile import Profile, load, save


@pytest.fixture
def profile() -> Profile:
    rng = np.random.default_rng(1)
    lens = Lens(np.diag([700.0, 700, 1]), np.array([-0.1, 0.01, 0, 0, 0]), (64, 48), 0.1, 0.9, (LensView("a", 40),))
    bed = Bed(rng.integers(0, 255, (48, 64), np.uint8), np.full((48, 64), 12, np.uint8), 3, 0.002)
    blank = Blank(
        "x@1", "d" * 64, "front", rng.integers(0, 255, (30, 60), np.uint8), np.ones((30, 60), np.uint8), 2, 0.1
    )
    plane = Plane(np.array([0.01, 0.02, 0]), np.array([0, 0, 186.0]), 0.1)
    return Profile("café", "2026-01-01T00:00:00+00:00", "0.1.0", "files", "grey", lens, plane, bed, (blank,))


@pytest.fixture
def written(profile: Profile, tmp_path: Path) -> Path:
    save(profile, tmp_path / "m.profile")
    return tmp_path / "m.profile"


def rewritten(path: Path, change: Callable[[dict[str, bytes]], None]) -> Path:
    """The same archive with its members changed."""
    with zipfile.ZipFile(path) as archive:
        members = {n: archive.read(n) for n in archive.namelist()}
    change(members)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return path


def figures(change: Callable[[dict[str, object]], None]) -> Callable[[dict[str, bytes]], None]:
    """A change of `profile.json`."""

    def of(members: dict[str, bytes]) -> None:
        found = json.loads(members["profile.json"])
        change(found)
        members["profile.json"] = json.dumps(found).encode()

    return of


def test_what_is_saved_comes_back_with_the_same_digest(profile: Profile, written: Path) -> None:
    again = load(written)
    assert again.digest == profile.digest
    assert again.label == profile.label
    assert np.array_equal(again.bed.mean, profile.bed.mean)
    assert np.array_equal(again.blanks[0].mean, profile.blanks[0].mean)
    assert again.lens.size_px == (64, 48)


def test_another_bed_is_another_digest(profile: Profile) -> None:
    other = replace(profile, bed=replace(profile.bed, mean=profile.bed.mean ^ np.uint8(1)))
    assert other.digest != profile.digest


def test_saving_again_replaces_the_file_and_leaves_nothing_beside_it(profile: Profile, written: Path) -> None:
    save(replace(profile, name="b"), written)
    assert load(written).name == "b"
    assert [p.name for p in written.parent.iterdir()] == ["m.profile"]


def test_a_save_that_fails_keeps_the_old_file(profile: Profile, written: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: int) -> None:
        raise OSError("disk full")

    monkeypatch.setattr("cards.files.os.fsync", full)
    with pytest.raises(OSError, match="disk full"):
        save(replace(profile, name="b"), written)
    assert load(written).name == "café"
    assert [p.name for p in written.parent.iterdir()] == ["m.profile"]


@pytest.mark.parametrize("share", [0.0, 0.2, 0.5, 0.9, 0.999])
def test_a_file_that_breaks_off_is_refused(written: Path, share: float) -> None:
    data = written.read_bytes()
    written.write_bytes(data[: int(len(data) * share)])
    with pytest.raises(CalibrationError):
        load(written)


@pytest.mark.parametrize("data", [b"", b"not a zip", b"PK\x03\x04" + b"\0" * 99, b"\xff" * 5000])
def test_what_is_no_archive_is_refused(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "x"
    path.write_bytes(data)
    with pytest.raises(CalibrationError):
        load(path)


def test_a_newer_version_says_which(written: Path) -> None:
    rewritten(written, figures(lambda f: f.update(version=99)))
    with pytest.raises(CalibrationError, match="version 99"):
        load(written)


@pytest.mark.parametrize(
    "change",
    [
        {"format": "else"},
        {"channel": "infrared"},
        {"extra": 1},
        {"lens": None},
        {"blanks": [{}] * 101},
        {"thresholds": {"clear_max": 7, "punched_min": 0.6}},
        {"pictures": {"../../etc/passwd": "0"}},
        {"pictures": {}},
    ],
)
def test_figures_that_mean_nothing_are_refused(written: Path, change: dict[str, object]) -> None:
    rewritten(written, figures(lambda f: f.update(change)))
    with pytest.raises(CalibrationError):
        load(written)


def test_infinite_and_missing_numbers_are_refused(written: Path) -> None:
    def endless(members: dict[str, bytes]) -> None:
        members["profile.json"] = members["profile.json"].replace(b'"rms_px": 0.1', b'"rms_px": Infinity')

    rewritten(written, endless)
    with pytest.raises(CalibrationError):
        load(written)


def test_deeply_nested_figures_are_refused(written: Path) -> None:
    rewritten(written, lambda m: m.update({"profile.json": b"[" * 200_000}))
    with pytest.raises(CalibrationError):
        load(written)


def test_a_changed_picture_is_noticed(written: Path) -> None:
    def swap(members: dict[str, bytes]) -> None:
        members["bed.png"] = members["bed-spread.png"]

    with pytest.raises(CalibrationError, match="changed or damaged"):
        load(rewritten(written, swap))


def test_a_picture_that_unpacks_without_end_is_refused_before_it_fills_the_memory(written: Path) -> None:
    rewritten(written, lambda m: m.update({"bed.png": b"\0" * 40_000_000}))
    with pytest.raises(CalibrationError, match="unpacks to more"):
        load(written)


def test_a_picture_that_claims_to_be_huge_is_refused_undecoded(written: Path) -> None:
    def claim(members: dict[str, bytes]) -> None:
        png = bytearray(members["bed.png"])
        png[16:24] = (60_000).to_bytes(4, "big") * 2
        members["bed.png"] = bytes(png)

    with pytest.raises(CalibrationError):
        load(rewritten(written, claim))


def test_too_many_parts_are_refused(written: Path) -> None:
    rewritten(written, lambda m: m.update({f"{k}": b"" for k in range(300)}))
    with pytest.raises(CalibrationError, match="parts"):
        load(written)


def test_pictures_of_another_size_than_the_lens_are_refused(written: Path) -> None:
    def shrink(found: dict[str, object]) -> None:
        found["lens"]["size_px"] = [128, 96]  # type: ignore[index]

    with pytest.raises(CalibrationError, match="do not fit together"):
        load(rewritten(written, figures(shrink)))


def test_the_pictures_open_in_any_program(written: Path) -> None:
    from PIL import Image

    with zipfile.ZipFile(written) as archive:
        names = [n for n in archive.namelist() if n.endswith(".png")]
        assert len(names) == 4
        for name in names:
            Image.open(io.BytesIO(archive.read(name))).load()
        assert "café" in archive.read("profile.json").decode()
