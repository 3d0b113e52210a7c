"""The empty bed: what it looks like, how much that varies, and whether anything lies on it."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from calibration.errors import CalibrationError
from calibration.models import SPREAD_STEPS, Bed, Levels

NEIGHBOURHOOD_PX = 15
"""Felt is never twice the same: what lies within so far counts as the same place."""
SPREAD_MIN = 1.5
"""Levels: sensor noise and JPEG, which three pictures do not tell at every pixel."""
FLICKER_MAX = 0.05
"""Beds whose brightness differs by more are not one bed under one lamp."""
CHANGE_MAX = 0.004
"""Share of the picture that may differ between two pictures of the empty bed: a hand or a card is more."""


def learn_bed(images: Sequence[Levels], names: Sequence[str]) -> Bed:
    """The bed from pictures of it, (height, width) uint8 each, in the profile's channel.

    Raises `CalibrationError` when something lies on one of them, or the lamp changed between them.
    """
    if not images:
        raise CalibrationError("bed: no picture of the empty bed; take three with nothing on it")
    stack = np.stack([cv2.GaussianBlur(image.astype(np.float32), (3, 3), 0) for image in images])
    # By the median, so that a hand in one picture is found as a hand and not as another lamp.
    middle = np.maximum(np.median(stack, axis=0), 1.0)
    levels = np.median((stack / middle).reshape(len(stack), -1), axis=1)
    flicker = float(levels.std())
    if flicker > FLICKER_MAX:
        raise CalibrationError(f"bed: brightness differs by {flicker:.0%} between the pictures; fix lamp and exposure")
    stack = stack / levels[:, None, None].astype(np.float32)
    middle = np.median(stack, axis=0)
    for name, image in zip(names, stack, strict=True):
        off = cv2.blur(np.abs(image - middle), (9, 9))
        changed = float((off > np.maximum(10.0, 0.15 * middle)).mean())
        if changed > CHANGE_MAX:
            raise CalibrationError(
                f"bed: {name} differs from the others in {changed:.1%} of the picture; clear the bed"
            )
    mean = stack.mean(axis=0)
    size = (NEIGHBOURHOOD_PX, NEIGHBOURHOOD_PX)
    local = cv2.blur(mean, size)
    variance = cv2.blur((mean - local) ** 2, size) + cv2.blur(stack.var(axis=0), size)
    spread = np.sqrt(np.maximum(variance, SPREAD_MIN**2)) * SPREAD_STEPS
    return Bed(
        np.clip(np.rint(mean), 0, 255).astype(np.uint8),
        np.clip(np.rint(spread), 0, 255).astype(np.uint8),
        len(images),
        round(flicker, 5),
    )
