"""One frame, one reading or one rejection."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from cards.layout import Layout
from device.frame import Frame
from reader.camera.find import Found, Search, search
from reader.camera.geometry import Floats
from reader.camera.lattice import MARGIN_MIN, find_lattice, is_lattice
from reader.camera.measure import is_faint, measure, scores, view_of
from reader.reading import Code, Point, Reading, Reason, Rejection, Thresholds


def read_frame(frame: Frame, layouts: Sequence[Layout]) -> Reading | Rejection:
    """Read the one whole card in the picture, under whichever of the layouts fits it; uncalibrated.

    Never raises for a poor picture: a `Rejection` names the reason. Raises `ValueError` without layouts.
    """
    if not layouts:
        raise ValueError("read_frame needs at least one layout")
    outcome = search(frame, layouts)
    if outcome.found is None:
        return _why_not(outcome)
    if outcome.other is not None:
        return Rejection((Reason(Code.TWO_CARDS),))
    return _read(frame, outcome.found)


def _read(frame: Frame, found: Found) -> Reading | Rejection:
    layout, geometry = found.layout, found.edge.geometry
    view = view_of(frame, geometry)
    shift: Floats | float = 0.0
    if is_lattice(layout):
        lattice = find_lattice(view, geometry, layout)
        if lattice.margin < MARGIN_MIN:
            return Rejection((Reason(Code.AMBIGUOUS_FIT),), layout.identity)
        x = np.array([p.x_mm for p in layout.positions])
        shift = np.stack([lattice.shift_mm(x, layout.width_mm), np.zeros(len(x))], axis=1)
    measured = measure(view, geometry, layout, shift)
    if view is frame.grey and is_faint(measured) and frame.colour is not None:
        measured = measure(frame.colour, geometry, layout, shift)
    w, h = layout.width_mm, layout.height_mm
    corners = geometry.to_px(np.array([[0, 0], [w, 0], [w, h], [0, h]], np.float64))
    named: list[Point] = [(round(float(x), 2), round(float(y), 2)) for x, y in corners]
    return Reading(
        source="camera",
        layout=layout.identity,
        layout_digest=layout.digest,
        face=found.face,
        scores=scores(measured, layout),
        thresholds=Thresholds(),
        corners_px=(named[0], named[1], named[2], named[3]),
        residual_mm=round(found.edge.residual_mm, 3),
    )


def _why_not(outcome: Search) -> Rejection:
    if outcome.best is None:
        code = Code.CUT_OFF if outcome.cut_off else (Code.WRONG_PROPORTIONS if outcome.shapes else Code.NO_CARD)
        return Rejection((Reason(code),))
    return Rejection((Reason(Code.UNKNOWN_LAYOUT, found=f"{outcome.best.edge.support:.2f}"),))
