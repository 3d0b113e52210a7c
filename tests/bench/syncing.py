"""The collector against bare databases: records through HTTP, and what "nothing to send" costs when there is much."""

from __future__ import annotations

import gzip
import http.client
import json
import secrets
import sqlite3
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from cards.load import find_layout
from reader.collector import ingest as ingestion
from reader.collector.database import open_database
from reader.collector.keys import Collector, new_keys
from reader.collector.machines import enrol, new_code
from reader.collector.schema import TABLES
from reader.collector.sqlite import TYPES
from reader.decode import decode
from reader.store import Store, facts, open_store
from reader.store.migrations import statements
from reader.store.opening import DURABLE
from reader.sync import identity as identities
from reader.sync import sign
from reader.sync.client import Exchange
from reader.sync.enrol import enrol as enrol_machine
from reader.sync.http import Http
from reader.sync.wire import WireRecord
from tests import postgres
from tests.bench.keeping import PER_SITTING, card, fill, small_layout, timed
from tests.builders import complete, reading
from tests.serving import serving

SENDERS = 4
"""Machines that send at once."""
BATCH = 1000
ROUNDS = 3


@contextmanager
def served(place: str | Path) -> Iterator[tuple[Collector, str]]:
    """A new collector on loopback, and its address."""
    with open_database(place) as database:
        collector = Collector(database, new_keys("bench"))
        with serving(collector) as url:
            yield collector, url


def records(count: int, real: bool = False) -> list[WireRecord]:
    """Readings of a small card, or of the campaign's own, in sittings of a hundred."""
    layout = find_layout("stadslogistiek") if real else small_layout()
    one = reading(layout, complete(layout))
    bodies = [facts.reading_body(one, decode(one, layout))] if real else [
        facts.reading_body(*card(layout, k)) for k in range(81)  # type: ignore[arg-type]
    ]  # fmt: skip
    found = []
    for k in range(count):
        if k % PER_SITTING == 0:
            sitting = facts.new_id()
        r = facts.record("reading", sitting, bodies[k % len(bodies)])
        found.append(WireRecord(r.id, r.kind, r.permanence, r.body, r.digest))
    return found


def requests(machine: str, given: Sequence[WireRecord]) -> list[bytes]:
    """What the machine sends, as it goes over the line."""
    slices = [given[k : k + BATCH] for k in range(0, len(given), BATCH)]
    values = [{"machine": machine, "records": [r.to_json() for r in some]} for some in slices]
    return [gzip.compress(json.dumps(v).encode(), 6) for v in values]


def through_http(place: str | Path, given: Sequence[WireRecord]) -> float:
    """Seconds until the collector has acknowledged all, from several machines at once."""
    with served(place) as (collector, url), ThreadPoolExecutor(SENDERS) as pool:
        # It runs for weeks: what it starts once, with the first that comes, is not counted.
        first = [_sender(collector, given[:BATCH]) for _ in range(SENDERS)]
        work = [_sender(collector, given[k::SENDERS]) for k in range(SENDERS)]
        list(pool.map(lambda one: _post(url, *one), first))
        return timed(lambda: list(pool.map(lambda one: _post(url, *one), work)))


def _sender(collector: Collector, given: Sequence[WireRecord]) -> tuple[str, list[bytes]]:
    """A new machine's token, and what it sends."""
    machine = secrets.token_hex(6)
    token, _ = enrol(collector.database, new_code(collector.database, "m"), machine, sign.Key.new().public)
    return token, requests(machine, given)


def _post(url: str, token: str, bodies: Sequence[bytes]) -> None:
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json", "Content-Encoding": "gzip"}
    line = http.client.HTTPConnection(url.removeprefix("http://"))
    for body in bodies:
        line.request("POST", "/v1/records", body, headers)
        answer = json.loads(line.getresponse().read())
        assert answer["taken"] > 0 and not answer["refused"], answer
    line.close()


def core_us(folder: Path, given: Sequence[WireRecord]) -> float:
    """Microseconds of processor time a record, without the way over the line."""
    with open_database(folder / f"core-{len(given)}.db") as database:
        machine = secrets.token_hex(6)
        enrol(database, new_code(database, "m"), machine, sign.Key.new().public)
        begin = time.process_time()
        ingestion.ingest(database, machine, given)
        return 1e6 * (time.process_time() - begin) / len(given)


def rows_of(given: Sequence[WireRecord]) -> list[tuple[str, ...]]:
    """The same as rows of the table, of one machine for each sender."""
    machines = [secrets.token_hex(6) for _ in range(SENDERS)]
    return [(machines[k % SENDERS], r.id, r.kind, r.permanence, r.body, r.digest) for k, r in enumerate(given)]


def copied(url: str, given: Sequence[WireRecord]) -> float:
    """Seconds that COPY takes for the same rows, into the same table with its indexes, committed batch by batch."""
    import psycopg

    open_database(url).close()
    rows = rows_of(given)
    with psycopg.connect(url) as connection:
        return timed(lambda: [_copy(connection, rows[k : k + BATCH]) for k in range(0, len(rows), BATCH)])


