"""Reading a picture against merely decoding it: from bytes in memory, one thread, median and spread."""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import cv2
import numpy as np

from cards.layout import Layout
from cards.load import find_layout
from device.frame import decode_picture
from device.simulator.deck import make_card
from device.simulator.hand import Hand
from device.simulator.scene import BEDS, Bed, machine_scene
from reader.camera import read_frame

CARDS, REPEATS = 6, 7
CODECS = {
    "black": cv2.IMREAD_GRAYSCALE,
    "lit": cv2.IMREAD_GRAYSCALE,
    "colour": cv2.IMREAD_COLOR,
    "wood": cv2.IMREAD_COLOR,
}
TARGET = 4.0


def pictures(layout: Layout, bed: Bed) -> list[bytes]:
    """1640 × 1232 JPEGs of a well-built machine."""
    hand = Hand(0.35, 0.05) if layout.hole.tolerance_mm > 0.5 else Hand(0.05, 0.0)
    scenes = [machine_scene(np.random.default_rng(k), bed, 1640, 1232) for k in range(CARDS)]
    return [make_card(layout, k, scene=scene, hand=hand).jpeg for k, scene in enumerate(scenes)]


def seconds(work: Callable[[], object]) -> float:
    """The best of several runs: what the machine can do when nobody else has it."""
    best = float("inf")
    for _ in range(REPEATS):
        begin = time.perf_counter()
        work()
        best = min(best, time.perf_counter() - begin)
    return best


def read(data: bytes, layout: Layout) -> None:
    """The whole way from a file's bytes to a reading."""
    read_frame(decode_picture(data, "bench"), [layout])


def ratios(layout: Layout, bed: Bed) -> list[float]:
    """Per picture: whole read over decode, to colour for beds that need colour and to grey for others."""
    codec = CODECS[BEDS[bed]]
    found = []
    for data in pictures(layout, bed):
        buffer = np.frombuffer(data, np.uint8)
        decode = seconds(lambda b=buffer: cv2.imdecode(b, codec))  # type: ignore[misc]
        found.append(seconds(lambda d=data: read(d, layout)) / decode)  # type: ignore[misc]
    return found


def _many(job: tuple[list[bytes], str]) -> int:
    cv2.setNumThreads(1)
    layout = find_layout(job[1])
    for data in job[0]:
        read(data, layout)
    return len(job[0])


def throughput(name: str, processes: int) -> float:
    """Pictures a second."""
    data = pictures(find_layout(name), "felt") * 8
    parts = [(data[k::processes], name) for k in range(processes)]
    with ProcessPoolExecutor(processes) as pool:
        list(pool.map(_many, [(part[0][:1], name) for part in parts]))  # warm up
        begin = time.perf_counter()
        done = sum(pool.map(_many, parts))
        return done / (time.perf_counter() - begin)


def main() -> None:
    """Print the table."""
    cv2.setNumThreads(1)
    print(f"whole read ÷ decode of the same 1640 × 1232 JPEG (target: at most {TARGET:g})")
    print(f"{'layout':16}{'bed':10}{'over':8}{'median':>8}{'least':>8}{'most':>8}")
    for name in ("stadslogistiek", "ibm80"):
        layout = find_layout(name)
        for bed in BEDS:
            found = ratios(layout, bed)
            over = "grey" if CODECS[BEDS[bed]] == cv2.IMREAD_GRAYSCALE else "colour"
            print(f"{name:16}{bed:10}{over:8}{statistics.median(found):8.1f}{min(found):8.1f}{max(found):8.1f}")
    one, two = (throughput("stadslogistiek", n) for n in (1, 2))
    print(f"pictures a second: {one:.0f} with one process, {two:.0f} with two ({two / one:.2f} ×)")


if __name__ == "__main__":
    main()
