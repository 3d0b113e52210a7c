"""Whether a picture is good enough to learn from: focus, light, stillness, grain, resolution, variety of views.

Pure functions; each gives a `Finding` with its figures and, when it is bad, what to do. Every limit is a constant here
with its physical reason.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from calibration.lens import Board
from calibration.sheet import SheetView
from device.frame import GreyImage

Floats = NDArray[np.float64]

EDGE_MAX_PX = 5.0
"""10–90 % width of a straight edge. A lens in focus gives 2 to 4; at 5 the two rims of a 1.4 mm hole meet at its middle."""
PAPER_MIN, PAPER_MAX = 90.0, 250.0
"""Levels of white paper. Below, the grain eats the difference of print and hole; above, the sensor is full and shades
are cut off."""
CLIPPED_MAX = 0.01
"""Share of what should be paper that is full white: a lamp's reflection hides what lies under it."""
CONTRAST_MIN = 60.0
"""Levels between the sheet's white and black: six times what a poor camera's grain and JPEG leave at one edge."""
UNEVEN_MAX = 2.5
"""Brightest over darkest region of one surface. Levels are judged against their own place, but the darkest region still
needs its contrast: 2.5 leaves it 40 % of the best."""
NOISE_MAX = 6.0
"""Standard deviation of the grain, in levels. With 15 % and 60 % as thresholds on a contrast of 60, six are a tenth."""
SHAKE_MAX_PX = 1.0
"""Movement between two pictures of what should lie still; a rolling shutter bends a moving edge by as much."""
HOLE_MIN_PX = 8.0
"""Across the smallest hole: two edges of 3 pixels and something between them."""
VIEWS_MIN = 8
"""Views of the sheet: three would do for six unknowns of a lens; eight bound what one bad view can do."""
COVERED_MIN = 0.75
"""Share of an 8 × 6 raster over the picture in which corners were seen: distortion is strongest where none are."""
TILT_MIN_DEG, TILTED_MIN = 8.0, 3
"""So many views must lean by so much, not all the same way: the focal length cannot be told from level views
(Zhang 2000)."""
TILT_SPREAD_DEG = 60.0
RASTER = (8, 6)
FULL = 254
FOCAL_GUESS = 0.85
"""Focal length as a share of the picture's longer side, for a rough tilt before the lens is known."""


@dataclass(frozen=True)
class Finding:
    """One thing looked at. topic: a word; figure: what was measured, with its limit; advice: what to do, '' when good."""

    topic: str
    figure: str
    advice: str = ""

    @property
    def good(self) -> bool:
        """Whether there is nothing to do."""
        return not self.advice

    def __str__(self) -> str:
        """In one line for people."""
        return f"{self.topic}: {self.figure}" + (f". {self.advice}" if self.advice else "")


def bad(findings: Sequence[Finding]) -> list[Finding]:
    """Those that ask for something."""
    return [f for f in findings if not f.good]


def size_of(grey: GreyImage, width_px: int, height_px: int) -> Finding:
    """A camera keeps one resolution; a profile holds for that one alone."""
    height, width = grey.shape
    if (width, height) == (width_px, height_px):
        return Finding("resolution", f"{width} × {height} px")
    return Finding(
        "resolution",
        f"{width} × {height} px, but {width_px} × {height_px} before",
        "Set the camera to one resolution and keep it, then calibrate again",
    )


def exposure(levels: Floats) -> Finding:
    """Light on white paper. levels: (n,) its pixels' levels, 0 to 255."""
    white = float(np.median(levels))
    clipped = float((levels >= FULL).mean())
    figure = (
        f"white paper at level {white:.0f} ({PAPER_MIN:.0f} to {PAPER_MAX:.0f} wanted), {clipped:.1%} of it full white"
    )
    if white < PAPER_MIN:
        return Finding("light", figure, "Too dark: switch the lamp on, open the exposure, or bring the lamp nearer")
    if white > PAPER_MAX or clipped > CLIPPED_MAX:
        return Finding(
            "light", figure, "Too bright: shorten the exposure, or turn the lamp so that it does not reflect"
        )
    return Finding("light", figure)


