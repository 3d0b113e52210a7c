"""The form of a layout file, once it is sound, as the `Layout` that everything else reads: every place in millimetres."""

from __future__ import annotations

from collections.abc import Callable

from cards import model
from cards.layout import (
    Choice,
    Columns,
    Condition,
    CornerCut,
    FollowUp,
    Hole,
    Identify,
    Layout,
    Marker,
    Question,
    SensorBar,
)

ROWS = {"digits": tuple("0123456789"), "ibm029": ("12", "11", *"0123456789")}
"""Codes of digit columns → what their rows mean, from the top."""


def layout_of(parsed: model.LayoutFile) -> Layout:
    """The layout that a checked form describes, without its digest. A place that cannot be told lies at (0, 0)."""

    def place(at: model.At) -> tuple[float, float]:
        if at.x_mm is not None and at.y_mm is not None:
            return round(at.x_mm, 3), round(at.y_mm, 3)
        grid = parsed.grid
        if grid is None or at.column is None or at.row is None:
            return 0.0, 0.0
        return (
            round(grid.origin.x_mm + (at.column - 1) * grid.pitch.x_mm, 3),
            round(grid.origin.y_mm + (at.row - 1) * grid.pitch.y_mm, 3),
        )

    identify = parsed.identify
    value = identify.value
    if identify.by == "qr" and value is None:
        value = f"{parsed.layout}@{parsed.version}"
    code = None if value is None else str(value)
    markers = [Marker(m.value, *place(m.at)) for m in identify.markers] + [Marker(0, *place(at)) for at in identify.at]
    return Layout(
        id=parsed.layout,
        version=parsed.version,
        title=parsed.title,
        languages=tuple(parsed.languages),
        width_mm=parsed.card.width_mm,
        height_mm=parsed.card.height_mm,
        hole=_hole(parsed.hole),
        corner_cut=CornerCut(**parsed.card.corner_cut.model_dump()),
        questions=tuple(_question(q, place) for q in parsed.questions),
        corner_radius_mm=parsed.card.corner_radius_mm,
        identify=Identify(identify.by, identify.dictionary, identify.size_mm, code, tuple(markers)),
        sensor_bar=None if parsed.sensor_bar is None else _bar(parsed.sensor_bar),
        artwork={k: v for k, v in parsed.artwork.model_dump().items() if v is not None},
        follow_ups=tuple(FollowUp(f.id, f.text, f.about) for f in parsed.follow_ups),
        retired=parsed.retired,
    )


def _hole(hole: model.Circle | model.Rect) -> Hole:
    if isinstance(hole, model.Circle):
        return Hole("circle", hole.diameter_mm, hole.diameter_mm, hole.tolerance_mm)
    return Hole("rect", hole.width_mm, hole.height_mm, hole.tolerance_mm)


def _bar(given: model.SensorBar) -> SensorBar:
    columns, track = given.columns, given.track
    return SensorBar(
        id=given.id,
        rows_mm=tuple(given.rows_mm),
        track_mm=track.y_mm,
        track_height_mm=track.height_mm,
        pitch_mm=columns.pitch_mm,
        first_mm=columns.first_mm,
        columns=columns.count,
    )


def _question(q: model.Question, place: Callable[[model.At], tuple[float, float]]) -> Question:
    columns = None
    if q.columns is not None:
        c = q.columns
        x, y = place(c.first)
        columns = Columns(c.count, x, y, c.pitch_mm, c.row_pitch_mm, ROWS[c.code], c.code)
    return Question(
        id=q.id,
        answer=q.answer,
        text=q.text,
        theme=q.theme,
        ask=q.ask,
        about=q.about,
        required=q.required,
        only_if=None if q.only_if is None else Condition(q.only_if.question, q.only_if.choice),
        choices=tuple(Choice(c.id, place(c.at)[0], place(c.at)[1], c.text) for c in q.choices),
        columns=columns,
    )
