"""One process of the fuzz: bytes → `decode_picture` → `read_frame` → `decode`, guided by what each input reached.

Nothing but `PictureError` may come out, and soon. Inputs are small pictures of simulated cards, damaged three ways: byte
by byte (libFuzzer's own), segment by segment (JPEG) or chunk by chunk with a right checksum (PNG), and pixel by pixel
in a picture that stays whole, which gets furthest into the reader.

python -m tests.fuzz.picture CORPUS -runs=1000 -seed=7       (libFuzzer's options)
python -m tests.fuzz.picture CRASHES/crash-…                 replays one input
"""

from __future__ import annotations

import struct
import sys
import zlib
from dataclasses import replace
from functools import cache
from pathlib import Path

import atheris
import cv2
import numpy as np

from cards.canonical import with_digest
from cards.layout import Choice, CornerCut, Hole, Identify, Layout, Marker, Question
from device.simulator.deck import make_card
from device.simulator.scene import BEDS, Scene
from tests.fuzz import start

ARRAYS = [
    f"reader.camera.{name}"
    for name in (
        "crescent", "edges", "find", "geometry", "glance", "lattice", "measure", "outline", "patches", "scores", "shadow",
        "shapes", "strays", "unmix",
    )
]  # fmt: skip
"""Compare whole arrays, which atheris would keep for ever; the others' branches guide the search."""

with atheris.instrument_imports(include=["device.frame", "reader"], exclude=ARRAYS):
    from device import frame as frames
    from reader.camera import read_frame
    from reader.decode import decode
    from reader.reading import Reading

PIXELS_MAX = 300_000
"""Larger pictures are refused here, as they are at 64 million elsewhere: a million inputs must not take a day."""
SIZES = ((128, 96), (160, 120), (112, 150))
INPUT_MAX = 64 * 1024
SEED_PICTURES = 24
BY_BYTES, BY_PIXELS = 0.7, 0.06
"""Shares of the ways; whole pictures cost ten times the others."""


@cache
def layouts() -> tuple[Layout, ...]:
    """Small cards with large holes, so that small pictures resolve them; they differ by their code holes.

    The first is offered, the second known: each layout offered costs another fit, and a million inputs add up.
    """
    choices = tuple(Choice(str(k), 9.0 + 8 * k, 12.0, {}) for k in range(4))
    digits = tuple(Choice(str(k), 9.0 + 8 * k, 26.0, {}) for k in range(4))
    questions = (Question("a", "one", {"en": "A"}, choices=choices), Question("b", "many", {"en": "B"}, choices=digits))
    cut = CornerCut("top-left", 6.0, 5.0)
    holes = tuple(Marker(0, 42.0 - 7 * k, 19.0) for k in range(3))
    code = Identify("code-holes", value="2", markers=holes)
    one = Layout("tiny", 1, {"en": "Tiny"}, ("en",), 45.0, 36.0, Hole("circle", 4.5, 4.5, 1.2), cut, questions)
    one = replace(one, identify=code)
    return with_digest(one), with_digest(replace(one, version=2, identify=replace(code, value="1")))


def corpus() -> dict[str, bytes]:
    """Name → a whole small picture of a card, over every bed, both faces, as JPEG, PNG and grey."""
    found = {}
    for seed in range(SEED_PICTURES):
        width, height = SIZES[seed % len(SIZES)]
        bed = list(BEDS)[seed % len(BEDS)]
        face = "back" if seed % 5 == 4 else "front"
        scene = Scene(
            width, height, bed, face, turn_deg=37.0 * seed if width > height else 90.0, fill=0.55, blur_px=0.4
        )
        card = make_card(layouts()[seed % 6 == 5], seed, scene=scene)
        image = cv2.imdecode(np.frombuffer(card.jpeg, np.uint8), cv2.IMREAD_COLOR)
        found[f"{seed:02d}.jpg"] = card.jpeg
        if seed % 3 == 0:
            flat = image if seed % 2 else cv2.cvtColor(np.asarray(image), cv2.COLOR_BGR2GRAY)
            found[f"{seed:02d}.png"] = cv2.imencode(".png", np.asarray(flat))[1].tobytes()
    return found


def run_one(data: bytes) -> None:
    """The image path on these bytes. Raises whatever should not be raised."""
    try:
        frame = frames.decode_picture(data, "fuzz")
    except frames.PictureError:
        return
    outcome = read_frame(frame, layouts()[:1], known=layouts()[1:])
    if isinstance(outcome, Reading):
        decode(outcome, next(y for y in layouts() if y.digest == outcome.layout_digest))


