"""A score for every position: the share of the hole's area that shows the bed, and what speaks against believing it."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from cards.layout import Layout
from device.frame import Frame
from reader.camera.bed import BedKind, View, view
from reader.camera.crescent import crescents, shaded
from reader.camera.geometry import Floats, Geometry
from reader.camera.glance import (
    DARK_STEP,
    DARKER,
    SHINES,
    darkness,
    machine_worth_a_look,
    worth_a_look,
)
from reader.camera.patches import Plan, Singles, levels, middle, middle_of, plan, sample
from reader.camera.shapes import (
    FINE_OPENING,
    OPENING,
    disc_share,
    end_share,
    leaning,
    opened,
    opened_share,
    paper_share,
    wider,
)
from reader.camera.unmix import (
    Mixture,
    contrast_of,
    distance,
    unmix,
)

SEARCH_MM = 1.5
"""How far from its place a hole may lie and still be this position's; a layout's tolerance narrows it."""
GREY_CONTRAST_MIN = 30.0
"""Below this (8-bit levels) between bed and paper anywhere on the card, colour is asked."""
CONTRAST_MIN, CONTRAST_CLEAN, CONTRAST_NOISES = 24.0, 12.0, 8.0
"""Below this a hole might not show: nothing there is called clear. In a clean picture, so many times its noise, though
no less than the second figure."""
CRESCENT_LEAN_MIN = 0.04
"""A crescent this even from side to side is none: looked at only beyond."""
GLANCE, GLANCE_MIN = 2.0, 8
"""The glance's samples lie so many times further apart; it pays for more places than this."""
GLANCE_CONTRAST = 50.0
"""Below this (levels between bed and paper) what a round hole leaves open is lost between the glance's steps."""
GLOW_FROM, BLACK_STEP, GLANCE_SLIT, GLANCE_SLIT_COLOURED = 0.12, (0.7, 0.9), 0.02, 0.1
"""Lighter than the paper by the first share of the way to a lit bed is no noise; of the way to a black one, print reaches
the second. The glance's least sum of either."""
PART_OPEN = (0.2, 0.8)
"""Shares between which a hole is asked whether it is whole after all."""
TINT_HOLES = 3
"""Fewer whole holes than these do not tell the colour in a hole."""


