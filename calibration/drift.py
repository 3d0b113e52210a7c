"""What has changed between the empty bed as it was learnt and as the camera sees it now: place, lamp, focus, dirt.

Pure functions on grey pictures, float32 (rows, columns), of one size. `bed` is the learnt mean, `now` the mean of one or
more frames. Each looks past what the others look for: the place is found whatever the lamp does, dirt is what remains
once place and lamp are accounted for.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

Singles = NDArray[np.float32]
Floats = NDArray[np.float64]

BLOCK_PX = 8
"""Levels are compared in blocks of this side: 64 pixels average a camera's noise of 3 levels to 0.4."""
FLOOR = 2.0
"""Levels added before a ratio is taken: on the blackest felt half a level of rounding is not a change by a tenth."""
SHARE_COVERED = 0.2
"""A bed's level changes by more than this (ratio, logarithmic) where something lies on it."""
THING_MM2 = 1000.0
"""From this area it is a card, a sheet or a hand, not dirt: a third of the smallest punched card."""
DIRT_MM2 = 0.6
"""The least speck that counts: it hides 15 % of the smallest hole (a classic card's, 1.4 × 3.2 mm)."""
DIRT_SIGMA = 6.0
DIRT_LEVELS = 8.0
"""A speck stands out by this many times the noise, and by as many levels as JPEG leaves of a texture."""
PLACE_ERROR_PX = 0.35
"""How far off the found place may be: an edge of the tray then leaves this much of its slope behind, which is no dirt."""
MARGIN_PX = 8
"""At the picture's border there is no neighbourhood to judge by."""
ECC_LEAST = 0.2
"""Correlation below which two pictures do not show the same bed."""


@dataclass(frozen=True)
class Move:
    """How the camera moved since: pixels of the learnt bed → pixels now, (2, 3). correlation: 1 is a perfect match."""

    to_now: Floats
    correlation: float

    def largest_px(self, width_px: int, height_px: int) -> float:
        """The largest displacement anywhere in a picture of this size."""
        corners = np.array([[0, 0, 1], [width_px, 0, 1], [0, height_px, 1], [width_px, height_px, 1]], np.float64)
        return float(np.hypot(*(corners @ self.to_now.T - corners[:, :2]).T).max())

    def middle_px(self, width_px: int, height_px: int) -> tuple[float, float]:
        """The displacement of the picture's middle, right and down."""
        middle = np.array([width_px / 2, height_px / 2, 1])
        x, y = self.to_now @ middle - middle[:2]
        return float(x), float(y)

    @property
    def turn_deg(self) -> float:
        """Rotation, clockwise in the picture."""
        return math.degrees(math.atan2(self.to_now[1, 0] - self.to_now[0, 1], self.to_now[0, 0] + self.to_now[1, 1]))

    @property
    def zoom(self) -> float:
        """1 is the same size; larger: the camera came nearer."""
        return math.sqrt(abs(float(np.linalg.det(self.to_now[:, :2]))))


@dataclass(frozen=True)
class Spot:
    """Something small that the learnt bed does not have. Pixels of the learnt picture; `levels`: brighter than the bed."""

    x_px: float
    y_px: float
    width_px: float
    height_px: float
    area_px: float
    levels: float


def find_move(bed: Singles, now: Singles) -> Move | None:
    """How the bed's edges and texture moved; `None` when the two do not match. Precise to about 0.1 px.

    Enhanced correlation (Evangelidis and Psarakis 2008) on locally normalised pictures, from coarse to fine, once more
    without the places that did not match: dirt, or a card's corner.
    """
    to_now = np.eye(2, 3, dtype=np.float32)
    correlation = 0.0
    mask: NDArray[np.uint8] = np.full(bed.shape, 255, np.uint8)
    for scale in (0.125, 0.25, 0.5):
        a, b = (_normalised(_shrunk(image, scale)) for image in (bed, now))
        seen = _nearest(mask, a.shape)
        try:
            correlation, to_now = _ecc(a, b, to_now, scale, seen)
        except cv2.error:  # what it raises when it diverges
            return None
        away = np.abs(a - _warped(b, _at_scale(to_now, scale)))
        unlike = _blur(away, 3) > 3 * float(np.median(away)) + 0.5
        mask = _nearest(np.where(unlike, 0, 255).astype(np.uint8), bed.shape)
    return Move(to_now.astype(np.float64), correlation) if correlation >= ECC_LEAST else None


