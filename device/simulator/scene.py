"""Where card, camera and lamp are: drawn from a seed within what a kind of place allows, or fixed as in a machine."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from cards.layout import Layout
from device.simulator.card import Card

Floats = NDArray[np.float64]
Bed = Literal["felt", "panel", "green", "beech"]
BEDS: dict[Bed, str] = {"felt": "black", "panel": "lit", "green": "colour", "beech": "wood"}
"""Bed → its class, as the truth files name it."""
FOCAL = 0.85
"""Focal length as a share of the picture's longer side: a field of view of 61°."""


@dataclass(frozen=True)
class Camera:
    """A camera that stays where it is, above the bed's origin.

    focal_px; centre_px: where its axis meets the picture, `None` in the middle; k1: radial distortion (of OpenCV's
    model, negative is a barrel). distance_mm: from the lens to the bed's origin along its axis; tilt_deg, tilt_to_deg:
    how far and where to it leans.
    """

    focal_px: float
    distance_mm: float
    centre_px: tuple[float, float] | None = None
    k1: float = 0.0
    tilt_deg: float = 0.0
    tilt_to_deg: float = 0.0


@dataclass(frozen=True)
class Scene:
    """One picture to be taken.

    turn_deg: the card's rotation in the picture, clockwise; tilt_deg, tilt_to_deg: how far and where to the camera
    leans. fill: the card's longer side as a share of the picture's. shift: off the middle, in shares of the picture.
    camera: a fixed one, instead of tilt, fill and shift; then the card's middle lies at at_mm on the bed.
    light: 1 is well exposed; slope: its change across the picture; warmth: 1 neutral, above it yellowish.
    gap_mm: the card lies this far above the bed, which shades the holes. blur_px: sigma; noise: sigma in 8-bit levels;
    quality: of the JPEG. bed_seed: the very same spot of bed in every picture of that number; `None`: another each time.
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
    camera: Camera | None = None
    at_mm: tuple[float, float] = (0.0, 0.0)
    bed_seed: int | None = None


def machine_scene(rng: np.random.Generator, bed: Bed, width_px: int, height_px: int) -> Scene:
    """A well-built machine: the camera square above the card, even light."""
    return _scene(rng, bed, width_px, height_px, turn_deg=4, tilt_deg=3, slope=0.06, blur_px=0.8, quality=85)


def table_scene(rng: np.random.Generator, bed: Bed, width_px: int, height_px: int) -> Scene:
    """A phone above a café table: any way round, window light from one side."""
    return _scene(rng, bed, width_px, height_px, turn_deg=180, tilt_deg=12, slope=0.22, blur_px=1.1, quality=78)


def dim_scene(rng: np.random.Generator, bed: Bed, width_px: int, height_px: int) -> Scene:
    """The same table in the evening: a third to two thirds of the light, warm, and a camera that turns its gain up."""
    scene = table_scene(rng, bed, width_px, height_px)
    light, noise = float(rng.uniform(0.35, 0.65)), float(rng.uniform(4, 7))
    return replace(scene, light=light, warmth=float(rng.uniform(1.04, 1.14)), noise=noise)


LIGHTS: dict[str, Callable[[np.random.Generator, Bed, int, int], Scene]] = {
    "machine": machine_scene,
    "window": table_scene,
    "dim": dim_scene,
}


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


def camera_of(size_mm: tuple[float, float], scene: Scene) -> Camera:
    """The scene's camera; without a fixed one, that which sees a sheet of this size as large as `fill` says."""
    if scene.camera is not None:
        return scene.camera
    longer = max(scene.width_px, scene.height_px)
    focal = FOCAL * longer
    distance = focal * max(size_mm) / (scene.fill * longer)
    cx = (scene.width_px - 1) / 2 + scene.shift[0] * scene.width_px
    cy = (scene.height_px - 1) / 2 + scene.shift[1] * scene.height_px
    return Camera(focal, distance, (cx, cy), 0.0, scene.tilt_deg, scene.tilt_to_deg)


