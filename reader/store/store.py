"""The store: facts go in, each in one transaction, and are on disk when the call returns."""

from __future__ import annotations

import os
import re
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from types import TracebackType
from typing import Any

from sqlite_utils import Database

from cards.canonical import from_json, to_json
from cards.layout import Layout
from reader.reading import Decoded, Reading, Reason
from reader.store import facts, schema
from reader.store.errors import StoreError, StoreNewer, explained
from reader.store.projections import rows

APPLICATION_ID = 0x4C4F4749
"""`LOGI`: what SQLite files of ours carry in their header."""
DEFAULT_PATH = Path("data") / "logicienne.db"
BUSY_S = 5.0
"""How long to wait for another program's transaction."""
KINDS = ("one-to-one", "group", "event")


def default_path() -> Path:
    """`$LOGICIENNE_STORE`, else `data/logicienne.db` below the current folder."""
    return Path(os.environ.get("LOGICIENNE_STORE") or DEFAULT_PATH)


@dataclass(frozen=True)
class Permanence:
    """One sitting of one machine at one place."""

    id: str
    place: str
    day: date
    kind: str
    languages: tuple[str, ...]
    operator: str
    closed: bool
    accepted: int
    review: int
    rejected: int


@dataclass(frozen=True)
class StoredAnswer:
    """One row of the answers: a reading's answer to one question (one row per chosen value)."""

    reading: str
    permanence: str
    layout: str
    question: str
    state: str
    value: str


