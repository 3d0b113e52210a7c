"""Does a profile still fit what the camera sees? Figures, a verdict, what to do; from pictures of the empty bed.

Begin with `check_profile`. It needs the learnt bed alone, so that anybody can check a machine without a card at hand.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum

import cv2
import numpy as np

from calibration import drift
from calibration.drift import Singles
from calibration.learn import plane_of
from calibration.plane import to_mm
from calibration.profile import Profile
from calibration.quality import FULL, NOISE_MAX, Finding
from device.frame import Frame, GreyImage

MOVE_WORN_MM, MOVE_MAX_MM = 0.15, 0.3
"""Largest shift of anything the camera sees. A bed's texture and a lamp's shade are looked up at the very place: from
0.3 mm a hole of 5 mm is judged against a bed that is a tenth of its width off. The method sees 0.02 mm."""
LAMP_WORN, LAMP_MAX = 0.10, 0.20
"""Change of level in any region. Mains flicker and warming up make 0.02; a fifth is more than all tones of a print."""
SLOPE_WORN, SLOPE_MAX = 0.08, 0.16
"""Change of one region against another, as a share: the same limits for a lamp that fails on one side."""
FOCUS_WORN, FOCUS_MAX = 0.85, 0.70
"""Steepness of edges as a share of what it was: below 0.7 they are half as wide again."""
FOCUS_ABOVE = 1.25
"""Steeper than that: the focus was poor when the profile was learnt."""
FLICKER = 0.03
"""A lamp on the mains does this; a lit panel just below full white then is full white, and nobody need act."""
CLIPPED_MORE = 0.02
"""Share of the picture that is full white now and was not."""
DIRT_WORN_MM2, DIRT_MAX_MM2 = 0.6, 40.0
"""Specks from the first size ask for a cloth; together more than two whole holes' area hide too much to read on."""
SPOTS_TOLD = 8
Place = Callable[[float, float], tuple[float, float]]
"""Pixels of the learnt picture → millimetres on the bed."""


class Verdict(StrEnum):
    """What a check comes to. UNCLEAR: it could not be told, because the bed is not empty or nothing can be seen."""

    SOUND = "sound"
    WORN = "worn"
    RECALIBRATE = "recalibrate"
    UNCLEAR = "unclear"


ORDER = (Verdict.SOUND, Verdict.WORN, Verdict.RECALIBRATE, Verdict.UNCLEAR)
WHAT_TO_DO = {
    Verdict.SOUND: "Go on.",
    Verdict.WORN: "It still reads; do what is said above before the next permanence, then check again.",
    Verdict.RECALIBRATE: "Do what is said above and check again; if it stays, calibrate anew: logicienne calibrate camera.",
    Verdict.UNCLEAR: "Nothing was judged. Do what is said above, then check again.",
}


@dataclass(frozen=True)
class Checked:
    """One finding and how bad it is."""

    finding: Finding
    verdict: Verdict


@dataclass(frozen=True)
class Check:
    """All that was looked at."""

    parts: tuple[Checked, ...]

    @property
    def verdict(self) -> Verdict:
        """The worst of all parts."""
        return max((p.verdict for p in self.parts), key=ORDER.index)

    def part(self, topic: str) -> Checked:
        """The part of this topic. Raises `KeyError` when it was not looked at."""
        for part in self.parts:
            if part.finding.topic == topic:
                return part
        raise KeyError(topic)


def check_bed(bed: Singles, frames: Sequence[GreyImage], px_per_mm: float, place: Place) -> Check:
    """Compare the learnt empty bed with one or more pictures of it now.

    bed: (rows, columns) float32 mean level of each pixel when it was learnt. frames: uint8, of the same camera.
    px_per_mm: of the bed, in its middle.
    """
    odd = [f.shape for f in frames if f.shape != bed.shape]
    if odd:
        return Check((_resolution(bed.shape, odd[0]),))
    now = np.asarray(np.mean([np.asarray(f, np.float32) for f in frames], axis=0), np.float32)
    if float(np.percentile(now, 99)) < 0.2 * float(np.percentile(bed, 99)):
        return Check((_blackness(bed, now),))
    thing = _thing(bed, now, px_per_mm, place)
    if thing is not None:
        return Check((thing,))
    move = drift.find_move(bed, now)
    if move is None:
        return Check((_lost(),))
    placed = drift.in_place(now, move)
    change = drift.level_change(bed, placed)
    thing = _thing(bed, placed, px_per_mm, place)
    if thing is not None:
        return Check((thing,))
    field = drift.lamp_field(change)
    height, width = bed.shape
    margin_px = drift.MARGIN_PX + math.ceil(move.largest_px(width, height))
    noise = drift.noise_of(placed, bed)
    found = drift.spots(bed, placed, field, px_per_mm, noise, margin_px)
    lamp = _lamp(drift.levels_by_region(change))
    return Check(
        (
            _moved(move, bed.shape, px_per_mm),
            lamp,
            _focus(drift.sharpness(bed, placed, field, margin_px)),
            _exposure(bed, now),
            _grain(noise),
            _dirt(found, px_per_mm, place, lamp.verdict),
        )
    )