@dataclass(frozen=True)
class Measured:
    """Per position, in the layout's order.

    open: share of the hole that shows the bed. fine: the same under the finer opening. loose: of `Mixture.loose`.
    other: of what is not paper.
    gone: solid darkness or bed beyond what is printed at most positions alike.
    lean: see `leaning`. crescent: see `crescents`. aside: how far shade lies to one side, of any depth; see `shaded`. Both
        are 0 for a machine's holes, aside also over a lit bed.
    slit: black over a black bed, or a bed's colour, beyond the usual print, not opened; 0 over a lit bed. light: the same of
        light beyond the paper's, where the bed shines.
    disc, hung: see `disc_share`, `paper_share`; over colours where a hole measures part open, else 0. ends: see `end_share`.
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
    aside: Singles
    disc: Singles
    hung: Singles
    slit: Singles
    light: Singles
    ends: Singles
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
    if grey.bed.ground.is_point or frame.colour is None:
        return grey
    return view(frame.colour, geometry)


def is_faint(measured: Measured) -> bool:
    """Whether some position hardly stands out against the bed in this view, so that colour should be asked."""
    return float(measured.contrast.min(initial=255.0)) < GREY_CONTRAST_MIN


def measure(seen_by: View, geometry: Geometry, layout: Layout, shift_mm: Floats | float = 0.0) -> Measured:
    """Look at every position of a card whose outline is known.

    shift_mm: (n, 2) or one number, where the holes lie off their nominal places.
    """
    return measure_at(seen_by, geometry, layout, layout.centres_mm + shift_mm, search_reach_mm(layout))


def search_reach_mm(layout: Layout) -> float:
    """How far beyond a position's hole a hole may reach and still be this position's."""
    return min(SEARCH_MM, max(layout.hole.tolerance_mm, 0.3))


def measure_at(seen_by: View, geometry: Geometry, layout: Layout, centres_mm: Floats, search_mm: float) -> Measured:
    """Look at holes of the layout's kind around the places `centres_mm`, (n, 2), n > 0, as far as `search_mm` beyond.

    A glance first: where nothing but what most places show alike is off the paper, it is enough.
    """
    fine = plan(layout, geometry.px_per_mm, search_mm)
    bed, ground = seen_by.bed.beneath(centres_mm), seen_by.bed.ground
    if len(centres_mm) < GLANCE_MIN:
        return _look(seen_by, geometry, fine, centres_mm, bed, None)
    glance = plan(layout, geometry.px_per_mm, search_mm, GLANCE)
    grid = levels(seen_by.image, geometry, glance, centres_mm)
    paper = middle(glance.ring_of(grid), axis=1)
    usual = None
    if glance.is_round:
        seen = grid.astype(np.float32)
        mixture = unmix(seen, paper, bed, ground)
        dark = _dark(seen, paper, mixture)
        alike = _usual(dark, mixture, glance)
        some = worth_a_look(mixture, _beyond(alike, dark, mixture), glance)
        least = GLANCE_SLIT if mixture.ground.is_point else GLANCE_SLIT_COLOURED
        some |= (_slit(alike, mixture, glance) > least) | (_light(alike, mixture, glance) > GLANCE_SLIT)
        usual = _on(alike, glance, fine)
    else:
        some = machine_worth_a_look(grid, paper, bed, ground, glance)
    contrast = contrast_of(paper, bed)
    some |= contrast < (GLANCE_CONTRAST if glance.is_round else GREY_CONTRAST_MIN)
    blank = _blank(contrast, ground.kind)
    if not some.any():
        return blank
    return _put(blank, some, _look(seen_by, geometry, fine, centres_mm[some], bed[some], usual))


def _blank(contrast: Singles, kind: BedKind) -> Measured:
    none = np.zeros(len(contrast), np.float32)
    known = {"offset_mm", "contrast", "noise", "bed"}
    zero = {field.name: none for field in fields(Measured) if field.name not in known}
    offset = np.zeros((len(none), 2), np.float32)
    return Measured(**zero, offset_mm=offset, contrast=contrast, noise=none, bed=kind)


def _look(
    seen_by: View, geometry: Geometry, looks: Plan, centres_mm: Floats, bed: Singles, usual: _Usual | None
) -> Measured:
    """usual: what most positions show alike, where it is known from more positions than these."""
    seen = sample(seen_by.image, geometry, looks, centres_mm)
    paper = middle(looks.ring_of(seen), axis=1)
    mixture = unmix(seen, paper, bed, seen_by.bed.ground)
    measured = _sum_up(seen, paper, mixture, looks)
    half = (measured.loose > 0.3) & (measured.open < 0.7)
    if not mixture.ground.is_point and half.any():
        tinted = bed[half] * _tint(seen, mixture, bed, looks)
        again = unmix(seen[half], paper[half], tinted, seen_by.bed.ground)
        measured = _put(measured, half, _sum_up(seen[half], paper[half], again, looks))
        mixture.open[half], mixture.loose[half] = again.open, again.loose
    dark = _dark(seen, paper, mixture)
    usual = usual or _usual(dark, mixture, looks)
    gone = _beyond(usual, dark, mixture)
    solid = opened_share(gone, looks, OPENING)
    lean = leaning(gone, looks)
    crescent, aside = np.zeros(len(gone), np.float32), np.zeros(len(gone), np.float32)
    clear = measured.open < 0.5
    some = clear & (lean > CRESCENT_LEAN_MIN) & looks.is_round
    if some.any():
        crescent[some] = crescents(gone[some], looks)
    if dark is not None and looks.is_round:
        bed_dark = darkness(bed[:, None, None], paper)
        aside = leaning(shaded(dark, bed_dark, usual.dark, clear), looks)
    disc, hung = np.zeros(len(gone), np.float32), np.zeros(len(gone), np.float32)
    part = (measured.open > PART_OPEN[0]) & (measured.open < PART_OPEN[1]) & (not mixture.ground.is_point)
    if part.any():
        disc[part] = disc_share(gone[part], looks)
        other = opened(mixture.unlike[part], looks, OPENING)
        hung[part] = paper_share(seen[part], paper[part], bed[part], other, looks)
    slit, light = _slit(usual, mixture, looks), _light(usual, mixture, looks)
    thin = replace(measured, lean=lean, crescent=crescent, aside=aside, slit=slit, light=light)
    return replace(thin, gone=solid, disc=disc, hung=hung)


@dataclass(frozen=True)
class _Usual:
    """What most positions without a hole show alike, a ring or a box: (rows, columns) shares of bed and of darkness.

    dark: below 0 where their print is paler than the paper. way: over a black bed or one that shines, of the way from paper
    to bed.
    """

    bed: Singles
    dark: Singles
    way: Singles


def _dark(seen: Singles, paper: Singles, mixture: Mixture) -> Singles | None:
    """See `darkness`; `None` over a lit bed, where no hole is dark."""
    return None if mixture.ground.is_lit else darkness(seen, paper)


def _usual(dark: Singles | None, mixture: Mixture, looks: Plan) -> _Usual:
    clear = mixture.open[:, looks.inside].mean(axis=1) < 0.5
    none = np.zeros(looks.hole_mm.shape, np.float32)
    if not clear.any() or not looks.is_round:
        # Beside a machine's narrow holes print is small, and no two positions show the same.
        return _Usual(none, none, none)
    like_bed = np.maximum(mixture.open[clear], mixture.loose[clear])
    darker = none if dark is None else middle(dark[clear], axis=0)
    asked = mixture.ground.is_point or mixture.shines.any()
    return _Usual(_alike(like_bed), darker, _alike(mixture.way[clear]) if asked else none)


def _alike(shares: Singles) -> Singles:
    """(rows, columns): the median."""
    usual: Singles = np.maximum(middle(shares, axis=0), 0)
    return usual


def _on(usual: _Usual, glance: Plan, fine: Plan) -> _Usual:
    """What was seen at the glance's samples, at the finer ones."""
    x = (fine.dx_mm - glance.dx_mm[0]) / glance.step_mm
    y = (fine.dy_mm - glance.dy_mm[0]) / glance.step_mm
    to_x, to_y = np.empty((2, len(y), len(x)), np.float32)
    to_x[:], to_y[:] = x, y[:, None]
    shares = cv2.merge([usual.bed, usual.dark, usual.way])
    bed, dark, way = cv2.split(cv2.remap(shares, to_x, to_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE))
    return _Usual(np.asarray(bed, np.float32), np.asarray(dark, np.float32), np.asarray(way, np.float32))


