"""A layout as plain data: one version of one card design, in millimetres.

Coordinates: millimetres from the front's top-left corner (of the rectangle before the corner is cut), x right, y down.
`cards.load` makes these from a layout file; nothing else in the project parses one.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Corner = Literal["top-left", "top-right", "bottom-right", "bottom-left"]
Text = Mapping[str, str]
"""Language code (`nl`, `fr`, …) to text."""
SOFT_HYPHEN = "\u00ad"
"""In a text: where the printed word may break."""


def plain(text: str) -> str:
    """The text without its soft hyphens, for everything but print."""
    return text.replace(SOFT_HYPHEN, "")


def in_language(text: Text, language: str) -> str:
    """The text in this language, else in the layout's first; without soft hyphens."""
    return plain(text.get(language) or next(iter(text.values()), ""))


@dataclass(frozen=True)
class CornerCut:
    """The corner that is cut off, by how much along each edge."""

    corner: Corner
    dx_mm: float
    dy_mm: float


@dataclass(frozen=True)
class Hole:
    """A hole's nominal form. A circle has `width_mm == height_mm`, its diameter.

    `tolerance_mm`: how far off its place a hand may punch.
    """

    shape: Literal["circle", "rect"]
    width_mm: float
    height_mm: float
    tolerance_mm: float

    @property
    def area_mm2(self) -> float:
        """Of the whole hole."""
        return self.width_mm * self.height_mm * (math.pi / 4 if self.shape == "circle" else 1.0)


@dataclass(frozen=True)
class Position:
    """A place where a hole may be punched. `choice` is `column.row` for `number` and `text` questions."""

    question: str
    choice: str
    x_mm: float
    y_mm: float

    @cached_property
    def name(self) -> str:
        """`question.choice`: the key used in readings, files and the store."""
        return f"{self.question}.{self.choice}"


@dataclass(frozen=True)
class Choice:
    """One possible answer of a `one`, `many` or `scale` question."""

    id: str
    x_mm: float
    y_mm: float
    text: Text


@dataclass(frozen=True)
class Columns:
    """The punch columns of a `number` or `text` question.

    Column c (from 0) and row r (from 0) lie at (`x_mm` + c·`pitch_x_mm`, `y_mm` + r·`pitch_y_mm`). `rows` names the
    rows from top to bottom: the digits for a `number`, `12 11 0 … 9` for the character code `ibm029`.
    """

    count: int
    x_mm: float
    y_mm: float
    pitch_x_mm: float
    pitch_y_mm: float
    rows: tuple[str, ...]
    code: Literal["digits", "ibm029"]


@dataclass(frozen=True)
class Condition:
    """`only_if`: asked only of those who punched `choice` of `question`."""

    question: str
    choice: str


@dataclass(frozen=True)
class Question:
    """One question. `choices` for `one`, `many`, `scale`; `columns` for `number`, `text`."""

    id: str
    answer: Literal["one", "many", "scale", "number", "text"]
    text: Text
    theme: str | None = None
    ask: Literal["how", "feel"] | None = None
    about: str | None = None
    required: bool = False
    only_if: Condition | None = None
    choices: tuple[Choice, ...] = ()
    columns: Columns | None = None

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Every position's name, in their order."""
        return tuple(p.name for p in self.positions)

    @cached_property
    def positions(self) -> tuple[Position, ...]:
        """Every place this question may be answered, choices in order, columns column by column."""
        if self.columns is None:
            return tuple(Position(self.id, c.id, c.x_mm, c.y_mm) for c in self.choices)
        k = self.columns
        return tuple(
            Position(
                self.id, f"{c + 1}.{row}", round(k.x_mm + c * k.pitch_x_mm, 3), round(k.y_mm + r * k.pitch_y_mm, 3)
            )
            for c in range(k.count)
            for r, row in enumerate(k.rows)
        )


@dataclass(frozen=True)
class FollowUp:
    """A question asked aloud and written down by the operator."""

    id: str
    text: Text
    about: str | None = None


@dataclass(frozen=True)
class Marker:
    """A printed code (ArUco, QR) or a hole punched at the printer's, by its centre."""

    value: int
    x_mm: float
    y_mm: float


