"""What a profile holds, as plain data: where cards lie, what the empty bed looks like, what a blank card looks like."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

Channel = Literal["grey", "blue", "green", "red"]
CHANNELS: tuple[Channel, ...] = ("grey", "blue", "green", "red")
Levels = NDArray[np.uint8]

SPREAD_STEPS = 8
"""Spreads are kept as bytes in steps of 1/8 level: up to 31.9 levels, fine enough for a still bed."""
BLANK_PX_PER_MM = 3.0
"""Raster of a blank card: 0.33 mm a pixel is a twelfth of a 4 mm hole, and a third of what such a camera sees."""


@dataclass(frozen=True)
class Plane:
    """The plane that cards lie in, before the camera: mm on the plane (x right and y down in the picture) → camera mm.

    rotation: (3,) Rodrigues vector. translation_mm: (3,). residual_mm: median distance between the blank cards' edges
    as seen and as predicted.
    """

    rotation: NDArray[np.float64]
    translation_mm: NDArray[np.float64]
    residual_mm: float

    @cached_property
    def matrix(self) -> NDArray[np.float64]:
        """(3, 3): the rotation as a matrix."""
        return np.asarray(cv2.Rodrigues(self.rotation)[0], np.float64)

    @cached_property
    def flat(self) -> NDArray[np.float64]:
        """(3, 3): (x, y, 1) on the plane → mm before the camera."""
        return np.column_stack([self.matrix[:, :2], self.translation_mm])


@dataclass(frozen=True)
class Bed:
    """The empty bed in the profile's channel.

    mean: (height, width) uint8. spread: (height, width) uint8, standard deviation in 1/`SPREAD_STEPS` levels, over the
    pictures and over the neighbourhood (what lies under a card moves a little). frames: how many pictures. flicker:
    relative standard deviation of the pictures' overall brightness.
    """

    mean: Levels
    spread: Levels
    frames: int
    flicker: float


@dataclass(frozen=True)
class Blank:
    """An unpunched card's face, in card millimetres, in the profile's channel.

    layout: `id@version`; layout_digest: its SHA-256. face: `front` or `back`.
    mean: (height_mm, width_mm) · `BLANK_PX_PER_MM` uint8, as named on the front (a back is stored mirrored, so that
    a position lies at its own millimetres on both faces). spread: as `Bed.spread`, over cards and print shift.
    frames: how many cards. level: mean brightness. residual_mm: how far cards' outlines lay off the layout's.
    """

    layout: str
    layout_digest: str
    face: Literal["front", "back"]
    mean: Levels
    spread: Levels
    frames: int
    residual_mm: float
