"""The card in the picture: proposed by `outline`, proven or refused by `edges`, the right way round and layout.

Grey is tried first. What passes is strict: an edge along all four sides and the cut corner, all fitting one camera
before one card of the layout's size. A card of another size, a cut-off card or a picture without one fits nothing.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache

import cv2
import numpy as np
from numpy.typing import NDArray

from cards.layout import CornerCut, Layout
from device.frame import Frame
from reader.camera.adjust import strain
from reader.camera.edges import BURNT, EdgeFit, Outline, fit, missing_in_glare, outline_of
from reader.camera.geometry import Floats, apply, first_guess, homography
from reader.camera.outline import NEXT, SMALL_PX, Quad, Shapes, Small, above, quads_of, shapes_of_mask, small_copy
from reader.reading import Face

SUPPORT_MIN = 0.90
"""Share of profiles across the four sides that must show the card's edge where the geometry puts it."""
SIDE_SUPPORT_MIN = 0.72
"""The same for each single side: a finger or a shadow may hide a quarter of one."""
RESIDUAL_MAX_MM = 0.065
"""Right outlines lie within 0.05 mm, those of old, worn cards within 0.063; one that follows a shadow's edge beside the card has
0.06 and more, and mostly gives itself away otherwise (`STRAIN_MAX`)."""
CUT_RESIDUAL_MAX_MM = 0.30
"""Right layouts fit within 0.15 mm."""
CUT_MISFIT_MAX_MM = 0.6
"""Right layouts show 0.1 mm, in very poor light 0.5 mm; others of the same size mostly show no straight edge here at all."""
TOGETHER_MAX = 1.25
"""All three, as shares of their limits, added up as squares and the root taken: of right layouts, one in two hundred has more
than 1.1 in poor light. A box printed on a card that passes for another card is near all three limits at once."""
STRAIN_MAX = 20.0
"""See `strain`. A card that is curled by 5 mm has 6, of in-spec ones the most has 17; where a picture was stretched, or an edge
is no card's, it is 22 to 400, and positions lie up to 8 mm off though every edge fits."""
QUAD_MISFIT_MAX = 0.10
"""How far four corners may miss a flat card of the layout's size, as a share of its height."""
ASPECT_MAX = math.log(1.6)
"""A camera that leans by 30° shortens one side by less than this."""
GREY_VALLEYS, COLOUR_VALLEYS = 5, 2
LIFTED = np.rint(255 * np.sqrt(np.arange(256) / 255)).astype(np.uint8)
"""Lifts shadows: a threshold between a dark card and felt lies within two levels of a dark picture."""
BRIGHTEST = 99
"""Percentile of an evened picture that becomes white: what the fall of light is divided by may be steep at a corner."""
DARK_MAX = 10
"""8-bit: black felt under a lamp is brighter (12 to 20); where nothing is, no lamp burns. An empty bed is not too dark."""
GLARE_AREA, GLARE_HIDES, HALO_PX = 0.002, 0.3, 15
"""A reflection worth asking about, as a share of the picture; how much of a card it may hide; its soft rim in the small
copy."""
GLARE_SHARE, GLARE_SUPPORT_MIN = 0.4, 0.5
"""Of the places without an edge so many are burnt out, and so much of the outline is there: a card, but for the light."""
LIT_MIN = 200.0
"""8-bit: a bed that is brighter than this in its darkest channel is lit."""


