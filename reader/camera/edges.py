"""The card's edge to a fraction of a pixel: profiles across its sides, and the geometry that fits them all.

Every side of the layout's outline, the cut corner too, is crossed by short profiles; each says where the bed ends.
The geometry is then fitted to all of them at once by damped least squares (Levenberg–Marquardt) with priors, so that
a weak side cannot bend the card and one bad profile cannot move it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from cards.layout import Layout
from reader.camera.geometry import BENDS, PARAMETERS, Floats, Geometry, project

SIDE_PROFILES = 32
CUT_PROFILES = 10
SIDES = 5
"""Top, right, bottom, left, cut."""

FOCAL_SIGMA = 0.25
"""Prior of log focal length around 0.85 × the picture's longer side: webcams, phones and Pi cameras see 55° to 75°."""
K1_SIGMA = 0.08
BEND_SIGMA_MM = (1.5, 1.0, 1.5, 0.7, 0.7, 0.7)
EDGE_SIGMA_PX = 0.35


@dataclass(frozen=True)
class Outline:
    """Points on a layout's outline, and what lies outside there.

    points_mm, outward: (n, 2), the outline and its unit normals on the front. side: (n,) which of `SIDES`.
    """

    points_mm: Floats
    outward: Floats
    side: NDArray[np.int64]


@dataclass(frozen=True)
class EdgeFit:
    """A geometry and how well the picture bears it out.

    support: share of profiles with an edge where the geometry says (per side in `side_support`).
    residual_mm: median distance of those edges from the geometry; cut_residual_mm: the same for the cut corner alone.
    cut_misfit_mm: see `_cut_misfit_mm`. width_px: of the change from card to bed, as far as a close look tells.
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
    w, h, cut = layout.width_mm, layout.height_mm, layout.corner_cut
    margin = max(0.03 * w, layout.corner_radius_mm)
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
    return Outline(np.concatenate(points), np.concatenate(normals), np.concatenate(sides))


SAME_MM = 0.3
"""Outlines that differ by less cannot be told apart in every light."""


def same_outline(one: Layout, other: Layout) -> bool:
    """Whether two layouts look the same until their holes are looked at."""
    a, b = one.corner_cut, other.corner_cut
    pairs = ((one.width_mm, other.width_mm), (one.height_mm, other.height_mm), (a.dx_mm, b.dx_mm), (a.dy_mm, b.dy_mm))
    return a.corner == b.corner and all(abs(p - q) < SAME_MM for p, q in pairs)


@dataclass(frozen=True)
class _Profiles:
    """Edges found on profiles: where they cross (n, 2) px, the unit normals in the picture, offsets and strengths."""

    at: Floats
    normal: Floats
    offset: Floats
    strength: Floats
    inside: Floats
    outside: Floats


def fit(image: NDArray[np.uint8], outline: Outline, start: Geometry, reach_px: float) -> EdgeFit:
    """Fit the geometry to the edges of the picture, first within `reach_px`, then closer.

    image: (h, w) or (h, w, 3) uint8. start: within `reach_px` of the truth. Never raises for a poor picture; see
    `EdgeFit.support`.
    """
    sides = outline.side < 4
    found = _edges(image, outline, start, reach_px)
    seed = replace(found, offset=_robust_offsets(found, outline, reach_px))
    geometry = _solve(start, outline, seed, sides & (found.strength > 0), max(reach_px / 6, 1.0))
    reach = max(reach_px / 2.5, 4.0)
    found = _edges(image, outline, geometry, reach)
    geometry = _solve(geometry, outline, found, sides & (found.strength > 0), max(reach / 6, 1.0))
    found = _edges(image, outline, geometry, 4.0)
    # The cut corner first testifies, for bends would gladly absorb that of another layout; then it helps.
    cut_misfit_mm = _cut_misfit_mm(geometry, outline, found)
    last = _solve(geometry, outline, found, found.strength > 0, 1.0)
    moved = ((last.to_px(outline.points_mm) - found.at) * found.normal).sum(axis=1)
    return _judge(last, outline, replace(found, offset=found.offset - moved), cut_misfit_mm)


BLUR_REACH_MM = 4.0


def edge_blur_mm(image: NDArray[np.uint8], outline: Outline, geometry: Geometry) -> float:
    """How wide the change from card to bed is: their contrast over the steepest slope between them."""
    scale = geometry.px_per_mm()
    found = _edges(image, outline, geometry, max(BLUR_REACH_MM * scale, 4.0))
    contrast = float(np.linalg.norm(found.outside - found.inside))
    return contrast / max(float(np.median(found.strength)), 1e-3) / scale


def _cut_misfit_mm(geometry: Geometry, outline: Outline, found: _Profiles) -> float:
    """How far the cut corner's edge turns away from where the four sides put it. A bent corner shifts it, no more."""
    cut = found.offset[(outline.side == 4) & (found.strength > 0)]
    if len(cut) < CUT_PROFILES / 2:
        return float("inf")
    low, high = np.quantile(cut, [0.1, 0.9])
    return float(high - low) / geometry.px_per_mm()


