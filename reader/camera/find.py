"""The card in the picture: proposed by `outline`, proven or refused by `edges`, the right way round and layout.

Grey is tried first. What passes is strict: an edge along all four sides and the cut corner, all fitting one camera
before one card of the layout's size. A card of another size, a cut-off card or a picture without one fits nothing.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from cards.layout import Layout
from device.frame import Frame
from reader.camera.edges import EdgeFit, Outline, fit, outline_of
from reader.camera.geometry import Floats, apply, first_guess, homography
from reader.camera.outline import Quad, quads_of_mask, small_copy
from reader.reading import Face

SUPPORT_MIN = 0.90
"""Share of profiles across the four sides that must show the card's edge where the geometry puts it."""
SIDE_SUPPORT_MIN = 0.72
"""The same for each single side: a finger or a shadow may hide a quarter of one."""
RESIDUAL_MAX_MM = 0.12
CUT_RESIDUAL_MAX_MM = 0.30
"""Right layouts fit within 0.15 mm."""
CUT_MISFIT_MAX_MM = 0.6
"""Right layouts show 0.1 mm, in very poor light 0.5 mm; others of the same size mostly show no straight edge here at all."""
QUAD_MISFIT_MAX = 0.10
"""How far four corners may miss a flat card of the layout's size, as a share of its height."""
ASPECT_MAX = math.log(1.6)
"""A camera that leans by 30° shortens one side by less than this."""
GREY_VALLEYS, COLOUR_VALLEYS = 5, 2


@dataclass(frozen=True)
class Found:
    """A card, proven by its whole outline, in the image (grey or colour) that showed it."""

    layout: Layout
    face: Face
    edge: EdgeFit
    image: NDArray[np.uint8]


@dataclass(frozen=True)
class Search:
    """What the search came to: the card or none; and what was seen on the way, for the reason when there is none.

    best: the most nearly right refusal. cut_off: a card-like shape reaches the picture's border. other: a second card.
    shapes: whether any card-like shape was seen at all.
    """

    found: Found | None
    best: Found | None = None
    cut_off: bool = False
    other: Quad | None = None
    shapes: bool = False


def search(frame: Frame, layouts: Sequence[Layout]) -> Search:
    """Look for one whole card of one of the layouts."""
    outlines = [(layout, outline_of(layout)) for layout in layouts]
    best: Found | None = None
    cut_off = shapes = False
    for image, quads in _proposals(frame):
        inside = [q for q in quads if not q.touches_border]
        cut_off |= len(inside) < len(quads)
        shapes |= bool(quads)
        for quad in inside:
            found = _best_layout(image, quad, outlines)
            if found is None:
                continue
            if passes(found.edge):
                return Search(found, other=_second(found, inside), shapes=True)
            if best is None or _merit(found.edge) > _merit(best.edge):
                best = found
    return Search(None, best, cut_off, None, shapes)


def passes(edge: EdgeFit) -> bool:
    """Whether the whole outline is there: every side, the cut corner, all within tolerance."""
    return (
        edge.support >= SUPPORT_MIN
        and min(edge.side_support) >= SIDE_SUPPORT_MIN
        and edge.residual_mm <= RESIDUAL_MAX_MM
        and edge.cut_residual_mm <= CUT_RESIDUAL_MAX_MM
        and edge.cut_misfit_mm <= CUT_MISFIT_MAX_MM
    )


def _merit(edge: EdgeFit) -> float:
    return edge.support + min(edge.side_support) - edge.residual_mm - 0.5 * min(edge.cut_residual_mm, 2.0)


def _proposals(frame: Frame) -> Iterator[tuple[NDArray[np.uint8], list[Quad]]]:
    """(full-size image to judge by, shapes), cheapest first: grey thresholds, then colour channels."""
    small, scale = small_copy(frame.grey)
    for level in valleys(small)[:GREY_VALLEYS]:
        yield frame.grey, quads_of_mask((small > level).astype(np.uint8), scale)
    if frame.colour is None:
        return
    small, scale = small_copy(frame.colour)
    lab = cv2.cvtColor(small, cv2.COLOR_BGR2LAB)
    spread = small.max(axis=2) - small.min(axis=2)
    for channel in (lab[..., 2], lab[..., 1], spread, small.min(axis=2)):
        for level in valleys(np.ascontiguousarray(channel))[:COLOUR_VALLEYS]:
            yield frame.colour, quads_of_mask((channel > level).astype(np.uint8), scale)


def valleys(image: NDArray[np.uint8]) -> list[int]:
    """Grey levels that part the picture well, best first: minima of the smoothed histogram, by their depth.

    Depth is measured on square roots of counts, so that a small card is worth a threshold beside a large bed.
    """
    counts = np.sqrt(np.bincount(image.ravel(), minlength=256).astype(np.float64))
    kernel = np.exp(-0.5 * (np.arange(-9, 10) / 3.0) ** 2)
    h = np.convolve(counts, kernel / kernel.sum(), mode="same")
    low = np.flatnonzero((h[1:-1] <= h[:-2]) & (h[1:-1] < h[2:])) + 1
    depth = []
    for k in low:
        deeper_left = np.flatnonzero(h[:k] < h[k])
        deeper_right = np.flatnonzero(h[k:] < h[k])
        left = h[(deeper_left[-1] if len(deeper_left) else 0) : k].max()
        right = h[k : (k + deeper_right[0] if len(deeper_right) else 256)].max()
        depth.append(min(left, right) - h[k])
    return [int(low[i]) for i in np.argsort(depth)[::-1]]


