"""Where a card may lie: four-sided shapes in a small copy of the picture, best first. Nothing is believed yet.

A card is looked for as a region that a threshold separates from the bed. Which threshold is not known beforehand;
`reader.camera.find` tries several, and proves or refuses each proposal on the full picture.
"""

from __future__ import annotations

from collections.abc import Iterator
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


def quads_of_mask(mask: NDArray[np.uint8], scale: float, hidden: float = 0.0, *, joined: bool = False) -> list[Quad]:
    """Card-like quadrilaterals among the outlines of a mask (uint8, non-zero inside).

    hidden: such a share of a card may be missing. joined: something else may be joined to it.
    """
    contours, _ = cv2.findContours(mask, cv2.RETR_LIST, cv2.CHAIN_APPROX_NONE)
    picture_area = mask.shape[0] * mask.shape[1]
    shares = (0.93 - JOINED if joined else 0.93, 1 + CORNERS + hidden)
    found = []
    for contour in contours:
        area = cv2.contourArea(contour)
        if area < 0.04 * picture_area or area > 0.92 * picture_area:
            continue
        quads = _quads_of_contour(np.asarray(contour, np.int32), area, shares)
        found += [(area, quad) for quad in quads[: JOINED_QUADS if joined else 1]]
    found.sort(key=lambda f: -f[0])
    return [_full(quad, scale, mask.shape) for _, quad in found]


def _full(corners: Floats, scale: float, shape: tuple[int, ...]) -> Quad:
    height, width = shape[:2]
    outside = (corners < 1.0).any() or (corners[:, 0] > width - 2.0).any() or (corners[:, 1] > height - 2.0).any()
    # Centres of small pixels lie in the middle of the block they were averaged from.
    return Quad((corners + 0.5) * scale - 0.5, bool(outside))


def _quads_of_contour(contour: NDArray[np.int32], area: float, shares: tuple[float, float]) -> list[Floats]:
    """Best first. shares: of the contour's area, the least and the most that a quadrilateral may have."""
    perimeter = cv2.arcLength(contour, True)
    polygon = np.asarray(cv2.approxPolyDP(contour, 0.008 * perimeter, True)).reshape(-1, 2).astype(np.float64)
    found = []
    for corners in _quads_of_polygon(polygon, perimeter):
        if shares[0] < cv2.contourArea(corners.astype(np.float32)) / max(area, 1.0) < shares[1]:
            found.append((_borne_out(corners, polygon, 0.006 * perimeter), corners))
    found.sort(key=lambda f: -f[0])
    return [_refit(corners, contour) for share, corners in found[:JOINED_QUADS] if share > 0]


def _borne_out(corners: Floats, polygon: Floats, tolerance: float) -> float:
    """How much of the polygon's length runs along the quadrilateral's sides."""
    side = corners[NEXT] - corners
    normal = np.stack([-side[:, 1], side[:, 0]], axis=1) / np.hypot(side[:, 0], side[:, 1])[:, None]
    near = np.abs(polygon @ normal.T - (corners * normal).sum(axis=1)) < tolerance
    length = np.hypot(*(np.roll(polygon, -1, axis=0) - polygon).T)
    return float(length @ (near & np.roll(near, -1, axis=0)).any(axis=1))


def _quads_of_polygon(polygon: Floats, perimeter: float) -> Iterator[Floats]:
    """Quadrilaterals from every four long sides of the polygon; the cut corner is a short one."""
    sides = np.roll(polygon, -1, axis=0) - polygon
    length = np.hypot(sides[:, 0], sides[:, 1])
    long = np.flatnonzero(length > 0.06 * perimeter)
    if len(long) > 8:
        long = np.sort(long[np.argsort(-length[long])[:8]])
    for chosen in combinations(long.tolist(), 4):
        corners = _meet(polygon[list(chosen)], sides[list(chosen)])
        if corners is not None:
            yield corners


def _meet(points: Floats, directions: Floats) -> Floats | None:
    """Where each side meets the next; `None` when neighbours run nearly parallel or the shape is not convex."""
    after, after_dir = points[NEXT], directions[NEXT]
    cross = directions[:, 0] * after_dir[:, 1] - directions[:, 1] * after_dir[:, 0]
    if (np.abs(cross) < 0.5 * np.hypot(*directions.T) * np.hypot(*after_dir.T)).any():
        return None
    gap = after - points
    along = (gap[:, 0] * after_dir[:, 1] - gap[:, 1] * after_dir[:, 0]) / cross
    corners = (points + along[:, None] * directions)[[3, 0, 1, 2]]
    edge = corners[NEXT] - corners
    then = edge[NEXT]
    turn = edge[:, 0] * then[:, 1] - edge[:, 1] * then[:, 0]
    if not ((turn > 0).all() or (turn < 0).all()):
        return None
    return corners if turn[0] > 0 else corners[::-1]


def _refit(corners: Floats, contour: NDArray[np.int32]) -> Floats:
    """Each side fitted again to the contour points beside its middle 70 %: corners may be cut, rounded or folded."""
    points = contour.reshape(-1, 2)[::3].astype(np.float64)
    side = corners[NEXT] - corners
    length = np.hypot(side[:, 0], side[:, 1])
    units = side / length[:, None]
    normal = np.stack([-units[:, 1], units[:, 0]], axis=1)
    along = points @ units.T - (corners * units).sum(axis=1)
    off = points @ normal.T - (corners * normal).sum(axis=1)
    beside = (along > 0.15 * length) & (along < 0.85 * length) & (np.abs(off) < 0.03 * length + 2)
    lines_at, lines_dir = [], []
    for k, (start, unit) in enumerate(zip(corners, units, strict=True)):
        near = np.flatnonzero(beside[:, k])
        if len(near) >= 2 and np.ptp(along[near, k]) > 0.3 * length[k]:
            vx, vy, x0, y0 = np.asarray(
                cv2.fitLine(points[near].astype(np.float32), cv2.DIST_HUBER, 0, 0.01, 0.01)
            ).ravel()
            direction = np.array([vx, vy], np.float64)
            lines_at.append(np.array([x0, y0], np.float64))
            lines_dir.append(direction if direction @ unit > 0 else -direction)
        else:
            lines_at.append(start)
            lines_dir.append(unit)
    refitted = _meet(np.array(lines_at), np.array(lines_dir))
    return corners if refitted is None else refitted
