"""A bar's wires through gpiozero's pins: the layer below its devices, where edges still have their time."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any

from device.gpio import GpioError
from device.lines.edge import Edge

STEP_S = 0.004
"""How often the queue is looked at while a caller waits; edges keep their own time."""
QUEUE_MAX = 200_000
"""Edges that wait to be fetched: 700 cards. Beyond that something oscillates, and what is dropped is counted as lost."""


class _Listener:
    """One wire's callback. The pin keeps only a weak reference to it: whoever listens must hold the listener."""

    def __init__(self, line: int, queue: deque[tuple[int, Any, bool]]) -> None:
        self._line, self._queue = line, queue
        self.dropped = 0

    def changed(self, ticks: Any, state: Any) -> None:
        """Called by the library's thread: nothing but an append, so that no edge has to wait."""
        if len(self._queue) < QUEUE_MAX:
            self._queue.append((self._line, ticks, bool(state)))
        else:
            self.dropped += 1


class GpiozeroLines:
    """See `device.lines.edge.Lines`. Never `bounce_time`: it loses edges; hysteresis belongs in hardware.

    factory: of gpiozero; inputs: data, then clock; led: the light's switch. sleep: how to wait, for a test's clock.
    """

    def __init__(
        self, factory: Any, inputs: Sequence[int], led: int, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        self._factory, self._sleep = factory, sleep
        self._origin = factory.ticks()
        self._queue: deque[tuple[int, Any, bool]] = deque()
        self._listeners = [_Listener(k, self._queue) for k in range(len(inputs))]
        self._pins: list[Any] = []
        self._reserved: list[int] = []
        try:
            self._led = self._pin(led)
            self._led.output_with_state(True)
            for number in inputs:
                pin = self._pin(number)
                # Driven by a gate or a comparator with a pull-up of its own.
                pin.input_with_pull("floating")
                self._pins.append(pin)
            for pin, listener in zip(self._pins, self._listeners, strict=True):
                pin.edges = "both"
                pin.when_changed = listener.changed
        except Exception as error:
            self.close()
            raise GpioError(f"the bar's pins cannot be used ({error}); is another program using them?") from error

    def _conflicts_with(self, other: object) -> bool:
        """For gpiozero's book of who holds which pin."""
        return True

    def _pin(self, number: int) -> Any:
        self._factory.reserve_pins(self, number)
        self._reserved.append(number)
        return self._factory.pin(number)

    def wait(self, timeout_s: float) -> list[Edge]:
        """See `Lines`."""
        end = self.now_s() + timeout_s
        while not self._queue and (left := end - self.now_s()) > 0:
            self._sleep(min(STEP_S, left))
        take, since, origin = self._queue.popleft, self._factory.ticks_diff, self._origin
        edges = []
        for _ in range(len(self._queue)):
            line, ticks, level = take()
            edges.append(Edge(line, since(ticks, origin), level))
        return edges

    def levels(self) -> tuple[bool, ...]:
        """See `Lines`."""
        return tuple(bool(pin.state) for pin in self._pins)

    def lost(self) -> int:
        """What did not fit into the queue; that an edge never came shows only in levels that do not alternate."""
        dropped = 0
        for listener in self._listeners:
            dropped += listener.dropped
            listener.dropped = 0
        return dropped

    def light(self, on: bool) -> None:
        """See `Lines`."""
        self._led.state = on

    def now_s(self) -> float:
        """See `Lines`."""
        return float(self._factory.ticks_diff(self._factory.ticks(), self._origin))

    def close(self) -> None:
        """See `Lines`."""
        for pin in self._pins:
            pin.when_changed = None
        for number in self._reserved:
            pin = self._factory.pin(number)
            if pin.function == "output":
                pin.state = False
            pin.close()
        if self._reserved:
            self._factory.release_pins(self, *self._reserved)
        self._pins, self._reserved = [], []
