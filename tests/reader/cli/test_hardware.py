"""`logicienne doctor hardware`, and a machine with its panel, on mock pins driven from the hardware's side."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

import device.gpio
import device.hardware
import device.panels.lamps
import device.sources.sensors
import reader.cli.panel
from device.gpio import GpioError, pin_factory
from device.hardware import Finding, Person, check_button, check_lamps, check_sensors, check_source
from device.lines.by_gpiozero import GpiozeroLines
from device.pins import load_pins
from device.simulator.rig import Rig, TimedFactory, TimedPin, wired
from reader.cli import group

PINS = load_pins().pi
ROWS = 6
INPUTS = (*PINS.data[:ROWS], *PINS.timing)


class Machine:
    def __init__(self) -> None:
        self.rig = Rig(ROWS)
        self.seen: list[str] = []
        lamps = {getattr(PINS, n): self._note(n) for n in ("green", "amber", "red", "buzzer")}
        self.factory: TimedFactory = wired(self.rig, INPUTS, PINS.led_enable, lamps)

    def _note(self, name: str) -> Callable[[bool], None]:
        return lambda on: self.seen.append(name) if on else None

    def sensors(self, person: Person | None = None) -> list[Finding]:
        lines = GpiozeroLines(self.factory, INPUTS, PINS.led_enable, self.rig.sleep)
        try:
            return list(check_sensors(lines, ROWS, person))
        finally:
            lines.close()


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Machine]:
    made = Machine()
    monkeypatch.chdir(tmp_path)
    for module in (device.hardware, device.sources.sensors, reader.cli.panel):
        monkeypatch.setattr(module, "pin_factory", lambda: made.factory)
    monkeypatch.setattr(device.hardware, "BEEP_S", 0.0)
    yield made


def doctor(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(group, ["doctor", "hardware", *arguments])
    return result.exit_code, result.output


def test_a_sound_machine_is_all_in_order(machine: Machine) -> None:
    code, out = doctor("--no-ask", "--part", "panel", "--part", "sensors")
    assert code == 0 and out.endswith("all in order\n") and "✘" not in out
    assert machine.seen == ["green", "amber", "red", "buzzer"]
    assert out.count("✔ sensor ") == ROWS and "✔ clock sensor T2" in out
    assert not machine.rig.lamp


@pytest.mark.parametrize("line", range(ROWS + 2))
def test_each_sensor_that_is_broken_is_named_with_what_to_do(machine: Machine, line: int) -> None:
    name = f"✘ clock sensor T{line - ROWS + 1}: " if line >= ROWS else f"✘ sensor {line + 1}: "
    for level in (True, False) if line < ROWS else (True,):
        machine.rig.stuck = {line: level}
        machine.rig.update()
        code, out = doctor("--no-ask", "--part", "sensors")
        assert code == 1 and name in out and out.count("✘") == 1 and out.count("  → ") == 1
        assert out.endswith("1 not in order\n")


def test_a_clock_sensor_that_sees_no_paper_is_found_by_holding_some_before_it(machine: Machine) -> None:
    def paper(text: str) -> None:
        for line, level in ((ROWS, True), (ROWS + 1, machine.rig.now_s < 0)):
            machine.rig._seen[line] = level
        machine.rig.update()

    found = {f.part: f for f in machine.sensors(Person(lambda text: True, paper, 0.05))}
    assert found["clock sensor T1"].ok and "light before paper" in found["clock sensor T1"].words
    assert not found["clock sensor T2"].ok and "trimmer" in found["clock sensor T2"].remedy


def test_a_lamp_that_nobody_sees_is_not_in_order(machine: Machine) -> None:
    person = Person(lambda text: "amber" not in text, print)
    found = {f.part: f.ok for f in check_lamps(machine.factory, PINS, person)}
    assert found == {"green lamp": True, "amber lamp": False, "red lamp": True, "buzzer": True}


def test_a_pin_that_is_short_or_taken_is_found_without_a_person(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    short, get = machine.factory.pin(PINS.red), TimedPin._get_state
    monkeypatch.setattr(TimedPin, "state", property(lambda p: False if p is short else get(p), TimedPin._set_state))
    machine.factory.reserve_pins(machine.rig, PINS.green)
    machine.rig._conflicts_with = lambda other: True  # type: ignore[attr-defined]
    found = {f.part: f for f in check_lamps(machine.factory, PINS, None)}
    assert not found["red lamp"].ok and "short" in found["red lamp"].words
    assert not found["green lamp"].ok and "cannot be used" in found["green lamp"].words
    assert found["amber lamp"].ok


def test_the_button_is_tried_by_pressing_it(machine: Machine) -> None:
    pin = machine.factory.pin(PINS.button)
    pressed = check_button(machine.factory, PINS, Person(lambda text: True, lambda text: pin.drive_low(), 0.05))
    assert pressed.ok and "closed when pressed" in pressed.words


def test_a_button_that_nobody_can_press_or_that_is_always_pressed_is_found(machine: Machine) -> None:
    assert not check_button(machine.factory, PINS, Person(lambda text: True, lambda text: None, 0.05)).ok
    pin: Any = machine.factory.pin(PINS.button)
    pull = type(pin)._set_pull
    type(pin)._set_pull = lambda self, value: (
        (pull(self, value), self.drive_low())[0] if self is pin else pull(self, value)
    )
    try:
        found = check_button(machine.factory, PINS, None)
    finally:
        type(pin)._set_pull = pull
    assert not found.ok and "although nobody presses" in found.words


def test_a_source_is_tried_by_waiting_for_a_picture(tmp_path: Path) -> None:
    assert check_source("sim:?cards=0&width=320&height=240").ok
    assert not check_source("sim:nowhere").ok
    found = check_source(f"folder:{tmp_path}", 0.1)
    assert not found.ok and found.remedy


def test_without_pins_it_says_so_and_what_to_do(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)

    def none() -> Any:
        raise GpioError("no pins")

    monkeypatch.setattr(device.hardware, "pin_factory", none)
    code, out = doctor("--no-ask", "--part", "panel")
    assert code == 1 and "✘ pins: no pins" in out and "Raspberry Pi" in out


def test_the_empty_placeholder_of_lgpio_is_named(monkeypatch: pytest.MonkeyPatch, machine: Machine) -> None:
    monkeypatch.setattr(device.gpio, "lgpio_version", lambda: "0.0.0.2")
    monkeypatch.setattr(device.hardware, "lgpio_version", lambda: "0.0.0.2")
    with pytest.raises(GpioError, match="python3-lgpio"):
        pin_factory()
    code, out = doctor("--no-ask", "--part", "panel")
    assert code == 1 and "✘ lgpio: version 0.0.0.2 is an empty placeholder" in out


# --- a machine with its panel -------------------------------------------------------------------------------------------


def run(tmp_path: Path, panel: str, source: str, *more: str) -> str:
    (tmp_path / "logicienne.toml").write_text(f"[panel]\n{panel}\n", encoding="utf-8")
    result = CliRunner().invoke(group, ["run", "--source", source, "--place", "x", *more], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


def test_green_lights_only_for_what_is_on_disk(
    machine: Machine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The lamp test at the start is over before a hand can feed a card, but not before a simulated one.
    monkeypatch.setattr(device.panels.lamps, "TEST_S", 0.0)
    store = tmp_path / "s.db"
    held: list[int] = []

    def green(on: bool) -> None:
        if on and store.is_file():
            connection = sqlite3.connect(store)
            held.append(connection.execute("SELECT count(*) FROM readings").fetchone()[0])
            connection.close()

    machine.factory.outputs[PINS.green] = green
    run(tmp_path, "lamps = true", "sim-bar:?cards=4&feed=steady&hand=steady", "--store", str(store))
    assert held and held[0] >= 1
    assert not any(machine.factory.pin(getattr(PINS, name)).state for name in ("green", "amber", "red", "buzzer"))


def test_parts_of_the_panel_that_are_not_there_are_said_and_the_cards_are_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    def none() -> Any:
        raise GpioError("no pins here")

    monkeypatch.setattr(reader.cli.panel, "pin_factory", none)
    panel = 'lamps = true\ndisplay = "ssd1306"\nprinter = "file:/nowhere/lp0"'
    out = run(tmp_path, panel, "sim-bar:?cards=2&feed=steady&hand=steady")
    assert "no lamps: no pins here" in out and "no display" in out and "accepted" in out


def test_a_printer_without_the_button_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "logicienne.toml").write_text('[panel]\nprinter = "file:x"\n', encoding="utf-8")
    result = CliRunner().invoke(group, ["run", "--source", "sim:"])
    assert result.exit_code and "printer needs lamps = true" in str(result.exception)


@pytest.mark.parametrize("hours", ["21", "21:00", "25:00-08:00", "21:00-"])
def test_quiet_hours_that_are_none_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, hours: str) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "logicienne.toml").write_text(f'[panel]\nquiet = "{hours}"\n', encoding="utf-8")
    result = CliRunner().invoke(group, ["run", "--source", "sim:"])
    assert result.exit_code and "21:00-08:00" in str(result.exception)
