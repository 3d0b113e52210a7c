"""One frame of a machine whose profile is known: one card or one rejection.

The card lies on a known plane before a known lens, so it has three degrees of freedom; each spot is judged against the
empty bed and against the blank card at that very place (`reader.camera.likely`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from threading import Lock
from typing import Any, cast

import cv2
import numpy as np
from numpy.typing import NDArray

from calibration.learn import plane_of
from calibration.models import Levels
from calibration.place import COARSE_MM, CORNERS, CUT_CLEAR, Fit, Tray, turns
from calibration.plane import CORNER_PRODUCTS, CardMap, Pose, Singles
from calibration.profile import Profile
from cards.layout import Layout
from device.frame import Frame
from reader.camera.likely import Beds, Face, Room, Seen, px_per_mm_for, small_bed
from reader.reading import Code, Point, Reading, Reason, Rejection, Score, Stray, Thresholds

SIZE_MM = 4.0
"""How far the coarse rectangle may differ from a card's size; the sides themselves decide below."""
SIDE_MM = 0.8
"""How far a card's sides may lie off its size, once looked at closely: another size is another card, or the camera
stands at another height."""
SUPPORT_MIN = 0.55
"""Least share of looks at the sides that agree."""
EXPLAINED_MIN = 0.8
"""Less of a card explained by its blank and the bed: another card."""
LEAD_MIN = 0.03
"""By how much the best face must explain more than the next."""
OUTSIDE_MAX = 0.03
"""Share of the bed beside the card that may look unlike the empty bed: chads, fibres, a finger; more is another place."""
RIM_MM, RIM_MAX = 10.0, 0.05
"""Share of the picture's rim that may look new where no card can be followed: a hand; more is another place."""
GAIN_MIN, GAIN_MAX = 0.7, 1.4
"""How far the lamp may have dimmed or brightened."""
ODD_MAX = 0.15
"""What neither paper nor bed explains, as a share of the hole."""
THIN_MAX = 0.1
"""What is bed but thinner than the opening, as a share of the hole: a crescent or a slit, no scratch."""
SLIT_MAX, SLIT_LEVEL = 0.03, 60
"""So much of a hole in one piece, at least so open (0 to 255), is a slit even when it measures less: blur takes its rims. Of
4 mm holes 15 to 20 % open, 6.6 px a mm, the piece measured from 0.037; print off its place leaves 0.027 on clear positions."""
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


@dataclass(frozen=True)
class KnownCard:
    """A card that was read, and where its face lies."""

    reading: Reading
    layout: Layout
    mapped: CardMap

    def to_px(self, points_mm: NDArray[np.float64]) -> NDArray[np.float64]:
        """(n, 2) mm from the front's top-left corner, as printed → (n, 2) px."""
        half = np.array([self.layout.width_mm, self.layout.height_mm]) / 2
        return self.mapped.at(points_mm - half + self.reading.print_shift_mm)


def read_known(frame: Frame, layouts: Sequence[Layout], profile: Profile) -> KnownCard | Rejection:
    """Read the card in a picture of a calibrated machine, under whichever of the layouts fits it.

    Only faces with a blank card in the profile can be read: another one is `unknown_layout`, never a guess. A picture
    that the profile does not fit is `profile_mismatch`. Raises `ValueError` without layouts.
    """
    if not layouts:
        raise ValueError("read_known needs at least one layout")
    height, width = frame.grey.shape
    if (width, height) != profile.size_px:
        return _mismatch(f"{width} × {height} px", f"{profile.size_px[0]} × {profile.size_px[1]} px")
    if profile.channel != "grey" and frame.colour is None:
        return _mismatch("grey", profile.channel)
    known, image = _known(profile), plane_of(frame, profile.channel)
    with known.alone:
        return _read(known, image, layouts)


def _read(known: Known, image: Levels, layouts: Sequence[Layout]) -> KnownCard | Rejection:
    placed = known.place(image, layouts)
    if isinstance(placed, Rejection):
        return placed
    looks = [(face, mapped, face.look(image, placed.beds, mapped)) for face, mapped in placed.options]
    looks.sort(key=lambda look: -look[2].explained)
    face, mapped, seen = looks[0]
    if seen.explained < EXPLAINED_MIN:
        return Rejection((Reason(Code.UNKNOWN_LAYOUT, found=f"{seen.explained:.2f}"),))
    if len(looks) > 1 and seen.explained - looks[1][2].explained < LEAD_MIN:
        return Rejection((Reason(Code.AMBIGUOUS_FIT),))
    return KnownCard(_reading(known, face, mapped, seen, placed.fit), face.layout, mapped)


@dataclass(frozen=True)
class _Placed:
    """Where the card lies, and which faces may lie so."""

    fit: Fit
    options: tuple[tuple[Face, CardMap], ...]
    beds: Beds


