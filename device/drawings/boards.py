"""Which pin of the board is which number, and what hangs on it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from device.drawings.shapes import AMBER, BLUE, GREEN, INK, MUTED, RED, TEAL, VIOLET
from device.pins import Pins, Resistors

PI_BCM = {2: 3, 3: 5, 4: 7, 14: 8, 15: 10, 17: 11, 18: 12, 27: 13, 22: 15, 23: 16, 24: 18, 10: 19, 9: 21, 25: 22, 11: 23,
          8: 24, 7: 26, 0: 27, 1: 28, 5: 29, 6: 31, 12: 32, 13: 33, 19: 35, 16: 36, 26: 37, 20: 38, 21: 40}  # fmt: skip
"""BCM number → place on a Raspberry Pi's header, from the corner with the square pad."""
PI_POWER = {1: "3.3 V", 2: "5 V", 4: "5 V", 17: "3.3 V", 6: "ground", 9: "ground", 14: "ground", 20: "ground",
            25: "ground", 30: "ground", 34: "ground", 39: "ground"}  # fmt: skip
PICO_GP = {0: 1, 1: 2, 2: 4, 3: 5, 4: 6, 5: 7, 6: 9, 7: 10, 8: 11, 9: 12, 10: 14, 11: 15, 12: 16, 13: 17, 14: 19, 15: 20,
           16: 21, 17: 22, 18: 24, 19: 25, 20: 26, 21: 27, 22: 29, 26: 31, 27: 32, 28: 34}  # fmt: skip
"""GP number → place on a Pico, counted from the USB socket down the left and up the right side."""
PICO_POWER = {3: "ground", 8: "ground", 13: "ground", 18: "ground", 23: "ground", 28: "ground", 30: "run", 33: "ground",
              35: "ADC ref.", 36: "3.3 V", 37: "3.3 V enable", 38: "ground", 39: "VSYS", 40: "5 V (USB)"}  # fmt: skip


@dataclass(frozen=True)
class Use:
    """What hangs on one pin. number: BCM or GP; place: on the board; part, way: what it is, and what lies between."""

    number: int
    place: int
    part: str
    way: str
    ink: str


def ohms(value: int) -> str:
    """As it is written on a bag of resistors."""
    for size, unit in ((1_000_000, "MΩ"), (1000, "kΩ")):
        if value >= size:
            return f"{value / size:g} {unit}"
    return f"{value} Ω"


def pi_uses(pins: Pins, rows: int) -> Iterator[Use]:
    """Everything that hangs on the Pi, for a bar of so many rows."""
    pi, r = pins.pi, pins.resistors
    for k, number in enumerate(pi.data):
        free = "" if k < rows else " (free: this bar has fewer rows)"
        yield Use(number, PI_BCM[number], f"sensor {k + 1}{free}", _gate(k), BLUE if k < rows else MUTED)
    for k, number in enumerate(pi.timing):
        yield Use(
            number,
            PI_BCM[number],
            f"clock sensor T{k + 1}",
            f"comparator output, {ohms(r.timing_output)} to 3.3 V",
            TEAL,
        )
    yield Use(pi.led_enable, PI_BCM[pi.led_enable], "light of the row", _mosfet(r), AMBER)
    for name, ink in (("green", GREEN), ("amber", AMBER), ("red", RED)):
        number = getattr(pi, name)
        yield Use(number, PI_BCM[number], f"{name} lamp", f"{ohms(r.lamp)}, LED, ground", ink)
    yield Use(pi.buzzer, PI_BCM[pi.buzzer], "buzzer", f"{ohms(r.buzzer_base)} to the transistor's base", VIOLET)
    yield Use(pi.button, PI_BCM[pi.button], "button", "to ground; the Pi pulls up", INK)


def pico_uses(pins: Pins, rows: int) -> Iterator[Use]:
    """Everything that hangs on the Pico of a sensor head."""
    pico, r = pins.pico, pins.resistors
    for k, number in enumerate(pico.data):
        free = "" if k < rows else " (free: this bar has fewer rows)"
        yield Use(number, PICO_GP[number], f"sensor {k + 1}{free}", _gate(k), BLUE if k < rows else MUTED)
    for k, number in enumerate(pico.timing):
        yield Use(
            number,
            PICO_GP[number],
            f"clock sensor T{k + 1}",
            f"comparator output, {ohms(r.timing_output)} to 3.3 V",
            TEAL,
        )
    yield Use(pico.led_pwm, PICO_GP[pico.led_pwm], "light of the row", _mosfet(r), AMBER)
    for k, number in enumerate(pico.mux):
        yield Use(number, PICO_GP[number], f"multiplexer S{k}", "74HC4067 address", VIOLET)
    yield Use(pico.mux_adc, PICO_GP[pico.mux_adc], "multiplexer common", "74HC4067 Z", VIOLET)


def _gate(k: int) -> str:
    return f"74HC14 no. {k // 6 + 1}, gate {k % 6 + 1} output"


def _mosfet(r: Resistors) -> str:
    return f"{ohms(r.gate)} to the MOSFET's gate, {ohms(r.gate_down)} to ground"
