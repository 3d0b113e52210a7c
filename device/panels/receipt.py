"""A receipt printer: the resident's own answers beside the neighbourhood's, only when the resident asks for it.

The text comes with the verdict's sign (`Sign.slip`). It is kept for a minute or until the next card, printed at most once,
and written nowhere.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

from device.panel import Sign
from device.panels.errors import PanelError

KEPT_S = 60.0
FORMS = "usb:04b8:0e15, serial:/dev/ttyUSB0, network:192.168.0.9, file:/dev/usb/lp0"


class Receipts:
    """A python-escpos printer as a panel. `ask` prints what the last card's resident may have."""

    def __init__(self, printer: Any, tell: Callable[[str], None], clock: Callable[[], float] = time.monotonic) -> None:
        self._printer, self._tell, self._clock = printer, tell, clock
        self._lock = threading.Lock()
        self._slip: tuple[str, ...] = ()
        self._since_s = 0.0

    def show(self, sign: Sign) -> None:
        """Keep the slip of a card; forget it when the next card comes."""
        with self._lock:
            if sign.verdict or sign.light == "busy":
                self._slip, self._since_s = sign.slip, self._clock()

    def say(self, text: str) -> None:
        """Only slips are printed."""

    def ask(self) -> None:
        """Print in a thread of its own: whoever asks is the pin library, and must not wait for paper."""
        threading.Thread(target=self.print_now, name="receipt", daemon=True).start()

    def print_now(self) -> bool:
        """Whether there was something to print and it was handed to the printer."""
        with self._lock:
            slip, self._slip = self._slip, ()
            if not slip or self._clock() - self._since_s > KEPT_S:
                return False
            try:
                self._printer.set(align="left")
                self._printer.text("".join(f"{line}\n" for line in slip))
                self._printer.cut()
            except Exception as error:  # noqa: BLE001  (escpos, USB and serial raise errors of their own)
                self._tell(f"the receipt printer does not work ({error}); paper in, lid closed, cable?")
                return False
            return True

    def close(self) -> None:
        """Forget, and let the printer go."""
        with self._lock:
            self._slip = ()
            self._printer.close()


def open_printer(spec: str) -> Any:
    """The printer that `spec` names. Raises `PanelError`."""
    kind, _, rest = spec.partition(":")
    try:
        from escpos import printer
    except ImportError as error:
        raise PanelError("python-escpos is not installed here; pip install 'logicienne[printer]'") from error
    try:
        if kind == "usb":
            vendor, product = (int(part, 16) for part in rest.split(":"))
            return printer.Usb(vendor, product)
        made: dict[str, Any] = {"serial": printer.Serial, "network": printer.Network, "file": printer.File}
        if kind in made and rest:
            return made[kind](rest)
    except ValueError as error:
        raise PanelError(f"{spec!r} is no printer; write one like {FORMS}") from error
    except Exception as error:  # escpos, USB and serial raise errors of their own
        raise PanelError(f"{spec}: the printer cannot be opened ({error}); is it on, is its cable in?") from error
    raise PanelError(f"{spec!r} is no printer; write one like {FORMS}")
