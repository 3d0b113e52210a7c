"""A score for every position: the share of the hole's area that shows the bed, and what speaks against believing it."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from cards.layout import Layout
from device.frame import Frame
from reader.camera.crescent import crescents
from reader.camera.geometry import Floats, Geometry
from reader.camera.patches import Plan, Singles, View, plan, sample, view
from reader.camera.unmix import BedKind, Mixture, bed_kind, distance, dot, is_lit, is_point, unmix

SEARCH_MM = 1.5
"""How far from its place a hole may lie and still be this position's; a layout's tolerance narrows it."""
GREY_CONTRAST_MIN = 30.0
"""Below this (8-bit levels) between bed and paper anywhere on the card, colour is asked."""
CONTRAST_MIN, CONTRAST_CLEAN, CONTRAST_NOISES = 24.0, 12.0, 8.0
"""Below this a hole might not show: nothing there is called clear. In a clean picture, so many times its noise, though
no less than the second figure."""
OPENING, FINE_OPENING = 0.42, 0.25
"""Rings, digits and scratches narrower than this share of the hole are no hole (morphological opening). The finer one
is for doubts."""
DARKER, DARK_STEP = 0.1, 0.25
"""Darker than the card's other positions by this share of the paper's light counts as nothing; by so much more, as gone."""
CRESCENT_LEAN_MIN = 0.04
"""A crescent this even from side to side is none: looked at only beyond."""
GLANCE, GLANCE_MIN = 2.0, 200
"""The glance's samples lie so many times further apart; it pays for more places than this."""
TINT_HOLES = 3
"""Fewer whole holes than these do not tell the colour in a hole."""


@dataclass(frozen=True)
class Measured:
    """Per position, in the layout's order.

    open: share of the hole that shows the bed. fine: the same under the finer opening. loose: of `Mixture.loose`.
    other: of what is not paper.
    gone: solid darkness or bed beyond what is printed at most positions alike.
    lean: see `_lean`. crescent: see `crescents`; 0 for a machine's holes.
    spill: share of bed in the ring of paper around the hole. shade: of the bed in the hole.
    depth: colour distance of what is open from the paper.
    contrast: colour distance of the open bed from the paper. noise: half of the paper's samples lie further off than this.
    """

    open: Singles
    fine: Singles
    loose: Singles
    other: Singles
    gone: Singles
    lean: Singles
    crescent: Singles
    spill: Singles
    offset_mm: Singles
    shade: Singles
    depth: Singles
    contrast: Singles
    noise: Singles
    bed: BedKind


def view_of(frame: Frame, geometry: Geometry) -> View:
    """The picture to judge by: grey where the bed is black or lit, colour on any other."""
    grey = view(frame.grey, geometry)
    if is_point(grey.bed.colour) or frame.colour is None:
        return grey
    return view(frame.colour, geometry)


def is_faint(measured: Measured) -> bool:
    """Whether some position hardly stands out against the bed in this view, so that colour should be asked."""
    return float(measured.contrast.min(initial=255.0)) < GREY_CONTRAST_MIN


def measure(seen_by: View, geometry: Geometry, layout: Layout, shift_mm: Floats | float = 0.0) -> Measured:
    """Look at every position of a card whose outline is known.

    shift_mm: (n, 2) or one number, where the holes lie off their nominal places.
    """
    centres = np.array([[p.x_mm, p.y_mm] for p in layout.positions], np.float64).reshape(-1, 2)
    return measure_at(seen_by, geometry, layout, centres + shift_mm, search_reach_mm(layout))


def search_reach_mm(layout: Layout) -> float:
    """How far beyond a position's hole a hole may reach and still be this position's."""
    return min(SEARCH_MM, max(layout.hole.tolerance_mm, 0.3))


