"""The collector in PostgreSQL: for a country, or where a database is looked after already."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext
from functools import cache
from typing import TypeVar
from urllib.parse import urlsplit

import pydantic_core

from reader.collector import schema
from reader.collector.database import Again, Database, Row, Session
from reader.collector.errors import CollectorBusy, CollectorError
from reader.store.migrations import statements

try:
    import psycopg
except ImportError as error:
    raise CollectorError(
        "PostgreSQL needs one more library; install it: pip install 'logicienne[collector]'"
    ) from error

T = TypeVar("T")
# "C": keys are compared byte by byte, which is quicker and the same under every locale.
TYPES = {"key": 'TEXT COLLATE "C"', "number": "BIGINT", "tail": ""}
BATCH = 500
TIDY_WAIT = "5s"
_cursors = itertools.count()


@cache
def _sql(text: str) -> bytes:
    """Our SQL in the driver's manner; none of it holds a percent sign, or a question mark that is no value."""
    return text.replace("?", "%s").encode()


class PostgresSession(Session):
    """See `Session`."""

    # An array that the driver would write itself costs ten times what a JSON text does.
    among = '= ANY(ARRAY(SELECT json_array_elements_text(?::json) COLLATE "C"))'
    alone = "FOR UPDATE"

    def __init__(self, connection: psycopg.Connection[Row]) -> None:
        self._connection = connection

    def rows(self, sql: str, *values: object) -> list[Row]:
        """All rows of a query."""
        return self._connection.execute(_sql(sql), values).fetchall()

    def change(self, sql: str, *values: object) -> None:
        """Change something."""
        self._connection.execute(_sql(sql), values)

    def insert(self, table: str, columns: Sequence[str], rows: Sequence[Row], clash: str = "DO NOTHING") -> None:
        """Add rows, in one statement and as one JSON text: a fifth of the time that an array a column takes."""
        if not rows:
            return
        names = ", ".join(columns)
        types = ", ".join(
            f"{name} {'bigint' if isinstance(value, int) else 'text'}"
            for name, value in zip(columns, rows[0], strict=True)
        )
        # Names of tables and columns are this program's own, never input.
        sql = (
            f"INSERT INTO {table} ({names}) SELECT {names} FROM json_to_recordset(?::json) AS given ({types}) "  # noqa: S608
            f"ON CONFLICT {clash}"
        )
        values = pydantic_core.to_json([dict(zip(columns, row, strict=True)) for row in rows])
        self._connection.execute(_sql(sql), (values.decode(),))

    def several(self, values: Sequence[str]) -> object:
        """As a JSON list."""
        return json.dumps(values)

    def stream(self, sql: str, *values: object) -> Iterator[Row]:
        """Through a cursor of the server's."""
        with self._connection.cursor(name=f"logicienne_{next(_cursors)}") as cursor:
            cursor.itersize = BATCH
            cursor.execute(_sql(sql), values)
            yield from cursor


class Postgres(Database["psycopg.Connection[Row]"]):
    """See `Database`."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        super().__init__(f"postgresql://{parts.hostname or 'local'}{parts.path}")
        self._url = url

    def _connect(self) -> psycopg.Connection[Row]:
        try:
            return psycopg.connect(self._url, autocommit=True, connect_timeout=10)
        except psycopg.Error as error:
            raise CollectorBusy(
                f"{self.name}: no connection ({_first_line(error)}); is the server running, and are user and password right?"
            ) from error

    def _disconnect(self, connection: psycopg.Connection[Row]) -> None:
        connection.close()

    def _transaction(self, connection: psycopg.Connection[Row], work: Callable[[Session], T], writing: bool) -> T:
        # A reader must see one state of everything; a writer the newest, which the machine's lock then holds still. What
        # a writer does goes out without waiting for the answer to what it did before: an error comes at the end at latest.
        begin = "BEGIN" if writing else "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
        try:
            with connection.pipeline() if writing else nullcontext():
                connection.execute(begin.encode())
                result = work(PostgresSession(connection))
                connection.execute(b"COMMIT")
        except (psycopg.errors.SerializationFailure, psycopg.errors.DeadlockDetected) as error:
            raise Again(_first_line(error)) from error
        except psycopg.OperationalError as error:
            # The connection broke, perhaps while committing: all writing is such that doing it twice is harmless.
            raise Again(_first_line(error)) from error
        except psycopg.Error as error:
            raise CollectorError(f"{self.name}: {_first_line(error)}; nothing was changed") from error
        return result

    def make_tables(self) -> None:
        """Make what is missing."""
        # Two collectors that start at once may both try to make a table; the second time it is there.
        for attempt in range(3):
            connection = self._connect()
            try:
                for statement in statements(schema.TABLES.format(**TYPES)):
                    connection.execute(statement.encode())
                return
            except psycopg.Error as error:
                if attempt == 2:
                    raise CollectorError(f"{self.name}: the tables cannot be made ({_first_line(error)})") from error
            finally:
                connection.close()

    def tidy_texts(self) -> None:
        """Write the table of words anew: a plain delete leaves them in the file."""
        connection = self._connect()
        try:
            connection.execute(f"SET lock_timeout = '{TIDY_WAIT}'".encode())
            connection.execute(b"VACUUM (FULL) texts")
        except psycopg.Error as error:
            raise CollectorBusy(
                f"{self.name}: the words are erased, but their file could not be written anew ({_first_line(error)}); "
                "run as the tables' owner: VACUUM (FULL) texts"
            ) from error
        finally:
            connection.close()


def _first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]
