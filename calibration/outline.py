"""A card's outline on a known bed: whatever is not the empty bed, as a rectangle.

Coarse first (the largest patch that differs, and the narrowest rectangle around it), then each side where the difference
from the bed ends, to a fraction of a pixel. Used both for learning blank cards and for reading.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from calibration.models import Levels

Floats = NDArray[np.float64]

REACH_MM, STEP_MM = 2.4, 0.2
"""Sides are looked for so far around the coarse rectangle, in such steps."""
SIDE_POINTS = 16
"""Looks along each side: enough that holes torn to the edge and dirt are outvoted."""
ENDS = 0.16
"""Share of a side at each end that is not looked at: the cut corner is there."""
CONTRAST_MIN = 6.0
"""Levels by which paper must differ from the bed for a look to count."""
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


def rectangle(mask: Levels, mm_per_px: float) -> Rectangle | None:
    """The narrowest rectangle around the largest patch of a mask, in the mask's own frame; `None` without a patch."""
    contours, _ = cv2.findContours(mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    if not contours:
        return None
    areas = [cv2.contourArea(c) for c in contours]
    largest = max(areas)
    (x, y), (w, h), angle = cv2.minAreaRect(contours[areas.index(largest)])
    turn = np.radians(angle)
    if w < h:
        w, h, turn = h, w, turn + np.pi / 2
    beside = (sum(areas) - largest) / mask.size
    return Rectangle(x * mm_per_px, y * mm_per_px, w * mm_per_px, h * mm_per_px, float(_upright(turn)), beside)


def _upright(turn: float) -> float:
    """The same line's direction within ±90°."""
    return (turn + np.pi / 2) % np.pi - np.pi / 2


_ALONG = np.linspace(-1 + 2 * ENDS, 1 - 2 * ENDS, SIDE_POINTS)
_ACROSS = np.arange(-REACH_MM, REACH_MM + 1e-9, STEP_MM)
_NORMALS = np.array([[0, -1], [1, 0], [0, 1], [-1, 0]], np.float64)
"""Top, right, bottom, left."""


@lru_cache(maxsize=16)
def side_points(width_mm: float, height_mm: float) -> Floats:
    """(4, SIDE_POINTS, steps, 2) mm from the card's centre: looks across each side, from inside to outside."""
    half = np.array([width_mm / 2, height_mm / 2])
    base = side_along(width_mm, height_mm) + _NORMALS[:, None] * half
    return np.asarray(base[:, :, None] + _NORMALS[:, None, None] * _ACROSS[None, None, :, None], np.float64)


def side_along(width_mm: float, height_mm: float) -> Floats:
    """(4, SIDE_POINTS, 2) mm: where along its side each look lies, from the side's middle."""
    half = np.array([width_mm / 2, height_mm / 2])
    return np.asarray(np.abs(_NORMALS[:, ::-1])[:, None] * half * _ALONG[None, :, None], np.float64)


def side_normals() -> Floats:
    """(4, 2): outwards from the top, right, bottom and left side."""
    return _NORMALS


def side_offsets(seen: Floats, bed: Floats) -> tuple[Floats, NDArray[np.bool_]]:
    """How far outwards (mm) each look sees the side from where it was expected: (4, SIDE_POINTS), and which to believe.

    seen, bed: (4, SIDE_POINTS, steps) levels. What differs from the bed by the paper's own difference is paper; summed
    up from inside, half-covered pixels count half.
    """
    off = np.abs(seen - bed)
    inner = off[:, :, 2:7].mean(axis=2)
    share = np.minimum(off / np.maximum(inner, 1.0)[:, :, None], 1.0)
    # Noise far outside is not paper: only the run from inside counts.
    run = np.minimum.accumulate(np.where(share > 0.25, 1.0, 0.0), axis=2)
    edge = (share * run).sum(axis=2) * STEP_MM - REACH_MM - STEP_MM / 2
    usual = np.sort(edge, axis=1)[:, SIDE_POINTS // 2 - 1 : SIDE_POINTS // 2 + 1].mean(axis=1, keepdims=True)
    good = (inner > CONTRAST_MIN) & (np.abs(edge - usual) < 2 * AGREE_MM) & (edge < REACH_MM - 2 * STEP_MM)
    return edge, good


def fit_corners(
    to_px: Callable[[Floats], Floats], image: Levels, bed: Levels, size: tuple[float, float]
) -> Floats | None:
    """The uncut rectangle's corners, (4, 2) mm in the frame of `to_px` (mm from the expected centre → px).

    One straight line a side. `None` when a side cannot be seen.
    """
    looks = side_points(*size)
    px = to_px(looks.reshape(-1, 2)).astype(np.float32)
    shape = looks.shape[:3]
    seen = sample(image, px).reshape(shape)
    edge, good = side_offsets(seen, sample(bed, px).reshape(shape))
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


def sample(image: Levels, px: NDArray[np.float32]) -> Floats:
    """(n, 2) px → (n,) levels, between pixels; the picture's border goes on for ever."""
    rows = px.reshape(-1, 1, 2)
    seen = cv2.remap(image, rows, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)  # type: ignore[call-overload]
    return np.asarray(seen, np.float64).ravel()
