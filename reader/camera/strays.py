"""Holes where none belongs, anywhere on the card: proposed on a coarse look at the whole face, proven like a position."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from cards.layout import Layout
from reader.camera.geometry import Floats, Geometry
from reader.camera.measure import Measured, measure_at, search_reach_mm
from reader.camera.patches import Plan, Singles, View, sample
from reader.camera.scores import FAINT, SHADE_RATIO
from reader.camera.unmix import distance, unmix
from reader.reading import Stray

STEP_MM = 0.6
"""The coarse look: a hole of 4 mm covers 35 samples, an 80-column hole 12."""
TILE = 20
"""Samples a tile's side; its median is the paper there."""
BORDER_MM = 1.5
"""So close to the card's edge the outline's own softness and worn paper look like a hole."""
AREA_MIN, AREA_MAX = 0.35, 2.2
"""Of the layout's hole: people use the same punch everywhere, now and then twice."""
OPEN_MIN, COMPACT = 0.6, 0.8
NARROW_MM = 0.4
MARKER_GAP_MM = 1.0
APART = 0.3
"""A sample nearer to the paper than this share of the bed's distance is no hole's."""
SPOT_MIN_MM2 = 1.5
CANDIDATES_MAX = 400
"""More dark spots than these are artwork or another card; the largest are looked at."""


def find_strays(seen_by: View, geometry: Geometry, layout: Layout, known: Measured) -> tuple[Stray, ...]:
    """All strays of a card whose positions measured `known`, from left to right."""
    centres = _candidates(seen_by, geometry, layout)
    if not len(centres):
        return ()
    wide = measure_at(seen_by, geometry, layout, centres, search_reach_mm(layout))
    places = centres + wide.offset_mm
    found = measure_at(seen_by, geometry, layout, places, NARROW_MM)
    holes = known.open > 0.5
    # A hole is a disc and all of one; letters and lines run on.
    believed = (found.open > OPEN_MIN) & (found.open > COMPACT * wide.open)
    if holes.any():
        # Whatever its colour, print differs from this card's own holes in shade or in depth.
        shade = found.shade / max(float(np.median(known.shade[holes])), 1e-3)
        believed &= (shade < SHADE_RATIO) & (shade > 1 / SHADE_RATIO)
        believed &= found.depth > FAINT * float(np.median(known.depth[holes]))
    strays = [
        Stray(round(float(x), 1), round(float(y), 1), round(float(a) * layout.hole.area_mm2, 1))
        for (x, y), a in zip(places[believed], found.open[believed], strict=True)
    ]
    return tuple(sorted(strays, key=lambda s: (s.x_mm, s.y_mm)))


def equal_spots(seen_by: View, geometry: Geometry, layout: Layout) -> int:
    """How many bed-like spots of one size, whatever it is, lie outside the positions: another card's holes."""
    share = _coarse(seen_by, geometry, layout)
    share[~_looked_at(layout, share.shape)] = 0
    mask = cv2.morphologyEx((share > 0.5).astype(np.uint8), cv2.MORPH_OPEN, np.ones((2, 2), np.uint8))
    _, _, stats, _ = cv2.connectedComponentsWithStats(mask, connectivity=4)
    area = stats[1:, cv2.CC_STAT_AREA].astype(np.float64)
    whole = area[area * STEP_MM**2 > SPOT_MIN_MM2]
    if not len(whole):
        return 0
    usual = float(np.median(whole))
    return int(((whole > 0.6 * usual) & (whole < 1.5 * usual)).sum())


def _candidates(seen_by: View, geometry: Geometry, layout: Layout) -> Floats:
    """(n, 2) mm: middles of bed-like spots of about a hole's size, outside every position's reach."""
    share = _coarse(seen_by, geometry, layout)
    share[~_looked_at(layout, share.shape)] = 0
    hole = min(layout.hole.width_mm, layout.hole.height_mm) / STEP_MM
    size = max(2, round(0.5 * hole))
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (size, size))
    mask = cv2.morphologyEx((share > 0.5).astype(np.uint8), cv2.MORPH_OPEN, kernel)
    _, _, stats, middles = cv2.connectedComponentsWithStats(mask, connectivity=4)
    area = stats[:, cv2.CC_STAT_AREA] * STEP_MM**2 / layout.hole.area_mm2
    box = stats[:, cv2.CC_STAT_WIDTH] * stats[:, cv2.CC_STAT_HEIGHT]
    compact = stats[:, cv2.CC_STAT_AREA] > 0.45 * box
    good = (area > 0.5 * AREA_MIN) & (area < AREA_MAX) & compact
    good[0] = False  # the background
    order = np.flatnonzero(good)
    order = order[np.argsort(-area[order])][:CANDIDATES_MAX]
    return np.asarray((middles[order] + 0.5) * STEP_MM, np.float64)


