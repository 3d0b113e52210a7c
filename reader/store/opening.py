"""Opening a store: new, as it is, from an older program, or from a newer one (which is left alone)."""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path
from typing import Any

from sqlite_utils import Database

from reader.store.errors import StoreError, explained
from reader.store.migrations import VERSION, migrate
from reader.store.store import Store

APPLICATION_ID = 0x4C4F4749
"""`LOGI`: what SQLite files of ours carry in their header."""
DEFAULT_PATH = Path("data") / "logicienne.db"
BUSY_S = 5.0
"""How long to wait for another program's transaction."""
DURABLE = ("synchronous = EXTRA", "journal_mode = WAL", "foreign_keys = ON", "secure_delete = ON")
"""EXTRA before WAL: the directory entry of the old journal must be on disk before the mode changes."""


def default_path() -> Path:
    """`$LOGICIENNE_STORE`, else `data/logicienne.db` below the current folder."""
    return Path(os.environ.get("LOGICIENNE_STORE") or DEFAULT_PATH)


def open_store(path: Path | str | None = None) -> Store:
    """Open the store, or make a new one. Raises `StoreError` with what to do.

    A store of an older program is brought up to date, after a copy of it was made. One of a newer program opens for
    reading only; see `Store.read_only`.

    >>> from reader.store import open_store
    >>> import tempfile, datetime, pathlib
    >>> folder = tempfile.TemporaryDirectory()
    >>> with open_store(pathlib.Path(folder.name) / "my.db") as store:
    ...     sitting = store.open_permanence("Café Belga", datetime.date(2024, 12, 5))
    ...     [p.place for p in store.permanences()]
    ['Café Belga']
    >>> folder.cleanup()
    """
    where = Path(path) if path is not None else default_path()
    try:
        where.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StoreError(
            f"{where}: cannot be made here ({error.strerror}); choose another place with --store"
        ) from error
    with explained(where):
        version = _version(where)
        if version > VERSION:
            connection = sqlite3.connect(f"{where.absolute().as_uri()}?mode=ro", uri=True, isolation_level=None)
            return Store(where, Database(connection), read_only=True)
        connection = sqlite3.connect(where, isolation_level=None, timeout=BUSY_S)
        try:
            if 0 < version < VERSION:
                _copy_beside(connection, where, version)
            prepare(connection, where)
        except BaseException:
            connection.close()
            raise
    return Store(where, Database(connection))


def prepare(connection: Any, path: Path, durable: tuple[str, ...] = DURABLE) -> list[str]:
    """Set a connection to durable writing and bring its tables up to date; returns the steps taken."""
    for pragma in durable:
        connection.execute(f"PRAGMA {pragma}").fetchall()
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    if version == 0:
        if connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0]:
            raise StoreError(f"{path}: a database of another program; choose another place with --store")
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    return migrate(connection, version)


def _version(path: Path) -> int:
    """The store's version; 0 for a file that is not there or empty. Changes nothing."""
    if not path.exists():
        return 0
    connection = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=BUSY_S)
    try:
        return int(connection.execute("PRAGMA user_version").fetchone()[0])
    finally:
        connection.close()


def _copy_beside(connection: sqlite3.Connection, path: Path, version: int) -> None:
    """A copy of what is about to be changed, beside it; an earlier one is kept."""
    target = path.with_name(f"{path.name}.version-{version}")
    if target.exists():
        return
    copy = sqlite3.connect(target)
    try:
        connection.backup(copy)
    finally:
        copy.close()
