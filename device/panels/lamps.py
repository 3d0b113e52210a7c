"""Green, amber and red lamps and a buzzer on the Pi's pins.

`Lamps.step` decides what is on now; a thread of its own calls it when something changes. A lamp that fails is said once
and left out; nothing here ever raises into a reading.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from datetime import time as Clock
from typing import Any

from device.panel import Sign
from device.panels.patterns import LAMPS, PATTERNS, TEST_S, Name, name_of
from device.pins import PiPins

VERDICT_S = 3.0
"""A verdict stays in the lamps at least so long, unless another sign than `off` takes its place."""


@dataclass(frozen=True)
class Quiet:
    """Hours without sound, over midnight where `until` comes before `since`."""

    since: Clock
    until: Clock

    def now(self, clock: Clock) -> bool:
        """Whether this time of day is quiet."""
        if self.since <= self.until:
            return self.since <= clock < self.until
        return clock >= self.since or clock < self.until


@dataclass
class _Shown:
    """What the lamps play since when. sign: what for; `None`: the lamp test."""

    name: Name
    since_s: float
    sound: bool
    sign: Sign | None = None


class Lamps:
    """See the module; a `device.panel.Panel`.

    factory: of gpiozero. tell: where a failure is said. sound: whether the buzzer is used at all; quiet: hours without
    it. clock, wall: the time, for tests; threaded: whether a thread of its own keeps the lamps going.
    """

    def __init__(
        self,
        factory: Any,
        pins: PiPins,
        tell: Callable[[str], None],
        *,
        sound: bool = True,
        quiet: Quiet | None = None,
        clock: Callable[[], float] = time.monotonic,
        wall: Callable[[], datetime] = datetime.now,
        threaded: bool = True,
    ) -> None:
        self._tell, self._quiet, self._clock, self._wall = tell, quiet, clock, wall
        self._changed = threading.Condition()
        self._closed = False
        self._parts: dict[str, Any] = {}
        for name in (*LAMPS, *(("buzzer",) if sound else ())):
            self._open(factory, name, getattr(pins, name))
        self._shown = _Shown("test", clock(), True)
        self._after: Sign | None = None  # waits until the verdict before it was seen
        self._verdict: Sign | None = None
        self.step()
        self._thread = threading.Thread(target=self._keep, name="lamps", daemon=True) if threaded else None
        if self._thread is not None:
            self._thread.start()

    # --- a panel ------------------------------------------------------------------------------------------------

    def show(self, sign: Sign) -> None:
        """Play the sign; a sign of rest waits until the verdict was seen for a while, and the lamp test for its end."""
        with self._changed:
            if sign.verdict:
                self._verdict = sign
            waits = sign.light == "off" and self._shown.sign is not None and self._shown.sign.verdict
            if (waits or self._shown.name == "test") and self._age_s() < self._least_s() and not sign.verdict:
                self._after = sign
            elif sign != self._shown.sign or sign.verdict:
                self._play(sign)
        self._wake()

    def say(self, text: str) -> None:
        """Lamps have no words."""

    def repeat(self) -> None:
        """Play the last verdict once more, with its sound: for whoever looked away."""
        with self._changed:
            if self._verdict is not None:
                before = self._after or self._shown.sign
                self._play(self._verdict)
                if before is not None and before != self._verdict:
                    self._after = before
        self._wake()

    def close(self) -> None:
        """All off, pins free."""
        with self._changed:
            self._closed = True
        self._wake()
        if self._thread is not None:
            self._thread.join(2)
        for name in list(self._parts):
            part = self._parts.pop(name)
            try:
                part.off()
                part.close()
            except Exception as error:  # noqa: BLE001  (whatever a pin library raises; the machine is going down anyway)
                self._tell(f"the {name} could not be switched off ({error})")

    # --- what is on now -------------------------------------------------------------------------------------------

    def step(self) -> float:
        """Bring lamps and buzzer to what they must be now; returns in how many seconds that changes."""
        with self._changed:
            if self._closed:
                return 60.0
            if self._age_s() >= self._least_s():
                if self._after is not None:
                    self._play(self._after)
                elif self._shown.name == "test":
                    self._shown = _Shown("off", self._clock(), False)
            pattern, age = PATTERNS[self._shown.name], self._age_s()
            lit, wait_s = pattern.at(age)
            beeps, sound_s = pattern.sounding(age) if self._shown.sound else (False, None)
            waits = [wait_s] + [s for s in (sound_s, self._least_s() - age) if s is not None and s > 0]
            for lamp in LAMPS:
                self._set(lamp, lamp in lit)
            self._set("buzzer", beeps)
        return max(min(waits), 0.005)

    def _play(self, sign: Sign) -> None:
        again = self._shown.sign is not None and name_of(self._shown.sign) == name_of(sign) == "trouble"
        # A trouble that is said again and again beeps once.
        sound = not again and not (self._quiet is not None and self._quiet.now(self._wall().time()))
        since = self._shown.since_s if again else self._clock()
        self._shown, self._after = _Shown(name_of(sign), since, sound, sign), None

    def _age_s(self) -> float:
        return self._clock() - self._shown.since_s

    def _least_s(self) -> float:
        if self._shown.name == "test":
            return TEST_S
        return VERDICT_S if self._shown.sign is not None and self._shown.sign.verdict else 0.0

    def _wake(self) -> None:
        if self._thread is None:
            self.step()
            return
        with self._changed:
            self._changed.notify()

    def _keep(self) -> None:
        while not self._closed:
            wait_s = self.step()
            with self._changed:
                self._changed.wait(wait_s)

    # --- parts ----------------------------------------------------------------------------------------------------

    def _open(self, factory: Any, name: str, number: int) -> None:
        from gpiozero import DigitalOutputDevice

        try:
            self._parts[name] = DigitalOutputDevice(number, pin_factory=factory)
        except Exception as error:  # noqa: BLE001  (whatever a pin library raises)
            self._failed(name, error)

    def _set(self, name: str, on: bool) -> None:
        part = self._parts.get(name)
        if part is None:
            return
        try:
            if bool(part.value) != on:
                part.value = on
        except Exception as error:  # noqa: BLE001  (whatever a pin library raises)
            del self._parts[name]
            self._failed(name, error)

    def _failed(self, name: str, error: Exception) -> None:
        what = "the buzzer" if name == "buzzer" else f"the {name} lamp"
        self._tell(f"{what} does not work ({error}); reading goes on without it; see: logicienne doctor hardware")
