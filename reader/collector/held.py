"""What is held of a machine, summed up so that "nothing to send" costs the same however much there is.

A permanence is summed up by its count and `facts.set_digest`. All of a machine is summed up by its *root*: the sum of
SHA-256(id, newline, digest) over its records, modulo 2^256. A sum, because it grows with each record by itself,
whatever the order, and is the same again after a backup was put back and the rest was sent once more.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass

from reader.collector.database import Session
from reader.store import facts
from reader.sync.wire import Group

EMPTY = f"{0:064x}"


@dataclass(frozen=True)
class Drift:
    """Something that does not add up: which machine, and what."""

    machine: str
    what: str


def grown(root: str, records: Iterable[tuple[str, str]]) -> str:
    """The root with more records, each (id, digest), in it."""
    total = int(root, 16)
    for record_id, digest in records:
        total += int.from_bytes(hashlib.sha256(f"{record_id}\n{digest}".encode()).digest(), "big")
    return f"{total % 2**256:064x}"


def group(session: Session, machine: str, permanence: str) -> Group:
    """What is held of a permanence. Notes the set's digest when it has changed, so it belongs into a writing session."""
    where = "WHERE machine = ? AND permanence = ?"
    found = session.rows(f"SELECT records, set_digest FROM groups {where}", machine, permanence)  # noqa: S608
    if not found:
        return Group(permanence, 0, facts.set_digest([]))
    count, digest = found[0]
    if not digest:
        digests = [d for (d,) in session.rows(f"SELECT digest FROM records {where}", machine, permanence)]  # noqa: S608
        digest = facts.set_digest(digests)
        session.change(
            f"UPDATE groups SET set_digest = ? {where} AND records = ?",  # noqa: S608
            digest, machine, permanence, len(digests),
        )  # fmt: skip
        count = len(digests)
    return Group(permanence, count, digest)


def check(session: Session) -> list[Drift]:
    """Look at every record of every machine: its digest, and whether the sums are those of what is there."""
    drift = []
    machines = session.rows("SELECT machine, records, root FROM machines ORDER BY machine")
    for machine, count, noted in machines:
        groups: dict[str, int] = {}
        root, found = EMPTY, 0
        sql = "SELECT id, kind, permanence, body, digest FROM records WHERE machine = ?"
        for row in session.stream(sql, machine):
            record = facts.Record(*row)
            if not facts.is_sound(record):
                drift.append(Drift(machine, f"record {record.id} is not what its digest says"))
            groups[record.permanence] = groups.get(record.permanence, 0) + 1
            root = grown(root, [(record.id, record.digest)])
            found += 1
        sums: dict[str, int] = dict(session.rows("SELECT permanence, records FROM groups WHERE machine = ?", machine))
        if (found, root) != (count, noted) or groups != sums:
            drift.append(Drift(machine, f"holds {found} records and has noted {count}; or other ones than noted"))
    strangers = session.rows("SELECT DISTINCT machine FROM records WHERE machine NOT IN (SELECT machine FROM machines)")
    return [*drift, *(Drift(m, "holds records of a machine that was never enrolled") for (m,) in strangers)]