def _resolution(learnt: tuple[int, ...], now: tuple[int, ...]) -> Checked:
    figure = f"{now[1]} × {now[0]} px, the profile is for {learnt[1]} × {learnt[0]} px"
    advice = "Set the camera to the profile's resolution"
    return Checked(Finding("resolution", figure, advice), Verdict.RECALIBRATE)


def _blackness(bed: Singles, now: Singles) -> Checked:
    figure = f"brightest level {np.percentile(now, 99):.0f}, was {np.percentile(bed, 99):.0f}"
    advice = "The picture is black: is the lamp on, the hood open, the lens uncovered?"
    return Checked(Finding("lamp", figure, advice), Verdict.RECALIBRATE)


def _lost() -> Checked:
    advice = "Is it the same machine and the same bed? Take out what lies there; has the camera been turned?"
    return Checked(
        Finding("place", "the picture and the learnt bed have nothing in common", advice), Verdict.RECALIBRATE
    )


def _thing(bed: Singles, now: Singles, px_per_mm: float, place: Place) -> Checked | None:
    found = drift.covered_px(drift.level_change(bed, now), drift.THING_MM2 * px_per_mm**2)
    if found is None:
        return None
    x, y = place(found[0], found[1])
    figure = f"something of {found[2] / px_per_mm**2 / 100:.0f} cm² lies at x {x:.0f}, y {y:.0f} mm"
    return Checked(Finding("bed", figure, "Take the card (or what it is) out of the bed"), Verdict.UNCLEAR)


def _moved(move: drift.Move, shape: tuple[int, ...], px_per_mm: float) -> Checked:
    height, width = shape
    largest = move.largest_px(width, height)
    x, y = move.middle_px(width, height)
    figure = (
        f"at most {largest:.1f} px = {largest / px_per_mm:.2f} mm (limit {MOVE_MAX_MM:g} mm); middle {x:+.1f}, {y:+.1f} px, "
        f"turned {move.turn_deg:+.2f}°, size {100 * (move.zoom - 1):+.2f} %"
    )
    verdict = _graded(largest / px_per_mm, MOVE_WORN_MM, MOVE_MAX_MM)
    advice = "The camera or the tray has moved: tighten its screws, push it back" if verdict != Verdict.SOUND else ""
    return Checked(Finding("place", figure, advice), verdict)


def _lamp(levels: drift.Floats) -> Checked:
    """The lamp's level and its balance, by regions of the picture."""
    overall = float(np.median(levels))
    slope = float(levels.max() / levels.min()) - 1
    change = float(max(abs(levels.max() - 1), abs(levels.min() - 1)))
    names = [
        f"{v} {h}".strip()
        for v in ("top", "middle", "bottom")
        for h in ("left", "left of centre", "right of centre", "right")
    ]
    darkest = names[int(levels.argmin())]
    figure = (
        f"{overall:.0%} of the learnt level; regions {levels.min():.0%} ({darkest}) to {levels.max():.0%} "
        f"(limits ±{LAMP_MAX:.0%}, {SLOPE_MAX:.0%} between regions)"
    )
    verdict = max(_graded(change, LAMP_WORN, LAMP_MAX), _graded(slope, SLOPE_WORN, SLOPE_MAX), key=ORDER.index)
    if verdict == Verdict.SOUND:
        return Checked(Finding("lamp", figure), verdict)
    if slope > SLOPE_WORN:
        advice = (
            f"The light is no longer even, weakest {darkest}: clean or replace that lamp, keep out light from outside"
        )
    elif overall < 1:
        advice = "The lamp is weaker, or the exposure shorter: check its supply, its age and the camera's settings"
    else:
        advice = "It is brighter: close the hood against light from outside, check the camera's settings"
    return Checked(Finding("lamp", figure, advice), verdict)


