"""One card that went past a row of sensors: when each sensor changed, and what it showed before and after.

Whatever times the edges (gpiozero, gpiod, the sensor head, the simulator) ends in this; `reader.sweep` begins with it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

Ticks = NDArray[np.float64]
Levels = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Channel:
    """One sensor's part.

    ticks_s: (n,) float64 seconds, never falling, from any origin that all channels of a sweep share.
    levels: (n,) bool, the level from each tick on. before, after: read with no card in the bar.
    For a data sensor `True` is light (a hole, or no card); for a clock sensor it is paper (a bar or no card is `False`).
    """

    ticks_s: Ticks
    levels: Levels
    before: bool
    after: bool


@dataclass(frozen=True, eq=False)
class Sweep:
    """One card.

    bar: the id of the mechanical bar, as layouts name it (`sensor_bar.id`).
    data: one channel a row, from the top of the card. clock: in line with the data sensors, and the one after which the
    card's left edge comes to them.
    lost: edges that the source knows to have lost (sequence numbers, counters); two that belong to one hole leave no trace
    in the levels.
    mark: the source's own name of this one pass, the same whenever it is handed over again; '' for one that cannot be.
    """

    bar: str
    data: tuple[Channel, ...]
    clock: tuple[Channel, Channel]
    lost: int = 0
    mark: str = ""


def level_at(channel: Channel, times_s: Ticks) -> Levels:
    """The level at each time, shape kept; before the first tick it is `before`."""
    known = np.concatenate([[channel.before], channel.levels])
    return np.asarray(known[np.searchsorted(channel.ticks_s, times_s, side="right")], np.bool_)


def is_peek(sweep: Sweep) -> bool:
    """Whether no card went past: its left edge showed to the clock sensor that it meets first, and rested there or went back.

    On a timing bar that sensor then sees what it sees without a card, so a source that waits for quiet takes it for the end.
    """
    met_first = sweep.clock[1]
    others_rest = all(c.before and c.after and not len(c.ticks_s) for c in sweep.data)
    line = sweep.clock[0]
    return (
        others_rest
        and not (line.before or line.after or len(line.ticks_s) or met_first.before or met_first.after)
        and not sweep.lost
    )


def mirrored(sweep: Sweep) -> Sweep:
    """The same card as if time had run backwards: what left on the right now comes in there."""
    first, second = (_backwards(c) for c in sweep.clock)
    return replace(sweep, data=tuple(_backwards(c) for c in sweep.data), clock=(first, second))


def _backwards(channel: Channel) -> Channel:
    known = np.concatenate([[channel.before], channel.levels])
    return Channel(-channel.ticks_s[::-1], known[-2::-1], channel.after, channel.before)