def sheet_light(grey: GreyImage, view: SheetView) -> list[Finding]:
    """Light on the sheet, from the middles of its squares: black ones and the rim of white ones."""
    white, black = _square_levels(grey, view)
    if not len(white) or not len(black):
        return [Finding("light", "no whole square of the sheet in view", "Hold the sheet so that most of it is seen")]
    dark = float(np.median(_at(grey, black)))
    contrast = float(np.median(_at(grey, white))) - dark
    figure = f"white is {contrast:.0f} levels above black (at least {CONTRAST_MIN:.0f})"
    advice = (
        "" if contrast >= CONTRAST_MIN else "Too flat: more light, no haze on the glass, no reflection on the sheet"
    )
    return [exposure(_at(grey, white)), Finding("contrast", figure, advice)]


def focus(grey: GreyImage, view: SheetView, board: Board) -> Finding:
    """Width of the edges between the sheet's squares, 10 to 90 %, in pixels."""
    width = edge_width_px(grey, view, board)
    if width is None:
        return Finding("focus", "no two neighbouring corners of the sheet in view", "Show more of the sheet")
    advice = "" if width <= EDGE_MAX_PX else "Blurred: clean the glass, turn the lens ring, hold the sheet still"
    return Finding("focus", f"edges are {width:.1f} px wide (at most {EDGE_MAX_PX:.0f})", advice)


def edge_width_px(grey: GreyImage, view: SheetView, board: Board) -> float | None:
    """Median over the edges between neighbouring corners; `None` without any.

    Across each edge's middle the levels are averaged along it and fitted by what a Gaussian blur makes of black square,
    white strip and the marker's black border, whose widths are known: the strip alone is too narrow for plateaus.
    """
    strip = (board.square_mm - board.marker_mm) / 2 / board.square_mm
    border = 0.7 * board.marker_mm / 7 / board.square_mm
    widths = []
    for a, b, step in _neighbours(view):
        along = b - a
        across = np.array([-along[1], along[0]]) / float(np.hypot(*along))
        # A sheet that leans is shortened one way: the strip's width comes from the squares across the edge.
        across_px = abs(float(step @ across))
        reach = (strip + border) * across_px
        t = np.linspace(-reach, reach, 2 * math.ceil(reach * 2) + 1)
        s = np.linspace(0.3, 0.7, 15)
        points = a + s[:, None, None] * along + t[None, :, None] * across
        profile = _at(grey, points.reshape(-1, 2)).reshape(len(s), len(t)).mean(axis=0)
        near = np.abs(t) < strip * across_px
        if profile[near & (t < 0)].mean() > profile[near & (t > 0)].mean():
            profile = profile[::-1]
        widths.append(_GAUSS_10_90 * _blur_of(profile, t, strip * across_px))
    return float(np.median(widths)) if widths else None


def _blur_of(profile: Floats, t: Floats, strip_px: float) -> float:
    """Standard deviation of the blur (px) that explains a profile best; t: px from the edge towards white."""
    scaled = t[None] / _SIGMAS[:, None], (t[None] - strip_px) / _SIGMAS[:, None]
    shapes = np.interp(scaled[0], _STEPS, _PHI) - np.interp(scaled[1], _STEPS, _PHI)
    shapes -= shapes.mean(axis=1, keepdims=True)
    level = profile - profile.mean()
    explained = (shapes @ level) ** 2 / (shapes**2).sum(axis=1)
    return float(_SIGMAS[int(explained.argmax())])


_GAUSS_10_90 = 2.563
_SIGMAS = np.geomspace(0.3, 8.0, 80)
_STEPS = np.linspace(-4, 4, 161)
_PHI = np.array([0.5 * (1 + math.erf(v / math.sqrt(2))) for v in _STEPS])


def resolution(px_per_mm: float, hole_mm: float) -> Finding:
    """Whether the smallest hole's narrower side has pixels enough."""
    px = px_per_mm * hole_mm
    advice = "" if px >= HOLE_MIN_PX else "Too coarse: a higher resolution, or the camera nearer to the bed"
    figure = f"{px_per_mm:.1f} px/mm; a hole of {hole_mm:g} mm is {px:.0f} px across (at least {HOLE_MIN_PX:.0f})"
    return Finding("resolution", figure, advice)


