"""Reading a picture against merely decoding it: from bytes in memory, one thread, and where the time goes.

Decoding and reading take turns, and the best of each counts by this process's own time: what the machine can do when
nobody else has it. A read is longer than a time slice, a decode is not. Another way of reading is another line of `WAYS`.
"""

from __future__ import annotations

import os
import statistics
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from types import ModuleType
from typing import Any

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import cv2
import numpy as np

from cards.layout import Layout
from cards.load import find_layout
from device.frame import decode_picture
from device.simulator.deck import make_card
from device.simulator.hand import Hand
from device.simulator.scene import BEDS, Bed, machine_scene
from reader.batch import CHUNK, read_files
from reader.camera import read as reading
from reader.camera import read_frame
from reader.processes import fresh

CARDS, REPEATS = 6, 11
LAYOUTS = ("stadslogistiek", "ibm80")
CODECS = {
    "black": cv2.IMREAD_GRAYSCALE,
    "lit": cv2.IMREAD_GRAYSCALE,
    "colour": cv2.IMREAD_COLOR,
    "wood": cv2.IMREAD_COLOR,
}
"""Beds that need colour are measured against decoding to colour."""
STAGES: tuple[tuple[str, ModuleType, str], ...] = (
    ("decode", cv2, "imdecode"),
    ("find", reading, "search"),
    ("measure", reading, "view_of"),
    ("measure", reading, "measure"),
    ("strays", reading, "find_strays"),
)
"""(stage, module, function): each has the time that is spent in it and in no other stage."""
MANY, WARM = 1200, 400
"""Files that are read one after the other; the clock starts when so many have been. A second process takes as long to
start as the first takes for a hundred cards: what is meant is a folder that is long enough to start it for."""


@dataclass(frozen=True)
class Way:
    """A way to read. target: at most so many times the decode. prepare: everything that is done once for a machine."""

    name: str
    target: float
    prepare: Callable[[Layout, Bed], Callable[[bytes], object]]


def uncalibrated(layout: Layout, bed: Bed) -> Callable[[bytes], object]:
    """From a file's bytes to a reading, knowing the layout and nothing of the machine."""
    return lambda data: read_frame(decode_picture(data, bed), [layout])


WAYS = (Way("uncalibrated", 2.4, uncalibrated),)


def pictures(layout: Layout, bed: Bed) -> list[bytes]:
    """1640 × 1232 JPEGs of a well-built machine."""
    hand = Hand(0.35, 0.05) if layout.hole.tolerance_mm > 0.5 else Hand(0.05, 0.0)
    scenes = [machine_scene(np.random.default_rng(k), bed, 1640, 1232) for k in range(CARDS)]
    return [make_card(layout, k, scene=scene, hand=hand).jpeg for k, scene in enumerate(scenes)]


def seconds(work: Callable[[], object]) -> float:
    """One run, of this process's own time."""
    begin = time.process_time()
    work()
    return time.process_time() - begin


def ratio(read: Callable[[bytes], object], data: bytes, codec: int) -> float:
    """One picture: whole read over decode."""
    buffer = np.frombuffer(data, np.uint8)
    turns = [(seconds(lambda: cv2.imdecode(buffer, codec)), seconds(lambda: read(data))) for _ in range(REPEATS)]
    return min(t[1] for t in turns) / min(t[0] for t in turns)


@contextmanager
def clocked(spent: Counter[str]) -> Iterator[None]:
    """Add up what the stages take. A stage within another stops the other's clock."""
    running = ["rest"]
    last = [time.process_time()]

    def switch() -> None:
        now = time.process_time()
        spent[running[-1]] += now - last[0]  # type: ignore[assignment]
        last[0] = now

    def watched(stage: str, work: Callable[..., Any]) -> Callable[..., Any]:
        def run(*given: Any, **named: Any) -> Any:
            switch()
            running.append(stage)
            try:
                return work(*given, **named)
            finally:
                switch()
                running.pop()

        return run

    kept = [(module, name, getattr(module, name)) for _, module, name in STAGES]
    for stage, module, name in STAGES:
        setattr(module, name, watched(stage, getattr(module, name)))
    try:
        yield
    finally:
        switch()
        for module, name, work in kept:
            setattr(module, name, work)


