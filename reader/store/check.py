"""Is the store what it says it is? The file, digests, words, the tables made from the records, and what is to be sent."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from sqlite_utils import Database

from reader.store import facts, schema
from reader.store.errors import explained
from reader.store.migrations import project_all, statements
from reader.store.outbox import disagreements
from reader.store.store import Store


@dataclass(frozen=True)
class Finding:
    """Something that is not as it should be: where, and what."""

    where: str
    what: str


def check(store: Store) -> list[Finding]:
    """Everything wrong with the store; an empty list when all is in order. Changes nothing."""
    found = [Finding("file", str(line)) for (line,) in store.rows("PRAGMA integrity_check(20)") if line != "ok"]
    if found:
        # A damaged file answers other questions wrongly or not at all.
        return found
    return [*_records(store), *_words(store), *_projections(store), *_outbox(store)]


def _records(store: Store) -> Iterator[Finding]:
    with explained(store.path):
        for row in store.database.execute("SELECT id, kind, permanence, body, digest FROM records"):
            record = facts.Record(*row)
            if not facts.is_sound(record):
                yield Finding(f"record {record.id}", "its content is not what its digest says")


def _words(store: Store) -> Iterator[Finding]:
    sql = """
        SELECT told.id, texts.salt, texts.text, json_extract(records.body, '$.text_digest'), erasures.record
        FROM told JOIN records ON records.id = told.id LEFT JOIN texts ON texts.record = told.id
        LEFT JOIN erasures ON erasures.record = told.id"""
    for story, salt, text, digest, erased in store.rows(sql):
        if erased is not None and text is not None:
            yield Finding(f"story {story}", "was erased, yet its words are there")
        elif erased is None and text is None:
            yield Finding(f"story {story}", "its words are gone, and no erasure says so")
        elif text is not None and facts.salted_digest(salt, text) != digest:
            yield Finding(f"story {story}", "its words are not those that were told")


def _outbox(store: Store) -> Iterator[Finding]:
    for permanence, what in disagreements(store):
        yield Finding(f"outbox of {permanence or 'layouts and campaigns'}", what)


def _projections(store: Store) -> Iterator[Finding]:
    """Compare every table with one made afresh from the records, in memory."""
    fresh = Database(memory=True)
    with explained(store.path):
        for statement in (*statements(schema.RECORDS), *statements(schema.BESIDE), *statements(schema.PROJECTIONS)):
            fresh.execute(statement)
        for row in store.database.execute("SELECT id, kind, permanence, body, digest FROM records"):
            fresh.execute("INSERT INTO records VALUES (?, ?, ?, ?, ?)", row)
        project_all(fresh)
        for table in schema.PROJECTED:
            # Tables without row numbers come in the order of their keys.
            sql = f"SELECT * FROM {table} NOT INDEXED"  # noqa: S608
            if store.database.execute(sql).fetchall() != fresh.execute(sql).fetchall():
                yield Finding(f"table {table}", "is not what the records make; run: logicienne store rebuild")
    fresh.close()
