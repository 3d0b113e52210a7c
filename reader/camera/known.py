"""One frame of a machine whose profile is known: one card or one rejection.

The card lies on a known plane before a known lens, so it has three degrees of freedom; each spot is judged against the
empty bed and against the blank card at that very place (`reader.camera.likely`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from threading import Lock

import cv2
import numpy as np
from numpy.typing import NDArray

from calibration.blank import raster_shape
from calibration.learn import plane_of
from calibration.models import Levels
from calibration.place import BLUR_MAX_MM, COARSE_MM, CORNERS, CUT_CLEAR, Fit, Tray, turns
from calibration.plane import CORNER_PRODUCTS, CardMap, Pose
from calibration.profile import Profile
from cards.layout import Layout
from device.frame import Frame
from reader.camera.likely import Beds, Face, Room, Seen, px_per_mm_for, small_bed
from reader.camera.printed import ALIKE_MIN
from reader.camera.rivals import HOLES_ELSEWHERE, best, holes_elsewhere
from reader.camera.spots import Spots, scores_at, strays_beside
from reader.reading import Code, Point, Reading, Reason, Rejection, Thresholds

SIZE_MM = 4.0
"""How far the coarse rectangle may differ from a card's size; the sides themselves decide below."""
SIDE_MM = 0.8
"""How far a card's sides may lie off its size, once looked at closely: another size is another card, or the camera
stands at another height."""
LEANS_MAX_MM = 0.7
"""How far off its place a card's middle may lie by how its sides run apart. Paper is never cut quite square; half the way between
two columns of holes is 1.1 mm."""
SUPPORT_MIN = 0.55
"""Least share of looks at the sides that agree."""
EXPLAINED_MIN = 0.8
"""Less of a card explained by its blank and the bed: another card."""
LEAD_MIN, ALIKE_LEAD = 0.03, 0.2
"""By how much a face must explain more than another, or more of its print be there; else the holes decide."""
OUTSIDE_MAX = 0.03
"""Share of the bed beside the card that may look unlike the empty bed: chads, fibres, a finger; more is another place."""
LIGHT_MAX = 1.2
"""How much brighter than its blank a card may be anywhere: where paper comes near to white, a lit bed is hardly brighter."""
UNSURE_MAX = 0.05
"""Share of the paper where no hole belongs that may look a little like the bed; more is another light, or noise. New cards under
the light of their calibration have up to 0.015, printed or stained ones too."""
RIM_MM, RIM_MAX = 10.0, 0.05
"""Share of the picture's rim that may look new where no card can be followed: a hand; more is another place."""
GAIN_MIN, GAIN_MAX = 0.7, 1.4
"""How far the lamp may have dimmed or brightened."""


@dataclass(frozen=True)
class KnownCard:
    """A card that was read, and where its face lies."""

    reading: Reading
    layout: Layout
    mapped: CardMap

    def to_px(self, points_mm: NDArray[np.float64]) -> NDArray[np.float64]:
        """(n, 2) mm from the front's top-left corner, as printed → (n, 2) px."""
        right, down = self.reading.print_shift_mm
        middle = self.layout.width_mm / 2 - right, self.layout.height_mm / 2 - down
        return self.mapped.at(points_mm - middle)


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
    if placed.fit.blur_mm > BLUR_MAX_MM:
        return Rejection((Reason(Code.BLURRED, found=f"{placed.fit.blur_mm:.2f} mm"),))
    if placed.fit.leans_mm > LEANS_MAX_MM:
        return _mismatch(f"{placed.fit.leans_mm:.1f} mm", "0 mm")
    looks = [(face, mapped, face.look(image, placed.beds, mapped)) for face, mapped in placed.options]
    found = max(seen.explained for _, _, seen in looks)
    looks = [look for look in looks if _is_blanks(look[2])]
    if not looks:
        why = "its print lies elsewhere" if found >= EXPLAINED_MIN else f"{found:.2f}"
        return Rejection((Reason(Code.UNKNOWN_LAYOUT, found=why),))
    if len(looks) > 1:
        clearest = max((seen for _, _, seen in looks), key=_evidence)
        looks = [look for look in looks if not _is_clearer(clearest, look[2])]
    readings = [_reading(known, *look, placed.fit) for look in looks]
    reading = best(readings)
    if isinstance(reading, Rejection):
        return reading
    face, mapped, seen = next(look for look, of in zip(looks, readings, strict=True) if of is reading)
    if holes_elsewhere(reading, face.layout.hole, told_by_print=seen.alike is not None):
        return Rejection((HOLES_ELSEWHERE,))
    return KnownCard(reading, face.layout, mapped)


def _is_blanks(seen: Seen) -> bool:
    """Whether a card may be the blank's at all."""
    return seen.explained >= EXPLAINED_MIN and (seen.alike is None or seen.alike >= ALIKE_MIN)


