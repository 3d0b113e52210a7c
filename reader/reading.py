"""The data that camera and sensors produce and everything after them shares. No rule lives here but one: `judge`.

A *reading* holds scores and geometry. Which score counts as a hole is decided by `judge` from thresholds that are
kept with the reading, so that old cards can be judged again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from typing import Literal

Face = Literal["front", "back"]
Point = tuple[float, float]


class Punch(StrEnum):
    """What a position turned out to be. Three outcomes, never two."""

    PUNCHED = "punched"
    CLEAR = "clear"
    UNCERTAIN = "uncertain"


class Code(StrEnum):
    """Why a card is not simply accepted. The sentences for people are made in `reader.reasons`."""

    # review: readable, but somebody must look
    UNCERTAIN_POSITION = "uncertain_position"
    TWO_PUNCHES = "two_punches"
    STRAY = "stray"
    REQUIRED_BLANK = "required_blank"
    CONDITION_BROKEN = "condition_broken"
    INVALID_CHARACTER = "invalid_character"
    # rejected: no trustworthy reading
    NO_CARD = "no_card"
    TWO_CARDS = "two_cards"
    CUT_OFF = "cut_off"
    BLURRED = "blurred"
    WRONG_PROPORTIONS = "wrong_proportions"
    UNKNOWN_LAYOUT = "unknown_layout"
    LOW_CONTRAST = "low_contrast"
    AMBIGUOUS_FIT = "ambiguous_fit"
    NOT_A_PICTURE = "not_a_picture"
    TOO_DARK = "too_dark"
    GLARE = "glare"
    DIRT = "dirt"
    HAND = "hand"
    RETIRED_LAYOUT = "retired_layout"
    PROFILE_MISMATCH = "profile_mismatch"
    # rejected, by a bar of sensors
    SENSOR_DARK = "sensor_dark"
    SENSOR_LIGHT = "sensor_light"
    SENSOR_WEAK = "sensor_weak"
    EDGES_LOST = "edges_lost"
    FED_WRONG = "fed_wrong"
    PULLED_OUT = "pulled_out"
    CLOCK = "clock"
    SKEWED = "skewed"
    TORN_EDGE = "torn_edge"
    UNSTEADY = "unsteady"
    CODE_HOLES = "code_holes"
    OFF_TRACK = "off_track"
    PASSES_DISAGREE = "passes_disagree"


@dataclass(frozen=True)
class Reason:
    """One reason, as data. `found` and `expected` are for the sentence: a figure with its unit, a layout's name."""

    code: Code
    question: str | None = None
    position: str | None = None
    found: str | None = None
    expected: str | None = None


@dataclass(frozen=True)
class Thresholds:
    """Open fractions that decide: from `punched_min` punched, up to `clear_max` clear, between them uncertain."""

    clear_max: float = 0.15
    punched_min: float = 0.60


@dataclass(frozen=True)
class Score:
    """One position's evidence.

    open: fraction (0–1) of the nominal hole area that shows the bed; from sensors, of the vote that is light.
    offset_mm: where the hole's centre lies from its nominal place, x right, y down on the front; (0, 0) without a hole.
    doubts: evidence that disagrees with `open`; any makes it uncertain. `contrast`: a hole might not show here; `shade`,
        `faint`: unlike the card's other holes; `unexplained`: something is there that is no paper; `crescent`: bed at one
        side; `astray`: further off its place than a hole may be; `hung`: a chad may hang in it; `partial`: too little for a
        machine's hole; `spill`: bed beside it, or paper and bed look alike on this card; `frames`: two looks at it were
        judged differently.
        From sensors: `sliver`: a little light where a hole should be whole or not there; `flicker`: light that breaks off
        within one place; `looks`: the hand went over it more than once and it looked different; `long`: light longer
        than a hole.
    """

    open: float
    offset_mm: Point = (0.0, 0.0)
    doubts: tuple[str, ...] = ()


@dataclass(frozen=True)
class Stray:
    """A hole at no position: its centre on the front, and its area."""

    x_mm: float
    y_mm: float
    area_mm2: float


@dataclass(frozen=True)
class Reading:
    """Positions → scores, from one card, from either kind of source.

    layout, layout_digest: whose positions these are (`id@version`, SHA-256).
    scores: position name → score, one for every position of the layout.
    corners_px: the uncut rectangle's top-left, top-right, bottom-right, bottom-left as named on the front, in the
        picture (pixel centres are integers); `None` from sensors.
    residual_mm: median distance between the outline that was seen and the layout's; `None` from sensors.
    print_shift_mm: common offset of the holes against the paper's edge.
    profile: the calibration it was judged with; `None` when uncalibrated.
    """

    source: Literal["camera", "sweep"]
    layout: str
    layout_digest: str
    face: Face
    scores: Mapping[str, Score]
    thresholds: Thresholds
    strays: tuple[Stray, ...] = ()
    corners_px: tuple[Point, Point, Point, Point] | None = None
    residual_mm: float | None = None
    print_shift_mm: Point = (0.0, 0.0)
    profile: str | None = None

    def punches(self) -> Mapping[str, Punch]:
        """Every position judged by this reading's own thresholds."""
        return self._judged

    @cached_property
    def _judged(self) -> Mapping[str, Punch]:
        thresholds = self.thresholds
        return {name: judge(score, thresholds) for name, score in self.scores.items()}


@dataclass(frozen=True)
class Rejection:
    """No trustworthy reading, and why. `layout` where it could still be told."""

    reasons: tuple[Reason, ...]
    layout: str | None = None


def judge(score: Score, thresholds: Thresholds) -> Punch:
    """The one place where a score becomes a punch. Evidence that disagrees is never guessed away."""
    if score.doubts:
        return Punch.UNCERTAIN
    if score.open >= thresholds.punched_min:
        return Punch.PUNCHED
    if score.open <= thresholds.clear_max:
        return Punch.CLEAR
    return Punch.UNCERTAIN


AnswerState = Literal["answered", "blank", "doubtful", "not_asked"]


@dataclass(frozen=True)
class Answer:
    """What one question was answered.

    value: a choice id (`one`, `scale`), choice ids in the layout's order (`many`), digits (`number`), characters
    (`text`); `None` unless the state is `answered`. `not_asked`: its `only_if` did not hold and it is blank.
    """

    state: AnswerState
    value: str | tuple[str, ...] | None = None


Outcome = Literal["accepted", "review", "rejected"]


@dataclass(frozen=True)
class Verdict:
    """What became of a card, and every reason why it was not simply accepted."""

    outcome: Outcome
    reasons: tuple[Reason, ...] = ()


@dataclass(frozen=True)
class Decoded:
    """Question id → answer (one for every question of the layout), and the verdict."""

    answers: Mapping[str, Answer]
    verdict: Verdict
