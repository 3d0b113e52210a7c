"""The shadow of a hand or a lamp's arm on a card over a bed of a colour: two lights, and an edge between them.

A shadow takes the same share of the light from the paper as from the bed, so that what a hole is like is told by the
paper beside it, not by holes in the light. Believed only where the bed beside the card lies in two lights, and the paper
of some position is darker by that same share. The picture is then lit again around those positions, and they are
measured once more.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache

import numpy as np
from numpy.typing import NDArray

from cards.layout import Layout
from device.frame import Frame
from reader.camera.bed import Bed, View, beside
from reader.camera.geometry import Floats, Geometry
from reader.camera.lattice import is_lattice
from reader.camera.measure import Measured, measure, search_reach_mm
from reader.camera.patches import (
    RING_GAP_MM,
    RING_WIDTH_MM,
    Plan,
    Singles,
    middle,
    middle_of,
    plan,
    sample,
)
from reader.camera.scores import OPENISH

DARKEST, LIGHTEST, PARTED_MIN = 0.15, 0.65, 0.85
"""What a shadow leaves of the light. A lighter one needs no care: shades may differ by more. Two lights explain so much of
how the bed varies; wood's grain, a lamp's fall and a bed's gloss explain up to 0.82, or differ by less."""
FEW = 3
"""So many places beside the card are no accident."""
SAME_SHARE = 1.3
"""Paper and bed lose the same share of light, to within this factor: print differs from panel to panel."""
CROSSED = (0.08, 0.92)
"""Where more and less than these shares of a position's paper are dark, the shadow's edge may cross it."""
MISS_MAX, BETTER = 0.1, 0.4
"""An edge explains a ring of paper when this is all it leaves as a share of its light, and of what was there without it."""
SAME_HUE, HUED = 0.97, 0.3
"""As the cosine between two colours, and as their saturation: felt has up to 0.2, wood 0.4 and more."""
TRACE = 0.05
"""Below this share of a hole there is no trace of one."""


@dataclass(frozen=True)
class _Edge:
    """A shadow's straight edge beside a position: lit where x·cos + y·sin > `off_mm`, over `soft_mm`; share: (channels,)."""

    way: float
    off_mm: float
    soft_mm: float
    share: Singles

    def light(self, x_mm: Floats, y_mm: Floats) -> Floats:
        """(…, channels): what is left of the light."""
        lit = np.clip(0.5 + (x_mm * np.cos(self.way) + y_mm * np.sin(self.way) - self.off_mm) / self.soft_mm, 0, 1)
        return np.asarray(self.share + (1 - self.share) * lit[..., None])


def without_shadow(seen_by: View, geometry: Geometry, layout: Layout, measured: Measured) -> Measured:
    """What is measured when the light that a shadow took is given back; `measured` itself where no shadow is seen.

    Where both disagree on whether there is a hole, the paper counts as unknown; but not where all of it is paper now.
    """
    if measured.bed != "coloured" or seen_by.image.ndim < 3 or is_lattice(layout):
        return measured
    parted = _parted(seen_by.bed.colour)
    if parted is None:
        return measured
    lit, share = parted
    edges = _edges(seen_by, geometry, layout, share)
    if not edges:
        return measured
    bed = Bed(seen_by.bed.at_mm[lit], seen_by.bed.colour[lit])
    again = measure(View(_relit(seen_by.image, geometry, layout, edges), bed, seen_by.around), geometry, layout)
    differ = (again.open > OPENISH) != (measured.open > OPENISH)
    differ &= np.maximum(np.maximum(again.loose, again.other), again.gone) > TRACE
    return replace(again, noise=np.where(differ, np.maximum(again.noise, again.contrast), again.noise))


def hides_colour(frame: Frame, geometry: Geometry, seen_by: View) -> bool:
    """Whether a bed that passes for black, `seen_by` grey or colour, is a bed of a colour, most of which lies in a shadow.

    Felt has no hue, and what lies on it is not of its hue.
    """
    level = (seen_by.around if seen_by.image is frame.grey else beside(frame.grey, geometry)[1])[:, 0]
    bright = level * LIGHTEST > middle_of(level)
    if bright.sum() < FEW or frame.colour is None:
        return False
    colours = beside(frame.colour, geometry)[1]
    dark, lit = np.median(colours[~bright], axis=0), colours[bright]
    alike = lit @ dark > SAME_HUE * np.linalg.norm(lit, axis=1) * float(np.linalg.norm(dark))
    hued = np.ptp(lit, axis=1) > HUED * lit.max(axis=1)
    return bool(np.ptp(dark) > HUED * dark.max()) and int((alike & hued).sum()) >= FEW


def _parted(colours: Singles) -> tuple[NDArray[np.bool_], float] | None:
    """colours: (m, channels) of one bed → (m,) which lie in the light, and the share of it that is left to the others."""
    typical = middle(colours, axis=0)
    level = colours @ typical
    ranked = np.sort(level).astype(np.float64)
    if len(ranked) < 2 * FEW:
        return None
    below = np.arange(FEW, len(ranked) - FEW + 1)
    sums = np.cumsum(ranked)
    low, high = sums[below - 1] / below, (sums[-1] - sums[below - 1]) / (len(ranked) - below)
    between = below * (len(ranked) - below) / len(ranked) ** 2 * (high - low) ** 2
    best = int(between.argmax())
    if between[best] <= PARTED_MIN * ranked.var():
        return None
    lit = level >= ranked[below[best]]
    share = float(np.median(level[~lit]) / np.median(level[lit]))
    return (lit, share) if DARKEST < share < LIGHTEST else None


