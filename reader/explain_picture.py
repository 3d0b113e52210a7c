"""An explanation as a picture: the card large, every score beside its position, the outline's figures below."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from cards.font import font
from device.frame import Frame
from reader.explain import Explanation, Gate, Place
from reader.overlay import card_to_px
from reader.reading import Punch

WIDTH_PX = 1640
MARGIN = 0.06
"""Of the bed around the card, as a share of the card's longer side."""
GREEN, AMBER, RED, BLUE, INK = "#1f8a2b", "#d97706", "#c62828", "#1667b0", "#1d1d24"
GROUND, LINE_PX, TEXT_PX, SMALL_PX = "#ffffff", 34, 24, 20
NEAR = 0.5
"""A certain position no further than this on its way from a threshold to beyond doubt shows its score, too."""


def write_explained(frame: Frame, explanation: Explanation, path: Path) -> str | None:
    """Write the picture as JPEG; returns what went wrong, or `None`."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        draw_explained(frame, explanation).save(path, "JPEG", quality=88)
    except OSError as error:
        return f"{path}: cannot be written ({error.strerror or error}); choose another folder with --explain-to"
    return None


def draw_explained(frame: Frame, explanation: Explanation) -> Image.Image:
    """RGB, `WIDTH_PX` wide: heading, the card with its scores, the figures that were met or missed."""
    card = _card(frame, explanation)
    heading = [f"{explanation.verdict}: {_what(explanation)}", *explanation.reasons[:4]]
    below = [*explanation.code, *(_gate(g) for g in explanation.gates)]
    top, bottom = 20 + LINE_PX * len(heading), 20 + LINE_PX * ((len(below) + 1) // 2)
    page = Image.new("RGB", (WIDTH_PX, top + card.height + bottom), GROUND)
    page.paste(card, (0, top))
    pen = ImageDraw.Draw(page)
    colour = {"accepted": GREEN, "review": AMBER, "rejected": RED}[explanation.verdict]
    for k, line in enumerate(heading):
        pen.text((16, 10 + LINE_PX * k), line, fill=INK if k else colour, font=font(TEXT_PX))
    failed = {_gate(g) for g in explanation.gates if not g.passed}
    rows = (len(below) + 1) // 2
    for k, line in enumerate(below):
        at = (16 + WIDTH_PX // 2 * (k // max(rows, 1)), top + card.height + 10 + LINE_PX * (k % max(rows, 1)))
        pen.text(at, line, fill=RED if line in failed else INK, font=font(TEXT_PX * 0.85))
    return page


def _what(explanation: Explanation) -> str:
    if explanation.layout is None:
        return "no card-like outline"
    name = explanation.layout.identity
    return f"{name}, {explanation.face}" if explanation.passed else f"most nearly {name}, {explanation.face}"


def _gate(gate: Gate) -> str:
    return f"{gate.name}: {gate.found} ({gate.limit}){'' if gate.passed else ' missed'}"


def _card(frame: Frame, explanation: Explanation) -> Image.Image:
    colour = frame.colour
    image = cv2.cvtColor(frame.grey, cv2.COLOR_GRAY2BGR) if colour is None else colour
    left, top, right, bottom = _window(image.shape, explanation)
    scale = WIDTH_PX / (right - left)
    size = (WIDTH_PX, max(1, round((bottom - top) * scale)))
    shrunk = cv2.resize(
        image[top:bottom, left:right], size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    )
    # Paler than taken, so that what is drawn stands out.
    pale = cv2.addWeighted(shrunk, 0.75, np.full_like(shrunk, 255), 0.25, 0)
    picture = Image.fromarray(cv2.cvtColor(pale, cv2.COLOR_BGR2RGB))
    if explanation.outline is not None:
        corners = (np.array(explanation.outline) - [left, top] + 0.5) * scale
        _draw(ImageDraw.Draw(picture), explanation, corners)
    return picture


def _window(shape: tuple[int, ...], explanation: Explanation) -> tuple[int, int, int, int]:
    """left, top, right, bottom (px) of what is shown: the card and a little of the bed; everything, where none was proven."""
    height, width = shape[:2]
    if explanation.outline is None or not explanation.passed:
        return 0, 0, width, height
    corners = np.array(explanation.outline)
    pad = MARGIN * float(np.ptp(corners, axis=0).max())
    low = np.clip(np.floor(corners.min(axis=0) - pad), 0, [width - 2, height - 2]).astype(int)
    high = np.clip(np.ceil(corners.max(axis=0) + pad), low + 2, [width, height]).astype(int)
    return int(low[0]), int(low[1]), int(high[0]), int(high[1])


def _draw(pen: ImageDraw.ImageDraw, explanation: Explanation, corners: NDArray[np.float64]) -> None:
    line = [(float(x), float(y)) for x, y in corners]
    pen.line([*line, line[0]], fill=BLUE if explanation.passed else RED, width=3)
    # The dot marks the front's top-left corner.
    x, y = line[0]
    pen.ellipse((x - 9, y - 9, x + 9, y + 9), fill=BLUE if explanation.passed else RED)
    layout = explanation.layout
    if layout is None:
        return
    to_px, px_per_mm = card_to_px(layout, corners)
    half = 0.62 * px_per_mm * layout.hole.width_mm, 0.62 * px_per_mm * layout.hole.height_mm
    for place in explanation.places:
        _place(pen, place, _at(to_px, *place.at_mm), half)
    for stray in explanation.strays:
        x, y = _at(to_px, *stray)
        r = max(half)
        pen.rectangle((x - r, y - r, x + r, y + r), outline=RED, width=3)
        _label(pen, (x, y + r + 2), "stray", RED)


def _place(pen: ImageDraw.ImageDraw, place: Place, at: tuple[float, float], half: tuple[float, float]) -> None:
    colour = {Punch.PUNCHED: GREEN, Punch.UNCERTAIN: AMBER, Punch.CLEAR: BLUE}[place.punch]
    x, y = at
    if place.punch is Punch.CLEAR and place.margin > NEAR:
        pen.ellipse((x - 2, y - 2, x + 2, y + 2), fill=colour)
        return
    r = max(half)
    pen.ellipse((x - r, y - r, x + r, y + r), outline=colour, width=4 if place.punch is Punch.UNCERTAIN else 3)
    if place.punch is Punch.UNCERTAIN or place.margin < NEAR:
        doubt = f" {place.score.doubts[0]}" if place.score.doubts else ""
        _label(pen, (x, y + r + 1), f"{place.score.open:.2f}{doubt}", colour)


def _label(pen: ImageDraw.ImageDraw, at: tuple[float, float], text: str, colour: str) -> None:
    pen.text(at, text, fill=colour, font=font(SMALL_PX), anchor="mt", stroke_width=3, stroke_fill=GROUND)


def _at(to_px: NDArray[np.float64], x_mm: float, y_mm: float) -> tuple[float, float]:
    x, y, w = to_px @ np.array([x_mm, y_mm, 1.0])
    return float(x / w), float(y / w)