def stillness(first: GreyImage, second: GreyImage) -> Finding:
    """Movement between two pictures, by phase correlation of their fine structure."""
    a, b = (np.asarray(image, np.float32) for image in (first, second))
    a, b = (image - cv2.GaussianBlur(image, (0, 0), 8) for image in (a, b))
    window = cv2.createHanningWindow((a.shape[1], a.shape[0]), cv2.CV_32F)
    (x, y), _ = cv2.phaseCorrelate(a, b, window)
    moved = math.hypot(x, y)
    advice = (
        "" if moved <= SHAKE_MAX_PX else "Something moved: wait until everything lies still, fix the camera tighter"
    )
    return Finding("stillness", f"{moved:.2f} px between two pictures (at most {SHAKE_MAX_PX:g})", advice)


def grain(first: GreyImage, second: GreyImage) -> Finding:
    """The camera's noise: what differs between two pictures of the same, slow changes taken off."""
    level = noise_levels(first, second)
    advice = "" if level <= NOISE_MAX else "Grainy: more light and less gain (ISO)"
    return Finding("grain", f"{level:.1f} levels (at most {NOISE_MAX:g})", advice)


def noise_levels(first: GreyImage, second: GreyImage) -> float:
    """Standard deviation of one picture's noise in levels, from two of the same (robust)."""
    away = np.asarray(first, np.float32) - np.asarray(second, np.float32)
    away -= cv2.GaussianBlur(away, (0, 0), 4)
    return float(np.median(np.abs(away))) * 1.4826 / math.sqrt(2)


def evenness(grey: GreyImage, surface: NDArray[np.bool_], what: str) -> Finding:
    """The lamp over one surface (`surface`: its mask): brightest over darkest of 6 × 4 regions (medians)."""
    levels = []
    for rows in np.array_split(np.arange(grey.shape[0]), 4):
        for columns in np.array_split(np.arange(grey.shape[1]), 6):
            where = np.ix_(rows, columns)
            mine = grey[where][surface[where]]
            if mine.size >= 0.3 * len(rows) * len(columns):
                levels.append(float(mine.mean()))
    if len(levels) < 2:
        return Finding("evenness", f"too little of {what} in view", f"Show all of {what}")
    ratio = max(levels) / max(min(levels), 1.0)
    figure = (
        f"{what} between levels {min(levels):.0f} and {max(levels):.0f}, {ratio:.2f} : 1 (at most {UNEVEN_MAX:g} : 1)"
    )
    return Finding(
        "evenness", figure, "" if ratio <= UNEVEN_MAX else "Uneven: a second lamp, a diffuser, or the lamp further away"
    )


@dataclass(frozen=True)
class Variety:
    """How the sheet was held over all views. missing: where corners were not seen, in words; leans_deg: one a view."""

    views: int
    covered: float
    missing: tuple[str, ...]
    leans_deg: tuple[float, ...]
    directions_deg: tuple[float, ...]

    def findings(self) -> list[Finding]:
        """Enough views, everywhere, leaning."""
        tilted = [(d, t) for d, t in zip(self.directions_deg, self.leans_deg, strict=True) if t >= TILT_MIN_DEG]
        spread = _spread_deg([d for d, _ in tilted])
        where = ", ".join(self.missing)
        return [
            Finding("views", f"{self.views} of the sheet (at least {VIEWS_MIN})",
                    "" if self.views >= VIEWS_MIN else "Take more"),
            Finding("coverage", f"corners in {self.covered:.0%} of the picture (at least {COVERED_MIN:.0%})",
                    "" if self.covered >= COVERED_MIN else f"Hold the sheet further to the {where or 'edges'}"),
            Finding("lean", f"{len(tilted)} views lean by {TILT_MIN_DEG:.0f}° or more (at least {TILTED_MIN}), in "
                    f"directions {spread:.0f}° apart (at least {TILT_SPREAD_DEG:.0f}°)",
                    "" if len(tilted) >= TILTED_MIN and spread >= TILT_SPREAD_DEG
                    else "Lean the sheet to another side: left, right, to you, away"),
        ]  # fmt: skip


def variety(views: Sequence[SheetView], board: Board, width_px: int, height_px: int) -> Variety:
    """What the views cover so far."""
    seen = np.zeros(RASTER[::-1], bool)
    leans, directions = [], []
    for view in views:
        column = np.clip(view.corners_px[:, 0] / width_px * RASTER[0], 0, RASTER[0] - 1).astype(int)
        row = np.clip(view.corners_px[:, 1] / height_px * RASTER[1], 0, RASTER[1] - 1).astype(int)
        seen[row, column] = True
        lean, direction = _lean(view, board, width_px, height_px)
        leans.append(lean)
        directions.append(direction)
    return Variety(len(views), float(seen.mean()), _missing(seen), tuple(leans), tuple(directions))


