"""Where a card may lie: four-sided shapes in a small copy of the picture, best first. Nothing is believed yet.

A card is looked for as a region that a threshold separates from the bed. Which threshold is not known beforehand;
`reader.camera.find` tries several, and proves or refuses each proposal on the full picture.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations

import cv2
import numpy as np
from numpy.typing import NDArray

SMALL_PX = 410
"""Longer side of the small copy: a card's side stays longer than 100 px, a cut corner longer than 5."""

NEXT = [1, 2, 3, 0]
"""Each corner's, or each side's, next one."""

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Quad:
    """A four-sided shape in the picture.

    corners: (4, 2) float64, px of the *full* picture, clockwise as seen, no particular corner first.
    """

    corners: Floats
    touches_border: bool


Small = tuple[NDArray[np.uint8], float]
"""A picture reduced to `SMALL_PX`, and how many full pixels one small pixel covers."""


def small_copy(image: NDArray[np.uint8]) -> Small:
    """The picture, reduced.

    Halved as often as it can be, which is many times faster than one reduction to the same size.
    """
    scale = 1.0
    while max(image.shape[:2]) >= 2 * SMALL_PX and min(image.shape[:2]) > 1:
        height, width = image.shape[0] // 2, image.shape[1] // 2
        even = image[: 2 * height, : 2 * width]
        image = np.asarray(cv2.resize(even, (width, height), interpolation=cv2.INTER_AREA), np.uint8)
        scale *= 2
    height, width = image.shape[:2]
    rest = max(width, height) / SMALL_PX
    if rest <= 1:
        return image, scale
    size = (max(round(width / rest), 1), max(round(height / rest), 1))
    return np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_LINEAR), np.uint8), scale * rest


def above(image: NDArray[np.uint8], level: int) -> NDArray[np.uint8]:
    """A mask, non-zero where the image is brighter than `level`."""
    return np.asarray(cv2.threshold(image, level, 255, cv2.THRESH_BINARY)[1], np.uint8)


CORNERS = 0.12
"""The cut corner and rounded ones take away so much of a card at most."""


JOINED, JOINED_QUADS = 0.4, 4
"""A finger or a pen that touches the card makes up so much of their common outline's area at most; whose sides run along
more of it is then no proof, and so many are proposed."""


@dataclass(frozen=True)
class Shape:
    """The outline of one region as large as a card may be, in px of the small copy.

    contour: (n, 1, 2) int32. polygon: (k, 2), the same with straight sides. quads: what four of its long sides make,
    (4, 2), each with its area as a share of the region's.
    """

    contour: NDArray[np.int32]
    area: float
    perimeter: float
    polygon: Floats
    quads: tuple[tuple[float, Floats], ...]


@dataclass(frozen=True)
class Shapes:
    """What a threshold parts in the small copy of a picture. size: (height, width) of that copy; scale: see `Small`."""

    shapes: tuple[Shape, ...]
    size: tuple[int, int]
    scale: float


def shapes_of_mask(mask: NDArray[np.uint8], scale: float) -> Shapes:
    """The outlines of a mask (uint8, non-zero inside) that a card might have."""
    contours, _ = cv2.findContours(mask, cv2.RETR_LIST, cv2.CHAIN_APPROX_NONE)
    height, width = mask.shape
    # A circle of the least area is the shortest; from one of its pixels to the next it is √2 at most.
    points_min = math.sqrt(2 * math.pi * 0.04 * height * width)
    found = []
    for contour in contours:
        if len(contour) < points_min:
            continue
        area = cv2.contourArea(contour)
        if 0.04 * height * width <= area <= 0.92 * height * width:
            found.append(_shape(np.asarray(contour, np.int32), area))
    found.sort(key=lambda shape: -shape.area)
    return Shapes(tuple(found), (height, width), scale)


def _shape(contour: NDArray[np.int32], area: float) -> Shape:
    perimeter = cv2.arcLength(contour, True)
    polygon = np.asarray(cv2.approxPolyDP(contour, 0.008 * perimeter, True))[:, 0].astype(np.float64)
    quads = tuple(
        (cv2.contourArea(corners.astype(np.float32)) / area, corners)
        for corners in _quads_of_polygon(polygon, perimeter)
    )
    return Shape(contour, area, perimeter, polygon, quads)


def quads_of(shapes: Shapes, hidden: float = 0.0, *, joined: bool = False) -> list[Quad]:
    """Card-like quadrilaterals, from the largest shape to the smallest.

    hidden: such a share of a card may be missing. joined: something else may be joined to it.
    """
    shares = (0.93 - JOINED if joined else 0.93, 1 + CORNERS + hidden)
    most = JOINED_QUADS if joined else 1
    return [_full(quad, shapes) for shape in shapes.shapes for quad in _best_of(shape, shares, most)]


