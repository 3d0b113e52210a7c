"""Where a card lies on a known bed: three numbers and a scale, from a coarse look and one look across each side."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from calibration.lens import Lens
from calibration.models import SPREAD_STEPS, Bed, Levels, Plane
from calibration.outline import (
    SIDE_POINTS,
    Rectangle,
    Sides,
    rectangle,
    sample,
    side_along,
    side_normals,
    side_offsets,
    side_points,
)
from calibration.plane import CardMap, Floats, Pose, Singles, card_map, half_sides_mm, products, to_mm, to_px
from cards.layout import CornerCut

COARSE_MM = 1.5
"""Raster of the coarse look."""
CHANGED_MIN, CHANGED_SPREADS = 8.0, 4.0
"""Levels, and spreads of the bed, beyond which something lies there."""
SCALE_PRIOR = 0.004
"""A card 0.7 mm nearer than the plane, 180 mm from the camera, looks 0.4 % larger; more is not believed."""
AGREE_MM = 0.5
"""Looks within so far of the fitted side support it."""
LEAN_MM = 1.0
"""Looks farther off say nothing about a lean."""
CUT_CLEAR = 0.5
"""Beyond this share of a corner's triangle the bed shows: it is cut."""
BLUR_MAX_MM = 0.28
"""An edge's sigma from which on a narrow slit may look clear. In focus it is 0.11 to 0.19, noisy or moved up to 0.24."""
_CUT = np.array([(a, b) for a in (0.12, 0.25, 0.4, 0.6) for b in (0.12, 0.25, 0.4, 0.6) if a + b < 0.75])
"""Where a triangle is looked at, as shares of its two legs from the corner."""


@dataclass(frozen=True)
class Fit:
    """A card's pose as its sides show it.

    residual_mm: median distance of the sides' looks from the fit. support: share of looks within `AGREE_MM`.
    size_mm: how much longer and wider than expected it looks, after the scale. blur_mm: sigma of its edges' blur, at the second
    most blurred of its sides: a move blurs two, a shadow or a curl one. leans_mm: how far off its place the card's middle lies if
    its sides run apart because the camera leans otherwise than it did.
    """

    pose: Pose
    residual_mm: float
    support: float
    size_mm: tuple[float, float]
    blur_mm: float
    leans_mm: float


