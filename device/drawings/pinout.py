"""The boards' pins with what hangs on each: nothing crosses, so that a wire can be followed with a finger."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from cards.draw import Circle, Shape
from cards.svg import document
from device.drawings.boards import PI_POWER, PICO_POWER, Use, pi_uses, pico_uses
from device.drawings.shapes import INK, MUTED, PALE, PAPER, RED, box, wire, word
from device.pins import Pins

WIDE_MM, ROW_MM, TOP_MM = 250.0, 8.0, 30.0
MIDDLE_MM = WIDE_MM / 2


def pi_drawing(pins: Pins, rows: int) -> str:
    """The header of a Raspberry Pi as SVG, pin 1 at the top left."""
    uses = {u.place: u for u in pi_uses(pins, rows)}
    places = [(k // 2, k % 2, k + 1) for k in range(40)]
    shapes = [
        *_head("Raspberry Pi: the 40-pin header", "seen from above, pin 1 (square pad) nearest to the SD card's corner")
    ]
    high = TOP_MM + 20 * ROW_MM + 6
    shapes += [box(MIDDLE_MM - 9, TOP_MM - 6, 18, 20 * ROW_MM + 4, "#35353d", INK)]
    shapes += [s for row, side, place in places for s in _pin(row, side, place, 4.2, uses, PI_POWER, "GPIO")]
    return document("Wiring of the Raspberry Pi", WIDE_MM, high, [box(0, 0, WIDE_MM, high, PAPER, None), *shapes])


def pico_drawing(pins: Pins, rows: int) -> str:
    """A Pico as SVG, its USB socket at the top."""
    uses = {u.place: u for u in pico_uses(pins, rows)}
    places = [(k, 0, k + 1) for k in range(20)] + [(k, 1, 40 - k) for k in range(20)]
    shapes = [*_head("Raspberry Pi Pico or Pico 2: the sensor head", "seen from above, USB socket at the top")]
    high = TOP_MM + 20 * ROW_MM + 6
    shapes += [
        box(MIDDLE_MM - 17, TOP_MM - 6, 34, 20 * ROW_MM + 4, "#2f6f4a", INK),
        box(MIDDLE_MM - 6, TOP_MM - 10, 12, 10, "#c9c9c9", INK),
        word("USB", MIDDLE_MM, TOP_MM - 3.5, 3.2, INK, "middle"),
    ]
    shapes += [s for row, side, place in places for s in _pin(row, side, place, 13.0, uses, PICO_POWER, "GP")]
    return document("Wiring of the sensor head", WIDE_MM, high, [box(0, 0, WIDE_MM, high, PAPER, None), *shapes])


def _head(title: str, below: str) -> Iterator[Shape]:
    yield word(title, 8, 10, 5.4)
    yield word(below, 8, 16, 3.2, MUTED)


def _pin(
    row: int, side: int, place: int, off_mm: float, uses: Mapping[int, Use], power: Mapping[int, str], family: str
) -> Iterator[Shape]:
    """One pin, its number, and outwards what hangs on it. side: 0 left, 1 right."""
    y, sign = TOP_MM + row * ROW_MM, 1 if side else -1
    x = MIDDLE_MM + sign * off_mm
    use = uses.get(place)
    ink = use.ink if use else RED if "V" in power.get(place, "") else INK if power.get(place) == "ground" else MUTED
    yield Circle(x, y, 2.6, ink if use or place in power else PALE, "#ffffff", 0.3)
    yield word(str(place), x, y + 0.95, 2.6, "#ffffff" if use or place in power else INK, "middle")
    edge = x + sign * (12 if off_mm < 10 else 8)
    if use is None:
        if place in power:
            yield word(power[place], edge, y + 1, 2.9, ink, "start" if side else "end")
        return
    far = MIDDLE_MM + sign * 44
    yield wire((x + sign * 2.6, y), (far, y), ink=use.ink, line=0.6)
    yield box(far if side else far - 76, y - 3.3, 76, 6.6, "#ffffff", use.ink, 0.4)
    name = f"{family}{use.number}"
    at = MIDDLE_MM + sign * 31
    yield box(at - 8.5, y - 2.3, 17, 4.6, PAPER, None)
    yield word(name, at, y + 1.1, 3.1, use.ink, "middle")
    text = far + 2 if side else far - 74
    yield word(use.part, text, y - 0.3, 2.9, use.ink)
    yield word(use.way, text, y + 2.5, 2.2, INK)
