"""What the camera sees: a card, a sheet or nothing on a bed under a lamp. Every picture of the simulator comes from here.

`render` is the way in: `render(layout, card, scene, rng)` → `Frame`. Nothing is written and nothing encoded; a deck of
JPEG files is this and `encode`. Bed texture and noise are cut from large tiles that are made once, at a random place,
mirrored or not, with a random gain: no two pictures have the same, but they are not freshly drawn either.
"""

from __future__ import annotations

from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from cards.layout import Layout
from device.frame import Frame
from device.simulator.card import Card
from device.simulator.scene import Bed, Scene, View, view_of
from device.simulator.surface import PAD_MM, Surface, card_surface, finish, grey_of, resolution

Bytes = NDArray[np.uint8]
Singles = NDArray[np.float32]
BED_BGR: dict[Bed, tuple[float, float, float]] = {
    "felt": (16, 15, 15),
    "panel": (262, 264, 262),
    "green": (92, 150, 60),
    "beech": (96, 140, 176),
}
TEXTURE: dict[Bed, tuple[float, float, float]] = {
    "felt": (1.2, 1.2, 6),
    "panel": (6, 6, 8),
    "green": (6, 6, 8),
    "beech": (40, 2, 60),
}
"""Sigma across and down in pixels, and gain: the grain of beech runs along the picture, with pores a few pixels high."""
GREY_BEDS = ("felt", "panel")
"""Beds that hide nothing in grey; a reader asks for no colour there."""
AMBIENT = 0.62
"""The room's light on a card that lies on a panel, as a share of a lamp's."""
SHADE_SHARE = 0.6
"""How far the shadow falls, as a share of the height it falls from."""
CELL_PX = 16
"""Where pixels lie on the card is worked out this far apart, and between by interpolation (off by under 0.01 px)."""
TILE_PX = 512
"""Tiles are larger than the picture by at least this: room for a quarter of a million places to cut from."""


def render(
    layout: Layout,
    card: Card,
    scene: Scene,
    rng: np.random.Generator,
    *,
    colour: bool | None = None,
    name: str = "simulated",
) -> Frame:
    """One picture of a card. `colour`: with `bgr`, or grey only; by default only where the bed needs colour."""
    coloured = scene.bed not in GREY_BEDS if colour is None else colour
    size = (layout.width_mm, layout.height_mm)
    view = view_of(size, scene, card.curl_mm)
    scale = view.camera.focal_px / view.camera.distance_mm
    surface = card_surface(
        layout, card, scene.face, resolution(scale), colour=coloured, shade_mm=_shade_mm(scene)
    )  # fmt: skip
    return _frame(_photograph(surface, view, size, scene, rng, coloured), name)


def render_sheet(
    printed: Bytes, px_per_mm: float, scene: Scene, rng: np.random.Generator, *, colour: bool = True
) -> Frame:
    """One picture of a printed sheet without holes: (rows, columns, 3) blue-green-red, or (rows, columns) grey."""
    if colour != (printed.ndim == 3):
        printed = np.asarray(cv2.cvtColor(printed, cv2.COLOR_GRAY2BGR if colour else cv2.COLOR_BGR2GRAY), np.uint8)
    size = (printed.shape[1] / px_per_mm, printed.shape[0] / px_per_mm)
    view = view_of(size, scene)
    finest = resolution(view.camera.focal_px / view.camera.distance_mm)
    if px_per_mm > finest:  # sampled more finely than the camera does, lines would come and go
        pixels = (round(size[0] * finest), round(size[1] * finest))
        printed = np.asarray(cv2.resize(printed, pixels, interpolation=cv2.INTER_AREA), np.uint8)
        px_per_mm = pixels[0] / size[0]
    pad = round(PAD_MM * px_per_mm)
    alpha = np.pad(np.full(printed.shape[:2], 255, np.uint8), pad)
    paper = np.pad(np.atleast_3d(printed), ((pad, pad), (pad, pad), (0, 0)), mode="edge")
    surface = finish(paper, alpha, px_per_mm, _shade_mm(scene), pad / px_per_mm)
    return _frame(_photograph(surface, view, size, scene, rng, colour), "sheet")


