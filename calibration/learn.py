"""A machine's profile from three kinds of pictures: a ChArUco board, the empty bed, blank cards."""

from __future__ import annotations

import hashlib
import importlib.metadata
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

import numpy as np

from calibration.bed import learn_bed
from calibration.blank import first_corners, learn_blank, lying
from calibration.errors import CalibrationError
from calibration.lens import Board, Lens, learn_lens
from calibration.models import BLANK_PX_PER_MM, CHANNELS, SPREAD_STEPS, Bed, Blank, Channel, Levels, Plane
from calibration.place import Fit, Tray
from calibration.plane import Floats, learn_plane
from calibration.profile import Profile, ProfileThresholds
from calibration.thresholds import clear_scores, thresholds
from cards.layout import Layout
from device.frame import Frame


@dataclass(frozen=True)
class BlankCards:
    """Pictures of unpunched cards of one layout, all showing one face."""

    layout: Layout
    face: Literal["front", "back"]
    frames: Sequence[Frame]


SEPARATION_ENOUGH = 2.0
"""Grey is asked first: with so many spreads between bed and paper at every position, a hole's many pixels
leave no doubt, and colour costs three times the decode."""
SEPARATION_MIN = 1.5
"""Below this a hole might not show at some position in any channel."""


def plane_of(frame: Frame, channel: Channel) -> Levels:
    """One channel of a picture, (height, width) uint8. Raises `CalibrationError` when it has no colour."""
    if channel == "grey":
        return frame.grey
    if frame.colour is None:
        raise CalibrationError(f"{frame.name}: the profile looks at {channel}, and this picture has no colour")
    return np.ascontiguousarray(frame.colour[:, :, CHANNELS.index(channel) - 1])


def learn(
    charuco: Sequence[Frame],
    board: Board,
    beds: Sequence[Frame],
    blanks: Sequence[BlankCards],
    name: str = "machine",
    camera: str = "files",
) -> Profile:
    """Learn a machine. Raises `CalibrationError`, naming the picture and what to do, when one teaches nothing."""
    lens = learn_lens(charuco, board)
    _same_size(lens, [*beds, *(f for kind in blanks for f in kind.frames)])
    if not blanks:
        raise CalibrationError("blank cards: none given; lay an unpunched card of each layout and face on the bed")
    bed = learn_bed([f.grey for f in beds], [f.name for f in beds])
    plane = _plane(lens, bed, blanks)
    channel, bed, models = _best_channel(lens, plane, bed, beds, blanks)
    px_per_mm = float(lens.camera_matrix[0, 0] / plane.translation_mm[2])
    limits = thresholds(_clear(Tray(lens, plane, bed), blanks, channel), [kind.layout for kind in blanks], px_per_mm)
    used = [*charuco, *beds, *(f for kind in blanks for f in kind.frames)]
    return Profile(
        name=name,
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        software=importlib.metadata.version("logicienne"),
        camera=camera,
        channel=channel,
        lens=lens,
        plane=plane,
        bed=bed,
        blanks=models,
        thresholds=ProfileThresholds(limits.clear_max, limits.punched_min),
        images={f.name: hashlib.sha256(f.encoded or f.grey.tobytes()).hexdigest() for f in used},
        figures={
            "bed_level": round(float(bed.mean.mean()), 2),
            "separation": round(_least(bed, models, blanks), 2),
            "px_per_mm": round(px_per_mm, 3),
            "clear_mean": limits.clear_mean,
            "clear_spread": limits.clear_spread,
            "clear_most": limits.clear_most,
            "edge_share": limits.edge_share,
        },
    )


def _same_size(lens: Lens, frames: Sequence[Frame]) -> None:
    for frame in frames:
        size = frame.grey.shape[1], frame.grey.shape[0]
        if size != lens.size_px:
            raise CalibrationError(
                f"{frame.name}: {size[0]} × {size[1]} px, the board was seen at {lens.size_px[0]} × {lens.size_px[1]}; "
                "take all pictures at one resolution"
            )


