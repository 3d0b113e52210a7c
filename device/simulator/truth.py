"""What is really there at every position: the open share of its nominal hole, from the geometry of the cuts alone."""

from __future__ import annotations

import math
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from cards.layout import Layout, Position
from device.simulator.card import Card, Cut, Path, inside, on_flap

Truth = Literal["punched", "clear", "ambiguous"]
PUNCHED_MIN, CLEAR_MAX = 0.60, 0.15
"""The open share from which a position counts as punched, and up to which as clear."""
STEP_MM = 0.1
"""Of the grid on which odd holes are measured."""
SAME_MM = 1e-6


def truth(layout: Layout, card: Card) -> dict[str, Truth]:
    """Position name → what is really there."""
    return {name: kind(share) for name, share in open_shares(layout, card).items()}


def kind(share: float) -> Truth:
    """An open share in words."""
    return "clear" if share <= CLEAR_MAX else "ambiguous" if share < PUNCHED_MIN else "punched"


def open_shares(layout: Layout, card: Card) -> dict[str, float]:
    """Position name → how much of its nominal hole shows the bed, at the best place within the layout's tolerance."""
    odd = [_box(t.points) for t in card.tears] + [_box(c.points) for c in card.covers]
    centres = np.array([[c.x_mm, c.y_mm] for c in card.cuts]).reshape(-1, 2)
    reach = layout.hole.tolerance_mm + math.hypot(layout.hole.width_mm, layout.hole.height_mm)
    shares: dict[str, float] = {}
    for p in layout.positions:
        near = np.flatnonzero(np.hypot(centres[:, 0] - p.x_mm, centres[:, 1] - p.y_mm) < reach)
        mine = [card.cuts[k] for k in near]
        beside = any(_touches(box, p, reach) for box in odd)
        shares[p.name] = _share(layout, card, p, mine, beside) if mine or beside else 0.0
    return shares


def strays(layout: Layout, card: Card) -> list[Cut]:
    """Cuts at no position: none has its middle within the tolerance of theirs, nor do they only widen one that has."""
    most = layout.hole.tolerance_mm + SAME_MM
    xy = np.array([[p.x_mm, p.y_mm] for p in layout.positions])
    at_home = [bool(np.hypot(xy[:, 0] - c.x_mm, xy[:, 1] - c.y_mm).min() <= most) for c in card.cuts]
    homes = [c for c, home in zip(card.cuts, at_home, strict=True) if home]
    return [
        c
        for c, home in zip(card.cuts, at_home, strict=True)
        if not home and not any(math.hypot(h.x_mm - c.x_mm, h.y_mm - c.y_mm) < c.width_mm for h in homes)
    ]


def _share(layout: Layout, card: Card, p: Position, mine: list[Cut], beside: bool) -> float:
    near = [c for c in mine if not _is_elsewhere(layout, p, c)]
    if not beside and not near:
        return 0.0
    if not beside and len(near) == 1 and _is_nominal(layout, p, near[0]):
        # No other place of the hole shows more than this one: all that is open lies in it.
        return 1 - near[0].flap
    return _measured(layout, card, p, mine)


def _is_nominal(layout: Layout, p: Position, cut: Cut) -> bool:
    """A hole of the nominal size within tolerance, without a chad on a hinge: nothing to measure."""
    hole = layout.hole
    same = (cut.width_mm, cut.height_mm, cut.round) == (hole.width_mm, hole.height_mm, hole.shape == "circle")
    near = math.hypot(cut.x_mm - p.x_mm, cut.y_mm - p.y_mm) <= hole.tolerance_mm + SAME_MM
    return same and near and cut.swing_deg is None


def _is_elsewhere(layout: Layout, p: Position, cut: Cut) -> bool:
    """Too far off for its edge to reach the hole at its furthest allowed place."""
    hole = layout.hole
    dx = abs(cut.x_mm - p.x_mm) - hole.tolerance_mm - (hole.width_mm + cut.width_mm) / 2
    dy = abs(cut.y_mm - p.y_mm) - hole.tolerance_mm - (hole.height_mm + cut.height_mm) / 2
    return max(dx, dy) >= 0


def _measured(layout: Layout, card: Card, p: Position, mine: list[Cut]) -> float:
    hole = layout.hole
    half = np.array([hole.width_mm, hole.height_mm]) / 2 + hole.tolerance_mm
    x = np.arange(-half[0], half[0] + STEP_MM / 2, STEP_MM) + p.x_mm
    y = np.arange(-half[1], half[1] + STEP_MM / 2, STEP_MM) + p.y_mm
    gx, gy = np.meshgrid(x, y)
    gone = np.zeros(gx.shape, np.uint8)
    for cut in mine:
        gone |= inside(cut, gx, gy).astype(np.uint8)
    for tear in card.tears:
        gone |= filled(tear.points, x, y)
    for cut in mine:
        # Where another stroke went through, a flap is gone too.
        covered = on_flap(cut, gx, gy)
        for other in mine:
            if other is not cut:
                covered &= ~inside(other, gx, gy)
        gone[covered] = 0
    for cover in card.covers:
        gone[filled(cover.points, x, y) > 0] = 0
    return _best(gone, layout)


def _best(gone: NDArray[np.uint8], layout: Layout) -> float:
    hole = layout.hole
    rows, columns = round(hole.height_mm / STEP_MM) // 2, round(hole.width_mm / STEP_MM) // 2
    y, x = np.mgrid[-rows : rows + 1, -columns : columns + 1] * STEP_MM
    shape = inside(Cut(0, 0, hole.width_mm, hole.height_mm, hole.shape == "circle"), x, y).astype(np.float32)
    shares = cv2.filter2D(gone.astype(np.float32), cv2.CV_32F, shape / shape.sum(), borderType=cv2.BORDER_CONSTANT)
    h, w = gone.shape
    dy, dx = np.mgrid[:h, :w]
    off = np.hypot(dx - (w - 1) / 2, dy - (h - 1) / 2) * STEP_MM
    return float(np.clip(shares[off <= hole.tolerance_mm + STEP_MM / 2].max(), 0, 1))


def filled(points: Path, x_mm: NDArray[np.float64], y_mm: NDArray[np.float64]) -> NDArray[np.uint8]:
    """(rows, columns) 1 inside the polygon, on an even grid."""
    mask = np.zeros((len(y_mm), len(x_mm)), np.uint8)
    step = float(x_mm[1] - x_mm[0])
    xy = (np.array(points) - [x_mm[0], y_mm[0]]) / step
    cv2.fillPoly(mask, [np.rint(xy * 16).astype(np.int32)], 1, cv2.LINE_8, 4)
    return mask


def _box(points: Path) -> tuple[float, float, float, float]:
    xy = np.array(points)
    (left, top), (right, bottom) = xy.min(axis=0), xy.max(axis=0)
    return float(left), float(top), float(right), float(bottom)


def _touches(box: tuple[float, float, float, float], p: Position, reach_mm: float) -> bool:
    left, top, right, bottom = box
    return left - reach_mm < p.x_mm < right + reach_mm and top - reach_mm < p.y_mm < bottom + reach_mm