class Known:
    """A profile, prepared for many frames. From card to card only what is made on first use changes, and the rooms; so
    that one card at a time can be read, under `alone`."""

    def __init__(self, profile: Profile) -> None:
        self.profile = profile
        self.alone = Lock()
        self.tray = Tray(profile.lens, profile.plane, profile.bed)
        self._bed = small_bed(profile.bed)
        self._faces: dict[str, tuple[Face, ...]] = {}
        self._spots: dict[tuple[str, str], Spots] = {}
        self._rooms: dict[tuple[int, ...], Room] = {}
        rows, columns = self.tray.coarse_bed.shape
        rim = np.ones((rows, columns), np.uint8)
        wide = round(RIM_MM / COARSE_MM)
        rim[wide:-wide, wide:-wide] = 0
        self._rim = np.flatnonzero((rim > 0) & (self.tray.coarse_bed > 8) & (self.tray.limit < 255))
        self._rim_level = float(self.tray.coarse_bed.ravel()[self._rim].sum())

    def faces(self, layout: Layout) -> tuple[Face, ...]:
        """The faces whose blanks the profile holds for this very layout."""
        if layout.digest not in self._faces:
            blanks = (self.profile.blank(layout.identity, name) for name in ("front", "back"))
            self._faces[layout.digest] = tuple(
                Face(layout, blank, self._room(layout))
                for blank in blanks
                if blank is not None and blank.layout_digest == layout.digest
            )
        return self._faces[layout.digest]

    def _room(self, layout: Layout) -> Room:
        columns, rows = (round(side * px_per_mm_for(layout)) for side in (layout.width_mm, layout.height_mm))
        return self._rooms.setdefault((rows, columns), Room(rows, columns))

    def spots(self, face: Face) -> Spots:
        """The layout's positions on the face's raster."""
        key = face.layout.digest, face.blank.face
        if key not in self._spots:
            self._spots[key] = Spots(face)
        return self._spots[key]

    def place(self, image: Levels, layouts: Sequence[Layout]) -> _Placed | Rejection:
        """Where the card lies, and as which faces of which layouts it may."""
        coarse = self.tray.coarse(image)
        gain = float(coarse.ravel().take(self._rim).sum()) / max(self._rim_level, 1.0)
        if not GAIN_MIN < gain < GAIN_MAX:
            return _mismatch(f"{gain:.0%}", "100 %")
        changed = self.tray.changed(coarse, gain)
        found = self.tray.rectangle(changed)
        if found is None or found.short_mm < 20:
            return Rejection((Reason(Code.NO_CARD),))
        beds = Beds(self._bed, gain)
        options: list[tuple[Face, CardMap]] = []
        best: Fit | None = None
        fitting = False
        for size in {(y.width_mm, y.height_mm) for y in layouts}:
            for turn in turns(found, size, SIZE_MM)[::2]:
                fitting = True
                fit = self.tray.refine(image, Pose(found.x_mm, found.y_mm, turn), *size, gain)
                if fit is None or fit.support < SUPPORT_MIN or max(map(abs, fit.size_mm)) > SIDE_MM:
                    continue
                best = fit if best is None or fit.support > best.support else best
                options += self._options(
                    image, gain, [y for y in layouts if (y.width_mm, y.height_mm) == size], fit.pose
                )
        if found.beside > OUTSIDE_MAX:
            return _mismatch(f"{found.beside:.0%}", f"{OUTSIDE_MAX:.0%}")
        if best is None and (moved := float((changed.ravel()[self._rim] > 0).mean())) > RIM_MAX:
            return _mismatch(f"{moved:.0%}", f"{RIM_MAX:.0%}")
        if best is None:
            return Rejection((Reason(Code.UNKNOWN_LAYOUT if fitting else Code.WRONG_PROPORTIONS),))
        if not options:
            return Rejection((Reason(Code.UNKNOWN_LAYOUT, found="no blank card of it in the profile"),))
        return _Placed(best, tuple(options), beds)

    def _options(self, image: Levels, gain: float, layouts: Sequence[Layout], pose: Pose) -> list[tuple[Face, CardMap]]:
        """Which faces of layouts of one size have their cut corner where the card, lying unmirrored, has it cut."""
        size = layouts[0].width_mm, layouts[0].height_mm
        mapped = self.tray.map(pose, *size)
        found = []
        for cut in {y.corner_cut for y in layouts if self.faces(y)}:
            cuts = self.tray.cuts(image, mapped, size, cut, gain)
            shares = cuts.tolist()
            where = shares.index(max(shares))
            if shares.pop(where) - max(shares) < CUT_CLEAR:
                continue
            corner = CORNERS.index(cut.corner)
            for layout in (y for y in layouts if y.corner_cut == cut):
                for face in self.faces(layout):
                    at = corner if face.blank.face == "front" else corner ^ 1
                    if (where - at) % 2 == 0:
                        found.append((face, mapped.turned(where != at, face.blank.face == "back")))
        return found


