"""How a sweep is looked at while the machine works: whatever is in it, the machine goes on."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from calibration.sensor_profile import SensorProfile
from cards.layout import Layout
from device.sweep import Sweep
from reader.reading import Code, Reading, Reason, Rejection
from reader.sweep.read import ForeignBar, read_sweep


def look_at(
    sweep: Sweep, layouts: Sequence[Layout], profile: SensorProfile | None, say: Callable[[str], None]
) -> Reading | Rejection:
    """Read one sweep. What is wrong with the machine, and not with the card, is also said."""
    try:
        return read_sweep(sweep, layouts, profile)
    except ForeignBar as error:
        say(str(error))
        return Rejection((Reason(Code.UNKNOWN_LAYOUT),))
    except Exception as error:  # noqa: BLE001  (a fault in reading one card must not end a sitting)
        say(f"a card could not be read ({type(error).__name__}: {error}); please report this")
        return Rejection((Reason(Code.EDGES_LOST, found="?"),))