def _missing(seen: NDArray[np.bool_]) -> tuple[str, ...]:
    """Quarters of the picture with many unseen fields, the emptiest first."""
    rows, columns = seen.shape[0] // 2, seen.shape[1] // 2
    parts = {
        "top left": seen[:rows, :columns],
        "top right": seen[:rows, columns:],
        "bottom left": seen[rows:, :columns],
        "bottom right": seen[rows:, columns:],
    }
    return tuple(sorted((n for n, p in parts.items() if p.mean() < COVERED_MIN), key=lambda n: float(parts[n].mean())))


def _lean(view: SheetView, board: Board, width_px: int, height_px: int) -> tuple[float, float]:
    """(how far, in which direction of the picture) the sheet leans from facing the camera, in degrees; roughly."""
    if len(view.at) < 6:
        return 0.0, 0.0
    focal = FOCAL_GUESS * max(width_px, height_px)
    camera = np.array([[focal, 0, width_px / 2], [0, focal, height_px / 2], [0, 0, 1]])
    places = np.column_stack([view.at * board.square_mm, np.zeros(len(view.at))])
    try:
        ok, turn, _ = cv2.solvePnP(places, view.corners_px, camera, np.zeros(4), flags=cv2.SOLVEPNP_IPPE)
    except cv2.error:  # all corners on one line
        return 0.0, 0.0
    if not ok:
        return 0.0, 0.0
    normal = cv2.Rodrigues(turn)[0][:, 2]
    normal = normal if normal[2] > 0 else -normal
    return math.degrees(math.acos(min(1.0, float(normal[2])))), math.degrees(math.atan2(normal[1], normal[0]))


def _spread_deg(directions: Sequence[float]) -> float:
    """The largest angle between two directions."""
    pairs = ((a - b + 180) % 360 - 180 for a in directions for b in directions)
    return max((abs(d) for d in pairs), default=0.0)


def _neighbours(view: SheetView) -> list[tuple[Floats, Floats, Floats]]:
    """(corner, the next one, the step of a square across their edge), in pixels."""
    by_place = {(int(c), int(r)): p for (c, r), p in zip(view.at, view.corners_px, strict=True)}
    found = []
    for (c, r), p in by_place.items():
        for dc, dr in ((1, 0), (0, 1)):
            beside = [by_place[k] - p for k in ((c + dr, r + dc),) if k in by_place]
            beside += [p - by_place[k] for k in ((c - dr, r - dc),) if k in by_place]
            if (c + dc, r + dr) in by_place and beside:
                found.append((p, by_place[c + dc, r + dr], np.asarray(np.mean(beside, axis=0), np.float64)))
    return found


def _square_levels(grey: GreyImage, view: SheetView) -> tuple[Floats, Floats]:
    """((n, 2) points on white, (m, 2) on black): a black square's middle; a white one's rim, outside its marker."""
    by_place = {(int(c), int(r)): p for (c, r), p in zip(view.at, view.corners_px, strict=True)}
    white, black = [], []
    for (c, r), p in by_place.items():
        others = [by_place.get(k) for k in ((c + 1, r), (c + 1, r + 1), (c, r + 1))]
        if any(o is None for o in others):
            continue
        corners = np.array([p, *others], np.float64)
        middle = corners.mean(axis=0)
        # Square (c, r) lies right below corner (c, r), which is the board's square (c + 1, r + 1).
        if (c + r) % 2 == 0:
            black.append(middle)
        else:
            white += [(a + b) / 2 * 0.86 + middle * 0.14 for a, b in zip(corners, np.roll(corners, 1, 0), strict=True)]
    return np.array(white, np.float64).reshape(-1, 2), np.array(black, np.float64).reshape(-1, 2)


def _at(grey: GreyImage, points: Floats) -> Floats:
    x, y = (np.asarray(v, np.float32).reshape(1, -1) for v in points.T)
    return np.asarray(cv2.remap(grey, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE), np.float64).ravel()