def render_bed(scene: Scene, rng: np.random.Generator, *, colour: bool | None = None) -> Frame:
    """One picture of the empty bed."""
    coloured = scene.bed not in GREY_BEDS if colour is None else colour
    return _frame(_photograph(None, None, (1.0, 1.0), scene, rng, coloured), "bed")


def encode(frame: Frame, quality: int) -> bytes:
    """The picture as JPEG bytes, in colour where the frame has it."""
    done, data = cv2.imencode(
        ".jpg", frame.grey if frame.bgr is None else frame.bgr, [cv2.IMWRITE_JPEG_QUALITY, quality]
    )
    if not done:
        raise ValueError(f"a picture of {frame.grey.shape[1]} × {frame.grey.shape[0]} px cannot be written as JPEG")
    return data.tobytes()


def _frame(pixels: Bytes, name: str) -> Frame:
    if pixels.ndim == 2:
        return Frame(name, pixels)
    return Frame(name, np.asarray(cv2.cvtColor(pixels, cv2.COLOR_BGR2GRAY), np.uint8), bgr=pixels)


def _shade_mm(scene: Scene) -> float:
    """A panel shines by itself: no shadow."""
    return 0.0 if scene.bed == "panel" else scene.gap_mm * SHADE_SHARE


def _photograph(
    surface: Surface | None,
    view: View | None,
    size_mm: tuple[float, float],
    scene: Scene,
    rng: np.random.Generator,
    colour: bool,
) -> Bytes:
    """(rows, columns) grey or (rows, columns, 3) colour."""
    texture, gain = _bed_texture(scene, rng)
    warped, where = (None, None) if surface is None or view is None else _warp(surface, view, size_mm, scene)
    lamp = _lamp(scene)
    planes = []
    for k, (level, tint) in enumerate(_channels(scene, colour)):
        plane = np.asarray(cv2.addWeighted(texture, gain, texture, 0, level), np.float32)
        if scene.bed != "panel":
            plane = np.asarray(cv2.multiply(plane, lamp, dst=plane, scale=tint), np.float32)
        if warped is not None and where is not None:
            rows, columns = where
            bed = cv2.multiply(plane[rows, columns], warped[-1], scale=1 / 255, dtype=cv2.CV_32F)
            share = tint * (AMBIENT if scene.bed == "panel" else 1.0)
            card = cv2.multiply(warped[k], lamp[rows, columns], scale=share, dtype=cv2.CV_32F)
            plane[rows, columns] = cv2.add(bed, card)
        if scene.blur_px > 0.05:
            plane = np.asarray(cv2.GaussianBlur(plane, (0, 0), scene.blur_px), np.float32)
        grain = _cut(_noise_tile(*_tile_size(scene)), scene, rng)
        sigma = scene.noise * float(rng.uniform(0.95, 1.05))
        planes.append(np.asarray(cv2.addWeighted(plane, 1, grain, sigma, 0, dtype=cv2.CV_8U), np.uint8))
    return planes[0] if len(planes) == 1 else np.asarray(cv2.merge(planes), np.uint8)


def _channels(scene: Scene, colour: bool) -> list[tuple[float, float]]:
    """The bed's level and the lamp's tint, per channel."""
    bgr = BED_BGR[scene.bed]
    if not colour:
        return [(grey_of(bgr), grey_of((2 - scene.warmth, 1.0, scene.warmth)))]
    return list(zip(bgr, (2 - scene.warmth, 1.0, scene.warmth), strict=True))


def _warp(
    surface: Surface, view: View, size_mm: tuple[float, float], scene: Scene
) -> tuple[list[Bytes], tuple[slice, slice]]:
    """The surface's channels and its bed share as the camera sees them, and where in the picture that is."""
    w, h = size_mm
    pad = surface.pad_mm
    steps = np.linspace(0, 1, 9)
    rim = np.array([[x, y] for x in steps for y in steps]) * [w + 2 * pad, h + 2 * pad] - pad
    px = view.to_px(rim)
    low = np.clip(np.floor(px.min(axis=0)).astype(int) - 2, 0, [scene.width_px, scene.height_px])
    high = np.clip(np.ceil(px.max(axis=0)).astype(int) + 3, 0, [scene.width_px, scene.height_px])
    where = (slice(int(low[1]), int(high[1])), slice(int(low[0]), int(high[0])))
    shape = (where[0].stop - where[0].start, where[1].stop - where[1].start)
    if min(shape) <= 0:
        return [np.zeros((0, 0), np.uint8)] * (surface.levels.shape[2] + 1), (slice(0, 0), slice(0, 0))
    x, y = _map(surface, view, where)
    stack = cv2.merge([*cv2.split(surface.levels), surface.bed])
    around = (0,) * surface.levels.shape[2] + (255,)
    seen = cv2.remap(stack, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT, borderValue=around)
    return [np.asarray(plane, np.uint8) for plane in cv2.split(seen)], where


