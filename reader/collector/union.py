"""All machines as one store, to export from: a store in a temporary file, filled from the records by the same functions.

Each record is in it once, also when two machines hold it (a copied store that got a name of its own). It is read and
written row by row: how much the collector holds does not show in memory.
"""

from __future__ import annotations

import json
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path
from typing import Any

from cards.canonical import from_json, to_json, with_digest
from cards.layout import Layout
from reader.collector.database import Database, Session
from reader.store import Store, open_store
from reader.store.facts import Record
from reader.store.projections import rows as projected

COLUMNS = "r.id, r.kind, r.permanence, r.body, r.digest"


@dataclass(frozen=True)
class Wanted:
    """Which part of all there is: of a machine (its id or name), at a place, from `since` to `until` (both included), one
    permanence, cards of one layout (`id@version`, or an id for all its versions). `None`: any."""

    machine: str | None = None
    place: str | None = None
    since: date | None = None
    until: date | None = None
    permanence: str | None = None
    layout: str | None = None


@dataclass
class Union:
    """The store, and what people should know of it: `notes`, a sentence each."""

    store: Store
    notes: list[str] = field(default_factory=list)


@contextmanager
def union(database: Database[Any], wanted: Wanted | None = None) -> Iterator[Union]:
    """What is wanted of all machines, as a store; gone when the block ends. Raises `CollectorError`."""
    with (
        tempfile.TemporaryDirectory(prefix="logicienne-union-") as folder,
        open_store(Path(folder) / "all.db") as store,
    ):
        # Nobody relies on this file surviving anything; a journal would need its size once more.
        for pragma in ("synchronous = OFF", "journal_mode = MEMORY"):
            store.connection.execute(f"PRAGMA {pragma}").fetchall()
        filling = _Filling(store, wanted or Wanted())
        with store.transaction():
            database.read(filling.fill)
        yield Union(store, filling.notes())