def _focus(share: float | None) -> Checked:
    if share is None:
        figure = "not judged: the empty bed shows no edge (a tray's rim in view would)"
        return Checked(Finding("focus", figure), Verdict.SOUND)
    figure = f"edges are {share:.0%} as steep as learnt (at least {FOCUS_MAX:.0%})"
    if share > FOCUS_ABOVE:
        return Checked(Finding("focus", figure, "Sharper than when it was learnt: calibrate anew"), Verdict.WORN)
    verdict = _graded(1 - share, 1 - FOCUS_WORN, 1 - FOCUS_MAX)
    advice = "Clean the glass and the lens; turn the lens ring back" if verdict != Verdict.SOUND else ""
    return Checked(Finding("focus", figure, advice), verdict)


def _exposure(bed: Singles, now: Singles) -> Checked:
    more = float((now >= FULL).mean()) - float((bed * (1 + FLICKER) >= FULL).mean())
    figure = f"{max(more, 0.0):.1%} of the picture newly full white (at most {CLIPPED_MORE:.0%})"
    verdict = _graded(more, CLIPPED_MORE, 3 * CLIPPED_MORE)
    advice = "Too bright: lock the exposure as it was, keep reflections out" if verdict != Verdict.SOUND else ""
    return Checked(Finding("exposure", figure, advice), verdict)


def _grain(noise: float) -> Checked:
    verdict = _graded(noise, NOISE_MAX, 2 * NOISE_MAX)
    advice = "Grainy: more light and less gain (ISO)" if verdict != Verdict.SOUND else ""
    return Checked(Finding("grain", f"{noise:.1f} levels (at most {NOISE_MAX:g})", advice), verdict)


def _dirt(found: Sequence[drift.Spot], px_per_mm: float, place: Place, lamp: Verdict) -> Checked:
    """Specks with place and size. What a failing lamp leaves is as large as a thing, and no dirt."""
    area = px_per_mm**2
    dirt = [s for s in found if lamp == Verdict.SOUND or s.area_px < drift.THING_MM2 * area]
    if not dirt:
        return Checked(Finding("dirt", f"none of {DIRT_WORN_MM2:g} mm² or more"), Verdict.SOUND)
    told = []
    for spot in dirt[:SPOTS_TOLD]:
        x, y = place(spot.x_px, spot.y_px)
        kind = "bright" if spot.levels > 0 else "dark"
        told.append(
            f"{kind}, {spot.width_px / px_per_mm:.1f} × {spot.height_px / px_per_mm:.1f} mm at x {x:.0f}, y {y:.0f} mm"
        )
    more = f"; and {len(dirt) - SPOTS_TOLD} more" if len(dirt) > SPOTS_TOLD else ""
    whole = sum(s.area_px for s in dirt) / area
    figure = f"{len(dirt)} spots, together {whole:.1f} mm²: {'; '.join(told)}{more}"
    advice = "Wipe the bed and the glass there; a spot that stays is a scratch: calibrate anew"
    verdict = Verdict.RECALIBRATE if whole > DIRT_MAX_MM2 else Verdict.WORN
    return Checked(Finding("dirt", figure, advice), verdict)


def _graded(value: float, worn: float, most: float) -> Verdict:
    return Verdict.SOUND if value <= worn else Verdict.WORN if value <= most else Verdict.RECALIBRATE


def check_profile(profile: Profile, frames: Sequence[Frame]) -> Check:
    """Compare a profile with one or more pictures of the bed now. Raises `ValueError` without pictures,
    `CalibrationError` for grey ones where the profile looks at a colour.
    """
    if not frames:
        raise ValueError("check_profile needs at least one picture")
    lens, plane = profile.lens, profile.plane
    width, height = profile.size_px
    left, right = to_mm(lens, plane, np.array([[width / 2 - 50, height / 2], [width / 2 + 50, height / 2]]))

    def place(x_px: float, y_px: float) -> tuple[float, float]:
        # From the picture's top-left corner: a person finds the spot there, not at the plane's own origin.
        mm = to_mm(lens, plane, np.array([[x_px, y_px], [0.0, 0.0]]))
        x, y = mm[0] - mm[1]
        return float(x), float(y)

    bed = np.asarray(profile.bed.mean, np.float32)
    px_per_mm = 100 / float(np.hypot(*(right - left)))
    # The learnt bed was smoothed so, see `calibration.bed.learn_bed`; focus is told by comparing like with like.
    now = [np.asarray(cv2.GaussianBlur(plane_of(f, profile.channel), (3, 3), 0), np.uint8) for f in frames]
    return check_bed(bed, now, px_per_mm, place)
