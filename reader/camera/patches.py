"""What the picture shows at every position: small upright views of the card, with the paper beside them.

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
