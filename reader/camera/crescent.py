"""Bed along a hole's rim: what a chad that hangs, or a bite beside the place, leaves open.

A crescent hugs an arc of the hole's own size, wherever within the layout's tolerance the punch fell. Print inside the
ring, however dark, does not follow that arc for long; a printed ring follows it all round and on neither side more.

Blur takes a narrow arc's depth and leaves its sum, and steps that tell bed from paper see nothing of it any more: then
the shade itself is asked, which needs no step, and to which side of the hole it lies.
"""

from __future__ import annotations

from functools import cache

import cv2
import numpy as np
from numpy.typing import NDArray

from reader.camera.patches import Plan, Singles, middle
from reader.camera.shapes import wider

THICK = 0.24
"""A crescent's thickness in radii where it is thickest: open by 15 % of the hole."""
GAP, BAND = 0.05, 0.30
"""Paper lies from so many radii outside the rim on, and as far inside the crescent."""
WAYS = 12
BED_DARK_MIN = 0.08
"""A bed that takes less of the paper's light than this is no shade."""
USUAL_FROM = 20
"""So many positions without a hole, of those that are looked at closely, tell what is usual."""
SHADE_FULL = 1.2
"""Deeper than the bed by this counts as no more: a hole's own shade, or ink."""


@cache
def _templates(radius: float) -> tuple[Singles, ...]:
    """(k, k) each: +1/area in the crescent, −½/area on the paper outside it and on the chad inside it."""
    size = int(np.ceil(radius * (1 + GAP + BAND)))
    y, x = np.mgrid[-size : size + 1, -size : size + 1] / radius
    found = []
    for way in np.arange(WAYS) * 2 * np.pi / WAYS:
        dx, dy = np.cos(way), np.sin(way)
        r = np.hypot(x, y)
        ahead = (x * dx + y * dy) > 0.5 * r
        chad = np.hypot(x + THICK * dx, y + THICK * dy)
        lune = (r < 1) & (chad > 1) & ahead
        outside = (r > 1 + GAP) & (r < 1 + GAP + BAND) & ahead
        inside = (chad < 1 - GAP) & (chad > 1 - GAP - BAND) & ahead
        found.append(
            (lune / lune.sum() - 0.5 * outside / outside.sum() - 0.5 * inside / inside.sum()).astype(np.float32)
        )
    return tuple(found)


def crescents(gone: Singles, looks: Plan) -> Singles:
    """(n,): the best crescent's contrast in each (n, rows, columns) patch of shares, 0 to about 1."""
    n, rows, columns = gone.shape
    radius = looks.half_mm[0] / looks.step_mm
    tall = gone.reshape(n * rows, columns)
    ways = [
        cv2.filter2D(tall, cv2.CV_32F, template, borderType=cv2.BORDER_REPLICATE)
        for template in _templates(round(radius, 1))
    ]
    best = np.zeros((n * rows, columns), np.float32)
    for one, other in zip(ways, ways[WAYS // 2 :] + ways[: WAYS // 2], strict=True):
        np.maximum(best, one - np.maximum(other, 0), out=best)
    near = np.hypot(looks.dx_mm[None], looks.dy_mm[:, None]) <= looks.search_mm
    return np.asarray(best.reshape(n, rows, columns)[:, near].max(axis=1))


def shaded(dark: Singles, bed_dark: Singles, usual: Singles, clear: NDArray[np.bool_]) -> Singles:
    """(n, rows, columns): how much darker than at the card's other positions, as a share of the bed's own darkness.

    dark: (n, rows, columns), see `darkness`. bed_dark: (n, 1, 1), the bed's. usual: (rows, columns), what is dark at most
    positions. clear: (n,) where there is no hole; if these are many, they tell the usual more finely than a glance did.
    """
    if clear.sum() >= USUAL_FROM:
        usual = middle(dark[clear], axis=0)
    share = np.clip((dark - wider(usual)) / np.clip(bed_dark, BED_DARK_MIN, 1), 0, SHADE_FULL)
    return np.asarray(share * (bed_dark > BED_DARK_MIN), np.float32)