def _beyond(usual: _Usual, dark: Singles | None, mixture: Mixture) -> Singles:
    """What is bed, or dark as the shade at a hole's rim is, where other positions of this card are not."""
    printed = wider(usual.bed)
    gone = np.maximum(np.maximum(mixture.open, mixture.loose) - printed, 0)
    if dark is None:
        return gone
    darker = dark - np.maximum(wider(usual.dark), 0)
    np.maximum(gone, np.clip((darker - DARKER) / DARK_STEP, 0, 1), out=gone)
    if mixture.ground.is_glossy:
        shines = (mixture.open > printed + 0.02) & (dark < -SHINES)
        np.maximum(gone, shines.astype(np.float32), out=gone)
    return gone


def _slit(usual: _Usual, mixture: Mixture, looks: Plan) -> Singles:
    """(n,): what a slit adds up to, however narrow. Blur spreads it, and loses none; felt is blacker than print."""
    if not looks.is_round or mixture.ground.is_lit:
        return np.zeros(len(mixture.open), np.float32)
    if not mixture.ground.is_point:
        # Within the hole's own reach: a neighbour's edge has the bed's colour, too.
        return _summed(np.maximum(mixture.open - wider(usual.bed), 0), looks.closer, looks)
    low, high = BLACK_STEP
    black = np.clip((mixture.way - low) / (high - low), 0, 1) - np.clip((wider(usual.way) - low) / (high - low), 0, 1)
    return _summed(np.maximum(black, 0), looks.near, looks)