def _edges(seen_by: View, geometry: Geometry, layout: Layout, share: float) -> dict[int, _Edge]:
    """The shadow at every position that it darkens, by the position's place in the layout. None where print is dark, too."""
    looks = plan(layout, geometry.px_per_mm, search_reach_mm(layout))
    ring = sample(seen_by.image, geometry, looks, layout.centres_mm)[:, looks.ring]
    level, paper = ring.sum(axis=2), middle(ring, axis=1)
    usual = middle(level, axis=1)
    border = float(np.sqrt(share))
    usual_lit = float(np.median(usual[usual >= border * np.percentile(usual, 90)]))
    dark = (level < border * usual_lit).mean(axis=1)
    lit, under = dark <= CROSSED[0], dark >= CROSSED[1]
    found = {
        int(k): edge for k in np.flatnonzero(~lit & ~under) if (edge := _crossing(ring[k], looks, share)) is not None
    }
    if not lit.any() or not (found or under.any()):
        return {}
    bright = np.median(paper[lit], axis=0)
    left = [edge.share for edge in found.values()] or [np.median(paper[under], axis=0) / np.maximum(bright, 1.0)]
    whole = np.asarray(np.median(left, axis=0), np.float32)
    expected = np.where(under[:, None], whole * bright, bright)
    known = lit | under
    if not _within(whole, share).all() or not _within(paper[known], expected[known]).all():
        return {}
    found |= {int(k): _Edge(0.0, 1e3, 1.0, whole) for k in np.flatnonzero(under)}
    return found


def _within(one: Singles, other: Singles | float) -> NDArray[np.bool_]:
    """Where two lights are the same to within `SAME_SHARE`."""
    alike: NDArray[np.bool_] = (one < SAME_SHARE * other) & (one * SAME_SHARE > other)
    return alike


@cache
def _tried(reach_mm: float) -> Floats:
    """(k, 3): ways, offsets and softnesses of edges that a ring of paper may be crossed by."""
    ways, offs, soft = np.arange(36) * np.pi / 18, np.linspace(-reach_mm, reach_mm, 25), (0.5, 1.5, 3.0)
    return np.stack(np.meshgrid(ways, offs, soft, indexing="ij"), axis=-1).reshape(-1, 3)


def _crossing(ring: Singles, looks: Plan, share: float) -> _Edge | None:
    """ring: (m, channels) of one position. The edge that explains it, if one does."""
    x, y = (np.asarray(grid[looks.ring]) for grid in np.meshgrid(looks.dx_mm, looks.dy_mm))
    level = np.log(np.maximum(ring.sum(axis=1), 1.0))
    reach = max(looks.half_mm) + RING_GAP_MM + RING_WIDTH_MM
    some = slice(None, None, max(len(x) // 100, 1))
    best = _best(_tried(reach), share, x[some], y[some], level[some])[0]
    steps = np.stack(
        np.meshgrid(np.radians([-5, -2.5, 0, 2.5, 5]), np.linspace(-0.3, 0.3, 7), [0.5, 0.7, 1, 1.4], indexing="ij"),
        axis=-1,
    ).reshape(-1, 3)
    closer = np.stack([best[0] + steps[:, 0], best[1] + steps[:, 1], best[2] * steps[:, 2]], axis=1)
    (way, off, soft), miss = _best(closer, share, x, y, level)
    if miss > MISS_MAX or miss > BETTER * float(np.abs(level - np.median(level)).mean()):
        return None
    beyond = x * np.cos(way) + y * np.sin(way) - off
    lit, dark = beyond > soft / 2, beyond < -soft / 2
    if lit.sum() < 2 * FEW or dark.sum() < 2 * FEW:
        return None
    left = np.median(ring[dark], axis=0) / np.maximum(np.median(ring[lit], axis=0), 1.0)
    if not _within(left, share).all():
        return None
    return _Edge(float(way), float(off), float(soft), np.asarray(left, np.float32))


def _best(tried: Floats, share: float, x: Floats, y: Floats, level: Singles) -> tuple[Floats, float]:
    """Which of the edges (k, 3) leaves least of the logarithms of light `level` (m,), and how much on average."""
    way, off, soft = tried.T[..., None]
    lit = np.clip(0.5 + (x * np.cos(way) + y * np.sin(way) - off) / soft, 0, 1)
    rest = level - np.log(share + (1 - share) * lit)
    miss = np.abs(rest - np.median(rest, axis=1, keepdims=True)).mean(axis=1)
    best = int(miss.argmin())
    return tried[best], float(miss[best])


def _relit(image: NDArray[np.uint8], geometry: Geometry, layout: Layout, edges: dict[int, _Edge]) -> NDArray[np.uint8]:
    """The picture with the light given back around those positions."""
    relit = image.copy()
    reach = max(layout.hole.width_mm, layout.hole.height_mm) / 2 + RING_GAP_MM + RING_WIDTH_MM + 0.3
    for k, edge in edges.items():
        at = layout.centres_mm[k]
        px = geometry.to_px(at + np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0]]))
        to_mm = np.linalg.inv(np.stack([px[1] - px[0], px[2] - px[0]], axis=1))
        half = int(np.ceil(1.3 * reach * geometry.px_per_mm))
        x0, y0 = np.maximum(np.rint(px[0]).astype(int) - half, 0)
        x1, y1 = np.minimum(np.rint(px[0]).astype(int) + half + 1, image.shape[1::-1])
        columns, rows = np.meshgrid(np.arange(x0, x1) - px[0, 0], np.arange(y0, y1) - px[0, 1])
        x_mm, y_mm = (to_mm[i, 0] * columns + to_mm[i, 1] * rows for i in range(2))
        near = np.hypot(x_mm, y_mm) < reach
        part = image[y0:y1, x0:x1][near] / edge.light(x_mm[near], y_mm[near])
        relit[y0:y1, x0:x1][near] = np.clip(np.rint(part), 0, 255).astype(np.uint8)
    return relit
