"""Where frames and sweeps come from, named by one line: `camera:0`, `folder:scans/`, `sim:`, `sim-bar:`.

Begin with `open_source`. Every source is used alike: `for seen in source`, or `wait` for whoever has other things to
do in between. A camera that is unplugged is no error: the source says so in `problem`, waits, and comes back.
"""

from __future__ import annotations

import difflib
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from importlib import import_module
from types import TracebackType
from typing import TypeVar
from urllib.parse import parse_qsl

from cards.errors import LogicienneError
from device.frame import Frame
from device.sweep import Sweep

WAIT_S = 0.25
"""How often a loop over a source wakes up when nothing comes."""
MAKERS = {
    "camera": ("device.sources.camera", "camera:0 or camera:/dev/v4l/by-id/… (a USB camera)"),
    "rpicam": ("device.sources.rpicam", "rpicam: (a Raspberry Pi's ribbon camera)"),
    "picamera2": ("device.sources.picamera", "picamera2: (the same, in this process)"),
    "folder": ("device.sources.folder", "folder:scans/ (pictures that a scanner or a phone drops there)"),
    "http": ("device.sources.stream", "http://…"),
    "https": ("device.sources.stream", "https://…"),
    "rtsp": ("device.sources.stream", "rtsp://… (network cameras)"),
    "sensors": ("device.sources.sensors", "sensors: (a bar of light sensors on a Raspberry Pi's pins)"),
    "head": ("device.head", "head:/dev/ttyACM0 (a sensor head)"),
    "sim": ("device.sources.sim", "sim: (a simulated hand lays cards down)"),
    "sim-bar": ("device.sources.sim_bar", "sim-bar: (a simulated hand feeds cards past sensors)"),
}
"""Scheme → the module whose `make(rest, options)` opens it, and how to write it."""
T = TypeVar("T")


class SourceError(LogicienneError, ValueError):
    """A source that is named the wrong way, or that this machine lacks the means for."""


class Source(ABC):
    """Frames or sweeps, one at a time. A context manager; `close` lets the camera go.

    name: what people call it. one_card_each: every frame is one card by itself (a folder of pictures), not one of many
    looks at what lies under a camera. sweeps: cards are fed past sensors, and sweeps come instead of frames; each is one
    card. problem: why nothing can come now, in words for people; `None` while all is well. ended: nothing more will ever
    come.
    """

    name: str
    one_card_each: bool = False
    sweeps: bool = False
    problem: str | None = None
    ended: bool = False

    def __init__(self, name: str) -> None:
        self.name = name
        self._notices: list[str] = []

    @abstractmethod
    def wait(self, timeout_s: float) -> Frame | Sweep | None:
        """The next frame or sweep, `None` when none came in time.

        Never the same frame twice, never an old one of a camera. A sweep with a mark may come again until it is `kept`.
        """

    def kept(self, mark: str) -> None:  # noqa: B027  (most sources have nothing to hand over again)
        """The sweep of this mark is on disk, or its refusal is: it need not be handed over again. Never raises.

        Called by whoever keeps cards, after the commit, and again when the sweep comes again all the same.
        """

    def tune(self, duty: int, limits: Sequence[tuple[int, int]] | None) -> None:  # noqa: B027  (cameras have no such light)
        """What calibration learnt of a bar: its light, in 1/1000, and per channel (dark_max, light_min) of 65535."""

    def close(self) -> None:
        """Let go of what it holds; nothing more comes. Harmless a second time."""
        self.ended = True

    def now_s(self) -> float:
        """Seconds on the clock that this source's frames follow; a simulated hand has a clock of its own."""
        return time.monotonic()

    def notices(self) -> list[str]:
        """What people should know since this was last asked: a file that is no picture, a camera that came back."""
        said, self._notices = self._notices, []
        return said

    def notice(self, text: str) -> None:
        """Have something said."""
        self._notices.append(text)

    def __iter__(self) -> Iterator[Frame | Sweep]:
        """Everything until the source ends; most never do."""
        while not self.ended:
            seen = self.wait(WAIT_S)
            if seen is not None:
                yield seen

    def __enter__(self) -> Source:
        """The source itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close it."""
        self.close()


def open_source(spec: str) -> Source:
    """The source that `spec` names: `scheme:what?option=value&…`. Options are in `docs/run.md`.

    Raises `SourceError` for a name, option or value that makes no sense; a camera that is not there is no error.

    >>> from device.source import open_source
    >>> with open_source("sim:stadslogistiek?cards=1&width=320&height=240") as source:
    ...     next(iter(source)).grey.shape
    (240, 320)
    """
    scheme, where, options = parsed(spec)
    source: Source = import_module(MAKERS[scheme][0]).make(where, options)
    options.refuse_unknown(source.close)
    return source


def parsed(spec: str) -> tuple[str, str, Options]:
    """(scheme, what stands behind it, options). Raises `SourceError` for a scheme that does not exist."""
    scheme, colon, rest = spec.partition(":")
    if not colon or scheme not in MAKERS:
        raise SourceError(f"{spec!r} is no source{_meant(scheme, MAKERS)}; write one of: {_ways()}")
    if rest.startswith("//"):
        # A network camera's own query stays part of its address.
        return scheme, spec, Options(spec, {})
    where, _, query = rest.partition("?")
    return scheme, where, Options(spec, dict(parse_qsl(query, keep_blank_values=True)))


class Options:
    """What stands behind the question mark. Each `take` names an option that exists; the rest is a mistake."""

    def __init__(self, spec: str, given: Mapping[str, str]) -> None:
        self.spec, self.known = spec, list[str]()
        self._given = given

    def take(self, name: str, default: T, kind: Callable[[str], T], least: float = 0, most: float = 1e9) -> T:
        """One option's value. Raises `SourceError` when it cannot be one, or lies outside `least` to `most`."""
        self.known.append(name)
        if name not in self._given:
            return default
        try:
            value = kind(self._given[name])
        except ValueError as error:
            raise SourceError(f"{self.spec}: {name} cannot be {self._given[name]!r}; {error}") from error
        if isinstance(value, int | float) and not least <= value <= most:
            raise SourceError(f"{self.spec}: {name} must lie between {least:g} and {most:g}, not {value:g}")
        return value

    def refuse_unknown(self, close: Callable[[], None]) -> None:
        """Close what was opened and raise `SourceError` when an option was given that nobody takes."""
        unknown = next((name for name in self._given if name not in self.known), None)
        if unknown is not None:
            close()
            raise SourceError(f"{self.spec}: no option {unknown!r}{_meant(unknown, self.known)}")


def one_of(*words: str) -> Callable[[str], str]:
    """A kind of option: one of these words."""

    def kind(text: str) -> str:
        if text not in words:
            raise ValueError(f"choose from {', '.join(words)}")
        return text

    return kind


def _meant(word: str, known: Mapping[str, object] | list[str]) -> str:
    near = difflib.get_close_matches(word, list(known), 1, 0.5)
    return f" (did you mean {near[0]!r}?)" if near else ""


def _ways() -> str:
    return ", ".join(example for _, example in MAKERS.values())