def _ecc(a: Singles, b: Singles, to_now: Singles, scale: float, seen: NDArray[np.uint8]) -> tuple[float, Singles]:
    stop = (cv2.TERM_CRITERIA_EPS | cv2.TERM_CRITERIA_COUNT, 60, 1e-5)
    found, warp = cv2.findTransformECC(a, b, _at_scale(to_now, scale), cv2.MOTION_AFFINE, stop, seen, 3)
    return float(found), _at_scale(np.asarray(warp, np.float32), 1 / scale)


def _at_scale(to_now: Singles, scale: float) -> Singles:
    """The same movement in a picture whose pixels are larger; pixel centres are integers."""
    linear, shift = to_now[:, :2], to_now[:, 2]
    # u = scale·x + c with c = (scale − 1)/2 keeps the corners of pixels in place.
    c = (scale - 1) / 2
    moved = scale * shift + c - linear @ np.array([c, c], np.float32)
    return np.column_stack([linear, moved]).astype(np.float32)


def in_place(now: Singles, move: Move) -> Singles:
    """`now` as the camera would have seen it from its old place."""
    height, width = now.shape
    if move.largest_px(width, height) < 0.1:
        return now  # resampling blurs, and here it gains nothing
    flags = cv2.INTER_LANCZOS4 | cv2.WARP_INVERSE_MAP
    return np.asarray(
        cv2.warpAffine(now, move.to_now, (width, height), flags=flags, borderMode=cv2.BORDER_REPLICATE), np.float32
    )


def level_change(bed: Singles, now: Singles) -> Singles:
    """(rows/8, columns/8) logarithm of how much brighter each block is than it was."""
    a, b = (_blocks(image) + FLOOR for image in (bed, now))
    return np.asarray(np.log(b / a), np.float32)


def lamp_field(change: Singles) -> Singles:
    """(rows/8, columns/8) the smooth part of the change: a lamp's doing.

    A surface of second order, fitted to the medians of 12 × 9 fields and three times without what does not fit.
    """
    rows, columns = change.shape
    y, x = np.mgrid[0:rows, 0:columns].astype(np.float32)
    x, y = x / max(columns - 1, 1) * 2 - 1, y / max(rows - 1, 1) * 2 - 1
    terms = np.stack([np.ones_like(x), x, y, x * x, x * y, y * y], -1)
    points, levels = [], []
    for field_rows in np.array_split(np.arange(rows), 9):
        for field_columns in np.array_split(np.arange(columns), 12):
            where = np.ix_(field_rows, field_columns)
            points.append(terms[where].reshape(-1, 6).mean(axis=0))
            levels.append(float(np.median(change[where])))
    a, v = np.array(points), np.array(levels)
    keep = np.ones(len(v), bool)
    surface = np.zeros(6)
    for _ in range(4):
        surface = np.linalg.lstsq(a[keep], v[keep], rcond=None)[0]
        left = np.abs(v - a @ surface)
        keep = left <= max(3 * float(np.median(left)), 0.01)
    return np.asarray(terms @ surface, np.float32)


def levels_by_region(change: Singles) -> Floats:
    """(3, 4) how bright each region of the picture is as a share of what it was (medians: dirt does not count)."""
    rows = np.array_split(change, 3, axis=0)
    found = [[math.exp(float(np.median(part))) for part in np.array_split(row, 4, axis=1)] for row in rows]
    return np.array(found, np.float64)


