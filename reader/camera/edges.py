"""The card's edge to a fraction of a pixel: profiles across its sides, and the geometry that fits them all.

Every side of the layout's outline, the cut corner too, is crossed by short profiles; each says where the bed ends.
The geometry is then fitted to all of them at once (`reader.camera.adjust`).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import cache, cached_property
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from cards.layout import CornerCut, Layout
from reader.camera.adjust import STILL, adjust
from reader.camera.geometry import Floats, Geometry, Projection, Sheet, across, project

SIDE_PROFILES = 32
CUT_PROFILES = 10
CURVES = 24
"""So many parabolas are tried along every side for the one that most of its profiles lie on."""
SIDES = 5
"""Top, right, bottom, left, cut."""

CLOSE_PX, SETTLED = 4.0, 0.9
"""The last look reaches so far. When this share of the profiles already lies within half of it, no look between is due."""
RIVAL_PX = 4.0
"""Of two edges on a profile that lie nearer together the weaker one is the stronger one's shoulder."""
CLEAR = 0.98
"""With less support than this the last look is repeated from where it led."""
STILL_AT_FIRST = 0.03
"""The first fit only leads to the closer look."""


@dataclass(frozen=True)
class Outline:
    """Points on a layout's outline, and what lies outside there.

    size_mm: width and height. points_mm, outward: (n, 2), the outline and its unit normals on the front. side: (n,) which
    of `SIDES`, each side's points in one run.
    """

    size_mm: tuple[float, float]
    points_mm: Floats
    outward: Floats
    side: NDArray[np.int64]

    @cached_property
    def per_side(self) -> NDArray[np.int64]:
        """How many points each side has."""
        return np.bincount(self.side, minlength=SIDES)

    @cached_property
    def sheet(self) -> Sheet:
        """The points, ready to be projected."""
        return Sheet.of(self.points_mm, *self.size_mm)

    @cached_property
    def sheet_outwards(self) -> Sheet:
        """The points, then all of them half a millimetre further out."""
        return Sheet.of(np.concatenate([self.points_mm, self.points_mm + 0.5 * self.outward]), *self.size_mm)


@dataclass(frozen=True)
class EdgeFit:
    """A geometry and how well the picture bears it out.

    support: share of profiles with an edge where the geometry says (per side in `side_support`).
    residual_mm: median distance of those edges from the geometry; cut_residual_mm: the same for the cut corner alone.
    cut_misfit_mm: see `_cut_misfit_px`. width_px: of the change from card to bed, as far as a close look tells.
    inside, outside: (channels,) the colours beside the edge.
    """

    geometry: Geometry
    support: float
    side_support: tuple[float, ...]
    residual_mm: float
    cut_residual_mm: float
    cut_misfit_mm: float
    width_px: float
    inside: Floats
    outside: Floats


def outline_of(layout: Layout) -> Outline:
    """The layout's outline as points to look at. Rounded corners and the corner cut's ends are left out."""
    return _outline(layout.width_mm, layout.height_mm, layout.corner_cut, layout.corner_radius_mm)


@cache
def _outline(w: float, h: float, cut: CornerCut, radius_mm: float) -> Outline:
    margin = max(0.03 * w, radius_mm)
    ends = {side: [margin, margin] for side in range(4)}
    corners = {"top-left": (0, 0), "top-right": (w, 0), "bottom-right": (w, h), "bottom-left": (0, h)}
    points, normals, sides = [], [], []
    x, y = corners[cut.corner]
    # Which end of which side the cut shortens; sides run top →, right ↓, bottom →, left ↓.
    horizontal, vertical = (0 if y == 0 else 2), (3 if x == 0 else 1)
    ends[horizontal][0 if x == 0 else 1] = cut.dx_mm + 1.5
    ends[vertical][0 if y == 0 else 1] = cut.dy_mm + 1.5
    step = np.linspace(0.15, 0.85, CUT_PROFILES)
    sx, sy = (1 if x == 0 else -1), (1 if y == 0 else -1)
    points.append(np.stack([x + sx * cut.dx_mm * (1 - step), y + sy * cut.dy_mm * step], axis=1))
    normal = np.array([-sx * cut.dy_mm, -sy * cut.dx_mm]) / np.hypot(cut.dx_mm, cut.dy_mm)
    normals.append(np.tile(normal, (CUT_PROFILES, 1)))
    sides.append(np.full(CUT_PROFILES, 4))
    frame = [((0, 0), (w, 0), (0, -1)), ((w, 0), (w, h), (1, 0)), ((0, h), (w, h), (0, 1)), ((0, 0), (0, h), (-1, 0))]
    for side, (start, end, normal_to) in enumerate(frame):
        length = w if side in (0, 2) else h
        step = np.linspace(ends[side][0] / length, 1 - ends[side][1] / length, SIDE_PROFILES)[:, None]
        points.append(np.array(start) * (1 - step) + np.array(end) * step)
        normals.append(np.tile(np.array(normal_to, np.float64), (SIDE_PROFILES, 1)))
        sides.append(np.full(SIDE_PROFILES, side))
    return Outline((w, h), np.concatenate(points), np.concatenate(normals), np.concatenate(sides))


