"""`make faults-sync`: many machines sync to one collector through a line that does everything wrong, and both are killed.

Afterwards the collector is the union of the machines, and each machine calls safe exactly what is there; at random instants
in between, what a machine calls safe must be there already.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path

from reader.collector.database import open_database
from reader.collector.machines import new_code
from reader.store import facts, open_store
from reader.store.check import check
from reader.store.outbox import refusals
from reader.store.stories import tell
from reader.sync import identity as identities
from reader.sync.client import Exchange
from reader.sync.enrol import enrol
from reader.sync.errors import SyncError
from reader.sync.http import Http
from reader.sync.patience import Patience
from tests.bench.keeping import card, small_layout

HOST = "127.0.0.1"
COMMAND = "from reader.cli import main; main()"
PER_SITTING = 100
AT_ONCE = 4
"""Machines that sync at the same time."""
KILL_SHARE = 0.35
LIFE_S = 1.5
"""A machine that is to be killed is, within so long."""


@dataclass
class Outcome:
    """What happened, and what was wrong afterwards; all but the first four must be zero, and the last empty."""

    requests: int = 0
    faults: dict[str, int] = field(default_factory=dict)
    machine_kills: int = 0
    collector_kills: int = 0
    looks: int = 0
    lost: int = 0
    twice: int = 0
    forks: int = 0
    not_safe: int = 0
    safe_too_early: int = 0
    wrong: list[str] = field(default_factory=list)

    @property
    def clean(self) -> bool:
        """Nothing lost, nothing twice, safe exactly what is there."""
        return not (self.lost or self.twice or self.forks or self.not_safe or self.safe_too_early or self.wrong)


class Collector:
    """The collector as a process of its own; killed and started again."""

    def __init__(self, folder: Path) -> None:
        self.path, self.port = folder / "collector.db", free_port()
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it, and wait until it answers."""
        command = [sys.executable, "-c", COMMAND, "collect", "--store", str(self.path), "--port", str(self.port)]
        self._process = subprocess.Popen(
            [*command, "--organisation", "Logistad"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        wait_for(self.port, self._process)

    def kill(self) -> None:
        """`kill -9`."""
        assert self._process is not None
        self._process.kill()
        self._process.wait()

    def held(self, machine: str) -> list[tuple[str, str]]:
        """(id, digest) of all that is on its disk of a machine."""
        connection = sqlite3.connect(self.path, timeout=30)
        try:
            return connection.execute("SELECT id, digest FROM records WHERE machine = ?", (machine,)).fetchall()
        finally:
            connection.close()


@contextmanager
def line(collector: int, folder: Path, seed: int, share: float) -> Iterator[tuple[int, Path]]:
    """The bad line; its port, and where it counts."""
    port, counts = free_port(), folder / "line.json"
    args = [str(port), str(collector), str(seed), str(share), str(counts)]
    process = subprocess.Popen([sys.executable, "-m", "tests.faults.sync_line", *args])
    try:
        wait_for(port, process)
        yield port, counts
    finally:
        process.terminate()
        process.wait()


def free_port() -> int:
    """A port that nobody uses now."""
    with socket.socket() as sock:
        sock.bind((HOST, 0))
        return int(sock.getsockname()[1])


def wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    """Until something listens there."""
    for _ in range(3000):
        if process.poll() is not None:
            break
        with socket.socket() as sock:
            if sock.connect_ex((HOST, port)) == 0:
                return
        time.sleep(0.02)
    raise RuntimeError("it did not start")


def make_stores(folder: Path, machines: int, records: int) -> list[Path]:
    """Stores of so many records each, in closed sittings of a hundred with a story."""
    layout = small_layout()
    bodies = [facts.reading_body(*card(layout, k)) for k in range(81)]  # type: ignore[arg-type]
    paths = []
    for m in range(machines):
        path = folder / f"machine-{m:02d}.db"
        with open_store(path) as store:
            left = records - 1
            while left > 0:
                cards = max(0, min(PER_SITTING, left) - 3)
                sitting = store.open_permanence(f"Café {m}", date(2024, 1, 1) + timedelta(days=left // PER_SITTING))
                with store.transaction():
                    store.keep_layout(layout)
                    for k in range(cards):
                        store.add(facts.record("reading", sitting, bodies[(k + m) % 81]))
                tell(store, sitting, f"verhaal {left}", language="nl", level="inside", consent="ja")
                store.close_permanence(sitting)
                left -= cards + 3
        paths.append(path)
    return paths


def enrol_all(paths: list[Path], collector: Collector, port: int) -> None:
    """Over the good line, and from then on over the bad one."""
    for path in paths:
        with open_database(collector.path) as database:
            code = new_code(database, path.stem)
        with Http(f"http://{HOST}:{collector.port}") as there:
            enrol(path, f"http://{HOST}:{port}", code, there)


def sync_once(path: Path, seed: int, batch: int) -> bool:
    """What the forked machine does; whether everything is safe."""
    patience = Patience(tries=8, first_s=0.002, longest_s=0.05, rng=random.Random(seed))
    with open_store(path) as store, identities.alone(path):
        identity = identities.load(path).enrolled()
        try:
            with Http(identity.url, identity.token, timeout_s=3) as there:
                Exchange(store, there, patience, batch).run()
        except SyncError:
            return False
        return store.unsent() == 0


class Fleet:
    """The machines at work: some at a time, killed now and then, until all are done."""

    def __init__(self, paths: list[Path], collector: Collector, seed: int, batch: int, outcome: Outcome) -> None:
        self._paths, self._collector, self._batch, self._outcome = paths, collector, batch, outcome
        self._rng = random.Random(seed)
        self._running: dict[int, tuple[Path, float | None]] = {}

    def run(self, collector_kill_s: float) -> None:
        """Until every machine says that all is safe."""
        waiting, next_kill = list(self._paths), time.monotonic() + collector_kill_s
        while waiting or self._running:
            while waiting and len(self._running) < AT_ONCE:
                self._start(waiting.pop(self._rng.randrange(len(waiting))))
            if time.monotonic() > next_kill:
                self._collector.kill()
                self._outcome.collector_kills += 1
                self._collector.start()
                next_kill = time.monotonic() + self._rng.uniform(0.5, 1.5) * collector_kill_s
            waiting += self._ended()
            time.sleep(0.01)

    def _start(self, path: Path) -> None:
        seed = self._rng.randrange(2**32)
        life = time.monotonic() + self._rng.uniform(0, LIFE_S) if self._rng.random() < KILL_SHARE else None
        child = os.fork()
        if child == 0:
            code = 2
            try:
                code = 0 if sync_once(path, seed, self._batch) else 1
            finally:
                os._exit(code)
        self._running[child] = (path, life)

    def _ended(self) -> list[Path]:
        """Machines that have to try once more."""
        again = []
        for child, (path, life) in list(self._running.items()):
            if life is not None and time.monotonic() > life:
                os.kill(child, signal.SIGKILL)
                self._running[child] = (path, None)
            done, status = os.waitpid(child, os.WNOHANG)
            if not done:
                continue
            del self._running[child]
            code = os.waitstatus_to_exitcode(status)
            self._outcome.machine_kills += code == -signal.SIGKILL
            if code == 2:
                self._outcome.wrong.append(f"{path.name}: a sync ended with a mistake")
            if code != 0:
                again.append(path)
                if self._rng.random() < 0.3:
                    look(path, self._collector, self._outcome)
        return again


def look(path: Path, collector: Collector, outcome: Outcome) -> None:
    """What this machine calls safe must be there, on the disk, now."""
    outcome.looks += 1
    with open_store(path) as store:
        safe = store.rows("SELECT id, digest FROM records WHERE id NOT IN (SELECT record FROM outbox)")
    there = collector.held(identities.load(path).machine)
    outcome.safe_too_early += len(set(safe) - set(there))


def judge(paths: list[Path], collector: Collector, outcome: Outcome) -> None:
    """When all is said and done."""
    union = 0
    for path in paths:
        with open_store(path) as store:
            mine = store.rows("SELECT id, digest FROM records")
            outcome.not_safe += store.unsent()
            outcome.wrong += [f"{path.name}: {f.where}: {f.what}" for f in check(store)]
            outcome.wrong += [f"{path.name}: refused: {why}" for *_, why in refusals(store)]
            if store.setting("sync_clone") == "yes":
                outcome.wrong.append(f"{path.name}: called a clone")
        there = collector.held(identities.load(path).machine)
        outcome.lost += len(set(mine) - set(there))
        outcome.twice += len(there) - len({i for i, _ in there})
        if set(there) - set(mine):
            outcome.wrong.append(f"{path.name}: {len(set(there) - set(mine))} records there that it never had")
        union += len(mine)
    connection = sqlite3.connect(collector.path, timeout=30)
    ((outcome.forks,),) = connection.execute("SELECT count(*) FROM forks")
    ((total,),) = connection.execute("SELECT count(*) FROM records")
    connection.close()
    outcome.twice += total - union if total > union else 0


def run(
    folder: Path, machines: int, records: int, batch: int, share: float, seed: int, collector_kill_s: float
) -> Outcome:
    """Everything; see the module."""
    outcome = Outcome()
    paths = make_stores(folder, machines, records)
    collector = Collector(folder)
    collector.start()
    try:
        with line(collector.port, folder, seed, share) as (port, counts):
            enrol_all(paths, collector, port)
            Fleet(paths, collector, seed, batch, outcome).run(collector_kill_s)
        found = json.loads(counts.read_text())
        outcome.requests = found.pop("requests")
        outcome.faults = found
        judge(paths, collector, outcome)
    finally:
        collector.kill()
    return outcome


def main() -> int:
    """Run and print; 1 when a promise was broken, or too little happened."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults.sync", description=__doc__)
    parser.add_argument("--machines", type=int, default=50)
    parser.add_argument("--records", type=int, default=2000, help="of each machine")
    parser.add_argument("--batch", type=int, default=20, help="records in one request")
    parser.add_argument("--share", type=float, default=0.65, help="of the requests that something happens to")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--faults", type=int, default=10_000, help="fewer than these are a failure")
    parser.add_argument("--kill-every", type=float, default=10.0, help="seconds between kills of the collector, about")
    given = parser.parse_args()
    begin = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        outcome = run(
            Path(folder), given.machines, given.records, given.batch, given.share, given.seed, given.kill_every
        )
    faults = sum(outcome.faults.values())
    print(
        f"{given.machines} machines, {given.records} records each, {time.monotonic() - begin:.0f} s, seed {given.seed}"
    )
    print(f"{outcome.requests} requests, {faults} faults:")
    for name, count in sorted(outcome.faults.items()):
        print(f"  {name:20}{count:8}")
    print(f"kill -9: {outcome.machine_kills} of machines, {outcome.collector_kills} of the collector")
    print(
        f"{outcome.lost} lost, {outcome.twice} twice, {outcome.forks} forks, {outcome.not_safe} not safe at the end, "
        f"{outcome.safe_too_early} called safe too early in {outcome.looks} looks"
    )
    for wrong in outcome.wrong:
        print(wrong)
    return int(not outcome.clean or faults < given.faults)


if __name__ == "__main__":
    sys.exit(main())
