"""Where card, camera and lamp are: drawn from a seed within what a kind of place allows."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from cards.layout import Layout

Floats = NDArray[np.float64]
Bed = Literal["felt", "panel", "green", "beech"]
BEDS: dict[Bed, str] = {"felt": "black", "panel": "lit", "green": "colour", "beech": "wood"}
"""Bed → its class, as the truth files name it."""
FOCAL = 0.85
"""Focal length as a share of the picture's longer side: a field of view of 61°."""


@dataclass(frozen=True)
class Scene:
    """One picture to be taken.

    turn_deg: the card's rotation in the picture, clockwise; tilt_deg, tilt_to_deg: how far and where to the camera
    leans. fill: the card's longer side as a share of the picture's. shift: off the middle, in shares of the picture.
    light: 1 is well exposed; slope: its change across the picture; warmth: 1 neutral, above it yellowish.
    gap_mm: the card lies this far above the bed, which shades the holes. blur_px, noise (8-bit levels), quality (JPEG).
    """

    width_px: int = 1640
    height_px: int = 1232
    bed: Bed = "felt"
    face: Literal["front", "back"] = "front"
    turn_deg: float = 0.0
    tilt_deg: float = 0.0
    tilt_to_deg: float = 0.0
    fill: float = 0.72
    shift: tuple[float, float] = (0.0, 0.0)
    light: float = 1.0
    slope: tuple[float, float] = (0.0, 0.0)
    warmth: float = 1.0
    gap_mm: float = 0.8
    blur_px: float = 0.7
    noise: float = 2.5
    quality: int = 85


def machine_scene(rng: np.random.Generator, bed: Bed, width_px: int, height_px: int) -> Scene:
    """A well-built machine: the camera square above the card, even light."""
    return _scene(rng, bed, width_px, height_px, turn_deg=4, tilt_deg=3, slope=0.06, blur_px=0.8, quality=85)


def table_scene(rng: np.random.Generator, bed: Bed, width_px: int, height_px: int) -> Scene:
    """A phone above a café table: any way round, window light from one side."""
    return _scene(rng, bed, width_px, height_px, turn_deg=180, tilt_deg=12, slope=0.22, blur_px=1.1, quality=78)


def _scene(
    rng: np.random.Generator,
    bed: Bed,
    width_px: int,
    height_px: int,
    *,
    turn_deg: float,
    tilt_deg: float,
    slope: float,
    blur_px: float,
    quality: int,
) -> Scene:
    turn = float(rng.uniform(-turn_deg, turn_deg))
    # A card that lies across a landscape picture must be smaller to stay in it.
    upright = abs(math.sin(math.radians(turn)))
    fill = 0.74 - 0.24 * upright
    return Scene(
        width_px,
        height_px,
        bed,
        turn_deg=turn,
        tilt_deg=float(rng.uniform(0, tilt_deg)),
        tilt_to_deg=float(rng.uniform(0, 360)),
        fill=float(rng.uniform(fill - 0.06, fill)),
        shift=(float(rng.uniform(-0.03, 0.03)), float(rng.uniform(-0.03, 0.03))),
        light=float(rng.uniform(0.8, 1.0)),
        slope=(float(rng.uniform(-slope, slope)), float(rng.uniform(-slope, slope))),
        warmth=float(rng.uniform(0.97, 1.06)),
        gap_mm=float(rng.uniform(0.5, 1.5)),
        blur_px=float(rng.uniform(0.5, blur_px)),
        noise=float(rng.uniform(1.5, 3.5)),
        quality=quality,
    )


def homography(layout: Layout, scene: Scene) -> Floats:
    """(3, 3): millimetres on the front → pixels, for a flat card before a pinhole camera."""
    w, h = layout.width_mm, layout.height_mm
    longer = max(scene.width_px, scene.height_px)
    focal = FOCAL * longer
    distance = focal * max(w, h) / (scene.fill * longer)
    a, t, to = (math.radians(v) for v in (scene.turn_deg, scene.tilt_deg, scene.tilt_to_deg))
    turn = np.array([[math.cos(a), -math.sin(a), 0], [math.sin(a), math.cos(a), 0], [0, 0, 1]])
    axis = np.array([math.cos(to), math.sin(to), 0.0])
    cross = np.array([[0, -axis[2], axis[1]], [axis[2], 0, -axis[0]], [-axis[1], axis[0], 0]])
    lean = np.eye(3) + math.sin(t) * cross + (1 - math.cos(t)) * cross @ cross
    flip = np.diag([-1.0 if scene.face == "back" else 1.0, 1.0, 1.0])
    columns = (lean @ turn @ flip)[:, :2]
    place = np.array([0.0, 0.0, distance])
    pose = np.column_stack([columns, place - columns @ np.array([w / 2, h / 2])])
    cx = (scene.width_px - 1) / 2 + scene.shift[0] * scene.width_px
    cy = (scene.height_px - 1) / 2 + scene.shift[1] * scene.height_px
    camera = np.array([[focal, 0, cx], [0, focal, cy], [0, 0, 1]])
    return np.asarray(camera @ pose, np.float64)


def corners_px(layout: Layout, scene: Scene) -> Floats:
    """(4, 2): the uncut rectangle's corners, named as on the front from the top-left clockwise."""
    w, h = layout.width_mm, layout.height_mm
    points = np.array([[0, 0, 1], [w, 0, 1], [w, h, 1], [0, h, 1]], np.float64) @ homography(layout, scene).T
    return np.asarray(points[:, :2] / points[:, 2:], np.float64)
