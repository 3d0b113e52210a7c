"""The collector in PostgreSQL: for a country, or where a database is looked after already."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from typing import TypeVar
from urllib.parse import urlsplit

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

    among = "= ANY(?)"

    def __init__(self, connection: psycopg.Connection[Row]) -> None:
        self._connection = connection

    def rows(self, sql: str, *values: object) -> list[Row]:
        """All rows of a query."""
        return self._connection.execute(_sql(sql), values).fetchall()

    def change(self, sql: str, *values: object) -> int:
        """How many rows it met."""
        return self._connection.execute(_sql(sql), values).rowcount

    def insert(self, table: str, columns: Sequence[str], rows: Sequence[Row], clash: str = "DO NOTHING") -> None:
        """Add rows, in one statement: a list a column."""
        if not rows:
            return
        lists = ["%s::bigint[]" if isinstance(value, int) else "%s::text[]" for value in rows[0]]
        # Names of tables and columns are this program's own, never input.
        sql = (
            f"INSERT INTO {table} ({', '.join(columns)}) SELECT * FROM unnest({', '.join(lists)}) "  # noqa: S608
            f"ON CONFLICT {clash}"
        )
        self._connection.execute(sql.encode(), [list(column) for column in zip(*rows, strict=True)])

    def several(self, values: Sequence[str]) -> object:
        """As it is: the driver makes an array of a list."""
        return list(values)

    def lock_machine(self, machine: str) -> None:
        """By its own row: one server's business, however many there are."""
        self._connection.execute(_sql("SELECT 1 FROM machines WHERE machine = ? FOR UPDATE"), (machine,)).fetchall()

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
        # A reader must see one state of everything; a writer the newest, which the machine's lock then holds still.
        begin = "BEGIN" if writing else "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
        try:
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
