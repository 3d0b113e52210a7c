"""Reading live: how many frames from a card that lies still to its lamp, and what a frame costs while nothing happens."""

from __future__ import annotations

import os
import statistics
import time

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import cv2
import numpy as np

from cards.load import find_layout
from device.simulator.deck import make_card
from device.simulator.scene import Scene
from device.source import Source, open_source
from reader.camera import read_frame
from reader.live import Live, Seen, State

SITTING = "sim:stadslogistiek?cards=12&seed=11&hand=shaky&width=1640&height=1232"


def frames_to_lamp(source: Source, live: Live) -> list[int]:
    """Per card: frames from the first in which it lies still, hand gone, to the one that it was told after, included."""
    before: np.ndarray[tuple[int, ...], np.dtype[np.uint8]] | None = None
    found, still = [], 0
    for frame in source:
        small = frame.grey[::8, ::8]
        moved = before is not None and int((cv2.absdiff(small, before) > 25).sum()) > 10
        before = small
        still = 0 if moved else still + 1
        found += [still + 1 for e in live.feed(frame, source.now_s()) if isinstance(e, Seen)]
    return found


def idle_seconds(source: Source) -> tuple[float, int]:
    """(seconds a frame, how often the reader was called) while the tray is empty."""
    looks = 0

    def look(frame: object) -> object:
        nonlocal looks
        looks += 1
        return read_frame(frame, [find_layout("stadslogistiek")])  # type: ignore[arg-type]

    live = Live(look)  # type: ignore[arg-type]
    frames = list(source)
    for k, frame in enumerate(frames):
        live.feed(frame, k / 15)
    assert live.state is State.EMPTY
    looks = 0
    spent = []
    for k in range(200):
        begin = time.perf_counter()
        live.feed(frames[k % len(frames)], 1000 + k / 15)
        spent.append(time.perf_counter() - begin)
    return statistics.median(spent), looks


def main() -> None:
    """Print the figures."""
    cv2.setNumThreads(1)
    layout = find_layout("stadslogistiek")
    with open_source(SITTING) as source:
        counts = frames_to_lamp(source, Live(lambda frame: read_frame(frame, [layout])))
    print(
        f"live: frames from the card lying still to its lamp, 15 a second, {len(counts)} of 12 cards: "
        f"median {statistics.median(counts):g}, most {max(counts)}"
    )
    with open_source("sim:?cards=0&width=1640&height=1232&empty=1") as source:
        idle, looks = idle_seconds(source)
    data = np.frombuffer(make_card(layout, 1, scene=Scene()).jpeg, np.uint8)
    spent = []
    for _ in range(15):
        begin = time.perf_counter()
        cv2.imdecode(data, cv2.IMREAD_GRAYSCALE)
        spent.append(time.perf_counter() - begin)
    print(
        f"live: idle frame ÷ grey decode of a 1640 × 1232 JPEG: {idle / min(spent):.2f} ({looks} looks in 200 frames)"
    )


if __name__ == "__main__":
    main()