def _light(usual: _Usual, mixture: Mixture, looks: Plan) -> Singles:
    """(n,): what light beyond the paper's adds up to where the bed shines."""
    if not looks.is_round or not mixture.shines.any():
        return np.zeros(len(mixture.way), np.float32)
    light = mixture.way - wider(usual.way)
    light *= light > GLOW_FROM
    return np.asarray(_summed(light, looks.near, looks) * mixture.shines, np.float32)


def _summed(shares: Singles, weight: Singles, looks: Plan) -> Singles:
    """(n,): shares (n, rows, columns) of bed, added up as a share of the hole."""
    return np.asarray(shares.reshape(len(shares), -1) @ weight / np.float32(looks.area_samples), np.float32)


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
    core = (mixture.open > 0.9) & looks.inside
    whole = core.sum(axis=(1, 2)) > 0.5 * looks.area_samples
    if whole.sum() < TINT_HOLES:
        return np.ones(bed.shape[1], np.float32)
    inside = (seen * core[..., None])[whole].sum(axis=(1, 2)) / core[whole].sum(axis=(1, 2))[:, None]
    ratio = np.median(inside / np.maximum(bed[whole], 1.0), axis=0)
    weight = np.median(bed[whole], axis=0) ** 2
    usual = float((ratio * weight).sum() / weight.sum())
    tint: Singles = np.clip(ratio / max(usual, 0.05), 0.3, 3.0).astype(np.float32)
    return tint


def _sum_up(seen: Singles, paper: Singles, mixture: Mixture, looks: Plan) -> Measured:
    n = len(seen)
    solid = opened(mixture.open, looks, OPENING).reshape(n, -1) * looks.near
    # Down and across one after the other: what is alike on both sides of a hole's middle must come to no offset at all.
    down, along = (solid.reshape(mixture.open.shape).sum(axis=k) for k in (1, 2))
    area: Singles = down.sum(axis=1)
    safe = np.maximum(area, 1e-6)
    x, y = down @ looks.dx_mm.astype(np.float32) / safe, along @ looks.dy_mm.astype(np.float32) / safe
    shade = (solid * mixture.shade.reshape(n, -1)).sum(axis=1) / safe
    inside = (solid[:, None] @ seen.reshape(n, looks.hole_mm.size, -1))[:, 0] / safe[:, None]
    depth = np.sqrt(((inside - paper) ** 2).sum(axis=1))
    found = (area > 0.05 * looks.area_samples)[:, None]
    offset = np.where(found, np.stack([x, y], axis=1), 0).astype(np.float32)
    none = np.zeros(n, np.float32)
    return Measured(
        open=area / np.float32(looks.area_samples),
        fine=opened_share(mixture.open, looks, FINE_OPENING),
        loose=opened_share(mixture.loose, looks, FINE_OPENING),
        other=opened_share(mixture.unlike, looks, OPENING),
        gone=none,
        lean=none,
        crescent=none,
        aside=none,
        disc=none,
        hung=none,
        slit=none,
        light=none,
        ends=end_share(mixture, looks),
        spill=mixture.open.reshape(n, -1) @ looks.ring_weights,
        offset_mm=offset,
        shade=shade,
        depth=depth,
        contrast=mixture.contrast,
        noise=middle(distance(looks.ring_of(seen)[:, None], paper)[:, 0], axis=1),
        bed=mixture.ground.kind,
    )


def least_contrast(measured: Measured) -> float:
    """Levels between bed and paper below which a hole might not show in this picture."""
    seen = measured.noise[measured.noise > 0]
    noise = middle_of(seen) if len(seen) else CONTRAST_MIN
    return min(max(CONTRAST_NOISES * noise, CONTRAST_CLEAN), CONTRAST_MIN)
