"""The card from straight above, before it is photographed: print, holes, marks, and what of the bed shows through."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from cards import draw
from cards.layout import Layout
from cards.raster import raster
from device.simulator.card import Card, Cut, Mark, Path, along_mm, chord_mm, inside, on_flap
from device.simulator.scene import edge_mm

Bytes = NDArray[np.uint8]
Singles = NDArray[np.float32]
Floats = NDArray[np.float64]
LEVELS_PX_PER_MM = (2.5, 3.5, 5.0, 7.5, 10.0, 14.0)
"""Resolutions at which cards are drawn; each is kept once drawn."""
PAD_MM = 6.0
"""Bed around the card, so that its edge is sampled like any other and its shadow has room; whole pixels at each level."""
SHADE = 0.45
"""How much darker the bed is where the card shades it."""
FLAP_SHADE, SWING_SHADE, FOLD_SHADE = 0.12, 0.25, 0.05
"""A chad hangs a little lower and so is darker; more so the steeper it stands; on the card it shades its edge only."""


@dataclass(frozen=True)
class Surface:
    """levels: (rows, columns, channels) uint8, paper times how much of a pixel is paper. bed: (rows, columns) uint8, how
    much of the bed's light shows (255: all). Pixel (u, v) lies at ((u + 0.5) / px_per_mm − pad_mm) millimetres.
    """

    levels: Bytes
    bed: Bytes
    px_per_mm: float
    pad_mm: float


def resolution(px_per_mm: float) -> float:
    """The resolution to draw at for a picture of this one."""
    return next((level for level in LEVELS_PX_PER_MM if level >= 1.1 * px_per_mm), LEVELS_PX_PER_MM[-1])


def card_surface(layout: Layout, card: Card, face: str, px_per_mm: float, *, colour: bool, shade_mm: float) -> Surface:
    """The card in the front's coordinates: a back face is drawn as its mirror image, for the scene turns it over.

    shade_mm: how far the card's shadow falls on the bed; 0 on a bed that shines.
    """
    paper = printed(layout, card.language, face, px_per_mm, colour).copy()
    for mark in card.marks:
        _draw_mark(paper, mark, px_per_mm)
    alpha = outline_share(layout, card, px_per_mm, paper.shape[:2])
    for tear in card.tears:
        box, mask = _polygon(tear.points, px_per_mm, alpha.shape)
        alpha[box] = cv2.multiply(alpha[box], 255 - mask, scale=1 / 255)
    for cut in card.cuts:
        _cut_out(alpha, cut, px_per_mm)
    for cut in card.cuts:
        if cut.flap > 0:
            _hang(paper, alpha, cut, card.cuts, px_per_mm)
    for cover in card.covers:
        box, mask = _polygon(cover.points, px_per_mm, alpha.shape)
        _mix(paper[box], mask, cover.bgr)
        alpha[box] = np.maximum(alpha[box], mask)
    return finish(paper, alpha, px_per_mm, shade_mm)


def finish(paper: Bytes, alpha: Bytes, px_per_mm: float, shade_mm: float, pad_mm: float = PAD_MM) -> Surface:
    """Levels (rows, columns, channels) and how much of a pixel is paper, as a surface above a bed."""
    bed = np.asarray(255 - alpha, np.uint8)
    if shade_mm > 0:
        bed = np.asarray(cv2.multiply(bed, _shadow(alpha, shade_mm * px_per_mm), scale=1 / 255), np.uint8)
    planes = [cv2.multiply(paper[..., k], alpha, scale=1 / 255) for k in range(paper.shape[2])]
    levels = np.asarray(cv2.merge(planes), np.uint8).reshape(paper.shape)
    return Surface(levels, bed, px_per_mm, pad_mm)


@lru_cache(maxsize=24)
def _printed_once(layout_key: str, face: str, language: str, px_per_mm: float, colour: bool) -> Bytes:
    layout = _LAYOUTS[layout_key]
    shapes = draw.front(layout, language) if face == "front" else draw.back(layout, language)
    bgr = np.ascontiguousarray(np.asarray(raster(layout, shapes, px_per_mm, draw.PAPER), np.uint8)[..., ::-1])
    if face == "back":
        bgr = np.ascontiguousarray(bgr[:, ::-1])
    pad = round(PAD_MM * px_per_mm)
    bgr = np.pad(bgr, ((pad, pad), (pad, pad), (0, 0)), mode="edge")
    return bgr if colour else np.asarray(cv2.cvtColor(bgr, cv2.COLOR_BGR2GRAY), np.uint8)[..., None]


_LAYOUTS: dict[str, Layout] = {}


def printed(layout: Layout, language: str, face: str, px_per_mm: float, colour: bool) -> Bytes:
    """(rows, columns, 3 or 1) the printed face, `PAD_MM` of its ground around it; kept, so do not write into it."""
    key = layout.digest or layout.identity
    _LAYOUTS[key] = layout
    return _printed_once(key, face, language, px_per_mm, colour)


def outline_share(layout: Layout, card: Card, px_per_mm: float, shape: tuple[int, int]) -> Bytes:
    """(rows, columns) how much of a pixel the paper covers, 0–255: straight edges, the cut corner, round corners."""
    left, top, right, bottom = edge_mm(layout, card)
    x, y = (((np.arange(n) + 0.5) / px_per_mm - PAD_MM).astype(np.float32) for n in shape[::-1])
    across = np.clip(0.5 + px_per_mm * np.minimum(x - left, right - x), 0, 1)
    down = np.clip(0.5 + px_per_mm * np.minimum(y - top, bottom - y), 0, 1)
    alpha = np.empty(shape, np.uint8)
    alpha[:] = np.rint(255 * across)
    for row in np.flatnonzero(down < 1):
        alpha[row] = np.rint(255 * across * down[row])
    points = _outline(layout, card)
    radius = layout.corner_radius_mm + card.worn_mm
    for k, point in enumerate(points):
        before, after = points[k - 1], points[(k + 1) % len(points)]
        if before[0] != point[0] and before[1] != point[1]:
            _cut_off(alpha, before, point, x, y, px_per_mm)
        if radius > 0:
            _round_off(alpha, (before, point, after), radius, x, y, px_per_mm)
    return alpha


def _outline(layout: Layout, card: Card) -> list[Floats]:
    """The outline's corners, clockwise, moved to where this paper's edges are."""
    left, top, right, bottom = edge_mm(layout, card)
    points = np.array(draw.outline(layout))
    far = points > np.array([layout.width_mm, layout.height_mm]) / 2
    shift = np.where(far, [right - layout.width_mm, bottom - layout.height_mm], [left, top])
    return list(points + shift)


def _cut_off(alpha: Bytes, a: Floats, b: Floats, x: Singles, y: Singles, px_per_mm: float) -> None:
    """Take away what lies to the left of the edge from a to b; the outline runs clockwise."""
    box = _box(np.array([a, b]), px_per_mm, alpha.shape, 1.0 + PAD_MM)
    gx, gy = np.meshgrid(x[box[1]], y[box[0]])
    along = (b - a) / np.hypot(*(b - a))
    depth = along[0] * (gy - a[1]) - along[1] * (gx - a[0])
    alpha[box] = np.minimum(alpha[box], np.rint(255 * np.clip(0.5 + px_per_mm * depth, 0, 1)).astype(np.uint8))


def _round_off(
    alpha: Bytes, corner: tuple[Floats, Floats, Floats], radius_mm: float, x: Singles, y: Singles, px_per_mm: float
) -> None:
    before, at, after = corner
    a, b = (v / np.hypot(*v) for v in (before - at, after - at))
    half = math.acos(float(np.clip(a @ b, -1, 1))) / 2
    reach = radius_mm / math.tan(half)
    middle = at + (a + b) / np.hypot(*(a + b)) * radius_mm / math.sin(half)
    box = _box(np.array([at]), px_per_mm, alpha.shape, reach + 1.0)
    gx, gy = np.meshgrid(x[box[1]] - at[0], y[box[0]] - at[1])
    beyond = (gx * a[0] + gy * a[1] < reach) & (gx * b[0] + gy * b[1] < reach)
    depth = radius_mm - np.hypot(gx + at[0] - middle[0], gy + at[1] - middle[1])
    share = np.rint(255 * np.clip(0.5 + px_per_mm * depth, 0, 1)).astype(np.uint8)
    alpha[box] = np.where(beyond, np.minimum(alpha[box], share), alpha[box])


def _cut_out(alpha: Bytes, cut: Cut, px_per_mm: float) -> None:
    half = np.array([cut.width_mm, cut.height_mm]) / 2
    middle = np.array([cut.x_mm, cut.y_mm])
    box = _box(np.array([middle - half, middle + half]), px_per_mm, alpha.shape, 0.3)
    x, y = _middles(box[1], px_per_mm) - cut.x_mm, _middles(box[0], px_per_mm) - cut.y_mm
    if cut.round:
        depth = half[0] - np.sqrt(x[None] ** 2 + y[:, None] ** 2)
        hole = np.clip(0.5 + px_per_mm * depth, 0, 1)
    else:
        across = np.clip(0.5 + px_per_mm * (half[0] - np.abs(x)), 0, 1)
        hole = np.clip(0.5 + px_per_mm * (half[1] - np.abs(y)), 0, 1)[:, None] * across
    alpha[box] = np.rint(alpha[box] * (1 - hole)).astype(np.uint8)


def _hang(paper: Bytes, alpha: Bytes, cut: Cut, cuts: Sequence[Cut], px_per_mm: float) -> None:
    """Put back what was not cut through, and the chad that hangs on it, where no other stroke took it away."""
    reach = max(cut.width_mm, cut.height_mm) * (0.6 if cut.swing_deg is None else 1.6)
    box = _box(np.array([[cut.x_mm, cut.y_mm]]), px_per_mm, alpha.shape, reach)
    # Four samples a pixel and side: smooth edges.
    x, y = (_middles(slice(4 * b.start, 4 * b.stop), 4 * px_per_mm) for b in (box[1], box[0]))
    gx, gy = np.meshgrid(x, y)
    flap = on_flap(cut, gx, gy)
    for other in cuts:
        if other is not cut and math.hypot(other.x_mm - cut.x_mm, other.y_mm - cut.y_mm) < 2 * reach:
            flap &= ~inside(other, gx, gy)
    hinge = along_mm(cut, gx, gy) > chord_mm(cut)
    swing = math.radians(cut.swing_deg or 0.0)
    steep = np.where(hinge, FLAP_SHADE, FLAP_SHADE + SWING_SHADE * math.sin(swing))
    dark = np.where(inside(cut, gx, gy), steep, FOLD_SHADE) * flap
    shape = (box[0].stop - box[0].start, 4, box[1].stop - box[1].start, 4)
    share = flap.reshape(shape).mean(axis=(1, 3))
    shaded = 1 - dark.reshape(shape).mean(axis=(1, 3))[..., None]
    alpha[box] = np.clip(alpha[box] + np.rint(255 * share), 0, 255).astype(np.uint8)
    paper[box] = np.rint(paper[box] * shaded).astype(np.uint8)


def _draw_mark(paper: Bytes, mark: Mark, px_per_mm: float) -> None:
    spread = 3 * mark.soft_mm + mark.width_mm
    box, mask = _polygon(mark.points, px_per_mm, paper.shape[:2], mark.width_mm, spread)
    if mark.soft_mm > 0:
        mask = np.asarray(cv2.GaussianBlur(mask, (0, 0), mark.soft_mm * px_per_mm), np.uint8)
    _mix(paper[box], (mask * mark.strength).astype(np.uint8), mark.bgr)


def _mix(paper: Bytes, mask: Bytes, bgr: tuple[float, float, float]) -> None:
    colour = np.array(bgr if paper.shape[2] == 3 else [grey_of(bgr)], np.float32)
    share = mask[..., None].astype(np.float32) / np.float32(255)
    paper[:] = np.rint(paper * (1 - share) + colour * share).astype(np.uint8)


def grey_of(bgr: tuple[float, float, float]) -> float:
    """The grey level of a colour, as OpenCV weighs it."""
    return 0.114 * bgr[0] + 0.587 * bgr[1] + 0.299 * bgr[2]


Box = tuple[slice, slice]


def _polygon(
    points: Path, px_per_mm: float, shape: tuple[int, ...], line_mm: float = 0.0, spread_mm: float = 0.5
) -> tuple[Box, Bytes]:
    """Where a polygon, or a line of some width, lies, and (rows, columns) 0–255 how much of a pixel it covers."""
    xy = np.array(points, np.float64).reshape(-1, 2)
    box = _box(xy, px_per_mm, shape, spread_mm)
    mask = np.zeros((box[0].stop - box[0].start, box[1].stop - box[1].start), np.uint8)
    local = (xy + PAD_MM) * px_per_mm - 0.5 - [box[1].start, box[0].start]
    fixed = [np.rint(local * 16).astype(np.int32)]
    if line_mm > 0:
        cv2.polylines(mask, fixed, False, 255, max(1, round(line_mm * px_per_mm)), cv2.LINE_AA, 4)
    else:
        cv2.fillPoly(mask, fixed, 255, cv2.LINE_AA, 4)
    return box, mask


def _box(points_mm: Floats, px_per_mm: float, shape: tuple[int, ...], spread_mm: float) -> Box:
    low = np.floor((points_mm.min(axis=0) - spread_mm + PAD_MM) * px_per_mm).astype(int)
    high = np.ceil((points_mm.max(axis=0) + spread_mm + PAD_MM) * px_per_mm).astype(int)
    rows, columns = shape[:2]
    left, right = np.clip([low[0], high[0]], 0, columns)
    top, bottom = np.clip([low[1], high[1]], 0, rows)
    return slice(int(top), int(bottom)), slice(int(left), int(right))


def _middles(where: slice, px_per_mm: float) -> Floats:
    return (np.arange(where.start, where.stop) + 0.5) / px_per_mm - PAD_MM


def _shadow(alpha: Bytes, shade_px: float) -> Bytes:
    """(rows, columns) 255 − what the card takes from the bed's light; it falls to the right and down of the front."""
    by = round(shade_px)
    moved = np.zeros_like(alpha)
    moved[by:, by:] = alpha[: alpha.shape[0] - by, : alpha.shape[1] - by]
    soft = cv2.GaussianBlur(moved, (0, 0), max(0.5 * shade_px, 0.5))
    return np.asarray(cv2.convertScaleAbs(soft, alpha=-SHADE, beta=255), np.uint8)
