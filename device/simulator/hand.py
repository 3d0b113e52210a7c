"""An unsteady hand with a punch: holes off their place, half punched, with hanging chads, twice, and astray."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from cards.layout import Layout, Position

Floats = NDArray[np.float64]
Truth = Literal["punched", "clear", "ambiguous"]
PUNCHED_MIN, CLEAR_MAX = 0.60, 0.15
"""The open share from which a position counts as punched, and up to which as clear."""
GRID = 61
"""Points across a hole when its open share is counted."""


@dataclass(frozen=True)
class Cut:
    """One stroke of the punch. `flap`: the share of the hole that its hanging chad still covers, from `flap_deg`."""

    x_mm: float
    y_mm: float
    width_mm: float
    height_mm: float
    round: bool
    flap: float = 0.0
    flap_deg: float = 0.0


@dataclass(frozen=True)
class Hand:
    """How unsteady. sigma_mm: scatter of holes; the shares say how often a hole hangs, is half, doubled, astray."""

    sigma_mm: float = 0.35
    hanging: float = 0.05
    half: float = 0.0
    stray: float = 0.0


def punch(layout: Layout, wanted: frozenset[str], hand: Hand, rng: np.random.Generator) -> list[Cut]:
    """The cuts in one card. The hand stays within what the layout allows, except where `hand` says otherwise."""
    cuts = []
    for p in layout.positions:
        if p.name not in wanted:
            continue
        cut = _at(layout, p, _slip(layout, hand, rng))
        if rng.random() < hand.half:
            cut = replace(cut, flap=float(rng.uniform(0.45, 0.75)), flap_deg=float(rng.uniform(0, 360)))
        elif rng.random() < hand.hanging:
            cut = replace(cut, flap=float(rng.uniform(0.08, 0.25)), flap_deg=float(rng.uniform(0, 360)))
        cuts.append(cut)
    if rng.random() < hand.stray:
        cuts += _astray(layout, rng)
    return cuts


def code_cuts(layout: Layout) -> list[Cut]:
    """The holes that the printer's punched, by which the card names its layout."""
    hole = layout.hole
    return [Cut(m.x_mm, m.y_mm, hole.width_mm, hole.height_mm, hole.shape == "circle") for m in layout.code_holes]


def _slip(layout: Layout, hand: Hand, rng: np.random.Generator) -> tuple[float, float]:
    most = 0.9 * layout.hole.tolerance_mm
    sigma = min(hand.sigma_mm, most / 2)
    x, y = rng.normal(0, sigma, 2)
    length = max(math.hypot(x, y), 1e-9)
    scale = min(1.0, most / length)
    return float(x * scale), float(y * scale)


def _at(layout: Layout, p: Position, slip: tuple[float, float]) -> Cut:
    hole = layout.hole
    return Cut(p.x_mm + slip[0], p.y_mm + slip[1], hole.width_mm, hole.height_mm, hole.shape == "circle")


def _astray(layout: Layout, rng: np.random.Generator) -> list[Cut]:
    """One hole at no position, where there is room for one; none when there is no room."""
    hole = layout.hole
    border = hole.width_mm / 2 + 3
    for _ in range(200):
        x = rng.uniform(border, layout.width_mm - border)
        y = rng.uniform(border, layout.height_mm - border)
        near = min(math.hypot(p.x_mm - x, p.y_mm - y) for p in layout.positions)
        cut = layout.corner_cut
        if near > hole.width_mm + 2.5 and (x > cut.dx_mm + border or y > cut.dy_mm + border):
            return [Cut(float(x), float(y), hole.width_mm, hole.height_mm, hole.shape == "circle")]
    return []


def truth(layout: Layout, cuts: Sequence[Cut]) -> dict[str, Truth]:
    """Position name → what is really there, from the geometry of the cuts alone."""
    found: dict[str, Truth] = {}
    for p in layout.positions:
        mine = [c for c in cuts if math.hypot(c.x_mm - p.x_mm, c.y_mm - p.y_mm) <= layout.hole.tolerance_mm + 1e-6]
        share = 1 - min((c.flap for c in mine), default=1.0)
        found[p.name] = "clear" if share <= CLEAR_MAX else "ambiguous" if share < PUNCHED_MIN else "punched"
    return found


def inside(cut: Cut, x_mm: Floats, y_mm: Floats) -> NDArray[np.bool_]:
    """Whether places on the card lie within the cut, flap or not."""
    x, y = (x_mm - cut.x_mm) / (cut.width_mm / 2), (y_mm - cut.y_mm) / (cut.height_mm / 2)
    return x * x + y * y <= 1 if cut.round else np.maximum(np.abs(x), np.abs(y)) <= 1


def on_flap(cut: Cut, x_mm: Floats, y_mm: Floats) -> NDArray[np.bool_]:
    """Whether places lie on the hanging chad: the part of the hole beyond a chord, where it is hinged."""
    if cut.flap <= 0:
        return np.zeros(np.broadcast(x_mm, y_mm).shape, bool)
    steps = np.linspace(-0.5, 0.5, GRID)
    gx, gy = np.meshgrid(cut.x_mm + steps * cut.width_mm, cut.y_mm + steps * cut.height_mm)
    hole = inside(cut, gx, gy)
    chord = float(np.quantile(_along(cut, gx[hole], gy[hole]), 1 - cut.flap))
    return inside(cut, x_mm, y_mm) & (_along(cut, x_mm, y_mm) > chord)


def _along(cut: Cut, x_mm: Floats, y_mm: Floats) -> Floats:
    angle = math.radians(cut.flap_deg)
    return (x_mm - cut.x_mm) * math.cos(angle) + (y_mm - cut.y_mm) * math.sin(angle)