def _full(corners: Floats, shapes: Shapes) -> Quad:
    height, width = shapes.size
    outside = any(x < 1.0 or x > width - 2.0 or y < 1.0 or y > height - 2.0 for x, y in corners.tolist())
    # Centres of small pixels lie in the middle of the block they were averaged from.
    return Quad((corners + 0.5) * shapes.scale - 0.5, outside)


def _best_of(shape: Shape, shares: tuple[float, float], most: int) -> list[Floats]:
    """So many of the shape's quadrilaterals, best first. shares: of its area, the least and the most that one may have."""
    found = [corners for share, corners in shape.quads if shares[0] < share < shares[1]]
    if len(found) > 1:
        found.sort(key=lambda corners: -_borne_out(corners, shape.polygon, 0.006 * shape.perimeter))
    return [_refit(corners, shape.contour) for corners in found[:most]]


def _borne_out(corners: Floats, polygon: Floats, tolerance: float) -> float:
    """How much of the polygon's length runs along the quadrilateral's sides. Those that it was made from do."""
    side = corners[NEXT] - corners
    normal = np.stack([-side[:, 1], side[:, 0]], axis=1) / np.hypot(side[:, 0], side[:, 1])[:, None]
    near = np.abs(polygon @ normal.T - (corners * normal).sum(axis=1)) < tolerance
    length = np.hypot(*(_after(polygon) - polygon).T)
    return float(length @ (near & _after(near)).any(axis=1))


def _quads_of_polygon(polygon: Floats, perimeter: float) -> Iterator[Floats]:
    """Quadrilaterals from every four long sides of the polygon; the cut corner is a short one."""
    sides = _after(polygon) - polygon
    length = np.hypot(sides[:, 0], sides[:, 1])
    long = np.flatnonzero(length > 0.06 * perimeter)
    if len(long) > 8:
        long = np.sort(long[np.argsort(-length[long])[:8]])
    points, directions = polygon.tolist(), sides.tolist()
    for chosen in combinations(long.tolist(), 4):
        corners = _meet([points[k] for k in chosen], [directions[k] for k in chosen])
        if corners is not None:
            yield corners


def _after(points: Floats) -> Floats:
    """Each one's next, the last one's the first."""
    return np.concatenate([points[1:], points[:1]])


def _meet(points: Sequence[Sequence[float]], directions: Sequence[Sequence[float]]) -> Floats | None:
    """Where each of four sides meets the next; `None` when neighbours run nearly parallel or the shape is not convex.

    In Python's own numbers: four are too few for numpy.
    """
    corners: list[tuple[float, float]] = []
    for k, then in enumerate(NEXT):
        (x, y), (dx, dy) = points[k], directions[k]
        (to_x, to_y), (to_dx, to_dy) = points[then], directions[then]
        cross = dx * to_dy - dy * to_dx
        if abs(cross) <= 0.5 * math.hypot(dx, dy) * math.hypot(to_dx, to_dy):
            return None
        along = ((to_x - x) * to_dy - (to_y - y) * to_dx) / cross
        corners.append((x + along * dx, y + along * dy))
    corners = [corners[3], *corners[:3]]
    edges = [(corners[then][0] - x, corners[then][1] - y) for (x, y), then in zip(corners, NEXT, strict=True)]
    turns = [dx * edges[then][1] - dy * edges[then][0] for (dx, dy), then in zip(edges, NEXT, strict=True)]
    if min(turns) <= 0 <= max(turns):
        return None
    return np.array(corners if turns[0] > 0 else corners[::-1])


def _refit(corners: Floats, contour: NDArray[np.int32]) -> Floats:
    """Each side fitted again to the contour points beside its middle 70 %: corners may be cut, rounded or folded."""
    points = contour[::3, 0].astype(np.float32)
    side = corners[NEXT] - corners
    length = np.hypot(side[:, 0], side[:, 1])[:, None]
    units = side / length
    normal = units[:, ::-1] * [-1.0, 1.0]
    along = units @ points.T - (corners * units).sum(axis=1)[:, None]
    off = normal @ points.T - (corners * normal).sum(axis=1)[:, None]
    beside = (along > 0.15 * length) & (along < 0.85 * length) & (np.abs(off) < 0.03 * length + 2)
    lines_at, lines_dir = corners.tolist(), units.tolist()
    for k, (near, here) in enumerate(zip(beside, along, strict=True)):
        reached = here[near]
        if len(reached) >= 2 and reached.max() - reached.min() > 0.3 * length[k, 0]:
            vx, vy, *lines_at[k] = cv2.fitLine(points[near], cv2.DIST_HUBER, 0, 0.01, 0.01)[:, 0].tolist()
            dx, dy = lines_dir[k]
            lines_dir[k] = [vx, vy] if vx * dx + vy * dy > 0 else [-vx, -vy]
    refitted = _meet(lines_at, lines_dir)
    return corners if refitted is None else refitted