class _Filling:
    """Fills a store from one state of the database."""

    def __init__(self, store: Store, wanted: Wanted) -> None:
        self._store, self._wanted = store, wanted
        self._layouts: dict[tuple[str, str], Layout] = {}
        self._names: dict[tuple[str, str], str] = {}
        self._left: Counter[str] = Counter()

    def fill(self, session: Session) -> None:
        sittings = self._sittings(session)
        machines = sorted({machine for machine, _ in sittings})
        for machine in machines:
            self._learn_layouts(session, machine)
        self._name_layouts()
        for machine, permanence in sittings:
            self._add_sitting(session, machine, permanence)
        # Erased on one machine is erased, also where a copy of it still has the words.
        self._store.connection.execute("DELETE FROM texts WHERE record IN (SELECT record FROM erasures)")

    def notes(self) -> list[str]:
        """What was left out, and what goes under another name."""
        twice = Counter(identity for identity, _ in self._layouts)
        return [
            *(f"{count} records left out: {why}" for why, count in sorted(self._left.items())),
            *(
                f"{identity} is {count} different cards on different machines; each has files of its own: "
                + ", ".join(sorted(n for (i, _), n in self._names.items() if i == identity))
                for identity, count in sorted(twice.items())
                if count > 1
            ),
        ]

    def _sittings(self, session: Session) -> list[tuple[str, str]]:
        w = self._wanted
        tests = {
            "(o.machine = ? OR m.name = ?)": (w.machine, w.machine) if w.machine else (),
            "o.place = ?": (w.place,) if w.place else (),
            "o.day >= ?": (w.since.isoformat(),) if w.since else (),
            "o.day <= ?": (w.until.isoformat(),) if w.until else (),
            "o.id = ?": (w.permanence,) if w.permanence else (),
        }
        chosen = {sql: values for sql, values in tests.items() if values}
        sql = "SELECT o.machine, o.id FROM openings AS o JOIN machines AS m ON m.machine = o.machine"
        if chosen:
            sql += " WHERE " + " AND ".join(chosen)
        values = [value for given in chosen.values() for value in given]
        return [(m, p) for m, p in session.rows(f"{sql} ORDER BY o.machine, o.id", *values)]

    # --- layouts -----------------------------------------------------------------------------------------------

    def _learn_layouts(self, session: Session, machine: str) -> None:
        sql = f"SELECT {COLUMNS} FROM records AS r WHERE r.machine = ? AND r.permanence = ''"  # noqa: S608
        for row in session.stream(sql, machine):
            record = Record(*row)
            if record.kind == "layout":
                body = json.loads(record.body)
                key = (body["identity"], body["digest"])
                if key not in self._layouts and self._is_new(record):
                    self._layouts[key] = from_json(body["content"])
            elif self._is_new(record):
                self._project(record)

    def _name_layouts(self) -> None:
        """Two cards that go by one name get a name each: their answers must never share a column."""
        often = Counter(identity for identity, _ in self._layouts)
        for (identity, digest), known in list(self._layouts.items()):
            layout = known
            if often[identity] > 1:
                layout = with_digest(replace(known, id=f"{known.id}-{digest[:8]}"))
            self._names[identity, digest] = layout.identity
            row = {"identity": layout.identity, "digest": layout.digest, "content": to_json(layout)}
            self._insert("layouts", row)

    # --- records -----------------------------------------------------------------------------------------------

    def _add_sitting(self, session: Session, machine: str, permanence: str) -> None:
        sql = f"SELECT {COLUMNS} FROM records AS r WHERE r.machine = ? AND r.permanence = ? AND r.kind"  # noqa: S608
        cards: dict[str, Layout] = {}
        for row in session.stream(f"{sql} = 'reading'", machine, permanence):
            self._add_reading(Record(*row), cards)
        for row in session.stream(f"{sql} <> 'reading'", machine, permanence):
            record = Record(*row)
            if record.kind == "review" and not self._is_review_of(record, cards):
                continue
            if self._is_new(record):
                self._project(record)
        # CROSS: SQLite keeps that order, and does not read all words of the machine for each of its sittings.
        words = """
            SELECT t.record, t.text, t.salt FROM records AS r CROSS JOIN texts AS t
            WHERE r.machine = ? AND r.permanence = ? AND r.kind IN ('story', 'follow_up')
            AND t.machine = r.machine AND t.record = r.id"""
        for row in session.stream(words, machine, permanence):
            self._store.connection.execute("INSERT OR IGNORE INTO texts VALUES (?, ?, ?)", row)

    def _add_reading(self, record: Record, cards: dict[str, Layout]) -> None:
        body = json.loads(record.body)
        key = (body["layout"], body["layout_digest"])
        if self._wanted.layout not in (None, body["layout"], body["layout"].split("@")[0]):
            return
        layout = self._layouts.get(key)
        if layout is None:
            self._left["cards whose layout has not been sent yet"] += 1
        elif not _fits(layout, body["answers"]):
            self._left["cards with answers that their layout does not know"] += 1
        else:
            cards[record.id] = layout
            if self._is_new(record):
                self._project(record, layout_name=self._names[key])

    def _is_review_of(self, record: Record, cards: Mapping[str, Layout]) -> bool:
        body = json.loads(record.body)
        layout = cards.get(body["reading"])
        if layout is None:
            # Of a card that is not wanted, or was left out above.
            return False
        if not _fits(layout, body["answers"]):
            self._left["reviews with answers that their layout does not know"] += 1
            return False
        return True

    def _is_new(self, record: Record) -> bool:
        """Add a record unless it is there; whether it was not."""
        row = (record.id, record.kind, record.permanence, record.body, record.digest)
        sql = "INSERT OR IGNORE INTO records (id, kind, permanence, body, digest) VALUES (?, ?, ?, ?, ?)"
        if self._store.connection.execute(sql, row).rowcount:
            return True
        if self._store.rows("SELECT digest FROM records WHERE id = ?", record.id) != [(record.digest,)]:
            self._left["two machines have different content under one id; the first is shown"] += 1
        return False

    def _project(self, record: Record, layout_name: str | None = None) -> None:
        for table, row in projected(record):
            named = {**row, "layout": layout_name} if table == "readings" and layout_name else row
            self._insert(table, named)

    def _insert(self, table: str, row: Mapping[str, Any]) -> None:
        # Ignored when taken: two copies of one store may both have closed a sitting, or erased a story.
        marks = ", ".join("?" * len(row))
        sql = f"INSERT OR IGNORE INTO {table} ({', '.join(row)}) VALUES ({marks})"  # noqa: S608
        self._store.connection.execute(sql, tuple(row.values()))


def _fits(layout: Layout, answers: Mapping[str, Any]) -> bool:
    """Whether a layout asks these questions and offers these choices: what else a machine sends breaks no export."""
    questions = {q.id: q for q in layout.questions}
    for name, answer in answers.items():
        question = questions.get(name)
        if question is None:
            return False
        values = answer["value"] if isinstance(answer["value"], list) else [answer["value"]]
        if len(values) > 1 and question.answer != "many":
            return False
        if question.columns is None and not {v for v in values if v is not None} <= {c.id for c in question.choices}:
            return False
    return True
