"""A small display (an OLED of 128 × 64 or so): the sign as a drawing, its word, and the first reason."""

from __future__ import annotations

from typing import Any

from PIL import Image, ImageDraw

from cards.font import font
from device.panel import Light, Sign
from device.panels.errors import PanelError

KINDS = ("ssd1306", "sh1106")
ADDRESS = 0x3C
"""Where nearly all of them answer on the I²C bus."""
WORD_PX, SMALL_PX = 14, 10
Point = tuple[float, float]
STROKES: dict[Light, tuple[tuple[Point, ...], ...]] = {
    "off": (),
    "busy": (((0.1, 0.5), (0.2, 0.5)), ((0.45, 0.5), (0.55, 0.5)), ((0.8, 0.5), (0.9, 0.5))),
    "green": (((0.1, 0.55), (0.4, 0.85), (0.9, 0.15)),),
    "amber": (
        ((0.25, 0.3), (0.35, 0.12), (0.65, 0.12), (0.75, 0.3), (0.5, 0.5), (0.5, 0.65)),
        ((0.5, 0.82), (0.5, 0.9)),
    ),
    "red": (((0.15, 0.15), (0.85, 0.85)), ((0.85, 0.15), (0.15, 0.85))),
}
"""Each sign as lines in a square of side 1."""


class Display:
    """A luma device (`size`, `mode`, `display`, `cleanup`) as a panel."""

    def __init__(self, device: Any) -> None:
        self._device = device
        self._shown: Sign | None = None

    def show(self, sign: Sign) -> None:
        """Draw it, when it is another than before: a display wears where it is lit."""
        if sign != self._shown:
            self._device.display(picture(sign, self._device.size).convert(self._device.mode))
            self._shown = sign

    def say(self, text: str) -> None:
        """Only signs are shown."""

    def close(self) -> None:
        """Dark."""
        self._device.cleanup()


def picture(sign: Sign, size: tuple[int, int]) -> Image.Image:
    """White on black, mode `1`: the drawing left, the word beside it, the first line of reasons below."""
    wide, high = size
    image = Image.new("1", size, 0)
    draw = ImageDraw.Draw(image)
    side = min(high * 0.6, wide * 0.3)
    thick = max(round(side / 9), 1)
    for stroke in STROKES[sign.light]:
        draw.line([(2 + x * side, 2 + y * side) for x, y in stroke], fill=1, width=thick, joint="curve")
    left = side + 8 if STROKES[sign.light] else 2.0
    bottom = _write(draw, sign.word, (left, 2.0), wide, high, WORD_PX)
    if sign.lines:
        _write(draw, sign.lines[0], (2.0, max(bottom, side + 6)), wide, high, SMALL_PX)
    return image


def _write(draw: ImageDraw.ImageDraw, text: str, at: Point, wide: int, high: int, size_px: int) -> float:
    """Words from there, line by line; what does not fit ends in an ellipsis. Returns where the next line would begin."""
    face, (x, y) = font(size_px), at
    lines: list[str] = [""]
    for word in text.split():
        longer = f"{lines[-1]} {word}".strip()
        if lines[-1] and face.getlength(longer) > wide - x:
            lines.append(word)
        else:
            lines[-1] = longer
    room = max(int((high - y) // (size_px + 1)), 0)
    if len(lines) > room and room:
        lines = [*lines[: room - 1], f"{lines[room - 1]} …"]
    for line in lines[:room]:
        draw.text((x, y), line, fill=1, font=face)
        y += size_px + 1
    return y


def open_display(kind: str) -> Display:
    """The display of this kind on the I²C bus. Raises `PanelError`."""
    try:
        from luma.core.interface.serial import i2c
        from luma.oled import device as devices
    except ImportError as error:
        raise PanelError("luma.oled is not installed here; pip install 'logicienne[display]'") from error
    try:
        return Display(getattr(devices, kind)(i2c(port=1, address=ADDRESS)))
    except Exception as error:  # luma raises errors of its own and of the bus
        raise PanelError(
            f"no {kind} answers at {ADDRESS:#x} on the I²C bus ({error}); raspi-config switches the bus on, i2cdetect -y 1 "
            "shows who answers"
        ) from error
