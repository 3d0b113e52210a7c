"""A bar on the Pi's own pins: cards as they were fed, faults named, nothing lost without a word; on both libraries."""

from __future__ import annotations

import gc
import importlib.util
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest

from cards.load import find_layout
from device.gpio import GpioError
from device.lines import by_gpiozero
from device.lines.by_gpiod import GpiodLines, header_chip
from device.lines.by_gpiozero import GpiozeroLines
from device.lines.edge import Lines
from device.pins import load_pins
from device.sensor_bar import COVERED_S, SensorBar
from device.simulator.rig import Rig, wired
from device.source import SourceError, open_source
from device.sources.sensors import Sensors
from device.sweep import Channel, Sweep
from reader.reading import Code, Reading
from reader.sweep.read import read_sweep
from tests.device.fake_gpiod import FakeGpiod
from tests.needs import need
from tests.reader.sweep.builders import code_of, punched, swept

CARD = find_layout("stadslogistiek-bar")
ROWS = 6
PINS = load_pins().pi
INPUTS = (*PINS.data[:ROWS], *PINS.timing)


@dataclass
class Machine:
    rig: Rig
    lines: Any
    kernel: FakeGpiod | None = None
    """What lies under the library, where that is played."""

    def bar(self) -> SensorBar:
        return SensorBar(self.lines, "six-rows", ROWS, self.rig.sleep)


def gpiozero_machine(rig: Rig) -> Machine:
    return Machine(rig, GpiozeroLines(wired(rig, INPUTS, PINS.led_enable), INPUTS, PINS.led_enable, rig.sleep))


def gpiod_machine(rig: Rig) -> Machine:
    need(importlib.util.find_spec("gpiod"), "gpiod", "pip install gpiod (Linux)")
    kernel = FakeGpiod(rig, INPUTS, PINS.led_enable)
    lines = GpiodLines(kernel, "/dev/gpiochip0", INPUTS, PINS.led_enable, rig.sleep, lambda: rig.now_s)
    return Machine(rig, lines, kernel)


BACKENDS = {"gpiozero": gpiozero_machine, "gpiod": gpiod_machine}


@pytest.fixture(params=BACKENDS)
def machine(request: pytest.FixtureRequest) -> Iterator[Machine]:
    made = BACKENDS[request.param](Rig(ROWS))
    yield made
    made.lines.close()


def fed(machine: Machine, bar: SensorBar, sweep: Sweep) -> Sweep:
    lasts = machine.rig.play(sweep)
    passed = bar.wait(lasts + 1)
    assert passed is not None
    return passed


def losing(line: int, number: int) -> Callable[[int, int], bool]:
    return lambda k, n: k == line and n == number


def alike(a: Sweep, b: Sweep) -> bool:
    start = [min(float(c.ticks_s[0]) for c in [*s.data, *s.clock] if len(c.ticks_s)) for s in (a, b)]
    return a.bar == b.bar and all(
        np.allclose(x.ticks_s - start[0], y.ticks_s - start[1], atol=1e-6)
        and (x.levels == y.levels).all()
        and (x.before, x.after) == (y.before, y.after)
        for x, y in zip([*a.data, *a.clock], [*b.data, *b.clock], strict=True)
    )


# --- one contract, two libraries ------------------------------------------------------------------------------------


def test_a_card_arrives_as_the_hand_fed_it(machine: Machine) -> None:
    sweep, wanted = swept(CARD, 3)
    passed = fed(machine, machine.bar(), sweep)
    assert passed.lost == 0 and alike(passed, sweep)
    assert punched(read_sweep(passed, [CARD])) == wanted


def test_both_libraries_make_the_same_sweep_of_the_same_card() -> None:
    sweep, _ = swept(CARD, 4)
    passed = []
    for make in BACKENDS.values():
        made = make(Rig(ROWS))
        passed.append(fed(made, made.bar(), sweep))
    assert alike(*passed)