@dataclass(frozen=True)
class View:
    """How places on a bent card become pixels and back. Make it with `view_of`.

    A place (x, y) on the card stands `height_mm` above the bed and moves along it as on a cylinder across its longer
    side; a camera with one term of radial distortion looks at it.
    """

    camera: Camera
    centre_px: tuple[float, float]
    lean: Floats
    onto_bed: Floats  # (2, 2): card axes → bed axes
    middle_mm: tuple[float, float]
    at_mm: tuple[float, float]
    half_mm: float
    curl_mm: float
    along_x: bool

    def to_px(self, points_mm: Floats) -> Floats:
        """(n, 2) places on the card → (n, 2) pixels."""
        flat = (points_mm - self.middle_mm) @ self.onto_bed.T + self.at_mm
        # Towards the camera is negative z.
        world = np.column_stack([flat, -self._height_mm(points_mm)]) @ self.lean.T
        x, y = (world[:, k] / (world[:, 2] + self.camera.distance_mm) for k in (0, 1))
        bend = 1 + self.camera.k1 * (x * x + y * y)
        f = self.camera.focal_px
        return np.stack([f * x * bend + self.centre_px[0], f * y * bend + self.centre_px[1]], axis=1)

    def to_mm(self, points_px: Floats) -> Floats:
        """(n, 2) pixels → (n, 2) places on the card, or where its plane goes on."""
        seen = (points_px - self.centre_px) / self.camera.focal_px
        straight = seen
        for _ in range(5 if self.camera.k1 else 0):
            straight = seen / (1 + self.camera.k1 * (straight**2).sum(axis=1, keepdims=True))
        rays = np.column_stack([straight, np.ones(len(straight))]) @ self.lean
        eye = np.array([0.0, 0.0, -self.camera.distance_mm]) @ self.lean
        places = self._on_plane(rays, eye, np.zeros(len(rays)))
        for _ in range(4 if self.curl_mm else 0):
            places = self._on_plane(rays, eye, self._height_mm(places))
        return places

    def _on_plane(self, rays: Floats, eye: Floats, height_mm: Floats) -> Floats:
        far = (-height_mm - eye[2]) / rays[:, 2]
        bed = eye[:2] + rays[:, :2] * far[:, None]
        return np.asarray((bed - self.at_mm) @ self.onto_bed + self.middle_mm, np.float64)

    def _height_mm(self, points_mm: Floats) -> Floats:
        axis = 0 if self.along_x else 1
        u = (points_mm[:, axis] - self.middle_mm[axis]) / self.half_mm
        bow = self.curl_mm * (1 - np.minimum(u * u, 1.5))
        return np.asarray(bow if self.curl_mm >= 0 else bow - self.curl_mm, np.float64)


def view_of(size_mm: tuple[float, float], scene: Scene, curl_mm: float = 0.0) -> View:
    """How the scene's camera sees a sheet of this size that lies there."""
    camera = camera_of(size_mm, scene)
    a, t, to = (math.radians(v) for v in (scene.turn_deg, camera.tilt_deg, camera.tilt_to_deg))
    turn = np.array([[math.cos(a), -math.sin(a)], [math.sin(a), math.cos(a)]])
    axis = np.array([math.cos(to), math.sin(to), 0.0])
    cross = np.array([[0, -axis[2], axis[1]], [axis[2], 0, -axis[0]], [-axis[1], axis[0], 0]])
    lean = np.eye(3) + math.sin(t) * cross + (1 - math.cos(t)) * cross @ cross
    middle = (scene.width_px - 1) / 2, (scene.height_px - 1) / 2
    w, h = size_mm
    flip = np.diag([-1.0 if scene.face == "back" else 1.0, 1.0])
    return View(
        camera=camera,
        centre_px=camera.centre_px or middle,
        lean=lean,
        onto_bed=turn @ flip,
        middle_mm=(w / 2, h / 2),
        at_mm=scene.at_mm,
        half_mm=max(w, h) / 2,
        curl_mm=curl_mm,
        along_x=w >= h,
    )


def edge_mm(layout: Layout, card: Card) -> tuple[float, float, float, float]:
    """The paper's left, top, right and bottom in the print's coordinates."""
    (gx, gy), (sx, sy) = card.grow_mm, card.print_shift_mm
    return -gx / 2 - sx, -gy / 2 - sy, layout.width_mm + gx / 2 - sx, layout.height_mm + gy / 2 - sy


def corners_px(layout: Layout, scene: Scene, card: Card | None = None) -> Floats:
    """(4, 2): the uncut rectangle's corners, named as on the front from the top-left clockwise."""
    card = card or Card()
    left, top, right, bottom = edge_mm(layout, card)
    points = np.array([[left, top], [right, top], [right, bottom], [left, bottom]], np.float64)
    return view_of((layout.width_mm, layout.height_mm), scene, card.curl_mm).to_px(points)


def homography(layout: Layout, scene: Scene) -> Floats:
    """(3, 3): millimetres on the front → pixels, of a flat card before a lens without distortion."""
    view = view_of((layout.width_mm, layout.height_mm), scene)
    columns = view.lean[:, :2] @ view.onto_bed
    place = view.lean[:, :2] @ np.array(view.at_mm) + np.array([0, 0, view.camera.distance_mm])
    pose = np.column_stack([columns, place - columns @ np.array(view.middle_mm)])
    f, (cx, cy) = view.camera.focal_px, view.centre_px
    return np.asarray(np.array([[f, 0, cx], [0, f, cy], [0, 0, 1]]) @ pose, np.float64)
