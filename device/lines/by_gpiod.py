"""A bar's wires through libgpiod 2: one request for all, the kernel's own times, numbers that show every lost edge."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from device.gpio import GpioError
from device.lines.edge import Edge

EVENTS_MAX = 1024
"""The kernel's buffer: more than three cards."""
CHIP_LABELS = ("pinctrl-rp1", "pinctrl-bcm2711", "pinctrl-bcm2835")
"""The header's chip on a Pi 5, a Pi 4, and older ones."""
AT_ONCE_MAX = 50_000
"""Edges that one `wait` hands over; an oscillating wire must not keep it for ever."""
CONSUMER = "logicienne"


class GpiodLines:
    """See `device.lines.edge.Lines`.

    gpiod: the module (`import gpiod`); chip: its device file; inputs: data, then clock; led: the light's switch.
    """

    def __init__(
        self,
        gpiod: Any,
        chip: str,
        inputs: Sequence[int],
        led: int,
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._gpiod, self._inputs, self._number = gpiod, tuple(inputs), led
        self._sleep, self._clock = sleep, clock
        self._line = {number: k for k, number in enumerate(inputs)}
        self._next, self._lost = 0, 0
        line = gpiod.line
        listen = gpiod.LineSettings(
            direction=line.Direction.INPUT, edge_detection=line.Edge.BOTH, bias=line.Bias.DISABLED,
            event_clock=line.Clock.MONOTONIC,
        )  # fmt: skip
        switch = gpiod.LineSettings(direction=line.Direction.OUTPUT, output_value=line.Value.ACTIVE)
        self._led: Any = None
        self._events: Any = None
        try:
            self._led = gpiod.request_lines(chip, consumer=CONSUMER, config={led: switch})
            self._events = gpiod.request_lines(
                chip, consumer=CONSUMER, config={self._inputs: listen}, event_buffer_size=EVENTS_MAX
            )
        except (OSError, ValueError) as error:
            self.close()
            raise GpioError(
                f"{chip}: the bar's pins cannot be used ({error}); is another program using them?"
            ) from error

    def wait(self, timeout_s: float) -> list[Edge]:
        """See `Lines`."""
        edges: list[Edge] = []
        rising = self._gpiod.EdgeEvent.Type.RISING_EDGE
        while len(edges) < AT_ONCE_MAX and self._events.wait_edge_events(0.0 if edges else timeout_s):
            for event in self._events.read_edge_events():
                # From 1, counting up over all lines of the request; the kernel drops the oldest when nobody reads.
                self._lost += max(event.global_seqno - self._next - 1, 0)
                self._next = event.global_seqno
                edges.append(Edge(self._line[event.line_offset], event.timestamp_ns * 1e-9, event.event_type is rising))
        return edges

    def levels(self) -> tuple[bool, ...]:
        """See `Lines`."""
        active = self._gpiod.line.Value.ACTIVE
        return tuple(value is active for value in self._events.get_values(self._inputs))

    def lost(self) -> int:
        """See `Lines`."""
        lost, self._lost = self._lost, 0
        return lost

    def light(self, on: bool) -> None:
        """See `Lines`."""
        value = self._gpiod.line.Value
        self._led.set_value(self._number, value.ACTIVE if on else value.INACTIVE)

    def now_s(self) -> float:
        """See `Lines`."""
        return self._clock()

    def close(self) -> None:
        """See `Lines`."""
        if self._led is not None:
            self.light(False)
            self._led.release()
        if self._events is not None:
            self._events.release()
        self._led = self._events = None


def header_chip(gpiod: Any, folder: Path = Path("/dev")) -> str:
    """The device file of the chip behind the 40-pin header. Raises `GpioError` where there is none."""
    for path in sorted(folder.glob("gpiochip*")):
        try:
            with gpiod.Chip(str(path)) as chip:
                if chip.get_info().label in CHIP_LABELS:
                    return str(path)
        except OSError:
            continue
    raise GpioError(
        "no chip of a Raspberry Pi's header here; name one with chip=/dev/gpiochip0, and let the user be in the group gpio"
    )
