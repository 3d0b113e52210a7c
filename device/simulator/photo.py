"""What the camera sees: the printed and punched card on its bed under the lamp, as JPEG bytes."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from cards import draw
from cards.layout import Layout
from cards.raster import raster
from device.simulator.hand import Cut, inside, on_flap
from device.simulator.scene import Bed, Scene, homography

Singles = NDArray[np.float32]
PX_PER_MM = 9.0
"""Of the card before it is photographed: above what the camera resolves."""
PAD_MM = 4.0
"""Nothing but bed around the card, so that its edge is sampled like any other."""
BED_BGR: dict[Bed, tuple[float, float, float]] = {
    "felt": (16, 15, 15),
    "panel": (262, 264, 262),
    "green": (92, 150, 60),
    "beech": (96, 140, 176),
}
SHADE = 0.45
"""How much darker the bed is where the card shades it."""

AMBIENT = 0.62
"""The room's light on a card that lies on a panel, as a share of a lamp's."""


def photograph(layout: Layout, language: str, cuts: Sequence[Cut], scene: Scene, rng: np.random.Generator) -> bytes:
    """The picture as JPEG bytes."""
    paper, cover = card_image(layout, language, scene.face, cuts)
    size = (scene.width_px, scene.height_px)
    # Pixel (u, v) of the card image lies at ((u + 0.5) / PX_PER_MM − PAD_MM) millimetres.
    to_mm = np.array(
        [[1 / PX_PER_MM, 0, 0.5 / PX_PER_MM - PAD_MM], [0, 1 / PX_PER_MM, 0.5 / PX_PER_MM - PAD_MM], [0, 0, 1]]
    )
    to_px = homography(layout, scene) @ to_mm
    seen = _warp(paper, to_px, size)
    alpha = _warp(cover, to_px, size)[..., None]
    ground = bed_image(scene, rng) * _shadow(cover, to_px, scene)[..., None]
    lamp = _light(scene)
    if scene.bed == "panel":
        # The panel shines by itself; the card before it gets what the room has.
        image = alpha * seen * lamp * AMBIENT + (1 - alpha) * ground
    else:
        image = (alpha * seen + (1 - alpha) * ground) * lamp
    if scene.blur_px > 0.05:
        image = _blurred(image, scene.blur_px)
    image = image + rng.normal(0, scene.noise, image.shape).astype(np.float32)
    pixels = np.clip(np.rint(image), 0, 255).astype(np.uint8)
    done, data = cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, scene.quality])
    if not done:
        raise ValueError(f"a picture of {scene.width_px} × {scene.height_px} px cannot be written as JPEG")
    return data.tobytes()


def card_image(layout: Layout, language: str, face: str, cuts: Sequence[Cut]) -> tuple[Singles, Singles]:
    """(rows, columns, 3) blue-green-red levels of the face and (rows, columns) how much of a pixel is paper.

    Both in the front's coordinates, `PAD_MM` around the card: a back face is drawn as its mirror image, for the
    scene turns the card over.
    """
    printed = _printed(layout, language, face)
    pad = round(PAD_MM * PX_PER_MM)
    paper = np.pad(printed, ((pad, pad), (pad, pad), (0, 0)), mode="edge")
    cover = np.zeros(paper.shape[:2], np.uint8)
    sub = 16  # cv2's fixed-point bits: sub-pixel corners
    points = np.array(
        [((x + PAD_MM) * PX_PER_MM - 0.5, (y + PAD_MM) * PX_PER_MM - 0.5) for x, y in draw.outline(layout)]
    )
    cv2.fillPoly(cover, [np.rint(points * sub).astype(np.int32)], 255, cv2.LINE_AA, 4)
    share = cover.astype(np.float32) / np.float32(255)
    for cut in cuts:
        _cut_out(paper, share, cut)
    return paper.astype(np.float32), share


@lru_cache(maxsize=8)
def _printed_once(layout_key: str, face: str, language: str) -> NDArray[np.uint8]:
    layout = _LAYOUTS[layout_key]
    shapes = draw.front(layout, language) if face == "front" else draw.back(layout, language)
    rgb = np.asarray(raster(layout, shapes, PX_PER_MM, draw.PAPER), np.uint8)
    bgr = np.ascontiguousarray(rgb[..., ::-1])
    return bgr if face == "front" else np.ascontiguousarray(bgr[:, ::-1])


_LAYOUTS: dict[str, Layout] = {}


def _printed(layout: Layout, language: str, face: str) -> NDArray[np.uint8]:
    _LAYOUTS[layout.digest] = layout
    return _printed_once(layout.digest, face, language)


def _cut_out(paper: NDArray[np.uint8], share: Singles, cut: Cut) -> None:
    """Take the cut out of the card, but for its flap, which hangs a little lower and so is a little darker."""
    reach = np.array([cut.width_mm, cut.height_mm]) / 2 + 0.3
    left, top = np.floor((np.array([cut.x_mm, cut.y_mm]) - reach + PAD_MM) * PX_PER_MM).astype(int)
    right, bottom = np.ceil((np.array([cut.x_mm, cut.y_mm]) + reach + PAD_MM) * PX_PER_MM).astype(int)
    # Four samples a pixel and side: smooth edges.
    x = (np.arange(4 * left, 4 * right) + 0.5) / 4 / PX_PER_MM - PAD_MM
    y = (np.arange(4 * top, 4 * bottom) + 0.5) / 4 / PX_PER_MM - PAD_MM
    gx, gy = np.meshgrid(x, y)
    shape = (bottom - top, 4, right - left, 4)
    flap = on_flap(cut, gx, gy).reshape(shape).mean(axis=(1, 3)).astype(np.float32)
    hole = inside(cut, gx, gy).reshape(shape).mean(axis=(1, 3)).astype(np.float32)
    where = (slice(top, bottom), slice(left, right))
    share[where] *= 1 - hole
    share[where] += flap
    shaded = 1 - 0.12 * flap[..., None]
    paper[where] = np.clip(paper[where] * shaded, 0, 255).astype(np.uint8)


def _warp(image: Singles, to_px: NDArray[np.float64], size: tuple[int, int]) -> Singles:
    return np.asarray(cv2.warpPerspective(image, to_px, size, flags=cv2.INTER_AREA), np.float32)


def _blurred(image: Singles, sigma_x_px: float, sigma_y_px: float = 0.0) -> Singles:
    return np.asarray(cv2.GaussianBlur(image, (0, 0), sigmaX=sigma_x_px, sigmaY=sigma_y_px), np.float32)


def _shadow(cover: Singles, to_px: NDArray[np.float64], scene: Scene) -> Singles:
    """(rows, columns) 1 − what the card takes from the bed's light; a panel shines by itself."""
    size = (scene.width_px, scene.height_px)
    if scene.bed == "panel":
        return np.ones(size[::-1], np.float32)
    offset = scene.gap_mm * PX_PER_MM * 0.6
    moved = np.array([[1, 0, offset], [0, 1, offset], [0, 0, 1]])
    blurred = _blurred(cover, max(0.5 * offset, 0.5))
    return np.asarray(1 - SHADE * _warp(blurred, to_px @ moved, size), np.float32)


def bed_image(scene: Scene, rng: np.random.Generator) -> Singles:
    """(rows, columns, 3): the bare bed, with its texture."""
    shape = (scene.height_px, scene.width_px)
    texture = rng.normal(0, 1, shape).astype(np.float32)
    if scene.bed == "beech":
        # Grain runs along the picture, pores across a few pixels.
        texture = _blurred(texture, 40, 2.0) * 60
    elif scene.bed == "felt":
        texture = _blurred(texture, 1.2) * 6
    else:
        texture = _blurred(texture, 6) * 8
    colour = np.array(BED_BGR[scene.bed], np.float32)
    return np.asarray(np.maximum(colour + texture[..., None], 0), np.float32)


def _light(scene: Scene) -> Singles:
    """(rows, columns, 3): the lamp's evenness and colour."""
    x = np.linspace(-1, 1, scene.width_px, dtype=np.float32)[None]
    y = np.linspace(-1, 1, scene.height_px, dtype=np.float32)[:, None]
    level = scene.light * (1 + scene.slope[0] * x + scene.slope[1] * y)
    return np.asarray(level[..., None] * np.array([2 - scene.warmth, 1.0, scene.warmth], np.float32), np.float32)
