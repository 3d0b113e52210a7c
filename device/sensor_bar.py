"""One card after the other out of a bar's wires: when a card begins and ends, and whether the bar could be trusted.

The rules are those of docs/protocol.md ("A card"), so that a bar on the Pi's own pins and one on a sensor head give the
same `Sweep`. Before and after every card the light is switched off and on: off, every sensor must be dark; on, all light.
A sensor that fails is named, and the card that it saw is refused.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum

import numpy as np

from device.lines.edge import Edge, Lines
from device.sweep import Channel, Sweep

END_S = 0.2
"""A card has ended when nothing but light was seen for so long."""
COVERED_S = 30.0
"""A card that lies in the bar for so long has ended too; it is refused."""
SETTLE_S = 0.004
"""From the light's switch to levels that can be read: transistor, phototransistor and gate take less than 1 ms."""
LATE_S = 0.01
"""After so long every edge has come through the library (lgpio looks every 0.5 ms)."""
AGAIN_S = 1.0
"""How soon a bar that is not in order is looked at again."""
IDLE_TEST_S = 60.0
"""How often an empty bar tests itself, so that a fault is known before the next card."""
EDGES_MAX = 100_000
"""Of one card; a card makes some 300. What oscillates longer is counted as lost."""


class _State(Enum):
    NOT_READY = "not ready"
    EMPTY = "empty"
    CARD = "card"


@dataclass(frozen=True)
class Tested:
    """One self-test. lit: levels with the light on; unlit: with it off; data first, then the clock."""

    lit: tuple[bool, ...]
    unlit: tuple[bool, ...]

    def faults(self) -> list[str]:
        """What is wrong, sensor by sensor, in words; nothing when the bar is in order."""
        rows = len(self.lit) - 2
        found = []
        for k, (lit, unlit) in enumerate(zip(self.lit, self.unlit, strict=True)):
            name = sensor_name(k, rows)
            if k < rows and unlit:
                found.append(f"sensor {name} sees light with the lamp off")
            elif k < rows and not lit:
                found.append(f"sensor {name} sees no light")
            elif k >= rows and lit:
                found.append(f"clock sensor {name} sees paper")
        return found


@dataclass
class _Record:
    """The card that is passing. before: levels when it came."""

    before: tuple[bool, ...]
    began_s: float
    lost: int = 0
    edges: list[Edge] = field(default_factory=list)


