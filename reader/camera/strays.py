"""Holes where none belongs, anywhere on the card: proposed on a coarse look at the whole face, proven like a position."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from cards.layout import Layout
from reader.camera.bed import View
from reader.camera.geometry import Floats, Geometry, Sheet
from reader.camera.measure import PART_OPEN, Measured, measure_at, search_reach_mm
from reader.camera.patches import Singles, middle, middle_of
from reader.camera.scores import FAINT, SHADE_RATIO
from reader.camera.unmix import bed_share
from reader.reading import Stray

STEP_MM = 0.6
"""The coarse look: a hole of 4 mm covers 35 samples, an 80-column hole 12."""
TILE = 20
"""Samples a tile's side; its median is the paper there."""
NODE = 10
"""Samples between two places that are projected."""
BORDER_MM = 1.5
"""So close to the card's edge the outline's own softness and worn paper look like a hole."""
AREA_MIN, AREA_MAX = 0.35, 2.2
"""Of the layout's hole: people use the same punch everywhere, now and then twice."""
OPEN_MIN, COMPACT = 0.6, 0.8
DISC_MIN = 0.86
"""Of a stray's middle so much is gone, over a bed of a colour: of bold letters up to 0.83."""
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
    if found.bed == "coloured":
        believed &= (found.open > PART_OPEN[1]) | (found.disc > DISC_MIN)
    if holes.any():
        # Whatever its colour, print differs from this card's own holes in shade or in depth.
        shade = found.shade / max(middle_of(known.shade[holes]), 1e-3)
        believed &= (shade < SHADE_RATIO) & (shade > 1 / SHADE_RATIO)
        believed &= found.depth > FAINT * middle_of(known.depth[holes])
    strays = [
        Stray(round(float(x), 1), round(float(y), 1), round(float(a) * layout.hole.area_mm2, 1))
        for (x, y), a in zip(places[believed], found.open[believed], strict=True)
    ]
    return tuple(sorted(strays, key=lambda s: (s.x_mm, s.y_mm)))


def equal_spots(seen_by: View, geometry: Geometry, layout: Layout) -> int:
    """How many bed-like spots of one size, whatever it is, lie outside the positions: another card's holes."""
    share = _coarse(seen_by, geometry, layout)
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
    hole = min(layout.hole.width_mm, layout.hole.height_mm) / STEP_MM
    size = max(2, round(0.5 * hole))
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (size, size))
    like_bed = (share > 0.5).astype(np.uint8)
    # Mostly nothing is, or nothing as large as a hole; telling spots apart costs as much as all before it.
    mask = cv2.morphologyEx(like_bed, cv2.MORPH_OPEN, kernel) if like_bed.any() else like_bed
    if not mask.any():
        return np.empty((0, 2))
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
    """(rows, columns): share of bed where a hole would be a stray, `STEP_MM` apart, sample k at (k + 0.5) steps; else 0."""
    tiles = _tiles(layout.width_mm, layout.height_mm)
    nx, ny, middles = tiles.across, tiles.down, tiles.middles_mm
    face = _face(seen_by.image, geometry, tiles).reshape(ny, TILE, nx, TILE, -1)
    seen = face.transpose(0, 2, 1, 3, 4).reshape(ny * nx, TILE, TILE, -1)
    # Every third sample is enough for a median.
    paper = middle(seen[:, 1::3, 1::3].reshape(len(middles), -1, seen.shape[3]), axis=1)
    bed = seen_by.bed
    share = bed_share(seen, paper, bed.beneath(middles), bed.ground, APART, _looked_at(layout, nx, ny))
    return share.reshape(ny, nx, TILE, TILE).transpose(0, 2, 1, 3).reshape(ny * TILE, nx * TILE).copy()


@dataclass(frozen=True)
class _Tiles:
    """A card's face in tiles, so many across and down, the same for every picture. middles_mm: (tiles, 2). nodes: of the
    places that are projected."""

    across: int
    down: int
    middles_mm: Floats
    nodes: Sheet


