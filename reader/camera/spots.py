"""A layout's positions on a blank's raster: how open each of them is, and what is open where no hole belongs."""

from __future__ import annotations

from typing import Any, cast

import cv2
import numpy as np
from numpy.typing import NDArray

from calibration.models import Levels
from calibration.plane import Singles
from calibration.weigh import cover
from reader.camera.likely import Face, Seen
from reader.reading import Score, Stray

ODD_MAX = 0.15
"""What neither paper nor bed explains, as a share of the hole."""
THIN_MAX = 0.1
"""What is bed but thinner than the opening, as a share of the hole: a crescent or a slit, no scratch."""
SLIT_MAX = 0.05
"""So much of a hole covered by bed in one piece is a slit, though less of it is bed for certain. Of holes 15 to 20 % open, 6.6 px
a mm, the piece measured from 0.115; what print off its place leaves on clear positions, up to 0.009."""
THIN_MIN = 0.015
"""Thin parts that measure less, with what is neither paper nor bed, are no slit's: of a slit out of focus nothing is bed."""
SURELY, SURELY_MIN = 200, 0.68
"""What is open by more than this, of 255, is bed for sure, and so much of a whole hole must be: light that has changed makes all
of a position a little like the bed, noise and blur the rim of a half-open hole."""
OPENING_MM = 1.0
"""Narrower than this, what looks like bed is a scratch, or print a little off its place."""
SOLID_MIN = 0.02
"""Less than this share of a hole, after the opening, is nothing."""
WHOLE_MIN, WHOLE_MAX = 0.8, 1.3
"""What measures so much of the nominal hole is one whole hole, for the card's own response."""
STRAY_MIN = 0.3
"""Least area of a stray, as a share of the layout's hole."""
ELSEWHERE = 1 << 15
"""Set in a spot's owner where no hole belongs; no layout has so many positions."""
SHARE_STEPS = 65_535
"""A spot's share of a hole is kept in such steps, in half the memory: looking it up here and there costs by that."""
WIDE_MM = 0.2
"""A hole's reach is looked at so far beyond its tolerance, so that a torn one is measured whole."""


