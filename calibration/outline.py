"""A card's outline on a known bed: whatever is not the empty bed, as a rectangle.

Coarse first (the largest patch that differs, and the narrowest rectangle around it), then each side where the difference
from the bed ends, to a fraction of a pixel. Used both for learning blank cards and for reading.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from calibration.models import Levels

Floats = NDArray[np.float64]
Singles = NDArray[np.float32]

REACH_MM, STEP_MM = 2.4, 0.2
"""Sides are looked for so far around the coarse rectangle, in such steps."""
SIDE_POINTS = 16
"""Looks along each side: enough that holes torn to the edge and dirt are outvoted."""
ENDS = 0.16
"""Share of a side at each end that is not looked at: the cut corner is there."""
CONTRAST_MIN = 6.0
"""Levels by which paper must differ from the bed for a look to count."""
_INNER = slice(2, 7)
_INNER_SHARE = np.float32(1 / 5)
"""Steps that show the paper's own difference from the bed, and one's share of their mean."""
_NEAR = slice(6, None)
"""Steps that show how the paper ends: within, print may lie."""
_BLUR = 0.436
"""What the paper's share times the bed's comes to over an edge, from a share of a quarter on, blurred by a sigma of 1."""
AGREE_MM = 0.35
"""Looks at one side that agree so far are the side; the rest are holes and dirt."""


@dataclass(frozen=True)
class Rectangle:
    """A rectangle in a plane of millimetres: centre, long and short side, turn of the long side (rad).

    beside: the other patches' area, as a share of the whole picture.
    """

    x_mm: float
    y_mm: float
    long_mm: float
    short_mm: float
    turn: float
    beside: float = 0.0


def rectangle(mask: Levels, mm_per_px: float, origin_mm: tuple[float, float]) -> Rectangle | None:
    """The narrowest rectangle around the largest patch of a mask; `None` without a patch. origin_mm: the mask's first
    pixel."""
    contours, _ = cv2.findContours(mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    if not contours:
        return None
    areas = [cv2.contourArea(c) for c in contours]
    largest = max(areas)
    (x, y), (w, h), angle = cv2.minAreaRect(contours[areas.index(largest)])
    turn = math.radians(angle)
    if w < h:
        w, h, turn = h, w, turn + math.pi / 2
    beside = (sum(areas) - largest) / mask.size
    x_mm, y_mm = x * mm_per_px + origin_mm[0], y * mm_per_px + origin_mm[1]
    return Rectangle(x_mm, y_mm, w * mm_per_px, h * mm_per_px, _upright(turn), beside)


def _upright(turn: float) -> float:
    """The same line's direction within ±90°."""
    return (turn + math.pi / 2) % math.pi - math.pi / 2


_ALONG = np.linspace(-1 + 2 * ENDS, 1 - 2 * ENDS, SIDE_POINTS)
_ACROSS = np.arange(-REACH_MM, REACH_MM + 1e-9, STEP_MM)
_NORMALS = np.array([[0, -1], [1, 0], [0, 1], [-1, 0]], np.float64)
"""Top, right, bottom, left."""


@lru_cache(maxsize=16)
def side_points(width_mm: float, height_mm: float) -> Floats:
    """(steps, 4, SIDE_POINTS, 2) mm from the card's centre: looks across each side, from inside to outside."""
    half = np.array([width_mm / 2, height_mm / 2])
    base = side_along(width_mm, height_mm) + _NORMALS[:, None] * half
    return np.asarray(base + _NORMALS[:, None] * _ACROSS[:, None, None, None], np.float64)


def side_along(width_mm: float, height_mm: float) -> Floats:
    """(4, SIDE_POINTS, 2) mm: where along its side each look lies, from the side's middle."""
    half = np.array([width_mm / 2, height_mm / 2])
    return np.asarray(np.abs(_NORMALS[:, ::-1])[:, None] * half * _ALONG[None, :, None], np.float64)


