"""A sensor head that is only looked at: its light set, its levels read, nothing recorded."""

from __future__ import annotations

import time

import numpy as np

from device.heads.link import Link
from device.heads.messages import AskLevels, Caps, LedPwm, Levels
from device.levels import SensorLevels
from device.source import SourceError

MEET_S = 8.0
ANSWER_S = 0.5
TRIES = 6
"""A request or its answer may get lost on the line."""
FULL_SCALE = 65535


class HeadBench:
    """See the module. It meets the head when it is first asked something."""

    duty_max, dims = 1000, True

    def __init__(self, link: Link) -> None:
        self.name = link.name
        self._link = link
        self._duty = -1

    @property
    def bar(self) -> str:
        """As the head names it."""
        return self._caps().bar

    @property
    def rows(self) -> int:
        """As the head says."""
        return self._caps().rows

    def levels(self, duty: int) -> SensorLevels:
        """One look. The head does what it is told in the order in which it is told."""
        caps = self._caps()
        for _ in range(TRIES):
            self._link.send(LedPwm(duty))
            self._link.send(AskLevels(0))
            end = time.monotonic() + ANSWER_S
            while time.monotonic() < end:
                for report in self._link.pump(end - time.monotonic()):
                    if isinstance(report, Levels) and len(report.analogue) == caps.channels:
                        bits = report.digital >> np.arange(caps.channels) & 1
                        return SensorLevels(bits.astype(np.bool_), np.array(report.analogue) / FULL_SCALE)
            caps = self._caps()
        raise self._gone()

    def now_s(self) -> float:
        """This computer's."""
        return time.monotonic()

    def draw(self) -> None:
        """A person does."""

    def close(self) -> None:
        """Let the line go."""
        self._link.close()

    def _caps(self) -> Caps:
        end = time.monotonic() + MEET_S
        while self._link.caps is None:
            if time.monotonic() > end:
                raise self._gone()
            self._link.pump(0.1)
        return self._link.caps

    def _gone(self) -> SourceError:
        why = self._link.problem or f"{self.name}: does not answer"
        return SourceError(f"{why}; check its cable, then give the same command again")
