"""Where the card was when: the two clock sensors followed edge by edge, forwards and back.

Two square waves a quarter out of phase tell the direction at every edge, so a hand may stop, tremble and turn back. A
mark that is missed or seen too often makes the count wrong by a whole pitch at the far end, and the card is refused.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from device.sweep import Sweep, Ticks, mirrored
from reader.reading import Code, Reason, Rejection
from reader.sweep.track import BOTH, Floats, Ints, Track

SLACK = 2
"""States beyond the first and the last whole one through which a sensor that has left the strip may seem to go."""
NO_STRIP = 0.25
"""Fewer edges than this share of the strip's, from a card that went all the way: that side has no strip."""
INNER = 3
"""Whole states that stand beside the card's edge, so that a place near it lies between two marks."""
# Forwards the states follow each other 1 → 3 → 2 → 0 → 1 (bit 1: sensor 0, bit 0: sensor 1).
_RANK = np.array([3, 0, 2, 1])


@dataclass(frozen=True, eq=False)
class Look:
    """One crossing of every whole state: state lo + k was crossed from `enter_s[k]` to `leave_s[k]`, without turning."""

    enter_s: Ticks
    leave_s: Ticks


@dataclass(frozen=True, eq=False)
class Pass:
    """One way of the card past the bar, its left edge first.

    sweep: the sweep in whose time this is; backwards in time for a card that went the other way.
    looks: the first crossing of each state and, where the hand turned back, the last one.
    lead, trail: (times, places) of marks around the card's left and right edge; empty when that edge did not pass.
    """

    sweep: Sweep
    looks: tuple[Look, ...]
    lead: tuple[Ticks, Floats]
    trail: tuple[Ticks, Floats]


@dataclass(frozen=True, eq=False)
class _Trace:
    """Clock edges in order: times, sensor, level and state after it, and the count of states (from any start)."""

    t: Ticks
    sensor: Ints
    level: Ints
    state: Ints
    count: Ints

    @property
    def in_left(self) -> bool:
        return bool(self.sensor[0] == 1)

    @property
    def out_right(self) -> bool:
        return bool(self.sensor[-1] == 0)


def follow(sweep: Sweep, track: Track) -> tuple[Pass, ...] | Rejection:
    """One pass, or two for a card that was pulled back out; both whole."""
    trace = _trace(sweep)
    if not len(trace.t):
        return _refused(Code.FED_WRONG)
    there_and_back = trace.in_left != trace.out_right
    if not there_and_back and len(trace.t) < NO_STRIP * len(track.u_mm):
        return _refused(Code.FED_WRONG)
    if not there_and_back and not trace.in_left:
        sweep = mirrored(sweep)
        trace = _trace(sweep)
    found = [_whole(sweep, trace, track)]
    if there_and_back:
        back = mirrored(sweep)
        found.append(_whole(back, _trace(back), track))
    passes = tuple(p for p in found if isinstance(p, Pass))
    return passes if len(passes) == len(found) else next(p for p in found if isinstance(p, Rejection))


def _refused(code: Code, found: str | None = None) -> Rejection:
    return Rejection((Reason(code, found=found),))


def _trace(sweep: Sweep) -> _Trace:
    t = np.concatenate([c.ticks_s for c in sweep.clock])
    sensor = np.repeat(np.array([0, 1], np.int64), [len(c.ticks_s) for c in sweep.clock])
    level = np.concatenate([c.levels for c in sweep.clock]).astype(np.int64)
    order = np.argsort(t, kind="stable")
    t, sensor, level = t[order], sensor[order], level[order]
    seen = [np.concatenate([[0], np.cumsum(np.where(sensor == k, 2 * level - 1, 0))]) for k in (0, 1)]
    states = 2 * seen[0] + seen[1]
    turn = (_RANK[states[1:]] - _RANK[states[:-1]] + 1) % 4 - 1
    return _Trace(t, sensor, level, states[1:], np.cumsum(turn))


def _whole(sweep: Sweep, trace: _Trace, track: Track) -> Pass | Rejection:
    """The way from the first whole state to the last. The card came in on the left, or left on the right, or both."""
    both = np.flatnonzero(trace.state == BOTH)
    if not len(both):
        return _refused(Code.PULLED_OUT)
    first, last = int(both[0]), int(both[-1])
    if trace.in_left:
        count = trace.count - trace.count[first] + track.lo
        missing = (track.hi if trace.out_right else track.lo) - int(count[last])
    else:
        count = trace.count - trace.count[last] + track.hi
        missing = track.hi - int(count[first])
    inside = count[first : last + 1]
    if missing or inside.min() < track.lo - SLACK or inside.max() > track.hi + SLACK:
        beyond = max(track.lo - int(inside.min()), int(inside.max()) - track.hi)
        return _refused(Code.CLOCK, found=f"{max(1, (abs(missing) or beyond) // 4)}")
    if trace.in_left and not trace.out_right:
        at_far = both[count[both] == track.hi]
        if not len(at_far):
            return _refused(Code.PULLED_OUT)
        last = int(at_far[0])
    elif trace.out_right and not trace.in_left:
        at_near = both[count[both] == track.lo]
        if not len(at_near):
            return _refused(Code.PULLED_OUT)
        first = int(at_near[-1])
    span = slice(first, last + 1)
    lead = _matched(trace, first + _last_up(count[span], track.lo), track, track.lo, -1) if trace.in_left else _NOTHING
    trail = _matched(trace, last + 1, track, track.hi + 1, 1) if trace.out_right else _NOTHING
    return Pass(sweep, _looks(trace.t[span], count[span], track), lead, trail)


_NOTHING: tuple[Ticks, Floats] = (np.empty(0), np.empty(0))


def _last_up(count: Ints, state: int) -> int:
    """The edge into `state` after which the count never falls below it again."""
    below = np.flatnonzero(count < state)
    return int(below[-1]) + 1 if len(below) else 0


def _looks(t: Ticks, count: Ints, track: Track) -> tuple[Look, ...]:
    wanted = np.arange(track.lo, track.hi)
    # The edge before the first one into state k + 1 led into state k, from below.
    first = np.searchsorted(np.maximum.accumulate(count), wanted + 1, side="left")
    early = Look(t[first - 1], t[first])
    if len(count) == len(wanted) + 1:
        return (early,)
    # After this edge the count never falls below k again: the next edge leads up and out of state k.
    last = np.searchsorted(np.minimum.accumulate(count[::-1])[::-1], wanted, side="left")
    return early, Look(t[last], t[last + 1])


def _matched(trace: _Trace, edge: int, track: Track, mark: int, way: int) -> tuple[Ticks, Floats]:
    """Edges that follow the strip's own order outwards from `edge`, which is the strip's `mark`, in order of time."""
    times: list[float] = []
    places: list[float] = []
    for k in range(-INNER, len(track.u_mm)):
        i, j = edge + way * k, mark + way * k
        there = 0 <= i < len(trace.t) and 0 <= j < len(track.u_mm)
        if there and trace.sensor[i] == track.sensor[j] and trace.level[i] == track.level[j]:
            times.append(float(trace.t[i]))
            places.append(float(track.u_mm[j]))
        elif k >= 0:
            break
        else:
            times, places = [], []
    return np.array(times[::way]), np.array(places[::way])