SAME_MM = 0.3
"""Outlines that differ by less cannot be told apart in every light."""


def same_outline(one: Layout, other: Layout) -> bool:
    """Whether two layouts look the same until their holes are looked at."""
    a, b = one.corner_cut, other.corner_cut
    pairs = ((one.width_mm, other.width_mm), (one.height_mm, other.height_mm), (a.dx_mm, b.dx_mm), (a.dy_mm, b.dy_mm))
    return a.corner == b.corner and all(abs(p - q) < SAME_MM for p, q in pairs)


@dataclass(frozen=True)
class _Profiles:
    """Edges found on profiles: where they cross (n, 2) px, the unit normals in the picture, offsets and strengths.

    rival: offsets of each profile's next strongest edge where that was asked for, else of the same.
    inside, outside: (channels,) levels of card and bed; contrast: between them.
    """

    at: Floats
    normal: Floats
    offset: Floats
    strength: Floats
    rival: Floats
    inside: Floats
    outside: Floats
    contrast: float


@dataclass(frozen=True)
class _Projected:
    """An outline where a geometry puts it."""

    outline: Outline
    geometry: Geometry

    @cached_property
    def both(self) -> Projection:
        """Of the outline's points, then of those further out."""
        return project(self.geometry.parameters, self.outline.sheet_outwards, self.geometry.centre_px)

    @cached_property
    def seen(self) -> Projection:
        """Of the outline's points alone."""
        return self.both.first(len(self.outline.side))

    def adjusted(
        self,
        found: _Profiles,
        use: NDArray[np.bool_],
        scale_px: float,
        still: float = STILL,
    ) -> _Projected:
        """Nearer to the edges that were found; see `adjust`."""
        target = across(found.at, found.normal) + found.offset
        moved = adjust(self.geometry, self.seen, self.outline.sheet, found.normal, target, use, scale_px, still)
        return _Projected(self.outline, moved)

    def left(self, found: _Profiles) -> Floats:
        """Offsets of the edges that were found, from this geometry instead of the one they were looked for with."""
        return found.offset - across(self.seen.px - found.at, found.normal)


def fit(image: NDArray[np.uint8], outline: Outline, start: Geometry, reach_px: float) -> EdgeFit:
    """Fit the geometry to the edges of the picture, first within `reach_px`, then closer.

    image: (h, w) or (h, w, 3) uint8. start: within `reach_px` of the truth. Never raises for a poor picture; see
    `EdgeFit.support`.
    """
    sides, placed = outline.side < 4, _Projected(outline, start)
    found = _edges(image, placed, reach_px, rivals=True)
    smooth = replace(found, offset=_robust_offsets(found, outline, reach_px))
    placed = placed.adjusted(smooth, sides & (found.strength > 0), max(reach_px / 6, 1.0), STILL_AT_FIRST)
    left = placed.left(found)
    nearer = np.minimum(np.abs(left), np.abs(left + found.rival - found.offset))
    near = (nearer < CLOSE_PX / 2) & sides
    if np.count_nonzero(near) < SETTLED * np.count_nonzero(sides):
        reach = max(reach_px / 2.5, CLOSE_PX)
        found = _edges(image, placed, reach)
        placed = placed.adjusted(found, sides & (found.strength > 0), max(reach / 6, 1.0))
    edge = _last_look(image, placed, by_sides=True)
    return edge if edge.support > CLEAR else _last_look(image, _Projected(outline, edge.geometry), by_sides=False)


