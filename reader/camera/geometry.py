"""How a card's millimetres become the picture's pixels: a pinhole camera before a card that may be bent.

Card frame: millimetres from the card's centre, x right, y down on the front, z away from the camera when the front is
seen. A back face is the same card turned round, so a mirror image needs no case of its own.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import cache, cached_property

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
        return self.sheet_px(Sheet.of(points_mm, self.width_mm, self.height_mm))

    def sheet_px(self, sheet: Sheet) -> Floats:
        """`to_px` of points on this card that were made ready before."""
        return project(self.parameters, sheet, self.centre_px, self._turn).px

    @cached_property
    def corners_px(self) -> Floats:
        """(4, 2): the uncut card's corners, from top-left clockwise on the front."""
        return self._marks_px[:4]

    @cached_property
    def px_per_mm(self) -> float:
        """Scale in the middle of the card: the square root of the area scale."""
        (x, y), (right_x, right_y), (down_x, down_y) = self._marks_px[4:].tolist()
        return math.sqrt(abs((right_x - x) * (down_y - y) - (right_y - y) * (down_x - x)))

    @cached_property
    def _marks_px(self) -> Floats:
        return project(self.parameters, _marks(self.width_mm, self.height_mm), self.centre_px, self._turn).px

    @cached_property
    def _turn(self) -> Floats:
        return as_matrix(self.parameters[:3])


@dataclass(frozen=True)
class Sheet:
    """Points on a card, made ready to be projected often.

    terms: (2 + BENDS, n), mm from the card's centre, then each term of the bend there.
    """

    terms: Floats

    @classmethod
    def of(cls, points_mm: Floats, width_mm: float, height_mm: float) -> Sheet:
        """From (n, 2) mm, counted from the front's top-left corner."""
        half = np.array([[width_mm / 2], [height_mm / 2]])
        terms = np.empty((2 + BENDS, len(points_mm)))
        np.subtract(points_mm.T, half, out=terms[:2])
        u, v = terms[:2] / half
        terms[2], terms[3], terms[4] = u * u, u * v, v * v
        np.multiply(terms[2:5], u, out=terms[5:])
        return cls(terms)


@cache
def _marks(w: float, h: float) -> Sheet:
    """The card's corners; its middle, a millimetre to the right of it and a millimetre below."""
    x, y = w / 2, h / 2
    return Sheet.of(np.array([[0, 0], [w, 0], [w, h], [0, h], [x, y], [x + 1, y], [x, y + 1]]), w, h)


@dataclass(frozen=True)
class Projection:
    """Where points are seen, and what their slopes are made of.

    px: (n, 2). turned: (3, n) mm, the points turned but not yet moved. depth_mm: (n,) before the camera. ray: (2, n),
    before the lens. square: (n,) of the ray's distance from the axis. focal_px, k1: the lens. scale: (n,) px, what the
    lens makes of the ray. turn: (3, 3), whose last column is the turned card's z.
    """

    px: Floats
    turned: Floats
    depth_mm: Floats
    ray: Floats
    square: Floats
    focal_px: float
    k1: float
    scale: Floats
    turn: Floats

    def first(self, n: int) -> Projection:
        """Of the first n points alone."""
        few = self.px[:n], self.turned[:, :n], self.depth_mm[:n], self.ray[:, :n], self.square[:n]
        return Projection(*few, self.focal_px, self.k1, self.scale[:n], self.turn)


def project(parameters: Floats, sheet: Sheet, centre_px: tuple[float, float], turn: Floats | None = None) -> Projection:
    """A bent card before a pinhole camera with Brown's radial term, first order.

    turn: (3, 3), in place of the parameters' rotation vector, where it is known.
    """
    if turn is None:
        turn = as_matrix(parameters[:3])
    place = np.empty((3, 2 + BENDS))
    place[:, :2] = turn[:, :2]
    np.multiply(turn[:, 2:], parameters[8:], out=place[:, 2:])
    turned = place @ sheet.terms
    seen = turned + parameters[3:6, None]
    depth_mm = np.maximum(seen[2], 1.0)
    ray = seen[:2] / depth_mm
    x, y = ray
    square = x * x + y * y
    focal, k1 = math.exp(parameters[6]), float(parameters[7])
    scale = focal * (1 + k1 * square)
    px = ray * scale
    px[0] += centre_px[0]
    px[1] += centre_px[1]
    return Projection(px.T, turned, depth_mm, ray, square, focal, k1, scale, turn)


