"""What something at a position is like: to one side of it, a whole hole's disc, up to a hole's end, of the paper's hue."""

from __future__ import annotations

from functools import cache

import cv2
import numpy as np
from numpy.typing import NDArray

from reader.camera.patches import Plan, Singles
from reader.camera.unmix import Mixture, distance, dot

OPENING, FINE_OPENING = 0.42, 0.25
"""Rings, digits and scratches narrower than this share of the hole are no hole (morphological opening). The finer one
is for doubts."""
DISC_RIM = 0.2
"""A hole's rim, as a share of its half width."""
PAPER_HUE = 0.4
"""Nearer to the paper's hue than this, as a share of the way to the bed's, is paper, however dark it lies."""
END_FROM = 0.65
"""A hole's end begins at this share of its half height: printed digits and letters stay within."""


def disc_share(gone: Singles, looks: Plan) -> Singles:
    """(n,): how much is gone of a hole's middle, at the place within reach where most is: 1 for a whole hole, wherever
    the hand put it; a chad or a bite leaves some."""
    core = (looks.hole_mm < -DISC_RIM * min(looks.half_mm)).astype(np.float32)
    core = core[np.ix_(core.any(axis=1), core.any(axis=0))]
    near = np.hypot(looks.dx_mm[None], looks.dy_mm[:, None]) <= looks.search_mm
    kernel = core / core.sum()
    filled = [cv2.filter2D(g, cv2.CV_32F, kernel, borderType=cv2.BORDER_CONSTANT)[near].max() for g in gone]
    return np.array(filled, np.float32)


def paper_share(seen: Singles, paper: Singles, bed: Singles, other: Singles, looks: Plan) -> Singles:
    """(n,): how much of what is not the lit paper has the paper's hue: a chad that hangs into the card's shade.

    seen: (n, rows, columns, channels). other: (n, rows, columns), 1 where a sample is not the lit paper, solidly.
    """
    level = np.sqrt((paper * paper).sum(axis=1))
    one = paper / np.maximum(level, 1.0)[:, None]
    along, light = dot(seen, one), distance(seen, np.zeros_like(paper))
    beside = np.sqrt(np.maximum(light * light - along * along, 0))
    straight = (bed * one).sum(axis=1)
    apart = np.sqrt(np.maximum((bed * bed).sum(axis=1) - straight * straight, 0))
    hue = apart / np.maximum(np.sqrt((bed * bed).sum(axis=1)), 1.0)
    # What is lighter than the paper is the bed's gloss.
    shaded = (along < level[:, None, None]) & (beside < PAPER_HUE * hue[:, None, None] * light)
    near = other * looks.near.reshape(looks.hole_mm.shape)
    share: Singles = (shaded * near).sum(axis=(1, 2)) / np.maximum(near.sum(axis=(1, 2)), 1e-6)
    return share


def leaning(share: Singles, looks: Plan) -> Singles:
    """How far bed lies to one side of the hole: 0 for rings and letters around its middle, up to 0.4 for a half.

    A machine's narrow punch that fails leaves paper at one end; to its long sides only printed digits lean.
    """
    if not looks.is_round:
        return np.asarray(np.abs(share.reshape(len(share), -1) @ end_weights(looks).ravel()), np.float32)
    x, y = (share.reshape(len(share), -1) @ looks.lever).T
    found: Singles = np.hypot(x, y) / np.float32(looks.area_samples)
    return found


def end_weights(looks: Plan) -> Singles:
    """(rows, columns): what a sample of a machine's hole adds to leaning to an end, −to the upper one."""
    down = (looks.dy_mm / looks.half_mm[1])[:, None] * looks.closer.reshape(looks.hole_mm.shape)
    return np.asarray(down / looks.area_samples, np.float32)


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


def opened(share: Singles, looks: Plan, opening: float) -> Singles:
    """(n, rows, columns): what of the shares is no narrower than `opening`, as a share of the hole's smaller half width."""
    n, rows, columns = share.shape
    size = max(3, round(opening * looks.narrower_mm / looks.step_mm) | 1)
    # On its side, for OpenCV takes twice as long for rows as short as a patch's.
    lying = cv2.transpose(share.reshape(n * rows, columns))
    # A single dark pixel in a hole would make the opening lose the hole: the median fills it, and thins thin lines.
    found = cv2.transpose(cv2.morphologyEx(cv2.medianBlur(lying, 3), cv2.MORPH_OPEN, _round_brush(size)))
    return np.asarray(found, np.float32).reshape(share.shape)


def opened_share(share: Singles, looks: Plan, opening: float) -> Singles:
    """(n,): what `opened` leaves within reach of the hole, as a share of the hole's area."""
    left: Singles = opened(share, looks, opening).reshape(len(share), -1) @ looks.near
    return left / np.float32(looks.area_samples)


@cache
def _round_brush(size: int) -> NDArray[np.uint8]:
    """An ellipse of so many samples, on its side as `opened` needs it."""
    return np.asarray(cv2.transpose(cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (size, size))), np.uint8)


def wider(usual: Singles) -> Singles:
    """(rows, columns): one sample wider on every side, for print and outline lie off."""
    return np.asarray(cv2.dilate(usual, np.ones((3, 3), np.uint8)), np.float32)
