"""Stands in for `rpicam-vid`: writes YUV 4:2:0 frames whose grey level counts up, and does what its mode says.

python fake_rpicam.py MODE STATE_FILE …the arguments of rpicam-vid…
"""

from __future__ import annotations

import sys
import time
from pathlib import Path


def main() -> None:
    mode, state, *given = sys.argv[1:]
    runs = Path(state)
    run = int(runs.read_text()) if runs.exists() else 0
    runs.write_text(str(run + 1))
    width, height = (int(given[given.index(name) + 1]) for name in ("--width", "--height"))
    assert given[given.index("--codec") + 1] == "yuv420"
    if mode == "missing" and run < 2:
        sys.exit("ERROR: *** no cameras available ***")
    for k in range(10_000):
        if run == 0 and k == 3 and mode == "dies":
            sys.exit("ERROR: *** Camera frontend has timed out ***")
        if run == 0 and k == 3 and mode == "hangs":
            time.sleep(600)
        y = bytes([10 + k % 200]) * width * height
        frame = y + bytes([128]) * (width * height // 2)
        if run == 0 and k == 3 and mode == "half":
            sys.stdout.buffer.write(frame[: len(frame) // 3])
            sys.exit("ERROR: *** cut off ***")
        sys.stdout.buffer.write(frame)
        sys.stdout.buffer.flush()
        time.sleep(0.005)


main()
