"""May this picture be learnt from? One function per step; each returns findings, and a bad one refuses the picture."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from calibration import drift
from calibration.lens import Board
from calibration.quality import (
    CLIPPED_MAX,
    FULL,
    SHAKE_MAX_PX,
    Finding,
    evenness,
    focus,
    grain,
    resolution,
    sheet_light,
    size_of,
    stillness,
)
from calibration.sheet import SheetView, see_sheet
from cards.layout import Layout
from device.frame import Frame, GreyImage

CORNERS_MIN = 12
"""Of a view of the sheet: eight unknowns of a plane's view, and something left to see errors by."""
SAME_VIEW = 0.012
"""Views whose common corners lie within this share of the picture's width tell the same."""
BLACK_LEVEL = 8.0
"""A picture whose brightest hundredth stays below shows nothing but the sensor's own offset."""
FULL_MAX = 0.5
"""Share of an empty bed that may be full white (a bright panel); above, its shades are lost."""
CARD_MIN = 70.0
"""Level of a card's lightest hundredth: paper, or print on a dark card; below, holes and print drown in the grain."""
MIDDLE = 0.7
"""The middle of the picture, where cards lie: the lamp must be even there; the tray's rim is another surface."""
TURNED_DEG = 90.0
SHADE = 0.03
"""A card shades the bed around it, most on a lit panel: so far, as a share of the picture's width."""


@dataclass(frozen=True)
class Lying:
    """A card that lies in the picture. outlines: ids of the layouts that its outline fits; corners_px: (4, 2), named as
    on the front; holes: how many are punched for certain."""

    outlines: frozenset[str]
    face: Literal["front", "back"]
    corners_px: NDArray[np.float64]
    holes: int

    @property
    def angle_deg(self) -> float:
        """Where its upper edge points in the picture; 0 is to the right."""
        x, y = self.corners_px[1] - self.corners_px[0]
        return math.degrees(math.atan2(y, x))


def judge_sheet(
    first: Frame, second: Frame | None, board: Board, earlier: Sequence[SheetView]
) -> tuple[SheetView | None, list[Finding]]:
    """A view of the sheet, held still (`second`: taken right after; `None` when there is none)."""
    view = see_sheet(first.grey, board)
    if view is None or len(view.at) < CORNERS_MIN:
        seen = 0 if view is None else len(view.at)
        every = (board.squares_x - 1) * (board.squares_y - 1)
        advice = "Hold the sheet flat in view: no shadow or finger on it, not too far, more light if it is dark"
        figure = f"{seen} of its {every} corners seen (at least {CORNERS_MIN})"
        return None, [_brightness(first.grey), Finding("sheet", figure, advice)]
    found = [*sheet_light(first.grey, view), focus(first.grey, view, board)]
    after = see_sheet(second.grey, board) if second is not None else None
    if second is not None:
        moved = _apart_px(view, after) if after is not None else math.inf
        advice = "" if moved <= 2 * SHAKE_MAX_PX else "Rest the sheet on something and hold your breath"
        found.append(
            Finding("stillness", f"{moved:.1f} px between two pictures (at most {2 * SHAKE_MAX_PX:g})", advice)
        )
    width = first.grey.shape[1]
    twin = next((k for k, other in enumerate(earlier, 1) if _apart_px(view, other) < SAME_VIEW * width), None)
    if twin is not None:
        found.append(Finding("view", f"the same as view {twin}", "Hold the sheet elsewhere, or lean it another way"))
    return view, found


def judge_bed(frame: Frame, earlier: Sequence[Frame], board: Board, lying: Lying | None) -> list[Finding]:
    """The empty bed: nothing on it, light on it, nothing moves."""
    grey = frame.grey
    if see_sheet(grey, board) is not None:
        return [Finding("bed", "the calibration sheet lies there", "Take it out: the bed must be empty")]
    if lying is not None:
        return [Finding("bed", f"a card lies there ({_named(lying)})", "Take it out: the bed must be empty")]
    found = [_brightness(grey)]
    full = float((grey >= FULL).mean())
    figure = f"{full:.0%} of the picture full white (at most {FULL_MAX:.0%})"
    found.append(
        Finding("light", figure, "" if full <= FULL_MAX else "Too bright: shorten the exposure, dim the panel")
    )
    found.append(evenness(grey, _middle(grey.shape), "the bed"))
    if earlier:
        found += _like_before(frame, earlier[0])
    return found


def judge_blank(
    frame: Frame, layout: Layout, face: str, lying: Lying | None, bed: drift.Singles | None
) -> list[Finding]:
    """A blank card of this layout, this face up, alone, unpunched, well lit."""
    if lying is None:
        there = bed is not None and frame.grey.shape == bed.shape and _covered(frame.grey, bed)
        figure = "something lies there, but no whole card can be seen" if there else "no card can be seen"
        advice = f"Lay one blank card of {layout.identity} flat into the bed, whole in view, {face} up"
        return [_brightness(frame.grey), Finding("card", figure, advice)]
    found = []
    if layout.id not in lying.outlines:
        found.append(Finding("card", f"this is {_named(lying)}", f"Lay down a blank card of {layout.identity}"))
    elif lying.face != face:
        found.append(Finding("card", f"its {lying.face} is up", f"Turn it over: {face} up"))
    if lying.holes:
        found.append(Finding("card", f"{lying.holes} holes are punched in it", "Take a card that nobody punched"))
    if bed is not None and frame.grey.shape == bed.shape and _covered(frame.grey, bed, lying):
        advice = "Take it out; if nothing but the card lies there, take the bed's pictures anew: --again bed"
        found.append(Finding("bed", "something lies, or lay, beside the card", advice))
    hole_mm = min(layout.hole.width_mm, layout.hole.height_mm)
    return [*found, *_card_light(frame.grey, lying), resolution(px_per_mm(lying, layout), hole_mm)]


