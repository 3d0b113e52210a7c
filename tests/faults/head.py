"""A sensor head on a bad cable: the firmware itself, a tenth of all frames damaged, the line cut, the host killed.

Real are the firmware (under MicroPython or CPython), the ptys, `logicienne run` and its store; played are the hand that feeds
cards and the cable between. Every card must be in the store exactly once, with the answers that were punched.
"""

from __future__ import annotations

import json
import random
import sqlite3
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from cards.layout import Layout
from cards.load import find_layout
from device.simulator.head import SimulatedHead, script
from device.sources.sim_bar import Feeding, SimulatedBar
from reader.decode import decode
from reader.reading import Reading
from reader.store import open_store
from reader.sweep.read import read_sweep

COMMAND = "from reader.cli import main; main()"
TOGETHER = 3
"""Cards that a quick hand feeds without waiting for a lamp."""
SETTLE_S = 3.0
"""Longer than the head waits before it sends a card again: a repeat that is not recognised would come now."""
SLOWEST_S = 30.0
"""A card, with all that is done to it."""
FRAMES_A_CARD = 14
"""At least, both ways: cuts and kills are spread over so many frames."""


@dataclass
class Bad:
    """Of one sitting: what was done to it, and what became of the cards."""

    cards: int = 0
    frames: int = 0
    damaged: int = 0
    cuts: int = 0
    kills: int = 0
    lost: int = 0
    twice: int = 0
    wrong: int = 0

    @property
    def clean(self) -> bool:
        """Every card once, and right."""
        return self.lost == self.twice == self.wrong == 0

    def line(self) -> str:
        """In words."""
        return (
            f"{self.cards} cards, {self.damaged} of {self.frames} frames damaged, line cut {self.cuts} times, host killed "
            f"{self.kills} times: {self.lost} lost, {self.twice} twice, {self.wrong} wrong"
        )


class Cable:
    """Damages a share of the frames that pass, each in one of four ways."""

    def __init__(self, rng: random.Random, share: float, tally: Bad) -> None:
        self._rng, self._share, self._tally = rng, share, tally

    def __call__(self, frame: bytes) -> bytes:
        self._tally.frames += 1
        if self._rng.random() >= self._share:
            return frame
        self._tally.damaged += 1
        at = self._rng.randrange(len(frame))
        match self._rng.randrange(4):
            case 0:
                return frame[:at] + bytes((frame[at] ^ 1 << self._rng.randrange(8),)) + frame[at + 1 :]
            case 1:
                return frame[:at] + frame[at + 1 :]
            case 2:
                return frame[:at]
            case _:
                return frame + frame


def run(
    folder: Path, program: Sequence[str], cards: int, cuts: int, kills: int, share: float = 0.1, seed: int = 1
) -> Bad:
    """Feed so many cards through a cable like that, and count."""
    layout, rng = find_layout("stadslogistiek-bar"), random.Random(seed)
    assert layout.sensor_bar is not None
    source = SimulatedBar(layout, layout.sensor_bar, Feeding(cards, seed, "steady", "steady"))
    sweeps = [sweep for _ in range(cards) if (sweep := source.wait(0.0)) is not None]
    meant = [_answers(read_sweep(sweep, [layout]), layout) for sweep in sweeps]
    file, path = folder / "cards.jsonl", folder / "store.db"
    file.write_text("".join(script(sweeps, TOGETHER)), encoding="ascii")
    with open_store(path) as store:
        sitting = store.open_permanence("Café", date(2024, 12, 5))
    tally = Bad(cards)
    rows, bar = len(layout.sensor_bar.rows_mm), layout.sensor_bar.id
    with SimulatedHead(folder / "line", file, rows, bar, program=program, fast=True) as head:
        head.to_host = head.to_head = Cable(rng, share, tally)
        frames = FRAMES_A_CARD * cards
        _play(head, Host(folder, path, sitting), path, tally, Spread(cuts, frames, rng), Spread(kills, frames, rng))
    _judge(path, meant, tally)
    return tally


class Host:
    """`logicienne run`, started again whenever it was killed."""

    def __init__(self, folder: Path, path: Path, sitting: str) -> None:
        self._folder = folder
        options = ["--source", f"head:{folder / 'line'}", "--store", str(path), "--permanence", sitting]
        self._command = [sys.executable, "-c", COMMAND, "run", *options, "--layout", "stadslogistiek-bar"]
        self._start()

    def _start(self) -> None:
        # From a folder that holds no code: the program that is installed, or the one that runs this.
        with (self._folder / "host.log").open("ab") as log:
            self.process = subprocess.Popen(self._command, cwd=self._folder, stdout=log, stderr=log)

    def kill(self) -> None:
        """`kill -9`, and again."""
        self.process.kill()
        self.process.wait()
        self._start()

    def stop(self) -> None:
        """SIGTERM, as systemd says it."""
        self.process.terminate()
        self.process.wait(30)


class Spread:
    """So many misfortunes, at random, over all frames of a sitting."""

    def __init__(self, wanted: int, frames: int, rng: random.Random) -> None:
        self._at = sorted(rng.randrange(1, frames) for _ in range(wanted))

    def due(self, frames: int) -> bool:
        """Whether the next one is due, once."""
        if not self._at or frames < self._at[0]:
            return False
        del self._at[0]
        return True

    @property
    def over(self) -> bool:
        """Whether all have come."""
        return not self._at


def _play(head: SimulatedHead, host: Host, path: Path, tally: Bad, cuts: Spread, kills: Spread) -> None:
    """Until all cards are kept and everything was done to them; then a while longer."""
    looked = time.monotonic()
    gives_up = looked + SLOWEST_S * tally.cards
    kept_since = 0.0
    while head.pump(0.05) and time.monotonic() < gives_up:
        if cuts.due(tally.frames):
            head.cut()
            tally.cuts += 1
        if kills.due(tally.frames):
            host.kill()
            tally.kills += 1
        if time.monotonic() - looked > 0.2:
            looked = time.monotonic()
            is_done = cuts.over and kills.over and len(_marks(path)) >= tally.cards
            kept_since = (kept_since or looked) if is_done else 0.0
            if kept_since and looked - kept_since > SETTLE_S:
                break
    host.stop()


def _marks(path: Path) -> dict[str, list[str]]:
    """Mark → the bodies kept under it."""
    connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=30)
    try:
        sql = "SELECT picture, body FROM recent JOIN records ON records.id = recent.reading"
        found: dict[str, list[str]] = {}
        for mark, body in connection.execute(sql):
            found.setdefault(mark, []).append(body)
        return found
    finally:
        connection.close()


def _answers(outcome: object, layout: Layout) -> dict[str, object]:
    assert isinstance(outcome, Reading), outcome
    return {q: {"state": a.state, "value": a.value} for q, a in decode(outcome, layout).answers.items()}


def _judge(path: Path, meant: list[dict[str, object]], tally: Bad) -> None:
    """A card's number, at the end of its mark, says which one it was."""
    kept: dict[int, list[str]] = {}
    for mark, bodies in _marks(path).items():
        kept.setdefault(int(mark[-8:], 16), []).extend(bodies)
    for number, answers in enumerate(meant, 1):
        bodies = kept.pop(number, [])
        tally.lost += not bodies
        tally.twice += len(bodies) > 1
        tally.wrong += any(json.loads(json.dumps(answers)) != json.loads(body).get("answers") for body in bodies)
    tally.wrong += len(kept)
