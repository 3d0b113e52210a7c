"""Many picture files, one result each, in the order given. A bad file is a result like any other."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Executor, ProcessPoolExecutor
from contextlib import nullcontext
from dataclasses import dataclass, field
from functools import lru_cache, partial
from pathlib import Path

import cv2

from calibration.profile import Profile, load
from cards.layout import Layout
from device.frame import PictureError, decode_picture
from reader.camera import read_frame
from reader.evidence import evidence
from reader.overlay import write_overlay
from reader.reading import Code, Reading, Reason, Rejection

PICTURES = (".jpg", ".jpeg", ".png", ".tif", ".tiff", ".bmp", ".webp")


@dataclass(frozen=True)
class FileResult:
    """What became of one file. `problem`: why it could not be opened as a picture, or its overlay not be written.

    sha256: of the file's bytes, to notice the same file given twice; '' when it could not be opened.
    evidence: position → JPEG of what is doubtful there.
    """

    path: Path
    outcome: Reading | Rejection
    problem: str | None = None
    sha256: str = ""
    evidence: Mapping[str, bytes] = field(default_factory=dict)


def picture_files(paths: Sequence[Path]) -> list[Path]:
    """Files as given; folders as the pictures in them, by name."""
    found: list[Path] = []
    for path in paths:
        if path.is_dir():
            found += sorted(p for p in path.iterdir() if p.suffix.lower() in PICTURES and not p.name.startswith("."))
        else:
            found.append(path)
    return found


def read_files(
    paths: Sequence[Path],
    layouts: Sequence[Layout],
    *,
    jobs: int = 1,
    overlays: Path | None = None,
    profile: Path | None = None,
) -> Iterator[FileResult]:
    """Read every file, on `jobs` processes, results in the order of `paths`. profile: of the machine that took them."""
    work = partial(read_file, layouts=tuple(layouts), overlays=overlays, profile=profile)
    pool: Executor | None = ProcessPoolExecutor(jobs, initializer=_one_thread) if jobs > 1 else None
    with pool or nullcontext():
        yield from pool.map(work, paths, chunksize=4) if pool else map(work, paths)


def _one_thread() -> None:
    """OpenCV's own threads would fight those of the other processes."""
    cv2.setNumThreads(1)


@lru_cache(maxsize=1)
def _profile(path: Path) -> Profile:
    """Read once in each process: what a profile makes on first use then serves every card."""
    return load(path)


def read_file(
    path: Path, layouts: tuple[Layout, ...], overlays: Path | None = None, profile: Path | None = None
) -> FileResult:
    """Read one file. Never raises for what is in it; `CalibrationError` for a profile that cannot be used."""
    try:
        data = path.read_bytes()
        frame = decode_picture(data, path.name)
    except OSError as error:
        return _unread(path, f"{path}: cannot be opened: {error.strerror or error}; check the name and the medium")
    except PictureError as error:
        return _unread(path, f"{path.parent}/{error}" if path.parent != Path() else str(error))
    outcome = read_frame(frame, layouts, None if profile is None else _profile(profile))
    layout = next((y for y in layouts if y.identity == outcome.layout), None)
    problem = None
    if overlays is not None:
        problem = write_overlay(frame, outcome, layout, overlays / f"{path.stem}.jpg")
    pictures = evidence(frame, outcome, layout) if isinstance(outcome, Reading) and layout is not None else {}
    return FileResult(path, outcome, problem, hashlib.sha256(data).hexdigest(), pictures)


def _unread(path: Path, problem: str) -> FileResult:
    return FileResult(path, Rejection((Reason(Code.NOT_A_PICTURE),)), problem)
