"""What the collector asks of a database, whichever it is: pieces of work, each all or nothing, tried again when they clash.

SQL is written once, with `?` for values; the engines differ in a handful of places, all named in `Session`.
"""

from __future__ import annotations

import os
import queue
import random
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Generic, TypeVar

from reader.collector import schema
from reader.collector.errors import CollectorBusy, CollectorError

T = TypeVar("T")
C = TypeVar("C")
Row = tuple[Any, ...]

TRIES = 8
"""Of a piece of work that others get in the way of."""
CONNECTIONS = 8
"""At one time; more requests wait for one to come free."""
WAIT_S = 20.0
"""For a free connection."""
DEFAULT_PATH = Path("data") / "collector.db"


class Again(Exception):
    """The work came in the way of another's, or the connection broke: nothing was changed, try it once more."""


class Session(ABC):
    """The hands of one piece of work on the database."""

    among: str
    """SQL that follows a column and is true for the values that `several` makes one value of."""
    alone: str
    """SQL that ends a query of a machine's row: until this work ends, no other changes what is held of that machine."""

    @abstractmethod
    def rows(self, sql: str, *values: object) -> list[Row]:
        """All rows of a query."""

    @abstractmethod
    def change(self, sql: str, *values: object) -> None:
        """Change something. What it met is asked for with `rows` and RETURNING: that waits for the answer."""

    @abstractmethod
    def insert(self, table: str, columns: Sequence[str], rows: Sequence[Row], clash: str = "DO NOTHING") -> None:
        """Add rows; `clash`: what happens where a key is taken (SQL after ON CONFLICT)."""

    @abstractmethod
    def several(self, values: Sequence[str]) -> object:
        """One value that stands for many, for `among`."""

    @abstractmethod
    def stream(self, sql: str, *values: object) -> Iterator[Row]:
        """The rows of a query, without holding all in memory."""


class Database(ABC, Generic[C]):
    """A database of the collector, open. Use it as a context manager; made by `open_database`. Threads may share it.

    name: as people know it, without a password.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self._idle: queue.LifoQueue[C | None] = queue.LifoQueue()
        for _ in range(CONNECTIONS):
            self._idle.put(None)

    def __enter__(self) -> Database[C]:
        """The database itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close it."""
        self.close()

    def close(self) -> None:
        """Let all idle connections go."""
        while not self._idle.empty():
            connection = self._idle.get()
            if connection is not None:
                self._disconnect(connection)

    def read(self, work: Callable[[Session], T]) -> T:
        """Run `work` in a transaction that sees one state of everything. Raises `CollectorError`."""
        return self._run(work, writing=False)

    def write(self, work: Callable[[Session], T]) -> T:
        """Run `work` in a transaction; on disk when this returns. It may run more than once: it must not do anything
        but through its session. Raises `CollectorError`."""
        return self._run(work, writing=True)

    def _run(self, work: Callable[[Session], T], writing: bool) -> T:
        for attempt in range(TRIES):
            try:
                return self._once(work, writing)
            except Again as clash:
                reason = clash
                # Full jitter: those that clashed must not meet again.
                time.sleep(random.uniform(0, 0.02 * 2**attempt))  # noqa: S311
        raise CollectorBusy(f"{self.name}: busy ({reason}); nothing was changed, try again in a minute") from reason

    def _once(self, work: Callable[[Session], T], writing: bool) -> T:
        try:
            connection = self._idle.get(timeout=WAIT_S)
        except queue.Empty:
            raise CollectorBusy(f"{self.name}: too much at once; try again in a minute") from None
        keep: C | None = None
        try:
            if connection is None:
                connection = self._connect()
            result = self._transaction(connection, work, writing)
            keep = connection
            return result
        finally:
            # After any error a new connection: what state an old one is in need not be known.
            if keep is None and connection is not None:
                self._disconnect(connection)
            self._idle.put(keep)

    @abstractmethod
    def _connect(self) -> C:
        """A new connection."""

    @abstractmethod
    def _disconnect(self, connection: C) -> None:
        """Close it; no error comes of it."""

    @abstractmethod
    def _transaction(self, connection: C, work: Callable[[Session], T], writing: bool) -> T:
        """Begin, work, commit. Raises `Again` or `CollectorError`."""

    @abstractmethod
    def make_tables(self) -> None:
        """Make what is missing of the tables."""

    @abstractmethod
    def tidy_texts(self) -> None:
        """Have erased words leave the files too, not only the tables."""


def open_database(where: str | Path | None = None) -> Database[Any]:
    """Open the collector's database, or make a new one: a file (SQLite) or `postgresql://user@host/name`.

    Default: `$LOGICIENNE_COLLECTOR`, else `data/collector.db`. Raises `CollectorError` with what to do.
    """
    place = str(where or os.environ.get("LOGICIENNE_COLLECTOR") or DEFAULT_PATH)
    database: Database[Any]
    if place.startswith(("postgresql://", "postgres://")):
        from reader.collector.postgres import Postgres

        database = Postgres(place)
    elif "://" in place:
        raise CollectorError(f"{place.split(':')[0]}: no such database; give a file, or postgresql://user@host/name")
    else:
        from reader.collector.sqlite import Sqlite

        database = Sqlite(Path(place))
    try:
        database.make_tables()
        database.write(_note_version)
    except BaseException:
        database.close()
        raise
    return database


def _note_version(session: Session) -> None:
    session.insert("settings", ("name", "value"), [("version", schema.VERSION)])
    ((found,),) = session.rows("SELECT value FROM settings WHERE name = 'version'")
    if found != schema.VERSION:
        raise CollectorError(
            f"this database was made by another version of the program (its tables are version {found}, this program "
            f"knows {schema.VERSION}); update the program. Nothing was changed"
        )