def _last_look(image: NDArray[np.uint8], placed: _Projected, *, by_sides: bool) -> EdgeFit:
    """by_sides: whether this geometry is already the four sides' alone."""
    outline, found = placed.outline, _edges(image, placed, CLOSE_PX)
    seen = found.strength > 0
    # The cut corner first testifies, for bends would gladly absorb that of another layout; then it helps.
    testimony = found.offset
    if not by_sides:
        placed = placed.adjusted(found, seen & (outline.side < 4), 1.0)
        testimony = placed.left(found)
    cut_misfit_px = _cut_misfit_px(testimony[(outline.side == 4) & seen])
    last = placed.adjusted(found, seen, 1.0)
    return _judge(last.geometry, outline, replace(found, offset=last.left(found)), cut_misfit_px)


BLUR_REACH_MM = 4.0


def edge_blur_mm(image: NDArray[np.uint8], outline: Outline, geometry: Geometry) -> float:
    """How wide the change from card to bed is: their contrast over the steepest slope between them."""
    scale = geometry.px_per_mm
    found = _edges(image, _Projected(outline, geometry), max(BLUR_REACH_MM * scale, 4.0))
    return found.contrast / max(float(np.median(found.strength)), 1e-3) / scale


BURNT = 250
"""8-bit: a camera's brightest level but for noise and the JPEG's ringing."""


def missing_in_glare(image: NDArray[np.uint8], outline: Outline, edge: EdgeFit) -> float:
    """Of the outline's places that show no edge, the share that are burnt out where there should be bed."""
    found = _edges(image, _Projected(outline, edge.geometry), CLOSE_PX)
    missing = ~_borne_out(found, edge.geometry.px_per_mm)
    if not missing.any():
        return 0.0
    last = np.array(image.shape[1::-1]) - 1
    x, y = np.clip(np.rint(found.at + CLOSE_PX * found.normal), 0, last).astype(int)[missing].T
    return float((image[y, x].reshape(len(x), -1).min(axis=1) >= BURNT).mean())


