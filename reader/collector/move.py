"""From one database to another: from the file to PostgreSQL when it grows, or back."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice
from typing import Any

from reader.collector import schema
from reader.collector.database import Database, Row, Session
from reader.collector.errors import CollectorError

BATCH = 1000


def move(source: Database[Any], target: Database[Any]) -> int:
    """Copy everything into an empty database; returns how many records. All or nothing; `source` stays as it is.

    Machines go on with the tokens they have. Raises `CollectorError` when the target is not empty.
    """

    def work(there: Session) -> int:
        if there.rows("SELECT 1 FROM machines LIMIT 1") or there.rows("SELECT 1 FROM records LIMIT 1"):
            raise CollectorError(f"{target.name}: not empty; move into a new database")
        # What was noted when it was made is the source's to say.
        there.change("DELETE FROM settings")
        return source.read(lambda here: _copy(here, there))

    return target.write(work)


def forget_epochs(database: Database[Any]) -> int:
    """After a backup was put back: believe each machine's next word about its store; returns how many there are.

    The backup knows older epochs than the machines have gone on to, and would take each for a copy of itself.
    """

    def work(session: Session) -> int:
        session.change("UPDATE machines SET epochs = '', clone_seen = ''")
        return int(session.rows("SELECT count(*) FROM machines")[0][0])

    return database.write(work)


def _copy(here: Session, there: Session) -> int:
    count = 0
    for table, columns in _tables():
        names = ", ".join(columns)
        rows: Iterator[Row] = here.stream(f"SELECT {names} FROM {table}")  # noqa: S608
        while batch := list(islice(rows, BATCH)):
            there.insert(table, columns, batch)
            count += len(batch) if table == "records" else 0
    return count


def _tables() -> Iterator[tuple[str, list[str]]]:
    """Each table and its columns, as `schema.TABLES` says."""
    for table, inside in re.findall(r"CREATE TABLE IF NOT EXISTS (\w+) \((.*?)\n\)", schema.TABLES, re.DOTALL):
        yield table, re.findall(r"^    (\w+) (?:TEXT|\{key\}|\{number\})", inside, re.MULTILINE)