def _coarse(seen_by: View, geometry: Geometry, layout: Layout) -> Singles:
    """(rows, columns): share of bed over the whole card, `STEP_MM` apart, sample k at (k + 0.5) steps."""
    side = TILE * STEP_MM
    nx, ny = int(np.ceil(layout.width_mm / side)), int(np.ceil(layout.height_mm / side))
    x, y = np.meshgrid((np.arange(nx) + 0.5) * side, (np.arange(ny) + 0.5) * side)
    middles = np.stack([x.ravel(), y.ravel()], axis=1)
    local = np.asarray((np.arange(TILE) - (TILE - 1) / 2) * STEP_MM, np.float64)
    looks = Plan(middles, STEP_MM, local, local, np.zeros((1, 1)), np.zeros((1, 1), bool), 1.0)
    seen = sample(seen_by.image, geometry, looks, middles)
    # Every other sample is enough for a median.
    paper = np.median(seen[:, ::2, ::2].reshape(len(middles), -1, seen.shape[3]), axis=1).astype(np.float32)
    share = _share(seen, paper, seen_by.bed.beneath(middles))
    return share.reshape(ny, nx, TILE, TILE).transpose(0, 2, 1, 3).reshape(ny * TILE, nx * TILE).copy()


def _share(seen: Singles, paper: Singles, bed: Singles) -> Singles:
    """`unmix(…).open`, looked at only where a sample differs from its tile's paper: a tenth of a card."""
    way = bed - paper
    apart = distance(seen - paper[:, None, None]) > APART * np.sqrt((way * way).sum(axis=1))[:, None, None]
    share = np.zeros(apart.shape, np.float32)
    tile = np.nonzero(apart)[0]
    share[apart] = unmix(seen[apart][:, None, None], paper[tile], bed[tile]).open.ravel()
    return share


def _looked_at(layout: Layout, shape: tuple[int, ...]) -> NDArray[np.bool_]:
    """Where a hole would be a stray: on the card, off its edge, off positions, marks and the corner cut."""
    y = (np.arange(shape[0]) + 0.5) * STEP_MM
    x = (np.arange(shape[1]) + 0.5) * STEP_MM
    b = BORDER_MM
    looked = ((y > b) & (y < layout.height_mm - b))[:, None] & ((x > b) & (x < layout.width_mm - b))[None]
    cut = layout.corner_cut
    from_x = x if cut.corner.endswith("left") else layout.width_mm - x
    from_y = y if cut.corner.startswith("top") else layout.height_mm - y
    looked &= from_x[None] / (cut.dx_mm + 2 * b) + from_y[:, None] / (cut.dy_mm + 2 * b) > 1
    reach = search_reach_mm(layout)
    half = layout.hole.width_mm / 2 + reach, layout.hole.height_mm / 2 + reach
    for p in layout.positions:
        _clear(looked, p.x_mm, p.y_mm, half)
    mark = (layout.identify.size_mm or 0.0) / 2 + MARKER_GAP_MM
    around = half if layout.identify.by == "code-holes" else (mark, mark)
    for m in layout.identify.markers:
        _clear(looked, m.x_mm, m.y_mm, around)
    return looked


def _clear(looked: NDArray[np.bool_], x_mm: float, y_mm: float, half_mm: tuple[float, float]) -> None:
    rows = slice(max(0, int((y_mm - half_mm[1]) / STEP_MM)), int((y_mm + half_mm[1]) / STEP_MM) + 1)
    columns = slice(max(0, int((x_mm - half_mm[0]) / STEP_MM)), int((x_mm + half_mm[0]) / STEP_MM) + 1)
    looked[rows, columns] = False