def side_normals() -> Floats:
    """(4, 2): outwards from the top, right, bottom and left side."""
    return _NORMALS


@dataclass(frozen=True)
class Sides:
    """What looks across a card's sides show, (4, SIDE_POINTS) each.

    offset_mm: how far outwards the side lies from where it was expected. good: which to believe. blur_mm: sigma of what the
    camera makes of the paper's edge there.
    """

    offset_mm: Singles
    good: NDArray[np.bool_]
    blur_mm: Singles


def side_offsets(seen: Singles, bed: Singles) -> Sides:
    """The sides as looks across them show them.

    seen, bed: (steps, 4, SIDE_POINTS) levels. What differs from the bed by the paper's own difference is paper; summed
    up from inside, half-covered pixels count half.
    """
    off = np.abs(seen - bed)
    inner = off[_INNER].sum(axis=0) * _INNER_SHARE
    off /= np.maximum(inner, 1.0)
    share = np.minimum(off, 1.0, out=off)
    # Noise far outside is not paper: only the run from inside counts.
    share *= np.logical_and.accumulate(share > 0.25, axis=0)
    edge = share.sum(axis=0) * np.float32(STEP_MM) - np.float32(REACH_MM + STEP_MM / 2)
    ranked = np.sort(edge, axis=1)
    usual = (ranked[:, SIDE_POINTS // 2 - 1, None] + ranked[:, SIDE_POINTS // 2, None]) * np.float32(0.5)
    good = (inner > CONTRAST_MIN) & (np.abs(edge - usual) < 2 * AGREE_MM) & (edge < REACH_MM - 2 * STEP_MM)
    near = share[_NEAR]
    blur = (near * (1 - near)).sum(axis=0) * np.float32(STEP_MM / _BLUR)
    return Sides(edge, good, blur)


def fit_corners(
    to_px: Callable[[Floats], Floats], image: Levels, bed: Levels, size: tuple[float, float]
) -> Floats | None:
    """The uncut rectangle's corners, (4, 2) mm in the frame of `to_px` (mm from the expected centre → px).

    One straight line a side. `None` when a side cannot be seen.
    """
    looks = side_points(*size)
    px = to_px(looks.reshape(-1, 2)).T.astype(np.float32, order="C")
    seen, empty = (sample(levels, px, looks.shape[:3]) for levels in (image, bed))
    sides = side_offsets(seen, empty)
    edge, good = sides.offset_mm, sides.good
    if (good.sum(axis=1) < SIDE_POINTS // 3).any():
        return None
    lines = []
    half = np.array(size) / 2
    for k in range(4):
        t = _ALONG * half[k % 2]
        keep = good[k]
        for _ in range(2):
            a, b = np.polyfit(t[keep], edge[k][keep], 1)
            keep = good[k] & (np.abs(edge[k] - a * t - b) < AGREE_MM)
            if keep.sum() < SIDE_POINTS // 3:
                return None
        lines.append((a, b))
    (at, bt), (ar, br), (ab, bb), (al, bl) = lines
    w, h = half
    found = []
    for (ay, by, sy), (ax, bx, sx) in (
        ((at, bt, -1), (al, bl, -1)),
        ((at, bt, -1), (ar, br, 1)),
        ((ab, bb, 1), (ar, br, 1)),
        ((ab, bb, 1), (al, bl, -1)),
    ):
        # y = sy (h + by + ay x) and x = sx (w + bx + ax y)
        x = (sx * (w + bx + ax * sy * (h + by))) / (1 - sx * sy * ax * ay)
        found.append([x, sy * (h + by + ay * x)])
    return np.array(found)


def sample(image: Levels, px: Singles, shape: tuple[int, ...]) -> Singles:
    """(2, n) x and y px → levels of that shape, between pixels; the picture's border goes on for ever."""
    x, y = px[:, None]
    seen = cv2.remap(image, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(seen, np.uint8).astype(np.float32).reshape(shape)