class Spots:
    """A layout's positions on a face's raster: which pixels belong to which."""

    def __init__(self, face: Face) -> None:
        layout, px_per_mm = face.layout, face.px_per_mm
        hole = layout.hole
        centres = layout.centres_mm
        gaps = np.hypot(*(centres[:, None] - centres[None]).transpose(2, 0, 1)) + np.eye(len(centres)) * 1e3
        apart = float(gaps.min())
        half = np.array([hole.width_mm, hole.height_mm]) / 2
        tolerance = min(hole.tolerance_mm + WIDE_MM, max(apart - 2 * float(half.min()), 0.6) * 0.5)
        rows, columns = face.mean.shape
        x, y = ((np.arange(n) + 0.5) / px_per_mm for n in (columns, rows))
        self.centres_mm = centres
        self.px_per_mm = px_per_mm
        self.columns = columns
        owner = np.full((rows, columns), len(centres), np.uint16)
        weight = np.zeros((rows, columns), np.float32)
        reach = half + tolerance + 1
        places = []
        for k, (cx, cy) in enumerate(centres):
            here = np.ix_(np.abs(y - cy) < reach[1], np.abs(x - cx) < reach[0])
            gx, gy = np.meshgrid(x[here[1][0]] - cx, y[here[0][:, 0]] - cy)
            past = (
                np.hypot(gx, gy) - half[0]
                if hole.shape == "circle"
                else np.maximum(np.abs(gx) - half[0], np.abs(gy) - half[1])
            )
            within = np.clip((tolerance - past) * px_per_mm + 0.5, 0, 1)
            # Where reaches meet, each spot belongs to the place it lies deeper in.
            mine = within > weight[here]
            places.append(here)
            for whole, part in ((owner, k), (weight, within)):
                whole[here] = np.where(mine, part, whole[here])
        self.names = tuple(p.name for p in layout.positions)
        self.nothing = dict.fromkeys(self.names, _NOTHING)
        self.hole_px = hole.area_mm2 * px_per_mm**2
        self._reaches = [
            (slice(r[0, 0], r[-1, 0] + 1), slice(c[0, 0], c[0, -1] + 1), owner[r, c] == k)
            for k, (r, c) in enumerate(places)
        ]
        elsewhere = (face.paper > 0) & (weight <= 0.5)
        self.elsewhere_px = max(int(np.count_nonzero(elsewhere)), 1)
        # By how much of a hole each level of open counts there; beside it whose it is, so that it is looked up once.
        share = np.rint(weight * SHARE_STEPS).astype(np.uint16)
        owner[elsewhere] |= np.uint16(ELSEWHERE)
        self._of = np.stack([share, owner], axis=-1).view(np.uint32).ravel()
        self.share_step = np.float32(1 / (SHARE_STEPS * 255 * self.hole_px))
        width = max(3, round(min(OPENING_MM, 0.25 * min(hole.width_mm, hole.height_mm)) * px_per_mm))
        self._opening = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (width, width))
        self._drawn, self._solid = face.room.levels[:2]

    def of(self, here: NDArray[np.intp]) -> tuple[NDArray[np.intp], Singles, NDArray[np.bool_]]:
        """(n,) each: whose these spots are, the number of positions where they are nobody's; by how much of a hole a
        level of open counts there; and whether they lie where no hole belongs."""
        found = self._of.take(here).view(np.uint16)
        owner = found[1::2].astype(np.intp)
        elsewhere = owner >= ELSEWHERE
        owner &= ELSEWHERE - 1
        return owner, found[::2] * self.share_step, elsewhere

    def unsure(self, seen: Seen, elsewhere: NDArray[np.bool_]) -> float:
        """What looks a little like the bed, as a share of the paper where no hole belongs. elsewhere: as `of` says."""
        a_little = (seen.open > 0) & (seen.open <= SURELY)
        return int(np.count_nonzero(a_little & elsewhere)) / self.elsewhere_px

    def solid(self, seen: Seen) -> Levels:
        """(n,) uint8: how open each spot is once all that is thinner than the opening is left out."""
        drawn = self.drawn(seen.here, seen.open)
        cv2.morphologyEx(drawn, cv2.MORPH_OPEN, self._opening, self._solid)
        return self._solid.ravel().take(seen.here)

    def slits(self, seen: Seen, owner: NDArray[np.intp], asked: NDArray[np.bool_]) -> list[int]:
        """Of the positions that are asked about, (positions,), those where bed in one piece covers more than a slit's share.

        owner: as `of` says.
        """
        covered = (cover(*seen.levels) * 255).astype(np.uint8)
        least = SLIT_MAX * 255 * self.hole_px
        # Mostly all pieces together are too little.
        enough = np.flatnonzero(asked & (np.bincount(owner, covered, len(asked) + 1)[:-1] > least)).tolist()
        if not enough:
            return []
        drawn = self.drawn(seen.here, covered)
        return [k for k in enough if _largest_piece(drawn, *self._reaches[k]) > least]

    def drawn(self, here: NDArray[np.intp], values: Levels | int) -> Levels:
        """(rows, columns): 0 but for the values at these indices; until the next drawing."""
        self._drawn.fill(0)
        self._drawn.ravel()[here] = values
        return self._drawn