def open_store(path: Path | str | None = None) -> Store:
    """Open the store, or make a new one. Raises `StoreError` with what to do.

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
        connection = sqlite3.connect(where, isolation_level=None, timeout=BUSY_S)
        try:
            _prepare(connection, where)
        except BaseException:
            connection.close()
            raise
    return Store(where, Database(connection))


def _prepare(connection: sqlite3.Connection, path: Path) -> None:
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    if version > schema.VERSION:
        raise StoreNewer(
            f"{path}: written by a newer version of Logicienne (store version {version}, this program knows "
            f"{schema.VERSION}); update the program, nothing was changed"
        )
    # EXTRA before WAL: the directory entry of the old journal must be on disk before the mode changes.
    connection.execute("PRAGMA synchronous = EXTRA")
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA foreign_keys = ON")
    connection.execute("PRAGMA secure_delete = ON")
    if version == 0:
        if connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0]:
            raise StoreError(f"{path}: a database of another program; choose another place with --store")
        connection.executescript(
            f"BEGIN IMMEDIATE; {schema.RECORDS} {schema.PROJECTIONS} PRAGMA application_id = {APPLICATION_ID}; "
            f"PRAGMA user_version = {schema.VERSION}; COMMIT;"
        )


class Store:
    """An open store. Use it as a context manager; made by `open_store`."""

    def __init__(self, path: Path, database: Database) -> None:
        self.path = path
        self._db = database

    def __enter__(self) -> Store:
        """The store itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close it."""
        self.close()

    def close(self) -> None:
        """Let the file go."""
        self._db.close()

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        """All or nothing; on disk when it ends."""
        with explained(self.path):
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield
                self._db.execute("COMMIT")
            except BaseException:
                if self._db.conn.in_transaction:
                    self._db.execute("ROLLBACK")
                raise

    def _add(self, record: facts.Record) -> None:
        self._db.execute(
            "INSERT INTO records (id, kind, permanence, body, digest) VALUES (?, ?, ?, ?, ?)",
            (record.id, record.kind, record.permanence, record.body, record.digest),
        )
        for table, row in rows(record):
            names = ", ".join(row)
            marks = ", ".join("?" * len(row))
            # Table and column names are this program's own constants, never input.
            self._db.execute(f"INSERT INTO {table} ({names}) VALUES ({marks})", tuple(row.values()))  # noqa: S608

    # --- permanences -------------------------------------------------------------------------------------------

    def open_permanence(
        self, place: str, day: date, kind: str = "event", languages: Sequence[str] = (), operator: str = ""
    ) -> str:
        """A new permanence's id. `operator`: a code, never a name. Raises `ValueError` for values that make no sense."""
        if not place.strip():
            raise ValueError("a permanence needs a place: the name of the café, office or square")
        if kind not in KINDS:
            raise ValueError(f"a permanence is one of {', '.join(KINDS)}, not {kind!r}")
        if not re.fullmatch(r"[A-Za-z0-9_-]{0,12}", operator):
            raise ValueError("the operator is a short code (letters and digits), never a name")
        opening = {"place": place.strip(), "day": day.isoformat(), "kind": kind, "languages": list(languages)}
        new = facts.new_id()
        with self._transaction():
            self._add(facts.record("permanence", new, {**opening, "operator": operator}, new))
        return new

    def close_permanence(self, permanence: str) -> None:
        """Close it: no card is added any more, and its facts are summed up in one digest."""
        with self._transaction():
            self._must_be_open(permanence)
            digests = [d for (d,) in self._rows("SELECT digest FROM records WHERE permanence = ?", permanence)]
            body = {"records": len(digests), "set_digest": facts.set_digest(digests)}
            self._add(facts.record("closing", permanence, body))

    def permanences(self, day: date | None = None) -> list[Permanence]:
        """All permanences, or a day's, by day and place."""
        where, values = ("WHERE day = ?", (day.isoformat(),)) if day else ("", ())
        sql = f"""
            SELECT p.id, place, day, kind, languages, operator, closed,
                (SELECT count(*) FROM readings WHERE permanence = p.id AND outcome = 'accepted'),
                (SELECT count(*) FROM readings WHERE permanence = p.id AND outcome = 'review'),
                (SELECT count(*) FROM rejections WHERE permanence = p.id)
            FROM permanences AS p {where} ORDER BY day, place, p.id"""  # noqa: S608
        return [
            Permanence(
                i, place, date.fromisoformat(d), kind, tuple(filter(None, langs.split(","))), op, bool(closed), a, r, x
            )
            for i, place, d, kind, langs, op, closed, a, r, x in self._rows(sql, *values)
        ]

    def current_permanence(self) -> str:
        """The one open permanence. Raises `StoreError` when there is none, or more than one."""
        found = [p for p in self.permanences() if not p.closed]
        if not found:
            raise StoreError('no permanence is open; open one first: logicienne permanence open "Café Belga"')
        if len(found) > 1:
            names = ", ".join(f"{p.id} ({p.place}, {p.day})" for p in found)
            raise StoreError(f"more than one permanence is open; choose with --permanence: {names}")
        return found[0].id

    def _must_be_open(self, permanence: str) -> None:
        state = self._rows("SELECT closed FROM permanences WHERE id = ?", permanence)
        if not state:
            raise StoreError(f"there is no permanence {permanence}; see: logicienne permanence list")
        if state[0][0]:
            raise StoreError(f"permanence {permanence} is closed; open a new one")

    # --- cards -------------------------------------------------------------------------------------------------

    def append_reading(self, permanence: str, reading: Reading, decoded: Decoded, layout: Layout) -> str:
        """Keep one card. When this returns, it is on disk; the green lamp may light."""
        with self._transaction():
            self._must_be_open(permanence)
            self._keep_layout(layout)
            new = facts.record("reading", permanence, facts.reading_body(reading, decoded))
            self._add(new)
        return new.id

    def append_rejection(self, permanence: str, reasons: Sequence[Reason]) -> str:
        """Keep that a card was rejected, and why; nothing else of it."""
        codes = [{"code": str(reason.code)} for reason in reasons]
        with self._transaction():
            self._must_be_open(permanence)
            new = facts.record("rejection", permanence, {"reasons": codes})
            self._add(new)
        return new.id

    def _keep_layout(self, layout: Layout) -> None:
        known = self._rows("SELECT digest FROM layouts WHERE identity = ?", layout.identity)
        if not known:
            body = {"identity": layout.identity, "digest": layout.digest, "content": to_json(layout)}
            self._add(facts.record("layout", "", body))
        elif known[0][0] != layout.digest:
            raise StoreError(
                f"{layout.identity} is not the card that this store knows by that name; a layout that was used never "
                f"changes: undo the change, or make it version {layout.version + 1}"
            )

    # --- reading back ------------------------------------------------------------------------------------------

    def layout(self, identity: str) -> Layout:
        """The layout `id@version` of cards kept here. Raises `StoreError` when none was."""
        found = self._rows("SELECT content FROM layouts WHERE identity = ?", identity)
        if not found:
            raise StoreError(f"{self.path}: holds no card of {identity}")
        return from_json(found[0][0])

    def counted(self, permanences: Sequence[str], layout: str) -> Iterator[StoredAnswer]:
        """Counted answers to one layout's questions, streamed; readings by their random id, so in no order of time."""
        marks = ", ".join("?" * len(permanences))
        sql = f"""
            SELECT reading, permanence, layout, question, state, value FROM counted
            WHERE permanence IN ({marks}) AND layout = ? ORDER BY reading"""  # noqa: S608
        with explained(self.path):
            for row in self._db.execute(sql, (*permanences, layout)):
                yield StoredAnswer(*row)

    def layouts_used(self, permanences: Sequence[str]) -> list[str]:
        """Identities of the layouts that these permanences' cards have."""
        marks = ", ".join("?" * len(permanences))
        sql = f"SELECT DISTINCT layout FROM readings WHERE permanence IN ({marks}) ORDER BY layout"  # noqa: S608
        return [identity for (identity,) in self._rows(sql, *permanences)]

    def rebuild(self) -> int:
        """Make every table again from the records; returns how many records there are."""
        with self._transaction():
            for table in schema.PROJECTED:
                self._db.execute(f"DELETE FROM {table}")  # noqa: S608
            kept = self._rows("SELECT id, kind, permanence, body, digest FROM records")
            for row in kept:
                for table, values in rows(facts.Record(*row)):
                    marks = ", ".join("?" * len(values))
                    self._db.execute(
                        f"INSERT INTO {table} ({', '.join(values)}) VALUES ({marks})",  # noqa: S608
                        tuple(values.values()),
                    )
        return len(kept)

    def _rows(self, sql: str, *values: object) -> list[tuple[Any, ...]]:
        with explained(self.path):
            return list(self._db.execute(sql, values).fetchall())
