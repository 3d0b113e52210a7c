"""How a store grows with the program: named steps, each in a transaction, each only ever added.

Steps change what was kept. The tables made from it are dropped and made again after the last step.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

from reader.store import schema
from reader.store.facts import Record
from reader.store.projections import rows


@dataclass(frozen=True)
class Migration:
    """One step, to `version`."""

    version: int
    name: str
    sql: str


MIGRATIONS = (
    Migration(1, "records", schema.RECORDS),
    Migration(2, "words, evidence, recent cards and settings beside the records", schema.BESIDE),
    Migration(3, "an outbox of what has not reached the collector", schema.SYNC),
)
VERSION = MIGRATIONS[-1].version


def migrate(connection: Any, version: int) -> list[str]:
    """Bring an open connection from `version` to `VERSION`; returns the names of the steps taken."""
    taken = []
    for step in MIGRATIONS[version:]:
        connection.execute("BEGIN IMMEDIATE")
        try:
            for statement in statements(step.sql):
                connection.execute(statement)
            if step.version == VERSION:
                drop_projections(connection)
                for statement in statements(schema.PROJECTIONS):
                    connection.execute(statement)
                project_all(connection)
            connection.execute(f"PRAGMA user_version = {step.version}")
            connection.execute("COMMIT")
        except BaseException:
            connection.execute("ROLLBACK")
            raise
        taken.append(step.name)
    return taken


def drop_projections(connection: Any) -> None:
    """Drop all that is made from the records."""
    for view in schema.VIEWS:
        connection.execute(f"DROP VIEW IF EXISTS {view}")
    for table in schema.PROJECTED:
        connection.execute(f"DROP TABLE IF EXISTS {table}")


def project_all(connection: Any) -> int:
    """Fill empty projections from the records; returns how many records there are."""
    count = 0
    for row in connection.execute("SELECT id, kind, permanence, body, digest FROM records"):
        project(connection, Record(*row))
        count += 1
    return count


def project(connection: Any, record: Record) -> None:
    """Add the rows of one record."""
    for table, row in rows(record):
        connection.execute(_insert(table, tuple(row)), tuple(row.values()))


@cache
def _insert(table: str, columns: tuple[str, ...]) -> str:
    # Table and column names are this program's own constants, never input.
    return f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({', '.join('?' * len(columns))})"  # noqa: S608


def statements(sql: str) -> Iterator[str]:
    """A script's statements one by one: within a transaction, which `executescript` would commit."""
    statement = ""
    for part in sql.split(";"):
        statement += part + ";"
        if sqlite3.complete_statement(statement):
            if statement.strip(" \n;"):
                yield statement.strip()
            statement = ""
