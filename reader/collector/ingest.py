"""The one way in, for HTTP and for sticks: each record checked, kept once, never overwritten; a receipt for what is kept."""

from __future__ import annotations

import json
import logging
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from typing import Any

from reader.collector import held
from reader.collector.checking import Batch, Refused, sorted_out
from reader.collector.database import Database, Session
from reader.collector.errors import CollectorBusy, Denied
from reader.collector.keys import Collector
from reader.collector.schema import PROJECTED
from reader.store.projections import rows as projected
from reader.sync.wire import BATCH_RECORDS_MAX, TOLD, Claim, Group, Receipt, WireRecord

log = logging.getLogger("logicienne.collector")

COLUMNS = ("machine", "id", "kind", "permanence", "body", "digest")


@dataclass(frozen=True)
class Taken:
    """What became of records: how many are new, how many were there already, which were refused, which are forks.

    A fork is a second content under an id that is taken. Both are kept, the second apart; somebody has to look.
    """

    taken: int
    known: int
    refused: tuple[Refused, ...]
    forks: tuple[str, ...]

    def and_then(self, more: Taken) -> Taken:
        """Both together."""
        return Taken(
            self.taken + more.taken, self.known + more.known, self.refused + more.refused, self.forks + more.forks
        )


def ingest(database: Database[Any], machine: str, records: Iterable[WireRecord]) -> Taken:
    """Keep a machine's records; what is new is on disk when this returns. Any order, any repetition: the same result.

    machine: whose they are, known from its token or signature, never from what it says.
    Raises `CollectorError` when nothing can be kept at all: a machine not enrolled, or revoked; no room.
    """
    done = Taken(0, 0, (), ())
    given = iter(records)
    while some := list(islice(given, BATCH_RECORDS_MAX)):
        done = done.and_then(ingest_batch(database, Batch(machine, *sorted_out(some))))
    return done


def ingest_batch(database: Database[Any], batch: Batch) -> Taken:
    """The same for what was checked already. Whoever calls this knows that the batch is of the machine that it names."""
    done = database.write(lambda session: _from_machine(session, batch.machine, batch.sound))
    if done.words_erased:
        tidy(database)
    return Taken(done.taken, done.known, tuple(batch.refused), done.forks)


def tidy(database: Database[Any]) -> None:
    """Have erased words leave the files; when that must wait, say so in the log."""
    try:
        database.tidy_texts()
    except CollectorBusy as error:
        log.warning("%s", error)


@dataclass(frozen=True)
class Done:
    """One batch, within its transaction."""

    taken: int
    known: int
    forks: tuple[str, ...]
    words_erased: bool


def _from_machine(session: Session, machine: str, records: Sequence[WireRecord]) -> Done:
    revoked, root = locked(session, machine)
    if revoked:
        raise Denied(403, f"machine {machine} was revoked; nothing is taken from it")
    return keep(session, machine, root, records)


def locked(session: Session, machine: str) -> tuple[bool, str]:
    """(whether a machine was revoked, its root); until the work ends no other changes what is held of it."""
    sql = f"SELECT revoked, root FROM machines WHERE machine = ? {session.alone}"  # noqa: S608
    found = session.rows(sql, machine)
    if not found:
        raise Denied(401, f"machine {machine} is not enrolled here; see: logicienne collector enrol --help")
    return bool(found[0][0]), str(found[0][1])


def keep(session: Session, machine: str, root: str, records: Sequence[WireRecord]) -> Done:
    """Keep sound records of a machine that the session has `locked`, and whose root was told by that."""
    sql = f"SELECT id, digest FROM records WHERE machine = ? AND id {session.among}"  # noqa: S608
    digests: dict[str, str] = dict(session.rows(sql, machine, session.several([r.id for r in records])))
    new: list[WireRecord] = []
    forks: list[WireRecord] = []
    sound: list[WireRecord] = []
    for record in records:
        if record.id not in digests:
            digests[record.id] = record.digest
            new.append(record)
        (sound if digests[record.id] == record.digest else forks).append(record)
    if new:
        session.insert("records", COLUMNS, [_row(machine, r) for r in new])
        _project(session, machine, new)
        _sum_up(session, machine, root, new)
    if forks:
        session.insert("forks", COLUMNS, [_row(machine, r) for r in forks])
    _keep_words(session, machine, sound)
    erased = _erase_words(session, machine, [r for r in sound if r.kind == "erasure"])
    return Done(len(new), len(sound) - len(new), tuple(dict.fromkeys(r.id for r in forks)), erased)


def _row(machine: str, r: WireRecord) -> tuple[str, ...]:
    return machine, r.id, r.kind, r.permanence, r.body, r.digest


