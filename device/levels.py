"""What a bar of sensors shows at rest, for whoever calibrates it: levels at one moment, at any light.

Begin with `open_bench`.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from device.source import MAKERS, SourceError, parsed


@dataclass(frozen=True, eq=False)
class SensorLevels:
    """lit: (channels,) bool, data sensors from the top and then the two of the clock, as `device.sweep.Channel` has them.

    analogue: (channels,) float64, 0 to 1 of full scale, 1 the most light; `None` from sensors that tell light from dark only.
    """

    lit: NDArray[np.bool_]
    analogue: NDArray[np.float64] | None = None


class Bench(Protocol):
    """A bar of sensors that records no cards, but tells what its sensors see."""

    name: str

    @property
    def bar(self) -> str:
        """Its id, as layouts name it. Raises `SourceError` when nothing answers."""
        ...

    @property
    def rows(self) -> int:
        """Data sensors. Raises `SourceError`."""
        ...

    @property
    def duty_max(self) -> int:
        """The most light, in 1/1000 of what its driver gives."""
        ...

    @property
    def dims(self) -> bool:
        """Whether its light can be anything between off and that; else it is on at every duty but 0."""
        ...

    def levels(self, duty: int) -> SensorLevels:
        """One look at this much light, settled. Raises `SourceError` when nothing answers."""
        ...

    def now_s(self) -> float:
        """Seconds on the clock that its looks follow."""
        ...

    def draw(self) -> None:
        """A card is about to be drawn through; where a hand is simulated, it does so now."""
        ...

    def close(self) -> None:
        """Let it go. Harmless a second time."""
        ...


def tells_levels(spec: str) -> bool:
    """Whether `spec` names a bar of sensors. Raises `SourceError` for what is no source at all."""
    return hasattr(import_module(MAKERS[parsed(spec)[0]][0]), "bench")


def open_bench(spec: str) -> Bench:
    """The bar that `spec` names, as for `open_source`. Raises `SourceError` for a source that has none."""
    scheme, where, options = parsed(spec)
    if not tells_levels(spec):
        raise SourceError(
            f"{spec}: tells no levels of sensors; give head:/dev/ttyACM0, sensors:, or sim-bar: to try it"
        )
    bench: Bench = import_module(MAKERS[scheme][0]).bench(where, options)
    options.refuse_unknown(bench.close)
    return bench