@dataclass(frozen=True)
class Identify:
    """How a card names its layout.

    markers: ArUco marks, QR codes or code holes, by their centres; size_mm: a mark's side, without clear margin.
    value: the QR code's text, or the code holes' number in decimal. All but the last code hole hold that number in
    binary, the first the lowest bit; the last is punched where that makes the number of holes odd. So a code that is
    missing or has one hole too many or too few is never another value.
    """

    by: Literal["none", "code-holes", "aruco", "qr"] = "none"
    dictionary: str | None = None
    size_mm: float | None = None
    value: str | None = None
    markers: tuple[Marker, ...] = ()


@dataclass(frozen=True)
class SensorBar:
    """The row of sensors that can read this card, in the card's own coordinates.

    id: of the mechanical bar; a sweep names the bar it came from by it.
    rows_mm: y of each data sensor, from the top. Column k (from 0) lies at `first_mm` + k·`pitch_mm`.
    track_mm, track_height_mm: middle and height of the printed strip of timing bars, which runs from edge to edge of the
    front: one bar per pitch, centred on the columns, half a pitch wide. Two clock sensors look at it, the first in line
    with the data sensors, the second `CLOCK_GAP` pitches on, where the card's left edge comes first.
    """

    id: str
    rows_mm: tuple[float, ...]
    track_mm: float
    track_height_mm: float
    pitch_mm: float
    first_mm: float
    columns: int

    @cached_property
    def columns_mm(self) -> tuple[float, ...]:
        """x of every column."""
        return tuple(round(self.first_mm + k * self.pitch_mm, 4) for k in range(self.columns))

    @property
    def track_span_mm(self) -> tuple[float, float]:
        """y of the timing strip's upper and lower edge."""
        return self.track_mm - self.track_height_mm / 2, self.track_mm + self.track_height_mm / 2


CLOCK_GAP = 1.25
"""Pitches between the two clock sensors: a quarter out of phase, so that they tell the direction."""


@dataclass(frozen=True)
class Layout:
    """One version of one card design.

    digest: SHA-256 (hex) of the canonical content (`cards.canonical`); a printed version never changes.
    retired: printed once, no longer in use: old cards are still decoded, a card that is read now is refused. Not part
        of the digest, for it may change after printing.
    folder: where the file and its artwork lie; `None` for a layout that came from a store.
    corner_cut: without it no camera could tell which way round a card lies.
    sensor_bar: the row of sensors that can read it too; `None`: a camera only.
    """

    id: str
    version: int
    title: Text
    languages: tuple[str, ...]
    width_mm: float
    height_mm: float
    hole: Hole
    corner_cut: CornerCut
    questions: tuple[Question, ...]
    digest: str = ""
    corner_radius_mm: float = 0.0
    identify: Identify = field(default_factory=Identify)
    sensor_bar: SensorBar | None = None
    artwork: Mapping[str, str] = field(default_factory=dict)
    follow_ups: tuple[FollowUp, ...] = ()
    folder: Path | None = None
    retired: bool = False

    @property
    def identity(self) -> str:
        """`id@version`, as stored and shown."""
        return f"{self.id}@{self.version}"

    @cached_property
    def positions(self) -> tuple[Position, ...]:
        """Every position of the card, in the order of the questions."""
        return tuple(p for q in self.questions for p in q.positions)

    @cached_property
    def names(self) -> frozenset[str]:
        """Every position's name."""
        return frozenset(p.name for p in self.positions)

    @cached_property
    def centres_mm(self) -> NDArray[np.float64]:
        """(positions, 2), read-only: where they lie, in their order."""
        found = np.array([[p.x_mm, p.y_mm] for p in self.positions], np.float64).reshape(-1, 2)
        found.setflags(write=False)
        return found

    @cached_property
    def code_holes(self) -> tuple[Marker, ...]:
        """The places where the printer punches a hole, for layouts that name themselves by code holes; see `Identify`."""
        code = self.identify
        if code.by != "code-holes":
            return ()
        bits = [int(code.value or 0) >> k & 1 for k in range(len(code.markers) - 1)]
        bits.append(1 - sum(bits) % 2)
        return tuple(m for m, bit in zip(code.markers, bits, strict=True) if bit)

    def question(self, question_id: str) -> Question:
        """The question with this id. Raises `KeyError`."""
        for q in self.questions:
            if q.id == question_id:
                return q
        raise KeyError(question_id)
