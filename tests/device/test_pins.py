"""The pin table: one for code, firmware and drawings; mistakes in words."""

from __future__ import annotations

import importlib.util
from dataclasses import astuple
from pathlib import Path

import pytest

from device.pins import PinsError, load_pins

FIRMWARE = Path(__file__).parents[2] / "device" / "firmware" / "board_pins.py"


def table(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "pins.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_no_pin_serves_two_things() -> None:
    pi = load_pins().pi
    used = [*pi.data, *pi.timing, *astuple(pi)[2:]]
    assert len(used) == len(set(used)) == 16


def test_another_table_says_only_what_differs(tmp_path: Path) -> None:
    pins = load_pins(table(tmp_path, "[pi]\nbuzzer = 4\n"))
    assert pins.pi.buzzer == 4 and pins.pi.data == load_pins().pi.data and pins.pico == load_pins().pico


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[pi]\nbuzer = 4", r"pi\.buzer: no such pin; did you mean buzzer"),
        ("[pie]\nbuzzer = 4", r"\[pie\]: no such table; did you mean pi"),
        ("[pi]\nbuzzer = 17", r"pi\.buzzer: pin 17 is pi\.green already"),
        ("[pi]\nbuzzer = 28", r"there is no pin 28 \(BCM 0 to 27\)"),
        ("[pi]\nbuzzer = 0", r"belongs to the Pi's own start"),
        ("[pi]\nbuzzer = '18'", r"must be a whole number, not '18'"),
        ("[pi]\nbuzzer = true", r"must be a whole number, not True"),
        ("[pi]\ndata = 5", r"pi\.data: must be a list of whole numbers, not 5"),
        ("[pi]\ndata = []", r"1 to 14 pins, not 0"),
        ("[pi]\ntiming = [22]", r"pi\.timing: 2 pins, not 1"),
        ("[pico]\nled_pwm = 25", r"there is no pin 25"),
        ("[pico]\nmux_adc = 20", r"cannot measure a voltage"),
        ("[resistors]\nlamp = 0", r"more than 0 ohms"),
        ("pi = 3", r"must be a table"),
        ("[pi", r"not TOML"),
    ],
)
def test_mistakes_are_named(tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(PinsError, match=says):
        load_pins(table(tmp_path, text))


def test_all_mistakes_are_named_at_once(tmp_path: Path) -> None:
    with pytest.raises(PinsError) as caught:
        load_pins(table(tmp_path, "[pi]\nbuzzer = 40\nbutton = 41\n"))
    assert len(str(caught.value).splitlines()) == 2


def test_the_firmware_has_the_same_pins() -> None:
    if not FIRMWARE.is_file():
        pytest.skip("no firmware here")
    spec = importlib.util.spec_from_file_location("board_pins", FIRMWARE)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    pico = load_pins().pico
    assert (tuple(module.DATA), tuple(module.CLOCKS), module.LED) == (pico.data, pico.timing, pico.led_pwm)
    assert (tuple(module.MUX), module.ADC) == (pico.mux, pico.mux_adc)
