"""The panel that a configuration asks for: the screen, and whatever lamps, display and printer there are."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from device.gpio import GpioError, pin_factory
from device.panel import Panel
from device.panels.button import Button
from device.panels.display import open_display
from device.panels.errors import PanelError
from device.panels.lamps import Lamps
from device.panels.receipt import Receipts, open_printer
from device.panels.together import Together
from device.pins import load_pins
from reader.config import Config


def open_panel(given: Config, screen: Panel) -> Panel:
    """All of it as one panel; a part that is not there is said on the screen, and the machine reads without it.

    Raises `PinsError` for a pin table that cannot be used.
    """
    options, panels = given.panel, list[Panel]([screen])
    pins = load_pins(Path(given.pins) if given.pins else None).pi
    if options.display:
        try:
            panels.append(open_display(options.display))
        except PanelError as error:
            screen.say(f"no display: {error}")
    receipts: Receipts | None = None
    if options.printer:
        try:
            receipts = Receipts(open_printer(options.printer), screen.say)
            panels.append(receipts)
        except PanelError as error:
            screen.say(f"no receipts: {error}")
    if options.lamps:
        try:
            factory = pin_factory()
        except GpioError as error:
            screen.say(f"no lamps: {error}")
        else:
            lamps = Lamps(factory, pins, screen.say, sound=options.sound, quiet=options.quiet_hours())
            panels.append(lamps)
            button = _button(factory, pins.button, lamps, receipts, screen)
            panels += [] if button is None else [button]
    return Together(panels)


def _button(factory: Any, number: int, lamps: Lamps, receipts: Receipts | None, screen: Panel) -> Button | None:
    """The button, or `None` where its pin cannot be used."""
    try:
        return Button(factory, number, lamps.repeat, lamps.repeat if receipts is None else receipts.ask)
    except Exception as error:  # noqa: BLE001  (whatever a pin library raises)
        screen.say(f"no button: {error}")
        return None
