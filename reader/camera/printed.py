"""Whether the print around a card's positions is its blank's. Another card of the same outline has its rings elsewhere; the
same card in another language has them at the same places."""

from __future__ import annotations

import cv2
import numpy as np

from calibration.models import Levels
from calibration.plane import Singles
from cards.layout import Layout

AROUND_MM, SMOOTH_MM = 1.0, 4.0
"""Print is looked at so far beyond a hole, and counts against the middle level of a square of such a side."""
CONTRAST_MIN = 10.0
"""Levels: fainter print is paper."""
SAMPLES, SAMPLES_MIN = 1000, 150
"""So many spots are asked, and with fewer nothing is told."""
ALIKE_MIN = 0.3
"""Least share of print that is where the blank has it. The blank's own cards measured from 0.47 (dark artwork over felt), in
another language from 0.57, other cards of the same outline up to 0.15."""


class Print:
    """The print of one blank. here: (n,) indices of its spots in the raster.

    level: (rows, columns) the blank. paper: 255 where it is surely paper.
    """

    def __init__(self, layout: Layout, level: Levels, paper: Levels, px_per_mm: float) -> None:
        near = np.zeros(level.shape, np.uint8)
        reach_px = round((max(layout.hole.width_mm, layout.hole.height_mm) / 2 + AROUND_MM) * px_per_mm)
        for x, y in np.rint(layout.centres_mm * px_per_mm).astype(int).tolist():
            cv2.circle(near, (x, y), reach_px, 255, -1)
        around = np.asarray(cv2.medianBlur(level, 2 * round(SMOOTH_MM * px_per_mm / 2) + 1), np.float32)
        ink = level - around
        told = np.flatnonzero((near > 0) & (paper > 0) & (np.abs(ink) > CONTRAST_MIN))
        self.here = told[:: max(len(told) // SAMPLES, 1)]
        self._around: Singles = around.ravel()[self.here]
        self._per_ink: Singles = np.float32(1) / ink.ravel()[self.here]

    def alike(self, seen: Levels, light: Singles) -> float | None:
        """The share of print that is there, of the spots that show print or bare paper; `None` with too few.

        seen: (rows, columns) the card on the blank's raster. light: (n,) how much brighter it is at `here`.
        """
        ink = (seen.ravel().take(self.here) / light - self._around) * self._per_ink
        there = np.count_nonzero((ink > 0.5) & (ink < 2))
        bare = np.count_nonzero(np.abs(ink) <= 0.5)
        return there / (there + bare) if there + bare >= SAMPLES_MIN else None
