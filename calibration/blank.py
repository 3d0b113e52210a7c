"""Blank cards: their corners before the plane is known, and after it, what each face looks like in millimetres."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from calibration.errors import CalibrationError
from calibration.lens import Lens
from calibration.models import BLANK_PX_PER_MM, SPREAD_STEPS, Bed, Blank, Levels
from calibration.outline import fit_corners
from calibration.place import BLUR_MAX_MM, CORNERS, CUT_CLEAR, Fit, Tray, turns
from calibration.plane import CardMap, Floats, Pose, powers, undistorted
from cards.layout import Layout

Singles = NDArray[np.float32]

SIZE_MM = 4.0
"""How far a coarse rectangle may differ from the card's size: blur and a fibre at the edge widen it."""
SUPPORT_MIN = 0.6
"""Least share of looks at a blank card's sides that must agree with its outline."""
JITTER_MM = 0.12
"""How far print still lies off after its shift is taken out: stretch, curl, the last tenth."""
NOISE_LEVELS, NOISE_SHARE = 1.8, 0.02
"""Least spread of paper: sensor noise and JPEG, and the fibres' own tone."""
SHIFT_MAX_MM = 1.0
"""Print lies no further off the paper's edge than this."""


def first_corners(lens: Lens, bed: Bed, image: Levels, size_mm: tuple[float, float]) -> Floats | None:
    """A blank card's corners, (4, 2) px, before the plane is known; in order around it from an end of a long side.

    size_mm: long and short side. `None` when no card of these proportions can be seen.
    """
    off = cv2.absdiff(cv2.GaussianBlur(image, (3, 3), 0), bed.mean)
    limit = np.maximum(10, bed.spread.astype(np.float32) * (5 / SPREAD_STEPS))
    mask = np.where(off > limit, 255, 0).astype(np.uint8)
    contours, _ = cv2.findContours(mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    if not contours:
        return None
    outline = max(contours, key=cv2.contourArea).reshape(-1, 2).astype(np.float64)
    focal = lens.camera_matrix[0, 0]
    rays = undistorted(lens, outline) * focal
    box = cv2.boxPoints(cv2.minAreaRect(rays.astype(np.float32)))
    if np.hypot(*(box[1] - box[0])) < np.hypot(*(box[2] - box[1])):
        box = np.roll(box, 1, axis=0)
    w, h = size_mm
    corners = np.array([[-w, -h], [w, -h], [w, h], [-w, h]]) / 2
    seen = np.asarray(box, np.float64)
    for _ in range(3):
        flat = _homography(corners, seen)

        def to_px(points: Floats, flat: Floats = flat) -> Floats:
            return _distorted(lens, _apply(flat, points) / focal)

        found = fit_corners(to_px, image, bed.mean, size_mm)
        if found is None:
            return None
        seen = _apply(flat, found)
    return _distorted(lens, seen / focal)


def _homography(source: Floats, target: Floats) -> Floats:
    matrix = cv2.getPerspectiveTransform(source.astype(np.float32), target.astype(np.float32))
    return np.asarray(matrix, np.float64)


def _apply(matrix: Floats, points: Floats) -> Floats:
    mapped = np.column_stack([points, np.ones(len(points))]) @ matrix.T
    return np.asarray(mapped[:, :2] / mapped[:, 2:], np.float64)


def _distorted(lens: Lens, rays: Floats) -> Floats:
    points = np.column_stack([rays, np.ones(len(rays))])
    px, _ = cv2.projectPoints(points, np.zeros(3), np.zeros(3), lens.camera_matrix, lens.distortion)
    return np.asarray(px, np.float64).reshape(-1, 2)


def lying(tray: Tray, image: Levels, layout: Layout, face: Literal["front", "back"], name: str) -> Fit:
    """How a whole card of this layout and face lies on the tray. Raises `CalibrationError` when it does not."""
    size = layout.width_mm, layout.height_mm
    found = tray.rectangle(tray.changed(tray.coarse(image)))
    if found is None:
        raise CalibrationError(f"{name}: no card on the bed; lay a blank {layout.identity} on it")
    options = turns(found, size, SIZE_MM)
    if not options:
        raise CalibrationError(
            f"{name}: what lies there is {found.long_mm:.0f} × {found.short_mm:.0f} mm, {layout.identity} is "
            f"{size[0]:.0f} × {size[1]:.0f}; lay one whole blank card on the bed, clear of its rim"
        )
    best: tuple[float, Fit] | None = None
    for turn in options:
        fit = tray.refine(image, Pose(found.x_mm, found.y_mm, turn, face == "back"), *size)
        fit = fit and tray.refine(image, fit.pose, *size)
        if fit is None:
            continue
        cut = tray.cuts(image, tray.map(fit.pose, *size), size, layout.corner_cut)
        here = CORNERS.index(layout.corner_cut.corner)
        clear = float(cut[here] - np.delete(cut, here).max())
        if best is None or clear > best[0]:
            best = clear, fit
    if best is None or best[1].support < SUPPORT_MIN:
        raise CalibrationError(f"{name}: the card's sides cannot be followed; flatten it, and clear the bed around it")
    if best[0] < CUT_CLEAR:
        raise CalibrationError(
            f"{name}: the cut corner is not where a {face} of {layout.identity} has it; turn the card over"
        )
    if best[1].blur_mm > BLUR_MAX_MM:
        raise CalibrationError(
            f"{name}: the card's edges are blurred by {best[1].blur_mm:.2f} mm, {BLUR_MAX_MM} at most; focus the camera, "
            "then calibrate anew"
        )
    return best[1]


def raster_shape(size_mm: tuple[float, float], px_per_mm: float = BLANK_PX_PER_MM) -> tuple[int, int]:
    """Rows and columns of a card's raster. size_mm: width and height."""
    return round(size_mm[1] * px_per_mm), round(size_mm[0] * px_per_mm)


def raster_points(size_mm: tuple[float, float], px_per_mm: float = BLANK_PX_PER_MM) -> tuple[Floats, Floats]:
    """Columns' x and rows' y of a card's raster, in mm from its centre."""
    rows, columns = raster_shape(size_mm, px_per_mm)
    x = (np.arange(columns) + 0.5) / px_per_mm - size_mm[0] / 2
    y = (np.arange(rows) + 0.5) / px_per_mm - size_mm[1] / 2
    return np.asarray(x, np.float64), np.asarray(y, np.float64)


def rasterise(image: Levels, mapped: CardMap, size_mm: tuple[float, float], shift_mm: tuple[float, float]) -> Levels:
    """The card as its blank's raster: (rows, columns) uint8. shift_mm: where the print lies off the paper."""
    x, y = raster_points(size_mm)
    u = powers((x + shift_mm[0]) / mapped.half_mm[0])
    v = powers((y + shift_mm[1]) / mapped.half_mm[1])
    grids = [(v @ c @ u.T).astype(np.float32) for c in mapped.coefficients]
    return np.asarray(cv2.remap(image, grids[0], grids[1], cv2.INTER_LINEAR), np.uint8)


def learn_blank(
    tray: Tray, images: Sequence[Levels], fits: Sequence[Fit], layout: Layout, face: Literal["front", "back"]
) -> Blank:
    """One face's model from cards whose poses are known. Each is moved to the mean print, and to one brightness."""
    size = layout.width_mm, layout.height_mm
    maps = [tray.map(fit.pose, *size) for fit in fits]
    inside = paper_mask(layout)
    shifts = [(0.0, 0.0)] * len(images)
    for _ in range(4):
        cards = [rasterise(i, m, size, s) for i, m, s in zip(images, maps, shifts, strict=True)]
        mean, stack = _mean(cards, inside)
        moves = [print_shift(card, mean, inside) for card in stack]
        shifts = [(s[0] + m[0], s[1] + m[1]) for s, m in zip(shifts, moves, strict=True)]
        middle = np.mean(shifts, axis=0)
        shifts = [(s[0] - middle[0], s[1] - middle[1]) for s in shifts]
    gx, gy = _slopes(mean)
    jitter = (gx**2 + gy**2) * JITTER_MM**2
    variance = cv2.blur(np.asarray(stack.var(axis=0) * len(stack) / max(len(stack) - 1, 1)), (9, 9)) + jitter
    spread = np.sqrt(variance + NOISE_LEVELS**2 + (NOISE_SHARE * mean) ** 2) * SPREAD_STEPS
    return Blank(
        layout.identity,
        layout.digest,
        face,
        np.clip(np.rint(mean), 0, 255).astype(np.uint8),
        np.clip(np.rint(spread), 0, 255).astype(np.uint8),
        len(images),
        round(float(np.median([f.residual_mm for f in fits])), 3),
    )


def _mean(cards: Sequence[Levels], inside: NDArray[np.bool_]) -> tuple[Singles, Singles]:
    first = cards[0].astype(np.float32)
    level = [card.astype(np.float32) / light(card, first, inside) for card in cards]
    stack = np.stack(level)
    return np.asarray(stack.mean(axis=0), np.float32), stack


def light(card: Levels, model: Singles, inside: NDArray[np.bool_]) -> Singles:
    """How much brighter a card is than its model, place by place: a smooth field, (rows, columns) float32.

    Quadratic in the logarithm, over blocks; blocks that disagree (holes, stains) are outvoted.
    """
    rows, columns = model.shape
    blocks = (max(columns // 24, 4), max(rows // 24, 4))
    seen, known, whole = (
        cv2.resize(np.asarray(a, np.float32), blocks, interpolation=cv2.INTER_AREA)
        for a in (card * inside, model * inside, inside)
    )
    use = np.asarray(whole) > 0.5
    ratio = np.log(np.maximum(np.asarray(seen)[use], 1.0) / np.maximum(np.asarray(known)[use], 1.0))
    x, y = np.meshgrid(np.linspace(-1, 1, blocks[0]), np.linspace(-1, 1, blocks[1]))
    terms = _terms(x[use], y[use])
    weight: Floats = np.ones(len(ratio))
    fitted = np.zeros(terms.shape[1])
    for _ in range(6):
        fitted[:] = np.linalg.lstsq(terms * weight[:, None], ratio * weight, rcond=None)[0]
        weight[:] = 1 / (1 + ((ratio - terms @ fitted) / 0.03) ** 2)
    far_x, far_y = 1 + 1 / blocks[0], 1 + 1 / blocks[1]
    gx, gy = np.meshgrid(np.linspace(-far_x, far_x, columns), np.linspace(-far_y, far_y, rows))
    return np.asarray(np.exp(_terms(gx, gy) @ fitted), np.float32)


def _terms(x: Floats, y: Floats) -> Floats:
    return np.stack([np.ones_like(x), x, y, x * x, x * y, y * y], axis=-1)


def print_shift(card: Singles, model: Singles, inside: NDArray[np.bool_]) -> tuple[float, float]:
    """How far (mm) this card's print lies off the model's, x and y; (0, 0) where there is too little print to tell.

    One step of Lucas and Kanade (1981): the shift whose first-order change explains the difference best.
    """
    gx, gy = _slopes(model)
    off = card - model
    usual = max(float(np.median(np.abs(off[inside]))), 1.0)
    weight = inside / (1 + (off / (6 * usual)) ** 2)
    a = np.array([[(weight * gx * gx).sum(), (weight * gx * gy).sum()], [0, (weight * gy * gy).sum()]])
    a[1, 0] = a[0, 1]
    b = np.array([(weight * gx * off).sum(), (weight * gy * off).sum()])
    if np.linalg.eigvalsh(a)[0] < 4.0 * weight.sum():
        return 0.0, 0.0
    # Where the card's print lies to the right, the card at x is the model at x − shift.
    x, y = np.clip(-np.linalg.solve(a, b), -SHIFT_MAX_MM, SHIFT_MAX_MM)
    return float(x), float(y)


def _slopes(model: Singles) -> tuple[Singles, Singles]:
    """Levels per mm, x and y."""
    scale = BLANK_PX_PER_MM / 8
    return tuple(np.asarray(cv2.Sobel(model, cv2.CV_32F, *d, ksize=3)) * scale for d in ((1, 0), (0, 1)))  # type: ignore[return-value]


def paper_mask(layout: Layout, px_per_mm: float = BLANK_PX_PER_MM) -> NDArray[np.bool_]:
    """Which pixels of the raster are surely paper: 1 mm within the sides and the cut."""
    x, y = raster_points((layout.width_mm, layout.height_mm), px_per_mm)
    w, h = layout.width_mm / 2, layout.height_mm / 2
    sx, sy = _corner_signs(layout)
    gx, gy = np.meshgrid(w - sx * x, h - sy * y)
    cut = layout.corner_cut
    past = (gx - 1.5) / cut.dx_mm + (gy - 1.5) / cut.dy_mm > 1
    return np.asarray((np.abs(x)[None] < w - 1) & (np.abs(y)[:, None] < h - 1) & past, np.bool_)


def _corner_signs(layout: Layout) -> tuple[int, int]:
    where = layout.corner_cut.corner
    return (1 if "right" in where else -1), (1 if "bottom" in where else -1)
