"""The camera's lens, from views of a ChArUco board: where a straight ray meets the picture.

Source: Zhang, "A flexible new technique for camera calibration" (2000), as in OpenCV's `calibrateCamera`, with Brown's
distortion. Corners of a ChArUco board are named, so half a board is as good as a whole one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from calibration.errors import CalibrationError
from device.frame import Frame

Floats = NDArray[np.float64]

VIEWS_MIN = 6
"""Fewer views do not tell the focal length from the distance."""
CORNERS_MIN = 12
"""A view with fewer corners says too little about its own pose."""
BAD_RMS_PX, BAD_RATIO = 1.0, 3.0
"""A view that fits worse than this, and so many times worse than the usual one, moved or was bent."""
COVER_MIN = 0.35
"""Least share of the picture's 8 × 6 cells that saw a corner: distortion is not known where nothing was seen."""
TILT_MIN_DEG = 8.0
"""Among the views, at least this much between the flattest and the most tilted."""


@dataclass(frozen=True)
class Board:
    """A ChArUco board as printed. `dictionary`: OpenCV's name, such as `DICT_5X5_100`."""

    squares_x: int = 9
    squares_y: int = 6
    square_mm: float = 15.0
    marker_mm: float = 11.0
    dictionary: str = "DICT_5X5_100"

    def make(self) -> cv2.aruco.CharucoBoard:
        """OpenCV's board. Raises `CalibrationError` for a dictionary that OpenCV does not know."""
        number = getattr(cv2.aruco, self.dictionary, None) if self.dictionary.startswith("DICT_") else None
        if number is None:
            raise CalibrationError(f"board: unknown dictionary {self.dictionary!r}; name one such as DICT_5X5_100")
        marks = cv2.aruco.getPredefinedDictionary(number)
        return cv2.aruco.CharucoBoard((self.squares_x, self.squares_y), self.square_mm, self.marker_mm, marks)


@dataclass(frozen=True)
class LensView:
    """One picture of the board: how many corners it gave, how tilted it lay, how well it fits (0 when dropped)."""

    name: str
    corners: int
    tilt_deg: float = 0.0
    rms_px: float = 0.0
    dropped: str = ""


@dataclass(frozen=True)
class Lens:
    """A lens.

    camera_matrix: (3, 3) float64, px. distortion: (5,) float64, Brown's k1 k2 p1 p2 k3. size_px: (width, height).
    rms_px: reprojection error over the views kept. cover: share of the picture's 8 × 6 cells that saw a corner.
    """

    camera_matrix: Floats
    distortion: Floats
    size_px: tuple[int, int]
    rms_px: float
    cover: float
    views: tuple[LensView, ...]


def board_corners(frame: Frame, board: Board) -> tuple[Floats, Floats]:
    """The board's inner corners in one picture: (n, 3) mm on the board and (n, 2) px; n may be 0."""
    made = board.make()
    found, names, _, _ = cv2.aruco.CharucoDetector(made).detectBoard(frame.grey)
    if found is None or names is None or len(names) < 4:
        return np.zeros((0, 3)), np.zeros((0, 2))
    corners = np.asarray(found, np.float32).reshape(-1, 1, 2)
    model, seen = made.matchImagePoints(list(corners), np.asarray(names).reshape(-1, 1))
    return np.asarray(model, np.float64).reshape(-1, 3), np.asarray(seen, np.float64).reshape(-1, 2)


def learn_lens(frames: Sequence[Frame], board: Board) -> Lens:
    """The lens from views of the board. Views that show too little or fit badly are dropped by name.

    Raises `CalibrationError` when too few are left, or when they are too alike to tell a lens.
    """
    if not frames:
        raise CalibrationError("lens: no pictures of the ChArUco board; take about 14, tilted every way")
    size = frames[0].grey.shape[1], frames[0].grey.shape[0]
    odd = [f.name for f in frames if f.grey.shape != frames[0].grey.shape]
    if odd:
        raise CalibrationError(f"lens: {', '.join(odd)} has another size than {frames[0].name}; use one resolution")
    seen = {f.name: board_corners(f, board) for f in frames}
    dropped = {
        name: LensView(name, len(px), dropped=f"only {len(px)} corners seen, {CORNERS_MIN} needed")
        for name, (_, px) in seen.items()
        if len(px) < CORNERS_MIN
    }
    while True:
        kept = [name for name in seen if name not in dropped]
        if len(kept) < VIEWS_MIN:
            why = "; ".join(f"{v.name}: {v.dropped}" for v in dropped.values())
            raise CalibrationError(f"lens: {len(kept)} usable views, {VIEWS_MIN} needed; take more ({why})")
        lens = _solve({name: seen[name] for name in kept}, size)
        worst = max(lens.views, key=lambda v: v.rms_px)
        usual = float(np.median([v.rms_px for v in lens.views]))
        if worst.rms_px <= BAD_RMS_PX or worst.rms_px <= BAD_RATIO * usual:
            break
        why = f"fits to {worst.rms_px:.1f} px, the others to {usual:.1f}: it moved, or the sheet was bent"
        dropped[worst.name] = LensView(worst.name, worst.corners, worst.tilt_deg, worst.rms_px, why)
    _check(lens)
    return Lens(lens.camera_matrix, lens.distortion, size, lens.rms_px, lens.cover, (*lens.views, *dropped.values()))


def _check(lens: Lens) -> None:
    if lens.cover < COVER_MIN:
        raise CalibrationError(
            f"lens: the board was seen in {lens.cover:.0%} of the picture, {COVER_MIN:.0%} needed; "
            "move it into the corners too"
        )
    tilts = [v.tilt_deg for v in lens.views]
    if max(tilts) - min(tilts) < TILT_MIN_DEG:
        raise CalibrationError(
            f"lens: all views are tilted by {min(tilts):.0f} to {max(tilts):.0f}°; tilt the board by 15 to 30° "
            "to every side in some"
        )


def _solve(seen: dict[str, tuple[Floats, Floats]], size: tuple[int, int]) -> Lens:
    model = [m.astype(np.float32) for m, _ in seen.values()]
    px = [p.astype(np.float32) for _, p in seen.values()]
    guess = np.array([[size[0], 0, size[0] / 2], [0, size[0], size[1] / 2], [0, 0, 1.0]])
    # k3 stays 0: boards seldom reach far enough out to tell it from k2.
    flags = cv2.CALIB_USE_INTRINSIC_GUESS | cv2.CALIB_FIX_K3 | cv2.CALIB_FIX_ASPECT_RATIO
    rms, matrix, distortion, turns, shifts = cv2.calibrateCamera(model, px, size, guess, np.zeros(5), flags=flags)
    views = []
    for name, m, p, turn, shift in zip(seen, model, px, turns, shifts, strict=True):
        again, _ = cv2.projectPoints(m, turn, shift, matrix, distortion)
        off = np.asarray(again).reshape(-1, 2) - p
        tilt = float(np.degrees(np.arccos(min(1.0, abs(cv2.Rodrigues(turn)[0][2, 2])))))
        views.append(LensView(name, len(p), round(tilt, 1), round(float(np.sqrt((off**2).sum(axis=1).mean())), 4)))
    cells = np.concatenate(px) * np.array([8 / size[0], 6 / size[1]])
    cover = len({(int(x), int(y)) for x, y in cells}) / 48
    return Lens(
        np.asarray(matrix, np.float64),
        np.asarray(distortion, np.float64).ravel()[:5],
        size,
        float(rms),
        round(cover, 3),
        tuple(views),
    )