def shares(read: Callable[[bytes], object], data: bytes) -> dict[str, float]:
    """Where one picture's time goes, as shares of the quickest of several reads."""
    best: Counter[str] = Counter()
    for _ in range(REPEATS):
        spent: Counter[str] = Counter()
        with clocked(spent):
            read(data)
        if not best or spent.total() < best.total():
            best = spent
    return {stage: spent / best.total() for stage, spent in best.items()}


def throughput(folder: Path, processes: int) -> float:
    """Pictures a second, by the reader's own way through a folder."""
    return rate(read_files(sorted(folder.iterdir()), [find_layout(LAYOUTS[0])], jobs=processes))


def decoding(folder: Path, processes: int) -> float:
    """Pictures a second that are merely decoded: no reader gains more from a second core than this does."""
    files = sorted(folder.iterdir())
    if processes == 1:
        return rate(map(decode_alone, files))
    with fresh(processes, cv2.setNumThreads, (1,)) as pool:
        return rate(pool.map(decode_alone, files, chunksize=CHUNK))


def decode_alone(path: Path) -> bool:
    """Whether a file can be decoded to grey."""
    return cv2.imdecode(np.frombuffer(path.read_bytes(), np.uint8), cv2.IMREAD_GRAYSCALE) is not None


def rate(results: Iterator[object]) -> float:
    """A second, once warm."""
    for _ in range(WARM):
        next(results)
    begin = time.perf_counter()
    return sum(1 for _ in results) / (time.perf_counter() - begin)


def show_ways() -> None:
    """A line for each way, layout and bed."""
    names = list(dict.fromkeys([stage for stage, _, _ in STAGES] + ["rest"]))
    print("whole read ÷ decode of the same 1640 × 1232 JPEG; then the share of each stage, in percent")
    columns = "".join(f"{name:>9}" for name in names)
    print(f"{'':14}{'layout':16}{'bed':7}{'over':8}{'median':>7}{'most':>6}{'target':>8}{columns}")
    for way in WAYS:
        for name in LAYOUTS:
            layout = find_layout(name)
            for bed in BEDS:
                codec = CODECS[BEDS[bed]]
                read, data = way.prepare(layout, bed), pictures(layout, bed)
                found = [ratio(read, d, codec) for d in data]
                part = [shares(read, d) for d in data]
                parts = "".join(f"{100 * statistics.mean(p.get(n, 0.0) for p in part):9.0f}" for n in names)
                over = "grey" if codec == cv2.IMREAD_GRAYSCALE else "colour"
                figures = f"{statistics.median(found):7.2f}{max(found):6.2f}{way.target:8.1f}"
                print(f"{way.name:14}{name:16}{bed:7}{over:8}{figures}{parts}", flush=True)


def show_throughput() -> None:
    """One process and two, in turns."""
    data = pictures(find_layout(LAYOUTS[0]), "felt")
    with TemporaryDirectory() as name:
        folder = Path(name)
        for k in range(MANY):
            (folder / f"{k:03}.jpg").write_bytes(data[k % len(data)])
        turns = [[way(folder, n) for way in (throughput, decoding) for n in (1, 2)] for _ in range(3)]
    one, two, one_decodes, two_decode = (max(t) for t in zip(*turns, strict=True))
    print(
        f"pictures a second: {one:.0f} with one process, {two:.0f} with two ({two / one:.2f} ×, target 1.9);", end=" "
    )
    print(f"merely decoded {one_decodes:.0f} and {two_decode:.0f} ({two_decode / one_decodes:.2f} ×)")


def main() -> None:
    """Print both."""
    cv2.setNumThreads(1)
    show_ways()
    show_throughput()


if __name__ == "__main__":
    main()
