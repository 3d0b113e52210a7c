"""What has not reached the collector yet, and what has: every record is in the outbox until a receipt covers it.

`settle` is called with receipts that were verified (reader.sync); nothing else takes a record out. The cards of an open
sitting are never ready to be sent: one by one they would tell the collector their order, and a few at a time their hour.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from reader.store import facts
from reader.store.store import Store

AT_ONCE = 500
"""Values in one query."""


@dataclass(frozen=True)
class Kept:
    """The last receipt for a permanence ('': layouts and campaigns): how many records, and the digest of their set."""

    permanence: str
    count: int
    set_digest: str


@dataclass(frozen=True)
class Outbox:
    """How far everything is, in records. in_open: of sittings that are not closed; refused: by the collector."""

    safe: int
    unsent: int
    in_open: int
    refused: int


def outbox(store: Store) -> Outbox:
    """The counts."""
    unsent = store.unsent()
    (total,) = store.rows("SELECT count(*) FROM records")[0]
    (in_open,) = store.rows(f"SELECT count(*) FROM outbox WHERE permanence IN ({OPEN})")[0]  # noqa: S608
    (refused,) = store.rows("SELECT count(*) FROM refusals")[0]
    return Outbox(total - unsent, unsent, in_open, refused)


OPEN = "SELECT id FROM openings WHERE id NOT IN (SELECT permanence FROM closings)"


def ready(store: Store) -> list[str]:
    """Permanences with something to send, '' first; none that is open."""
    sql = f"SELECT DISTINCT permanence FROM outbox WHERE permanence NOT IN ({OPEN}) ORDER BY permanence"  # noqa: S608
    return [permanence for (permanence,) in store.rows(sql)]


def left(store: Store) -> bool:
    """Whether anything is ready to be sent that was not refused."""
    sql = f"""
        SELECT 1 FROM outbox WHERE permanence NOT IN ({OPEN})
        AND record NOT IN (SELECT record FROM refusals) LIMIT 1"""  # noqa: S608
    return bool(store.rows(sql))


def digests(store: Store, permanence: str) -> dict[str, str]:
    """Record id → digest of all that this machine answers for in a permanence, by the records' random ids."""
    sql = """
        SELECT id, digest FROM records WHERE permanence = ? AND id NOT IN (SELECT record FROM elsewhere) ORDER BY id"""
    return dict(store.rows(sql, permanence))


def with_words(store: Store, ids: Sequence[str]) -> Iterator[tuple[facts.Record, str | None, str | None]]:
    """Records, with the words and salt of those that have them."""
    for begin in range(0, len(ids), AT_ONCE):
        some = ids[begin : begin + AT_ONCE]
        sql = f"""
            SELECT records.id, kind, permanence, body, digest, text, salt FROM records
            LEFT JOIN texts ON texts.record = records.id
            WHERE records.id IN ({", ".join("?" * len(some))}) ORDER BY records.id"""  # noqa: S608
        for *columns, text, salt in store.rows(sql, *some):
            yield facts.Record(*columns), text, salt


def kept(store: Store) -> list[Kept]:
    """All receipts."""
    return [Kept(*row) for row in store.rows("SELECT permanence, count, set_digest FROM receipts ORDER BY permanence")]


def settle(store: Store, permanence: str, ids: Sequence[str], receipt: str) -> int:
    """Note a verified receipt over these records, its JSON as it came; returns how many more are safe now.

    One that comes late, and does not cover all that a newer one did, changes nothing.
    """
    covered = set(ids)
    with store.transaction():
        mine = digests(store, permanence)
        safe = mine.keys() - {r for (r,) in store.rows("SELECT record FROM outbox WHERE permanence = ?", permanence)}
        if safe - covered:
            return 0
        found = [digest for record, digest in mine.items() if record in covered]
        before = _waiting(store, permanence)
        for record in ids:
            store.connection.execute("DELETE FROM outbox WHERE permanence = ? AND record = ?", (permanence, record))
            store.connection.execute("DELETE FROM refusals WHERE record = ?", (record,))
        store.connection.execute(
            "INSERT OR REPLACE INTO receipts VALUES (?, ?, ?, ?)",
            (permanence, len(found), facts.set_digest(found), receipt),
        )
        return before - _waiting(store, permanence)


