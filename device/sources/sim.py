"""A whole sitting without a camera: a simulated hand lays cards on a bed, one after the other, and takes them away.

What is simulated is what a camera over a tray sees: the empty bed, a hand that brings a card, the card settling, the
card alone with new noise in every frame, the hand that fetches it. It proves programs, not machines.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from cards.layout import Layout
from cards.load import LayoutError, find_layout
from device.frame import Frame
from device.simulator.card import Card
from device.simulator.deck import truth_of
from device.simulator.hand import HANDS, punch
from device.simulator.people import answer
from device.simulator.render import render, render_bed
from device.simulator.scene import BEDS, Bed, Scene, corners_px, machine_scene
from device.simulator.surface import grey_of
from device.source import Options, Source, SourceError, one_of

BACK_SHARE, UPSIDE_DOWN_SHARE = 0.15, 0.25
"""Of cards that are laid with their back up, and the wrong way round."""
SKIN_BGR = (128.0, 156.0, 196.0)
ENTER, HOLD, LEAVE, FETCH = 5, 3, 4, 4
"""Frames in which the hand brings the card, moves it about, goes away, and fetches it."""


@dataclass(frozen=True)
class Sitting:
    """What happens: how many cards, and how long each lies and the bed stays empty, in frames at `fps` a second."""

    cards: int = 30
    seed: int = 1
    hand: str = "usual"
    bed: Bed = "felt"
    width_px: int = 1280
    height_px: int = 960
    fps: float = 15.0
    lies_frames: int = 16
    empty_frames: int = 8
    noise: float = 2.5


class Simulated(Source):
    """See the module. Its clock advances by one frame's time a frame; `speed` 1 makes it keep real time.

    truths: of every card that was laid so far, as in the truth files of the simulator.
    """

    def __init__(self, layout: Layout, sitting: Sitting, speed: float = 0.0) -> None:
        super().__init__(f"simulated sitting of {layout.id}, seed {sitting.seed}")
        self.layout, self.sitting, self._speed = layout, sitting, speed
        self.truths: list[dict[str, Any]] = []
        self._rng = np.random.default_rng(sitting.seed)
        # The machine of this sitting: camera, lamp and bed stay as they are.
        scene = machine_scene(self._rng, sitting.bed, sitting.width_px, sitting.height_px)
        self._machine = replace(scene, noise=sitting.noise, gap_mm=0.8, bed_seed=sitting.seed)
        self._clock_s = 0.0
        self._frames = self._play()

    def now_s(self) -> float:
        """Simulated seconds since the sitting began."""
        return self._clock_s

    def wait(self, timeout_s: float) -> Frame | None:
        """The next frame; never late."""
        frame = next(self._frames, None)
        if frame is None:
            self.ended = True
            return None
        self._clock_s += 1 / self.sitting.fps
        if self._speed:
            time.sleep(1 / self.sitting.fps / self._speed)
        return frame

    def _play(self) -> Iterator[Frame]:
        """The sitting, frame by frame."""
        for _ in range(self.sitting.cards):
            yield from self._empty_bed()
            yield from self._one_card()
        yield from self._empty_bed()

    def _empty_bed(self) -> Iterator[Frame]:
        for _ in range(self._about(self.sitting.empty_frames)):
            yield render_bed(self._machine, self._rng)

    def _one_card(self) -> Iterator[Frame]:
        scene, card = self._lay()
        for k in range(ENTER):
            yield self._seen(scene, card, down=(ENTER - k) / (ENTER + 1), hand_down=0.0)
        for _ in range(HOLD):
            x, y = self._rng.uniform(-0.004, 0.004, 2)
            yield self._seen(scene, card, across=float(x), down=float(y), hand_down=0.0)
        for k in range(LEAVE):
            yield self._seen(scene, card, hand_down=(k + 1) / (LEAVE + 1))
        for _ in range(self._about(self.sitting.lies_frames)):
            yield self._seen(scene, card)
        for k in range(FETCH):
            yield self._seen(scene, card, hand_down=(FETCH - 1 - k) / FETCH)
        for k in range(ENTER):
            yield self._seen(scene, card, down=(k + 1) / ENTER, hand_down=0.0)

    def _about(self, frames: int) -> int:
        return max(round(frames * self._rng.uniform(0.8, 1.25)), 1)

    def _lay(self) -> tuple[Scene, Card]:
        """The next card and how it is laid."""
        rng = self._rng
        cuts = punch(self.layout, answer(self.layout, rng), HANDS[self.sitting.hand], rng)
        language = self.layout.languages[rng.integers(len(self.layout.languages))] if self.layout.languages else "en"
        card = Card(tuple(cuts), language)
        turn = float(rng.uniform(-4, 4)) + (180.0 if rng.random() < UPSIDE_DOWN_SHARE else 0.0)
        shift = (float(rng.uniform(-0.03, 0.03)), float(rng.uniform(-0.03, 0.03)))
        back = rng.random() < BACK_SHARE
        scene = replace(self._machine, turn_deg=turn, shift=shift, face="back" if back else "front")
        number = len(self.truths) + 1
        self.truths.append(truth_of(self.layout, card, scene, f"card-{number:03d}", self.sitting.seed))
        return scene, card

    def _seen(
        self, scene: Scene, card: Card, *, across: float = 0.0, down: float = 0.0, hand_down: float | None = None
    ) -> Frame:
        """The card so far across and down (shares of the picture), and a hand so far below where it holds the card."""
        moved = replace(scene, shift=(scene.shift[0] + across, scene.shift[1] + down))
        corners = corners_px(self.layout, moved)
        if corners[:, 1].min() + 1 < scene.height_px:
            frame = render(self.layout, card, moved, self._rng, name=self.name)
        else:
            frame = render_bed(moved, self._rng)
        if hand_down is None:
            return frame
        bottom = float(corners[:, 1].max()) + hand_down * scene.height_px
        middle = float(corners[:, 0].mean())
        _draw_hand(frame.grey, middle, bottom, grey_of(SKIN_BGR))
        if frame.bgr is not None:
            _draw_hand(frame.bgr, middle, bottom, SKIN_BGR)
        return frame


def _draw_hand(image: NDArray[np.uint8], middle_px: float, bottom_px: float, level: float | tuple[float, ...]) -> None:
    """A forearm from below, and fingers over the card's lower edge."""
    wide, height = image.shape[1] / 14, image.shape[0]
    arm = [(-wide, 0.0), (wide, 0.0), (2 * wide, 4 * wide + height), (-2 * wide, 4 * wide + height)]
    points = np.array([(middle_px + x, bottom_px + y) for x, y in arm])
    cv2.fillPoly(image, [np.rint(points).astype(np.int32)], level, cv2.LINE_AA)
    for k in range(4):
        centre = (round(middle_px - wide + (k + 0.5) * wide / 2), round(bottom_px - wide / 3))
        cv2.ellipse(image, centre, (round(wide / 4), round(wide)), 0, 0, 360, level, -1, cv2.LINE_AA)


def make(where: str, options: Options) -> Source:
    """`sim:LAYOUT?cards=30&seed=1&hand=usual&bed=felt&width=1280&height=960&fps=15&lies=1.1&empty=0.5&speed=0`."""
    try:
        layout = find_layout(where or "stadslogistiek")
    except LayoutError as error:
        raise SourceError(f"{options.spec}: {error}") from error
    fps = options.take("fps", 15.0, float, 1, 120)
    bed: Any = options.take("bed", "felt", one_of(*BEDS))
    sitting = Sitting(
        cards=options.take("cards", 30, int, 0, 1_000_000),
        seed=options.take("seed", 1, int),
        hand=options.take("hand", "usual", one_of(*HANDS)),
        bed=bed,
        width_px=options.take("width", 1280, int, 64, 8000),
        height_px=options.take("height", 960, int, 64, 8000),
        fps=fps,
        lies_frames=round(fps * options.take("lies", 1.1, float, 0, 600)),
        empty_frames=round(fps * options.take("empty", 0.5, float, 0, 600)),
        noise=options.take("noise", 2.5, float, 0, 60),
    )
    return Simulated(layout, sitting, options.take("speed", 0.0, float, 0, 100))
