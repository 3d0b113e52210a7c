"""A whole sitting without a camera: a simulated hand lays cards on a bed, one after the other, and takes them away.

What is simulated is what a camera over a tray sees: the empty bed, a hand that brings a card, the card settling, the
card alone with fresh noise in every frame, the hand that fetches it. It proves programs, not machines.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from cards.draw import outline
from cards.layout import Layout
from cards.load import LayoutError, find_layout
from device.frame import Frame, decode_picture
from device.simulator.deck import truth_of
from device.simulator.hand import Cut, Hand, punch
from device.simulator.people import answer
from device.simulator.photo import photograph
from device.simulator.scene import BEDS, Bed, Scene, homography, machine_scene
from device.source import Options, Source, SourceError, one_of

HANDS = {
    "steady": Hand(0.3, 0.0),
    "shaky": Hand(0.5, 0.15, half=0.01, stray=0.03),
}
"""How well residents punch."""
BACK_SHARE, UPSIDE_DOWN_SHARE = 0.15, 0.25
"""Of cards that are laid with their back up, and the wrong way round."""
SHADOW_PX = 9
"""So far around the card the bed is darker for it."""
SKIN_BGR = (128, 156, 196)
ENTER, HOLD, LEAVE, FETCH = 5, 3, 4, 4
"""Frames in which the hand brings the card, moves it about, goes away, and fetches it."""

Image = NDArray[np.uint8]


@dataclass(frozen=True)
class Sitting:
    """What happens: how many cards, and how long each lies and the bed stays empty, in frames at `fps` a second."""

    cards: int = 30
    seed: int = 1
    hand: str = "steady"
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
        self._clock_s = 0.0
        self._frames = self._play()

    def now_s(self) -> float:
        """Simulated seconds since the sitting began."""
        return self._clock_s

    def wait(self, timeout_s: float) -> Frame | None:
        """The next frame; never late."""
        image = next(self._frames, None)
        if image is None:
            self.ended = True
            return None
        self._clock_s += 1 / self.sitting.fps
        if self._speed:
            time.sleep(1 / self.sitting.fps / self._speed)
        return self._seen(image)

    def _seen(self, image: Image) -> Frame:
        """With the noise of a camera: fresh in every frame, alike in all channels, as after a camera's own denoising."""
        noise = self._rng.standard_normal(image.shape[:2], np.float32) * np.float32(self.sitting.noise)
        noisy = cv2.add(image, cv2.merge([np.rint(noise)] * 3), dtype=cv2.CV_8U)
        bgr = np.asarray(noisy, np.uint8)
        return Frame(self.name, np.asarray(cv2.cvtColor(bgr, cv2.COLOR_BGR2GRAY), np.uint8), bgr=bgr)

    def _play(self) -> Iterator[Image]:
        """The sitting, frame by frame, without noise."""
        bed = self._picture(replace(self._machine(), shift=(9.0, 9.0)), [])
        for _ in range(self.sitting.cards):
            yield from [bed] * self._about(self.sitting.empty_frames)
            yield from self._one_card(bed)
        yield from [bed] * self._about(self.sitting.empty_frames)

    def _one_card(self, bed: Image) -> Iterator[Image]:
        scene, cuts = self._lay()
        laid = _Laid(bed, self._picture(scene, cuts), _cover(self.layout, scene))
        far = self.sitting.height_px
        for k in range(ENTER):
            yield laid.seen(0, round(far * (ENTER - k) / (ENTER + 1)), hand=True)
        for _ in range(HOLD):
            x, y = self._rng.integers(-5, 6, 2)
            yield laid.seen(int(x), int(y), hand=True)
        for k in range(LEAVE):
            yield laid.seen(0, 0, hand=True, hand_y=round(far * (k + 1) / (LEAVE + 1)))
        yield from [laid.seen(0, 0)] * self._about(self.sitting.lies_frames)
        for k in range(FETCH):
            yield laid.seen(0, 0, hand=True, hand_y=round(far * (FETCH - 1 - k) / FETCH))
        for k in range(ENTER):
            yield laid.seen(0, round(far * (k + 1) / ENTER), hand=True)

    def _about(self, frames: int) -> int:
        return max(round(frames * self._rng.uniform(0.8, 1.25)), 1)

    def _machine(self) -> Scene:
        """The machine of this sitting: camera, lamp and bed stay as they are."""
        rng = np.random.default_rng(self.sitting.seed)
        scene = machine_scene(rng, self.sitting.bed, self.sitting.width_px, self.sitting.height_px)
        return replace(scene, noise=0.0, quality=98, gap_mm=0.8)

    def _lay(self) -> tuple[Scene, list[Cut]]:
        """The next card and how it is laid."""
        rng = self._rng
        cuts = punch(self.layout, answer(self.layout, rng), HANDS[self.sitting.hand], rng)
        turn = float(rng.uniform(-4, 4)) + (180.0 if rng.random() < UPSIDE_DOWN_SHARE else 0.0)
        shift = (float(rng.uniform(-0.03, 0.03)), float(rng.uniform(-0.03, 0.03)))
        back = rng.random() < BACK_SHARE
        scene = replace(self._machine(), turn_deg=turn, shift=shift, face="back" if back else "front")
        number = len(self.truths) + 1
        self.truths.append(truth_of(self.layout, cuts, scene, f"card-{number:03d}", self.sitting.seed))
        return scene, cuts

    def _picture(self, scene: Scene, cuts: list[Cut]) -> Image:
        language = self.layout.languages[0] if self.layout.languages else "en"
        # The bed's texture comes from the first numbers drawn: the same bed in every picture.
        jpeg = photograph(self.layout, language, cuts, scene, np.random.default_rng(self.sitting.seed))
        colour = decode_picture(jpeg, self.name).colour
        assert colour is not None
        return colour