def _waiting(store: Store, permanence: str) -> int:
    return int(store.rows("SELECT count(*) FROM outbox WHERE permanence = ?", permanence)[0][0])


def reopen(store: Store, permanence: str) -> None:
    """The collector no longer has all that it gave a receipt for: everything of this permanence is to be sent again."""
    with store.transaction():
        store.connection.execute("DELETE FROM receipts WHERE permanence = ?", (permanence,))
        store.connection.execute(
            "INSERT OR IGNORE INTO outbox SELECT permanence, id FROM records WHERE permanence = ? "
            "AND id NOT IN (SELECT record FROM elsewhere)",
            (permanence,),
        )


def refuse(store: Store, refused: Mapping[str, str]) -> None:
    """Note what the collector would not take (record id → why). It stays in the outbox."""
    if not refused:
        return
    with store.transaction():
        for record, why in refused.items():
            store.connection.execute(
                "INSERT OR REPLACE INTO refusals SELECT record, ? FROM outbox WHERE record = ?", (why, record)
            )


def refusals(store: Store) -> list[tuple[str, str, str, str]]:
    """(record, permanence, kind, why), by the records' random ids."""
    sql = "SELECT record, permanence, kind, why FROM refusals JOIN records ON records.id = record ORDER BY record"
    return [(record, permanence, kind, why) for record, permanence, kind, why in store.rows(sql)]


def adopt(store: Store, machine: str, collector: str) -> None:
    """Have the outbox speak of this machine and this collector's key.

    Another collector has nothing yet: everything is to be sent. With the same collector, but under another machine's id
    (see: logicienne sync separate), what is safe stays so and is not sent a second time.
    """
    before = (store.setting("sync_machine"), store.setting("sync_collector"))
    if before == (machine, collector):
        return
    with store.transaction():
        if before[1] == collector:
            store.connection.execute(
                "INSERT OR IGNORE INTO elsewhere SELECT id FROM records WHERE id NOT IN (SELECT record FROM outbox)"
            )
        elif before[1] is not None:
            store.connection.execute("DELETE FROM elsewhere")
            store.connection.execute("INSERT OR IGNORE INTO outbox SELECT permanence, id FROM records")
        for table in ("receipts", "refusals"):
            store.connection.execute(f"DELETE FROM {table}")  # noqa: S608
        store.connection.execute("DELETE FROM settings WHERE name IN ('sync_root', 'sync_last')")
        for name, value in (("sync_machine", machine), ("sync_collector", collector)):
            store.connection.execute("INSERT OR REPLACE INTO settings (name, value) VALUES (?, ?)", (name, value))


def disagreements(store: Store) -> Iterator[tuple[str, str]]:
    """(permanence, what is wrong) wherever outbox and receipts together are not the records."""
    sql = "SELECT permanence FROM outbox WHERE record NOT IN (SELECT id FROM records)"
    for (permanence,) in store.rows(sql):
        yield permanence, "something is to be sent that is not there"
    receipts = {k.permanence: k for k in kept(store)}
    covered: dict[str, list[str]] = {permanence: [] for permanence in receipts}
    sql = """
        SELECT permanence, digest FROM records
        WHERE id NOT IN (SELECT record FROM outbox) AND id NOT IN (SELECT record FROM elsewhere)"""
    for permanence, digest in store.rows(sql):
        covered.setdefault(permanence, []).append(digest)
    for permanence, found in covered.items():
        receipt = receipts.get(permanence)
        if receipt is None or (receipt.count, receipt.set_digest) != (len(found), facts.set_digest(found)):
            yield permanence, "is not to be sent, and no receipt says that it was"
