"""The uncalibrated reader on the shared photo-like pictures, changed by chance in several ways at once.

`python -m tests.chance [--times N] [--seed S] [--mild]`: as somebody else's camera might have taken them, turned, moved,
cropped, out of focus, in another light; with `--mild` so slightly that nothing should change, which tells how much of what is
read of the pictures as they are is luck. Prints a line per group of pictures and all that was wrong with certainty.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import zlib
from collections import Counter
from multiprocessing import get_context
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from device.frame import decode_picture
from reader.camera import read_frame
from tests.stress import judged, layouts, pictures

Image = NDArray[np.uint8]
Light = NDArray[np.float32]
FOCAL = 0.85
"""Of the picture's longer side: what turning the camera does to a picture depends on it."""
COLUMNS = ("cards", "read", "right", "wrong", "doubt", "ambiguous", "ambiguous certain")
SILENT = ("wrong", "ambiguous certain")


def mildly(image: Image, rng: np.random.Generator) -> tuple[Image, int]:
    """The picture changed so slightly that a person would not see it, and the JPEG quality to keep it in."""
    seen = turned(image.astype(np.float32), rng, lean_rad=0.03, turn_deg=6.0, least=0.94)
    seen = toned(seen, float(rng.uniform(0.92, 1.09))) * np.float32(rng.uniform(0.93, 1.05))
    seen = seen * rng.uniform(0.96, 1.03, 3).astype(np.float32)
    return finished(seen + rng.normal(0, rng.uniform(0.3, 2), seen.shape)), int(rng.integers(82, 95))


def badly(image: Image, rng: np.random.Generator) -> tuple[Image, int]:
    """The same by as much as happens to pictures that people send, in about half of a dozen ways at once."""
    seen = image.astype(np.float32)
    if rng.random() < 0.6:
        seen = turned(seen, rng, lean_rad=0.07, turn_deg=12.0, least=0.85)
    if rng.random() < 0.2:
        (left, right), (top, bottom) = (rng.uniform(0, 0.12, 2) * n for n in seen.shape[1::-1])
        seen = seen[round(top) : len(seen) - round(bottom), round(left) : seen.shape[1] - round(right)]
    if rng.random() < 0.5:
        size = float(rng.uniform(0.65, 1.2))
        way = cv2.INTER_AREA if size < 1 else cv2.INTER_CUBIC
        seen = np.asarray(cv2.resize(seen, None, fx=size, fy=size, interpolation=way), np.float32)
    seen = unsharp(seen, rng)
    if rng.random() < 0.5:
        seen = toned(seen, float(rng.uniform(0.6, 1.6)))
    seen = lit_otherwise(seen, rng)
    if rng.random() < 0.4:
        seen = seen * rng.uniform(0.75, 1.2, 3).astype(np.float32)
    if rng.random() < 0.3:
        seen = seen * np.float32(rng.uniform(0.6, 1.35))
    noise = rng.uniform(1, 9) if rng.random() < 0.5 else 0.0
    return finished(seen + rng.normal(0, noise, seen.shape)), int(rng.integers(35, 96))


def turned(image: Light, rng: np.random.Generator, *, lean_rad: float, turn_deg: float, least: float) -> Light:
    """As a camera sees it that leans by up to so much, is turned by up to so much, and stands further off."""
    height, width = image.shape[:2]
    camera = np.array([[FOCAL * width, 0, width / 2], [0, FOCAL * width, height / 2], [0, 0, 1]])
    lean = cv2.Rodrigues(np.array([*rng.uniform(-lean_rad, lean_rad, 2), 0.0]))[0]
    angle, size = float(rng.uniform(-turn_deg, turn_deg)), float(rng.uniform(least, 1.0))
    flat = np.vstack([cv2.getRotationMatrix2D((width / 2, height / 2), angle, size), [0, 0, 1]])
    view = camera @ lean @ np.linalg.inv(camera) @ flat
    moved = cv2.warpPerspective(image, view, (width, height), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT_101)
    return np.asarray(moved, np.float32)


