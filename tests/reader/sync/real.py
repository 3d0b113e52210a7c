"""A real collector on loopback, and ways to it that are worse than the network."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from cards.layout import Layout
from reader.collector.database import open_database
from reader.collector.keys import Collector, Keys, new_keys
from reader.collector.machines import new_code
from reader.store import Store
from reader.sync import identity as identities
from reader.sync.client import Exchange, Report
from reader.sync.enrol import enrol
from reader.sync.errors import Unreachable
from reader.sync.http import Http, Transport
from reader.sync.patience import Patience
from tests.builders import add, told
from tests.serving import serving

DAY = date(2024, 12, 5)


@dataclass(frozen=True)
class Running:
    """A collector that answers at `url`."""

    url: str
    collector: Collector

    def enrol(self, store: Store) -> identities.Identity:
        """Make a store's machine known to it."""
        code = new_code(self.collector.database, f"machine of {store.path.name}")
        with Http(self.url) as line:
            return enrol(store.path, self.url, code, line, quick())

    def sync(
        self, store: Store, through: Callable[[Transport], Transport] = lambda line: line, tries: int = 1
    ) -> Report:
        """One sync."""
        with Http(self.url, identities.load(store.path).enrolled().token) as line:
            return Exchange(store, through(line), quick(tries), batch_records=3).run()

    def held(self, machine: str | None = None) -> dict[str, str]:
        """Record id → digest of all it has, or all of a machine."""
        where, values = ("WHERE machine = ?", (machine,)) if machine else ("", ())
        rows = self.collector.database.read(lambda s: s.rows(f"SELECT id, digest FROM records {where}", *values))
        assert len(rows) == len(dict(rows)), "a record is there twice"
        return dict(rows)


@contextmanager
def collector(folder: Path, keys: Keys | None = None) -> Iterator[Running]:
    """Served until the block ends."""
    folder.mkdir(parents=True, exist_ok=True)
    with open_database(folder / "collector.db") as database:
        mine = Collector(database, keys or new_keys("Logistad"))
        with serving(mine) as url:
            yield Running(url, mine)


def quick(tries: int = 1) -> Patience:
    """Tries again at once."""
    return Patience(tries=tries, sleep=lambda _: None)


class Twisted:
    """A way on which something happens: `twist` is given the number of the request, its path, and how to forward it."""

    def __init__(self, line: Transport, twist: Callable[[int, str, Callable[[], Any]], Any]) -> None:
        self._line, self._twist, self.asked = line, twist, 0

    def get(self, path: str) -> Any:
        return self._one(path, lambda: self._line.get(path))

    def post(self, path: str, value: Mapping[str, Any]) -> Any:
        return self._one(path, lambda: self._line.post(path, value))

    def _one(self, path: str, forward: Callable[[], Any]) -> Any:
        self.asked += 1
        return self._twist(self.asked, path, forward)


def cut_at(number: int, after: bool) -> Callable[[Transport], Twisted]:
    """The line breaks at this request: before it arrives, or after, when the answer is lost."""

    def twist(asked: int, path: str, forward: Callable[[], Any]) -> Any:
        if asked >= number:
            if after and asked == number:
                forward()
            raise Unreachable("cut")
        return forward()

    return lambda line: Twisted(line, twist)


def sitting_of(store: Store, layout: Layout, cards: int = 4, place: str = "Café Belga", story: str = "") -> str:
    """A closed sitting."""
    sitting = store.open_permanence(place, DAY)
    for _ in range(cards):
        add(store, sitting, layout)
    if story:
        told(store, sitting, story)
    store.close_permanence(sitting)
    return sitting


def copy_of(store: Store, path: Path) -> Path:
    """What a copied card has: the store, and who it is."""
    store.rows("PRAGMA wal_checkpoint(TRUNCATE)")
    path.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(store.path, path)
    shutil.copyfile(identities.identity_path(store.path), identities.identity_path(path))
    return path


def mine(store: Store) -> dict[str, str]:
    """Record id → digest of all that a store has."""
    return dict(store.rows("SELECT id, digest FROM records"))


def called_safe(store: Store) -> set[str]:
    """Ids of the records that a store says are safe."""
    return {i for (i,) in store.rows("SELECT id FROM records WHERE id NOT IN (SELECT record FROM outbox)")}
