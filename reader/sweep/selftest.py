"""The bar tested on every card, as the historic readers did: all light without a card, dark on its margins, light again.

Also whether an edge was lost on the way here: a level that does not alternate, or is not the one that was read at the end.
"""

from __future__ import annotations

import numpy as np

from device.sweep import Channel, Sweep
from reader.reading import Code, Reason, Rejection


def self_test(sweep: Sweep) -> Rejection | None:
    """What is wrong before the sweep is even decoded. Sensors are numbered from the top; T1 and T2 are the clock."""
    if sweep.lost:
        return _fault(Code.EDGES_LOST, "?")
    names = [str(k + 1) for k in range(len(sweep.data))]
    for name, channel in zip(names, sweep.data, strict=True):
        if not (channel.before and channel.after):
            return _fault(Code.SENSOR_DARK, name)
    for name, channel in zip(("T1", "T2"), sweep.clock, strict=True):
        if channel.before or channel.after:
            return _fault(Code.SENSOR_LIGHT, name)
    for name, channel in zip([*names, "T1", "T2"], [*sweep.data, *sweep.clock], strict=True):
        if not _alternates(channel):
            return _fault(Code.EDGES_LOST, name)
    for name, channel in zip(names, sweep.data, strict=True):
        if not len(channel.ticks_s):
            return _fault(Code.SENSOR_LIGHT, name)
    return None


def _fault(code: Code, sensor: str) -> Rejection:
    return Rejection((Reason(code, found=sensor),))


def _alternates(channel: Channel) -> bool:
    ticks, levels = channel.ticks_s, channel.levels
    if len(ticks) != len(levels) or not np.isfinite(ticks).all() or (np.diff(ticks) < 0).any():
        return False
    known = np.concatenate([[channel.before], levels])
    return bool((known[1:] != known[:-1]).all()) and bool(known[-1]) == channel.after
