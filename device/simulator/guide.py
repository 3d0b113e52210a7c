"""A card in its guide: which holes, edges and marks pass each sensor where, for a card that leans, plays and is damaged."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np
from numpy.typing import NDArray

from cards.layout import Layout, SensorBar
from device.simulator.card import Cut

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Lie:
    """How the card lies, and what is wrong with it.

    skew_deg: it leans by so much when its left edge passes, and `turn_deg` more when its right edge does.
    drifts: whether its rows leave their sensors on the way, as in a wide guide; they do not under a bar that is
    mounted askew. side_mm: it lies so much too low; play_mm: and wanders by so much.
    print_mm: print and die off the paper's left edge. bars_wider_mm: of timing bars, by ink or threshold.
    missing_bar: number (from 0 at the left) of an unseen bar. dirt: places and widths (mm) of dark spots on the strip.
    torn_left_mm, torn_right_mm: (y, depth, height) of a tear in a short edge. over_mm: a second, blank card lies on it,
    so much further on. blank_strip: the side without a strip faces the clock.
    """

    skew_deg: float = 0.0
    turn_deg: float = 0.0
    drifts: bool = True
    side_mm: float = 0.0
    play_mm: float = 0.0
    print_mm: float = 0.0
    bars_wider_mm: float = 0.0
    missing_bar: int | None = None
    dirt: tuple[tuple[float, float], ...] = ()
    torn_left_mm: tuple[float, float, float] | None = None
    torn_right_mm: tuple[float, float, float] | None = None
    over_mm: float | None = None
    blank_strip: bool = False


@dataclass(frozen=True, eq=False)
class Card:
    """A punched card in a guide, before a bar."""

    layout: Layout
    bar: SensorBar
    cuts: Sequence[Cut]
    lie: Lie

    @cached_property
    def holes(self) -> tuple[tuple[Cut, float, float], ...]:
        """Each hole with how far below its sensor's height the card lies when it passes, and how it leans then."""
        x = np.array([c.x_mm for c in self.cuts]) + self.lie.print_mm
        return tuple(zip(self.cuts, self.low_mm(x).tolist(), self.slope(x).tolist(), strict=True))

    def slope(self, x_mm: Floats | float) -> Floats:
        """The lean when this place of the card passes."""
        turned = self.lie.skew_deg + self.lie.turn_deg * (np.asarray(x_mm) / self.layout.width_mm)
        return np.asarray(np.tan(np.radians(turned)), np.float64)

    def late_mm(self, row: int, x_mm: Floats | float) -> Floats:
        """By how much further the card must go for this row than for the strip."""
        return np.asarray((self.bar.rows_mm[row] - self.bar.track_mm) * self.slope(x_mm), np.float64)

    def low_mm(self, x_mm: Floats | float) -> Floats:
        """How far below their sensors the card's rows lie when this place passes."""
        x = np.asarray(x_mm, np.float64)
        half = self.layout.width_mm / 2
        drift = (x - half) * self.slope(x) if self.lie.drifts else np.zeros_like(x)
        wander = self.lie.play_mm * np.sin(2 * np.pi * x / self.layout.width_mm * 0.7 + self.lie.side_mm * 9)
        return np.asarray(self.lie.side_mm + wander + drift, np.float64)

    def strip_edges(self, rng: np.random.Generator) -> Floats:
        """Places at which the clock's view changes, for a sensor at the data sensors' place; sorted, paper on odd ends."""
        bar, lie, width = self.bar, self.lie, self.layout.width_mm
        if lie.blank_strip:
            return np.array([0.0, width])
        first = bar.first_mm - math.ceil(bar.first_mm / bar.pitch_mm + 1) * bar.pitch_mm
        middles = np.arange(first, width + bar.pitch_mm, bar.pitch_mm) + lie.print_mm
        half = bar.pitch_mm / 4 + lie.bars_wider_mm / 2
        middles = middles[middles + bar.pitch_mm / 4 > 0]
        dark = [(m - half, m + half) for k, m in enumerate(middles) if k != lie.missing_bar]
        dark += [(x - w / 2, x + w / 2) for x, w in lie.dirt]
        low = np.abs(self.low_mm(np.linspace(0, width, 22)))
        if low.max() > bar.track_height_mm / 2 - 0.5:
            dark = []  # the spot has left the strip
        dark += [
            (-100.0, self.torn(lie.torn_left_mm, bar.track_mm)),
            (width - self.torn(lie.torn_right_mm, bar.track_mm), width + 500),
        ]
        if lie.over_mm is not None:
            # The upper card hides the lower one's strip but for what it leaves free; its own is blank.
            dark = [(max(a, -100.0), min(b, lie.over_mm)) for a, b in dark if a < lie.over_mm] + [
                (width + lie.over_mm, width + 500)
            ]
        return _complement(dark)

    @staticmethod
    def torn(tear: tuple[float, float, float] | None, y_mm: float) -> float:
        """How deep a tear is at this height."""
        if tear is None or abs(y_mm - tear[0]) > tear[2] / 2:
            return 0.0
        return tear[1] * (1 - abs(y_mm - tear[0]) / (tear[2] / 2))


