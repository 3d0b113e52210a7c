"""Where a card lies on a known bed: three numbers and a scale, from a coarse look and one look across each side."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from calibration.lens import Lens
from calibration.models import SPREAD_STEPS, Bed, Levels, Plane
from calibration.outline import (
    SIDE_POINTS,
    Rectangle,
    rectangle,
    sample,
    side_along,
    side_normals,
    side_offsets,
    side_points,
)
from calibration.plane import CardMap, Floats, Pose, card_map, half_sides_mm, products, to_mm, to_px
from cards.layout import CornerCut

COARSE_MM = 1.0
"""Raster of the coarse look."""
CHANGED_MIN, CHANGED_SPREADS = 8.0, 4.0
"""Levels, and spreads of the bed, beyond which something lies there."""
SCALE_PRIOR = 0.004
"""A card 0.7 mm nearer than the plane, 180 mm from the camera, looks 0.4 % larger; more is not believed."""
AGREE_MM = 0.5
"""Looks within so far of the fitted side support it."""
CUT_CLEAR = 0.5
"""Beyond this share of a corner's triangle the bed shows: it is cut."""
_CUT = np.array([(a, b) for a in (0.12, 0.25, 0.4, 0.6) for b in (0.12, 0.25, 0.4, 0.6) if a + b < 0.75])
"""Where a triangle is looked at, as shares of its two legs from the corner."""


@dataclass(frozen=True)
class Fit:
    """A card's pose as its sides show it.

    residual_mm: median distance of the sides' looks from the fit. support: share of looks within `AGREE_MM`.
    size_mm: how much longer and wider than expected it looks, after the scale.
    """

    pose: Pose
    residual_mm: float
    support: float
    size_mm: tuple[float, float]


class Tray:
    """A known bed before a known camera, prepared for many looks. Holds no picture of any card."""

    def __init__(self, lens: Lens, plane: Plane, bed: Bed) -> None:
        self.lens, self.plane, self.bed = lens, plane, bed
        width, height = lens.size_px
        frame = np.array([[0, 0], [width - 1, 0], [width - 1, height - 1], [0, height - 1]], np.float64)
        mm = to_mm(lens, plane, frame)
        self.origin_mm = np.floor(mm.min(axis=0))
        columns, rows = np.ceil((mm.max(axis=0) - self.origin_mm) / COARSE_MM).astype(int) + 1
        x, y = np.meshgrid(np.arange(columns) * COARSE_MM, np.arange(rows) * COARSE_MM)
        px = to_px(lens, plane, np.stack([x.ravel(), y.ravel()], axis=1) + self.origin_mm)
        near = np.rint(px).astype(np.int16).reshape(rows, columns, 2)
        self._coarse_map = near
        self.coarse_bed = self.coarse(bed.mean)
        limit = np.maximum(CHANGED_MIN, CHANGED_SPREADS / SPREAD_STEPS * self.coarse(bed.spread).astype(np.float32))
        limit[(near < 0).any(axis=2) | (near >= [width, height]).any(axis=2)] = 255
        self.limit = np.minimum(limit, 255).astype(np.uint8)

    def coarse(self, image: Levels) -> Levels:
        """The picture at `COARSE_MM` a pixel on the plane: (rows, columns) uint8, lens and tilt taken out."""
        seen = cv2.remap(image, self._coarse_map, None, cv2.INTER_NEAREST)  # type: ignore[call-overload]
        return np.asarray(seen, np.uint8)

    def changed(self, coarse: Levels, gain: float = 1.0) -> Levels:
        """255 where a coarse picture differs from the empty bed, 0 elsewhere. gain: how bright the bed is now."""
        bed = self.coarse_bed if gain == 1.0 else cv2.convertScaleAbs(self.coarse_bed, alpha=gain)
        mask = cv2.compare(cv2.absdiff(coarse, bed), self.limit, cv2.CMP_GT)
        return np.asarray(cv2.medianBlur(np.asarray(mask, np.uint8), 3), np.uint8)

    def rectangle(self, mask: Levels) -> Rectangle | None:
        """The largest patch's rectangle, in mm on the plane."""
        found = rectangle(mask, COARSE_MM)
        if found is None:
            return None
        return replace(found, x_mm=found.x_mm + self.origin_mm[0], y_mm=found.y_mm + self.origin_mm[1])

    def map(self, pose: Pose, width_mm: float, height_mm: float) -> CardMap:
        """Card millimetres → px for this pose."""
        return card_map(self.lens, self.plane, pose, width_mm, height_mm)

    def refine(self, image: Levels, pose: Pose, width_mm: float, height_mm: float, gain: float = 1.0) -> Fit | None:
        """The pose that the four sides show, from one that is less than 2 mm off. `None` when sides cannot be seen.

        gain: how bright the bed is now, against its picture.
        """
        mapped = self.map(pose, width_mm, height_mm)
        px = (_side_products(width_mm, height_mm) @ mapped.coefficients.reshape(2, -1).T).astype(np.float32)
        edge, good = side_offsets(
            sample(image, px).reshape(4, SIDE_POINTS, -1), gain * sample(self.bed.mean, px).reshape(4, SIDE_POINTS, -1)
        )
        if (good.sum(axis=1) < SIDE_POINTS // 4).any():
            return None
        rows, off, solved = _solve(edge, good, width_mm, height_mm)
        dx, dy, turn, scale = solved
        along = rows.reshape(4, SIDE_POINTS, 4)
        miss = off.reshape(4, SIDE_POINTS) - along @ solved
        c, s = np.cos(pose.turn), np.sin(pose.turn)
        u = -dx if pose.mirrored else dx
        moved = replace(
            pose,
            x_mm=pose.x_mm + pose.scale * (c * u - s * dy),
            y_mm=pose.y_mm + pose.scale * (s * u + c * dy),
            turn=pose.turn + (-turn if pose.mirrored else turn),
            scale=pose.scale * (1 + scale),
        )
        near = (np.abs(miss) < AGREE_MM) & good
        middle = (miss * near).sum(axis=1) / np.maximum(near.sum(axis=1), 1)
        return Fit(
            moved,
            float(np.sort(np.abs(miss[good]))[good.sum() // 2]),
            float(near.mean()),
            (float(middle[1] + middle[3]), float(middle[0] + middle[2])),
        )

    def cuts(
        self, image: Levels, mapped: CardMap, size_mm: tuple[float, float], cut: CornerCut, gain: float = 1.0
    ) -> Floats:
        """(4,) share of the would-be cut triangle that shows the bed, at the card's top-left, top-right, bottom-right
        and bottom-left."""
        px = (_cut_products(*size_mm, cut.dx_mm, cut.dy_mm) @ mapped.coefficients.reshape(2, -1).T).astype(np.float32)
        off = np.abs(sample(image, px) - gain * sample(self.bed.mean, px))
        limit = np.maximum(CHANGED_MIN, CHANGED_SPREADS / SPREAD_STEPS * sample(self.bed.spread, px))
        return np.asarray((off < limit).reshape(4, -1).mean(axis=1), np.float64)


@lru_cache(maxsize=16)
def _side_products(width_mm: float, height_mm: float) -> Floats:
    """`products` of all looks across the sides, in the order of `side_points`."""
    return products(side_points(width_mm, height_mm).reshape(-1, 2), half_sides_mm(width_mm, height_mm))


@lru_cache(maxsize=16)
def _cut_products(width_mm: float, height_mm: float, dx_mm: float, dy_mm: float) -> Floats:
    """`products` of all looks into the four corners' triangles."""
    signs = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]], np.float64)
    corner = signs * [width_mm / 2, height_mm / 2]
    points = corner[:, None] - signs[:, None] * (_CUT * [dx_mm, dy_mm])
    return products(points.reshape(-1, 2), half_sides_mm(width_mm, height_mm))