def _best_layout(image: NDArray[np.uint8], quad: Quad, outlines: Sequence[tuple[Layout, Outline]]) -> Found | None:
    best: Found | None = None
    for layout, outline in outlines:
        for found in _fits(image, quad, layout, outline):
            if best is None or _merit(found.edge) > _merit(best.edge):
                best = found
    return best


def _fits(image: NDArray[np.uint8], quad: Quad, layout: Layout, outline: Outline) -> Iterator[Found]:
    """The fits worth judging: the most likely way round, and the next when the first does not pass."""
    height, width = image.shape[:2]
    centre, focal = ((width - 1) / 2, (height - 1) / 2), 0.85 * max(width, height)
    ways = []
    for face, corners in _ways_round(quad.corners):
        if not _lies_so(corners, layout):
            continue
        guess = first_guess(corners, layout.width_mm, layout.height_mm, centre, focal)
        if guess is None:
            continue
        model = np.array(
            [[0, 0], [layout.width_mm, 0], [layout.width_mm, layout.height_mm], [0, layout.height_mm]], np.float64
        )
        miss = np.hypot(*(guess.to_px(model) - corners).T).max() / guess.px_per_mm() / layout.height_mm
        if miss < QUAD_MISFIT_MAX:
            ways.append((cut_evidence(image, corners, layout), face, guess))
    ways.sort(key=lambda w: -w[0])
    reach = max(3.5 * max(width, height) / 410, 5.0)
    for _, face, guess in ways[:2]:
        edge = fit(image, outline, guess, reach)
        yield Found(layout, face, edge, image)
        if passes(edge):
            return


def _ways_round(corners: Floats) -> Iterator[tuple[Face, Floats]]:
    """Four orientations of each face: corners in the order top-left, top-right, bottom-right, bottom-left of the front."""
    for k in range(4):
        yield "front", np.roll(corners, -k, axis=0)
        yield "back", np.roll(corners[::-1], -k, axis=0)


def _lies_so(corners: Floats, layout: Layout) -> bool:
    """Whether the sides are about as long to each other as the card's: not lying across."""
    along = np.hypot(*(corners[1] - corners[0])) + np.hypot(*(corners[2] - corners[3]))
    across = np.hypot(*(corners[2] - corners[1])) + np.hypot(*(corners[3] - corners[0]))
    return bool(abs(math.log(max(along, 1e-6) / max(across, 1e-6) * layout.height_mm / layout.width_mm)) < ASPECT_MAX)


def cut_evidence(image: NDArray[np.uint8], corners: Floats, layout: Layout) -> float:
    """How much the would-be cut corner looks like the bed (1) rather than the card (0), under this way round."""
    cut = layout.corner_cut
    w, h = layout.width_mm, layout.height_mm
    to_px = homography(np.array([[0, 0], [w, 0], [w, h], [0, h]], np.float64), corners)
    x, y = {"top-left": (0, 0), "top-right": (w, 0), "bottom-right": (w, h), "bottom-left": (0, h)}[cut.corner]
    sx, sy = (1 if x == 0 else -1), (1 if y == 0 else -1)
    share = np.array([[0.15, 0.15], [0.3, 0.15], [0.15, 0.3], [0.3, 0.3], [0.45, 0.2], [0.2, 0.45]])
    triangle = np.array([x, y]) + share * [sx * cut.dx_mm, sy * cut.dy_mm]
    outside = np.array([x, y]) + np.array([[-2.0, 4], [-2, 8], [4, -2.0], [8, -2], [-2, 12], [12, -2]]) * [sx, sy]
    inside = np.array([x, y]) + share[::-1] * [sx * cut.dx_mm, sy * cut.dy_mm] + [sx * cut.dx_mm, sy * cut.dy_mm]
    seen = [_median_at(image, apply(to_px, points)) for points in (triangle, outside, inside)]
    to_outside = float(np.linalg.norm(seen[0] - seen[1]))
    to_inside = float(np.linalg.norm(seen[0] - seen[2]))
    return to_inside / max(to_inside + to_outside, 1e-6)


def _median_at(image: NDArray[np.uint8], points: Floats) -> Floats:
    height, width = image.shape[:2]
    x = np.clip(np.rint(points[:, 0]).astype(int), 0, width - 1)
    y = np.clip(np.rint(points[:, 1]).astype(int), 0, height - 1)
    return np.asarray(np.median(image[y, x].reshape(len(points), -1).astype(np.float64), axis=0))


def _second(found: Found, quads: Sequence[Quad]) -> Quad | None:
    """Another whole card-sized shape beside the one that was found."""
    w, h = found.layout.width_mm, found.layout.height_mm
    mine = found.edge.geometry.to_px(np.array([[0, 0], [w, 0], [w, h], [0, h]], np.float64)).astype(np.float32)
    area = abs(cv2.contourArea(mine))
    for quad in quads:
        other = quad.corners.astype(np.float32)
        overlap, _ = cv2.intersectConvexConvex(mine, other)
        if overlap < 0.1 * area and 0.6 * area < abs(cv2.contourArea(other)) < 1.6 * area:
            return quad
    return None
