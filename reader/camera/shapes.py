"""What shape something has at a position: to one side of it, a whole hole's disc, up to a hole's end."""

from __future__ import annotations

import cv2
import numpy as np

from reader.camera.patches import Plan, Singles
from reader.camera.unmix import Mixture

DISC_RIM = 0.2
"""A hole's rim, as a share of its half width."""
END_FROM = 0.65
"""A hole's end begins at this share of its half height: printed digits and letters stay within."""


def disc_share(gone: Singles, looks: Plan, search_mm: float) -> Singles:
    """(n,): how much is gone of a hole's middle, at the place within reach where most is: 1 for a whole hole, wherever
    the hand put it; a chad or a bite leaves some."""
    core = (looks.hole_mm < -DISC_RIM * min(looks.half_mm)).astype(np.float32)
    core = core[np.ix_(core.any(axis=1), core.any(axis=0))]
    near = np.hypot(looks.dx_mm[None], looks.dy_mm[:, None]) <= search_mm
    kernel = core / core.sum()
    filled = [cv2.filter2D(g, cv2.CV_32F, kernel, borderType=cv2.BORDER_CONSTANT)[near].max() for g in gone]
    return np.array(filled, np.float32)


def leaning(share: Singles, looks: Plan, search_mm: float) -> Singles:
    """How far bed lies to one side of the hole: 0 for rings and letters around its middle, up to 0.4 for a half.

    A machine's narrow punch that fails leaves paper at one end; to its long sides only printed digits lean.
    """
    near = share * (looks.hole_mm < search_mm / 3)
    x = near.sum(axis=1) @ (looks.dx_mm / looks.half_mm[0]).astype(np.float32) if looks.is_round else 0.0
    y = near.sum(axis=2) @ (looks.dy_mm / looks.half_mm[1]).astype(np.float32)
    found: Singles = np.hypot(x, y) / np.float32(looks.area_samples)
    return found


def end_share(mixture: Mixture, looks: Plan) -> Singles:
    """(n,): how much of a machine's hole's end is not paper, of the end where more is not; 1 in a round hole.

    Whatever a narrow punch opens reaches an end; print that stands in the hole's middle reaches none.
    """
    if looks.is_round:
        return np.ones(len(mixture.contrast), np.float32)
    from_middle = looks.dy_mm[:, None] / looks.half_mm[1]
    shares = np.maximum(np.maximum(mixture.open, mixture.loose), mixture.unlike)
    ends = [shares[:, (looks.hole_mm < 0) & (way * from_middle > END_FROM)].mean(axis=1) for way in (-1, 1)]
    return np.asarray(np.maximum(*ends), np.float32)
