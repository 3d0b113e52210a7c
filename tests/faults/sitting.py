"""A whole sitting on a disk that may be cut off at any instant, and what must hold afterwards."""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

import apsw
from sqlite_utils import Database

from cards.layout import Layout
from cards.load import find_layout
from reader.decode import decode
from reader.reading import Answer
from reader.store import Store
from reader.store.check import check
from reader.store.opening import DURABLE, prepare
from reader.store.outbox import digests, settle
from reader.store.reviews import review
from reader.store.stories import erase, tell
from tests.builders import complete, reading
from tests.faults.disk import Disk, Files, disk_of, open_on

DAY = date(2024, 12, 5)
_names = itertools.count()


@dataclass
class Acknowledged:
    """What the store said was on disk: record id → digest; stories' words; readings."""

    records: set[str] = field(default_factory=set)
    readings: dict[str, str] = field(default_factory=dict)
    erased: set[str] = field(default_factory=set)
    settled: bool = False


@dataclass
class Tally:
    """Of all states tried: how many lost something acknowledged, held it twice, or were not whole."""

    states: int = 0
    lost: int = 0
    twice: int = 0
    corrupt: int = 0
    examples: list[str] = field(default_factory=list)

    @property
    def clean(self) -> bool:
        """Nothing lost, nothing twice, nothing corrupt."""
        return self.lost == self.twice == self.corrupt == 0


def durable(synchronous: str = "EXTRA") -> tuple[str, ...]:
    """The store's own settings, with another promise of durability for the controls."""
    return tuple(p.replace("EXTRA", synchronous) for p in DURABLE)


def run(
    seed: int,
    cards: int = 200,
    per_instant: int = 4,
    synchronous: str = "EXTRA",
    lies: bool = False,
    states: int = 10**9,
) -> Tally:
    """Play a sitting; cut the power after random acknowledgements and in the middle of steps, and look."""
    rng = random.Random(seed)
    disk, tally, said = Disk(lies=lies), Tally(), Acknowledged()
    connection = open_on(disk, f"disk-{next(_names)}")
    store = Store(Path("/no/such/place/store"), Database(connection))
    prepare(connection, store.path, durable(synchronous))

    def cut(share: float = 1.0) -> None:
        if tally.states < states and rng.random() < share:
            for files in disk.states(rng, per_instant):
                judge(files, said, tally)

    play(store, rng, cards, said, cut, disk)
    connection.close()
    return tally


def play(
    store: Store, rng: random.Random, cards: int, said: Acknowledged, cut: Callable[[float], None], disk: Disk
) -> None:
    """Open, cards, reviews, a story that is erased, closing; a cut may come after every step."""
    layout = find_layout("stadslogistiek")
    sitting = store.open_permanence("Café", DAY)
    said.records.add(sitting)
    for k in range(cards):
        # In the middle of a transaction: after the next few writes, before it is acknowledged.
        _interrupt(disk, rng, cut, share=0.05)
        new = _card(store, sitting, layout, rng)
        disk.__dict__.pop("write", None)
        said.records.add(new)
        said.readings[new] = sitting
        cut(0.25)
        if k % 9 == 4:
            which = rng.choice(sorted(said.readings))
            said.records.add(review(store, which, "correct", "asked", {"city_how": Answer("answered", "bike")}))
            cut(0.25)
        if k % 40 == 15:
            # What a verified receipt does; the sitting itself has none before it is closed.
            settle(store, "", list(digests(store, "")), "{}")
            said.settled = True
            cut(1.0)
        if k % 40 == 20:
            story = tell(store, sitting, f"verhaal {k}", language="nl", level="inside", consent="ja")
            said.records.add(story)
            cut(1.0)
            erase(store, story)
            said.erased.add(story)
            cut(1.0)
    store.close_permanence(sitting)
    cut(1.0)


def _card(store: Store, sitting: str, layout: Layout, rng: random.Random) -> str:
    punched = complete(layout) if rng.random() < 0.8 else [*complete(layout), "groceries_how.car"]
    seen = reading(layout, punched)
    evidence = {"groceries_how.car": rng.randbytes(3000)} if len(punched) > 12 else {}
    return store.append_reading(
        sitting, seen, decode(seen, layout), layout, picture=rng.randbytes(32).hex(), evidence=evidence
    )


def _interrupt(disk: Disk, rng: random.Random, cut: Callable[[float], None], share: float) -> None:
    """Have a cut come within the next transaction, after a random number of its writes."""
    if rng.random() >= share:
        return
    left = rng.randint(1, 12)
    write = Disk.write.__get__(disk)

    def counting(name: str, offset: int, data: bytes) -> None:
        nonlocal left
        write(name, offset, data)
        left -= 1
        if left == 0:
            cut(1.0)

    disk.write = counting  # type: ignore[method-assign]


def judge(files: Files, said: Acknowledged, tally: Tally) -> None:
    """Start again on what a power cut left, and see whether every promise was kept."""
    tally.states += 1
    disk = disk_of(files)
    connection = open_on(disk, f"disk-{next(_names)}")
    try:
        store = Store(Path("/no/such/place/store"), Database(connection))
        prepare(connection, store.path)
        if connection.execute("PRAGMA integrity_check").fetchall() != [("ok",)]:
            tally.corrupt += 1
            return
        have = {i for (i,) in connection.execute("SELECT id FROM records")}
        cards = [i for (i,) in connection.execute("SELECT id FROM readings")]
        if said.records - have or set(said.readings) - set(cards):
            tally.lost += 1
            tally.examples.append(f"{len(said.records - have)} of {len(said.records)} records are gone")
        if len(cards) != len(set(cards)):
            tally.twice += 1
        # What is neither to be sent nor covered by a receipt would never reach the collector.
        uncovered = "SELECT count(*) FROM records WHERE id NOT IN (SELECT record FROM outbox) AND permanence NOT IN "
        receipts = connection.execute("SELECT permanence FROM receipts").fetchall()
        if connection.execute(f"{uncovered} (SELECT permanence FROM receipts)").fetchone()[0]:
            tally.lost += 1
            tally.examples.append("a record is not in the outbox")
        if said.settled and receipts != [("",)]:
            tally.lost += 1
            tally.examples.append("a receipt is gone")
        words = {i for (i,) in connection.execute("SELECT record FROM texts")}
        # Looking at every table and digest is slow: one state in eight.
        if words & said.erased or (tally.states % 8 == 0 and check(store)):
            tally.corrupt += 1
    except apsw.Error as error:
        tally.corrupt += 1
        tally.examples.append(str(error))
    finally:
        connection.close()