def unsharp(image: Light, rng: np.random.Generator) -> Light:
    """Out of focus, or moved while it was taken, or neither."""
    chance = rng.random()
    if chance < 0.5:
        return np.asarray(cv2.GaussianBlur(image, (0, 0), float(rng.uniform(0.4, 2.0))), np.float32)
    if chance > 0.65:
        return image
    length = int(rng.integers(3, 8))
    path = np.full((1, length) if rng.random() < 0.5 else (length, 1), 1 / length, np.float32)
    return np.asarray(cv2.filter2D(image, -1, path), np.float32)


def toned(image: Light, gamma: float) -> Light:
    """Other tones: 8-bit levels to a power of themselves."""
    return np.asarray(255 * (np.clip(image, 0, 255) / 255) ** gamma, np.float32)


def lit_otherwise(image: Light, rng: np.random.Generator) -> Light:
    """Light that falls off to one side, a shadow with a soft edge across the picture, both or neither."""
    height, width = image.shape[:2]
    y, x = np.mgrid[:height, :width].astype(np.float32)

    def along(middle: NDArray[np.float64]) -> Light:
        way = rng.uniform(0, 2 * np.pi)
        return np.asarray((x - width * middle[0]) * np.cos(way) + (y - height * middle[1]) * np.sin(way), np.float32)

    if rng.random() < 0.4:
        image = image * (1 - np.float32(rng.uniform(0.1, 0.6)) * (along(np.full(2, 0.5)) / width + 0.5))[..., None]
    if rng.random() < 0.3:
        dark, soft_px = np.float32(rng.uniform(0.2, 0.7)), np.float32(rng.uniform(10, 120))
        image = (
            image * (1 - dark / (1 + np.exp(-np.clip(along(rng.uniform(0.2, 0.8, 2)) / soft_px, -30, 30))))[..., None]
        )
    return image


def finished(image: NDArray[np.floating]) -> Image:  # type: ignore[type-arg]
    """8 bits."""
    return np.clip(np.rint(image), 0, 255).astype(np.uint8)


def changed(path: Path, seed: int, k: int, *, mild: bool) -> bytes:
    """A picture's file, changed for the k-th time: the same for the same numbers."""
    rng = np.random.default_rng([seed, k, zlib.crc32(path.name.encode())])
    image = cv2.imdecode(np.frombuffer(path.read_bytes(), np.uint8), cv2.IMREAD_COLOR)
    assert image is not None
    seen, quality = (mildly if mild else badly)(np.asarray(image, np.uint8), rng)
    return cv2.imencode(".jpg", seen, [cv2.IMWRITE_JPEG_QUALITY, quality])[1].tobytes()


def look(job: tuple[Path, int, int, bool]) -> tuple[Counter[str], list[str]]:
    """One changed picture, read with all layouts offered, and judged."""
    path, seed, k, mild = job
    cv2.setNumThreads(1)
    outcome = read_frame(decode_picture(changed(path, seed, k, mild=mild), path.name), list(layouts().values()))
    return judged(json.loads(path.with_suffix(".json").read_text()), outcome)


def main() -> int:
    """The command line; 1 when something was wrong with certainty."""
    parser = argparse.ArgumentParser(prog="python -m tests.chance", description=__doc__)
    parser.add_argument("--times", type=int, default=10, help="how often every picture is changed (10)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--mild", action="store_true", help="so slightly that a person would not see it")
    chosen = parser.parse_args()
    jobs = [(group, (path, chosen.seed, k, chosen.mild)) for group, path in pictures() for k in range(chosen.times)]
    groups: dict[str, Counter[str]] = {}
    with get_context("spawn").Pool(os.cpu_count()) as pool:
        outcomes = pool.imap(look, [job for _, job in jobs], chunksize=8)
        for (group, (path, _, k, _)), (sums, lines) in zip(jobs, outcomes, strict=True):
            groups.setdefault(group, Counter()).update(sums)
            if any(sums[name] for name in SILENT):
                kept = [line for line in lines if line.startswith(("WRONG", "ambiguous certain"))]
                print(f"{path.stem}, change {k}: {len(kept)} wrong with certainty, {kept[0]}", flush=True)
    print(f"{'':8}" + "".join(f"{name:>{max(len(name), 5) + 2}}" for name in COLUMNS))
    for group, sums in groups.items():
        print(f"{group:8}" + "".join(f"{sums[n]:>{max(len(n), 5) + 2}}" for n in COLUMNS))
    return int(any(sums[name] for sums in groups.values() for name in SILENT))


if __name__ == "__main__":
    sys.exit(main())
