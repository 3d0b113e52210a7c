"""libgpiod as a program sees it, with the kernel behind it played by a rig: numbered events in a bounded buffer."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from types import SimpleNamespace
from typing import Any

from device.simulator.rig import Rig


class FakeGpiod:
    """The names of the real module that the code uses, `request_lines` but for its kernel."""

    def __init__(self, rig: Rig, inputs: Sequence[int], led: int, buffer: int = 1024) -> None:
        import gpiod

        self.line, self.LineSettings, self.EdgeEvent = gpiod.line, gpiod.LineSettings, gpiod.EdgeEvent
        self.rig, self.inputs, self.led, self.buffer = rig, list(inputs), led, buffer
        self.requests: list[dict[Any, Any]] = []
        self.events: deque[Any] = deque()
        self.seqno = 0

    def request_lines(self, path: str, consumer: str, config: dict[Any, Any], event_buffer_size: int = 16) -> Any:
        self.requests.append(config)
        if list(config) == [self.led]:
            return _Output(self)
        self.buffer = min(self.buffer, event_buffer_size)
        self.rig.wire(self._edge)
        return _Input(self)

    def _edge(self, line: int, level: bool, heard: bool) -> None:
        if self.seqno == 0 and not heard and self.rig.now_s == 100.0:
            return  # the state at the request, which is no edge
        self.seqno += 1
        kind = self.EdgeEvent.Type.RISING_EDGE if level else self.EdgeEvent.Type.FALLING_EDGE
        if heard:
            if len(self.events) == self.buffer:
                self.events.popleft()
            nanoseconds = round(self.rig.now_s * 1e9)
            self.events.append(
                SimpleNamespace(
                    event_type=kind,
                    timestamp_ns=nanoseconds,
                    line_offset=self.inputs[line],
                    global_seqno=self.seqno,
                )
            )


class _Output:
    def __init__(self, kernel: FakeGpiod) -> None:
        self._kernel = kernel
        kernel.rig.switch(True)

    def set_value(self, number: int, value: Any) -> None:
        assert number == self._kernel.led
        self._kernel.rig.switch(value is self._kernel.line.Value.ACTIVE)

    def release(self) -> None:
        self._kernel.requests.pop()


class _Input:
    def __init__(self, kernel: FakeGpiod) -> None:
        self._kernel = kernel

    def wait_edge_events(self, timeout: float) -> bool:
        until = self._kernel.rig.now_s + timeout
        while not self._kernel.events and self._kernel.rig.now_s < until:
            self._kernel.rig.sleep(min(0.001, until - self._kernel.rig.now_s))
        return bool(self._kernel.events)

    def read_edge_events(self) -> list[Any]:
        events = list(self._kernel.events)
        self._kernel.events.clear()
        return events

    def get_values(self, numbers: Sequence[int]) -> list[Any]:
        value, shown = self._kernel.line.Value, self._kernel.rig.shows()
        return [value.ACTIVE if shown[self._kernel.inputs.index(n)] else value.INACTIVE for n in numbers]

    def release(self) -> None:
        self._kernel.requests.pop()


Make = Callable[[Rig], Any]
