"""How each sign looks in lamps and sounds: a colour never stands alone, each has its own rhythm and its own beeps."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import accumulate
from typing import Literal

from device.panel import Sign

Lamp = Literal["green", "amber", "red"]
LAMPS: tuple[Lamp, ...] = ("green", "amber", "red")
Name = Literal["off", "busy", "green", "amber", "red", "trouble", "test"]


@dataclass(frozen=True)
class Pattern:
    """steps: (seconds, lamps that are on), again and again. sound: (seconds on, seconds off), once.

    words: how to tell it, for whoever must recognise it.
    """

    steps: tuple[tuple[float, frozenset[Lamp]], ...]
    sound: tuple[tuple[float, float], ...] = ()
    words: str = ""

    def at(self, age_s: float) -> tuple[frozenset[Lamp], float]:
        """The lamps that are on so long after it began, and in how many seconds that changes."""
        ends = list(accumulate(seconds for seconds, _ in self.steps))
        into = age_s % ends[-1]
        # What ends within the millisecond has ended.
        k = next((k for k, end in enumerate(ends) if into < end - 0.001), 0)
        return self.steps[k][1], (ends[k] - into) % ends[-1] or ends[-1]

    def sounding(self, age_s: float) -> tuple[bool, float | None]:
        """Whether it beeps so long after it began, and in how many seconds that changes; `None`: never again."""
        begin = 0.0
        for on_s, off_s in self.sound:
            if age_s < begin + on_s:
                return True, begin + on_s - age_s
            if age_s < begin + on_s + off_s:
                return False, begin + on_s + off_s - age_s
            begin += on_s + off_s
        return False, None


def _lit(*lamps: Lamp) -> frozenset[Lamp]:
    return frozenset(lamps)


NONE = _lit()
PATTERNS: dict[Name, Pattern] = {
    "off": Pattern(((60.0, NONE),), words="dark, silent"),
    "busy": Pattern(((0.06, _lit("amber")), (0.94, NONE)), words="a wink of amber every second, silent"),
    "green": Pattern(((60.0, _lit("green")),), ((0.4, 0.0),), "steady green, one long beep"),
    "amber": Pattern(
        ((0.5, _lit("amber")), (0.5, NONE)), ((0.12, 0.12), (0.12, 0.0)), "amber, slowly on and off, two short beeps"
    ),
    "red": Pattern(
        ((0.12, _lit("red")), (0.12, NONE), (0.12, _lit("red")), (0.64, NONE)),
        ((0.12, 0.1), (0.12, 0.1), (0.12, 0.0)),
        "red, two quick flashes and a pause, three short beeps",
    ),
    "trouble": Pattern(
        ((0.25, _lit("red")), (0.25, _lit("amber"))),
        ((0.5, 0.1), (0.12, 0.0)),
        "red and amber in turn, one long and one short beep",
    ),
    "test": Pattern(
        ((0.4, _lit("green")), (0.4, _lit("amber")), (0.4, _lit("red")), (0.4, _lit(*LAMPS))),
        ((0.05, 0.0),),
        "green, amber, red, all three; one click: the lamp test at the start",
    ),
}
TEST_S = 1.6
"""The lamp test, once through."""


def name_of(sign: Sign) -> Name:
    """The pattern of a sign. Red that is about no card is a trouble of the machine."""
    return "trouble" if sign.light == "red" and not sign.verdict else sign.light
