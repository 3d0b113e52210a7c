"""What a bar's wires must tell, whichever library listens to them."""

from __future__ import annotations

from typing import NamedTuple, Protocol


class Edge(NamedTuple):
    """One change. line: data sensors from the top, then the two of the clock; at_s: seconds on the source's own clock.

    level: `True` is light for a data sensor and paper for a clock sensor.
    """

    line: int
    at_s: float
    level: bool


class Lines(Protocol):
    """All wires of a bar at once."""

    def wait(self, timeout_s: float) -> list[Edge]:
        """What changed since this was last asked; waits until something does, or the time is up."""
        ...

    def levels(self) -> tuple[bool, ...]:
        """What every wire shows now, data first."""
        ...

    def lost(self) -> int:
        """Edges that are known to have been lost since this was last asked."""
        ...

    def light(self, on: bool) -> None:
        """Switch the data sensors' light."""
        ...

    def now_s(self) -> float:
        """Seconds; only differences mean anything."""
        ...

    def close(self) -> None:
        """Let go of the wires, light off. Harmless a second time."""
        ...