def _map(surface: Surface, view: View, where: tuple[slice, slice]) -> tuple[Singles, Singles]:
    """For each pixel of the part, where it lies on the surface."""
    rows, columns = where[0].stop - where[0].start, where[1].stop - where[1].start
    # Cell middles, one cell beyond the part on each side, so that resizing interpolates everywhere.
    v, u = (np.arange(-1, n // CELL_PX + 2) * CELL_PX + (CELL_PX - 1) / 2 for n in (rows, columns))
    gu, gv = np.meshgrid(u + where[1].start, v + where[0].start)
    mm = view.to_mm(np.stack([gu.ravel(), gv.ravel()], axis=1))
    at = ((mm + surface.pad_mm) * surface.px_per_mm - 0.5).astype(np.float32).reshape(*gu.shape, 2)
    full = cv2.resize(at, (gu.shape[1] * CELL_PX, gu.shape[0] * CELL_PX), interpolation=cv2.INTER_LINEAR)
    part = full[CELL_PX : CELL_PX + rows, CELL_PX : CELL_PX + columns]
    x, y = cv2.split(part)
    return np.asarray(x, np.float32), np.asarray(y, np.float32)


def _lamp(scene: Scene) -> Singles:
    """(rows, columns): the lamp's strength."""
    x = np.linspace(-1, 1, scene.width_px, dtype=np.float32) * np.float32(scene.light * scene.slope[0])
    y = np.linspace(-1, 1, scene.height_px, dtype=np.float32) * np.float32(scene.light * scene.slope[1])
    return np.asarray((y + np.float32(scene.light))[:, None] + x, np.float32)


def _tile_size(scene: Scene) -> tuple[int, int]:
    rows, columns = (-(-n // TILE_PX) * TILE_PX + TILE_PX for n in (scene.height_px, scene.width_px))
    return rows, columns


@lru_cache(maxsize=4)
def _noise_tile(rows: int, columns: int) -> Singles:
    return np.random.default_rng([rows, columns]).standard_normal((rows, columns), np.float32)


@lru_cache(maxsize=8)
def _texture_tile(bed: Bed, rows: int, columns: int) -> Singles:
    across, down, gain = TEXTURE[bed]
    plain = np.random.default_rng([rows, columns, 1]).standard_normal((rows, columns), np.float32)
    return np.asarray(cv2.GaussianBlur(plain, (0, 0), sigmaX=across, sigmaY=down), np.float32) * np.float32(gain)


def _bed_texture(scene: Scene, rng: np.random.Generator) -> tuple[Singles, float]:
    """(rows, columns) and its gain: what the bed's spot is lighter or darker than its mean."""
    own = rng if scene.bed_seed is None else np.random.default_rng(scene.bed_seed)
    gain = float(own.uniform(0.9, 1.1))
    return _cut(_texture_tile(scene.bed, *_tile_size(scene)), scene, own), gain


def _cut(tile: Singles, scene: Scene, rng: np.random.Generator) -> Singles:
    """A piece of the tile as large as the picture, anywhere, mirrored or not."""
    top = int(rng.integers(tile.shape[0] - scene.height_px + 1))
    left = int(rng.integers(tile.shape[1] - scene.width_px + 1))
    piece = tile[top : top + scene.height_px, left : left + scene.width_px]
    across, down = rng.random(2) < 0.5
    if not across and not down:
        return piece
    return np.asarray(cv2.flip(piece, -1 if across and down else int(across)), np.float32)
