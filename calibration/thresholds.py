"""Where clear ends and punched begins on this machine, from what its own unpunched cards measure.

Whoever calibrates has cards without holes, but none that are known to be torn or half punched. So the clear side is
measured; of the punched side what can be known is how much of a hole is edge.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from calibration.blank import learn_blank, light, paper_mask, print_shift, raster_points, rasterise
from calibration.models import SPREAD_STEPS, Blank, Levels
from calibration.place import Fit, Tray
from calibration.plane import Floats
from calibration.weigh import weigh
from cards.layout import Layout

CLEAR_MIN, CLEAR_MAX = 0.04, 0.06
"""Bounds of what is called clear. Dirt and pencil on cards in use measure more than on new ones; a slit of 15 % loses
its rims, and may measure no more than the upper one."""
CLEAR_SPREADS = 6.0
"""So many spreads above what unpunched positions measure is not their noise."""
PUNCHED = 0.60
"""Open fraction of a whole hole by the design."""
PUNCHED_MIN, PUNCHED_MAX = 0.66, 0.75
"""Bounds of what is called punched: the lower is what a part-open hole's longer rim adds under any camera."""
EDGE_PX = 0.5
"""A hole's edge is seen to half a pixel of the picture."""


@dataclass(frozen=True)
class Thresholds:
    """clear_max, punched_min: open fractions that decide. clear_mean, clear_spread, clear_most: what unpunched
    positions measured; edge_share: how much of the smallest hole is edge."""

    clear_max: float
    punched_min: float
    clear_mean: float
    clear_spread: float
    clear_most: float
    edge_share: float


def thresholds(clear: Floats, layouts: Sequence[Layout], px_per_mm: float) -> Thresholds:
    """The thresholds from unpunched positions' open fractions, (n,), and the layouts that are read.

    Without any measured position (one blank card cannot be judged by itself) the upper bound stands.
    """
    mean, spread, most = (
        (float(clear.mean()), float(clear.std()), float(clear.max())) if len(clear) else (0.0, 0.0, 0.0)
    )
    measured = max(mean + CLEAR_SPREADS * spread, most) if len(clear) else CLEAR_MAX
    edge = max(_edge_share(layout, EDGE_PX / px_per_mm) for layout in layouts)
    return Thresholds(
        round(float(np.clip(measured, CLEAR_MIN, CLEAR_MAX)), 3),
        round(float(np.clip(PUNCHED + edge, PUNCHED_MIN, PUNCHED_MAX)), 3),
        round(mean, 5),
        round(spread, 5),
        round(most, 4),
        round(edge, 4),
    )


def _edge_share(layout: Layout, edge_mm: float) -> float:
    """The hole's rim, so wide, as a share of its area."""
    hole = layout.hole
    around = np.pi * hole.width_mm if hole.shape == "circle" else 2 * (hole.width_mm + hole.height_mm)
    return float(around * edge_mm / hole.area_mm2)


def clear_scores(
    tray: Tray, images: Sequence[Levels], fits: Sequence[Fit], layout: Layout, face: Literal["front", "back"]
) -> Floats:
    """(cards · positions,) how open each unpunched position looks, each card judged by the others alone.

    images: (height, width) uint8 in the profile's channel. Empty for fewer than two cards.
    """
    if len(images) < 2:
        return np.zeros(0)
    found = []
    for k, (image, fit) in enumerate(zip(images, fits, strict=True)):
        rest = [n for n in range(len(images)) if n != k]
        model = learn_blank(tray, [images[n] for n in rest], [fits[n] for n in rest], layout, face)
        found.append(_open(tray, image, fit, layout, model))
    return np.concatenate(found)


def _open(tray: Tray, image: Levels, fit: Fit, layout: Layout, model: Blank) -> Floats:
    """(positions,) open fraction of a card's nominal holes against a model."""
    size, inside = (layout.width_mm, layout.height_mm), paper_mask(layout)
    mapped = tray.map(fit.pose, *size)
    mean = model.mean.astype(np.float32)
    card = rasterise(image, mapped, size, (0.0, 0.0))
    shift = print_shift(card.astype(np.float32) / light(card, mean, inside), mean, inside)
    card = rasterise(image, mapped, size, shift)
    bed, noise = (
        rasterise(levels, mapped, size, shift).astype(np.float32) for levels in (tray.bed.mean, tray.bed.spread)
    )
    paper, steps = mean * light(card, mean, inside), np.float32(SPREAD_STEPS)
    opened, _ = weigh(card.astype(np.float32), paper, model.spread.astype(np.float32) / steps, bed, noise / steps)
    x, y = raster_points(size)
    half = layout.hole.width_mm / 2, layout.hole.height_mm / 2
    found = []
    for p in layout.positions:
        u, v = np.meshgrid((x + size[0] / 2 - p.x_mm) / half[0], (y + size[1] / 2 - p.y_mm) / half[1], sparse=True)
        hole = u * u + v * v <= 1 if layout.hole.shape == "circle" else (np.abs(u) <= 1) & (np.abs(v) <= 1)
        found.append(float(opened[hole].mean()) / 255)
    return np.array(found)
