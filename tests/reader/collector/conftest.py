"""A collector on either engine, a machine's records as they travel, and the collector over HTTP in this process."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from cards.layout import Layout
from reader.collector.app import make_app
from reader.collector.database import Database, open_database
from reader.collector.keys import Collector, with_keys
from reader.collector.machines import enrol, new_code
from reader.store import Store, open_store
from reader.store.reviews import review
from reader.store.stories import erase
from reader.sync import sign
from reader.sync.wire import WireRecord
from tests import postgres
from tests.builders import add, complete, told
from tests.needs import need

ENGINES = ("sqlite", "postgresql")
DAY = date(2024, 12, 5)


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """A PostgreSQL server's address."""
    need(postgres.programs(), "PostgreSQL", "apt-get install postgresql")
    with postgres.server() as url:
        yield url


@pytest.fixture(params=ENGINES)
def place(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Where an empty collector's database is to be, on each engine."""
    if request.param == "sqlite":
        return str(tmp_path / "collector" / "all.db")
    return postgres.fresh(request.getfixturevalue("postgres_url"))


@pytest.fixture
def collector(place: str, tmp_path: Path) -> Iterator[Collector]:
    """A new collector."""
    with open_database(place) as database:
        yield with_keys(database, tmp_path / "the.keys", "City logistics")


@pytest.fixture
def database(collector: Collector) -> Database[Any]:
    """Its database."""
    return collector.database


@dataclass(frozen=True)
class Enrolled:
    """A machine with its token."""

    id: str
    token: str
    key: sign.Key

    @property
    def headers(self) -> dict[str, str]:
        """What its requests carry."""
        return {"Authorization": f"Bearer {self.token}"}


def enrolled(database: Database[Any], name: str = "Machine") -> Enrolled:
    """A new machine."""
    machine, key = secrets.token_hex(6), sign.Key.new()
    token, _ = enrol(database, new_code(database, name), machine, key.public)
    return Enrolled(machine, token, key)


@pytest.fixture
def machine(database: Database[Any]) -> Enrolled:
    """An enrolled machine."""
    return enrolled(database)


def wired(store: Store, permanence: str | None = None) -> list[WireRecord]:
    """A store's records as they travel, by their random ids."""
    words = {r: (t, s) for r, t, s in store.rows("SELECT record, text, salt FROM texts")}
    rows = store.rows("SELECT id, kind, permanence, body, digest FROM records ORDER BY id")
    return [WireRecord(*row, *words.get(row[0], ())) for row in rows if permanence in (None, row[2])]


@pytest.fixture(scope="session")
def make_records(campaign: Layout, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., list[WireRecord]]:
    """A maker of a whole sitting's records: cards of all fates, a story, an erased one, a closing."""

    def make(place: str = "Café Belga", cards: int = 4) -> list[WireRecord]:
        with open_store(tmp_path_factory.mktemp("machine") / "m.db") as store:
            fill(store, campaign, place, cards)
            return wired(store)

    return make


def fill(store: Store, layout: Layout, place: str = "Café Belga", cards: int = 4, day: date = DAY) -> str:
    """One sitting, closed; its id."""
    sitting = store.open_permanence(place, day, "group", ["nl", "fr"], "op1")
    ids = [add(store, sitting, layout) for _ in range(cards)]
    doubtful = add(store, sitting, layout, [*complete(layout), "groceries_how.car"])
    review(store, doubtful, "void", "two answers")
    review(store, ids[0], "accept")
    told(store, sitting, "Mijn bakfiets is oud")
    erase(store, told(store, sitting, "Dit moet weg"))
    store.close_permanence(sitting)
    return sitting


@pytest.fixture(scope="session")
def records(make_records: Callable[..., list[WireRecord]]) -> list[WireRecord]:
    """One sitting of one machine."""
    return make_records()


@pytest.fixture
def client(collector: Collector) -> Iterator[TestClient]:
    """The collector over HTTP, in this process."""
    with TestClient(make_app(collector), base_url="http://127.0.0.1", client=("127.0.0.1", 50000)) as opened:
        yield opened