def measure_at(seen_by: View, geometry: Geometry, layout: Layout, centres_mm: Floats, search_mm: float) -> Measured:
    """Look at holes of the layout's kind around the places `centres_mm`, (n, 2), n > 0, as far as `search_mm` beyond.

    A glance first: where nothing at all is like the bed, as at most places of most cards, it is enough.
    """
    fine = replace(plan(layout, geometry.px_per_mm(), search_mm), centres_mm=centres_mm)
    bed = seen_by.bed.beneath(centres_mm)
    glance = replace(plan(layout, geometry.px_per_mm() / GLANCE, search_mm), centres_mm=centres_mm)
    if len(centres_mm) < GLANCE_MIN or glance.step_mm < 1.5 * fine.step_mm:
        return _look(seen_by, geometry, fine, bed, search_mm)
    seen = sample(seen_by.image, geometry, glance, centres_mm)
    paper = np.median(seen[:, glance.ring], axis=1).astype(np.float32)
    mixture = unmix(seen, paper, bed)
    near = glance.hole_mm < search_mm
    some = (np.maximum(mixture.open, mixture.loose)[:, near].max(axis=1) > 0.1) | (mixture.contrast < GREY_CONTRAST_MIN)
    blank = _blank(mixture, bed_kind(bed))
    if not some.any():
        return blank
    looks = replace(fine, centres_mm=centres_mm[some])
    return _put(blank, some, _look(seen_by, geometry, looks, bed[some], search_mm, int((~some).sum())))


def _blank(mixture: Mixture, kind: BedKind) -> Measured:
    none = np.zeros(len(mixture.contrast), np.float32)
    zero = dict.fromkeys(
        ("open", "fine", "loose", "other", "gone", "lean", "crescent", "spill", "shade", "depth"), none
    )
    offset = np.zeros((len(none), 2), np.float32)
    return Measured(**zero, offset_mm=offset, contrast=mixture.contrast, noise=none, bed=kind)


def _look(seen_by: View, geometry: Geometry, looks: Plan, bed: Singles, search_mm: float, blank: int = 0) -> Measured:
    """blank: of how many more positions nothing dark was seen."""
    seen = sample(seen_by.image, geometry, looks, looks.centres_mm)
    paper = np.median(seen[:, looks.ring], axis=1).astype(np.float32)
    mixture = unmix(seen, paper, bed)
    measured = _sum_up(seen, paper, bed, mixture, looks, search_mm)
    half = (measured.loose > 0.3) & (measured.open < 0.7)
    if not is_point(bed) and half.any():
        tinted = bed[half] * _tint(seen, mixture, bed, looks)
        again = unmix(seen[half], paper[half], tinted)
        measured = _put(measured, half, _sum_up(seen[half], paper[half], tinted, again, looks, search_mm))
        mixture.open[half], mixture.loose[half] = again.open, again.loose
    return _beyond_print(measured, seen, paper, mixture, bed, looks, search_mm, blank)


def _beyond_print(
    measured: Measured,
    seen: Singles,
    paper: Singles,
    mixture: Mixture,
    bed: Singles,
    looks: Plan,
    search_mm: float,
    blank: int,
) -> Measured:
    """What is bed, or dark as the shade at a hole's rim is, where other positions of this card are not."""
    clear = measured.open < 0.5
    gone = np.maximum(mixture.open, mixture.loose)
    gone = np.maximum(gone - _usual(gone[clear], blank), 0)
    if not is_lit(bed):
        light = dot(seen, paper) / np.maximum((paper * paper).sum(axis=1), 1.0)[:, None, None]
        dark = (1 - light).astype(np.float32)
        np.maximum(gone, np.clip((dark - _usual(dark[clear], blank) - DARKER) / DARK_STEP, 0, 1), out=gone)
    within = (looks.hole_mm < search_mm).astype(np.float32)
    solid = (_opened(gone, looks, OPENING) * within).sum(axis=(1, 2)) / np.float32(looks.area_samples)
    lean = _lean(gone, looks, search_mm)
    crescent = np.zeros(len(gone), np.float32)
    if looks.is_round:
        some = clear & (lean > CRESCENT_LEAN_MIN)
        if some.any():
            crescent[some] = crescents(gone[some], looks, search_mm)
    return replace(measured, gone=solid, lean=lean, crescent=crescent)


def _usual(clear: Singles, blank: int) -> Singles | float:
    """(rows, columns): what most positions without a hole show alike, a ring or a box; a little wider, for they lie off."""
    if len(clear) <= blank:
        return 0.0
    usual = np.maximum(np.median(clear, axis=0), 0)
    return np.asarray(cv2.dilate(usual, np.ones((3, 3), np.uint8)), np.float32)


def _put(first: Measured, where: NDArray[np.bool_], second: Measured) -> Measured:
    """`first`, with the positions `where` as `second` has them."""
    merged = {}
    for field in fields(first):
        values = getattr(first, field.name)
        if isinstance(values, str):
            continue
        values = values.copy()
        values[where] = getattr(second, field.name)
        merged[field.name] = values
    return replace(first, **merged)