def _edges(image: NDArray[np.uint8], outline: Outline, geometry: Geometry, reach: float) -> _Profiles:
    at = geometry.to_px(outline.points_mm)
    ahead = geometry.to_px(outline.points_mm + 0.5 * outline.outward) - at
    normal = ahead / np.maximum(np.hypot(ahead[:, 0], ahead[:, 1]), 1e-9)[:, None]
    reach_n = int(np.ceil(reach)) + 2
    steps = np.arange(-reach_n, reach_n + 1.0)
    grid = (at[:, None] + steps[None, :, None] * normal[:, None]).astype(np.float32)
    values = np.asarray(cv2.remap(image, grid[..., 0], grid[..., 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE))
    values = values.reshape(len(at), len(steps), -1).astype(np.float64)
    inside = np.median(values[:, : reach_n - 1], axis=(0, 1))
    outside = np.median(values[:, reach_n + 2 :], axis=(0, 1))
    way = outside - inside
    line = values @ (way / max(float(np.linalg.norm(way)), 1e-9))
    # Derivative over five pixels (Savitzky–Golay, first order): rises where the bed begins.
    slope = (2 * (line[:, 4:] - line[:, :-4]) + line[:, 3:-1] - line[:, 1:-3]) / 10
    return _Profiles(at, normal, *_peaks(slope, steps[2:-2]), inside, outside)


def _peaks(slope: Floats, steps: Floats) -> tuple[Floats, Floats]:
    """Where each profile rises most (sub-pixel, by a parabola), and how strongly; strength 0 at the window's ends."""
    best = slope.argmax(axis=1)
    inner = (best > 0) & (best < slope.shape[1] - 1)
    k = np.clip(best, 1, slope.shape[1] - 2)
    rows = np.arange(len(slope))
    before, peak, after = slope[rows, k - 1], slope[rows, k], slope[rows, k + 1]
    curve = before - 2 * peak + after
    shift = np.where(curve < 0, 0.5 * (before - after) / np.minimum(curve, -1e-9), 0.0)
    return steps[k] + np.clip(shift, -1, 1), np.where(inner, peak, 0.0)


def _robust_offsets(found: _Profiles, outline: Outline, reach: float) -> Floats:
    """Offsets with those that no smooth curve along their side explains pulled onto it (least median of squares)."""
    offset = found.offset.copy()
    rng = np.random.default_rng(0)
    for side in range(4):
        rows = np.flatnonzero(outline.side == side)
        along = np.linspace(-1, 1, len(rows))
        basis = np.stack([np.ones_like(along), along, along**2], axis=1)
        picks = np.stack([rng.permutation(len(rows))[:3] for _ in range(24)])
        matrix = basis[picks]
        usable = np.abs(np.linalg.det(matrix)) > 0.05
        curves = np.linalg.solve(matrix[usable], offset[rows][picks[usable]][..., None])[..., 0] @ basis.T
        miss = np.abs(curves - offset[rows])
        best = np.percentile(miss, 60, axis=1).argmin()
        offset[rows] = np.where(miss[best] < 0.15 * reach + 1, offset[rows], curves[best])
    return offset


def _solve(start: Geometry, outline: Outline, found: _Profiles, use: NDArray[np.bool_], scale_px: float) -> Geometry:
    """Levenberg–Marquardt with Huber weights and priors (`FOCAL_SIGMA` and its neighbours)."""
    target = found.at + found.offset[:, None] * found.normal
    prior_mean, prior_sigma = _priors(start)
    p, damping = start.parameters, 1e-3
    steps = np.concatenate([np.full(3, 1e-5), np.full(3, 1e-2), [1e-4, 1e-4], np.full(BENDS, 1e-2)])
    trials = np.concatenate([np.zeros((1, PARAMETERS)), np.diag(steps)])
    cost, state = np.inf, None
    trial = p
    for _ in range(6):
        seen = project(trial[None] + trials, outline.points_mm, start)
        miss = ((seen - target) * found.normal).sum(axis=2) / EDGE_SIGMA_PX
        r = miss[0]
        limit = 2.0 * scale_px / EDGE_SIGMA_PX
        huber = np.where(np.abs(r) < limit, r * r, 2 * limit * np.abs(r) - limit * limit)
        prior = (trial - prior_mean) / prior_sigma
        new_cost = float(huber[use].sum() + prior @ prior)
        if new_cost < cost:
            weight = use * np.minimum(1.0, limit / np.maximum(np.abs(r), 1e-9))
            jacobian = ((miss[1:] - r) / steps[:, None]).T
            weighted = jacobian * weight[:, None]
            state = (jacobian.T @ weighted + np.diag(prior_sigma**-2.0), weighted.T @ r + prior / prior_sigma)
            done = cost - new_cost < 1e-3 * new_cost
            p, cost, damping = trial, new_cost, damping / 5
            if done:
                break
        else:
            damping *= 20
        if state is None:
            break
        normal_matrix, gradient = state
        # Without a single edge nothing holds the pose; the ridge keeps the step finite.
        damped = normal_matrix + damping * np.diag(np.diag(normal_matrix)) + 1e-9 * np.eye(PARAMETERS)
        trial = p - np.linalg.solve(damped, gradient)
    return replace(start, parameters=p)


def _priors(start: Geometry) -> tuple[Floats, Floats]:
    mean, sigma = start.parameters.copy(), np.full(PARAMETERS, np.inf)
    focal = 0.85 * 2 * max(start.centre_px)
    mean[6:], sigma[6:] = 0.0, np.array([FOCAL_SIGMA, K1_SIGMA, *BEND_SIGMA_MM])
    mean[6] = np.log(focal)
    return mean, sigma


def _judge(geometry: Geometry, outline: Outline, found: _Profiles, cut_misfit_mm: float) -> EdgeFit:
    scale = geometry.px_per_mm()
    contrast = float(np.linalg.norm(found.outside - found.inside))
    strong = found.strength > max(0.03 * contrast, 0.6)
    near = np.abs(found.offset) < max(0.3 * scale, 1.2)
    good = strong & near
    per_side = tuple(float(good[outline.side == s].mean()) if (outline.side == s).any() else 1.0 for s in range(SIDES))
    off = np.abs(found.offset) / scale
    cut = (outline.side == 4) & strong
    return EdgeFit(
        geometry,
        float(good[outline.side < 4].mean()),
        per_side,
        float(np.median(off[strong])) if strong.any() else float("inf"),
        float(np.median(off[cut])) if cut.any() else float("inf"),
        cut_misfit_mm,
        contrast / max(float(np.median(found.strength)), 1e-3),
        found.inside,
        found.outside,
    )