def _plane(lens: Lens, bed: Bed, blanks: Sequence[BlankCards]) -> Plane:
    corners, sizes = [], []
    for kind in blanks:
        sides = kind.layout.width_mm, kind.layout.height_mm
        size = max(sides), min(sides)
        for frame in kind.frames:
            found = first_corners(lens, bed, frame.grey, size)
            if found is None:
                raise CalibrationError(
                    f"{frame.name}: no whole card of {size[0]:.0f} × {size[1]:.0f} mm can be followed on the bed; "
                    "lay one blank card flat on it, clear of the rim"
                )
            corners.append(found)
            sizes.append(size)
    return learn_plane(lens, corners, sizes)


def _best_channel(
    lens: Lens, plane: Plane, grey_bed: Bed, beds: Sequence[Frame], blanks: Sequence[BlankCards]
) -> tuple[Channel, Bed, tuple[Blank, ...]]:
    best: tuple[float, Channel, Bed, tuple[Blank, ...]] | None = None
    for channel in CHANNELS:
        if channel != "grey" and any(f.colour is None for f in [*beds, *(f for kind in blanks for f in kind.frames)]):
            break
        bed = grey_bed if channel == "grey" else learn_bed([plane_of(f, channel) for f in beds], [f.name for f in beds])
        models = _models(Tray(lens, plane, bed), blanks, channel)
        least = _least(bed, models, blanks)
        if best is None or least > best[0]:
            best = least, channel, bed, models
        if best[0] >= SEPARATION_ENOUGH:
            break
    assert best is not None
    if best[0] < SEPARATION_MIN:
        raise CalibrationError(
            f"bed and cards look alike at some position ({best[0]:.1f} spreads apart in {best[1]}, {SEPARATION_MIN} "
            "needed): use another bed, or more light"
        )
    return best[1], best[2], best[3]


def _models(tray: Tray, blanks: Sequence[BlankCards], channel: Channel) -> tuple[Blank, ...]:
    return tuple(learn_blank(tray, *_lying(tray, kind, channel), kind.layout, kind.face) for kind in blanks)


def _clear(tray: Tray, blanks: Sequence[BlankCards], channel: Channel) -> Floats:
    """(n,) what every unpunched position of every blank card measures."""
    return np.concatenate([clear_scores(tray, *_lying(tray, kind, channel), kind.layout, kind.face) for kind in blanks])


def _lying(tray: Tray, kind: BlankCards, channel: Channel) -> tuple[list[Levels], list[Fit]]:
    images = [plane_of(f, channel) for f in kind.frames]
    fits = [lying(tray, i, kind.layout, kind.face, f.name) for i, f in zip(images, kind.frames, strict=True)]
    return images, fits


def _least(bed: Bed, models: Sequence[Blank], blanks: Sequence[BlankCards]) -> float:
    """Spreads between the bed's usual level and the paper, at the worst position of any layout."""
    level = float(np.median(bed.mean[bed.mean.shape[0] // 4 : -bed.mean.shape[0] // 4]))
    noise = float(np.median(bed.spread)) / SPREAD_STEPS
    worst = 99.0
    for model, kind in zip(models, blanks, strict=True):
        layout = kind.layout
        rows, columns = model.mean.shape
        for p in layout.positions:
            x, y = int(p.x_mm / layout.width_mm * columns), int(p.y_mm / layout.height_mm * rows)
            reach = round(0.35 * layout.hole.width_mm * BLANK_PX_PER_MM)
            here = np.s_[max(y - reach, 0) : y + reach + 1, max(x - reach, 0) : x + reach + 1]
            paper, spread = model.mean[here].astype(np.float32), model.spread[here] / np.float32(SPREAD_STEPS)
            worst = min(worst, float(np.median(np.abs(paper - level) / np.hypot(spread, noise))))
    return worst
