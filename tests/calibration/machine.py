"""A simulated machine that stays the same: one camera, one bed with its own texture and rim, one lamp."""

from __future__ import annotations

import math
from functools import cached_property

import cv2
import numpy as np
from numpy.typing import NDArray

from calibration.lens import Board
from calibration.sheet import MARGIN_MM
from cards.layout import Layout
from device.frame import Frame
from device.simulator.card import Card, Cut
from device.simulator.surface import PAD_MM, card_surface, printed

Singles = NDArray[np.float32]
WIDTH, HEIGHT, FOCAL, DISTANCE_MM = 1200, 900, 1020.0, 215.0
SHEET_PX_PER_MM = 8.0
CARD_PX_PER_MM = 10.0


def turned(x_deg: float, y_deg: float, z_deg: float) -> NDArray[np.float64]:
    """(3, 3) leaning to the right and down, then turned in the picture."""
    x, y, z = (math.radians(v) for v in (x_deg, y_deg, z_deg))
    lean = np.asarray(cv2.Rodrigues(np.array([x, y, 0.0]))[0])
    return np.asarray(lean @ np.asarray(cv2.Rodrigues(np.array([0.0, 0.0, z]))[0]), np.float64)


class Machine:
    """Black felt in a grey tray under an uneven lamp, seen by a pinhole camera 215 mm above."""

    def __init__(self, seed: int = 1) -> None:
        self.rng = np.random.default_rng(seed)

    @cached_property
    def bare(self) -> Singles:
        """(rows, columns, 3) the empty bed without noise."""
        texture = cv2.GaussianBlur(
            np.random.default_rng(7).normal(0, 1, (HEIGHT, WIDTH)).astype(np.float32), (0, 0), 1.2
        )
        bed = 22 + 12 * texture
        rim = np.full_like(bed, 70.0)
        rim[60:-60, 70:-70] = bed[60:-60, 70:-70]
        rim = cv2.GaussianBlur(rim, (0, 0), 0.9)
        cv2.circle(rim, (30, 200), 9, 130.0, -1, cv2.LINE_AA)
        cv2.circle(rim, (1170, 700), 9, 20.0, -1, cv2.LINE_AA)
        return np.repeat(np.maximum(rim, 0)[..., None], 3, axis=2) * self.lamp

    @cached_property
    def lamp(self) -> Singles:
        """(rows, columns, 1) brighter to the left."""
        x = np.linspace(1.08, 0.92, WIDTH, dtype=np.float32)
        return np.repeat(x[None, :, None], HEIGHT, axis=0)

    def frame(self, image: Singles, name: str = "sim") -> Frame:
        """With fresh noise."""
        noisy = image + self.rng.normal(0, 1.5, image.shape).astype(np.float32)
        bgr = np.clip(np.rint(noisy), 0, 255).astype(np.uint8)
        return Frame(name, cv2.cvtColor(bgr, cv2.COLOR_BGR2GRAY).astype(np.uint8), bgr=bgr)

    def bed(self) -> Frame:
        """The empty bed."""
        return self.frame(self.bare)

    def sheet(self, x_mm: float = 0, y_mm: float = 0, lean: tuple[float, float] = (0, 0), turn: float = 0,
              lift_mm: float = 0, blur_px: float = 0.7) -> Frame:  # fmt: skip
        """The calibration sheet, its middle so far from the picture's middle."""
        board = Board()
        scale = SHEET_PX_PER_MM
        size = (round(board.squares_x * board.square_mm * scale), round(board.squares_y * board.square_mm * scale))
        drawn = np.asarray(board.make().generateImage(size))
        drawn = np.pad(drawn, round(MARGIN_MM * scale), constant_values=255)
        paper = 15 + drawn.astype(np.float32)[..., None].repeat(3, axis=2) * 0.75
        cover = np.ones(paper.shape[:2], np.float32)
        image = self._seen(paper, cover, scale, 0.0, turned(*lean, turn), x_mm, y_mm, DISTANCE_MM - lift_mm)
        return self.frame(cv2.GaussianBlur(image, (0, 0), blur_px))

    def card(self, layout: Layout, face: str = "front", turn: float = 0, x_mm: float = 0, y_mm: float = 0,
             cuts: tuple[Cut, ...] = ()) -> Frame:  # fmt: skip
        """A card in the bed, this face up: blank but for the printer's code holes, or with these holes too."""
        paper = printed(layout, layout.languages[0], face, CARD_PX_PER_MM, colour=True).astype(np.float32)
        surface = card_surface(layout, Card(cuts), face, CARD_PX_PER_MM, colour=True, shade_mm=0.0)
        cover = 1 - surface.bed.astype(np.float32) / 255
        pose = turned(0, 0, turn)
        if face == "back":
            pose = pose @ np.diag([-1.0, 1.0, -1.0])
        image = self._seen(paper * 0.8, cover, CARD_PX_PER_MM, PAD_MM, pose, x_mm, y_mm, DISTANCE_MM)
        return self.frame(cv2.GaussianBlur(image, (0, 0), 0.7))

    def _seen(self, paper: Singles, cover: Singles, px_per_mm: float, pad_mm: float, pose: NDArray[np.float64],
              x_mm: float, y_mm: float, distance_mm: float) -> Singles:  # fmt: skip
        half = np.array([paper.shape[1], paper.shape[0]]) / px_per_mm / 2
        # Pixel (u, v) of the drawing → mm from its middle → camera → picture.
        to_mm = np.diag([1 / px_per_mm, 1 / px_per_mm, 1.0])
        to_mm[:2, 2] = 0.5 / px_per_mm - half
        place = np.column_stack([pose[:, :2], [x_mm, y_mm, distance_mm]])
        camera = np.array([[FOCAL, 0, (WIDTH - 1) / 2], [0, FOCAL, (HEIGHT - 1) / 2], [0, 0, 1]])
        to_px = camera @ place @ to_mm
        seen = cv2.warpPerspective(paper, to_px, (WIDTH, HEIGHT), flags=cv2.INTER_AREA)
        share = cv2.warpPerspective(cover, to_px, (WIDTH, HEIGHT), flags=cv2.INTER_AREA)[..., None]
        return np.asarray(share * seen * self.lamp + (1 - share) * self.bare, np.float32)


VIEWS = (
    {}, {"x_mm": -50, "y_mm": -35, "lean": (12, 0)}, {"x_mm": 50, "y_mm": -35, "lean": (0, 14)},
    {"x_mm": -50, "y_mm": 35, "lean": (0, -14)}, {"lean": (20, 0), "lift_mm": 30}, {"lean": (0, 22), "lift_mm": 20},
    {"lean": (-15, 15), "turn": 25, "lift_mm": 10}, {"x_mm": 50, "y_mm": 35, "lean": (-12, 0)},
)  # fmt: skip
"""Ways to hold the sheet that are just enough for a lens."""
