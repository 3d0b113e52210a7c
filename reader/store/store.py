"""The store: facts go in, each in one transaction, and are on disk when the call returns."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple

from sqlite_utils import Database

from cards.canonical import from_json, to_json
from cards.layout import Layout
from reader.reading import Decoded, Reading, Reason
from reader.store import facts, schema
from reader.store.errors import StoreError, StoreNewer, explained
from reader.store.migrations import VERSION, project, project_all

KINDS = ("one-to-one", "group", "event")
EVIDENCE_MAX_BYTES = 400_000
"""Of one card's pictures of doubtful spots; more are left out, the reading is kept all the same."""


@dataclass(frozen=True)
class Permanence:
    """One sitting of one machine at one place.

    counted, waiting, void: cards, after reviews. rejected: how often a card could not be read.
    """

    id: str
    place: str
    day: date
    kind: str
    languages: tuple[str, ...]
    operator: str
    closed: bool
    counted: int
    waiting: int
    void: int
    rejected: int


class StoredAnswer(NamedTuple):
    """One row of the answers: a reading's answer to one question (one row per chosen value).

    decision: of the review in force, '' without one. card_state: counted, waiting or void.
    """

    reading: str
    permanence: str
    layout: str
    question: str
    state: str
    value: str
    decision: str
    card_state: str