class SensorBar:
    """The bar's wires, watched. problem: why no card can be read now, in words; `None` while all is well.

    bar: the id that layouts name it by; rows: how many data sensors. sleep: how to wait, for a test's clock.
    """

    def __init__(self, lines: Lines, bar: str, rows: int, sleep: Callable[[float], None] = time.sleep) -> None:
        self._lines, self._bar, self._rows, self._sleep = lines, bar, rows, sleep
        self._empty = (True,) * rows + (False, False)
        self._levels = lines.levels()
        self._state, self._card = _State.NOT_READY, _Record(self._empty, 0.0)
        self._heard_s = self._tested_s = lines.now_s()
        self._done: deque[Sweep] = deque()
        self._disturbed = False
        self.problem: str | None = None
        self.touched = 0  # times that something passed which was no card
        self._make_ready(at_once=True)

    def wait(self, timeout_s: float) -> Sweep | None:
        """The next card; `None` when none ended in time."""
        until = self._lines.now_s() + timeout_s
        while not self._done:
            left = until - self._lines.now_s()
            if left <= 0:
                return None
            self._hear(min(left, END_S / 4))
            if self._state is _State.CARD:
                self._rest()
            elif self._state is _State.NOT_READY or self._lines.now_s() - self._tested_s > IDLE_TEST_S:
                self._make_ready()
        return self._done.popleft()

    def test(self) -> Tested:
        """Light off and on, now. What the sensors do meanwhile is no card."""
        self._lines.light(False)
        self._sleep(SETTLE_S)
        unlit = self._lines.levels()
        self._lines.light(True)
        self._sleep(SETTLE_S)
        lit = self._lines.levels()
        self._sleep(LATE_S)
        seen = [edge.line for edge in self._lines.wait(0)]
        # The lamp's own doing is two edges a data sensor; anything more is a card that came just now.
        self._disturbed = bool(self._lines.lost()) or any(
            seen.count(k) > (2 if k < self._rows else 0) for k in set(seen)
        )
        self._levels, self._tested_s = lit, self._lines.now_s()
        return Tested(lit, unlit)

    # --- edges -------------------------------------------------------------------------------------------------

    def _hear(self, timeout_s: float) -> bool:
        edges = self._lines.wait(timeout_s)
        if edges:
            self._heard_s = self._lines.now_s()
        for edge in edges:
            self._take(edge)
        lost = self._lines.lost()
        if lost and self._state is _State.EMPTY:
            self._begin(self._heard_s)
        self._card.lost += lost
        return bool(edges)

    def _take(self, edge: Edge) -> None:
        if self._state is _State.CARD and self._levels == self._empty and self._gap_s(edge) >= END_S:
            # The next card came before anybody looked: no self-test lies between, so the one before is not to be
            # trusted. Its own edges say that it is over.
            self._card.lost += 1
            self._finish(self._levels)
            self._begin(edge.at_s)
        elif self._state is _State.EMPTY:
            self._begin(edge.at_s)
        if self._levels[edge.line] == edge.level:
            self._card.lost += 1
        self._levels = (*self._levels[: edge.line], edge.level, *self._levels[edge.line + 1 :])
        if self._state is _State.CARD:
            if len(self._card.edges) < EDGES_MAX:
                self._card.edges.append(edge)
            else:
                self._card.lost += 1

    def _gap_s(self, edge: Edge) -> float:
        return edge.at_s - self._card.edges[-1].at_s if self._card.edges else 0.0

    # --- a card's beginning and end ------------------------------------------------------------------------------

    def _begin(self, at_s: float) -> None:
        self._state, self._card = _State.CARD, _Record(self._levels, at_s)
        self._came_s = self._lines.now_s()

    def _rest(self) -> None:
        """Has it ended? Levels are read again first: a lost last edge would leave the card in the bar for ever."""
        now = self._lines.now_s()
        covered = now - self._came_s >= COVERED_S
        if now - self._heard_s < END_S and not covered:
            return
        shown = self._lines.levels()
        if shown != self._levels:
            if self._hear(LATE_S):
                return
            self._card.lost += sum(a != b for a, b in zip(shown, self._levels, strict=True))
            self._levels = shown
        if self._nothing_much() and (self._levels == self._empty or now - self._heard_s >= AGAIN_S):
            # A crumb or a spark; or a sensor that has just died, and is named now.
            self._make_ready(at_once=True)
            self.touched += self.problem is None
            return
        if self._levels != self._empty and not covered:
            return
        if covered:
            self._finish(self._levels)
            self._make_ready(at_once=True)
            return
        tested = self.test()
        self._finish(tested.lit, tested.unlit)
        self._judge(tested)

    def _nothing_much(self) -> bool:
        """No clock sensor saw anything, and at most one row did: no card, for a card covers them all."""
        lines = {e.line for e in self._card.edges}
        return not self._card.lost and len(lines) <= 1 and all(line < self._rows for line in lines)

    def _finish(self, after: tuple[bool, ...], unlit: tuple[bool, ...] | None = None) -> None:
        card = self._card
        channels = []
        for k in range(self._rows + 2):
            mine = [e for e in card.edges if e.line == k]
            if unlit is not None and unlit[k] and k < self._rows:
                # Whatever it said about the card, it would have said without its lamp.
                channels.append(Channel(np.empty(0), np.empty(0, np.bool_), True, True))
                continue
            ticks = np.array([e.at_s - card.began_s for e in mine], np.float64)
            channels.append(Channel(ticks, np.array([e.level for e in mine], np.bool_), card.before[k], after[k]))
        clock = (channels[-2], channels[-1])
        self._done.append(Sweep(self._bar, tuple(channels[:-2]), clock, card.lost))
        self._state = _State.EMPTY
        self._card = _Record(self._empty, 0.0)

    # --- ready or not --------------------------------------------------------------------------------------------

    def _make_ready(self, at_once: bool = False) -> None:
        """Test the bar when it has been quiet; it is ready when nothing is wrong."""
        now = self._lines.now_s()
        if not at_once and (now - self._heard_s < END_S or now - self._tested_s < AGAIN_S):
            return
        self._judge(self.test())

    def _judge(self, tested: Tested) -> None:
        faults = tested.faults()
        self._state = _State.NOT_READY if faults else _State.EMPTY
        self._card = _Record(self._empty, 0.0)
        self.problem = None
        if self._disturbed and not faults:
            # A card whose first edges went by in the test: it is refused, not read without them.
            self._heard_s = self._lines.now_s()
            self._begin(self._heard_s)
            self._card.lost += 1
        if faults:
            unlit = any(tested.unlit[: self._rows])
            remedy = "close the hood, keep light away" if unlit else "take out what is left, blow the bar clean"
            self.problem = f"{'; '.join(faults)}: {remedy}; if it stays: logicienne doctor hardware"


def sensor_name(line: int, rows: int) -> str:
    """What people call a wire: 1, 2, … from the top row; T1 in line with them, T2 where the card comes first."""
    return str(line + 1) if line < rows else f"T{line - rows + 1}"
