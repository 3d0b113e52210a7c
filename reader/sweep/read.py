"""One sweep, one reading or one rejection."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from calibration.sensor_profile import SensorProfile
from cards.bar import Cell, code_cells
from cards.errors import LogicienneError
from cards.layout import Layout, SensorBar
from device.sweep import Sweep, level_at
from reader.reading import Code, Reading, Reason, Rejection, Thresholds
from reader.sweep.clock import Pass, follow
from reader.sweep.code import code_fault, code_leans
from reader.sweep.judgement import scores_of, strays_of
from reader.sweep.selftest import self_test
from reader.sweep.skew import POINT_MM, Lean, Line, Skew, combined, line, places_at
from reader.sweep.track import Track, edges_mm, track_of
from reader.sweep.votes import Votes, times_at, vote

SKEW_MAX_DEG = 2.4
"""Beyond this the holes at the card's ends lie beside their sensors."""
TORN_MM = 0.8
"""An edge that is further from straight than this is torn, folded, or seen by a sensor that sits beside its place."""
SHIFT_MAX_MM = 2.5
"""Print lies no further off the paper's edge."""
EVEN_MM = 0.8
"""An edge that came while the hand stopped or turned is placed worse than this, and tells nothing."""
SURE_MM = 1.2
"""The row furthest from the strip must be placed at least so well (two standard deviations)."""
AGAIN_MM = 0.1
"""Votes are taken again when the code holes move the furthest row by more than this."""
MARGIN_FROM_MM = 6.0
MARGIN_TO_MM = 3.0
"""Of the margin, what is looked at: from so far behind the card's edge to so far before the first place's reach."""


class ForeignBar(LogicienneError, ValueError):
    """Sweeps of a bar that no layout in use is made for."""


@dataclass(frozen=True, eq=False)
class _Card:
    """A layout as the bar sees it."""

    layout: Layout
    bar: SensorBar
    track: Track
    code: frozenset[Cell]


def read_sweep(sweep: Sweep, layouts: Sequence[Layout], profile: SensorProfile | None = None) -> Reading | Rejection:
    """Read the card that went past the bar, under whichever of the layouts its code holes name.

    profile: of the bar, which readings then name; a sweep of another bar is refused.

    Never raises for a poor sweep: a `Rejection` names the reason. Raises `ForeignBar` when no layout is for this bar.
    """
    if profile is not None and (profile.bar, profile.rows) != (sweep.bar, len(sweep.data)):
        found, expected = f"{sweep.bar}, {len(sweep.data)} rows", f"{profile.bar}, {profile.rows} rows"
        return Rejection((Reason(Code.PROFILE_MISMATCH, found=found, expected=expected),))
    cards = [_card(layout, bar) for layout in layouts if (bar := _bar_for(sweep, layout)) is not None]
    if not cards:
        known = ", ".join(sorted({y.sensor_bar.id for y in layouts if y.sensor_bar})) or "none"
        raise ForeignBar(
            f"no card in use is made for the bar {sweep.bar!r} with {len(sweep.data)} rows (they name: {known}); "
            "name such a card with --layout, or correct the bar's name at the machine"
        )
    fault = self_test(sweep)
    if fault is not None:
        return fault
    outcomes = [_read(sweep, card) for card in cards]
    readings = [o for o in outcomes if isinstance(o, Reading)]
    if len(readings) == 1:
        return readings[0] if profile is None else replace(readings[0], profile=profile.label)
    if readings:
        return Rejection((Reason(Code.AMBIGUOUS_FIT),))
    # A layout of another code says only that; the one the card really has knows better.
    refused = [o for o in outcomes if isinstance(o, Rejection)]
    return next((r for r in refused if r.reasons[0].code is not Code.CODE_HOLES), refused[0])


def _bar_for(sweep: Sweep, layout: Layout) -> SensorBar | None:
    bar = layout.sensor_bar
    return bar if bar is not None and bar.id == sweep.bar and len(bar.rows_mm) == len(sweep.data) else None


def _card(layout: Layout, bar: SensorBar) -> _Card:
    return _Card(layout, bar, track_of(layout.width_mm, bar), code_cells(layout, bar))


def _read(sweep: Sweep, card: _Card) -> Reading | Rejection:
    passes = follow(sweep, card.track)
    if isinstance(passes, Rejection):
        return passes
    votes: list[Votes] = []
    print_off = 0.0
    for k, way in enumerate(passes):
        one = _read_pass(way, card)
        if isinstance(one, Rejection):
            return one
        votes += one[0]
        print_off = one[1] if k == 0 else print_off
    thresholds = Thresholds()
    scores = scores_of(card.layout, card.bar, votes, thresholds)
    if scores is None:
        return Rejection((Reason(Code.PASSES_DISAGREE),), card.layout.identity)
    return Reading(
        source="sweep",
        layout=card.layout.identity,
        layout_digest=card.layout.digest,
        face="front",
        scores=scores,
        thresholds=thresholds,
        strays=strays_of(card.layout, card.bar, card.code, votes),
        print_shift_mm=(print_off, 0.0),
    )