def row_edges(card: Card, row: int, needs: float, aperture_mm: float) -> Floats:
    """Places at which a data sensor's level changes, sorted: dark from the first, light from the second, and so on."""
    y = card.bar.rows_mm[row]
    layout, lie = card.layout, card.lie
    light = [(-500.0, _paper_left(layout, y) + card.torn(lie.torn_left_mm, y) + float(card.late_mm(row, 0.0)))]
    shift = _edge_shift(needs, aperture_mm)
    light[0] = (light[0][0], light[0][1] - shift)
    for cut, low, slope in card.holes:
        high = y - low
        if abs(high - cut.y_mm) < cut.width_mm:
            span = _seen(cut, high, needs, aperture_mm)
            if span is not None:
                late = (y - card.bar.track_mm) * slope + lie.print_mm
                light.append((span[0] + late, span[1] + late))
    width = layout.width_mm
    end = _paper_right(layout, y) - card.torn(lie.torn_right_mm, y) + float(card.late_mm(row, width)) + shift
    light.append((end, width + 1000.0))
    if lie.over_mm is not None:
        start = lie.over_mm + float(card.late_mm(row, 0.0))
        cover = (start, start + width)
        light = [
            piece for a, b in light for piece in ((a, min(b, cover[0])), (max(a, cover[1]), b)) if piece[1] > piece[0]
        ]
    merged = _merged(light)
    return np.array([u for a, b in merged for u in (a, b)][1:-1])


def _paper_left(layout: Layout, y_mm: float) -> float:
    cut = layout.corner_cut
    return _cut_off(layout, y_mm) if cut.corner.endswith("left") else 0.0


def _paper_right(layout: Layout, y_mm: float) -> float:
    cut = layout.corner_cut
    return layout.width_mm - (_cut_off(layout, y_mm) if cut.corner.endswith("right") else 0.0)


def _cut_off(layout: Layout, y_mm: float) -> float:
    cut = layout.corner_cut
    from_corner = y_mm if cut.corner.startswith("top") else layout.height_mm - y_mm
    return max(0.0, 1 - from_corner / cut.dy_mm) * cut.dx_mm


def _seen(cut: Cut, y_mm: float, needs: float, aperture_mm: float) -> tuple[float, float] | None:
    """From where to where a sensor that passes at height y sees enough of a hole; `None` when it never does."""
    radius = _reach(cut.width_mm / 2, needs, aperture_mm / 2)
    high = y_mm - cut.y_mm
    if radius <= abs(high):
        return None
    half = math.sqrt(radius * radius - high * high)
    a, b = cut.x_mm - half, cut.x_mm + half
    if cut.flap > 0:
        # The flap covers what lies beyond a chord, seen from the hole's middle in the direction of its hinge.
        angle = math.radians(cut.flap_deg)
        chord = _chord(cut.flap) * cut.width_mm / 2
        room = chord - high * math.sin(angle)
        if abs(math.cos(angle)) < 1e-6:
            return (a, b) if room > 0 else None
        limit = cut.x_mm + room / math.cos(angle)
        a, b = (a, min(b, limit)) if math.cos(angle) > 0 else (max(a, limit), b)
    return (a, b) if b > a else None


@lru_cache(maxsize=4096)
def _reach(radius_mm: float, needs: float, aperture_mm: float) -> float:
    """How far from a hole's middle a round aperture still sees `needs` of itself through it."""
    far = np.linspace(max(radius_mm - aperture_mm, 0.0), radius_mm + aperture_mm, 400)
    return float(np.interp(-needs, -_overlap(far, radius_mm, aperture_mm), far))


def _overlap(d: Floats, big: float, small: float) -> Floats:
    """Share of a small disc that lies in a big one, centres d apart (the lens of two circles)."""
    d = np.maximum(d, 1e-9)
    a = np.arccos(np.clip((d * d + small * small - big * big) / (2 * d * small), -1, 1))
    b = np.arccos(np.clip((d * d + big * big - small * small) / (2 * d * big), -1, 1))
    lens = small * small * (a - np.sin(2 * a) / 2) + big * big * (b - np.sin(2 * b) / 2)
    return np.asarray(lens / (np.pi * small * small), np.float64)


def _edge_shift(needs: float, aperture_mm: float) -> float:
    """How far outside a straight paper edge the sensor's middle lies when its level changes; negative: inside."""
    x = np.linspace(-1, 1, 201)
    open_share = (np.arccos(-x) + x * np.sqrt(1 - x * x)) / np.pi
    return float(np.interp(needs, open_share, x)) * aperture_mm / 2


@lru_cache(maxsize=1)
def _chord_table() -> tuple[Floats, Floats]:
    c = np.linspace(-1, 1, 401)
    return (np.arccos(c) - c * np.sqrt(1 - c * c)) / np.pi, c


def _chord(share: float) -> float:
    """The distance of the chord that cuts this share off a unit disc, from its middle."""
    area, c = _chord_table()
    return float(np.interp(share, area[::-1], c[::-1]))


def _merged(spans: list[tuple[float, float]]) -> list[tuple[float, float]]:
    merged: list[tuple[float, float]] = []
    for a, b in sorted(spans):
        if merged and a <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(merged[-1][1], b))
        else:
            merged.append((a, b))
    return merged


def _complement(dark: list[tuple[float, float]]) -> Floats:
    """Edges of what is paper between dark spans that begin before the card and end after it."""
    merged = _merged([s for s in dark if s[1] > s[0]])
    return np.array([u for a, b in merged for u in (a, b)][1:-1])