def scores_at(spots: Spots, seen: Seen, solid: Levels, owner: NDArray[np.intp], weight: Singles) -> dict[str, Score]:
    """Every position's score. solid: (n,) how open each spot of `seen` is once all that is thin is left out. owner,
    weight: as `Spots.of` says."""
    count = len(spots.names)

    def summed(values: NDArray[np.floating[Any]]) -> NDArray[np.float64]:
        return cast("NDArray[np.float64]", np.bincount(owner, values, count + 1)[:count])

    wide = weight * solid
    share, raw = summed(wide), summed(weight * seen.open)
    told = summed(weight * (seen.open | seen.neither))
    odd = np.zeros(count) if seen.odd is None else summed(weight * seen.odd)
    # Thin parts count where something wide is open beside them.
    measured = np.where(share > SOLID_MIN, raw, share) / _response(raw)
    surely = summed(weight * (seen.open > SURELY)) * 255
    surely = surely / _response(surely)
    some = ((measured >= SOLID_MIN) | (told >= THIN_MIN) | (odd >= ODD_MAX)).nonzero()[0]
    thin = (share < 0.5) & (told - share > THIN_MIN)
    crescents = thin & (raw - share > THIN_MAX)
    asked = thin & ~crescents
    slits = spots.slits(seen, owner, asked) if asked.any() else []
    crescents[slits] = True
    found = spots.nothing.copy()
    if not len(some):
        return found
    row = seen.here // spots.columns
    whole = np.maximum(share.take(some), 1e-3)
    right, down = (
        _rounded((summed(wide * at).take(some) / whole + 0.5) * (1 / spots.px_per_mm) - centre.take(some), 100)
        for at, centre in zip((seen.here - row * spots.columns, row), spots.centres_mm.T, strict=True)
    )
    opened = _rounded(np.minimum(measured.take(some), 1.0), 1000)
    figures = (values.take(some).tolist() for values in (share, crescents, odd, surely))
    rows = zip(some.tolist(), opened, right, down, *figures, strict=True)
    for k, score, x, y, solid_share, is_crescent, odd_share, sure_share in rows:
        doubts: tuple[str, ...] = ("unexplained",) if odd_share > ODD_MAX else ()
        if is_crescent:
            doubts += ("crescent",)
        if score > 0.5 and sure_share < SURELY_MIN:
            doubts += ("faint",)
        found[spots.names[k]] = Score(score, (x, y) if solid_share > 0.1 else (0.0, 0.0), doubts)
    return found


def _largest_piece(drawn: Levels, rows: slice, columns: slice, mine: NDArray[np.bool_]) -> float:
    """The greatest sum of levels that hang together in one position's reach."""
    levels = np.where(mine, drawn[rows, columns], 0)
    _, pieces = cv2.connectedComponents((levels > 0).view(np.uint8))
    return float(np.bincount(pieces.ravel(), levels.ravel())[1:].max(initial=0))


def _rounded(values: NDArray[np.float64], steps: int) -> list[float]:
    """(n,) to the nearest of so many steps of 1: all at once what `round` does one by one."""
    return cast("list[float]", (np.rint(values * steps) / steps).tolist())


def _response(raw: NDArray[np.float64]) -> float:
    """What a whole hole measures on this card, as a share of its nominal area: a lit bed shines over a hole's rim, a
    black one is narrowed by the hole's lit wall. Two imagined holes of nominal size keep a card with few in bounds."""
    whole = raw[(raw > WHOLE_MIN) & (raw < WHOLE_MAX)]
    return (float(whole.sum()) + 2.0) / (len(whole) + 2)


_NOTHING = Score(0.0)


def strays_beside(spots: Spots, seen: Seen, beside: NDArray[np.bool_]) -> tuple[Stray, ...]:
    """Holes where none belongs. beside: (n,) which spots of `seen` are widely open there."""
    least = STRAY_MIN * spots.hole_px
    if cv2.countNonZero(beside.view(np.uint8)) < least:
        return ()
    rest = spots.drawn(seen.here.compress(beside), 255)
    left, top, width, height = cv2.boundingRect(rest)
    _, _, stats, centres = cv2.connectedComponentsWithStats(rest[top : top + height, left : left + width])
    found = []
    for box, (x, y) in zip(stats[1:], centres[1:], strict=True):
        area = box[cv2.CC_STAT_AREA]
        if area < least or area < 0.4 * box[cv2.CC_STAT_WIDTH] * box[cv2.CC_STAT_HEIGHT]:
            continue
        x_mm, y_mm = (round(float(v + 0.5) / spots.px_per_mm, 2) for v in (x + left, y + top))
        found.append(Stray(x_mm, y_mm, round(float(area) / spots.px_per_mm**2, 2)))
    return tuple(found)