Parted = tuple[NDArray[np.uint8], Shapes]
"""A picture at full size, and what one threshold parts in its small copy."""


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
    shapes: whether any card-like shape was seen at all. too_dark: no part of the picture is bright enough for paper to
    stand out. glare: reflected light explains what is missing of the best refusal's outline.
    """

    found: Found | None
    best: Found | None = None
    cut_off: bool = False
    other: Quad | None = None
    shapes: bool = False
    too_dark: bool = False
    glare: bool = False


def search(frame: Frame, layouts: Sequence[Layout]) -> Search:
    """Look for one whole card of one of the layouts."""
    outlines = _outlines(layouts)
    best: Found | None = None
    cut_off = shapes = False
    refused: set[tuple[int, bytes]] = set()
    small = small_copy(frame.grey)
    too_dark = _is_dark(small[0])
    seen: list[Parted] = []
    likely, unlikely = _proposals(frame, small, seen), _unlikely(frame, small, seen)
    for proposals in (likely,) if too_dark else (likely, unlikely):
        for image, quads in proposals:
            inside = [q for q in quads if not q.touches_border]
            if proposals is likely:
                cut_off |= len(inside) < len(quads)
                shapes |= bool(quads)
            for quad in inside:
                # Several thresholds, and the unlikely proposals once more, come upon the very same shape.
                shape = (id(image), quad.corners.tobytes())
                if shape in refused:
                    continue
                refused.add(shape)
                found = _best_layout(image, quad, outlines)
                if found is None:
                    continue
                if passes(found.edge):
                    return Search(found, other=_second(found, [q for q in inside if q is not quad]), shapes=True)
                if best is None or _merit(found.edge) > _merit(best.edge):
                    best = found
    return Search(None, best, cut_off, None, shapes, too_dark, not too_dark and _is_glare(frame, best, outlines))


def _outlines(layouts: Sequence[Layout]) -> list[tuple[Layout, Outline]]:
    """Each outline once, under the first of its layouts: all of them fit alike."""
    found: dict[int, tuple[Layout, Outline]] = {}
    for layout in layouts:
        outline = outline_of(layout)
        found.setdefault(id(outline), (layout, outline))
    return list(found.values())


def _is_dark(small: NDArray[np.uint8]) -> bool:
    """Whether all but a hundredth of the picture, which a lamp's reflection or noise may be, is too dark."""
    # One row in eight mostly shows enough.
    return all(cv2.countNonZero(above(some, DARK_MAX - 1)) < 0.01 * small.size for some in (small[::8], small))


def _is_glare(frame: Frame, best: Found | None, outlines: Sequence[tuple[Layout, Outline]]) -> bool:
    """Whether a card lies there, but for edges that drown in reflected light. Looked into only when nothing was found."""
    if best is not None and _drowns(best):
        return True
    small, scale = small_copy(frame.grey)
    burnt = above(small, BURNT - 1)
    if cv2.countNonZero(burnt) < GLARE_AREA * burnt.size:
        return False
    kept = cv2.bitwise_not(cv2.dilate(burnt, np.ones((HALO_PX, HALO_PX), np.uint8)))
    for level in valleys(small)[:GREY_VALLEYS]:
        mask = np.asarray(cv2.bitwise_and(above(small, level), kept), np.uint8)
        for quad in quads_of(shapes_of_mask(mask, scale), hidden=GLARE_HIDES):
            found = _best_layout(frame.grey, quad, outlines)
            if found is not None and found.edge.support > GLARE_SUPPORT_MIN and _drowns(found):
                return True
    return False


def _drowns(found: Found) -> bool:
    """Not on a lit bed, which is as bright where nothing is wrong."""
    if float(found.edge.outside.min()) > LIT_MIN:
        return False
    return missing_in_glare(found.image, outline_of(found.layout), found.edge) > GLARE_SHARE


def passes(edge: EdgeFit) -> bool:
    """Whether the whole outline is there, of a card that may be bent, before a camera."""
    return has_outline(edge) and strain(edge.geometry) <= STRAIN_MAX


def has_outline(edge: EdgeFit) -> bool:
    """Whether every side and the cut corner are there, all within tolerance."""
    return (
        edge.support >= SUPPORT_MIN
        and min(edge.side_support) >= SIDE_SUPPORT_MIN
        and edge.residual_mm <= RESIDUAL_MAX_MM
        and edge.cut_residual_mm <= CUT_RESIDUAL_MAX_MM
        and edge.cut_misfit_mm <= CUT_MISFIT_MAX_MM
        and together(edge) <= TOGETHER_MAX
    )


def together(edge: EdgeFit) -> float:
    """How near the outline is to its three limits in mm at once; see `TOGETHER_MAX`."""
    return math.hypot(
        edge.residual_mm / RESIDUAL_MAX_MM,
        edge.cut_residual_mm / CUT_RESIDUAL_MAX_MM,
        edge.cut_misfit_mm / CUT_MISFIT_MAX_MM,
    )


def _merit(edge: EdgeFit) -> float:
    return edge.support + min(edge.side_support) - edge.residual_mm - 0.5 * min(edge.cut_residual_mm, 2.0)


def _proposals(frame: Frame, grey: Small, seen: list[Parted]) -> Iterator[tuple[NDArray[np.uint8], list[Quad]]]:
    """(full-size image to judge by, shapes), cheapest first: grey thresholds, then colour channels. Adds to `seen` what
    each threshold parts."""
    for image, mask, scale in _masks(frame, grey):
        shapes = shapes_of_mask(mask, scale)
        seen.append((image, shapes))
        yield image, quads_of(shapes)