@lru_cache(maxsize=16)
def _tiles(width_mm: float, height_mm: float) -> _Tiles:
    across, down = (int(np.ceil(length / (TILE * STEP_MM))) for length in (width_mm, height_mm))
    middles, nodes = (
        np.stack(np.meshgrid((np.arange(nx) + 0.5) * step, (np.arange(ny) + 0.5) * step), axis=-1).reshape(-1, 2)
        for nx, ny, step in (
            (across, down, TILE * STEP_MM),
            (across * TILE // NODE, down * TILE // NODE, NODE * STEP_MM),
        )
    )
    return _Tiles(across, down, middles, Sheet.of(nodes, width_mm, height_mm))


def _face(image: NDArray[np.uint8], geometry: Geometry, tiles: _Tiles) -> NDArray[np.uint8]:
    """(rows, columns, …): the whole card in one look; between nodes a few millimetres apart the geometry is linear."""
    columns, rows = tiles.across * TILE, tiles.down * TILE
    px = geometry.sheet_px(tiles.nodes).astype(np.float32).reshape(rows // NODE, columns // NODE, 2)
    size = columns + 2 * NODE, rows + 2 * NODE
    where = [cv2.resize(plane, size, interpolation=cv2.INTER_LINEAR) for plane in cv2.split(_grown(px))]
    # Beyond the card its last paper goes on: else a tile at its edge would take the bed for its paper, and see no hole.
    right = min(columns, int((geometry.width_mm - BORDER_MM) / STEP_MM))
    bottom = min(rows, int((geometry.height_mm - BORDER_MM) / STEP_MM))
    to_x, to_y = (plane[NODE : NODE + bottom, NODE : NODE + right] for plane in where)
    seen = cv2.remap(image, to_x, to_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(cv2.copyMakeBorder(seen, 0, rows - bottom, 0, columns - right, cv2.BORDER_REPLICATE), np.uint8)


def _grown(nodes: Singles) -> Singles:
    """One more row and column of nodes on every side, carried on straight."""
    tall = np.concatenate([2 * nodes[:1] - nodes[1:2], nodes, 2 * nodes[-1:] - nodes[-2:-1]])
    return np.concatenate([2 * tall[:, :1] - tall[:, 1:2], tall, 2 * tall[:, -1:] - tall[:, -2:-1]], axis=1)


@dataclass(frozen=True)
class _ByDigest:
    """A layout to look things up by: its texts have no hash, its digest is one."""

    digest: str
    layout: Layout = field(compare=False)


def _looked_at(layout: Layout, nx: int, ny: int) -> NDArray[np.bool_]:
    """(ny · nx, TILE, TILE): where a hole would be a stray, tile by tile: on the card, off its edge, off positions, marks,
    timing bars and the corner cut."""
    return _free(_ByDigest(layout.digest, layout), nx, ny)


@lru_cache(maxsize=16)
def _free(of: _ByDigest, nx: int, ny: int) -> NDArray[np.bool_]:
    layout = of.layout
    reach = search_reach_mm(layout)
    half = layout.hole.width_mm / 2 + reach, layout.hole.height_mm / 2 + reach
    mark = (layout.identify.size_mm or 0.0) / 2 + MARKER_GAP_MM
    around = half if layout.identify.by == "code-holes" else (mark, mark)
    taken = [(p.x_mm, p.y_mm, *half) for p in layout.positions]
    taken += [(m.x_mm, m.y_mm, *around) for m in layout.identify.markers]
    if layout.sensor_bar is not None:
        # Timing bars are as black as felt. A hole among them would be the clock's to notice.
        bar = layout.sensor_bar
        taken.append((layout.width_mm / 2, bar.track_mm, layout.width_mm / 2, bar.track_height_mm / 2 + BORDER_MM))
    cut = layout.corner_cut
    y = (np.arange(ny * TILE) + 0.5) * STEP_MM
    x = (np.arange(nx * TILE) + 0.5) * STEP_MM
    b = BORDER_MM
    w, h = layout.width_mm, layout.height_mm
    free = ((y > b) & (y < h - b))[:, None] & ((x > b) & (x < w - b))[None]
    from_x = x if cut.corner.endswith("left") else w - x
    from_y = y if cut.corner.startswith("top") else h - y
    free &= from_x[None] / (cut.dx_mm + 2 * b) + from_y[:, None] / (cut.dy_mm + 2 * b) > 1
    for x_mm, y_mm, half_x, half_y in taken:
        rows = slice(max(0, int((y_mm - half_y) / STEP_MM)), int((y_mm + half_y) / STEP_MM) + 1)
        columns = slice(max(0, int((x_mm - half_x) / STEP_MM)), int((x_mm + half_x) / STEP_MM) + 1)
        free[rows, columns] = False
    tiles = free.reshape(ny, TILE, nx, TILE).transpose(0, 2, 1, 3).reshape(ny * nx, TILE, TILE)
    tiles.setflags(write=False)
    return tiles
