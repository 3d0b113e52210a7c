"""What the picture shows at every position: small upright views of the card, and the paper and the bed beside them.

Only what is judged is sampled. Over a patch of a few millimetres the geometry is as good as linear, so that each
patch needs three projected points, not one per pixel.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any, TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray

from cards.layout import Hole, Layout
from reader.camera.geometry import Floats, Geometry

Singles = NDArray[np.float32]
AnyLevel = TypeVar("AnyLevel", np.uint8, np.float32)
Levels = NDArray[np.uint8] | Singles
"""8-bit levels of a picture, or what was worked out from them."""

RING_GAP_MM = 0.5
"""Paper is looked at this far beyond the hole's edge: outside the printed ring and the shadow of the paper's edge."""
RING_WIDTH_MM = 1.2
BED_GAP_MM = 2.5
"""The bed is looked at this far outside the card: beyond the card's own shadow, before whatever else lies about."""


def middle(values: NDArray[np.number[Any]], axis: int) -> Singles:
    """The median along an axis. numpy's own spends more time on asking what it was given than on a few dozen values, and
    selects two ranks many times slower than it sorts them all."""
    count = values.shape[axis]
    low, high = (count - 1) // 2, count // 2
    others = [k for k in range(values.ndim) if k != axis]
    ranked = np.array(values.transpose(*others, axis), np.float32, order="C")
    ranked.sort(axis=-1)
    found: Singles = (ranked[..., low] + ranked[..., high]) * np.float32(0.5)
    return found


def middle_of(values: NDArray[np.number[Any]]) -> float:
    """The median of (n,), n > 0."""
    return float(middle(values, axis=0))


@dataclass(frozen=True)
class Plan:
    """Where to look around a place, in millimetres; the same for every place and every picture at one resolution, so that
    what follows from it alone is worked out once.

    step_mm: between samples. dx_mm, dy_mm: (k,) sample offsets of a patch, `k` rows by `j` columns.
    hole_mm: (rows, columns) distance outside the nominal hole's edge (negative inside), at zero offset.
    ring: (rows, columns) bool, samples that show paper beside the hole. search_mm: how far beyond the hole's edge what is
    seen still belongs to it. half_mm: half the hole's width and height. is_round: not a rectangle.
    """

    step_mm: float
    dx_mm: Floats
    dy_mm: Floats
    hole_mm: Floats
    ring: NDArray[np.bool_]
    area_samples: float
    search_mm: float = 0.0
    half_mm: tuple[float, float] = (1.0, 1.0)
    is_round: bool = False

    def ring_of(self, seen: NDArray[AnyLevel]) -> NDArray[AnyLevel]:
        """(n, rows, columns, channels) → (n, samples of the ring, channels)."""
        flat = seen.reshape(len(seen), self.ring.size, -1)
        return np.take(flat, self._ring_at, axis=1)

    @cached_property
    def _ring_at(self) -> NDArray[np.intp]:
        return np.flatnonzero(self.ring)

    @cached_property
    def ring_weights(self) -> Singles:
        """(rows · columns,): what a sample adds to the ring's mean."""
        return self.ring.ravel().astype(np.float32) / np.float32(self.ring.sum())

    @cached_property
    def inside(self) -> NDArray[np.bool_]:
        """(rows, columns): within the nominal hole."""
        return self.hole_mm < 0

    @cached_property
    def near(self) -> Singles:
        """(rows · columns,): 1 within `search_mm` of the hole, else 0."""
        return (self.hole_mm < self.search_mm).ravel().astype(np.float32)

    @cached_property
    def closer(self) -> Singles:
        """(rows · columns,): 1 within a third of `search_mm`, where no neighbour reaches, else 0."""
        return (self.hole_mm < self.search_mm / 3).ravel().astype(np.float32)

    @cached_property
    def lever(self) -> Singles:
        """(rows · columns, 2): how far right and down a sample that is `closer` lies, in half widths and half heights."""
        x, y = np.meshgrid(self.dx_mm / self.half_mm[0], self.dy_mm / self.half_mm[1])
        return np.stack([x.ravel(), y.ravel()], axis=1).astype(np.float32) * self.closer[:, None]

    @cached_property
    def narrower_mm(self) -> float:
        """The smaller of the hole's width and height, as far as samples tell it."""
        return max(float(-2 * self.hole_mm.min()), self.step_mm)


