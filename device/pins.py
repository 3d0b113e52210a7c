"""The pin table: which wire goes where. Begin with `load_pins`; the table itself is `device/pins.toml`."""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, TypeVar

from cards.errors import LogicienneError

TABLE = Path(__file__).with_name("pins.toml")
PI_PINS = range(28)
"""BCM numbers on the 40-pin header."""
PI_EEPROM = (0, 1)
"""Read by the Pi at its start, to learn what board sits on it."""
PICO_PINS = (*range(23), 26, 27, 28)
"""GP numbers on a Pico's edge; 23 to 25 serve the board itself."""
PICO_ADC = (26, 27, 28)
ROWS_MAX = 14
"""Rows of a bar: with the two clock sensors they must fit into 16 bits (docs/protocol.md)."""
T = TypeVar("T")


class PinsError(LogicienneError, ValueError):
    """A pin table that cannot be used; every mistake on a line of its own."""


@dataclass(frozen=True)
class PiPins:
    """BCM numbers. data: from the card's top row; timing: T1 in line with the data sensors, then T2."""

    data: tuple[int, ...]
    timing: tuple[int, ...]
    led_enable: int
    green: int
    amber: int
    red: int
    buzzer: int
    button: int


@dataclass(frozen=True)
class PicoPins:
    """GP numbers of the sensor head. mux: the multiplexer's address, lowest bit first."""

    data: tuple[int, ...]
    timing: tuple[int, ...]
    led_pwm: int
    mux: tuple[int, ...]
    mux_adc: int


@dataclass(frozen=True)
class Resistors:
    """Ohms."""

    lamp: int
    data_led: int
    data_pull_up: int
    timing_led: int
    timing_pull_up: int
    timing_output: int
    hysteresis: int
    gate: int
    gate_down: int
    buzzer_base: int


@dataclass(frozen=True)
class Pins:
    """The whole table."""

    pi: PiPins
    pico: PicoPins
    resistors: Resistors


KINDS: dict[str, type] = {"pi": PiPins, "pico": PicoPins, "resistors": Resistors}


def load_pins(path: Path | None = None) -> Pins:
    """The shipped table, with what the file at `path` says instead. Raises `PinsError`.

    >>> from device.pins import load_pins
    >>> load_pins().pi.green
    17
    """
    table = _toml(TABLE)
    given = {} if path is None else _toml(path)
    where = path or TABLE
    problems = list(_unknown(given))
    for name, values in given.items():
        if name in table and isinstance(values, dict):
            table[name].update(values)
    problems += _faults(table)
    if problems:
        raise PinsError("\n".join(f"{where}: {problem}" for problem in problems))
    return Pins(*(_section(KINDS[f.name], table[f.name]) for f in fields(Pins)))


def _toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise PinsError(f"{path}: cannot be read ({error.strerror}); the shipped table is {TABLE}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise PinsError(f"{path}: not TOML: {error}") from error


def _section(kind: type[T], values: Mapping[str, Any]) -> T:
    return kind(**{name: tuple(v) if isinstance(v, list) else v for name, v in values.items()})


def _unknown(given: Mapping[str, Any]) -> Iterator[str]:
    for name, values in given.items():
        if name not in KINDS:
            yield f"[{name}]: no such table{_meant(name, list(KINDS))}"
        elif not isinstance(values, dict):
            yield f"{name}: must be a table: [{name}]"
        else:
            known = [f.name for f in fields(KINDS[name])]
            yield from (f"{name}.{key}: no such pin{_meant(key, known)}" for key in values if key not in known)


def _meant(word: str, known: list[str]) -> str:
    near = difflib.get_close_matches(word, known, 1, 0.5)
    return f"; did you mean {near[0]}?" if near else f"; there are: {', '.join(known)}"


def _faults(table: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    """What no board could be wired like."""
    for section, kind in KINDS.items():
        taken: dict[int, str] = {}
        for field in fields(kind):
            name, value = f"{section}.{field.name}", table[section][field.name]
            many = str(field.type).startswith("tuple")
            numbers = value if isinstance(value, list) else [value]
            if many != isinstance(value, list) or not all(type(n) is int for n in numbers):
                yield f"{name}: must be {'a list of whole numbers' if many else 'a whole number'}, not {value!r}"
            elif section == "resistors":
                if value <= 0:
                    yield f"{name}: must be more than 0 ohms"
            else:
                yield from _pin_faults(section, field.name, numbers, taken)


def _pin_faults(section: str, name: str, numbers: list[int], taken: dict[int, str]) -> Iterator[str]:
    there, board = (PI_PINS, "BCM 0 to 27") if section == "pi" else (PICO_PINS, "GP 0 to 22 and 26 to 28")
    wanted = {"data": range(1, ROWS_MAX + 1), "timing": range(2, 3), "mux": range(1, 5)}.get(name)
    if wanted is not None and len(numbers) not in wanted:
        yield f"{section}.{name}: {wanted[0]}{f' to {wanted[-1]}' if len(wanted) > 1 else ''} pins, not {len(numbers)}"
    for number in numbers:
        if number not in there:
            yield f"{section}.{name}: there is no pin {number} ({board})"
        elif section == "pi" and number in PI_EEPROM:
            yield f"{section}.{name}: pin {number} belongs to the Pi's own start; take another"
        elif name == "mux_adc" and number not in PICO_ADC:
            yield f"{section}.{name}: pin {number} cannot measure a voltage; take 26, 27 or 28"
        if number in taken:
            yield f"{section}.{name}: pin {number} is {taken[number]} already"
        taken.setdefault(number, f"{section}.{name}")
