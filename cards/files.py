"""Files that are there whole or not at all, and on the medium when their writer says so."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


@contextmanager
def whole(path: Path) -> Iterator[Path]:
    """A name to write to; what was written takes the name `path` only once it is complete and on the medium.

    What was there before stays until then, and whatever goes wrong. Raises `OSError` when the disk refuses.
    """
    part = path.with_name(f".{path.stem}.part{path.suffix}")
    try:
        yield part
        synced(part)
        part.replace(path)
    except BaseException:
        # The medium itself may be gone; then this must not hide why.
        with suppress(OSError):
            part.unlink(missing_ok=True)
        raise


def synced(path: Path) -> None:
    """Have a file, or a folder's entries, on the medium. Raises `OSError`."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