def slopes(seen: Projection, sheet: Sheet, normal: Floats) -> Floats:
    """(PARAMETERS, n): how far each point moves along its `normal` (n, 2) per unit of each parameter.

    The first three are a further small turn about the camera's axes, applied after the one that is there.
    """
    outward = normal.T
    x, y = seen.ray
    along = outward[0] * x + outward[1] * y
    radial = (2 * seen.focal_px * seen.k1) * along
    found = np.empty((PARAMETERS, len(along)))
    # x, y, z, x, y: what a cross product takes from its two neighbours lies in one run.
    moved, turned = np.empty((5, len(along))), seen.turned[ROUND]
    np.divide(seen.scale * outward + radial * seen.ray, seen.depth_mm, out=moved[:2])
    np.negative(moved[0] * x + moved[1] * y, out=moved[2])
    moved[3:] = moved[:2]
    np.subtract(turned[1:4] * moved[2:], turned[2:] * moved[1:4], out=found[:3])
    found[3:6] = moved[:3]
    np.multiply(seen.scale, along, out=found[6])
    np.multiply(seen.focal_px * seen.square, along, out=found[7])
    np.multiply(seen.turn[:, 2] @ moved[:3], sheet.terms[2:], out=found[8:])
    return found


ROUND = np.array([0, 1, 2, 0, 1])


def as_matrix(turn: Floats) -> Floats:
    """Of a rotation vector (3,), the (3, 3) matrix."""
    return np.asarray(cv2.Rodrigues(turn)[0], np.float64)


def as_vector(turn: Floats) -> Floats:
    """Of a rotation's matrix (3, 3), the vector (3,)."""
    return np.asarray(cv2.Rodrigues(turn)[0], np.float64)[:, 0]


def across(vectors: Floats, normal: Floats) -> Floats:
    """(n,): each of (n, 2) vectors along its normal."""
    both = (vectors * normal).T
    return np.asarray(both[0] + both[1], np.float64)


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
        # Not IPPE, though made for planes: of a card exactly upside down before a square camera it makes no rotation.
        found, turn, shift = cv2.solvePnP(model, corners_px, camera, None, flags=cv2.SOLVEPNP_SQPNP)
    except cv2.error:
        return None
    if not found or not all(map(math.isfinite, shift[:, 0])) or shift[2, 0] <= 0:
        return None
    parameters = np.zeros(PARAMETERS)
    parameters[:3], parameters[3:6], parameters[6] = turn[:, 0], shift[:, 0], math.log(focal_px)
    return Geometry(parameters, width_mm, height_mm, centre_px)


def before_lens(
    corners_px: Floats, width_mm: float, height_mm: float, camera_matrix: Floats, distortion: Floats
) -> Geometry | None:
    """`first_guess` before a known lens: (3, 3) camera matrix, (5,) distortion, of which the first radial term is kept."""
    straight = cv2.undistortPoints(corners_px.reshape(-1, 1, 2), camera_matrix, distortion, P=camera_matrix)
    centre, focal_px = (float(camera_matrix[0, 2]), float(camera_matrix[1, 2])), float(camera_matrix[0, 0])
    guess = first_guess(np.asarray(straight, np.float64).reshape(-1, 2), width_mm, height_mm, centre, focal_px)
    if guess is None:
        return None
    parameters = guess.parameters.copy()
    parameters[7] = distortion[0]
    return replace(guess, parameters=parameters)


def homography(source: Floats, target: Floats) -> Floats:
    """The 3 × 3 perspective map that takes four points (4, 2) to four others."""
    return np.asarray(cv2.getPerspectiveTransform(source.astype(np.float32), target.astype(np.float32)), np.float64)


def apply(matrix: Floats, points: Floats) -> Floats:
    """A perspective map on (n, 2) points."""
    mapped = points @ matrix[:, :2].T + matrix[:, 2]
    return np.asarray(mapped[:, :2] / mapped[:, 2:], np.float64)