def covered_px(change: Singles, area_px: float) -> tuple[float, float, float] | None:
    """(x, y, area) in pixels of the largest thing that lies on the bed; `None` for an empty one.

    A thing is larger than `area_px`, has a sharp border and does not take up a whole side of the picture, as a lamp's
    failing does, unless the change is larger than any lamp's.
    """
    steady = _mode(change)
    unlike = np.abs(change - steady) > SHARE_COVERED
    mask = cv2.morphologyEx(unlike.astype(np.uint8), cv2.MORPH_OPEN, np.ones((3, 3), np.uint8))
    count, labels, stats, middles = cv2.connectedComponentsWithStats(mask)
    for k in sorted(range(1, count), key=lambda k: -int(stats[k, cv2.CC_STAT_AREA])):
        area = float(stats[k, cv2.CC_STAT_AREA]) * BLOCK_PX**2
        if area < area_px:
            break
        mine = labels == k
        if _is_sharp(change - steady, mine) and (_sides(stats[k], mask.shape) < 2 or _is_strong(change - steady, mine)):
            x, y = middles[k]
            return float(x + 0.5) * BLOCK_PX, float(y + 0.5) * BLOCK_PX, area
    return None


def _mode(change: Singles) -> float:
    """The commonest change: a card's print is many levels, the bed around it one."""
    counts, edges = np.histogram(change, bins=np.arange(-3.0, 3.05, 0.05))
    k = int(np.convolve(counts, [1, 1, 1], "same").argmax())
    near = change[(change >= edges[k] - 0.05) & (change <= edges[k] + 0.1)]
    return float(np.median(near)) if near.size else float(np.median(change))


def _is_sharp(away: Singles, mine: NDArray[np.bool_]) -> bool:
    kernel = np.ones((3, 3), np.uint8)
    inner = mine & ~cv2.erode(mine.astype(np.uint8), kernel, iterations=2, borderValue=1).astype(bool)
    outer = cv2.dilate(mine.astype(np.uint8), kernel, iterations=3).astype(bool)
    outer &= ~cv2.dilate(mine.astype(np.uint8), kernel).astype(bool)
    if not outer.any():
        return False
    step = abs(float(np.median(away[inner])) - float(np.median(away[outer])))
    return step > SHARE_COVERED


def _sides(stat: NDArray[np.int32], shape: tuple[int, ...]) -> int:
    x, y, w, h = (int(v) for v in stat[:4])
    return (x == 0) + (y == 0) + (x + w == shape[1]) + (y + h == shape[0])


def _is_strong(away: Singles, mine: NDArray[np.bool_]) -> bool:
    return abs(float(np.median(away[mine]))) > 0.9


def sharpness(bed: Singles, now: Singles, field: Singles, margin_px: int = MARGIN_PX) -> float | None:
    """How steep edges are now as a share of what they were; `None` when the bed has none to tell by.

    The slope of a regression over the steepest hundredth of the learnt picture: noise, which is in no learnt edge,
    cancels. For edges of width s blurred by t it is s/√(s² + t²).
    """
    size = bed.shape[::-1]
    lamp = cv2.resize(np.exp(field), size, interpolation=cv2.INTER_LINEAR)
    learnt, seen = _slopes(bed), _slopes(np.asarray((now + FLOOR) / lamp, np.float32))
    steepness = np.hypot(*learnt)
    inner = np.zeros(bed.shape, bool)
    inner[margin_px:-margin_px, margin_px:-margin_px] = True
    least = max(float(np.quantile(steepness[inner], 0.99)), 1.5)
    edges = inner & (steepness >= least)
    if int(edges.sum()) < 500:
        return None
    products = sum(float((a[edges] * b[edges]).sum()) for a, b in zip(learnt, seen, strict=True))
    return products / float((steepness[edges] ** 2).sum())


