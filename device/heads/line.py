"""A line to a head: whatever pyserial opens (`/dev/ttyACM0`, `socket://host:port`, a pty)."""

from __future__ import annotations

import select
from typing import Protocol

import serial

BAUD = 115200
"""What a UART would have to agree on; USB and sockets do not care."""
WRITE_S = 1.0
"""How long a device may take to accept a few bytes before it counts as gone."""
READ_BYTES = 4096


class LineLost(Exception):
    """The line is not there, or not any more; the text says why, in words for people."""


class Line(Protocol):
    """Bytes both ways."""

    def read(self, timeout_s: float) -> bytes:
        """What came, at once when something is there; empty when nothing came in time. Raises `LineLost`."""
        ...

    def write(self, data: bytes) -> None:
        """Send all of it. Raises `LineLost`."""
        ...

    def close(self) -> None:
        """Let it go."""
        ...


class SerialLine:
    """One opened line; a `Line`."""

    def __init__(self, url: str, baud: int = BAUD) -> None:
        try:
            # Exclusive: two programs on one line would each take half of what comes.
            alone = None if "://" in url else True
            self._port = serial.serial_for_url(url, baudrate=baud, timeout=0, write_timeout=WRITE_S, exclusive=alone)
            self._number = self._port.fileno()
        except (OSError, ValueError, AttributeError) as error:
            raise LineLost(_why(url, error)) from error

    def read(self, timeout_s: float) -> bytes:
        """See `Line`."""
        try:
            ready, _, _ = select.select([self._number], [], [], max(timeout_s, 0.0))
            return bytes(self._port.read(READ_BYTES)) if ready else b""
        except (OSError, ValueError, TypeError) as error:
            raise LineLost("was unplugged, or its line was cut") from error

    def write(self, data: bytes) -> None:
        """See `Line`."""
        try:
            self._port.write(data)
        except serial.SerialTimeoutException as error:
            raise LineLost("takes no bytes any more") from error
        except (OSError, ValueError, TypeError) as error:
            raise LineLost("was unplugged, or its line was cut") from error

    def close(self) -> None:
        """See `Line`."""
        try:
            self._port.close()
        except OSError:
            # An unplugged device complains about being let go.
            return


def _why(url: str, error: Exception) -> str:
    number = getattr(error, "errno", None)
    if number is None and isinstance(error, serial.SerialException):
        number = next((a for a in error.args if isinstance(a, int)), None)
    if number == 13:
        return "may not be opened by this user; once: sudo usermod -aG dialout $USER, then log in anew"
    if number in (11, 16) or "exclusively lock" in str(error):
        return "is used by another program; end that one first"
    if number == 2 or "could not open port" in str(error).lower():
        return "is not there; is the head plugged in?"
    return f"cannot be opened ({error})"
