"""The makers' tables as pages: which wire goes where, and what to buy."""

from __future__ import annotations

from collections.abc import Iterable

from device.drawings.boards import Use, ohms, pi_uses, pico_uses
from device.pins import Pins

MADE = "Made from `device/pins.toml` by `python -m device.drawings --write`; change the table, not this page.\n"


def wiring_page(pins: Pins, rows: int) -> str:
    """`docs/maker/wiring.md`."""
    mux = [f"| {k} | collector of sensor {k + 1} |" for k in range(rows)]
    mux += [f"| {len(pins.pico.data) + k} | collector of clock sensor T{k + 1} |" for k in range(2)]
    return "\n".join(
        [
            "# Wiring",
            "",
            MADE,
            "Switch off before you touch a wire. **No pin of a Pi or Pico bears more than 3.3 V.** All grounds are one.",
            "",
            "## Sensors and panel on a Raspberry Pi",
            "",
            "![The Pi's header with what hangs on each pin](wiring-pi.svg)",
            "",
            *_table("GPIO (BCM)", "header pin", pi_uses(pins, rows)),
            "",
            "A display (SSD1306, SH1106) hangs on the I²C bus: SDA header pin 3, SCL 5, 3.3 V, ground.",
            "",
            "## The sensor head: a Pico or Pico 2",
            "",
            "![A Pico with what hangs on each pin](wiring-pico.svg)",
            "",
            *_table("GP", "pin", pico_uses(pins, rows)),
            "",
            "The multiplexer (74HC4067) brings each sensor's analogue level to the one ADC input, to calibrate and to see a",
            "sensor weaken; its enable goes to ground. Its inputs:",
            "",
            "| input | from |",
            "|---|---|",
            *mux,
            "",
            "## Circuits",
            "",
            "![Data sensor, light of the row, clock sensor, lamps, buzzer, button](circuits.svg)",
            "",
            "## Another table",
            "",
            "A machine that is wired otherwise says so in a file like `device/pins.toml`, with only what differs, named in",
            '`logicienne.toml`: `pins = "my-pins.toml"`. `python -m device.drawings --pins my-pins.toml --folder my/ --write`',
            "draws it. Mistakes (a pin twice, a pin that does not exist) are named when it is read.",
            "",
        ]
    )


def _table(number: str, place: str, uses: Iterable[Use]) -> list[str]:
    head = [f"| {number} | {place} | part | by way of |", "|---|---|---|---|"]
    return head + [f"| {u.number} | {u.place} | {u.part} | {u.way} |" for u in uses]


def parts_page(pins: Pins, rows: int) -> str:
    """`docs/maker/parts.md`."""
    r, pairs = pins.resistors, -(-rows // 2)
    parts = [
        ("Raspberry Pi 4, 5 or Zero 2, 64-bit system, its official supply", "1", "no 32-bit system: there is no OpenCV for it"),
        ("infrared LED 940 nm, 5 mm, narrow beam", str(2 * pairs), "forward voltage at 15 mA: two must leave 1.5 V of 5 V"),
        ("phototransistor for 940 nm, 5 mm, daylight filter", str(rows), "behind the aperture, lit: below 0.8 V at 10 kΩ"),
        ("74HC14", str(-(-rows // 6)), "at 3.3 V; never a 74HCT14, whose thresholds are for 5 V"),
        ("reflective sensor, 1 mm spot", "2", "sees laser black as black: test with your own print"),
        ("LM393", "1", "both halves used; open collector"),
        ("trimmer 50 kΩ", "2", "threshold of each clock sensor: between paper and bar, below 1.8 V"),
        ("logic-level N-channel MOSFET", "1", "fully on at 3.3 V gate voltage"),
        ("LED green, amber, red, diffused", "3", "seen in daylight"),
        ("active buzzer 5 V, NPN transistor, 1N4148", "1 each", "heard in a café, bearable beside it"),
        ("push button, normally open", "1", "large, easy to find"),
        (f"resistor {ohms(r.data_led)}", str(pairs), f"power: {ohms(r.data_led)} at 15 mA is 0.04 W"),
        (f"resistor {ohms(r.data_pull_up)}", str(rows + (2 if r.timing_output == r.data_pull_up else 0)), "1 %"),
        (f"resistor {ohms(r.timing_led)} (clock LEDs)", "2", "150 to 220 Ω, by the sensor's data sheet"),
        (f"resistor {ohms(r.timing_pull_up)}", "2", "smaller where the paper is very near"),
        (f"resistor {ohms(r.hysteresis)}", "2", "with the trimmer's 11 kΩ a hysteresis of some 35 mV"),
        (f"resistor {ohms(r.lamp)}", "3", "at most 8 mA a pin, 50 mA all together"),
        (f"resistors {ohms(r.gate)}, {ohms(r.gate_down)}, {ohms(r.buzzer_base)}", "1 each", ""),
        ("capacitor 100 nF", "3", "at each chip's supply, as near as can be"),
        ("capacitor 100 µF", "1", "where 5 V enters the bar"),
    ]  # fmt: skip
    head = [
        ("Raspberry Pi Pico or Pico 2", "1", "Pico 2: erratum E9, so no internal pull-downs; these circuits need none"),
        ("74HC4067 on a small board", "1", "at 3.3 V"),
    ]
    return "\n".join(
        [
            "# Parts",
            "",
            MADE,
            "Typical values, for a bar of this many rows: "
            f"{rows}. No machine was measured when this was written: **verify what the last column says before you buy ten.**",
            "",
            *_parts(parts),
            "",
            "With a sensor head in place of the Pi's own pins, also:",
            "",
            *_parts(head),
            "",
            "For a machine with a camera: the ribbon camera with a fixed close focus, or a USB camera; a white LED strip with a",
            "diffuser; a matt black bed.",
            "",
            "## Plate and guide",
            "",
            "![The aperture plate, at its size](plate.svg)",
            "",
            "![The guide](guide.svg)",
            "",
            "Card stock of 200 g/m² or more; timing bars in laser or pigment black (many dye inks vanish in infrared). The gap",
            "between LED and phototransistor is 8 to 10 mm. Another card's bar:",
            "`python -m device.drawings --layout my-card/ --folder my/ --write`.",
            "",
        ]
    )


def _parts(parts: Iterable[tuple[str, str, str]]) -> list[str]:
    return [
        "| part | number | verify |",
        "|---|---|---|",
        *(f"| {part} | {count} | {check} |" for part, count, check in parts),
    ]