def test_card_after_card_none_twice_none_missing(machine: Machine) -> None:
    bar = machine.bar()
    for seed in range(5):
        sweep, wanted = swept(CARD, seed)
        assert punched(read_sweep(fed(machine, bar, sweep), [CARD])) == wanted
        assert bar.wait(0.5) is None


@pytest.mark.parametrize("line", range(ROWS + 2))
def test_a_lost_edge_of_any_sensor_is_noticed(machine: Machine, line: int) -> None:
    bar = machine.bar()
    seen = [machine.rig._count[k] for k in range(ROWS + 2)]
    for number in (0, 1, 2):
        machine.rig.lose = losing(line, seen[line] + number)
        passed = fed(machine, bar, swept(CARD, 1)[0])
        assert passed.lost > 0
        assert code_of(read_sweep(passed, [CARD])) is Code.EDGES_LOST
        machine.rig.lose = lambda k, n: False
        assert bar.wait(2) is None and bar.problem is None
        seen = list(machine.rig._count)


def test_the_last_edge_of_a_card_that_gets_lost_does_not_keep_the_card_for_ever(machine: Machine) -> None:
    bar = machine.bar()
    sweep = swept(CARD, 1)[0]
    last = machine.rig._count[2] + len(sweep.data[2].ticks_s) - 1
    machine.rig.lose = lambda k, n: k == 2 and n == last
    assert fed(machine, bar, sweep).lost > 0


@pytest.mark.parametrize("line", range(ROWS + 2))
@pytest.mark.parametrize("level", [False, True])
def test_a_sensor_that_sticks_is_named_before_the_first_card(machine: Machine, line: int, level: bool) -> None:
    machine.rig.stuck[line] = level
    bar = machine.bar()
    name = f"T{line - ROWS + 1}" if line >= ROWS else str(line + 1)
    if line >= ROWS and not level:
        # Dark is what a clock sensor shows without a card: only a card can tell.
        assert bar.problem is None
        assert not isinstance(read_sweep(fed(machine, bar, swept(CARD)[0]), [CARD]), Reading)
        return
    assert bar.problem is not None and f"sensor {name} " in bar.problem
    machine.rig.play(swept(CARD)[0])
    assert bar.wait(3) is None
    del machine.rig.stuck[line]
    machine.rig.update()
    assert bar.wait(3) is None and bar.problem is None


@pytest.mark.parametrize("line", range(ROWS))
def test_a_sensor_that_fails_while_a_card_passes_costs_that_card_and_is_named(machine: Machine, line: int) -> None:
    bar = machine.bar()
    machine.rig.sunlit.add(line)
    passed = fed(machine, bar, swept(CARD)[0])
    outcome = read_sweep(passed, [CARD])
    assert code_of(outcome) is Code.SENSOR_LIGHT and outcome.reasons[0].found == str(line + 1)  # type: ignore[union-attr]
    assert bar.problem is not None and f"sensor {line + 1} sees light with the lamp off" in bar.problem


def test_a_lamp_that_dies_is_known_without_a_card(machine: Machine) -> None:
    bar = machine.bar()
    machine.rig.sunlit = set(range(ROWS))
    assert bar.wait(62) is None
    assert bar.problem is not None and "close the hood" in bar.problem


def test_a_card_left_in_the_bar_is_refused_and_the_bar_recovers(machine: Machine) -> None:
    bar = machine.bar()
    sweep = swept(CARD)[0]
    half = np.median(sweep.clock[0].ticks_s)
    cut = [Channel(c.ticks_s[c.ticks_s < half], c.levels[c.ticks_s < half], c.before, c.after)
           for c in [*sweep.data, *sweep.clock]]  # fmt: skip
    machine.rig.play(Sweep("six-rows", tuple(cut[:-2]), (cut[-2], cut[-1])))
    passed = bar.wait(COVERED_S + 3)
    assert passed is not None and not isinstance(read_sweep(passed, [CARD]), Reading)
    assert bar.problem is not None and "take out" in bar.problem
    for line in range(ROWS + 2):
        machine.rig._seen[line] = line < ROWS
    machine.rig.update()
    assert bar.wait(3) is None and bar.problem is None
    assert isinstance(read_sweep(fed(machine, bar, sweep), [CARD]), Reading)


