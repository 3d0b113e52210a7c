"""An unsteady hand with a punch: holes off their place, half punched, with hanging chads, twice, torn, and astray."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from cards.layout import Layout, Marker, Position
from device.simulator.card import Cut


@dataclass(frozen=True)
class Hand:
    """How unsteady.

    sigma_mm: scatter of the holes. hanging: how often a chad hangs on, covering 8 % to `chad_max` of its hole.
    half: how often a hole is only 25 to 55 % open. twice: how often the punch comes down a second time, 0.5 to 1 hole
    beside. stray: how often a card has a hole at no position.
    """

    sigma_mm: float = 0.35
    hanging: float = 0.05
    half: float = 0.0
    stray: float = 0.0
    twice: float = 0.0
    chad_max: float = 0.25


HANDS: dict[str, Hand] = {
    "steady": Hand(0.20, 0.0),
    "usual": Hand(0.35, 0.03, chad_max=0.15),
    "shaky": Hand(0.60, 0.10, half=0.01, twice=0.02),
    "careless": Hand(0.70, 0.20, half=0.05, stray=0.15, twice=0.05),
}

DIE_MM = 0.1
"""How truly a printer's die strikes."""


def punch(layout: Layout, wanted: frozenset[str], hand: Hand, rng: np.random.Generator) -> list[Cut]:
    """The cuts in one card. The hand stays within what the layout allows, except where `hand` says otherwise."""
    cuts = []
    for p in layout.positions:
        if p.name not in wanted:
            continue
        cut = at(layout, p, _slip(layout, hand, rng))
        if rng.random() < hand.half:
            cut = replace(cut, flap=float(rng.uniform(0.45, 0.75)), flap_deg=float(rng.uniform(0, 360)))
        elif rng.random() < hand.hanging:
            cut = replace(cut, flap=float(rng.uniform(0.08, hand.chad_max)), flap_deg=float(rng.uniform(0, 360)))
        cuts.append(cut)
        if hand.twice and rng.random() < hand.twice:
            cuts.append(_again(cut, rng))
    if rng.random() < hand.stray:
        cuts += astray(layout, rng)
    return cuts


def code_cuts(layout: Layout, rng: np.random.Generator | None = None) -> list[Cut]:
    """The holes that the printer's die struck, by which the card names its layout; with `rng` σ `DIE_MM` off their places."""
    slips = np.zeros((len(layout.code_holes), 2)) if rng is None else rng.normal(0, DIE_MM, (len(layout.code_holes), 2))
    return [at(layout, m, (float(dx), float(dy))) for m, (dx, dy) in zip(layout.code_holes, slips, strict=True)]


def at(layout: Layout, p: Position | Marker, offset_mm: tuple[float, float] = (0.0, 0.0)) -> Cut:
    """A whole hole of the layout's kind at a position, or where the printer punches one."""
    hole = layout.hole
    return Cut(p.x_mm + offset_mm[0], p.y_mm + offset_mm[1], hole.width_mm, hole.height_mm, hole.shape == "circle")


def _slip(layout: Layout, hand: Hand, rng: np.random.Generator) -> tuple[float, float]:
    most = 0.9 * layout.hole.tolerance_mm
    sigma = min(hand.sigma_mm, most / 2)
    x, y = rng.normal(0, sigma, 2)
    length = max(math.hypot(x, y), 1e-9)
    scale = min(1.0, most / length)
    return float(x * scale), float(y * scale)


def _again(cut: Cut, rng: np.random.Generator) -> Cut:
    angle, far = rng.uniform(0, 2 * math.pi), rng.uniform(0.2, 0.5)
    x, y = cut.x_mm + far * cut.width_mm * math.cos(angle), cut.y_mm + far * cut.height_mm * math.sin(angle)
    return replace(cut, x_mm=float(x), y_mm=float(y), flap=0.0)


def astray(layout: Layout, rng: np.random.Generator) -> list[Cut]:
    """One hole at no position, where there is room for one; none when there is no room."""
    hole = layout.hole
    border = hole.width_mm / 2 + 3
    taken = [(p.x_mm, p.y_mm) for p in layout.positions] + [(m.x_mm, m.y_mm) for m in layout.identify.markers]
    for _ in range(200):
        x = rng.uniform(border, layout.width_mm - border)
        y = rng.uniform(border, layout.height_mm - border)
        near = min(math.hypot(px - x, py - y) for px, py in taken)
        cut = layout.corner_cut
        if near > hole.width_mm + 2.5 and (x > cut.dx_mm + border or y > cut.dy_mm + border):
            return [Cut(float(x), float(y), hole.width_mm, hole.height_mm, hole.shape == "circle")]
    return []
