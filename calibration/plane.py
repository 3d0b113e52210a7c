"""From millimetres on the plane that cards lie in to pixels, and back; and learning that plane from cards' corners.

The plane's origin lies on the camera's axis, so that three numbers tell it: two tilts and the distance.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import cv2
import numpy as np
from numpy.typing import NDArray

from calibration.errors import CalibrationError
from calibration.lens import Lens
from calibration.models import Plane

Floats = NDArray[np.float64]
Singles = NDArray[np.float32]

NODES = 6
"""A card's map is fitted through so many nodes each way."""
DEGREE = 3
"""Bicubic: a camera's distortion over one card leaves less than 0.02 px."""
MARGIN = 1.06
"""The map reaches so far beyond the card, as a factor of its half sides."""
PLANE_RESIDUAL_MAX_MM = 0.6
"""Corners that lie worse than this on one plane are no cards of the stated size lying flat."""


@dataclass(frozen=True)
class Pose:
    """How a card lies on the plane: its centre, how far its top edge is turned (rad, clockwise in the picture), its
    face, and its scale (a curled or thick card is nearer to the camera)."""

    x_mm: float
    y_mm: float
    turn: float
    mirrored: bool = False
    scale: float = 1.0

    def to_plane(self, points_mm: Floats) -> Floats:
        """(n, 2) mm from the card's centre, as named on the front → (n, 2) mm on the plane."""
        c, s = np.cos(self.turn) * self.scale, np.sin(self.turn) * self.scale
        u = -points_mm[:, 0] if self.mirrored else points_mm[:, 0]
        v = points_mm[:, 1]
        return np.stack([c * u - s * v + self.x_mm, s * u + c * v + self.y_mm], axis=1)


def to_px(lens: Lens, plane: Plane, points_mm: Floats) -> Floats:
    """(n, 2) mm on the plane → (n, 2) px."""
    return _through(lens, points_mm @ plane.flat[:, :2].T + plane.translation_mm)


def _through(lens: Lens, seen_mm: Floats) -> Floats:
    """(n, 3) mm before the camera → (n, 2) px."""
    px = cv2.projectPoints(seen_mm, _NOWHERE, _NOWHERE, lens.camera_matrix, lens.distortion)[0]
    return np.asarray(px, np.float64).reshape(-1, 2)


_NOWHERE = np.zeros(3)
"""No turn and no shift: what is seen is before the camera already."""


def to_mm(lens: Lens, plane: Plane, points_px: Floats) -> Floats:
    """(n, 2) px → (n, 2) mm on the plane."""
    rays = undistorted(lens, points_px)
    mm = np.column_stack([rays, np.ones(len(rays))]) @ np.linalg.inv(plane.flat).T
    return np.asarray(mm[:, :2] / mm[:, 2:], np.float64)


def undistorted(lens: Lens, points_px: Floats) -> Floats:
    """(n, 2) px → (n, 2) ray directions (x/z, y/z)."""
    rays = cv2.undistortPoints(points_px.reshape(-1, 1, 2), lens.camera_matrix, lens.distortion)
    return np.asarray(rays, np.float64).reshape(-1, 2)


def powers(u: Floats) -> Floats:
    """(n,) → (n, DEGREE + 1): 1, u, u², u³."""
    found = np.empty((*u.shape, DEGREE + 1))
    found[..., 0], found[..., 1] = 1, u
    found[..., 2] = u * u
    found[..., 3] = found[..., 2] * u
    return found


def products(points_mm: Floats, half_mm: tuple[float, float]) -> Floats:
    """(n, 2) mm from a card's centre → (n, (DEGREE + 1)²): all that a `CardMap`'s coefficients are multiplied by."""
    there = powers(points_mm / half_mm)
    return np.asarray((there[:, 1, :, None] * there[:, 0, None]).reshape(len(there), (DEGREE + 1) ** 2), np.float64)


def _expanded(by: float) -> Floats:
    """(DEGREE + 1, DEGREE + 1): powers of u → powers of u + by."""
    return np.array([[1, 0, 0, 0], [by, 1, 0, 0], [by**2, 2 * by, 1, 0], [by**3, 3 * by**2, 3 * by, 1]])


_NODES = np.cos(np.pi * (np.arange(NODES) + 0.5) / NODES)
_FIT = np.linalg.pinv(powers(_NODES))
_GRID = np.stack([np.tile(_NODES, NODES), np.repeat(_NODES, NODES), np.ones(NODES * NODES)], axis=1)
_FIT_GRID = np.kron(_FIT, _FIT).T
"""What is seen at the nodes of `_GRID` → a map's coefficients."""


@dataclass(frozen=True)
class CardMap:
    """Card millimetres → px for one pose, as a polynomial: fast for a whole raster.

    coefficients: (2, DEGREE + 1, DEGREE + 1), for x and y px, by powers of v then of u; u, v = ±1 at `MARGIN` times
    the half sides.
    """

    coefficients: Floats
    half_mm: tuple[float, float]

    def at(self, points_mm: Floats) -> Floats:
        """(n, 2) mm from the card's centre → (n, 2) px."""
        return products(points_mm, self.half_mm) @ self.coefficients.reshape(2, -1).T

    @cached_property
    def singles(self) -> Singles:
        """The coefficients as float32: px to 1e-4."""
        return self.coefficients.astype(np.float32)

    def moved(self, x_mm: float, y_mm: float) -> CardMap:
        """The map of what lies so far to the right and down on the card."""
        right, down = _expanded(x_mm / self.half_mm[0]), _expanded(y_mm / self.half_mm[1])
        return CardMap(down.T @ self.coefficients @ right, self.half_mm)

    def turned(self, half_turn: bool, mirrored: bool) -> CardMap:
        """The same card's map when it lies the other way round, or on its other face."""
        return CardMap(self.coefficients * _TURNED[half_turn, mirrored], self.half_mm)