def _copy(connection: Any, rows: Sequence[tuple[str, ...]]) -> None:
    with (
        connection.cursor() as cursor,
        cursor.copy(f"COPY records ({', '.join(ingestion.COLUMNS)}) FROM STDIN") as copy,
    ):
        for row in rows:
            copy.write_row(row)
    connection.commit()


def inserted(path: Path, given: Sequence[WireRecord]) -> float:
    """Seconds that `executemany` takes for the same rows, into the same table, with the same settings and batches."""
    connection = sqlite3.connect(path, isolation_level=None)
    for pragma in DURABLE:
        connection.execute(f"PRAGMA {pragma}").fetchall()
    for statement in statements(TABLES.format(**TYPES)):
        connection.execute(statement)
    rows = rows_of(given)

    def work() -> None:
        for k in range(0, len(rows), BATCH):
            connection.execute("BEGIN IMMEDIATE")
            connection.executemany("INSERT INTO records VALUES (?, ?, ?, ?, ?, ?)", rows[k : k + BATCH])
            connection.execute("COMMIT")

    seconds = timed(work)
    connection.close()
    return seconds


def compared(ours: Callable[[int], float], bare: Callable[[int], float], count: int) -> tuple[float, float]:
    """(bare's seconds ÷ ours, our records a second): medians of rounds taken in turn, so that both see the same machine."""
    pairs = [(ours(k), bare(k)) for k in range(ROUNDS)]
    return statistics.median(b / o for o, b in pairs), count / statistics.median(o for o, _ in pairs)


# --- nothing to send --------------------------------------------------------------------------------------------------


def nothing_to_send(folder: Path, place: Path, count: int) -> tuple[float, float]:
    """(seconds of a sync with nothing to send, bytes a record takes at the collector) when both sides hold `count` cards."""
    with served(place) as (collector, url), open_store(folder / f"machine-{count}.db") as store:
        fill(store, small_layout(), count)
        _close_all(store)
        with Http(url) as line:
            machine = enrol_machine(store.path, url, new_code(collector.database, "m"), line).machine
        # Taken by the same function, without the way over the line: that is measured above.
        rows = store.connection.execute("SELECT id, kind, permanence, body, digest FROM records")
        ingestion.ingest(collector.database, machine, (WireRecord(*row) for row in rows))
        sync(store, url)
        assert store.unsent() == 0
        again = statistics.median(timed(lambda: sync(store, url)) for _ in range(25))
    return again, place.stat().st_size / count


def sync(store: Store, url: str) -> None:
    """As `logicienne sync` does."""
    with Http(url, identities.load(store.path).enrolled().token) as line:
        Exchange(store, line).run()


def _close_all(store: Store) -> None:
    """Close every sitting, without writing the file anew each time."""
    with store.transaction():
        for (permanence,) in store.rows("SELECT id FROM permanences WHERE NOT closed"):
            digests = [d for (d,) in store.rows("SELECT digest FROM records WHERE permanence = ?", permanence)]
            body = {"records": len(digests), "set_digest": facts.set_digest(digests)}
            store.add(facts.record("closing", permanence, body))


def main(count: int = 1_000_000, batch: int = 20_000) -> None:
    """Print the figures."""
    given = records(batch)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        ratio, speed = compared(
            lambda k: through_http(folder / f"ours-{k}.db", given),
            lambda k: inserted(folder / f"bare-{k}.db", given),
            batch,
        )
        print(
            f"records through HTTP into SQLite ÷ executemany: {ratio:.2f} (target: at least 0.3; {speed:,.0f}/s here)"
        )
        for name, some in (("small card", given), ("the campaign's card", records(batch // 4, real=True))):
            size = statistics.mean(len(r.body) for r in some)
            taken, speed = core_us(folder, some), len(some) / through_http(folder / f"{size:.0f}.db", some)
            print(f"{name} ({size:,.0f} bytes): {taken:.0f} microseconds of one core, {speed:,.0f}/s through HTTP here")
        many, few = (nothing_to_send(folder, folder / f"all-{n}.db", n) for n in (count, 1000))
        print(f"nothing to send at {count:,} cards ÷ at 1,000: {many[0] / few[0]:.2f} (target: at most 1.5)")
        print(f"of it: {1 / many[0]:,.0f} a second from one machine here")
        print(f"bytes at the collector ÷ bytes of a small card's body: {many[1] / len(given[0].body):.2f}")

    if postgres.programs() is None:
        print("records through HTTP into PostgreSQL: no PostgreSQL here (apt-get install postgresql)")
        return
    with postgres.server(durable=True) as url:
        ratio, speed = compared(
            lambda k: through_http(postgres.fresh(url), given), lambda k: copied(postgres.fresh(url), given), batch
        )
        print(f"records through HTTP into PostgreSQL ÷ COPY: {ratio:.2f} (target: at least 0.2; {speed:,.0f}/s here)")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000)
