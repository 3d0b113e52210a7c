"""How a card's millimetres become the picture's pixels: a pinhole camera before a card that may be bent.

Card frame: millimetres from the card's centre, x right, y down on the front, z away from the camera when the front is
seen. A back face is the same card turned round, so a mirror image needs no case of its own.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

BENDS = 6
"""Terms of the bend: u², uv, v², u³, u²v, uv² with u, v = ±1 at the edges, in mm off the flat card."""

PARAMETERS = 3 + 3 + 1 + 1 + BENDS
"""Rotation vector, translation (mm), log of the focal length (px), radial distortion k1, bends (mm)."""


@dataclass(frozen=True)
class Geometry:
    """One card before one camera.

    parameters: (PARAMETERS,) float64, see `PARAMETERS`.
    width_mm, height_mm: the card. centre_px: the principal point (x, y).
    """

    parameters: Floats
    width_mm: float
    height_mm: float
    centre_px: tuple[float, float]

    def to_px(self, points_mm: Floats) -> Floats:
        """(n, 2) mm from the front's top-left corner → (n, 2) px; pixel centres are integers."""
        return np.asarray(project(self.parameters[None], points_mm, self)[0])

    def px_per_mm(self) -> float:
        """Scale in the middle of the card: the square root of the area scale."""
        x, y = self.width_mm / 2, self.height_mm / 2
        centre, right, down = self.to_px(np.array([[x, y], [x + 1, y], [x, y + 1]]))
        a, b = right - centre, down - centre
        return float(np.sqrt(abs(a[0] * b[1] - a[1] * b[0])))


def project(parameters: Floats, points_mm: Floats, card: Geometry) -> Floats:
    """Many poses at once: (m, PARAMETERS) and (n, 2) mm → (m, n, 2) px. Brown's radial term, first order."""
    half_w, half_h = card.width_mm / 2, card.height_mm / 2
    x, y = points_mm[:, 0] - half_w, points_mm[:, 1] - half_h
    u, v = x / half_w, y / half_h
    bends = np.stack([u * u, u * v, v * v, u**3, u * u * v, u * v * v])
    flat = np.empty((len(parameters), 3, len(x)))
    flat[:, 0], flat[:, 1] = x, y
    flat[:, 2] = parameters[:, 8:] @ bends
    seen = rotations(parameters[:, :3]) @ flat + parameters[:, 3:6, None]
    depth = np.maximum(seen[:, 2], 1.0)
    xn, yn = seen[:, 0] / depth, seen[:, 1] / depth
    scale = np.exp(parameters[:, 6:7]) * (1 + parameters[:, 7:8] * (xn * xn + yn * yn))
    return np.stack([xn * scale + card.centre_px[0], yn * scale + card.centre_px[1]], axis=2)


def rotations(vectors: Floats) -> Floats:
    """(m, 3) rotation vectors → (m, 3, 3) matrices (Rodrigues)."""
    angle = np.sqrt((vectors * vectors).sum(axis=1))[:, None, None]
    axis = vectors / np.maximum(angle[:, 0], 1e-12)
    cross = np.zeros((len(vectors), 3, 3))
    cross[:, 0, 1], cross[:, 0, 2], cross[:, 1, 2] = -axis[:, 2], axis[:, 1], -axis[:, 0]
    cross -= cross.transpose(0, 2, 1)
    turn: Floats = np.eye(3) + np.sin(angle) * cross + (1 - np.cos(angle)) * (cross @ cross)
    return turn


def first_guess(
    corners_px: Floats, width_mm: float, height_mm: float, centre_px: tuple[float, float], focal_px: float
) -> Geometry | None:
    """A flat card's pose from its four corners (4, 2), named as on the front from top-left clockwise on the front.

    `None` when no pose in front of the camera explains them.
    """
    w, h = width_mm / 2, height_mm / 2
    model = np.array([[-w, -h, 0], [w, -h, 0], [w, h, 0], [-w, h, 0]])
    camera = np.array([[focal_px, 0, centre_px[0]], [0, focal_px, centre_px[1]], [0, 0, 1.0]])
    try:
        found, turn, shift = cv2.solvePnP(model, corners_px, camera, None, flags=cv2.SOLVEPNP_IPPE)
    except cv2.error:
        return None
    if not found or not np.isfinite(shift).all() or shift[2, 0] <= 0:
        return None
    parameters = np.concatenate([turn.ravel(), shift.ravel(), [np.log(focal_px), 0.0], np.zeros(BENDS)])
    return Geometry(parameters, width_mm, height_mm, centre_px)


def homography(source: Floats, target: Floats) -> Floats:
    """The 3 × 3 perspective map that takes four points (4, 2) to four others."""
    return np.asarray(cv2.getPerspectiveTransform(source.astype(np.float32), target.astype(np.float32)), np.float64)


def apply(matrix: Floats, points: Floats) -> Floats:
    """A perspective map on (n, 2) points."""
    mapped = points @ matrix[:, :2].T + matrix[:, 2]
    return np.asarray(mapped[:, :2] / mapped[:, 2:], np.float64)