@dataclass(frozen=True)
class _Laid:
    """A card on the bed, to be seen elsewhere and with a hand. cover: (rows, columns) where card and shadow are, 0–255."""

    bed: Image
    card: Image
    cover: Image

    def seen(self, x_px: int, y_px: int, hand: bool = False, hand_y: int | None = None) -> Image:
        """The card moved by so much; the hand holds it, or is `hand_y` below where it would."""
        if not hand and x_px == y_px == 0:
            return self.card
        size = (self.bed.shape[1], self.bed.shape[0])
        move = np.array([[1, 0, x_px], [0, 1, y_px]], np.float32)
        card, cover = (cv2.warpAffine(i, move, size) for i in (self.card, self.cover))
        alpha = (cover.astype(np.float32) / np.float32(255))[..., None]
        image = np.asarray(alpha * card + (1 - alpha) * self.bed, np.uint8)
        if hand:
            self._hand(image, x_px, y_px if hand_y is None else hand_y)
        return image

    def _hand(self, image: Image, x_px: int, y_px: int) -> None:
        """A forearm from below, and fingers over the card's lower edge."""
        rows, columns = np.nonzero(self.cover[::8, ::8])
        bottom, middle = 8 * int(rows.max()) + y_px, 8 * int(np.median(columns)) + x_px
        wide = self.bed.shape[1] // 14
        arm = np.array([[middle - wide, bottom], [middle + wide, bottom],
                        [middle + 2 * wide, bottom + 4 * wide + image.shape[0]],
                        [middle - 2 * wide, bottom + 4 * wide + image.shape[0]]])  # fmt: skip
        cv2.fillPoly(image, [arm.astype(np.int32)], SKIN_BGR, cv2.LINE_AA)
        for k in range(4):
            centre = (middle - wide + round((k + 0.5) * wide / 2), bottom - wide // 3)
            cv2.ellipse(image, centre, (wide // 4, wide), 0, 0, 360, SKIN_BGR, -1, cv2.LINE_AA)


def _cover(layout: Layout, scene: Scene) -> Image:
    points = np.column_stack([np.array(outline(layout), np.float64), np.ones(len(outline(layout)))])
    px = points @ homography(layout, scene).T
    mask = np.zeros((scene.height_px, scene.width_px), np.uint8)
    cv2.fillPoly(mask, [np.rint(px[:, :2] / px[:, 2:]).astype(np.int32)], 255)
    side = 2 * SHADOW_PX + 1
    grown = cv2.dilate(mask, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side)))
    return np.asarray(cv2.blur(grown, (7, 7)), np.uint8)


def make(where: str, options: Options) -> Source:
    """`sim:LAYOUT?cards=30&seed=1&hand=steady&bed=felt&width=1280&height=960&fps=15&lies=1.1&empty=0.5&speed=0`."""
    try:
        layout = find_layout(where or "stadslogistiek")
    except LayoutError as error:
        raise SourceError(f"{options.spec}: {error}") from error
    fps = options.take("fps", 15.0, float, 1, 120)
    bed: Any = options.take("bed", "felt", one_of(*BEDS))
    sitting = Sitting(
        cards=options.take("cards", 30, int, 0, 1_000_000),
        seed=options.take("seed", 1, int),
        hand=options.take("hand", "steady", one_of(*HANDS)),
        bed=bed,
        width_px=options.take("width", 1280, int, 64, 8000),
        height_px=options.take("height", 960, int, 64, 8000),
        fps=fps,
        lies_frames=round(fps * options.take("lies", 1.1, float, 0, 600)),
        empty_frames=round(fps * options.take("empty", 0.5, float, 0, 600)),
        noise=options.take("noise", 2.5, float, 0, 60),
    )
    return Simulated(layout, sitting, options.take("speed", 0.0, float, 0, 100))