def _project(session: Session, machine: str, new: Sequence[WireRecord]) -> None:
    for record in new:
        if record.kind in ("permanence", "erasure"):
            for table, row in projected(record.record):
                if table in PROJECTED:
                    session.insert(table, ("machine", *row), [(machine, *row.values())])


def _sum_up(session: Session, machine: str, root: str, new: Sequence[WireRecord]) -> None:
    counts = Counter(r.permanence for r in new)
    session.insert(
        "groups",
        ("machine", "permanence", "records", "set_digest"),
        [(machine, permanence, count, "") for permanence, count in counts.items()],
        "(machine, permanence) DO UPDATE SET records = groups.records + excluded.records, set_digest = ''",
    )
    session.change(
        "UPDATE machines SET records = records + ?, root = ? WHERE machine = ?",
        len(new), held.grown(root, ((r.id, r.digest) for r in new)), machine,
    )  # fmt: skip


def _keep_words(session: Session, machine: str, records: Sequence[WireRecord]) -> None:
    """Keep the words of what was told, unless they were erased."""
    told = {r.id: r for r in records if r.kind in TOLD and r.text is not None}
    if told:
        sql = f"SELECT record FROM erasures WHERE machine = ? AND record {session.among}"  # noqa: S608
        gone = {i for (i,) in session.rows(sql, machine, session.several(list(told)))}
        rows = [(machine, i, r.text, r.salt) for i, r in told.items() if i not in gone]
        session.insert("texts", ("machine", "record", "text", "salt"), rows)


def _erase_words(session: Session, machine: str, erasures: Sequence[WireRecord]) -> bool:
    """Erase what these erasures name; whether there was anything. The machine that sent them need not hear of them."""
    if not erasures:
        return False
    heard = session.several([r.id for r in erasures])
    session.change(f"DELETE FROM pending_erasures WHERE machine = ? AND id {session.among}", machine, heard)  # noqa: S608
    told = session.several([json.loads(r.body)["record"] for r in erasures])
    sql = f"DELETE FROM texts WHERE machine = ? AND record {session.among} RETURNING 1"  # noqa: S608
    return bool(session.rows(sql, machine, told))


# --- receipts ----------------------------------------------------------------------------------------------------


def claim(
    collector: Collector, machine: str, claims: Sequence[Claim], now: datetime | None = None
) -> tuple[list[Receipt], dict[str, list[str]]]:
    """Receipts for what is held of what a machine claims, and what is missing: permanence → ids.

    A claim without digests gets a receipt when this set is exactly the one held; otherwise the machine has to name its
    records, and gets one when each is held, whatever else is. Raises `CollectorError`.
    """
    day = (now or datetime.now(UTC)).date().isoformat()

    def work(session: Session) -> tuple[list[Claim], dict[str, list[str]]]:
        locked(session, machine)
        return _compare(session, machine, claims)

    kept, missing = collector.database.write(work)
    return [receipt(collector, machine, c, day) for c in kept], missing


def receipt(collector: Collector, machine: str, what: Claim | Group, day: str) -> Receipt:
    """The signed word that all of this is held. Whoever calls this has looked, and what was seen is committed."""
    keys = collector.keys
    return Receipt(keys.collector, machine, what.permanence, what.count, what.set_digest, day).signed(keys.signing)


def _compare(session: Session, machine: str, claims: Sequence[Claim]) -> tuple[list[Claim], dict[str, list[str]]]:
    kept: list[Claim] = []
    missing: dict[str, list[str]] = {}
    for one in claims:
        ours = held.group(session, machine, one.permanence)
        if (ours.count, ours.set_digest) == (one.count, one.set_digest):
            kept.append(one)
            _has_heard(session, machine, one.permanence)
        elif one.digests is not None:
            sql = f"SELECT id, digest FROM records WHERE machine = ? AND permanence = ? AND id {session.among}"  # noqa: S608
            there: dict[str, str] = dict(session.rows(sql, machine, one.permanence, session.several(list(one.digests))))
            absent = sorted(i for i in one.digests if i not in there)
            if absent:
                missing[one.permanence] = absent
            elif there == one.digests:
                # With a fork among them the digests differ, and nothing is signed.
                kept.append(one)
    return kept, missing


def _has_heard(session: Session, machine: str, permanence: str) -> None:
    """A machine whose set is the same as ours has our erasures too."""
    sql = """
        DELETE FROM pending_erasures WHERE machine = ? AND id IN (
            SELECT id FROM records WHERE records.machine = ? AND permanence = ? AND kind = 'erasure')"""
    session.change(sql, machine, machine, permanence)