def test_two_cards_that_nobody_looked_at_in_between_are_two_and_the_first_is_not_trusted(machine: Machine) -> None:
    bar = machine.bar()
    first, second = swept(CARD, 1), swept(CARD, 2)
    machine.rig.play(first[0])
    machine.rig.sleep(machine.rig.play(second[0]) + 0.1)
    one, two = bar.wait(1), bar.wait(1)
    assert one is not None and two is not None
    assert one.lost == 1 and code_of(read_sweep(one, [CARD])) is Code.EDGES_LOST
    assert punched(read_sweep(two, [CARD])) == second[1]


def paused(sweep: Sweep, after_s: float, pause_s: float) -> Sweep:
    channels = [replace(c, ticks_s=c.ticks_s + pause_s * (c.ticks_s > after_s)) for c in [*sweep.data, *sweep.clock]]
    return replace(sweep, data=tuple(channels[:-2]), clock=(channels[-2], channels[-1]))


def test_a_card_that_rests_at_the_mouth_and_goes_on_is_read(machine: Machine) -> None:
    bar = machine.bar()
    sweep, wanted = swept(CARD, 7)
    # T2 has seen paper and stands on the first bar: all looks as it does without a card.
    lasts = machine.rig.play(paused(sweep, float(sweep.clock[1].ticks_s[1]) + 1e-6, 1.0))
    peek, card = bar.wait(lasts + 1), bar.wait(lasts + 1)
    assert peek is not None and not any(len(c.ticks_s) for c in [*peek.data, peek.clock[0]])
    assert card is not None and punched(read_sweep(card, [CARD])) == wanted


def test_a_card_that_moves_on_while_the_bar_tests_itself_is_refused_not_read_without_its_edges(
    machine: Machine,
) -> None:
    bar = machine.bar()
    sweep, _ = swept(CARD, 7)
    second = float(sweep.clock[1].ticks_s[1])
    # Two edges of T2 come 203 ms later, while the light is off; then the card goes on as it did.
    blink = Channel(np.insert(sweep.clock[1].ticks_s, 2, [second + 0.2031, second + 0.2052]),
                    np.insert(sweep.clock[1].levels, 2, [True, False]), False, False)  # fmt: skip
    late = paused(sweep, second + 1e-6, 1.0)
    shifted = Channel(np.concatenate([blink.ticks_s[:4], late.clock[1].ticks_s[2:]]), blink.levels, False, False)
    lasts = machine.rig.play(replace(late, clock=(late.clock[0], shifted)))
    outcomes = []
    while (passed := bar.wait(lasts + 2)) is not None:
        outcomes.append(passed)
    assert outcomes and any(s.lost for s in outcomes)


def test_a_crumb_that_falls_past_one_sensor_is_no_card(machine: Machine) -> None:
    bar = machine.bar()
    nothing = Channel(np.empty(0), np.empty(0, np.bool_), True, True)
    crumb = Channel(np.array([0.0, 0.002]), np.array([False, True]), True, True)
    still = Channel(np.empty(0), np.empty(0, np.bool_), False, False)
    machine.rig.play(Sweep("six-rows", (nothing, crumb, *[nothing] * 4), (still, still)))
    assert bar.wait(2) is None and bar.touched == 1 and bar.problem is None


def test_the_lamp_is_off_and_the_pins_are_free_afterwards(machine: Machine) -> None:
    machine.lines.close()
    machine.lines.close()
    assert not machine.rig.lamp
    if machine.kernel is not None:
        assert not machine.kernel.requests
    else:
        again = GpiozeroLines(machine.lines._factory, INPUTS, PINS.led_enable, machine.rig.sleep)
        again.close()


# --- what only one of them can show ---------------------------------------------------------------------------------