def mutate(data: bytes, max_size: int, seed: int) -> bytes:
    """One of the three ways, by the seed."""
    rng = np.random.default_rng(seed)
    way = rng.random()
    if way < BY_BYTES:
        return atheris.Mutate(data, max_size)  # type: ignore[no-any-return]
    changed = pixels(data, rng) if way < BY_BYTES + BY_PIXELS else parts(data, rng)
    return changed if 0 < len(changed) <= max_size else atheris.Mutate(data, max_size)


def parts(data: bytes, rng: np.random.Generator) -> bytes:
    """A segment or chunk dropped, doubled, swapped or damaged inside, the rest of the file as before."""
    is_png = data.startswith(b"\x89PNG")
    pieces = _chunks(data) if is_png else _segments(data)
    if len(pieces) < 3:
        return data
    k, j = (int(v) for v in rng.integers(1, len(pieces), 2))
    match int(rng.integers(4)):
        case 0:
            del pieces[k]
        case 1:
            pieces.insert(j, pieces[k])
        case 2:
            pieces[k], pieces[j] = pieces[j], pieces[k]
        case _:
            body = bytearray(pieces[k])
            for at in rng.integers(0, len(body), int(rng.integers(1, 4))) if body else ():
                body[at] = rng.integers(256)
            pieces[k] = _with_checksum(bytes(body)) if is_png else bytes(body)
    return b"".join(pieces)


def _segments(data: bytes) -> list[bytes]:
    """A JPEG cut at its markers."""
    cuts = [k for k in range(len(data) - 1) if data[k] == 0xFF and data[k + 1] not in (0x00, 0xFF)]
    return [data[a:b] for a, b in zip([0, *cuts], [*cuts, len(data)], strict=True)]


def _chunks(data: bytes) -> list[bytes]:
    """A PNG cut into its signature and chunks."""
    found, at = [data[:8]], 8
    while at + 12 <= len(data):
        end = at + 12 + min(struct.unpack(">I", data[at : at + 4])[0], len(data))
        found.append(data[at:end])
        at = end
    return found


def _with_checksum(chunk: bytes) -> bytes:
    body = chunk[4:-4]
    return struct.pack(">I", max(len(body) - 4, 0)) + body + struct.pack(">I", zlib.crc32(body))


def pixels(data: bytes, rng: np.random.Generator) -> bytes:
    """A whole picture with patches painted, parts moved, darkened, turned, stretched or blurred; JPEG or PNG."""
    try:
        # Not by OpenCV alone, which takes the memory that a damaged picture claims.
        frame = frames.decode_picture(data, "fuzz")
    except frames.PictureError:
        return b""
    image: np.ndarray = np.array(frame.grey if rng.random() < 0.5 or frame.colour is None else frame.colour)
    height, width = image.shape[:2]
    for _ in range(int(rng.integers(1, 4))):
        x, y = int(rng.integers(width)), int(rng.integers(height))
        w, h = int(rng.integers(1, width + 1)), int(rng.integers(1, height + 1))
        match int(rng.integers(7)):
            case 0:
                image[y : y + h // 3, x : x + w // 3] = rng.integers(256)
            case 1:
                cv2.circle(image, (x, y), int(rng.integers(1, 9)), [int(v) for v in rng.integers(0, 256, 3)], -1)
            case 2:
                image = cv2.convertScaleAbs(image, alpha=float(rng.uniform(0.1, 3)), beta=float(rng.uniform(-90, 90)))
            case 3:
                image = np.ascontiguousarray(np.roll(image, (y, x), (0, 1)))
            case 4:
                image = cv2.GaussianBlur(image, (0, 0), float(rng.uniform(0.3, 6)))
            case 5:
                turn = cv2.getRotationMatrix2D((x, y), float(rng.uniform(0, 360)), float(rng.uniform(0.6, 1.5)))
                image = cv2.warpAffine(image, turn, (width, height), borderMode=int(rng.integers(0, 4)))
            case _:
                image = np.ascontiguousarray(image[: max(1, h), : max(1, w)])
                height, width = image.shape[:2]
    kind, options = (
        (".png", []) if rng.random() < 0.3 else (".jpg", [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(5, 96))])
    )
    return bytes(cv2.imencode(kind, image, options)[1])


def write_corpus(folder: Path) -> None:
    """The pictures to begin with, as files."""
    start.write(corpus(), folder)


def main(arguments: list[str]) -> None:
    """Hand over to libFuzzer, which ends the process."""
    cv2.setNumThreads(1)
    # OpenCV speaks about every damaged file on standard error.
    cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)
    frames.MAX_PIXELS = PIXELS_MAX
    start.hand_over(arguments, run_one, mutate)


if __name__ == "__main__":
    main(sys.argv[1:])