class Store:
    """An open store. Use it as a context manager; made by `open_store`.

    database: for people and tools that know sqlite-utils. connection: what it stands on.
    read_only: written by a newer program; reading is tried, writing raises `StoreNewer`.
    """

    def __init__(self, path: Path, database: Database, read_only: bool = False) -> None:
        self.path = path
        self.database = database
        self.connection: Any = database.conn
        self.read_only = read_only
        self._file = path.stat().st_ino if path.exists() else None

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
        self.database.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing; on disk when it ends."""
        if self.read_only:
            raise StoreNewer(
                f"{self.path}: written by a newer version of Logicienne (this program knows stores up to version "
                f"{VERSION}); it can be read but not written: update the program. Nothing was changed"
            )
        if self._file is not None and not (self.path.exists() and self.path.stat().st_ino == self._file):
            # SQLite would go on writing to a file that nobody can find any more.
            raise StoreError(f"{self.path}: the store's file is no longer there; put it back, or start again")
        with explained(self.path):
            self.connection.execute("BEGIN IMMEDIATE")
            try:
                yield
                self.connection.execute("COMMIT")
            except BaseException:
                if self.connection.in_transaction:
                    self.connection.execute("ROLLBACK")
                raise

    def add(self, record: facts.Record) -> None:
        """Add one record, to be sent to the collector, and the rows made from it; within a transaction."""
        self.connection.execute(
            "INSERT INTO records (id, kind, permanence, body, digest) VALUES (?, ?, ?, ?, ?)",
            (record.id, record.kind, record.permanence, record.body, record.digest),
        )
        self.connection.execute("INSERT INTO outbox VALUES (?, ?)", (record.permanence, record.id))
        project(self.connection, record)

    def unsent(self) -> int:
        """How many records no receipt of the collector covers yet."""
        return int(self.rows("SELECT count(*) FROM outbox")[0][0])

    def rows(self, sql: str, *values: object) -> list[tuple[Any, ...]]:
        """All rows of a query."""
        with explained(self.path):
            return list(self.connection.execute(sql, values).fetchall())

    def setting(self, name: str) -> str | None:
        """A setting of this machine: `keep_evidence`, and what sync notes (`sync_…`)."""
        found = self.rows("SELECT value FROM settings WHERE name = ?", name)
        return str(found[0][0]) if found else None

    def set(self, name: str, value: str) -> None:
        """Change a setting."""
        with self.transaction():
            self.connection.execute("INSERT OR REPLACE INTO settings (name, value) VALUES (?, ?)", (name, value))

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
        with self.transaction():
            self.add(facts.record("permanence", new, {**opening, "operator": operator}, new))
        return new

    def close_permanence(self, permanence: str) -> None:
        """Close it: no card is added any more, its facts are summed up in one digest, and `recent` is wiped.

        After that nothing in the file tells the order of its cards, not even where they lie in it.
        """
        with self.transaction():
            self.must_be_open(permanence)
            digests = [d for (d,) in self.rows("SELECT digest FROM records WHERE permanence = ?", permanence)]
            body = {"records": len(digests), "set_digest": facts.set_digest(digests)}
            self.add(facts.record("closing", permanence, body))
            self.connection.execute("DELETE FROM recent WHERE permanence = ?", (permanence,))
        self.tidy()

    def tidy(self) -> None:
        """Write the file anew, in the order of its keys, and empty the journal: what was deleted is gone from both."""
        with explained(self.path):
            self.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
            self.connection.execute("VACUUM")
            self.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()

    def permanences(self, day: date | None = None) -> list[Permanence]:
        """All permanences, or a day's, by day and place."""
        where, values = ("WHERE day = ?", (day.isoformat(),)) if day else ("", ())
        sql = f"""
            SELECT p.id, place, day, kind, languages, operator, closed,
                (SELECT count(*) FROM cards WHERE permanence = p.id AND state = 'counted'),
                (SELECT count(*) FROM cards WHERE permanence = p.id AND state = 'waiting'),
                (SELECT count(*) FROM cards WHERE permanence = p.id AND state = 'void'),
                (SELECT count(*) FROM rejections WHERE permanence = p.id)
            FROM permanences AS p {where} ORDER BY day, place, p.id"""  # noqa: S608
        return [
            Permanence(
                i,
                place,
                date.fromisoformat(d),
                kind,
                tuple(filter(None, langs.split(","))),
                op,
                bool(closed),
                a,
                r,
                v,
                x,
            )
            for i, place, d, kind, langs, op, closed, a, r, v, x in self.rows(sql, *values)
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

    def add_campaign(self, name: str, target_cards: int, first_day: date, last_day: date) -> str:
        """A target: so many counted cards between two days, both included. The view `progress` tells how far it is."""
        if not name.strip() or target_cards < 1 or last_day < first_day:
            raise ValueError(
                "a campaign has a name, a target of at least one card, and a last day not before its first"
            )
        body = {
            "name": name.strip(),
            "target_cards": target_cards,
            "first_day": first_day.isoformat(),
            "last_day": last_day.isoformat(),
        }
        new = facts.record("campaign", "", body)
        with self.transaction():
            self.add(new)
        return new.id

    def must_be_open(self, permanence: str) -> None:
        """Raise `StoreError` unless the permanence is there and open."""
        state = self.rows("SELECT closed FROM permanences WHERE id = ?", permanence)
        if not state:
            raise StoreError(f"there is no permanence {permanence}; see: logicienne permanence list")
        if state[0][0]:
            raise StoreError(f"permanence {permanence} is closed; open a new one")

    # --- cards -------------------------------------------------------------------------------------------------

    def append_reading(
        self,
        permanence: str,
        reading: Reading,
        decoded: Decoded,
        layout: Layout,
        *,
        picture: str = "",
        evidence: Mapping[str, bytes] | None = None,
    ) -> str:
        """Keep one card; returns its id. When this returns, it is on disk; the green lamp may light.

        picture: SHA-256 of the picture's bytes, or any mark of this one look. The same again in one sitting is the same
        card: its id comes back and nothing is added. evidence: position → JPEG bytes, at most `EVIDENCE_MAX_BYTES` together.
        """
        with self.transaction():
            self.must_be_open(permanence)
            if picture and (known := self._known(permanence, picture, "cards")):
                return known
            self.keep_layout(layout)
            new = facts.record("reading", permanence, facts.reading_body(reading, decoded))
            self.add(new)
            self.connection.execute(
                "INSERT INTO recent (permanence, reading, picture) VALUES (?, ?, ?)", (permanence, new.id, picture)
            )
            room = EVIDENCE_MAX_BYTES
            for position, jpeg in (evidence or {}).items():
                room -= len(jpeg)
                if room >= 0:
                    self.connection.execute("INSERT INTO evidence VALUES (?, ?, ?)", (new.id, position, jpeg))
        return new.id

    def _known(self, permanence: str, picture: str, among: str = "records") -> str | None:
        """The card or rejection (`among` records), or the card alone, that this picture became in this sitting."""
        sql = f"SELECT reading FROM recent WHERE permanence = ? AND picture = ? AND reading IN (SELECT id FROM {among})"  # noqa: S608
        found = self.rows(sql, permanence, picture)
        return str(found[0][0]) if found else None

    def knows(self, permanence: str, picture: str) -> bool:
        """Whether this picture (SHA-256 of its bytes) was read or rejected in this open permanence."""
        return self._known(permanence, picture) is not None

    def append_rejection(self, permanence: str, reasons: Sequence[Reason], picture: str = "") -> str:
        """Keep that a card was rejected, and why; nothing else of it. The same `picture` again is the same rejection."""
        codes = [{"code": str(reason.code)} for reason in reasons]
        with self.transaction():
            self.must_be_open(permanence)
            if picture and (known := self._known(permanence, picture)):
                return known
            new = facts.record("rejection", permanence, {"reasons": codes})
            self.add(new)
            if picture:
                self.connection.execute(
                    "INSERT INTO recent (permanence, reading, picture) VALUES (?, ?, ?)", (permanence, new.id, picture)
                )
        return new.id

    def keep_layout(self, layout: Layout) -> None:
        """Keep the layout that a card is of; within a transaction."""
        known = self.rows("SELECT digest FROM layouts WHERE identity = ?", layout.identity)
        if not known:
            body = {"identity": layout.identity, "digest": layout.digest, "content": to_json(layout)}
            self.add(facts.record("layout", "", body))
        elif known[0][0] != layout.digest:
            raise StoreError(
                f"{layout.identity} is not the card that this store knows by that name; a layout that was used never "
                f"changes: undo the change, or make it version {layout.version + 1}"
            )

    # --- reading back ------------------------------------------------------------------------------------------

    def layout(self, identity: str) -> Layout:
        """The layout `id@version` of cards kept here. Raises `StoreError` when none was."""
        found = self.rows("SELECT content FROM layouts WHERE identity = ?", identity)
        if not found:
            raise StoreError(f"{self.path}: holds no card of {identity}")
        return from_json(found[0][0])

    def counted(self, permanences: Sequence[str], layout: str, first: bool = False) -> Iterator[StoredAnswer]:
        """Counted answers to one layout's questions, streamed; `first`: those of all first readings instead.

        Permanence by permanence, in each by the cards' random ids: in no order of time.
        """
        source = "first_answers" if first else "counted"
        sql = f"""
            SELECT reading, permanence, layout, question, state, value, decision, card_state FROM {source}
            WHERE permanence = ? AND layout = ? ORDER BY reading, question, value"""  # noqa: S608
        with explained(self.path):
            for permanence in sorted(permanences):
                for row in self.connection.execute(sql, (permanence, layout)):
                    yield StoredAnswer._make(row)

    def layouts_used(self, permanences: Sequence[str]) -> list[str]:
        """Identities of the layouts that these permanences' cards have."""
        marks = ", ".join("?" * len(permanences))
        sql = f"SELECT DISTINCT layout FROM readings WHERE permanence IN ({marks}) ORDER BY layout"  # noqa: S608
        return [identity for (identity,) in self.rows(sql, *permanences)]

    def rebuild(self) -> int:
        """Make every table again from the records; returns how many records there are."""
        with self.transaction():
            for table in schema.PROJECTED:
                self.connection.execute(f"DELETE FROM {table}")  # noqa: S608
            return project_all(self.connection)