def _card_light(grey: GreyImage, lying: Lying) -> list[Finding]:
    """Light on a card, which may be dark all over: its lightest spots must be light, none of it overfull."""
    inside = np.zeros(grey.shape, np.uint8)
    cv2.fillConvexPoly(inside, np.rint(lying.corners_px).astype(np.int32), 1)
    levels = grey[cv2.erode(inside, np.ones((9, 9), np.uint8)) > 0]
    light = float(np.percentile(levels, 99)) if levels.size else 0.0
    full = float((levels >= FULL).mean()) if levels.size else 0.0
    figure = f"lightest spots at level {light:.0f} (at least {CARD_MIN:.0f}), {full:.1%} of the card full white"
    advice = "Too dark: more light or a longer exposure" if light < CARD_MIN else ""
    if full > CLIPPED_MAX:
        advice = "Too bright: a shorter exposure, or turn the lamp so that it does not reflect"
    return [Finding("light", figure, advice)]


def judge_pair(first: Frame, second: Frame) -> list[Finding]:
    """Two pictures right after each other of what should lie still."""
    if first.grey.shape != second.grey.shape:
        return [size_of(second.grey, first.grey.shape[1], first.grey.shape[0])]
    return [stillness(first.grey, second.grey), grain(first.grey, second.grey)]


def judge_turn(lying: Lying, before: Lying) -> Finding:
    """The same card, turned by half a turn since."""
    turned = abs((lying.angle_deg - before.angle_deg + 180) % 360 - 180)
    advice = "" if turned > TURNED_DEG else "Turn the card by half a turn, the same face up"
    return Finding("way round", f"turned by {turned:.0f}°", advice)


def px_per_mm(lying: Lying, layout: Layout) -> float:
    """Over the card's longer side and its shorter one; the lesser of the two."""
    c = lying.corners_px
    return min(float(np.hypot(*(c[1] - c[0]))) / layout.width_mm, float(np.hypot(*(c[3] - c[0]))) / layout.height_mm)


def _brightness(grey: GreyImage) -> Finding:
    brightest = float(np.percentile(grey, 99))
    advice = "" if brightest >= BLACK_LEVEL else "The picture is black: switch the lamp on, uncover the lens"
    return Finding("brightness", f"brightest level {brightest:.0f} (at least {BLACK_LEVEL:.0f})", advice)


def _like_before(frame: Frame, first: Frame) -> list[Finding]:
    """Against the first picture of the bed: nothing new, nothing moved."""
    if frame.grey.shape != first.grey.shape:
        return [size_of(frame.grey, first.grey.shape[1], first.grey.shape[0])]
    found = judge_pair(first, frame)
    if _covered(frame.grey, np.asarray(first.grey, np.float32)):
        found.append(Finding("bed", "something lies there that did not before", "Take it out"))
    return found


def _covered(grey: GreyImage, bed: drift.Singles, but_for: Lying | None = None) -> bool:
    """Whether a thing lies on the bed, besides this card and the shade around it."""
    change = drift.level_change(bed, np.asarray(grey, np.float32))
    if but_for is not None:
        card: NDArray[np.uint8] = np.zeros(change.shape, np.uint8)
        cv2.fillConvexPoly(card, np.rint(but_for.corners_px / drift.BLOCK_PX).astype(np.int32), 1)
        reach = 2 * round(SHADE * change.shape[1]) + 1
        wide = cv2.dilate(card, np.ones((reach, reach), np.uint8))
        change[wide > 0] = np.median(change[wide == 0]) if (wide == 0).any() else 0
    # The scale is not known yet: a hundredth of the picture is less than any card, and more than any speck.
    return drift.covered_px(change, grey.size / 100) is not None


def _middle(shape: tuple[int, ...]) -> NDArray[np.bool_]:
    mask = np.zeros(shape, bool)
    rows, columns = (round(n * (1 - MIDDLE) / 2) for n in shape)
    mask[rows : shape[0] - rows, columns : shape[1] - columns] = True
    return mask


def _apart_px(view: SheetView, other: SheetView) -> float:
    """Mean distance of the corners that both show; infinite when they share less than half."""
    theirs = {(int(c), int(r)): p for (c, r), p in zip(other.at, other.corners_px, strict=True)}
    pairs = [
        (p, theirs[int(c), int(r)])
        for (c, r), p in zip(view.at, view.corners_px, strict=True)
        if (int(c), int(r)) in theirs
    ]
    if 2 * len(pairs) < len(view.at):
        return math.inf
    return float(np.mean([np.hypot(*(a - b)) for a, b in pairs]))


def _named(lying: Lying) -> str:
    return f"{' or '.join(sorted(lying.outlines))}, {lying.face} up"
