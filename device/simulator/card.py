"""One card as hands left it: holes, tears, marks, things stuck on it, its bend and size. Data and geometry alone.

Coordinates are the print's millimetres (`cards.layout`); the paper's edge may lie a little off (`print_shift_mm`).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Path = tuple[tuple[float, float], ...]
Levels = tuple[float, float, float]
"""Blue, green, red, as 8-bit levels of a sheet under a lamp of strength 1."""

GRID = 61
"""Points across a hole when a chord is sought."""
PAPER_BGR: Levels = (233.0, 246.0, 251.0)
GRAPHITE_BGR: Levels = (88.0, 86.0, 84.0)
INK_BGR: Levels = (105.0, 42.0, 30.0)
COFFEE_BGR: Levels = (96.0, 132.0, 165.0)


@dataclass(frozen=True)
class Cut:
    """One stroke of the punch.

    flap: the share of the hole that was not cut through and still covers it, at the side `flap_deg` (clockwise from x).
    swing_deg: `None` when the chad is gone; else it hangs on the chord of that share and has swung so far open:
        0 lies in its hole again, 90 stands upright, 180 is folded back onto the card.
    """

    x_mm: float
    y_mm: float
    width_mm: float
    height_mm: float
    round: bool
    flap: float = 0.0
    flap_deg: float = 0.0
    swing_deg: float | None = None


@dataclass(frozen=True)
class Tear:
    """Paper that is gone: a polygon."""

    points: Path


@dataclass(frozen=True)
class Mark:
    """Pencil, pen or stain on the paper; it darkens, never opens.

    points: a line, or with `width_mm` 0 the outline of a patch. strength: 1 hides the paper, 0 is nothing.
    soft_mm: how far its edge fades.
    """

    points: Path
    width_mm: float = 0.5
    bgr: Levels = GRAPHITE_BGR
    strength: float = 0.8
    soft_mm: float = 0.0


@dataclass(frozen=True)
class Cover:
    """Something opaque on the card and over its holes: a sticker, a loose chad, a folded corner. A polygon."""

    points: Path
    bgr: Levels = PAPER_BGR


@dataclass(frozen=True)
class Card:
    """What lies before the camera.

    curl_mm: how high the middle of the longer side stands above its ends (a cylinder; negative: the ends are up).
    grow_mm: by how much the paper is wider and higher than the layout's. print_shift_mm: where the print (and with it
    the holes, which follow it) lies off the paper's own middle. worn_mm: radius of the corners, also of the cut one's.
    """

    cuts: tuple[Cut, ...] = ()
    language: str = "en"
    tears: tuple[Tear, ...] = ()
    marks: tuple[Mark, ...] = ()
    covers: tuple[Cover, ...] = ()
    curl_mm: float = 0.0
    grow_mm: tuple[float, float] = (0.0, 0.0)
    print_shift_mm: tuple[float, float] = (0.0, 0.0)
    worn_mm: float = 0.0


def disc(x_mm: float, y_mm: float, diameter_mm: float, points: int = 40) -> Path:
    """A circle as a polygon of the same area."""
    radius = diameter_mm / 2 * math.sqrt(2 * math.pi / points / math.sin(2 * math.pi / points))
    angles = np.linspace(0, 2 * math.pi, points, endpoint=False)
    return tuple((x_mm + radius * math.cos(a), y_mm + radius * math.sin(a)) for a in angles)


def inside(cut: Cut, x_mm: Floats, y_mm: Floats) -> Bools:
    """Whether places on the card lie within the cut, chad or not."""
    x, y = (x_mm - cut.x_mm) / (cut.width_mm / 2), (y_mm - cut.y_mm) / (cut.height_mm / 2)
    return x * x + y * y <= 1 if cut.round else np.maximum(np.abs(x), np.abs(y)) <= 1


def on_flap(cut: Cut, x_mm: Floats, y_mm: Floats) -> Bools:
    """Whether places lie under the flap: what was not cut through, and the chad that hangs on it, as seen from above."""
    if cut.flap <= 0:
        return np.zeros(np.broadcast(x_mm, y_mm).shape, bool)
    edge = chord_mm(cut)
    along = along_mm(cut, x_mm, y_mm)
    covered = inside(cut, x_mm, y_mm) & (along > edge)
    if cut.swing_deg is None:
        return covered
    # A point of the chad at distance u from the chord is seen at u·cos(swing) from it.
    squeeze = math.cos(math.radians(cut.swing_deg))
    if abs(squeeze) < 1e-3:
        return covered
    stretch = (along - edge) / squeeze - (along - edge)
    angle = math.radians(cut.flap_deg)
    x, y = x_mm + stretch * math.cos(angle), y_mm + stretch * math.sin(angle)
    return covered | (inside(cut, x, y) & (along_mm(cut, x, y) <= edge))


def chord_mm(cut: Cut) -> float:
    """Where the chord of the uncut share lies, from the cut's middle towards `flap_deg`."""
    steps = np.linspace(-0.5, 0.5, GRID)
    gx, gy = np.meshgrid(cut.x_mm + steps * cut.width_mm, cut.y_mm + steps * cut.height_mm)
    hole = inside(cut, gx, gy)
    return float(np.quantile(along_mm(cut, gx[hole], gy[hole]), 1 - cut.flap))


def along_mm(cut: Cut, x_mm: Floats, y_mm: Floats) -> Floats:
    """Distance from the cut's middle towards `flap_deg`."""
    angle = math.radians(cut.flap_deg)
    return (x_mm - cut.x_mm) * math.cos(angle) + (y_mm - cut.y_mm) * math.sin(angle)
