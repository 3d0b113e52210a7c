"""What can go wrong with a store, in words that say what to do."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cards.errors import LogicienneError


class StoreError(LogicienneError, OSError):
    """A store that cannot be opened, read or written. Nothing that was acknowledged is touched."""

    def __str__(self) -> str:
        """The message alone; an OSError would add its error number."""
        return str(self.args[0])


class StoreFull(StoreError):
    """No room left; the card at hand was not stored."""


class StoreDamaged(StoreError):
    """The file is no longer what was written to it."""


class StoreNewer(StoreError):
    """Written by a newer version of the program."""


@contextmanager
def explained(path: Path) -> Iterator[None]:
    """Turn SQLite's errors into ours."""
    try:
        yield
    except sqlite3.Error as error:
        text = str(error).lower()
        if "full" in text or "disk i/o" in text:
            raise StoreFull(
                f"{path}: no room left on this disk; free some space, then read the last card again"
            ) from error
        if "locked" in text or "busy" in text:
            raise StoreError(f"{path}: another program holds the store; close it and try again") from error
        if "not a database" in text or "malformed" in text:
            raise StoreDamaged(
                f"{path}: damaged, or not a store; let the newest copy take over: logicienne store recover"
            ) from error
        if "unable to open" in text or "readonly" in text or "read-only" in text:
            raise StoreError(f"{path}: cannot be written here; choose another place with --store") from error
        raise StoreError(f"{path}: {error}; nothing was changed, try again") from error