def plan(layout: Layout, px_per_mm: float, search_mm: float, coarser: float = 1.0) -> Plan:
    """A patch for each position, fine enough for the layout's smallest hole, reaching `search_mm` beyond it.

    coarser: by how much further apart the samples may lie.
    """
    smallest = min(layout.hole.width_mm, layout.hole.height_mm)
    step = coarser * max(1 / px_per_mm, smallest / 16)
    return _plan(layout.hole, step, search_mm, coarser > 1)


@lru_cache(maxsize=16)
def _plan(hole: Hole, step: float, search_mm: float, glance: bool) -> Plan:
    """Most pictures of a machine have enough pixels for the hole's own step."""
    reach = max(search_mm, RING_GAP_MM + RING_WIDTH_MM)
    half_x, half_y = hole.width_mm / 2 + reach, hole.height_mm / 2 + reach
    if hole.shape == "rect" and glance:
        # Neighbours stand close; an opening needs more room than a glance.
        half_x = max(hole.width_mm / 2 + search_mm, hole.width_mm) - step / 2
    dx = np.arange(-np.ceil(half_x / step), np.ceil(half_x / step) + 1) * step
    dy = np.arange(-np.ceil(half_y / step), np.ceil(half_y / step) + 1) * step
    x, y = np.meshgrid(dx, dy)
    if hole.shape == "circle":
        outside = np.hypot(x, y) - hole.width_mm / 2
        ring = (outside > RING_GAP_MM) & (outside < RING_GAP_MM + RING_WIDTH_MM)
    else:
        outside = np.maximum(np.abs(x) - hole.width_mm / 2, np.abs(y) - hole.height_mm / 2)
        # Columns of rectangular holes stand closer than their height: paper is surely above and below.
        gap = np.abs(y) - hole.height_mm / 2
        ring = (gap > RING_GAP_MM) & (gap < RING_GAP_MM + RING_WIDTH_MM) & (np.abs(x) < hole.width_mm)
    half = hole.width_mm / 2, hole.height_mm / 2
    area = hole.area_mm2 / step**2
    return Plan(step, dx, dy, outside, ring, area, search_mm, half, hole.shape == "circle")


def sample(image: NDArray[np.uint8], geometry: Geometry, looks: Plan, centres_mm: Floats) -> Singles:
    """`levels` as float32."""
    return levels(image, geometry, looks, centres_mm).astype(np.float32)


