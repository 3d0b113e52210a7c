"""A machine asks how things stand: what is held of it, what it must know; and whether it is the only one of its name."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

from reader.collector import erasures, held
from reader.collector.database import Session
from reader.collector.ingest import receipt
from reader.collector.keys import Collector
from reader.collector.machines import stamp
from reader.sync.wire import Group, Receipt, WireRecord

EPOCHS_KEPT = 20
"""A request that was held up on the way, or came twice, names an epoch that has passed; so many are remembered."""
CLONE = (
    "another store has already come under this machine's name, so one of the two is a copy (an SD card that was copied, a "
    "backup that was put back). All that both send is kept. Give the copy a name of its own: logicienne sync separate"
)


@dataclass(frozen=True)
class Asked:
    """What a machine says of itself. groups: what it has of the permanences it asks about."""

    machine: str
    current: str
    next: str
    clock: datetime
    waiting: int
    groups: Sequence[Group]


@dataclass(frozen=True)
class State:
    """The answer. groups: as the collector has them. receipts: for those that are the same on both sides."""

    clock: str
    root: str
    groups: list[Group]
    erasures: list[WireRecord]
    epoch: Literal["ok", "clone"]
    message: str
    receipts: list[Receipt]


def state(collector: Collector, asked: Asked, now: datetime | None = None) -> State:
    """How things stand with a machine, and note that it was seen. Raises `CollectorError`.

    With no groups the work is the same however much is held.
    """
    at = now or datetime.now(UTC)

    def work(session: Session) -> tuple[str, list[Group], list[WireRecord], bool]:
        sql = f"SELECT epochs, clone_seen, root FROM machines WHERE machine = ? {session.alone}"  # noqa: S608
        ((epochs, clone_seen, root),) = session.rows(sql, asked.machine)
        after = next_epochs(epochs.split(), asked.current, asked.next)
        session.change(
            "UPDATE machines SET last_seen = ?, clock_off_s = ?, waiting = ?, epochs = ?, clone_seen = ? WHERE machine = ?",
            stamp(at), round((asked.clock - at).total_seconds()), asked.waiting,
            epochs if after is None else " ".join(after),
            at.date().isoformat() if after is None else clone_seen, asked.machine,
        )  # fmt: skip
        groups = [held.group(session, asked.machine, g.permanence) for g in asked.groups]
        return root, groups, erasures.pending(session, asked.machine), after is None

    root, groups, unheard, clone = collector.database.write(work)
    day = at.date().isoformat()
    same = set(asked.groups) & set(groups)
    receipts = [receipt(collector, asked.machine, g, day) for g in groups if g in same]
    message = CLONE if clone else ""
    return State(stamp(at), root, groups, unheard, "clone" if clone else "ok", message, receipts)


def next_epochs(known: Sequence[str], current: str, wanted: str) -> list[str] | None:
    """The epochs of a store after it asked to go from `current` to `wanted`; `None`: it is another store.

    Newest first. A first request is believed; one whose answer got lost comes again; one that was held up is old.
    """
    if wanted in known:
        return list(known)
    if not known or current == known[0]:
        return [wanted, *known][:EPOCHS_KEPT]
    return None
