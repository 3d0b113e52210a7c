"""One frame, one reading or one rejection."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from calibration.profile import Profile
from cards.layout import Layout
from device.frame import Frame
from reader.camera.bed import View, view
from reader.camera.edges import EdgeFit, edge_blur_mm, outline_of, same_outline
from reader.camera.find import LIT_MIN, Found, Search, has_outline, search
from reader.camera.geometry import Floats, Geometry, before_lens
from reader.camera.identify import Placed, identify
from reader.camera.known import KnownCard, read_known
from reader.camera.lattice import find_lattice, is_lattice, is_sure
from reader.camera.measure import Measured, is_faint, least_contrast, measure, view_of
from reader.camera.patches import middle_of
from reader.camera.plainly import named_plainly
from reader.camera.rivals import HOLES_ELSEWHERE, STRAYS_MAX, best
from reader.camera.scores import SPILL_MAX, scores
from reader.camera.shadow import hides_colour, without_shadow
from reader.camera.strays import equal_spots, find_strays
from reader.reading import Code, Point, Reading, Reason, Rejection, Thresholds

OTHER_HOLES_MIN = 8
"""So many equal holes beside the positions, and none at them: another card of the same outline."""
BLUR_MAX, BLUR_MAX_MM = 0.8, 2.0
"""Wider edges than this, as a share of the hole's narrower side and at most in mm, leave no whole hole to see."""
SHARP_PX = 5.0
"""A camera's edges are 3 to 4 pixels wide; only wider ones need the longer look that measures blur."""
UNCALIBRATED, UNCALIBRATED_BLACK = Thresholds(punched_min=0.66), Thresholds(punched_min=0.68)
"""A hole counts as punched from 60 % open, but what measures that may be less: blur adds to a part-open hole's longer
rim. Holes that are 57 to 60 % open measured up to 0.63, over black with a shaded chad up to 0.665; whole ones, and those
with a chad over 15 %, from 0.75."""


def read_frame(
    frame: Frame, layouts: Sequence[Layout], profile: Profile | None = None, *, known: Sequence[Layout] = ()
) -> Reading | Rejection:
    """Read the one whole card in the picture, under whichever of the layouts fits it; uncalibrated without a profile.

    known: what else the card may name itself (`cards.load.catalogue`), so that the rejection says which card it is.
    Never raises for a poor picture: a `Rejection` names the reason. Raises `ValueError` without layouts.
    """
    if not layouts:
        raise ValueError("read_frame needs at least one layout")
    if profile is None:
        outcome = _uncalibrated(frame, layouts, known)
    else:
        outcome = _named(frame, read_known(frame, layouts, profile), layouts, profile, known)
    if any(y.retired and y.identity == outcome.layout for y in layouts):
        return Rejection((Reason(Code.RETIRED_LAYOUT, found=outcome.layout),), outcome.layout)
    return outcome


def _named(
    frame: Frame, card: KnownCard | Rejection, layouts: Sequence[Layout], profile: Profile, known: Sequence[Layout]
) -> Reading | Rejection:
    """A calibrated reading, unless the card's own code names another card: versions may differ by nothing else."""
    if isinstance(card, Rejection):
        return card
    outcome, layout = card.reading, card.layout
    twins = _coded_rivals(layout, layouts)
    if layout.identify.by == "none" and not twins:
        return outcome
    rivals = (*twins, *_coded_rivals(layout, known))
    if named_plainly(frame.grey, card.to_px, layout, outcome.face == "front", rivals):
        return outcome
    lens, size_mm = profile.lens, (layout.width_mm, layout.height_mm)
    geometry = before_lens(np.array(outcome.corners_px), *size_mm, lens.camera_matrix, lens.distortion)
    if geometry is None:
        return Rejection((Reason(Code.AMBIGUOUS_FIT),), layout.identity)
    allowed = identify(frame, Placed(layout, outcome.face, geometry), layouts, known)
    if isinstance(allowed, Rejection):
        return allowed
    return outcome if layout in allowed else Rejection((Reason(Code.UNKNOWN_LAYOUT, found=allowed[0].identity),))


def _coded_rivals(layout: Layout, offered: Sequence[Layout]) -> list[Layout]:
    """Other layouts of this one's outline that name themselves by a code."""
    return [y for y in offered if y.identify.by != "none" and y.digest != layout.digest and same_outline(y, layout)]