def spots(
    bed: Singles, now: Singles, field: Singles, px_per_mm: float, noise: float, margin_px: int = MARGIN_PX
) -> list[Spot]:
    """What lies on the bed or sticks to the glass, largest first. `now` in the learnt place; `noise`: levels, of `now`."""
    lamp = cv2.resize(np.exp(field), bed.shape[::-1], interpolation=cv2.INTER_LINEAR)
    expected = (bed + FLOOR) * lamp - FLOOR
    sigma = max(0.2 * px_per_mm, 0.8)
    away = _blur(now - expected, sigma)
    slope = _blur(np.asarray(np.hypot(*_slopes(bed)) * lamp, np.float32), sigma)
    usual = _blur(np.abs(now - expected), 6 * sigma)
    # Flicker and JPEG leave more behind where the bed is bright or rough; the bed itself tells how much.
    quiet = noise / (2 * math.sqrt(math.pi) * sigma)
    limit = np.maximum(DIRT_LEVELS, DIRT_SIGMA * quiet) + 3 * PLACE_ERROR_PX * slope + 0.02 * expected
    limit = np.maximum(limit, np.minimum(1.5 * usual, 2 * DIRT_LEVELS))
    mask = (np.abs(away) > limit).astype(np.uint8)
    edge = margin_px
    mask[:edge], mask[-edge:], mask[:, :edge], mask[:, -edge:] = 0, 0, 0, 0
    count, labels, stats, middles = cv2.connectedComponentsWithStats(mask)
    found = []
    for k in range(1, count):
        x, y, w, h, area = (int(v) for v in stats[k])
        if area < DIRT_MM2 * px_per_mm**2:
            continue
        here = labels[y : y + h, x : x + w] == k
        levels = float(np.median(away[y : y + h, x : x + w][here]))
        found.append(Spot(float(middles[k][0]), float(middles[k][1]), w, h, area, levels))
    return sorted(found, key=lambda s: -s.area_px)


def noise_of(now: Singles, bed: Singles) -> float:
    """Standard deviation of the fine grain in `now` that the bed does not have, in levels (robust)."""
    grain = now - bed - _blur(now - bed, 2)
    return float(np.median(np.abs(grain))) * 1.4826


def _blocks(image: Singles) -> Singles:
    rows, columns = (n // BLOCK_PX for n in image.shape)
    cut = np.ascontiguousarray(image[: rows * BLOCK_PX, : columns * BLOCK_PX])
    return np.asarray(cv2.resize(cut, (columns, rows), interpolation=cv2.INTER_AREA), np.float32)


def _normalised(image: Singles) -> Singles:
    """Without the lamp: local mean taken off, divided by the local spread (never by less than the noise)."""
    away = image - _blur(image, 12)
    return np.asarray(away / (np.sqrt(_blur(away * away, 12)) + 2.0), np.float32)


def _shrunk(image: Singles, scale: float) -> Singles:
    size = (round(image.shape[1] * scale), round(image.shape[0] * scale))
    return np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.float32)


def _nearest(mask: NDArray[np.uint8], shape: tuple[int, ...]) -> NDArray[np.uint8]:
    return np.asarray(cv2.resize(mask, shape[::-1], interpolation=cv2.INTER_NEAREST), np.uint8)


def _warped(image: Singles, to_now: Singles) -> Singles:
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    size = image.shape[::-1]
    return np.asarray(cv2.warpAffine(image, to_now, size, flags=flags, borderMode=cv2.BORDER_REPLICATE), np.float32)


def _blur(image: Singles, sigma_px: float) -> Singles:
    return np.asarray(cv2.GaussianBlur(image, (0, 0), sigma_px), np.float32)


def _slopes(image: Singles) -> tuple[Singles, Singles]:
    """Change per pixel, right and down (Sobel)."""
    x = cv2.Sobel(image, cv2.CV_32F, 1, 0, ksize=3, scale=0.125)
    y = cv2.Sobel(image, cv2.CV_32F, 0, 1, ksize=3, scale=0.125)
    return np.asarray(x, np.float32), np.asarray(y, np.float32)
