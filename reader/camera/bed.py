"""The bed around a card: what kind it is, what it looks like, and the picture that the card is judged by."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from reader.camera.geometry import Floats, Geometry
from reader.camera.patches import Plan, Singles, middle, middle_of, sample

BedKind = Literal["black", "lit", "coloured"]

BED_GAP_MM = 2.5
"""The bed is looked at this far outside the card: beyond the card's own shadow, before whatever else lies about."""
DARK_BED = 60.0
"""Below this brightest channel (8 bit) a bed counts as black: its shades are all alike."""
DARK_GREY_BED, GREY_SATURATION = 80.0, 0.2
"""A bed that is seen to have no colour still counts as black up to this: cameras lift shadows."""
LIT_BED = 235.0
"""Above this darkest channel a bed counts as lit: it shines through, nothing shades it."""
TYPICAL_OF = 64
"""So many of the bed's colours tell the middle one."""
GLOSSY_SATURATION = 0.5
"""A bed more saturated than this is paint or print and may shine: its holes may hold a veil of white."""


@dataclass(frozen=True)
class Ground:
    """What a bed is like. kind: `black`, too dark to have shades; `lit`, shines by itself, brighter than any print; else
    `coloured`. is_glossy: paint or print, which may shine."""

    kind: BedKind
    is_glossy: bool = False

    @property
    def is_point(self) -> bool:
        """Whether it has no shades, so that grey pictures suffice."""
        return self.kind != "coloured"

    @property
    def is_lit(self) -> bool:
        """Whether it shines by itself."""
        return self.kind == "lit"


def ground_of(bed: Singles) -> Ground:
    """bed: (n, channels), its colours."""
    if bed.max() < DARK_BED:
        return Ground("black")
    if bed.min() > LIT_BED:
        return Ground("lit")
    # From some dozens of them.
    typical = middle(bed[:: -(-len(bed) // TYPICAL_OF) or 1], axis=0)
    brightest, darkest = float(typical.max()), float(typical.min())
    saturation = (brightest - darkest) / max(brightest, 1.0)
    neutral = len(typical) > 1 and saturation < GREY_SATURATION
    if brightest < (DARK_GREY_BED if neutral else DARK_BED):
        return Ground("black")
    return Ground("lit") if darkest > LIT_BED else Ground("coloured", saturation > GLOSSY_SATURATION)


@dataclass(frozen=True)
class Bed:
    """What the bed looks like around the card.

    at_mm: (m, 2) places beside the card. colour: (m, channels) float32, the median of a few pixels there.
    """

    at_mm: Floats
    colour: Singles

    @cached_property
    def ground(self) -> Ground:
        """What all of it is like: at one shaded place wood is as dark as felt."""
        return ground_of(self.colour)

    def beneath(self, points_mm: Floats, reach_mm: float = 35.0) -> Singles:
        """(n, channels): the bed under the card at these points, from the places beside it, near ones first."""
        # In units in which the weight is exp(−x² − y²).
        to, at = ((p.T / (np.sqrt(2) * reach_mm)).astype(np.float32) for p in (points_mm, self.at_mm))
        x, y = (to[k][:, None] - at[k] for k in (0, 1))
        weight = np.exp(-(x * x + y * y)) + np.float32(1e-3)
        mixed: Singles = (weight @ self.colour) / weight.sum(axis=1, keepdims=True)
        return mixed


@dataclass(frozen=True)
class View:
    """What a card is judged by. image: (h, w) or (h, w, 3) uint8. bed: as it looks in that image. around: (m, channels),
    the colours beside the card, whatever lies there."""

    image: NDArray[np.uint8]
    bed: Bed
    around: Singles


def view(image: NDArray[np.uint8], geometry: Geometry) -> View:
    """The image, and the bed in it around the card."""
    at, around = beside(image, geometry)
    return View(image, _bed_of(at, around), around)


def _bed_of(at: Floats, colour: Singles) -> Bed:
    """The bed from small blocks around the card; blocks unlike the rest (a pen, another card) are left out."""
    typical = middle(colour, axis=0)
    shade = colour @ typical / max(float(typical @ typical), 1.0)
    hue_off = np.linalg.norm(colour - shade[:, None] * typical, axis=1)
    same = (hue_off < 20 + 2 * middle_of(hue_off)) & (np.abs(colour - typical).max(axis=1) < 25 + 0.5 * typical.max())
    return Bed(at[same], colour[same].astype(np.float32))


def beside(image: NDArray[np.uint8], geometry: Geometry) -> tuple[Floats, Singles]:
    """(m, 2) mm, places around the card, and (m, channels), the median colour there, whatever lies there."""
    at = _around(geometry.width_mm, geometry.height_mm)
    step = 1 / max(geometry.px_per_mm, 1e-3)
    offsets: Floats = np.arange(-3.0, 4.0) * min(step * 1.5, 0.45)
    spots = _Spots(offsets, offsets)
    return at, middle(spots.sample(image, geometry, at), axis=1)


@lru_cache(maxsize=16)
def _around(w: float, h: float) -> Floats:
    """(64, 2) mm: places beside a card."""
    along_w, along_h = (np.arange(20) + 0.5) / 20 * w, (np.arange(12) + 0.5) / 12 * h
    gap = BED_GAP_MM
    sides = ((along_w, -gap), (along_w, h + gap), (-gap, along_h), (w + gap, along_h))
    at = np.concatenate([np.stack(np.broadcast_arrays(x, y), axis=1) for x, y in sides])
    at.setflags(write=False)
    return at


@dataclass(frozen=True)
class _Spots:
    dx_mm: Floats
    dy_mm: Floats

    def sample(self, image: NDArray[np.uint8], geometry: Geometry, at_mm: Floats) -> Singles:
        looks = Plan(0.0, self.dx_mm, self.dy_mm, np.zeros((1, 1)), np.zeros((1, 1), bool), 0.0)
        seen = sample(image, geometry, looks, at_mm)
        return seen.reshape(len(at_mm), -1, seen.shape[3])
