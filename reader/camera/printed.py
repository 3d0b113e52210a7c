"""Whether the print around a card's positions is its blank's. Another card of the same outline has its rings elsewhere; the
same card in another language has them at the same places."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from calibration.models import Levels
from calibration.plane import Singles
from cards.layout import Layout

AROUND_MM, SMOOTH_MM = 1.0, 4.0
"""Print is looked for so far beyond a hole, as what differs from the middle level of a square of such a side."""
CONTRAST_MIN, PLAIN_MAX = 10.0, 3.0
"""Levels: fainter print is not asked, and what is fainter than the other is plain paper."""
SAMPLES, SAMPLES_MIN = 500, 150
"""So many pairs of spots are asked, and with fewer nothing is told."""
OFF_MAX = 2.0
"""What differs by more than so much of the blank's print, to either side, is a hole or a stain and is left out."""
ALIKE_MIN = 0.25
"""Least share of the blank's print that a card must have. Its own cards, in whatever language and light, had from 0.33 in focus;
other cards of the same outline up to 0.06; and its own where the camera has moved, in between."""


class Print:
    """The print of one blank, as spots of print and, to each, the nearest plain paper.

    here: (n,) indices of the spots of print in the raster. level: (rows, columns) the blank. paper: 255 where it is surely
    paper.
    """

    def __init__(self, layout: Layout, level: Levels, paper: Levels, px_per_mm: float) -> None:
        near = np.zeros(level.shape, np.uint8)
        reach_px = round((max(layout.hole.width_mm, layout.hole.height_mm) / 2 + AROUND_MM) * px_per_mm)
        for x, y in np.rint(layout.centres_mm * px_per_mm).astype(int).tolist():
            cv2.circle(near, (x, y), reach_px, 255, -1)
        around = cv2.medianBlur(level, 2 * round(SMOOTH_MM * px_per_mm / 2) + 1)
        ink = np.where(paper > 0, cv2.absdiff(level, around), 0)
        told = np.flatnonzero((near > 0) & (ink > CONTRAST_MIN))
        plain = _nearest((paper > 0) & (ink < PLAIN_MAX)).ravel()[told]
        levels = level.ravel().astype(np.float32)
        off = levels[told] - levels[plain]
        asked = np.flatnonzero(np.abs(off) > CONTRAST_MIN)
        asked = asked[:: max(len(asked) // SAMPLES, 1)]
        self.here = told[asked]
        self._pairs = np.stack([self.here, plain[asked]])
        self._per_ink: Singles = np.float32(1) / off[asked]
        self._weight: Singles = np.abs(off[asked])

    def alike(self, seen: Levels, light: Singles) -> float | None:
        """How much of the blank's print is there: 1 all of it, about 0 where there is another print or none; `None` with too
        few spots that tell.

        Print is compared with the paper beside it, so that neither light that falls otherwise nor noise passes for print.
        seen: (rows, columns) the card on the blank's raster. light: (n,) how much brighter it is at `here`.
        """
        ink, plain = seen.ravel().take(self._pairs).astype(np.float32)
        share = (ink - plain) / light * self._per_ink
        told = np.abs(share) <= OFF_MAX
        weight = self._weight * told
        return float(weight @ share / weight.sum()) if np.count_nonzero(told) >= SAMPLES_MIN else None


def _nearest(there: NDArray[np.bool_]) -> NDArray[np.intp]:
    """(rows, columns): the index of the nearest pixel that is `there`."""
    _, label = cv2.distanceTransformWithLabels(
        (~there).astype(np.uint8), cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL
    )
    found = np.zeros(int(label.max()) + 1, np.intp)
    found[np.asarray(label)[there]] = np.flatnonzero(there)
    return np.asarray(found[label])
