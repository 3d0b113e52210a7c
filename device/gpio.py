"""The Raspberry Pi's pins through gpiozero, opened once, with what goes wrong said in words."""

from __future__ import annotations

import os
import tempfile
import warnings
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from cards.errors import LogicienneError

LGPIO_PLACEHOLDER = "0.0.0.2"
"""What pip takes where it finds no wheel: a package of 2 kB that drives nothing."""
LGPIO_REMEDY = "install Raspberry Pi OS's own python3-lgpio and make the environment with --system-site-packages"


class GpioError(LogicienneError, OSError):
    """No pins here, or pins that somebody else holds."""


def lgpio_version() -> str | None:
    """Of the lgpio that Python would import; `None` without one."""
    try:
        return version("lgpio")
    except PackageNotFoundError:
        return None


def pin_factory() -> Any:
    """gpiozero's pin factory of this machine: lgpio on a Pi, mock pins with `GPIOZERO_PIN_FACTORY=mock`.

    Raises `GpioError` where there are no pins.
    """
    # lgpio writes a FIFO into the working folder, which may be read-only.
    os.environ.setdefault("LG_WD", tempfile.gettempdir())
    from gpiozero import Device
    from gpiozero.exc import BadPinFactory

    if lgpio_version() == LGPIO_PLACEHOLDER:
        raise GpioError(f"lgpio {LGPIO_PLACEHOLDER} is an empty placeholder that pip took; {LGPIO_REMEDY}")
    try:
        with warnings.catch_warnings():
            # Each library that is not there; if none is, that is said below.
            warnings.simplefilter("ignore")
            Device.ensure_pin_factory()
    except (BadPinFactory, OSError, ImportError) as error:
        raise GpioError(
            f"this machine has no pins that gpiozero can drive ({str(error).rstrip('.')}); on a Raspberry Pi: {LGPIO_REMEDY}, "
            "and let the user be in the group gpio; elsewhere set GPIOZERO_PIN_FACTORY=mock to try things out"
        ) from error
    return Device.pin_factory
