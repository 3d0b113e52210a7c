"""Cards from a bar of sensors on the Raspberry Pi's own pins: `sensors:`, `sensors:my-card/?backend=gpiod`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from time import sleep as real_sleep

import numpy as np

from cards.layout import SensorBar
from cards.load import LayoutError, find_layout
from device.gpio import GpioError, pin_factory
from device.levels import SensorLevels
from device.lines.by_gpiod import GpiodLines, header_chip
from device.lines.by_gpiozero import GpiozeroLines
from device.lines.edge import Lines
from device.pins import PinsError, PiPins, load_pins
from device.sensor_bar import SETTLE_S
from device.sensor_bar import SensorBar as Watched
from device.source import Options, Source, SourceError, one_of
from device.sweep import Sweep

DEFAULT = "stadslogistiek-bar"
BACKENDS = ("gpiozero", "gpiod")
LOOK_S = 0.005
"""Between two looks at a bar at rest: a card drawn at 100 mm/s moves half a millimetre."""


class Sensors(Source):
    """Every card that passes the bar, once."""

    sweeps = True

    def __init__(self, name: str, lines: Lines, bar: str, rows: int, sleep: Callable[[float], None]) -> None:
        super().__init__(name)
        self._lines = lines
        self._bar = Watched(lines, bar, rows, sleep)
        self._touched = 0

    @property
    def problem(self) -> str | None:  # type: ignore[override]
        """What is wrong with the bar."""
        return self._bar.problem

    def wait(self, timeout_s: float) -> Sweep | None:
        """The next card that has passed."""
        sweep = self._bar.wait(timeout_s)
        if self._bar.touched > self._touched and not self._touched:
            self.notice("something passed a sensor that was no card; a crumb or a spark is not read (said once)")
        self._touched = self._bar.touched
        return sweep

    def close(self) -> None:
        """Light off, wires free."""
        if not self.ended:
            self._lines.close()
        super().close()


class PinsBench:
    """The bar at rest: its sensors tell light from dark, its light is on or off."""

    duty_max, dims = 1000, False

    def __init__(self, name: str, lines: Lines, bar: str, rows: int, sleep: Callable[[float], None]) -> None:
        self.name, self.bar, self.rows = name, bar, rows
        self._lines, self._sleep = lines, sleep
        self._on: bool | None = None

    def levels(self, duty: int) -> SensorLevels:
        """One look."""
        if self._on is not (duty > 0):
            self._on = duty > 0
            self._lines.light(self._on)
            self._sleep(SETTLE_S)
        self._sleep(LOOK_S)
        return SensorLevels(np.array(self._lines.levels(), np.bool_))

    def now_s(self) -> float:
        """On the wires' own clock."""
        return self._lines.now_s()

    def draw(self) -> None:
        """A person does."""

    def close(self) -> None:
        """Light off, wires free."""
        self._lines.close()


def bench(where: str, options: Options) -> PinsBench:
    """As `make`."""
    return PinsBench(*_opened(where, options), real_sleep)


def make(where: str, options: Options) -> Source:
    """`sensors:LAYOUT?backend=gpiozero&pins=FILE&chip=/dev/gpiochip0`; the layout names the bar that is built in."""
    return Sensors(*_opened(where, options), real_sleep)


def _opened(where: str, options: Options) -> tuple[str, Lines, str, int]:
    """(name, wires, the bar's id, its rows)."""
    try:
        bar = bar_of(where)
        backend = options.take("backend", "gpiozero", one_of(*BACKENDS))
        table, chip = options.take("pins", "", str), options.take("chip", "", str)
        pins = load_pins(Path(table) if table else None).pi
    except (LayoutError, PinsError) as error:
        raise SourceError(f"{options.spec}: {error}") from error
    rows = len(bar.rows_mm)
    return f"the bar {bar.id} ({backend})", open_lines(pins, rows, backend, chip), bar.id, rows


def bar_of(layout_name: str) -> SensorBar:
    """The bar that this layout (id or path; '': the shipped one) is read by. Raises `LayoutError`, `SourceError`."""
    layout = find_layout(layout_name or DEFAULT)
    if layout.sensor_bar is None:
        raise SourceError(f"{layout.identity} names no sensor_bar; name a layout that does, as {DEFAULT}")
    return layout.sensor_bar


def open_lines(pins: PiPins, rows: int, backend: str = "gpiozero", chip: str = "") -> Lines:
    """The wires of a bar of so many rows. Raises `GpioError`, also where a backend is not installed."""
    if rows > len(pins.data):
        raise GpioError(
            f"the bar has {rows} rows, the pin table {len(pins.data)} data pins; name more in a table of your own"
        )
    inputs = (*pins.data[:rows], *pins.timing)
    if backend == "gpiozero":
        return GpiozeroLines(pin_factory(), inputs, pins.led_enable)
    try:
        import gpiod
    except ImportError as error:
        raise GpioError("gpiod is not installed here; on the Raspberry Pi: pip install 'logicienne[pi]'") from error
    return GpiodLines(gpiod, chip or header_chip(gpiod), inputs, pins.led_enable)
