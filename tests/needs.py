"""Things a test may need that a home machine may lack: skipped there with the reason, required where CI says so."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

import pytest

STRICT = os.environ.get("LOGICIENNE_STRICT") == "1"
SHARED = Path(os.environ.get("LOGICIENNE_SHARED") or Path(__file__).parents[2] / "shared")


def need(present: object, what: str, remedy: str) -> None:
    """Skip without `what`, or fail when `LOGICIENNE_STRICT=1`."""
    if not present:
        message = f"needs {what}: {remedy}"
        pytest.fail(message) if STRICT else pytest.skip(message)


def shared_folder(name: str) -> Path:
    """A folder of test pictures beside the repository; the test skips where it is not, strict or not."""
    folder = SHARED / name
    if not folder.is_dir():
        pytest.skip(f"no test pictures here ({name}/ beside the repository, or LOGICIENNE_SHARED)")
    return folder


def find_micropython() -> str | None:
    """MicroPython's unix port: beside this Python, where `.ci/micropython .venv` puts it, or on the path."""
    beside = Path(sys.executable).parent
    named = os.environ.get("LOGICIENNE_MICROPYTHON")
    return named or shutil.which("micropython", path=f"{beside}:{os.environ['PATH']}")