@lru_cache(maxsize=16)
def _side_rows(width_mm: float, height_mm: float) -> Floats:
    """(4 · SIDE_POINTS, 4): how far outwards each look at a side moves with the card's shift, turn and scale."""
    normals, along = side_normals(), side_along(width_mm, height_mm)
    half = np.array([height_mm, width_mm, height_mm, width_mm]) / 2
    n = np.repeat(normals[:, None], SIDE_POINTS, axis=1)
    # A turn by t moves the point p by t · (−y, x): its part along the normal.
    lever = n[..., 1] * along[..., 0] - n[..., 0] * along[..., 1]
    rows = np.stack([n[..., 0], n[..., 1], lever, np.repeat(half[:, None], SIDE_POINTS, axis=1)], axis=2).reshape(-1, 4)
    return np.asarray(rows, np.float64)


_PRIOR = np.diag([0, 0, 0, (0.1 / SCALE_PRIOR) ** 2])


def _solve(edge: Floats, good: NDArray[np.bool_], width_mm: float, height_mm: float) -> tuple[Floats, Floats, Floats]:
    """Shift, turn and scale that explain the looks; those that disagree are dropped after the first try."""
    rows = _side_rows(width_mm, height_mm)
    off = edge.ravel()
    weight: Floats = good.ravel().astype(np.float64)
    solved: Floats = np.zeros(4)
    for _ in range(3):
        weighted = (rows * weight[:, None]).T
        # Of so few unknowns numpy's solver spends most of its time on asking what it was given.
        solved = np.asarray(cv2.solve(weighted @ rows + _PRIOR, (weighted @ off)[:, None])[1], np.float64).ravel()
        weight = good.ravel() / (1.0 + ((off - rows @ solved) / 0.15) ** 2)
    return rows, off, solved


CORNERS = ("top-left", "top-right", "bottom-right", "bottom-left")
"""In the order of `Tray.cuts`."""


def turns(found: Rectangle, size_mm: tuple[float, float], tolerance_mm: float) -> tuple[float, ...]:
    """Directions of a card's top edge (rad) under which a card of this size fits the rectangle: none, two or four."""
    fits = []
    for quarter, (a, b) in enumerate(((found.long_mm, found.short_mm), (found.short_mm, found.long_mm))):
        if abs(a - size_mm[0]) < tolerance_mm and abs(b - size_mm[1]) < tolerance_mm:
            fits += [found.turn + quarter * np.pi / 2, found.turn + quarter * np.pi / 2 + np.pi]
    return tuple(fits)
