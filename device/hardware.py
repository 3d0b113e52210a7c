"""Each part of the machine's electronics tried by itself, and what to do about what fails. For `logicienne doctor hardware`."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from device.gpio import LGPIO_PLACEHOLDER, LGPIO_REMEDY, GpioError, lgpio_version, pin_factory
from device.lines.edge import Lines
from device.panels.patterns import LAMPS
from device.pins import PiPins
from device.sensor_bar import SETTLE_S, sensor_name
from device.source import SourceError, open_source

LOOK_S = 0.02
"""How often something that a person does is looked for."""
BEEP_S = 0.3
Ask = Callable[[str], bool]
"""A question that only an eye or an ear can answer."""


@dataclass(frozen=True)
class Finding:
    """One part. words: what was seen; remedy: what to do, where it is not in order."""

    part: str
    ok: bool
    words: str
    remedy: str = ""


@dataclass(frozen=True)
class Person:
    """Who stands there. ask: what they saw; tell: what they are to do; wait_s: how long that may take."""

    ask: Ask
    tell: Callable[[str], None]
    wait_s: float = 15.0


def check_library() -> Finding:
    """lgpio: there, and no placeholder."""
    found = lgpio_version()
    if found == LGPIO_PLACEHOLDER:
        return Finding("lgpio", False, f"version {found} is an empty placeholder that pip took", LGPIO_REMEDY)
    return Finding("lgpio", True, f"version {found}" if found else "not installed; another library serves the pins")


def check_pins() -> tuple[Finding, Any]:
    """gpiozero's way to the pins, and its factory; `None` where there is none."""
    try:
        factory = pin_factory()
    except GpioError as error:
        return Finding("pins", False, str(error), "run this on the Raspberry Pi, with the user in the group gpio"), None
    return Finding("pins", True, f"{factory.board_info.description}, through {type(factory).__name__}"), factory


def check_lamps(factory: Any, pins: PiPins, person: Person | None) -> Iterator[Finding]:
    """Each lamp, then the buzzer: switched on, and seen or heard where there is a person to ask."""
    from gpiozero import DigitalOutputDevice

    for name in (*LAMPS, "buzzer"):
        number, what = getattr(pins, name), f"{name} lamp" if name in LAMPS else name
        remedy = f"GPIO{number} (docs/maker/wiring.md): polarity, resistor, a wire pulled out? Swap the part with its neighbour."
        try:
            with DigitalOutputDevice(number, pin_factory=factory) as part:
                part.on()
                time.sleep(BEEP_S if name == "buzzer" else 0)
                if not part.value:
                    yield Finding(what, False, "the pin does not go high: a short to ground", remedy)
                elif person is not None and not person.ask(f"Is the {what} {'on' if name in LAMPS else 'sounding'}?"):
                    yield Finding(what, False, "not seen" if name in LAMPS else "not heard", remedy)
                else:
                    yield Finding(what, True, f"GPIO{number} switched{'' if person is None else ', and seen'}")
        except Exception as error:  # noqa: BLE001  (whatever a pin library raises)
            yield Finding(
                what, False, f"the pin cannot be used ({error})", f"stop whatever holds GPIO{number}; {remedy}"
            )


def check_button(factory: Any, pins: PiPins, person: Person | None) -> Finding:
    """Open at rest; closed when it is pressed, where there is somebody to press it."""
    from gpiozero import DigitalInputDevice

    remedy = f"GPIO{pins.button} to ground through the button, nothing else (docs/maker/wiring.md)"
    try:
        with DigitalInputDevice(pins.button, pull_up=True, pin_factory=factory) as button:
            if button.value:
                return Finding("button", False, "pressed, although nobody presses it", f"{remedy}; a short?")
            if person is None:
                return Finding("button", True, "open at rest")
            person.tell("Press the button now.")
            if _within(person.wait_s, lambda: bool(button.value)):
                return Finding("button", True, "open at rest, closed when pressed")
            return Finding("button", False, "no press was seen", remedy)
    except Exception as error:  # noqa: BLE001  (whatever a pin library raises)
        return Finding("button", False, f"the pin cannot be used ({error})", f"stop whatever holds it; {remedy}")


def check_sensors(lines: Lines, rows: int, person: Person | None) -> Iterator[Finding]:
    """Each data sensor with the light off and on; each clock sensor without a card, and before paper."""
    lines.light(False)
    time.sleep(SETTLE_S)
    unlit = lines.levels()
    lines.light(True)
    time.sleep(SETTLE_S)
    lit = lines.levels()
    for k in range(rows):
        yield _data_finding(sensor_name(k, rows), lit[k], unlit[k])
    paper = [False, False]
    if person is not None:
        person.tell("Hold white paper before both clock sensors (T1, T2).")

        def seen() -> bool:
            for k, level in enumerate(lines.levels()[rows:]):
                paper[k] = paper[k] or level
            return all(paper)

        _within(person.wait_s, seen)
    for k in range(2):
        name = sensor_name(rows + k, rows)
        if lit[rows + k]:
            remedy = "take the card out; turn its trimmer until it goes dark; shade it"
            yield Finding(f"clock sensor {name}", False, "sees paper although there is none", remedy)
        elif person is not None and not paper[k]:
            remedy = "is its LED on (a phone's camera shows infrared)? Turn its trimmer; 1 to 3 mm from the paper"
            yield Finding(f"clock sensor {name}", False, "does not see white paper", remedy)
        else:
            yield Finding(
                f"clock sensor {name}", True, "dark without a card" + (", light before paper" if paper[k] else "")
            )


def _data_finding(name: str, lit: bool, unlit: bool) -> Finding:
    part = f"sensor {name}"
    if unlit:
        remedy = "close the hood; if it stays so: its wire, or the gate's output, stuck high"
        return Finding(part, False, "light with the lamp off", remedy)
    if not lit:
        remedy = "card out? blow the aperture clean; LED pair, phototransistor's polarity, its 10 kΩ, the gate (docs/maker.md)"
        return Finding(part, False, "dark with the lamp on", remedy)
    return Finding(part, True, "dark with the lamp off, light with it on")


def check_source(spec: str, wait_s: float = 8.0) -> Finding:
    """A camera (or any source of frames): opens, and a picture comes."""
    try:
        source = open_source(spec)
    except (SourceError, GpioError) as error:
        return Finding(f"source {spec}", False, str(error), "name it as docs/run.md has it")
    with source:
        until = time.monotonic() + wait_s
        while time.monotonic() < until and not source.ended:
            if source.wait(0.25) is not None:
                return Finding(f"source {spec}", True, f"{source.name}: a picture came")
        words = source.problem or "nothing came"
    return Finding(f"source {spec}", False, words, "cable, power, another program that holds it; see docs/run.md")


def _within(wait_s: float, done: Callable[[], bool]) -> bool:
    until = time.monotonic() + wait_s
    while not done():
        if time.monotonic() >= until:
            return False
        time.sleep(LOOK_S)
    return True
