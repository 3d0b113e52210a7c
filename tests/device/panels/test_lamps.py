"""Lamps, buzzer and button, from the hardware's side: what the pins do."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import datetime, time
from typing import Any

import pytest

from device.panel import Sign
from device.panels.button import BOUNCE_S, LONG_S, Button
from device.panels.lamps import VERDICT_S, Lamps, Quiet
from device.panels.patterns import TEST_S
from device.pins import load_pins
from device.simulator.rig import TimedFactory, TimedPin

PINS = load_pins().pi
GREEN = Sign("green", "accepted", verdict=True)
AMBER = Sign("amber", "one moment", verdict=True)
RED = Sign("red", "once more", verdict=True)
TROUBLE = Sign("red", "not kept", ("disk full",))
REST = Sign("off", "lay a card down")


class Bench:
    """Lamps on mock pins, a clock that a test moves, and how often the buzzer began to sound."""

    def __init__(self, **more: Any) -> None:
        self.now_s, self.hour = 0.0, 12
        self.said: list[str] = []
        self.beeps = 0
        self.factory = TimedFactory(lambda: self.now_s)
        self.factory.outputs[PINS.buzzer] = self._buzz
        self.lamps = Lamps(
            self.factory,
            PINS,
            self.said.append,
            clock=lambda: self.now_s,
            wall=lambda: datetime(2025, 1, 1, self.hour),
            threaded=False,
            **more,
        )

    def _buzz(self, on: bool) -> None:
        self.beeps += on

    def after(self, seconds: float) -> set[str]:
        """Play so long, as the thread would; returns the lamps that are on then."""
        until = self.now_s + seconds
        while self.now_s < until:
            self.now_s = min(self.now_s + self.lamps.step(), until)
        self.lamps.step()
        return self.lit()

    def lit(self) -> set[str]:
        return {name for name in ("green", "amber", "red") if self.factory.pin(getattr(PINS, name)).state}

    def tested(self) -> Bench:
        self.after(TEST_S + 0.1)
        self.beeps = 0
        return self


@pytest.fixture
def bench() -> Iterator[Bench]:
    made = Bench()
    yield made
    made.lamps.close()


def test_every_lamp_and_the_buzzer_are_tried_at_the_start(bench: Bench) -> None:
    seen = [bench.lit()] + [bench.after(0.4) for _ in range(4)]
    assert seen == [{"green"}, {"amber"}, {"red"}, {"green", "amber", "red"}, set()]
    assert bench.beeps == 1


def test_a_sign_of_rest_waits_for_the_lamp_test_and_a_verdict_does_not(bench: Bench) -> None:
    bench.lamps.show(REST)
    assert bench.after(0.5) == {"amber"}
    bench.lamps.show(RED)
    assert bench.lit() == {"red"}


def test_each_verdict_has_its_lamp_and_its_beeps(bench: Bench) -> None:
    bench.tested()
    for sign, lamp, beeps in ((GREEN, "green", 1), (AMBER, "amber", 2), (RED, "red", 3)):
        bench.beeps = 0
        bench.lamps.show(sign)
        assert bench.lit() == {lamp}
        bench.after(2)
        assert bench.beeps == beeps


def test_a_verdict_stays_for_its_time_though_rest_is_shown(bench: Bench) -> None:
    bench.tested().lamps.show(GREEN)
    bench.after(1)
    bench.lamps.show(REST)
    assert bench.after(VERDICT_S - 1.2) == {"green"}
    assert bench.after(0.4) == set()


def test_the_next_card_replaces_a_verdict_at_once(bench: Bench) -> None:
    bench.tested().lamps.show(GREEN)
    bench.lamps.show(Sign("busy", "reading"))
    assert "green" not in bench.lit()


def test_two_cards_alike_beep_twice(bench: Bench) -> None:
    bench.tested().lamps.show(GREEN)
    bench.after(1)
    bench.lamps.show(GREEN)
    bench.after(1)
    assert bench.beeps == 2


def test_a_trouble_that_goes_on_is_heard_once(bench: Bench) -> None:
    bench.tested()
    for _ in range(5):
        bench.lamps.show(TROUBLE)
        bench.after(2)
    assert bench.beeps == 2
    bench.lamps.show(GREEN)
    assert bench.lit() == {"green"}


def test_quiet_hours_are_silent_over_midnight(bench: Bench) -> None:
    quiet = Bench(quiet=Quiet(time(21), time(8))).tested()
    for hour, beeps in ((20, 1), (21, 1), (3, 1), (8, 2)):
        quiet.hour = hour
        quiet.lamps.show(GREEN)
        assert quiet.after(1) == {"green"} and quiet.beeps == beeps


def test_without_sound_the_buzzers_pin_is_left_alone() -> None:
    silent = Bench(sound=False)
    silent.lamps.show(RED)
    silent.after(2)
    assert silent.beeps == 0 and silent.factory.pin(PINS.buzzer).function == "input"


def test_a_lamp_that_fails_is_said_once_and_the_others_go_on(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    bench.tested()
    broken, set_state = bench.factory.pin(PINS.red), TimedPin._set_state

    def fail(pin: TimedPin, value: Any) -> None:
        if pin is broken:
            raise OSError("short circuit")
        set_state(pin, value)

    monkeypatch.setattr(TimedPin, "state", property(TimedPin._get_state, fail))
    for _ in range(3):
        bench.lamps.show(RED)
        bench.after(1)
    assert len(bench.said) == 1 and "the red lamp does not work (short circuit)" in bench.said[0]
    assert bench.beeps == 9
    bench.lamps.show(GREEN)
    assert bench.lit() == {"green"}


def test_a_pin_that_is_taken_costs_only_its_lamp() -> None:
    first = Bench()
    said: list[str] = []
    second = Lamps(first.factory, PINS, said.append, threaded=False)
    second.show(GREEN)
    assert len(said) == 4 and all("does not work" in text for text in said)
    second.close()
    first.lamps.close()


def test_closing_switches_everything_off_and_frees_the_pins(bench: Bench) -> None:
    bench.lamps.show(RED)
    bench.lamps.close()
    bench.lamps.close()
    assert bench.lit() == set()
    Lamps(bench.factory, PINS, bench.said.append, threaded=False).close()
    assert not bench.said


def test_the_thread_plays_by_itself_and_ends() -> None:
    happened = threading.Event()
    factory = TimedFactory(lambda: 0.0)
    factory.outputs[PINS.amber] = lambda on: happened.set() if on else None
    lamps = Lamps(factory, PINS, print)
    # Nobody calls: amber comes second in the lamp test.
    assert happened.wait(10)
    lamps.close()
    assert "lamps" not in [t.name for t in threading.enumerate()]


# --- the button -------------------------------------------------------------------------------------------------------


class Finger:
    def __init__(self, bench: Bench, short: Any, long: Any) -> None:
        self.bench, self.pin = bench, bench.factory.pin(PINS.button)
        self.button = Button(bench.factory, PINS.button, short, long, lambda: bench.now_s)

    def press(self, seconds: float) -> None:
        self.pin.drive_low()
        self.bench.now_s += seconds
        self.pin.drive_high()


def test_a_short_press_repeats_the_last_verdict_with_its_sound(bench: Bench) -> None:
    finger = Finger(bench.tested(), bench.lamps.repeat, bench.lamps.repeat)
    finger.press(0.2)
    assert bench.lit() == set() and bench.beeps == 0
    bench.lamps.show(AMBER)
    bench.lamps.show(REST)
    assert bench.after(10) == set()
    bench.beeps = 0
    finger.press(0.2)
    assert bench.lit() == {"amber"}
    assert bench.after(VERDICT_S + 0.1) == set() and bench.beeps == 2


def test_a_press_during_a_trouble_comes_back_to_the_trouble(bench: Bench) -> None:
    finger = Finger(bench.tested(), bench.lamps.repeat, bench.lamps.repeat)
    bench.lamps.show(GREEN)
    bench.lamps.show(TROUBLE)
    finger.press(0.2)
    assert bench.lit() == {"green"}
    assert bench.after(VERDICT_S + 0.1) & {"red", "amber"}


def test_chatter_is_no_press_and_a_long_press_is_another_thing(bench: Bench) -> None:
    got: list[str] = []
    finger = Finger(bench, lambda: got.append("short"), lambda: got.append("long"))
    for _ in range(5):
        finger.press(BOUNCE_S / 10)
    assert got == []
    finger.press(LONG_S - 0.1)
    finger.press(LONG_S + 0.1)
    for _ in range(3):
        finger.press(BOUNCE_S / 10)
    assert got == ["short", "long"]
