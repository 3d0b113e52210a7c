"""The collector in one SQLite file: no server, enough for a city."""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TypeVar

from reader.collector import schema
from reader.collector.database import Again, Database, Row, Session
from reader.collector.errors import CollectorError
from reader.store.migrations import statements
from reader.store.opening import BUSY_S, DURABLE

T = TypeVar("T")
APPLICATION_ID = 0x4C4F4743
"""`LOGC`: what a collector's file carries in its header; a machine's store carries another."""
EXPECTED = """
ANALYZE sqlite_schema;
DELETE FROM sqlite_stat1 WHERE tbl = 'records';
INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES ('records', 'records', '1000000 10000 1');
INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES ('records', 'records_by_permanence', '1000000 10000 100');
"""
"""What SQLite is to think of the table, from the first record on: a machine has many, a permanence a hundred. Left to guess
it reads all of a machine's records to find those of one permanence."""
TYPES = {"key": "TEXT", "number": "INTEGER", "tail": "STRICT, WITHOUT ROWID"}


class SqliteSession(Session):
    """See `Session`."""

    among = "IN (SELECT value FROM json_each(?))"
    alone = ""  # there is one writer at a time

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def rows(self, sql: str, *values: object) -> list[Row]:
        """All rows of a query."""
        return self._connection.execute(sql, values).fetchall()

    def change(self, sql: str, *values: object) -> None:
        """Change something."""
        self._connection.execute(sql, values)

    def insert(self, table: str, columns: Sequence[str], rows: Sequence[Row], clash: str = "DO NOTHING") -> None:
        """Add rows."""
        marks = ", ".join("?" * len(columns))
        # Names of tables and columns are this program's own, never input.
        sql = f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({marks}) ON CONFLICT {clash}"  # noqa: S608
        self._connection.executemany(sql, rows)

    def several(self, values: Sequence[str]) -> object:
        """As a JSON list."""
        return json.dumps(values)

    def stream(self, sql: str, *values: object) -> Iterator[Row]:
        """Row by row."""
        yield from self._connection.execute(sql, values)


class Sqlite(Database[sqlite3.Connection]):
    """See `Database`."""

    def __init__(self, path: Path) -> None:
        super().__init__(str(path))
        self.path = path
        # Threads of one server wait for each other here, in a row; SQLite itself would have them ask again and again.
        self._writing = threading.Lock()

    def _connect(self) -> sqlite3.Connection:
        try:
            connection = sqlite3.connect(self.path, isolation_level=None, timeout=BUSY_S, check_same_thread=False)
            for pragma in DURABLE:
                connection.execute(f"PRAGMA {pragma}").fetchall()
        except sqlite3.Error as error:
            raise self._explained(error) from error
        return connection

    def _disconnect(self, connection: sqlite3.Connection) -> None:
        connection.close()

    def _transaction(self, connection: sqlite3.Connection, work: Callable[[Session], T], writing: bool) -> T:
        if not writing:
            return self._begun(connection, "BEGIN", work)
        with self._writing:
            return self._begun(connection, "BEGIN IMMEDIATE", work)

    def _begun(self, connection: sqlite3.Connection, begin: str, work: Callable[[Session], T]) -> T:
        try:
            connection.execute(begin)
            result = work(SqliteSession(connection))
            connection.execute("COMMIT")
        except sqlite3.Error as error:
            raise self._explained(error) from error
        return result

    def _explained(self, error: sqlite3.Error) -> Exception:
        text = str(error).lower()
        if "locked" in text or "busy" in text:
            return Again(str(error))
        if "full" in text or "disk i/o" in text:
            return CollectorError(f"{self.path}: no room left on this disk; free some space. Nothing taken is lost")
        if "not a database" in text or "malformed" in text:
            return CollectorError(f"{self.path}: damaged, or not a collector's; put back a backup (docs/collector.md)")
        if "unable to open" in text or "readonly" in text:
            return CollectorError(f"{self.path}: cannot be written here; choose another place with --store")
        return CollectorError(f"{self.path}: {error}; nothing was changed")

    def make_tables(self) -> None:
        """Make what is missing. Raises `CollectorError` for a file of something else."""
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            # What residents told is for the collector's user alone; the journal gets the file's own permissions.
            self.path.touch(mode=0o600)
        except OSError as error:
            raise CollectorError(
                f"{self.path}: cannot be made here ({error.strerror}); choose another place"
            ) from error
        connection = self._begun_as_ours()
        try:
            connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
            for statement in statements(schema.TABLES.format(**TYPES) + EXPECTED):
                connection.execute(statement)
        except sqlite3.Error as error:
            raise self._explained(error) from error
        finally:
            connection.close()

    def _begun_as_ours(self) -> sqlite3.Connection:
        """A connection, after a look at whose file it is, before anything in it changes."""
        try:
            connection = sqlite3.connect(self.path, isolation_level=None, timeout=BUSY_S)
            (ours,) = connection.execute("PRAGMA application_id").fetchone()
            (tables,) = connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
        except sqlite3.Error as error:
            raise self._explained(error) from error
        if tables and ours != APPLICATION_ID:
            connection.close()
            raise CollectorError(f"{self.path}: not a collector's file but something else's; choose another place")
        connection.close()
        return self._connect()

    def tidy_texts(self) -> None:
        """Empty the journal; `secure_delete` has overwritten the words in the file itself."""
        connection = self._connect()
        try:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        except sqlite3.Error as error:
            raise self._explained(error) from error
        finally:
            connection.close()