def _evidence(seen: Seen) -> tuple[float, float]:
    return seen.alike or 0.0, seen.explained


def _is_clearer(one: Seen, other: Seen) -> bool:
    """Whether print, or what paper and bed explain, tells two blanks apart."""
    alike, explained = (a - b for a, b in zip(_evidence(one), _evidence(other), strict=True))
    return alike >= ALIKE_LEAD or explained >= LEAD_MIN


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
        self._rooms: dict[tuple[int, int], Room] = {}
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
        shape = raster_shape((layout.width_mm, layout.height_mm), px_per_mm_for(layout))
        if shape not in self._rooms:
            self._rooms[shape] = Room(*shape)
        return self._rooms[shape]

    def spots(self, face: Face) -> Spots:
        """The layout's positions on the face's raster."""
        key = face.layout.digest, face.blank.face
        if key not in self._spots:
            self._spots[key] = Spots(face)
        return self._spots[key]

    def place(self, image: Levels, layouts: Sequence[Layout]) -> _Placed | Rejection:
        """Where the card lies, and as which faces of which layouts it may."""
        coarse = self.tray.coarse(image)
        gain = cv2.sumElems(coarse.ravel().take(self._rim))[0] / max(self._rim_level, 1.0)
        if not GAIN_MIN < gain < GAIN_MAX:
            return _mismatch(f"{gain:.0%}", "100 %")
        changed = self.tray.changed(coarse, gain)
        found = self.tray.rectangle(changed)
        if found is None or found.short_mm < 20:
            return Rejection((Reason(Code.NO_CARD),))
        beds = Beds(self._bed, gain)
        options: list[tuple[Face, CardMap]] = []
        followed: Fit | None = None
        fitting = False
        for size in {(y.width_mm, y.height_mm) for y in layouts}:
            for turn in turns(found, size, SIZE_MM)[::2]:
                fitting = True
                fit = self.tray.refine(image, Pose(found.x_mm, found.y_mm, turn), *size, gain)
                if fit is None or fit.support < SUPPORT_MIN or max(map(abs, fit.size_mm)) > SIDE_MM:
                    continue
                followed = fit if followed is None or fit.support > followed.support else followed
                options += self._options(
                    image, gain, [y for y in layouts if (y.width_mm, y.height_mm) == size], fit.pose
                )
        if found.beside > OUTSIDE_MAX:
            return _mismatch(f"{found.beside:.0%}", f"{OUTSIDE_MAX:.0%}")
        if followed is None and (moved := float((changed.ravel()[self._rim] > 0).mean())) > RIM_MAX:
            return _mismatch(f"{moved:.0%}", f"{RIM_MAX:.0%}")
        if followed is None:
            return Rejection((Reason(Code.UNKNOWN_LAYOUT if fitting else Code.WRONG_PROPORTIONS),))
        if not options:
            return Rejection((Reason(Code.UNKNOWN_LAYOUT, found="no blank card of it in the profile"),))
        return _Placed(followed, tuple(options), beds)

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


def _reading(known: Known, face: Face, mapped: CardMap, seen: Seen, fit: Fit) -> Reading | Rejection:
    if seen.brightest > LIGHT_MAX:
        return _mismatch(f"{seen.brightest:.0%}", "100 %")
    spots = known.spots(face)
    owner, weight, elsewhere = spots.of(seen.here)
    if (unsure := spots.unsure(seen, elsewhere)) > UNSURE_MAX:
        return _mismatch(f"{unsure:.0%}", f"{UNSURE_MAX:.0%}")
    solid = spots.solid(seen)
    layout, thresholds = face.layout, known.profile.thresholds
    return Reading(
        source="camera",
        layout=layout.identity,
        layout_digest=layout.digest,
        face=face.blank.face,
        scores=scores_at(spots, seen, solid, owner, weight),
        thresholds=Thresholds(thresholds.clear_max, thresholds.punched_min),
        strays=strays_beside(spots, seen, (solid > 127) & elsewhere),
        corners_px=_corners(mapped),
        residual_mm=round(fit.residual_mm, 3),
        print_shift_mm=(round(seen.shift_mm[0], 3), round(seen.shift_mm[1], 3)),
        profile=known.profile.label,
    )


def _corners(mapped: CardMap) -> tuple[Point, Point, Point, Point]:
    px = mapped.coefficients.reshape(2, -1) @ CORNER_PRODUCTS
    named: list[Point] = [(round(x, 2), round(y, 2)) for x, y in px.T.tolist()]
    return named[0], named[1], named[2], named[3]


def _mismatch(found: str, expected: str) -> Rejection:
    return Rejection((Reason(Code.PROFILE_MISMATCH, found=found, expected=expected),))