def _unlikely(frame: Frame, grey: Small, seen: list[Parted]) -> Iterator[tuple[NDArray[np.uint8], list[Quad]]]:
    """As `_proposals`, where those led to nothing: a dark card on a dark bed, a card in a light that falls off to one side, and
    one that a hand or a pen touches."""
    lifted, scale = small_copy(np.asarray(cv2.LUT(frame.grey, LIFTED), np.uint8))
    for small in (lifted, _evenly_lit(grey[0])):
        for level in valleys(small)[:GREY_VALLEYS]:
            yield frame.grey, quads_of(shapes_of_mask(above(small, level), scale))
    for image, shapes in seen:
        yield image, quads_of(shapes, joined=True)


def _evenly_lit(small: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The picture as if its light did not fall off to one side: a plane through the logarithms of its levels is taken out."""
    down, across = np.mgrid[: small.shape[0], : small.shape[1]].astype(np.float64)
    # Every fourth pixel either way tells as much.
    right, below, logs = (part[::4, ::4].ravel() for part in (across, down, np.log(np.maximum(small, 1.0))))
    _, by_right, by_below = np.linalg.lstsq(np.stack([np.ones_like(right), right, below], axis=1), logs, rcond=None)[0]
    even = small * np.exp(-by_right * across - by_below * down)
    white = max(float(np.percentile(even, BRIGHTEST)), 1.0)
    return np.asarray(np.clip(even * (255 / white), 0, 255), np.uint8)


def _masks(frame: Frame, grey: Small) -> Iterator[tuple[NDArray[np.uint8], NDArray[np.uint8], float]]:
    """(full-size image, what a threshold parts in its small copy, that copy's scale)."""
    small, scale = grey
    for level in valleys(small)[:GREY_VALLEYS]:
        yield frame.grey, above(small, level), scale
    if frame.colour is None:
        return
    small, scale = small_copy(frame.colour)
    _, green_red, blue_yellow = cv2.split(cv2.cvtColor(small, cv2.COLOR_BGR2LAB))
    blue, green, red = cv2.split(small)
    least, most = cv2.min(cv2.min(blue, green), red), cv2.max(cv2.max(blue, green), red)
    for plane in (blue_yellow, green_red, cv2.subtract(most, least), least):
        channel = np.asarray(plane, np.uint8)
        for level in valleys(channel)[:COLOUR_VALLEYS]:
            yield frame.colour, above(channel, level), scale


def valleys(image: NDArray[np.uint8]) -> list[int]:
    """Grey levels that part the picture well, best first: minima of the smoothed histogram, by their depth.

    Every other row is enough. Depth is measured on square roots of counts, so that a small card is worth a threshold
    beside a large bed.
    """
    counts = np.sqrt(np.asarray(cv2.calcHist([image[::2]], [0], None, [256], [0, 256])).ravel())
    h = np.convolve(counts, SMOOTH, mode="same")
    low = np.flatnonzero((h[1:-1] <= h[:-2]) & (h[1:-1] < h[2:])) + 1
    # Between two minima lies one maximum: of either side the highest counts before it goes deeper.
    tops, bottoms = np.maximum.reduceat(h, [0, *low]).tolist(), h[low].tolist()
    depth = []
    for k, bottom in enumerate(bottoms):
        first, last = k, k + 1
        while first > 0 and bottoms[first - 1] >= bottom:
            first -= 1
        while last < len(bottoms) and bottoms[last] >= bottom:
            last += 1
        depth.append(min(max(tops[first : k + 1]), max(tops[k + 1 : last + 1])) - bottom)
    return [int(low[k]) for k in sorted(range(len(low)), key=depth.__getitem__)[::-1]]


SMOOTH = np.exp(-0.5 * (np.arange(-9, 10) / 3.0) ** 2)
SMOOTH /= SMOOTH.sum()


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
    reach = max(3.5 * max(width, height) / SMALL_PX, 5.0)
    ways = _ways_round(quad.corners, layout)
    if not ways:
        return
    evidence = cut_evidence(image, quad.corners, ways, layout).tolist()
    for k in sorted(range(len(ways)), key=lambda k: -evidence[k])[:2]:
        corners = quad.corners[WAYS[ways[k]]]
        guess = first_guess(corners, layout.width_mm, layout.height_mm, centre, focal)
        if guess is None:
            continue
        miss = np.hypot(*(guess.corners_px - corners).T).max() / guess.px_per_mm / layout.height_mm
        if miss >= QUAD_MISFIT_MAX:
            continue
        edge = fit(image, outline, guess, reach)
        yield Found(layout, FACES[ways[k] % 2], edge, image)
        if passes(edge):
            return


FACES: tuple[Face, Face] = ("front", "back")
WAYS = np.array([[order, 3 - order] for order in (np.roll(range(4), -k) for k in range(4))]).reshape(8, 4)
"""(8, 4): each way round, front and back in turn: which of a shape's corners are the card's from top-left clockwise on the
front."""


def _ways_round(corners: Floats, layout: Layout) -> list[int]:
    """Which of `WAYS` are not lying across."""
    at = corners.tolist()
    side = [max(math.dist(at[k], at[then]), 1e-6) for k, then in enumerate(NEXT)]
    longer = math.log((side[0] + side[2]) / (side[1] + side[3]))
    usual = math.log(layout.width_mm / layout.height_mm)
    # A quarter turn makes the long sides short.
    return [way for way in range(len(WAYS)) if abs((-longer if way // 2 % 2 else longer) - usual) < ASPECT_MAX]


def cut_evidence(image: NDArray[np.uint8], corners: Floats, ways: Sequence[int], layout: Layout) -> Floats:
    """(ways,): how much the would-be cut corner looks like the bed (1) rather than the card (0), each way round."""
    places = _around_cut(layout.width_mm, layout.height_mm, layout.corner_cut)[ways]
    points = apply(homography(SQUARE, corners), places.reshape(-1, 2))
    last = np.array(image.shape[1::-1]) - 1
    x, y = np.rint(np.minimum(np.maximum(points, 0), last)).astype(np.intp).T
    seen = image[y, x].reshape(len(ways), 3, places.shape[1] // 3, -1)
    seen.sort(axis=2)
    # The median of six.
    triangle, outside, inside = (seen[:, :, 2:4].sum(axis=2, dtype=np.float64) / 2).transpose(1, 0, 2)
    to_outside = np.sqrt(((triangle - outside) ** 2).sum(axis=1))
    to_inside = np.sqrt(((triangle - inside) ** 2).sum(axis=1))
    return np.asarray(to_inside / np.maximum(to_inside + to_outside, 1e-6))


SQUARE = np.array([[0, 0], [1, 0], [1, 1], [0, 1]], np.float64)


@cache
def _around_cut(width_mm: float, height_mm: float, cut: CornerCut) -> Floats:
    """(ways, 18, 2): six places in the corner that is cut off, six outside it, six on the card beside it, where each of
    `WAYS` puts them in a shape of which the corners are those of `SQUARE`."""
    x, y = cut.corner.endswith("right"), cut.corner.startswith("bottom")
    corner = np.array([width_mm * x, height_mm * y])
    inwards = np.where(corner == 0, 1.0, -1.0)
    leg = inwards * [cut.dx_mm, cut.dy_mm]
    share = np.array([[0.15, 0.15], [0.3, 0.15], [0.15, 0.3], [0.3, 0.3], [0.45, 0.2], [0.2, 0.45]])
    outside = np.array([[-2.0, 4], [-2, 8], [4, -2.0], [8, -2], [-2, 12], [12, -2]]) * inwards
    places = np.concatenate([corner + share * leg, corner + outside, corner + (share + 1) * leg])
    top_left, top_right, _, bottom_left = SQUARE[WAYS].transpose(1, 0, 2)[:, :, None]
    across, down = (places / [width_mm, height_mm]).T[..., None]
    return np.asarray(top_left + across * (top_right - top_left) + down * (bottom_left - top_left))


def _second(found: Found, quads: Sequence[Quad]) -> Quad | None:
    """Another whole card-sized shape beside the one that was found."""
    if not quads:
        return None
    mine = found.edge.geometry.corners_px.astype(np.float32)
    area = abs(cv2.contourArea(mine))
    for quad in quads:
        other = quad.corners.astype(np.float32)
        overlap, _ = cv2.intersectConvexConvex(mine, other)
        if overlap < 0.1 * area and 0.6 * area < abs(cv2.contourArea(other)) < 1.6 * area:
            return quad
    return None
