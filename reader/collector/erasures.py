"""A story erased on either side loses its words on both, and stays erased when its words come late."""

from __future__ import annotations

from typing import Any

from reader.collector.database import Database, Session
from reader.collector.errors import CollectorError
from reader.collector.ingest import keep, locked, tidy
from reader.store import facts
from reader.sync.wire import TOLD, WireRecord

ANSWER_MAX = 500
"""Erasures that one answer to a machine carries; the next has the rest."""


def erase(database: Database[Any], story: str, reason: str = "asked for") -> list[str]:
    """Erase a story's words here; its machines hear of it the next time they ask. Returns which machines hold it.

    More than one does after a copied store was given a name of its own. Raises `CollectorError` when none does.
    """
    machines = database.write(lambda session: _erase(session, story, reason))
    if not machines:
        raise CollectorError(f"there is no story {story} here; see: logicienne collector export --stories inside")
    # Also when they were erased before: the last time the file may have been in use.
    tidy(database)
    return machines


def _erase(session: Session, story: str, reason: str) -> list[str]:
    sql = """
        SELECT records.machine, records.permanence, records.kind FROM machines
        JOIN records ON records.machine = machines.machine AND records.id = ? ORDER BY records.machine"""
    machines = []
    for machine, permanence, kind in session.rows(sql, story):
        if kind not in TOLD:
            continue
        machines.append(machine)
        _, root = locked(session, machine)
        if session.rows("SELECT 1 FROM erasures WHERE machine = ? AND record = ?", machine, story):
            continue
        new = facts.record("erasure", permanence, {"record": story, "reason": reason})
        keep(session, machine, root, [WireRecord(new.id, new.kind, new.permanence, new.body, new.digest)])
        session.insert("pending_erasures", ("machine", "id"), [(machine, new.id)])
    return machines


def pending(session: Session, machine: str) -> list[WireRecord]:
    """Erasures made here that this machine has not heard of, as far as is known."""
    sql = """
        SELECT r.id, r.kind, r.permanence, r.body, r.digest FROM pending_erasures AS p
        JOIN records AS r ON r.machine = p.machine AND r.id = p.id WHERE p.machine = ? ORDER BY p.id LIMIT ?"""
    return [WireRecord(*row) for row in session.rows(sql, machine, ANSWER_MAX)]
