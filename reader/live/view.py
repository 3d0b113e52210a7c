"""Cheap questions to a small copy of a frame: does something move, is something there, does it reach in, is it dark."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

Small = NDArray[np.uint8]
Mask = NDArray[np.bool_]

SIDE_PX = 256
"""Longer side of the small copy, at most; and it is at most a quarter of the frame's."""
MOVES_LEVELS, MOVES_SHARE = 14, 0.001
"""Grey levels by which a pixel must differ from the frame before, and the share of pixels from which that is motion."""
THERE_LEVELS = 20
"""Grey levels by which a pixel must differ from the empty bed to be something that lies there."""
REACHES_SHARE = 0.02
"""Share of the picture's border that something must cover to reach into it."""
SURROUNDS_SHARE = 0.9
"""Share of the border from which it is not something that reaches in, but the bed or the light that is another."""
DARK_SHARE = 0.5
"""Of the empty bed's brightness at the border: below it the lamp is off, or nearly."""
LIT_LEVELS = 70
"""Grey levels that only a lamp makes."""
BLACK_LEVELS = 3
"""Not even a lit spot anywhere: nothing can be seen, whatever the bed."""
BRIGHTER, BRIGHTER_LEVELS = 2.0, 6.0
"""Factor and levels from which a bed that got brighter was learnt in the dark."""
GLARE_LEVELS, GLARE_SHARE = 252, (0.003, 0.3)
"""Levels that are no paper, and the share of the picture that a reflection covers."""


def small_copy(grey: NDArray[np.uint8]) -> Small:
    """(rows, columns) uint8: halved until it is small, at least twice; an odd last row or column is left out.

    Halving is by far the quickest way to a mean over blocks: other factors cost OpenCV ten times as much.
    """
    small, halvings = grey, 0
    while (halvings < 2 or max(small.shape) > SIDE_PX) and min(small.shape) >= 2:
        rows, columns = small.shape[0] // 2, small.shape[1] // 2
        even = small[: 2 * rows, : 2 * columns]
        small = np.asarray(cv2.resize(even, (columns, rows), interpolation=cv2.INTER_AREA), np.uint8)
        halvings += 1
    return small


def moves(now: Small, before: Small) -> bool:
    """Whether something moved between two frames. A lamp that flickers changes everything alike, and is no motion."""
    if now.shape != before.shape:
        return True
    gain = float(np.clip((now.mean() + 1) / (before.mean() + 1), 0.5, 2.0))
    level = cv2.convertScaleAbs(before, alpha=gain)
    changed = int(np.count_nonzero(cv2.absdiff(now, level) > MOVES_LEVELS))
    return changed > max(MOVES_SHARE * now.size, 2)


def ring(small: Small) -> Small:
    """The pixels of the border, once around."""
    return np.concatenate([small[0], small[-1], small[1:-1, 0], small[1:-1, -1]])


@dataclass(frozen=True)
class Bed:
    """What the empty bed looks like. level: (rows, columns) float32, drifting with the light. sure: no card is under it."""

    level: NDArray[np.float32]
    sure: bool = True

    @classmethod
    def of(cls, small: Small, sure: bool = True) -> Bed:
        """As it is now."""
        return cls(small.astype(np.float32), sure)

    def fits(self, small: Small) -> bool:
        """Whether both come from the same camera mode."""
        return self.level.shape == small.shape

    def there(self, small: Small) -> Mask:
        """Where something lies: pixels that are not the bed under the light of now."""
        border, known = ring(small).astype(np.float32), ring(self.level.astype(np.uint8))
        gain = float(np.clip(np.median((border + 1) / (known.astype(np.float32) + 1)), 0.5, 2.0))
        return np.asarray(np.abs(small - gain * self.level) > THERE_LEVELS)

    def drifted(self, small: Small, there: Mask) -> Bed:
        """A little nearer to what the bed looks like now, where nothing lies."""
        level = np.where(there, self.level, self.level + np.float32(0.02) * (small - self.level))
        return Bed(level.astype(np.float32), self.sure)

    def shows(self, small: Small, share: float) -> bool:
        """Whether this is the bed, lit, with no more than a share of it covered."""
        return float(self.there(small).mean()) <= share and not self.is_dark(small)

    def is_dark(self, small: Small) -> bool:
        """Whether the lamp is off. A hand or a card covers a part of the border only, so the bright tenth of it tells.

        What is bright anywhere is lit: then the bed is another one.
        """
        then, now = (float(np.percentile(ring(x), 90)) for x in (self.level.astype(np.uint8), small))
        return now < DARK_SHARE * then and float(np.percentile(small, 98)) < LIT_LEVELS

    def was_dark(self, small: Small) -> bool:
        """Whether this bed was learnt when there was no light to see by."""
        then, now = (float(np.median(ring(x))) for x in (self.level.astype(np.uint8), small))
        return now > BRIGHTER * then + BRIGHTER_LEVELS


def is_black(small: Small) -> bool:
    """Whether nothing at all can be seen."""
    return float(np.percentile(small, 98)) <= BLACK_LEVELS


def reaches_in(there: Mask) -> bool:
    """Whether what lies there crosses the picture's border: a hand, a sleeve, or a card that is not whole in view."""
    return float(ring(there.astype(np.uint8)).mean()) > REACHES_SHARE


def surrounds(there: Mask) -> bool:
    """Whether the whole border changed: another light or another bed, no hand."""
    return float(ring(there.astype(np.uint8)).mean()) > SURROUNDS_SHARE


def glares(small: Small) -> bool:
    """Whether a lamp is reflected: burnt-out spots in a picture that is not burnt out all over."""
    share = float(np.mean(small >= GLARE_LEVELS))
    return GLARE_SHARE[0] < share < GLARE_SHARE[1] and float(np.median(ring(small))) < 200
