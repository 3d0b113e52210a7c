"""Cards from a bar of sensors on the Raspberry Pi's own pins: `sensors:`, `sensors:my-card/?backend=gpiod`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from time import sleep as real_sleep

from cards.load import LayoutError, find_layout
from device.gpio import GpioError, pin_factory
from device.lines.by_gpiod import GpiodLines, header_chip
from device.lines.by_gpiozero import GpiozeroLines
from device.lines.edge import Lines
from device.pins import PinsError, PiPins, load_pins
from device.sensor_bar import SensorBar
from device.source import Options, Source, SourceError, one_of
from device.sweep import Sweep

DEFAULT = "stadslogistiek-bar"


class Sensors(Source):
    """Every card that passes the bar, once."""

    sweeps = True

    def __init__(self, name: str, lines: Lines, bar: str, rows: int, sleep: Callable[[float], None]) -> None:
        super().__init__(name)
        self._lines = lines
        self._bar = SensorBar(lines, bar, rows, sleep)
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


def make(where: str, options: Options) -> Source:
    """`sensors:LAYOUT?backend=gpiozero&pins=FILE&chip=/dev/gpiochip0`; the layout names the bar that is built in."""
    try:
        layout = find_layout(where or DEFAULT)
    except LayoutError as error:
        raise SourceError(f"{options.spec}: {error}") from error
    bar = layout.sensor_bar
    if bar is None:
        raise SourceError(f"{options.spec}: {layout.identity} names no sensor_bar; name a layout that does: {DEFAULT}")
    backend = options.take("backend", "gpiozero", one_of("gpiozero", "gpiod"))
    table, chip = options.take("pins", "", str), options.take("chip", "", str)
    try:
        pins = load_pins(Path(table) if table else None).pi
    except PinsError as error:
        raise SourceError(f"{options.spec}: {error}") from error
    rows = len(bar.rows_mm)
    if rows > len(pins.data):
        raise SourceError(f"{options.spec}: the bar {bar.id} has {rows} rows, the pin table {len(pins.data)} data pins")
    lines = open_lines(pins, rows, backend, chip)
    return Sensors(f"the bar {bar.id} ({backend})", lines, bar.id, rows, real_sleep)


def open_lines(pins: PiPins, rows: int, backend: str = "gpiozero", chip: str = "") -> Lines:
    """The wires of a bar of so many rows. Raises `GpioError`, also where a backend is not installed."""
    inputs = (*pins.data[:rows], *pins.timing)
    if backend == "gpiozero":
        return GpiozeroLines(pin_factory(), inputs, pins.led_enable)
    try:
        import gpiod
    except ImportError as error:
        raise GpioError("gpiod is not installed here; on the Raspberry Pi: pip install 'logicienne[pi]'") from error
    return GpiodLines(gpiod, chip or header_chip(gpiod), inputs, pins.led_enable)
