"""A few machines, a bad line and some kills; `make faults-sync` does the same with fifty."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path


def test_everything_arrives_once_over_a_line_that_does_everything_wrong() -> None:
    # A process of its own: it forks, which a test runner with threads had better not.
    args = [
        "--machines",
        "3",
        "--records",
        "60",
        "--batch",
        "4",
        "--faults",
        "40",
        "--kill-every",
        "2.5",
        "--seed",
        "5",
    ]
    done = subprocess.run(
        [sys.executable, "-m", "tests.faults.sync", *args],
        cwd=Path(__file__).parents[2], capture_output=True, text=True, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert "0 lost, 0 twice, 0 forks, 0 not safe at the end, 0 called safe too early" in done.stdout
