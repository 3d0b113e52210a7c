"""A card past a bar of sensors: read as it is, or refused with the reason; a faulty sensor shows on the first card."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cards.layout import Layout
from cards.load import find_layout
from device.simulator.guide import Lie
from device.simulator.motion import Manner, backwards, in_and_out, through
from device.sweep import Channel, Sweep, mirrored
from reader.decode import decode
from reader.reading import Code, Reading, Rejection
from reader.sweep.read import read_sweep
from tests.reader.sweep.builders import EVEN, bar_for, code_of, punched, swept, with_channel, with_eye

CARD = find_layout("stadslogistiek-bar")
ROWS = range(6)
CHANNELS = range(8)


@pytest.fixture(scope="module")
def card() -> Layout:
    return CARD


@pytest.mark.parametrize("seed", range(8))
def test_an_even_feed_is_read_as_it_was_punched(card: Layout, seed: int) -> None:
    sweep, wanted = swept(card, seed)
    outcome = read_sweep(sweep, [card])
    assert punched(outcome) == wanted
    assert isinstance(outcome, Reading) and not outcome.strays
    assert (outcome.source, outcome.face, outcome.layout_digest) == ("sweep", "front", card.digest)
    assert decode(outcome, card).verdict.outcome == "accepted"


def test_the_first_choice_everywhere_is_no_end_of_the_card(card: Layout) -> None:
    wanted = frozenset(q.positions[0].name for q in card.questions)
    assert punched(read_sweep(swept(card, wanted=wanted)[0], [card])) == wanted


def test_a_blank_card_and_a_card_with_every_hole_are_told_from_each_other(card: Layout) -> None:
    everything = frozenset(p.name for p in card.positions)
    assert punched(read_sweep(swept(card, wanted=frozenset())[0], [card])) == set()
    assert punched(read_sweep(swept(card, wanted=everything)[0], [card])) == everything


@pytest.mark.parametrize("seed", range(6))
def test_a_hand_that_stops_trembles_and_turns_back_changes_nothing(card: Layout, seed: int) -> None:
    rng = np.random.default_rng(seed)
    path = through(card.width_mm, Manner(0.6, stops=2, reversals=3, tremor_mm=0.2), rng)
    sweep, wanted = swept(card, seed, path=path)
    outcome = read_sweep(sweep, [card])
    assert isinstance(outcome, Rejection) or punched(outcome) == wanted


def test_fed_from_the_far_side_the_card_reads_the_same(card: Layout) -> None:
    path = backwards(card.width_mm, through(card.width_mm, EVEN, np.random.default_rng(3)))
    sweep, wanted = swept(card, path=path)
    assert punched(read_sweep(sweep, [card])) == wanted
    assert punched(read_sweep(mirrored(sweep), [card])) == wanted


def test_a_card_pulled_back_out_is_read_twice_and_must_agree(card: Layout) -> None:
    path = in_and_out(card.width_mm, card.width_mm + 20, EVEN, np.random.default_rng(4))
    sweep, wanted = swept(card, path=path)
    assert punched(read_sweep(sweep, [card])) == wanted
    # On the way back, one hole is gone: cut its two edges out of the second half.
    channel, half = sweep.data[0], path.t_s[-1] / 2
    back = np.flatnonzero(channel.ticks_s > half)
    inner = back[(np.diff(channel.ticks_s, append=np.inf)[back] > 0) & ~channel.levels[back]]
    hole = next(k for k in inner if k + 1 in back and channel.levels[k + 1] and k + 2 < len(channel.ticks_s))
    gone = [hole + 1, hole + 2]
    less = Channel(np.delete(channel.ticks_s, gone), np.delete(channel.levels, gone), channel.before, channel.after)
    assert code_of(read_sweep(with_channel(sweep, 0, less), [card])) in (Code.PASSES_DISAGREE, Code.CODE_HOLES)


@pytest.mark.parametrize("share", [0.05, 0.3, 0.6, 0.85])
def test_a_card_pulled_out_half_way_is_refused(card: Layout, share: float) -> None:
    path = in_and_out(card.width_mm, share * card.width_mm, EVEN, np.random.default_rng(5))
    assert code_of(read_sweep(swept(card, path=path)[0], [card])) is Code.PULLED_OUT


@pytest.mark.parametrize("k", ROWS)
def test_a_sensor_stuck_dark_light_or_dim_shows_on_the_first_card(card: Layout, k: int) -> None:
    for change, code in (
        ({"stuck": False}, Code.SENSOR_DARK),
        ({"stuck": True}, Code.SENSOR_LIGHT),
        ({"gain": 0.52}, Code.SENSOR_WEAK),
        ({"leak": 0.9}, Code.SENSOR_LIGHT),
    ):
        outcome = read_sweep(swept(card, bar=with_eye(card, k, **change))[0], [card])
        assert code_of(outcome) is code, change
        assert isinstance(outcome, Rejection) and outcome.reasons[0].found == str(k + 1)


@pytest.mark.parametrize("k", ROWS)
@pytest.mark.parametrize("off_mm", [-9.1, -4.5, -2.0, 2.0, 4.5, 9.1])
def test_a_sensor_beside_its_place_shows_on_the_first_card(card: Layout, k: int, off_mm: float) -> None:
    outcome = read_sweep(swept(card, bar=with_eye(card, k, off_mm=off_mm))[0], [card])
    assert isinstance(outcome, Rejection)


@pytest.mark.parametrize("first", ROWS)
def test_two_sensors_swapped_show_on_the_first_card_even_a_blank_one(card: Layout, first: int) -> None:
    for second in range(first):
        wires = list(ROWS)
        wires[first], wires[second] = second, first
        for wanted in (None, frozenset[str]()):
            sweep, _ = swept(card, wanted=wanted, bar=bar_for(card, wires=tuple(wires)))
            assert code_of(read_sweep(sweep, [card])) is Code.CODE_HOLES


@pytest.mark.parametrize("by", range(1, 6))
def test_all_lines_shifted_show_on_the_first_card(card: Layout, by: int) -> None:
    sweep, _ = swept(card, bar=bar_for(card, wires=tuple((k + by) % 6 for k in ROWS)))
    assert code_of(read_sweep(sweep, [card])) is Code.CODE_HOLES


@pytest.mark.parametrize("stuck", [(False, None), (None, False), (True, None), (None, True)])
def test_a_clock_sensor_that_is_stuck_is_refused(card: Layout, stuck: tuple[bool | None, bool | None]) -> None:
    assert isinstance(read_sweep(swept(card, bar=bar_for(card, clock_stuck=stuck))[0], [card]), Rejection)


def test_the_two_clock_lines_swapped_are_refused(card: Layout) -> None:
    sweep, _ = swept(card)
    assert isinstance(read_sweep(replace(sweep, clock=(sweep.clock[1], sweep.clock[0])), [card]), Rejection)


@pytest.mark.parametrize("bar", range(1, 23))
def test_any_timing_bar_that_is_missing_is_noticed(card: Layout, bar: int) -> None:
    assert code_of(read_sweep(swept(card, lie=Lie(missing_bar=bar))[0], [card])) is Code.CLOCK


@pytest.mark.parametrize("k", CHANNELS)
def test_one_lost_edge_is_noticed_on_every_line(card: Layout, k: int) -> None:
    sweep, _ = swept(card)
    channel = [*sweep.data, *sweep.clock][k]
    for gone in (0, len(channel.ticks_s) // 2, len(channel.ticks_s) - 1):
        less = Channel(np.delete(channel.ticks_s, gone), np.delete(channel.levels, gone), channel.before, channel.after)
        assert code_of(read_sweep(with_channel(sweep, k, less), [card])) is Code.EDGES_LOST


def test_edges_that_the_source_counts_as_lost_are_believed(card: Layout) -> None:
    assert code_of(read_sweep(replace(swept(card)[0], lost=2), [card])) is Code.EDGES_LOST


def test_the_side_without_a_strip_is_refused_as_fed_wrongly(card: Layout) -> None:
    assert code_of(read_sweep(swept(card, lie=Lie(blank_strip=True))[0], [card])) is Code.FED_WRONG


@pytest.mark.parametrize("over_mm", [1.0, 3.0, 20.0, 100.0, 190.0])
def test_two_cards_one_over_the_other_are_refused(card: Layout, over_mm: float) -> None:
    path = through(card.width_mm + over_mm, EVEN, np.random.default_rng(6))
    assert isinstance(read_sweep(swept(card, lie=Lie(over_mm=over_mm), path=path)[0], [card]), Rejection)


@pytest.mark.parametrize("skew_deg", [-2.0, -1.0, 1.0, 2.0])
def test_a_bar_askew_is_measured_and_made_good(card: Layout, skew_deg: float) -> None:
    sweep, wanted = swept(card, lie=Lie(skew_deg=skew_deg, drifts=False))
    assert punched(read_sweep(sweep, [card])) == wanted


@pytest.mark.parametrize("skew_deg", [-5.0, -3.0, 3.0, 5.0])
def test_too_much_skew_is_refused(card: Layout, skew_deg: float) -> None:
    outcome = read_sweep(swept(card, lie=Lie(skew_deg=skew_deg, drifts=False))[0], [card])
    assert code_of(outcome) in (Code.SKEWED, Code.SENSOR_LIGHT)


def test_a_sweep_of_another_bar_says_so(card: Layout) -> None:
    sweep, _ = swept(card)
    with pytest.raises(ValueError, match="made for the bar 'other'"):
        read_sweep(replace(sweep, bar="other"), [card])
    with pytest.raises(ValueError, match="six-rows"):
        read_sweep(sweep, [find_layout("stadslogistiek")])


def test_the_code_holes_choose_the_layout(card: Layout) -> None:
    other = replace(card, id="other", digest="0" * 64, identify=replace(card.identify, value="21930"))
    sweep, wanted = swept(card)
    for offered in ([card, other], [other, card]):
        outcome = read_sweep(sweep, offered)
        assert punched(outcome) == wanted
        assert isinstance(outcome, Reading) and outcome.layout == card.identity
    assert code_of(read_sweep(sweep, [other])) is Code.CODE_HOLES


def test_two_layouts_of_one_code_are_not_chosen_between(card: Layout) -> None:
    twin = replace(card, id="twin", digest="1" * 64)
    assert code_of(read_sweep(swept(card)[0], [card, twin])) is Code.AMBIGUOUS_FIT


@settings(max_examples=25, deadline=None)
@given(st.floats(0.05, 20), st.floats(-1e5, 1e9), st.integers(0, 5))
def test_time_has_no_scale_and_no_origin(factor: float, origin: float, seed: int) -> None:
    sweep, wanted = swept(CARD, seed)

    def moved(c: Channel) -> Channel:
        return replace(c, ticks_s=c.ticks_s * factor + origin)

    told = Sweep(sweep.bar, tuple(map(moved, sweep.data)), (moved(sweep.clock[0]), moved(sweep.clock[1])))
    assert punched(read_sweep(told, [CARD])) == wanted


@st.composite
def sweeps(draw: st.DrawFn) -> Sweep:
    """Anything that has the form of a sweep, sound or not."""

    def channel(rest: bool) -> Channel:
        n = draw(st.integers(0, 30))
        ticks = np.array(draw(st.lists(st.floats(0, 10), min_size=n, max_size=n)))
        levels = np.arange(n) % 2 == (0 if not rest else 1)
        tidy = draw(st.booleans())
        return Channel(np.sort(ticks) if tidy else ticks, levels, rest, bool(levels[-1]) if n else rest)

    data = tuple(channel(True) for _ in ROWS)
    return Sweep("six-rows", data, (channel(False), channel(False)))


@settings(max_examples=150, deadline=None)
@given(sweeps())
def test_no_noise_whatever_becomes_a_reading(noise: Sweep) -> None:
    assert isinstance(read_sweep(noise, [CARD]), Rejection)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 3), st.integers(0, 7), st.data())
def test_no_short_glitch_makes_a_hole_out_of_paper(seed: int, k: int, data: st.DataObject) -> None:
    sweep, wanted = swept(CARD, seed)
    channel = [*sweep.data, *sweep.clock][k]
    at = data.draw(st.integers(0, len(channel.ticks_s) - 2))
    a, b = channel.ticks_s[at], channel.ticks_s[at + 1]
    first, second = sorted(data.draw(st.tuples(st.floats(0.01, 0.99), st.floats(0.01, 0.99))))
    ticks = np.insert(channel.ticks_s, at + 1, [a + first * (b - a), a + second * (b - a)])
    levels = np.insert(channel.levels, at + 1, [not channel.levels[at], channel.levels[at]])
    outcome = read_sweep(with_channel(sweep, k, Channel(ticks, levels, channel.before, channel.after)), [CARD])
    if isinstance(outcome, Rejection):
        return
    names = {n for n, p in outcome.punches().items() if p == "punched"}
    # At 0.3 m/s at most, this light is shorter than 2 mm: no hole. A longer one would be a hole to any sensor.
    if (second - first) * (b - a) * 300 < 2.0:
        assert names <= wanted
