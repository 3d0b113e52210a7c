"""The layout *file*: what may be written in it, checked by pydantic. `cards.load` turns it into `cards.layout` data.

Field descriptions become the JSON Schema that editors show while somebody types.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

Id = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,39}$", description="lower-case letters, digits, _ and -")]
Mm = Annotated[float, Field(ge=0, le=1000, allow_inf_nan=False)]
PositiveMm = Annotated[float, Field(gt=0, le=1000, allow_inf_nan=False)]
Language = Annotated[str, Field(pattern=r"^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$")]
Text = dict[Language, Annotated[str, Field(min_length=1, max_length=400)]]


class Strict(BaseModel):
    """A part of the file; a key that nobody reads is an error."""

    model_config = ConfigDict(extra="forbid")


class At(Strict):
    """A place: in millimetres from the front's top-left corner, or on the grid (column and row counted from 1)."""

    x_mm: Mm | None = None
    y_mm: Mm | None = None
    column: Annotated[int, Field(ge=1, le=500)] | None = None
    row: Annotated[int, Field(ge=1, le=500)] | None = None

    @model_validator(mode="after")
    def _one_way(self) -> At:
        free = (self.x_mm is not None, self.y_mm is not None)
        grid = (self.column is not None, self.row is not None)
        if (all(free) and not any(grid)) or (all(grid) and not any(free)):
            return self
        raise ValueError("give either x_mm and y_mm, or column and row")


class XY(Strict):
    """Two lengths in millimetres."""

    x_mm: Mm
    y_mm: Mm


class Cut(Strict):
    """The corner that is cut off, seen on the front."""

    corner: Literal["top-left", "top-right", "bottom-right", "bottom-left"]
    dx_mm: PositiveMm
    dy_mm: PositiveMm


class Card(Strict):
    """The paper."""

    width_mm: PositiveMm
    height_mm: PositiveMm
    corner_cut: Cut
    corner_radius_mm: Mm = 0.0


class Circle(Strict):
    """A round hole."""

    shape: Literal["circle"]
    diameter_mm: PositiveMm
    tolerance_mm: Mm = Field(1.5, description="how far off its place a hand may punch")


class Rect(Strict):
    """A rectangular hole."""

    shape: Literal["rect"]
    width_mm: PositiveMm
    height_mm: PositiveMm
    tolerance_mm: Mm = Field(0.4, description="how far off its place a hole may be punched")


class Grid(Strict):
    """Where column 1, row 1 lies, and how far apart columns and rows are."""

    origin: XY
    pitch: XY


class Marker(Strict):
    """A printed mark or a hole punched at the printer's, by its centre."""

    value: Annotated[int, Field(ge=0)] = 0
    at: At


CodeText = Annotated[str, Field(min_length=1, max_length=80, pattern=r"^[!-~]+$")]


class Identify(Strict):
    """How the card names its layout."""

    by: Literal["none", "code-holes", "aruco", "qr"] = "none"
    value: Annotated[int, Field(ge=1, lt=2**31)] | CodeText | None = Field(
        default=None, description="code-holes: a number from 1; qr: its text, else `id@version`"
    )
    dictionary: str | None = Field(default=None, description="aruco: OpenCV's name, such as DICT_4X4_50")
    size_mm: PositiveMm | None = Field(default=None, description="aruco, qr: the mark's side without its clear margin")
    at: list[At] = Field(
        default_factory=list, max_length=32, description="code-holes: lowest bit first, check hole last; qr: each code"
    )
    markers: list[Marker] = Field(default_factory=list, max_length=32, description="aruco: each mark")

    @model_validator(mode="after")
    def _complete(self) -> Identify:
        given = {name for name in ("value", "dictionary", "size_mm", "at", "markers") if getattr(self, name)}
        needed = {"code-holes": {"value", "at"}, "aruco": {"dictionary", "size_mm", "markers"}, "qr": {"size_mm", "at"}}
        allowed = needed.get(self.by, set()) | ({"value"} if self.by == "qr" else set())
        missing, extra = needed.get(self.by, set()) - given, given - allowed
        if missing:
            raise ValueError(f"`by: {self.by}` needs {', '.join(sorted(missing))}; add it")
        if extra:
            raise ValueError(f"`by: {self.by}` has no use for {', '.join(sorted(extra))}; take it out")
        if self.by == "code-holes" and not isinstance(self.value, int):
            raise ValueError("the value of code holes is a whole number from 1")
        if self.by == "code-holes" and len(self.at) < 2:
            raise ValueError("code holes need two places at least: the last is the check hole")
        return self


