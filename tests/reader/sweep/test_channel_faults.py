"""Every channel, every fault, on a blank card and on one with every hole, for every shipped card that a bar can read.

A stuck, dead, swapped or shifted channel shows on the first card, whatever is punched in it.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from cards.layout import Layout
from cards.load import find_layout, shipped
from device.simulator.feed import Eye
from device.sweep import Channel, Sweep
from reader.reading import Code, Punch, Reading, Rejection
from reader.sweep.read import read_sweep
from tests.reader.sweep.builders import bar_for, punched, swept, with_channel

BARRED = {layout.id: layout for layout in map(find_layout, shipped()) if layout.sensor_bar is not None}
MOMENTS = (0.02, 0.1, 0.25, 0.4, 0.5, 0.6, 0.75, 0.9, 0.95, 0.99)
"""Of the time between a channel's first edge and its last: when it dies."""
TOO_LATE = 0.9
"""What dies after that has seen all there is to see; it shows on the next card, which it meets wrong at rest."""
OFF_MM = (2.0, 4.5, 9.0, 18.0)
CLOCK_OFF_MM = (0.5, 1.0, 1.5, 2.0, 2.25, 2.5, 3.0, 3.5, 4.0, 4.5, 6.0, 9.0, 13.5, 18.0)
CLOCK_SHOWS_MM = 2.3
"""A quarter of a pitch: less, and the two clock sensors still tell forwards from backwards."""


def rows(layout: Layout) -> int:
    assert layout.sensor_bar is not None
    return len(layout.sensor_bar.rows_mm)


def holes(layout: Layout, kind: str) -> frozenset[str]:
    return frozenset() if kind == "blank" else frozenset(p.name for p in layout.positions)


def sound(layout: Layout, kind: str) -> Sweep:
    return swept(layout, wanted=holes(layout, kind))[0]


def name(layout: Layout, k: int) -> str:
    return str(k + 1) if k < rows(layout) else f"T{k - rows(layout) + 1}"


def refused(sweep: Sweep, layout: Layout) -> Rejection:
    outcome = read_sweep(sweep, [layout])
    assert isinstance(outcome, Rejection), "a card was read past a faulty channel"
    return outcome


def nothing_false(sweep: Sweep, layout: Layout, wanted: frozenset[str]) -> None:
    outcome = read_sweep(sweep, [layout])
    if isinstance(outcome, Reading):
        assert all(
            punch is not (Punch.CLEAR if n in wanted else Punch.PUNCHED) for n, punch in outcome.punches().items()
        )


EVERY_LAYOUT = pytest.mark.parametrize("layout", BARRED.values(), ids=BARRED)
EITHER_CARD = pytest.mark.parametrize("kind", ["blank", "full"])
EVERY_CHANNEL = pytest.mark.parametrize(
    ("layout", "k"),
    [pytest.param(y, k, id=f"{i}-{name(y, k)}") for i, y in BARRED.items() for k in range(rows(y) + 2)],
)


@EVERY_LAYOUT
@EITHER_CARD
def test_without_a_fault_the_card_is_read(layout: Layout, kind: str) -> None:
    assert punched(read_sweep(sound(layout, kind), [layout])) == holes(layout, kind)


@EVERY_CHANNEL
@EITHER_CARD
@pytest.mark.parametrize("level", [False, True])
def test_a_channel_that_never_changes_is_named(layout: Layout, k: int, kind: str, level: bool) -> None:
    """Stuck, torn off, without light: whatever its line shows then."""
    stuck = Channel(np.empty(0), np.empty(0, np.bool_), level, level)
    reason = refused(with_channel(sound(layout, kind), k, stuck), layout).reasons[0]
    if k < rows(layout):
        assert reason.code is (Code.SENSOR_LIGHT if level else Code.SENSOR_DARK) and reason.found == name(layout, k)
    elif level:
        assert reason.code is Code.SENSOR_LIGHT and reason.found == name(layout, k)


@EVERY_CHANNEL
@EITHER_CARD
@pytest.mark.parametrize("level", [False, True])
def test_a_channel_that_dies_while_a_card_passes_shows(layout: Layout, k: int, kind: str, level: bool) -> None:
    whole = sound(layout, kind)
    channel = (*whole.data, *whole.clock)[k]
    for share in MOMENTS:
        dies_s = channel.ticks_s[0] + share * (channel.ticks_s[-1] - channel.ticks_s[0])
        n = int(np.searchsorted(channel.ticks_s, dies_s))
        ticks, levels = channel.ticks_s[:n], channel.levels[:n]
        if bool(levels[-1]) is not level:
            ticks, levels = np.append(ticks, dies_s), np.append(levels, level)
        dead = with_channel(whole, k, Channel(ticks, levels, channel.before, level))
        if share <= TOO_LATE:
            refused(dead, layout)
        nothing_false(dead, layout, holes(layout, kind))


@EVERY_CHANNEL
@EITHER_CARD
def test_two_lines_exchanged_show(layout: Layout, k: int, kind: str) -> None:
    whole = sound(layout, kind)
    channels = (*whole.data, *whole.clock)
    for other in range(len(channels)):
        if other != k:
            refused(with_channel(with_channel(whole, k, channels[other]), other, channels[k]), layout)


@EVERY_LAYOUT
@EITHER_CARD
def test_all_lines_one_or_more_further_show(layout: Layout, kind: str) -> None:
    whole = sound(layout, kind)
    channels = (*whole.data, *whole.clock)
    for by in range(1, len(channels)):
        turned = [channels[(k + by) % len(channels)] for k in range(len(channels))]
        refused(replace(whole, data=tuple(turned[:-2]), clock=(turned[-2], turned[-1])), layout)


@pytest.mark.parametrize(
    ("layout", "k"), [pytest.param(y, k, id=f"{i}-{k + 1}") for i, y in BARRED.items() for k in range(rows(y))]
)
@EITHER_CARD
def test_a_data_sensor_beside_its_place_shows(layout: Layout, k: int, kind: str) -> None:
    for off_mm in (*OFF_MM, *(-o for o in OFF_MM)):
        eyes = tuple(Eye(off_mm=off_mm if j == k else 0.0) for j in range(rows(layout)))
        refused(swept(layout, wanted=holes(layout, kind), bar=bar_for(layout, eyes=eyes))[0], layout)


@EVERY_LAYOUT
@EITHER_CARD
@pytest.mark.parametrize("which", [0, 1])
def test_a_clock_sensor_beside_its_place_shows_or_does_no_harm(layout: Layout, kind: str, which: int) -> None:
    for off_mm in (*CLOCK_OFF_MM, *(-o for o in CLOCK_OFF_MM)):
        # The first one off its place is all the others off theirs.
        eyes = (Eye(off_mm=0.0 if which else off_mm),) * rows(layout)
        bar = bar_for(layout, eyes=eyes, gap_off_mm=off_mm if which else -off_mm)
        sweep = swept(layout, wanted=holes(layout, kind), bar=bar)[0]
        if abs(off_mm) > CLOCK_SHOWS_MM:
            refused(sweep, layout)
        nothing_false(sweep, layout, holes(layout, kind))
