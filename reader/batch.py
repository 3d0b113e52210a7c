"""Many picture files, one result each, in the order given. A bad file is a result like any other."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cv2

from calibration.profile import Profile
from cards.layout import Layout
from cards.load import catalogue
from device.frame import PictureError, decode_picture
from reader.camera import read_frame
from reader.evidence import evidence
from reader.overlay import write_overlay
from reader.processes import cores, fresh
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


FEW = 48
"""Fewer files than this are read before other processes have even started."""
CHUNK, CHUNKS = 16, 8
"""A process is handed so many files at once, and so often at least: each time this one wakes and takes a core's time."""
THREADS = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")
"""Where numpy's libraries look, once, for how many threads they may start."""


def read_files(
    paths: Sequence[Path],
    layouts: Sequence[Layout],
    *,
    jobs: int | None = None,
    overlays: Path | None = None,
    profile: Profile | None = None,
) -> Generator[FileResult, None, None]:
    """Read every file, results in the order of `paths`.

    jobs: processes. `None`: one per core, or this one alone for few files. profile: of the machine that took them.
    """
    chosen = jobs or (cores() if len(paths) >= FEW else 1)
    given: dict[str, Any] = {
        "layouts": tuple(layouts), "known": catalogue(layouts), "overlays": overlays, "profile": profile
    }  # fmt: skip
    with _one_thread():
        if chosen == 1:
            yield from (read_file(path, **given) for path in paths)
            return
        with fresh(chosen, _begin, (given,)) as pool:
            chunk = min(CHUNK, max(len(paths) // (CHUNKS * chosen), 1))
            yield from pool.map(_read_one, paths, chunksize=chunk)


@contextmanager
def _one_thread() -> Iterator[None]:
    """One thread in each process: those of OpenCV and of numpy's libraries would only fight for the same cores."""
    before = cv2.getNumThreads(), {name: os.environ.get(name) for name in THREADS}
    cv2.setNumThreads(1)
    os.environ.update(dict.fromkeys(THREADS, "1"))
    try:
        yield
    finally:
        cv2.setNumThreads(before[0])
        for name, value in before[1].items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


_given: dict[str, Any] = {}
"""In a process of the pool: what `read_file` gets with every path. Sent once, for a layout is larger than a path."""


def _begin(given: dict[str, Any]) -> None:
    cv2.setNumThreads(1)
    _given.update(given)


def _read_one(path: Path) -> FileResult:
    return read_file(path, **_given)


def read_file(
    path: Path,
    layouts: tuple[Layout, ...],
    overlays: Path | None = None,
    known: tuple[Layout, ...] = (),
    profile: Profile | None = None,
) -> FileResult:
    """Read one file. Never raises for what is in it."""
    try:
        data = path.read_bytes()
        frame = decode_picture(data, path.name)
    except OSError as error:
        return _unread(path, f"{path}: cannot be opened: {error.strerror or error}; check the name and the medium")
    except PictureError as error:
        return _unread(path, f"{path.parent}/{error}" if path.parent != Path() else str(error))
    outcome = read_frame(frame, layouts, profile, known=known)
    layout = next((y for y in layouts if y.identity == outcome.layout), None)
    problem = None
    if overlays is not None:
        problem = write_overlay(frame, outcome, layout, overlays / f"{path.stem}.jpg")
    pictures = evidence(frame, outcome, layout) if isinstance(outcome, Reading) and layout is not None else {}
    return FileResult(path, outcome, problem, hashlib.sha256(data).hexdigest(), pictures)


def _unread(path: Path, problem: str) -> FileResult:
    return FileResult(path, Rejection((Reason(Code.NOT_A_PICTURE),)), problem)