class Track(Strict):
    """The printed strip of timing bars, from edge to edge of the front."""

    y_mm: PositiveMm = Field(description="its middle")
    height_mm: PositiveMm


class BarColumns(Strict):
    """The columns that a bar of sensors reads, with a timing bar centred on each."""

    first_mm: PositiveMm = Field(description="x of the first column, which holds code holes")
    pitch_mm: PositiveMm = Field(description="from column to column, and from timing bar to timing bar")
    count: Annotated[int, Field(ge=3, le=100)]


class SensorBar(Strict):
    """A row of sensors that the card is drawn past, left edge first. It needs code holes (`identify`)."""

    id: Id = Field(description="the name of the mechanical bar; layouts for the same bar share it")
    rows_mm: Annotated[list[PositiveMm], Field(min_length=2, max_length=32)] = Field(
        description="y of each data sensor, from the top"
    )
    track: Track
    columns: BarColumns


class Choice(Strict):
    """One possible answer."""

    id: Id
    at: At
    text: Text = Field(default_factory=dict)


class Columns(Strict):
    """Punch columns of a `number` or a `text` question."""

    count: Annotated[int, Field(ge=1, le=200)]
    first: At = Field(description="the topmost place of the first column")
    pitch_mm: PositiveMm = Field(description="from column to column")
    row_pitch_mm: PositiveMm = Field(description="from row to row")
    code: Literal["digits", "ibm029"] = "digits"


class OnlyIf(Strict):
    """Asked only of those who punched this choice."""

    question: Id
    choice: Id


class Question(Strict):
    """One question of the card."""

    id: Id
    answer: Literal["one", "many", "scale", "number", "text"]
    text: Text
    theme: Id | None = None
    ask: Literal["how", "feel"] | None = None
    about: Id | None = None
    required: bool = False
    only_if: OnlyIf | None = None
    choices: list[Choice] = Field(default_factory=list, max_length=200)
    columns: Columns | None = None

    @model_validator(mode="after")
    def _holes(self) -> Question:
        by_column = self.answer in ("number", "text")
        if by_column and (self.columns is None or self.choices):
            raise ValueError(f"an answer of kind {self.answer!r} is punched in `columns`, not in `choices`")
        if not by_column and (not self.choices or self.columns is not None):
            raise ValueError(f"an answer of kind {self.answer!r} needs `choices`, and no `columns`")
        return self


class FollowUp(Strict):
    """Asked aloud, written down by the operator."""

    id: Id
    text: Text
    about: Id | None = None


class Artwork(Strict):
    """The studio's pictures of the two faces, beside the layout file."""

    front: str | None = None
    back: str | None = None


class LayoutFile(Strict):
    """One version of one card design."""

    layout: Id
    version: Annotated[int, Field(ge=1, le=9999)]
    retired: bool = Field(
        default=False, description="no longer in use: refused when a card is read, still understood in stores"
    )
    title: Text
    languages: Annotated[list[Language], Field(min_length=1, max_length=20)]
    card: Card
    hole: Annotated[Circle | Rect, Field(discriminator="shape")]
    grid: Grid | None = None
    artwork: Artwork = Field(default_factory=Artwork)
    identify: Identify = Field(default_factory=Identify)
    sensor_bar: SensorBar | None = None
    questions: Annotated[list[Question], Field(min_length=1, max_length=200)]
    follow_ups: list[FollowUp] = Field(default_factory=list, max_length=50)