def _tint(seen: Singles, mixture: Mixture, bed: Singles, looks: Plan) -> Singles:
    """(channels,): how the colour in this card's holes differs from the open bed's: the paper's walls colour the light."""
    core = (mixture.open > 0.9) & (looks.hole_mm < 0)
    whole = core.sum(axis=(1, 2)) > 0.5 * looks.area_samples
    if whole.sum() < TINT_HOLES:
        return np.ones(bed.shape[1], np.float32)
    inside = (seen * core[..., None])[whole].sum(axis=(1, 2)) / core[whole].sum(axis=(1, 2))[:, None]
    ratio = np.median(inside / np.maximum(bed[whole], 1.0), axis=0)
    weight = np.median(bed[whole], axis=0) ** 2
    usual = float((ratio * weight).sum() / weight.sum())
    tint: Singles = np.clip(ratio / max(usual, 0.05), 0.3, 3.0).astype(np.float32)
    return tint


def _sum_up(seen: Singles, paper: Singles, bed: Singles, mixture: Mixture, looks: Plan, search_mm: float) -> Measured:
    within = (looks.hole_mm < search_mm).astype(np.float32)
    solid = _opened(mixture.open, looks, OPENING) * within
    area = solid.sum(axis=(1, 2))
    fine = (_opened(mixture.open, looks, FINE_OPENING) * within).sum(axis=(1, 2))
    loose = (_opened(mixture.loose, looks, FINE_OPENING) * within).sum(axis=(1, 2))
    other = (_opened(mixture.unlike, looks, OPENING) * within).sum(axis=(1, 2))
    spill = mixture.open[:, looks.ring].mean(axis=1)
    safe = np.maximum(area, 1e-6)
    x = (solid.sum(axis=1) @ looks.dx_mm.astype(np.float32)) / safe
    y = (solid.sum(axis=2) @ looks.dy_mm.astype(np.float32)) / safe
    shade = (solid * mixture.shade).sum(axis=(1, 2)) / safe
    inside = np.einsum("nrc,nrck->nk", solid, seen) / safe[:, None]
    depth = np.sqrt(((inside - paper) ** 2).sum(axis=1))
    found = (area > 0.05 * looks.area_samples)[:, None]
    offset = np.where(found, np.stack([x, y], axis=1), 0).astype(np.float32)
    share = np.float32(looks.area_samples)
    none = np.zeros(len(area), np.float32)
    return Measured(
        open=area / share,
        fine=fine / share,
        loose=loose / share,
        other=other / share,
        gone=none,
        lean=none,
        crescent=none,
        spill=spill,
        offset_mm=offset,
        shade=shade,
        depth=depth,
        contrast=mixture.contrast,
        noise=np.median(distance(seen[:, looks.ring][:, None] - paper[:, None, None])[:, 0], axis=1),
        bed=bed_kind(bed),
    )


def _lean(share: Singles, looks: Plan, search_mm: float) -> Singles:
    """How far bed lies to one side of the hole: 0 for rings and letters around its middle, up to 0.4 for a half.

    A machine's narrow punch that fails leaves paper at one end; to its long sides only printed digits lean.
    """
    near = share * (looks.hole_mm < search_mm / 3)
    x = near.sum(axis=1) @ (looks.dx_mm / looks.half_mm[0]).astype(np.float32) if looks.is_round else 0.0
    y = near.sum(axis=2) @ (looks.dy_mm / looks.half_mm[1]).astype(np.float32)
    lean: Singles = np.hypot(x, y) / np.float32(looks.area_samples)
    return lean


def _opened(share: Singles, looks: Plan, opening: float) -> Singles:
    n, rows, columns = share.shape
    narrow = opening * max(float(-2 * looks.hole_mm.min()), looks.step_mm) / looks.step_mm
    size = max(3, round(narrow) | 1)
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (size, size))
    # A single dark pixel in a hole would make the opening lose the hole: the median fills it, and thins thin lines.
    filled = cv2.medianBlur(share.reshape(n * rows, columns), 3)
    opened = cv2.morphologyEx(filled, cv2.MORPH_OPEN, kernel)
    return np.asarray(opened, np.float32).reshape(n, rows, columns)


def least_contrast(measured: Measured) -> float:
    """Levels between bed and paper below which a hole might not show in this picture."""
    seen = measured.noise[measured.noise > 0]
    noise = float(np.median(seen)) if len(seen) else CONTRAST_MIN
    return min(max(CONTRAST_NOISES * noise, CONTRAST_CLEAN), CONTRAST_MIN)
