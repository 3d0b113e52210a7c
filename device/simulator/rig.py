"""A simulated bar on simulated wires, seen from the hardware's side: what each sensor sees, its lamp, its faults, its time.

`Rig` is the physics; `TimedFactory` puts it behind gpiozero's mock pins with timestamps under control. `play` feeds it
a `Sweep` as the simulator's hand makes it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from gpiozero.pins.mock import MockFactory, MockPin

from device.sweep import Sweep

Drive = Callable[[int, bool, bool], None]
"""(wire, level, whether the library hears of it)."""
NOTHING: Mapping[int, Callable[[bool], None]] = {}


class Rig:
    """Sensors over a card that moves by itself while anybody sleeps.

    stuck: wires that show one level whatever happens. sunlit: data sensors that see light without their lamp.
    lose: called with (wire, number of its edge from 0); true: the edge never reaches the library.
    """

    def __init__(self, rows: int) -> None:
        self.rows, self.now_s, self.lamp = rows, 100.0, False
        self.stuck: dict[int, bool] = {}
        self.sunlit: set[int] = set()
        self.lose: Callable[[int, int], bool] = lambda line, number: False
        self._seen = [True] * rows + [False, False]
        self._shown = [False] * (rows + 2)
        self._count = [0] * (rows + 2)
        self._coming: deque[tuple[float, int, bool]] = deque()
        self._drives: list[Drive] = []

    def wire(self, drive: Drive) -> None:
        """Have `drive(wire, level, heard)` called at every change; `heard` is false for an edge that gets lost."""
        self._drives.append(drive)
        for line, level in enumerate(self._shown):
            drive(line, level, False)
        self.update()

    def switch(self, on: bool) -> None:
        """The lamp's transistor."""
        self.lamp = on
        self.update()

    def sleep(self, seconds: float) -> None:
        """Time goes by, and the card with it."""
        # No sleep is shorter than a system's.
        end = self.now_s + max(seconds, 1e-6)
        while self._coming and self._coming[0][0] <= end:
            self.now_s, line, level = self._coming.popleft()
            self._seen[line] = level
            self.update(line)
        self.now_s = end

    def play(self, sweep: Sweep, in_s: float = 0.5) -> float:
        """Let a card begin so long from now, after whatever still comes; returns how long until it is through."""
        begin = max(self.now_s, self._coming[-1][0] if self._coming else 0.0) + in_s
        channels = [*sweep.data, *sweep.clock]
        first = min((float(c.ticks_s[0]) for c in channels if len(c.ticks_s)), default=0.0)
        edges = [
            (begin + float(at) - first, line, bool(level))
            for line, channel in enumerate(channels)
            for at, level in zip(channel.ticks_s, channel.levels, strict=True)
        ]
        self._coming.extend(sorted(edges))
        return self._coming[-1][0] - self.now_s if self._coming else 0.0

    def shows(self) -> tuple[bool, ...]:
        """What every wire's level is."""
        return tuple(self._shown)

    def update(self, *lines: int) -> None:
        """Bring the wires to what the sensors see, after a change of seeing, lamp or fault."""
        for line in lines or range(self.rows + 2):
            level = self._level(line)
            if level != self._shown[line]:
                self._shown[line] = level
                heard = not self.lose(line, self._count[line])
                self._count[line] += 1
                for drive in self._drives:
                    drive(line, level, heard)

    def _level(self, line: int) -> bool:
        if line in self.stuck:
            return self.stuck[line]
        lit = line >= self.rows or self.lamp or line in self.sunlit
        return self._seen[line] and lit


class TimedPin(MockPin):  # type: ignore[misc]  # gpiozero has no types
    """A mock pin whose edges carry the factory's time."""

    _state: Any

    def _change_state(self, value: Any) -> bool:
        if value is self._state or value == self._state:
            return False
        self._state = value
        self._last_change = self.factory.ticks()
        if self._function == "output":
            self.factory.put_out(self.info.name, bool(value))
        return True

    def show(self, level: bool, heard: bool) -> None:
        """The hardware's side: this level from now on, and whether the library hears of it."""
        if not heard:
            self._state = level
        elif level:
            self.drive_high()
        else:
            self.drive_low()


class TimedFactory(MockFactory):  # type: ignore[misc]  # gpiozero has no types
    """Mock pins on a clock of the test's own. outputs: what to call when a pin (BCM number) is driven by the program."""

    def __init__(self, now_s: Callable[[], float]) -> None:
        self._now_s = now_s
        self.outputs: dict[int, Callable[[bool], None]] = {}
        super().__init__(pin_class=TimedPin)

    def ticks(self) -> float:
        """The clock's time."""
        return self._now_s()

    def put_out(self, name: str, level: bool) -> None:
        """A pin was driven."""
        call = self.outputs.get(int(name.removeprefix("GPIO")))
        if call is not None:
            call(level)


def wired(
    rig: Rig, inputs: Sequence[int], led: int, others: Mapping[int, Callable[[bool], None]] = NOTHING
) -> TimedFactory:
    """gpiozero's mock pins with the rig behind them: data and clock on `inputs`, the lamp on `led`."""
    factory = TimedFactory(lambda: rig.now_s)
    factory.outputs = {led: rig.switch, **others}
    pins = [factory.pin(number) for number in inputs]
    rig.wire(lambda line, level, heard: pins[line].show(level, heard))
    return factory