def _cut_misfit_px(offset: Floats) -> float:
    """How far the cut corner's edge turns away from where the four sides put it. A bent corner shifts it, no more.

    offset: (k,) px, of the cut corner's profiles that show an edge.
    """
    cut = np.sort(offset)
    if len(cut) < CUT_PROFILES / 2:
        return math.inf
    # All but the outermost tenth at either end.
    return float(cut[-1 - len(cut) // 10] - cut[len(cut) // 10])


def _edges(image: NDArray[np.uint8], placed: _Projected, reach: float, *, rivals: bool = False) -> _Profiles:
    at, n = placed.seen.px.T, len(placed.seen.px)
    normal = placed.both.px.T[:, n:] - at
    normal /= np.maximum(np.hypot(normal[0], normal[1]), 1e-9)
    reach_n = math.ceil(reach) + 2
    steps = np.arange(-reach_n, reach_n + 1.0, dtype=np.float32)
    x, y = at.astype(np.float32)[..., None] + steps * normal.astype(np.float32)[..., None]
    values = np.asarray(cv2.remap(image, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE), np.uint8)
    values = values.reshape(n, len(steps), -1)
    inside, outside = _middles(values[:, : reach_n - 1], values[:, reach_n + 2 :])
    way = outside - inside
    contrast = math.sqrt(float(way @ way))
    way /= max(contrast, 1e-9)
    # Of one channel whole numbers remain, which small ones hold.
    line = values[..., 0].astype(np.int16) * np.int16(way[0]) if len(way) == 1 else values @ way
    # Ten times the derivative over five pixels (Savitzky–Golay, first order): rises where the bed begins.
    slope = 2 * (line[:, 4:] - line[:, :-4]) + line[:, 3:-1] - line[:, 1:-3]
    offset, strength = _peaks(slope, reach_n - 2)
    rival = _peaks(_without(slope, reach_n - 2 + offset), reach_n - 2)[0] if rivals else offset
    return _Profiles(at.T, normal.T, offset, strength, rival, inside, outside, contrast)


def _middles(*parts: NDArray[np.uint8]) -> Floats:
    """(parts, channels): of (n, k, channels) each, the middle of all samples.

    Of 16 bits numpy selects by whole vectors; of 8 bits one by one, six times as long.
    """
    flat = np.array(parts).reshape(len(parts), -1, parts[0].shape[-1]).transpose(0, 2, 1).astype(np.uint16, order="C")
    half = flat.shape[2] // 2
    flat.partition(half)
    return flat[..., half].astype(np.float64)


def _peaks(slope: NDArray[Any], middle: int) -> tuple[Floats, Floats]:
    """Where each profile rises most (sub-pixel, by a parabola), and how strongly; strength 0 at the window's ends.

    slope: (n, samples), ten times the slope. middle: the sample at which a profile crosses the outline.
    """
    rows, last = slope.shape[0], slope.shape[1] - 1
    best = slope.argmax(axis=1)
    k = np.minimum(np.maximum(best, 1), last - 1)
    before, peak, after = slope.ravel()[k + np.arange(rows) * (last + 1) + BESIDE] / 10
    curve = before - 2 * peak + after
    shift = np.where(curve < 0, 0.5 * (before - after) / np.minimum(curve, -1e-9), 0.0)
    return np.minimum(np.maximum(shift, -1), 1) + (k - middle), np.where(k == best, peak, 0.0)


BESIDE = np.array([[-1], [0], [1]])


def _without(slope: NDArray[Any], peak: Floats) -> NDArray[Any]:
    """The slopes (n, samples), all level where they belong to the edge at sample `peak` (n,)."""
    return np.where(np.abs(np.arange(slope.shape[1]) - peak[:, None]) < RIVAL_PX, 0, slope)


@cache
def _curves(n: int) -> tuple[NDArray[np.int64], Floats]:
    """Picks (k, 3) of `n` even places along a side, and (k, n, 3): the parabola through each pick as weights of its three."""
    along = np.linspace(-1, 1, n)
    basis = np.stack([np.ones_like(along), along, along**2], axis=1)
    rng = np.random.default_rng(0)
    picks = np.stack([rng.permutation(n)[:3] for _ in range(CURVES)])
    picks = picks[np.abs(np.linalg.det(basis[picks])) > 0.05]
    return picks, np.asarray(basis @ np.linalg.inv(basis[picks]))


def _robust_offsets(found: _Profiles, outline: Outline, reach: float) -> Floats:
    """Offsets with those that no smooth curve along their side explains pulled onto it: of random curves, that which leaves
    least, counted up to a limit (MSAC, Torr and Zisserman 2000).

    Of a profile's two edges that counts which the curve runs nearer to: a printed box's may be the stronger on half a side.
    """
    sides, rivals = (offset[outline.side < 4].reshape(4, SIDE_PROFILES) for offset in (found.offset, found.rival))
    picks, weights = _curves(SIDE_PROFILES)
    # The card's edge lies outside of whatever is printed on it.
    chosen = np.concatenate([sides[:, picks], np.maximum(sides, rivals)[:, picks]], axis=1)
    curves = (np.concatenate([weights, weights]) @ chosen[..., None])[..., 0]
    near = 0.15 * reach + 1
    miss = np.minimum(np.abs(curves - sides[:, None]), np.abs(curves - rivals[:, None]))
    four, best = np.arange(4), np.minimum(miss, near).sum(axis=2).argmin(axis=1)
    curve, offset = curves[four, best], found.offset.copy()
    nearer = np.where(np.abs(curve - rivals) < np.abs(curve - sides), rivals, sides)
    pulled = np.where(miss[four, best] < near, nearer, curve)
    offset[outline.side < 4] = pulled.ravel()
    return offset


def _judge(geometry: Geometry, outline: Outline, found: _Profiles, cut_misfit_px: float) -> EdgeFit:
    scale = geometry.px_per_mm
    off, strong = np.abs(found.offset), _strong(found)
    good = strong & _in_place(off, scale)
    per_side = (np.bincount(outline.side, good, SIDES) / outline.per_side).tolist()
    return EdgeFit(
        geometry,
        sum(per_side[:4]) / 4,
        tuple(per_side),
        _middle(off[strong]) / scale,
        _middle(off[(outline.side == 4) & strong]) / scale,
        cut_misfit_px / scale,
        found.contrast / max(_middle(found.strength), 1e-3),
        found.inside,
        found.outside,
    )


def _strong(found: _Profiles) -> NDArray[np.bool_]:
    return found.strength > max(0.03 * found.contrast, 0.6)


def _in_place(off: Floats, px_per_mm: float) -> NDArray[np.bool_]:
    return off < max(0.3 * px_per_mm, 1.2)


def _borne_out(found: _Profiles, px_per_mm: float) -> NDArray[np.bool_]:
    """Which profiles show the card's edge, and where the geometry puts it."""
    return _strong(found) & _in_place(np.abs(found.offset), px_per_mm)


def _middle(values: Floats) -> float:
    """The median, infinite when there is none."""
    return float(np.partition(values, len(values) // 2)[len(values) // 2]) if len(values) else math.inf