def _read_pass(way: Pass, card: _Card) -> tuple[list[Votes], float] | Rejection:
    """The votes of every look of one pass, and how far the print lies off the paper's edge."""
    lit = _lit_margin(way, card)
    if lit is not None:
        return Rejection((Reason(Code.SENSOR_LIGHT, found=str(lit + 1)),))
    leans, print_off = _edge_leans(way, card)
    if isinstance(leans, Rejection):
        return leans
    skew = combined(leans, card.layout.width_mm)
    reach = float(np.abs(np.array(card.bar.rows_mm) - card.bar.track_mm).max())
    if _too_far(skew):
        return _skewed(skew)
    votes = [vote(way, look, card.track, card.bar, skew) for look in way.looks]
    better = combined([*leans, *code_leans(card.bar, card.code, votes[0], skew)], card.layout.width_mm)
    if _too_far(better):
        return _skewed(better)
    if 2 * better.sigma * reach > SURE_MM:
        return Rejection((Reason(Code.UNSTEADY),))
    ends = np.array([0.0, card.layout.width_mm])
    if float(np.abs(better.slope(ends) - skew.slope(ends)).max()) * reach > AGAIN_MM:
        votes = [vote(way, look, card.track, card.bar, better) for look in way.looks]
    for one in votes:
        reason = code_fault(card.layout, card.bar, card.code, one, better)
        if reason is not None:
            return Rejection((reason,))
    return votes, print_off


def _too_far(skew: Skew) -> bool:
    return bool(np.abs(skew.slope(np.array([0.0, skew.width_mm]))).max() > math.tan(math.radians(SKEW_MAX_DEG)))


def _skewed(skew: Skew) -> Rejection:
    worst = float(np.abs(skew.slope(np.array([0.0, skew.width_mm]))).max())
    return Rejection((Reason(Code.SKEWED, found=f"{math.degrees(math.atan(worst)):.1f}"),))


def _lit_margin(way: Pass, card: _Card) -> int | None:
    """The first row that sees light where there is nothing but paper."""
    track, bar = card.track, card.bar
    near = np.linspace(max(MARGIN_FROM_MM, track.u_mm[track.lo]), bar.first_mm - bar.pitch_mm / 2 - MARGIN_TO_MM, 24)
    far = np.linspace(bar.columns_mm[-1] + bar.pitch_mm / 2 + MARGIN_TO_MM, track.u_mm[track.hi] - 0.1, 12)
    for look in way.looks:
        times = times_at(np.concatenate([near, far]), look, track)
        for row, channel in enumerate(way.sweep.data):
            if level_at(channel, times).any():
                return row
    return None


def _edge_leans(way: Pass, card: _Card) -> tuple[list[Lean] | Rejection, float]:
    """What the card's two short edges tell of its skew, and how far the print lies off the paper's left edge."""
    rows = np.array(card.bar.rows_mm)
    left, right = edges_mm(card.layout, card.bar)
    inside = float(times_at(np.array([MARGIN_FROM_MM]), way.looks[-1], card.track)[0])
    came = np.array([c.ticks_s[np.searchsorted(c.ticks_s, inside, side="right") - 1] for c in way.sweep.data])
    gone = np.array([c.ticks_s[-1] for c in way.sweep.data])
    leans: list[Lean] = []
    print_off = 0.0
    for side, times, marks, expected in (("left", came, way.lead, left), ("right", gone, way.trail, right)):
        if len(marks[0]) < 3:
            continue
        places, off_mm = places_at(times, marks)
        seen = line(rows, places - expected, card.bar.track_mm)
        if seen is None or off_mm > EVEN_MM:
            continue
        if seen.worst_mm > TORN_MM + off_mm or abs(seen.at_strip_mm) > SHIFT_MAX_MM + 2 * off_mm:
            if side == "left":
                return Rejection((Reason(Code.TORN_EDGE),)), 0.0
            # The right edge passes after the last mark, where a stop looks like a tear. The code holes say enough.
            continue
        leans.append(_lean(seen, float(expected.mean()), off_mm))
        print_off = round(-seen.at_strip_mm, 2) if side == "left" else print_off
    return leans, print_off


def _lean(seen: Line, u_mm: float, off_mm: float) -> Lean:
    return Lean(u_mm, seen.slope, math.hypot(POINT_MM, off_mm) / seen.spread_mm)
