"""Two simulated machines that stay as they are, over felt and over a panel, each calibrated from its own pictures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Literal

import numpy as np

from calibration.learn import BlankCards, learn
from calibration.lens import Board
from calibration.profile import Profile
from calibration.sheet import MARGIN_MM
from cards.layout import Layout
from device.frame import Frame
from device.simulator.card import Card
from device.simulator.render import render, render_bed, render_sheet
from device.simulator.scene import Bed, Camera, Scene

SEED = 11
SIZE_PX = 1640, 1232
SHEET_PX_PER_MM = 8.0
MACHINES: dict[Bed, Scene] = {
    "felt": Scene(
        *SIZE_PX,
        bed="felt",
        slope=(0.03, -0.02),
        blur_px=0.7,
        noise=2.0,
        camera=Camera(1394, 205, (825.0, 611.0), k1=-0.05, tilt_deg=1.2, tilt_to_deg=70),
        bed_seed=SEED,
    ),
    "panel": Scene(
        *SIZE_PX,
        bed="panel",
        slope=(-0.02, 0.03),
        blur_px=0.8,
        noise=2.5,
        camera=Camera(1400, 210, (810.0, 620.0), k1=0.03, tilt_deg=0.8, tilt_to_deg=200),
        bed_seed=SEED,
    ),
}
"""6.7 to 6.8 pixels a millimetre, so that the longest card still fits."""
HELD = (
    (0, 0, 0, 0), (14, 0, -50, -32), (14, 60, 50, -32), (16, 120, 50, 32), (16, 180, -50, 32),
    (14, 240, 0, -36), (18, 300, 0, 36), (20, 30, 58, 0), (20, 210, -58, 0),
)  # fmt: skip
"""How the calibration sheet is held: by how many degrees it leans, where to, and its place in mm."""
PLACES = ((0.0, 0.0, 0.0), (2.0, -1.5, 181.0), (-2.5, 1.0, -1.5))
"""Where the blank cards lie: x and y in mm, and their turn in degrees."""
OFF_MM, TURN_DEG = 3.0, 4.0
LIGHT = 0.9, 1.0
"""A lamp's brightness from one card to the next."""
MOVED_PX, LEANS_DEG, DISTANCE = 20.0, 2.0, 0.02
"""How far a camera is nudged aside, leans more than it did, and comes nearer or further, as a share."""
DIMMED, WINDOW, BLUR_PX, NOISE, GAP_MM = (0.7, 1.3), 0.4, 3.0, 12.0, 4.0
"""A lamp's light, of what it was; what a window adds from side to side; how blurred, how noisy, how far above the bed."""
CHANGES_MAX = 3


def lies(bed: Bed, face: Literal["front", "back"], rng: np.random.Generator) -> Scene:
    """The machine of this bed with a card laid into it by hand."""
    x, y = rng.uniform(-OFF_MM, OFF_MM, 2)
    turn = float(rng.uniform(-TURN_DEG, TURN_DEG)) + (180.0 if rng.random() < 0.1 else 0.0)
    return replace(
        MACHINES[bed], face=face, turn_deg=turn, at_mm=(float(x), float(y)), light=float(rng.uniform(*LIGHT))
    )


def changed(scene: Scene, rng: np.random.Generator) -> Scene:
    """The same after up to three of eight things have happened to the machine since its calibration; of those that befall the
    camera itself the last."""
    camera = scene.camera
    assert camera is not None
    x, y = camera.centre_px or (0.0, 0.0)
    across, down = rng.uniform(-MOVED_PX, MOVED_PX, 2)
    slope = rng.uniform(-WINDOW, WINDOW, 2)
    leans = replace(
        camera, tilt_deg=camera.tilt_deg + rng.uniform(0, LEANS_DEG), tilt_to_deg=float(rng.uniform(0, 360))
    )
    far = camera.distance_mm * (1 + float(rng.uniform(-DISTANCE, DISTANCE)))
    happened: tuple[dict[str, Any], ...] = (
        {"camera": replace(camera, centre_px=(x + float(across), y + float(down)))},
        {"camera": leans},
        {"camera": replace(camera, distance_mm=far)},
        {"light": scene.light * float(rng.uniform(*DIMMED))},
        {"slope": (float(slope[0]), float(slope[1]))},
        {"blur_px": float(rng.uniform(scene.blur_px, BLUR_PX))},
        {"noise": float(rng.uniform(scene.noise, NOISE))},
        {"gap_mm": float(rng.uniform(0, GAP_MM))},
    )
    for one in rng.choice(len(happened), int(rng.integers(1, CHANGES_MAX + 1)), replace=False):
        scene = replace(scene, **happened[one])
    return scene


def learnt(bed: Bed, layouts: Sequence[Layout]) -> Profile:
    """What the machine of this bed learns from its sheet, its empty bed and blank cards of these layouts."""
    rng = np.random.default_rng([SEED, len(bed)])
    scene = replace(MACHINES[bed], light=0.95)
    blanks = [
        BlankCards(layout, face, [_blank(layout, replace(scene, face=face), place, rng) for place in PLACES])
        for layout in layouts
        for face in ("front", "back")
    ]
    views = [_sheet(scene, held, rng) for held in HELD]
    return learn(views, Board(), [render_bed(scene, rng) for _ in range(3)], blanks, f"simulated {bed}", "sim")


def edition(layout: Layout) -> str:
    """The language that this machine's cards are printed in."""
    return layout.languages[0] if layout.languages else "en"


def _blank(layout: Layout, scene: Scene, place: tuple[float, float, float], rng: np.random.Generator) -> Frame:
    x, y, turn = place
    return render(layout, Card(language=edition(layout)), replace(scene, at_mm=(x, y), turn_deg=turn), rng)


def _sheet(scene: Scene, held: tuple[int, int, int, int], rng: np.random.Generator) -> Frame:
    """The sheet leaning: what a camera that leans sees of a sheet that lies flat."""
    board, camera = Board(), scene.camera
    assert camera is not None
    size = [round(n * board.square_mm * SHEET_PX_PER_MM) for n in (board.squares_x, board.squares_y)]
    drawn = np.asarray(board.make().generateImage((size[0], size[1])), np.uint8)
    drawn = np.pad(drawn, round(MARGIN_MM * SHEET_PX_PER_MM), constant_values=255)
    lean, towards, x, y = held
    leaning = replace(camera, tilt_deg=float(lean), tilt_to_deg=float(towards))
    taken = replace(scene, camera=leaning, at_mm=(float(x), float(y)))
    frame = render_sheet(drawn, SHEET_PX_PER_MM, taken, rng, colour=False)
    return replace(frame, name=f"sheet at {x}, {y} mm, leaning {lean}° to {towards}°")