def _uncalibrated(frame: Frame, layouts: Sequence[Layout], known: Sequence[Layout]) -> Reading | Rejection:
    outcome = search(frame, layouts)
    found = outcome.found
    if found is None:
        return _why_not(outcome)
    if outcome.other is not None:
        return Rejection((Reason(Code.TWO_CARDS),))
    blurred = _if_blurred(found)
    if blurred is not None:
        return blurred
    twins = identify(frame, Placed(found.layout, found.face, found.edge.geometry), layouts, known)
    if isinstance(twins, Rejection):
        return twins
    return best([_read(frame, replace(found, layout=layout)) for layout in twins])


def _read(frame: Frame, found: Found) -> Reading | Rejection:
    layout, geometry = found.layout, found.edge.geometry
    seen_by = view_of(frame, geometry)
    shift: Floats | float = 0.0
    if is_lattice(layout):
        lattice = find_lattice(seen_by, geometry, layout)
        if not is_sure(lattice):
            return Rejection((Reason(Code.AMBIGUOUS_FIT),), layout.identity)
        x = layout.centres_mm[:, 0]
        shift = np.stack([lattice.shift_mm(x, layout.width_mm), np.zeros(len(x))], axis=1)
    measured = measure(seen_by, geometry, layout, shift)
    if seen_by.image is frame.grey and is_faint(measured) and frame.colour is not None:
        seen_by = view(frame.colour, geometry)
        measured = measure(seen_by, geometry, layout, shift)
    passes_for_grey = measured.bed == "black" or seen_by.image is frame.grey
    hidden = passes_for_grey and hides_colour(frame, geometry, seen_by)
    if (
        hidden
        or _lacks_colour(seen_by, found.edge, measured)
        or middle_of(measured.contrast) < least_contrast(measured)
    ):
        return Rejection((Reason(Code.LOW_CONTRAST),), layout.identity)
    strays = find_strays(seen_by, geometry, layout, measured)
    holes = int((measured.open > 0.5).sum())
    of_another = not holes and equal_spots(seen_by, geometry, layout) >= OTHER_HOLES_MIN
    too_large = is_lattice(layout) and holes and middle_of(measured.spill[measured.open > 0.5]) > SPILL_MAX
    if of_another or too_large or len(strays) > max(STRAYS_MAX, holes):
        return Rejection((HOLES_ELSEWHERE,))
    return Reading(
        source="camera",
        layout=layout.identity,
        layout_digest=layout.digest,
        face=found.face,
        scores=scores(without_shadow(seen_by, geometry, layout, measured), layout),
        thresholds=UNCALIBRATED_BLACK if measured.bed == "black" else UNCALIBRATED,
        strays=strays,
        corners_px=_corners(geometry),
        residual_mm=round(found.edge.residual_mm, 3),
    )


def _lacks_colour(seen_by: View, edge: EdgeFit, measured: Measured) -> bool:
    """Whether nothing but its hue would tell this bed from print, and the picture has no colour at all."""
    shines = float(edge.outside.min()) > LIT_MIN
    return measured.bed == "coloured" and not shines and not np.ptp(seen_by.around, axis=1).any()


def _corners(geometry: Geometry) -> tuple[Point, Point, Point, Point]:
    named: list[Point] = [(round(x, 2), round(y, 2)) for x, y in geometry.corners_px.tolist()]
    return named[0], named[1], named[2], named[3]


def _why_not(outcome: Search) -> Rejection:
    if outcome.too_dark or outcome.glare:
        return Rejection((Reason(Code.TOO_DARK if outcome.too_dark else Code.GLARE),))
    best = outcome.best
    if best is None:
        code = Code.CUT_OFF if outcome.cut_off else (Code.WRONG_PROPORTIONS if outcome.shapes else Code.NO_CARD)
        return Rejection((Reason(code),))
    if has_outline(best.edge):
        return Rejection((Reason(Code.WRONG_PROPORTIONS),))
    return _if_blurred(best) or Rejection((Reason(Code.UNKNOWN_LAYOUT, found=f"{best.edge.support:.2f}"),))


def _if_blurred(found: Found) -> Rejection | None:
    if found.edge.width_px < SHARP_PX:
        return None
    hole = found.layout.hole
    blur_mm = edge_blur_mm(found.image, outline_of(found.layout), found.edge.geometry)
    if blur_mm <= min(BLUR_MAX * min(hole.width_mm, hole.height_mm), BLUR_MAX_MM):
        return None
    return Rejection((Reason(Code.BLURRED, found=f"{blur_mm:.1f} mm"),))
