"""`kill -9` at a random instant of a real process that reads real pictures into a real store."""

from __future__ import annotations

import hashlib
import json
import random
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from cards.load import find_layout
from device.simulator.deck import make_card
from device.simulator.hand import Hand
from device.simulator.scene import Scene
from reader.store import open_store
from reader.store.check import check

COMMAND = "from reader.cli import main; main()"


@dataclass
class Outcome:
    """Of all kills: cards acknowledged on standard output, and how many of them were lost or kept twice."""

    kills: int = 0
    acknowledged: int = 0
    lost: int = 0
    twice: int = 0
    corrupt: int = 0


def make_pictures(folder: Path, count: int) -> None:
    """A deck of small pictures, some of them doubtful."""
    layout = find_layout("stadslogistiek")
    scene = Scene(width_px=900, height_px=675)
    for k in range(count):
        card = make_card(layout, k, scene=scene, hand=Hand(0.3, 0.0, half=0.05))
        (folder / f"card-{k:03d}.jpg").write_bytes(card.jpeg)


def kill_once(pictures: Path, path: Path, rng: random.Random, outcome: Outcome) -> None:
    """Start reading, kill after a random while, and compare what was said with what is kept."""
    with open_store(path) as store:
        # Tables of this run only: every kill gets a sitting of its own in the same store.
        sitting = store.open_permanence("Café", date(2024, 12, 5))
    args = [sys.executable, "-I", "-c", COMMAND, "read", str(pictures), "--format", "jsonl", "--store", str(path)]
    wanted = rng.randint(1, len(list(pictures.iterdir())) - 1)
    lines = []
    with subprocess.Popen(
        [*args, "--permanence", sitting], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            lines.append(line)
            if len(lines) == wanted:
                threading.Timer(rng.uniform(0, 0.03), process.send_signal, (signal.SIGKILL,)).start()
    outcome.kills += 1
    _compare(lines, path, sitting, outcome)


def _compare(lines: list[str], path: Path, sitting: str, outcome: Outcome) -> None:
    whole = [line for line in lines if line.endswith("\n")]
    said = [json.loads(line) for line in whole]
    said = [x for x in said if x["verdict"] != "rejected"]
    connection = sqlite3.connect(path)
    kept = [p for (p,) in connection.execute("SELECT picture FROM recent WHERE permanence = ?", (sitting,))]
    (readings,) = connection.execute("SELECT count(*) FROM readings WHERE permanence = ?", (sitting,)).fetchone()
    connection.close()
    outcome.acknowledged += len(said)
    for x in said:
        times = kept.count(hashlib.sha256(Path(x["file"]).read_bytes()).hexdigest())
        outcome.lost += times == 0
        outcome.twice += times > 1
    with open_store(path) as store:
        outcome.corrupt += bool(check(store)) or readings != len(kept)


def run(times: int, folder: Path, seed: int = 1) -> Outcome:
    """Kill `times` times."""
    rng, outcome = random.Random(seed), Outcome()
    pictures = folder / "pictures"
    pictures.mkdir()
    make_pictures(pictures, 24)
    begin = time.monotonic()
    for k in range(times):
        kill_once(pictures, folder / f"store-{k % 8}.db", rng, outcome)
        if k % 20 == 19:
            sys.stderr.write(f"  {k + 1} of {times} kills, {time.monotonic() - begin:.0f} s\n")
    return outcome