def test_callbacks_live_as_long_as_the_bar() -> None:
    machine = gpiozero_machine(Rig(ROWS))
    bar = machine.bar()
    gc.collect()
    assert alike(fed(machine, bar, swept(CARD, 5)[0]), swept(CARD, 5)[0])


def test_pins_that_somebody_holds_are_said_to_be() -> None:
    rig = Rig(ROWS)
    factory = wired(rig, INPUTS, PINS.led_enable)
    held = GpiozeroLines(factory, INPUTS, PINS.led_enable, rig.sleep)
    with pytest.raises(GpioError, match="another program"):
        GpiozeroLines(factory, INPUTS, PINS.led_enable, rig.sleep)
    held.close()


def test_a_queue_that_overflows_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(by_gpiozero, "QUEUE_MAX", 60)
    machine = gpiozero_machine(Rig(ROWS))
    bar = machine.bar()
    machine.rig.sleep(machine.rig.play(swept(CARD)[0]) + 0.01)
    passed = bar.wait(2)
    assert passed is not None and passed.lost > 50


def test_the_kernels_numbers_show_a_lost_hole_that_leaves_no_trace_in_the_levels() -> None:
    machine = gpiod_machine(Rig(ROWS))
    bar = machine.bar()
    first = machine.rig._count[1] + 3
    machine.rig.lose = lambda k, n: k == 1 and n in (first, first + 1)
    passed = fed(machine, bar, swept(CARD, 1)[0])
    channel = passed.data[1]
    assert (np.diff(channel.levels.astype(int)) != 0).all()
    assert passed.lost == 2


def test_a_kernel_buffer_that_overflows_is_noticed() -> None:
    rig = Rig(ROWS)
    need(importlib.util.find_spec("gpiod"), "gpiod", "pip install gpiod (Linux)")
    kernel = FakeGpiod(rig, INPUTS, PINS.led_enable, buffer=100)
    lines: Lines = GpiodLines(kernel, "/dev/gpiochip0", INPUTS, PINS.led_enable, rig.sleep, lambda: rig.now_s)
    bar = SensorBar(lines, "six-rows", ROWS, rig.sleep)
    rig.sleep(rig.play(swept(CARD)[0]) + 0.01)
    passed = bar.wait(2)
    assert passed is not None and passed.lost > 50


def test_one_request_listens_to_all_wires_with_the_kernels_largest_buffer() -> None:
    machine = gpiod_machine(Rig(ROWS))
    assert machine.kernel is not None
    assert list(machine.kernel.requests[1]) == [INPUTS] and machine.kernel.buffer == 1024


def test_a_machine_without_a_header_says_so(tmp_path: Any) -> None:
    gpiod = pytest.importorskip("gpiod")
    (tmp_path / "gpiochip0").write_bytes(b"")
    with pytest.raises(GpioError, match="chip=/dev/gpiochip0"):
        header_chip(gpiod, tmp_path)


# --- as a source ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("spec", "says"),
    [
        ("sensors:stadslogistiek", "names no sensor_bar"),
        ("sensors:nowhere", "nowhere"),
        ("sensors:?backend=pigpio", "choose from gpiozero, gpiod"),
        ("sensors:?pins=missing.toml", "cannot be read"),
    ],
)
def test_a_bar_that_makes_no_sense_is_refused(spec: str, says: str) -> None:
    with pytest.raises(SourceError, match=says):
        open_source(spec)


def test_the_source_hands_over_cards_and_says_what_is_wrong() -> None:
    machine = gpiozero_machine(Rig(ROWS))
    with Sensors("bar", machine.lines, "six-rows", ROWS, machine.rig.sleep) as source:
        sweep, wanted = swept(CARD, 6)
        passed = source.wait(machine.rig.play(sweep) + 1)
        assert isinstance(passed, Sweep) and punched(read_sweep(passed, [CARD])) == wanted
        machine.rig.stuck[0] = False
        machine.rig.update()
        assert source.wait(2) is None
        assert source.problem is not None and "sensor 1 sees no light" in source.problem
    assert source.ended and not machine.rig.lamp
