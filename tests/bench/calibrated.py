"""A fixed machine with its profile: bytes to answers, and grey frame to answers, over the grey decode of the same bytes.

The pictures are those of `machines/` beside the repository; without them there is nothing to measure.
"""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Callable

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import cv2
import numpy as np

from device.frame import Frame, decode_picture
from reader.camera.read import read_frame
from reader.decode import decode
from reader.reading import Reading
from tests.machines import NAMES, calibrated, layouts, pictures
from tests.needs import SHARED

BYTES_MAX, FRAME_MAX = 1.4, 0.4
"""Targets: own work at most 0.4 of the decode."""
ROUNDS = 15


def seconds(*works: Callable[[], object]) -> list[float]:
    """The least processor time of each, taken in turns: a busy machine slows all alike, and nothing runs in threads."""
    best = [float("inf")] * len(works)
    for _ in range(ROUNDS):
        for k, work in enumerate(works):
            begin = time.process_time()
            work()
            best[k] = min(best[k], time.process_time() - begin)
    return best


def main() -> None:
    """Print the table."""
    cv2.setNumThreads(1)
    print(f"calibrated, 1640 × 1232, one thread, ÷ grey decode (targets: bytes {BYTES_MAX}, frame {FRAME_MAX})")
    for name in NAMES:
        folder = SHARED / "machines" / name
        if not folder.is_dir():
            print(f"{name:8}no pictures in {folder}")
            continue
        profile, offered = calibrated(folder), layouts()
        known = {y.identity: y for y in offered}

        def answers(frame: Frame, profile=profile, offered=offered, known=known) -> None:  # type: ignore[no-untyped-def]
            reading = read_frame(frame, offered, profile)
            assert isinstance(reading, Reading)
            decode(reading, known[reading.layout])

        whole, own = [], []
        for frame in pictures(folder / "cards")[::2]:
            data = np.frombuffer(frame.encoded, np.uint8)
            from_bytes, from_frame, plain = seconds(
                lambda f=frame: answers(decode_picture(f.encoded, f.name)),  # type: ignore[misc]
                lambda f=frame: answers(f),  # type: ignore[misc]
                lambda d=data: cv2.imdecode(d, cv2.IMREAD_GRAYSCALE),  # type: ignore[misc]
            )
            whole.append(from_bytes / plain)
            own.append(from_frame / plain)
        print(
            f"{name:8}bytes to answers {statistics.median(whole):.2f} (most {max(whole):.2f}), "
            f"grey frame to answers {statistics.median(own):.2f} (most {max(own):.2f})"
        )


if __name__ == "__main__":
    main()
