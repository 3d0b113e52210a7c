"""The Pythons that run the firmware here: this one, and MicroPython's unix port where there is one."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import device
from tests.needs import find_micropython, need

FIRMWARE = Path(device.__file__).parent / "firmware"
HERE = Path(__file__).parent
HEAP = "150k"
"""MicroPython's heap on a Pico is about 190 kB of its 264; less the sampling ring and what else only that board allocates. Here
a word has 8 bytes instead of 4, so that what fits here fits there."""


def micropython() -> str:
    """The unix port's program; the test skips where there is none."""
    found = find_micropython()
    need(found, "micropython", ".ci/micropython .venv, or on Debian 13 apt install micropython")
    assert found
    return found


def command(python: str, *, heap: str = HEAP) -> list[str]:
    """How to start "python" (this one) or "micropython"."""
    return [sys.executable] if python == "python" else [micropython(), "-X", f"heapsize={heap}"]


def run(python: str, *words: str, heap: str = "4m", path: tuple[Path, ...] = ()) -> str:
    """What it printed; the package `device`, these tests and `path` are on its path."""
    folders = [*path, FIRMWARE.parents[1], HERE.parents[2]]
    done = subprocess.run(
        [*command(python, heap=heap), *words],
        env={**os.environ, "MICROPYPATH": ":".join(map(str, folders))},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
