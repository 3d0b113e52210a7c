"""The panel's one button: short for the last verdict once more, long for a receipt."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from device.panel import Sign

BOUNCE_S = 0.03
"""A contact's chatter is shorter, a finger's press longer."""
LONG_S = 1.2


class Button:
    """To ground, with the Pi's pull-up. `short` and `long` are called by the pin library's thread: they must return at once.

    Raises what gpiozero raises for a pin that cannot be used.
    """

    def __init__(
        self,
        factory: Any,
        number: int,
        short: Callable[[], None],
        long: Callable[[], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        from gpiozero import DigitalInputDevice

        self._short, self._long, self._clock = short, long, clock
        self._pressed_s: float | None = None
        # Chatter is told by how long it lasts; gpiozero's own bounce time would lose the release.
        self._device = DigitalInputDevice(number, pull_up=True, pin_factory=factory)
        self._device.when_activated, self._device.when_deactivated = self._pressed, self._released

    def show(self, sign: Sign) -> None:
        """A button shows nothing; it is part of the panel all the same, and closed with it."""

    def say(self, text: str) -> None:
        """Nor does it speak."""

    def close(self) -> None:
        """Let go of the pin."""
        self._device.close()

    def _pressed(self) -> None:
        self._pressed_s = self._clock()

    def _released(self) -> None:
        if self._pressed_s is None:
            return
        held_s, self._pressed_s = self._clock() - self._pressed_s, None
        if held_s >= LONG_S:
            self._long()
        elif held_s >= BOUNCE_S:
            self._short()