CORNER_PRODUCTS = products(np.array([[-1.0, -1], [1, -1], [1, 1], [-1, 1]]), (MARGIN, MARGIN)).T
"""`products` of a card's corners, whatever its size, as columns: top-left, top-right, bottom-right, bottom-left."""


_ODD = np.array([1.0, -1, 1, -1])
_TURNED = {
    (half_turn, mirrored): np.outer(_ODD**half_turn, _ODD ** (half_turn != mirrored))
    for half_turn in (False, True)
    for mirrored in (False, True)
}
"""What a map's coefficients change by when u, v or both run the other way."""


def half_sides_mm(width_mm: float, height_mm: float) -> tuple[float, float]:
    """Where u and v are 1 in the map of a card of this size."""
    return MARGIN * width_mm / 2, MARGIN * height_mm / 2


def card_map(lens: Lens, plane: Plane, pose: Pose, width_mm: float, height_mm: float) -> CardMap:
    """The map of a card of this size lying so."""
    half = half_sides_mm(width_mm, height_mm)
    c, s = math.cos(pose.turn) * pose.scale, math.sin(pose.turn) * pose.scale
    u, v = -half[0] if pose.mirrored else half[0], half[1]
    to_plane = np.array([[c * u, -s * v, pose.x_mm], [s * u, c * v, pose.y_mm], [0.0, 0.0, 1.0]])
    px = _through(lens, _GRID.dot(plane.flat.dot(to_plane).T))
    return CardMap(px.T.dot(_FIT_GRID).reshape(2, DEGREE + 1, DEGREE + 1), half)


def learn_plane(lens: Lens, corners_px: Sequence[Floats], sizes_mm: Sequence[tuple[float, float]]) -> Plane:
    """The plane from flat cards of known size.

    corners_px: per card (4, 2), the uncut rectangle's corners in order around it, so that the first side has the first
    of `sizes_mm`. Raises `CalibrationError` when no plane explains them.
    """
    rays = [undistorted(lens, c) for c in corners_px]
    tilts, starts = [], []
    for ray, (w, h) in zip(rays, sizes_mm, strict=True):
        model = np.array([[0, 0, 0], [w, 0, 0], [w, h, 0], [0, h, 0]], np.float64)
        found, turn, shift = cv2.solvePnP(model, ray, np.eye(3), np.zeros(5), flags=cv2.SOLVEPNP_ITERATIVE)
        if not found or not np.isfinite(shift).all() or shift[2, 0] <= 0:
            raise CalibrationError("plane: no pose explains a blank card; is the layout's size the card's?")
        normal = np.asarray(cv2.Rodrigues(turn)[0])[:, 2]
        normal *= np.sign(normal[2])
        tilts.append((-normal[1], normal[0], float(normal @ shift.ravel()) / normal[2]))
    first = np.median(np.array(tilts), axis=0)
    for ray in rays:
        mm = _on_plane(first, ray)
        side = mm[1] - mm[0]
        starts.append([*mm.mean(axis=0), np.arctan2(side[1], side[0])])
    x = np.concatenate([first, np.ravel(starts)])
    x = _least_squares(x, rays, sizes_mm)
    off = _misses(x, rays, sizes_mm).reshape(-1, 2)
    residual = float(np.median(np.hypot(off[:, 0], off[:, 1])))
    if residual > PLANE_RESIDUAL_MAX_MM:
        raise CalibrationError(
            f"plane: the blank cards' corners lie {residual:.1f} mm off one plane (at most {PLANE_RESIDUAL_MAX_MM}); "
            "lay them flat on the bed, and give each the layout it was printed from"
        )
    return Plane(np.array([x[0], x[1], 0.0]), np.array([0.0, 0.0, x[2]]), round(residual, 3))


def _on_plane(tilt: Floats, rays: Floats) -> Floats:
    turn = np.asarray(cv2.Rodrigues(np.array([tilt[0], tilt[1], 0.0]))[0])
    flat = np.column_stack([turn[:, 0], turn[:, 1], [0, 0, tilt[2]]])
    mm = np.column_stack([rays, np.ones(len(rays))]) @ np.linalg.inv(flat).T
    return np.asarray(mm[:, :2] / mm[:, 2:], np.float64)


def _misses(x: Floats, rays: Sequence[Floats], sizes_mm: Sequence[tuple[float, float]]) -> Floats:
    found = []
    for k, (ray, (w, h)) in enumerate(zip(rays, sizes_mm, strict=True)):
        cx, cy, turn = x[3 + 3 * k : 6 + 3 * k]
        model = np.array([[-w, -h], [w, -h], [w, h], [-w, h]]) / 2
        found.append((_on_plane(x[:3], ray) - Pose(cx, cy, turn).to_plane(model)).ravel())
    return np.concatenate(found)


def _least_squares(x: Floats, rays: Sequence[Floats], sizes_mm: Sequence[tuple[float, float]]) -> Floats:
    for _ in range(8):
        now = _misses(x, rays, sizes_mm)
        steps = np.where(np.arange(len(x)) == 2, 1e-3, 1e-5)
        slope = np.stack([(_misses(x + d, rays, sizes_mm) - now) / d.sum() for d in np.diag(steps)], axis=1)
        x = x - np.linalg.lstsq(slope, now, rcond=None)[0]
    return x