def levels(image: NDArray[np.uint8], geometry: Geometry, looks: Plan, centres_mm: Floats) -> NDArray[np.uint8]:
    """(n, rows, columns, channels): the picture around every centre, upright as on the front."""
    n = len(centres_mm)
    unit = 1.0
    points = (centres_mm + np.array([[[0.0, 0.0]], [[unit, 0.0]], [[0.0, unit]]])).reshape(-1, 2)
    px = geometry.to_px(points).reshape(3, n, 2).astype(np.float32)
    right, down = (px[1] - px[0]) / unit, (px[2] - px[0]) / unit
    rows, columns = len(looks.dy_mm), len(looks.dx_mm)
    offsets = np.ones((3, rows, columns), np.float32)
    offsets[1], offsets[2] = looks.dx_mm, looks.dy_mm[:, None]
    ways = np.concatenate([px[0].T, right.T, down.T]).reshape(3, -1).T.copy()
    # OpenCV's product, for numpy's would call its library's threads for it.
    places = np.asarray(cv2.gemm(ways, offsets.reshape(3, -1), 1.0, np.empty(0), 0.0), np.float32)
    # A row for each patch: of rows as short as a patch's own, `remap` takes twice as long.
    shape = (2, n, rows * columns) if rows * columns < SIDE_MAX else (2, n * rows, columns)
    to_x, to_y = places.reshape(shape)
    seen = cv2.remap(image, to_x, to_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(seen, np.uint8).reshape(n, rows, columns, -1)


SIDE_MAX = 32_767
"""cv2.remap makes pictures of fewer rows and columns."""


@dataclass(frozen=True)
class Bed:
    """What the bed looks like around the card.

    at_mm: (m, 2) places beside the card. colour: (m, channels) float32, the median of a few pixels there.
    """

    at_mm: Floats
    colour: Singles

    def beneath(self, points_mm: Floats, reach_mm: float = 35.0) -> Singles:
        """(n, channels): the bed under the card at these points, from the places beside it, near ones first."""
        # In units in which the weight is exp(−x² − y²).
        to, at = ((p.T / (np.sqrt(2) * reach_mm)).astype(np.float32) for p in (points_mm, self.at_mm))
        x, y = (to[k][:, None] - at[k] for k in (0, 1))
        weight = np.exp(-(x * x + y * y)) + np.float32(1e-3)
        mixed: Singles = (weight @ self.colour) / weight.sum(axis=1, keepdims=True)
        return mixed


@dataclass(frozen=True)
class View:
    """What a card is judged by. image: (h, w) or (h, w, 3) uint8. bed: as it looks in that image. around: (m, channels),
    the colours beside the card, whatever lies there."""

    image: NDArray[np.uint8]
    bed: Bed
    around: Singles


def view(image: NDArray[np.uint8], geometry: Geometry) -> View:
    """The image, and the bed in it around the card."""
    at, around = beside(image, geometry)
    return View(image, _bed_of(at, around), around)


def _bed_of(at: Floats, colour: Singles) -> Bed:
    """The bed from small blocks around the card; blocks unlike the rest (a pen, another card) are left out."""
    typical = middle(colour, axis=0)
    shade = colour @ typical / max(float(typical @ typical), 1.0)
    hue_off = np.linalg.norm(colour - shade[:, None] * typical, axis=1)
    same = (hue_off < 20 + 2 * middle_of(hue_off)) & (np.abs(colour - typical).max(axis=1) < 25 + 0.5 * typical.max())
    return Bed(at[same], colour[same].astype(np.float32))


def beside(image: NDArray[np.uint8], geometry: Geometry) -> tuple[Floats, Singles]:
    """(m, 2) mm, places around the card, and (m, channels), the median colour there, whatever lies there."""
    at = _around(geometry.width_mm, geometry.height_mm)
    step = 1 / max(geometry.px_per_mm, 1e-3)
    offsets: Floats = np.arange(-3.0, 4.0) * min(step * 1.5, 0.45)
    spots = _Spots(offsets, offsets)
    return at, middle(spots.sample(image, geometry, at), axis=1)


@lru_cache(maxsize=16)
def _around(w: float, h: float) -> Floats:
    """(64, 2) mm: places beside a card."""
    along_w, along_h = (np.arange(20) + 0.5) / 20 * w, (np.arange(12) + 0.5) / 12 * h
    gap = BED_GAP_MM
    sides = ((along_w, -gap), (along_w, h + gap), (-gap, along_h), (w + gap, along_h))
    at = np.concatenate([np.stack(np.broadcast_arrays(x, y), axis=1) for x, y in sides])
    at.setflags(write=False)
    return at


@dataclass(frozen=True)
class _Spots:
    dx_mm: Floats
    dy_mm: Floats

    def sample(self, image: NDArray[np.uint8], geometry: Geometry, at_mm: Floats) -> Singles:
        looks = Plan(0.0, self.dx_mm, self.dy_mm, np.zeros((1, 1)), np.zeros((1, 1), bool), 0.0)
        seen = sample(image, geometry, looks, at_mm)
        return seen.reshape(len(at_mm), -1, seen.shape[3])