class Tray:
    """A known bed before a known camera, prepared for many looks. Holds no picture of any card."""

    def __init__(self, lens: Lens, plane: Plane, bed: Bed) -> None:
        self.lens, self.plane, self.bed = lens, plane, bed
        width, height = lens.size_px
        frame = np.array([[0, 0], [width - 1, 0], [width - 1, height - 1], [0, height - 1]], np.float64)
        mm = to_mm(lens, plane, frame)
        first = np.floor(mm.min(axis=0))
        self.origin_mm = float(first[0]), float(first[1])
        columns, rows = np.ceil((mm.max(axis=0) - first) / COARSE_MM).astype(int) + 1
        x, y = np.meshgrid(np.arange(columns) * COARSE_MM, np.arange(rows) * COARSE_MM)
        px = to_px(lens, plane, np.stack([x.ravel(), y.ravel()], axis=1) + first)
        near = np.rint(px).astype(np.intp).reshape(rows, columns, 2)
        outside = (near < 0).any(axis=2) | (near >= [width, height]).any(axis=2)
        # A list of indices: cv2.remap takes four times as long over points that lie so far apart.
        self._coarse_at = np.where(outside, 0, near[..., 1] * width + near[..., 0])
        self.coarse_bed = self.coarse(bed.mean)
        limit = np.maximum(CHANGED_MIN, CHANGED_SPREADS / SPREAD_STEPS * self.coarse(bed.spread).astype(np.float32))
        limit[outside] = 255
        self.limit = np.minimum(limit, 255).astype(np.uint8)

    def coarse(self, image: Levels) -> Levels:
        """The picture at `COARSE_MM` a pixel on the plane: (rows, columns) uint8, lens and tilt taken out. Where the
        picture does not reach, anything: there `limit` is 255."""
        # No index lies beyond the picture: not asking about each, the processor fetches more of them at a time.
        return image.ravel().take(self._coarse_at, mode="wrap")

    def changed(self, coarse: Levels, gain: float = 1.0) -> Levels:
        """255 where a coarse picture differs from the empty bed, 0 elsewhere. gain: how bright the bed is now."""
        bed = self.coarse_bed if gain == 1.0 else cv2.convertScaleAbs(self.coarse_bed, alpha=gain)
        mask = cv2.compare(cv2.absdiff(coarse, bed), self.limit, cv2.CMP_GT)
        return np.asarray(cv2.medianBlur(np.asarray(mask, np.uint8), 3), np.uint8)

    def rectangle(self, mask: Levels) -> Rectangle | None:
        """The largest patch's rectangle, in mm on the plane."""
        return rectangle(mask, COARSE_MM, self.origin_mm)

    def map(self, pose: Pose, width_mm: float, height_mm: float) -> CardMap:
        """Card millimetres → px for this pose."""
        return card_map(self.lens, self.plane, pose, width_mm, height_mm)

    def refine(self, image: Levels, pose: Pose, width_mm: float, height_mm: float, gain: float = 1.0) -> Fit | None:
        """The pose that the four sides show, from one that is less than 2 mm off. `None` when sides cannot be seen.

        gain: how bright the bed is now, against its picture.
        """
        px = self.map(pose, width_mm, height_mm).singles.reshape(2, -1) @ _side_products(width_mm, height_mm)
        shape = (-1, 4, SIDE_POINTS)
        sides = side_offsets(sample(image, px, shape), np.float32(gain) * sample(self.bed.mean, px, shape))
        edge, good = sides.offset_mm, sides.good
        if min(good.sum(axis=1).tolist()) < SIDE_POINTS // 4:
            return None
        (dx, dy, turn, scale), off = _solve(edge, good, width_mm, height_mm)
        c, s = math.cos(pose.turn), math.sin(pose.turn)
        u = -dx if pose.mirrored else dx
        moved = Pose(
            pose.x_mm + pose.scale * (c * u - s * dy),
            pose.y_mm + pose.scale * (s * u + c * dy),
            pose.turn + (-turn if pose.mirrored else turn),
            pose.mirrored,
            pose.scale * (1 + scale),
        )
        far = np.abs(off)
        near = (far < AGREE_MM) & good
        count = near.sum(axis=1)
        top, right, bottom, left = ((off * near).sum(axis=1) / np.maximum(count, 1)).tolist()
        leans_mm = _leans_mm(off, good & (far < LEAN_MM), width_mm, height_mm)
        far = np.sort(far[good])
        size_mm, support = (right + left, top + bottom), int(count.sum()) / near.size
        return Fit(moved, float(far[len(far) // 2]), support, size_mm, _blur_mm(sides), leans_mm)

    def cuts(
        self, image: Levels, mapped: CardMap, size_mm: tuple[float, float], cut: CornerCut, gain: float = 1.0
    ) -> Floats:
        """(4,) share of the would-be cut triangle that shows the bed, at the card's top-left, top-right, bottom-right
        and bottom-left."""
        px = mapped.singles.reshape(2, -1) @ _cut_products(*size_mm, cut.dx_mm, cut.dy_mm)
        seen, bed, spread = (sample(levels, px, (4, -1)) for levels in (image, self.bed.mean, self.bed.spread))
        limit = np.maximum(CHANGED_MIN, CHANGED_SPREADS / SPREAD_STEPS * spread)
        shows = np.abs(seen - np.float32(gain) * bed) < limit
        return np.asarray(shows.sum(axis=1) / shows.shape[1], np.float64)


def _leans_mm(off: Floats, good: NDArray[np.bool_], width_mm: float, height_mm: float) -> float:
    """How far the middle lies off, where the plane's scale grows along the card: then opposite sides run apart, and what is
    halfway between two sides is not seen halfway.

    off, good: (4, SIDE_POINTS) mm outwards of each look, after the fit, and which to believe.
    """
    there = _lengthways(width_mm, height_mm)
    seen = there * good
    top, right, bottom, left = (seen * off).sum(axis=1).tolist()
    all_top, all_right, all_bottom, all_left = np.maximum((seen * there).sum(axis=1), 1.0).tolist()
    x = (top + bottom) / (all_top + all_bottom) * width_mm**2 / (2 * height_mm)
    y = (right + left) / (all_right + all_left) * height_mm**2 / (2 * width_mm)
    return math.hypot(x, y)


@lru_cache(maxsize=16)
def _lengthways(width_mm: float, height_mm: float) -> Floats:
    """(4, SIDE_POINTS) mm from its side's middle at which each look lies, to the right or down."""
    return np.asarray(side_along(width_mm, height_mm).sum(axis=2), np.float64)


def _blur_mm(sides: Sides) -> float:
    """The second largest of the four sides' median blur."""
    ranked = np.sort(np.where(sides.good, sides.blur_mm, np.inf), axis=1)
    middles = ranked[np.arange(4), (sides.good.sum(axis=1) - 1) // 2]
    return float(np.sort(middles)[-2])


@lru_cache(maxsize=16)
def _side_products(width_mm: float, height_mm: float) -> Singles:
    """`products` of all looks across the sides as columns, in the order of `side_points`."""
    points = side_points(width_mm, height_mm).reshape(-1, 2)
    return products(points, half_sides_mm(width_mm, height_mm)).T.astype(np.float32, order="C")


@lru_cache(maxsize=16)
def _cut_products(width_mm: float, height_mm: float, dx_mm: float, dy_mm: float) -> Singles:
    """`products` of all looks into the four corners' triangles, as columns."""
    signs = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]], np.float64)
    corner = signs * [width_mm / 2, height_mm / 2]
    points = corner[:, None] - signs[:, None] * (_CUT * [dx_mm, dy_mm])
    return products(points.reshape(-1, 2), half_sides_mm(width_mm, height_mm)).T.astype(np.float32, order="C")


@lru_cache(maxsize=16)
def _side_moves(width_mm: float, height_mm: float) -> Floats:
    """(4, 4 · SIDE_POINTS): how far outwards each look at a side moves with the card's shift, turn and scale."""
    normals, along = side_normals(), side_along(width_mm, height_mm)
    half = np.array([height_mm, width_mm, height_mm, width_mm]) / 2
    n = np.repeat(normals[:, None], SIDE_POINTS, axis=1)
    # A turn by t moves the point p by t · (−y, x): its part along the normal.
    lever = n[..., 1] * along[..., 0] - n[..., 0] * along[..., 1]
    moves = np.stack([n[..., 0], n[..., 1], lever, np.repeat(half[:, None], SIDE_POINTS, axis=1)])
    return np.asarray(moves.reshape(4, -1), np.float64)


_PRIOR = np.diag([0, 0, 0, (0.1 / SCALE_PRIOR) ** 2])


def _solve(edge: Singles, good: NDArray[np.bool_], width_mm: float, height_mm: float) -> tuple[list[float], Floats]:
    """Shift, turn and scale that explain the looks, and how far off it each lies, (4, SIDE_POINTS) mm; looks that
    disagree are dropped after the first try."""
    moves = _side_moves(width_mm, height_mm)
    seen = edge.ravel().astype(np.float64)
    use: Floats = good.ravel().astype(np.float64)
    weight, off = use, seen
    solved: Floats = np.zeros(4)
    for again in range(3):
        if again:
            weight = use / (1.0 + (off / 0.15) ** 2)
        weighted = moves * weight
        # Of so few unknowns numpy's solver, and its operator of products, spend most of their time on asking what they got.
        solved = cv2.solve(weighted.dot(moves.T) + _PRIOR, weighted.dot(seen)[:, None])[1].ravel()
        off = seen - solved.dot(moves)
    return solved.tolist(), off.reshape(edge.shape)


CORNERS = ("top-left", "top-right", "bottom-right", "bottom-left")
"""In the order of `Tray.cuts`."""


def turns(found: Rectangle, size_mm: tuple[float, float], tolerance_mm: float) -> tuple[float, ...]:
    """Directions of a card's top edge (rad) under which a card of this size fits the rectangle: none, two or four."""
    fits = []
    for quarter, (a, b) in enumerate(((found.long_mm, found.short_mm), (found.short_mm, found.long_mm))):
        if abs(a - size_mm[0]) < tolerance_mm and abs(b - size_mm[1]) < tolerance_mm:
            fits += [found.turn + quarter * np.pi / 2, found.turn + quarter * np.pi / 2 + np.pi]
    return tuple(fits)