@lru_cache(maxsize=4)
def _known(profile: Profile) -> Known:
    return Known(profile)


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

    def solid(self, seen: Seen) -> Levels:
        """(n,) uint8: how open each spot is once all that is thinner than the opening is left out."""
        drawn = self.drawn(seen.here, seen.open)
        cv2.morphologyEx(drawn, cv2.MORPH_OPEN, self._opening, self._solid)
        return self._solid.ravel().take(seen.here)

    def slits(self, seen: Seen, positions: Sequence[int]) -> list[float]:
        """Of each position, how open the most open piece in its reach is, as a share of a hole."""
        drawn = self.drawn(seen.here, seen.open)
        found = []
        for rows, columns, mine in (self._reaches[k] for k in positions):
            levels = np.where(mine, drawn[rows, columns], 0)
            _, pieces = cv2.connectedComponents((levels >= SLIT_LEVEL).view(np.uint8))
            found.append(float(np.bincount(pieces.ravel(), levels.ravel())[1:].max(initial=0)) / (255 * self.hole_px))
        return found

    def drawn(self, here: NDArray[np.intp], values: Levels | int) -> Levels:
        """(rows, columns): 0 but for the values at these indices; until the next drawing."""
        self._drawn.fill(0)
        self._drawn.ravel()[here] = values
        return self._drawn


def _reading(known: Known, face: Face, mapped: CardMap, seen: Seen, fit: Fit) -> Reading:
    spots = known.spots(face)
    solid = spots.solid(seen)
    owner, weight, elsewhere = spots.of(seen.here)
    layout, thresholds = face.layout, known.profile.thresholds
    return Reading(
        source="camera",
        layout=layout.identity,
        layout_digest=layout.digest,
        face=face.blank.face,
        scores=_scores(spots, seen, solid, owner, weight),
        thresholds=Thresholds(thresholds.clear_max, thresholds.punched_min),
        strays=_strays(spots, seen, (solid > 127) & elsewhere),
        corners_px=_corners(mapped),
        residual_mm=round(fit.residual_mm, 3),
        print_shift_mm=(round(seen.shift_mm[0], 3), round(seen.shift_mm[1], 3)),
        profile=known.profile.label,
    )


def _scores(spots: Spots, seen: Seen, solid: Levels, owner: NDArray[np.intp], weight: Singles) -> dict[str, Score]:
    """Every position's score. solid: (n,) how open each spot of `seen` is once all that is thin is left out. owner,
    weight: as `Spots.of` says."""
    count = len(spots.names)

    def summed(values: NDArray[np.floating[Any]]) -> NDArray[np.float64]:
        return cast("NDArray[np.float64]", np.bincount(owner, values, count + 1)[:count])

    wide = weight * solid
    share, raw = summed(wide), summed(weight * seen.open)
    odd = np.zeros(count) if seen.odd is None else summed(weight * seen.odd)
    # Thin parts count where something wide is open beside them.
    measured = np.where(share > SOLID_MIN, raw, share) / _response(raw)
    some = np.flatnonzero((measured >= SOLID_MIN) | (raw >= SLIT_MAX) | (odd >= ODD_MAX))
    thin = np.flatnonzero((share < 0.5) & (raw - share > SLIT_MAX)).tolist()
    slits = dict(zip(thin, spots.slits(seen, thin), strict=True)) if thin else {}
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
    figures = (values.take(some).tolist() for values in (share, raw, odd))
    rows = zip(some.tolist(), opened, right, down, *figures, strict=True)
    for k, score, x, y, solid_share, raw_share, odd_share in rows:
        doubts: tuple[str, ...] = ("unexplained",) if odd_share > ODD_MAX else ()
        if k in slits and (slits[k] > SLIT_MAX or raw_share - solid_share > THIN_MAX):
            doubts += ("crescent",)
        found[spots.names[k]] = Score(score, (x, y) if solid_share > 0.1 else (0.0, 0.0), doubts)
    return found


def _rounded(values: NDArray[np.float64], steps: int) -> list[float]:
    """(n,) to the nearest of so many steps of 1: all at once what `round` does one by one."""
    return cast("list[float]", (np.rint(values * steps) / steps).tolist())


def _response(raw: NDArray[np.float64]) -> float:
    """What a whole hole measures on this card, as a share of its nominal area: a lit bed shines over a hole's rim, a
    black one is narrowed by the hole's lit wall. Two imagined holes of nominal size keep a card with few in bounds."""
    whole = raw[(raw > WHOLE_MIN) & (raw < WHOLE_MAX)]
    return (float(whole.sum()) + 2.0) / (len(whole) + 2)


_NOTHING = Score(0.0)


def _strays(spots: Spots, seen: Seen, beside: NDArray[np.bool_]) -> tuple[Stray, ...]:
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


def _corners(mapped: CardMap) -> tuple[Point, Point, Point, Point]:
    px = mapped.coefficients.reshape(2, -1) @ CORNER_PRODUCTS
    named: list[Point] = [(round(x, 2), round(y, 2)) for x, y in px.T.tolist()]
    return named[0], named[1], named[2], named[3]


def _mismatch(found: str, expected: str) -> Rejection:
    return Rejection((Reason(Code.PROFILE_MISMATCH, found=found, expected=expected),))
