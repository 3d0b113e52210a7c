"""The circuits, one cell each: what hangs between a pin and a part."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from cards.draw import Circle, Polygon, Shape
from cards.font import width_mm
from cards.svg import document
from device.drawings.boards import ohms
from device.drawings.shapes import (
    AMBER,
    BLUE,
    GREEN,
    INK,
    MUTED,
    PALE,
    PAPER,
    RED,
    TEAL,
    VIOLET,
    WIRE_MM,
    box,
    dot,
    ground,
    led_down,
    phototransistor,
    port,
    resistor_down,
    resistor_right,
    supply,
    wire,
    word,
)
from device.pins import Pins

CELL_W, CELL_H = 92.0, 92.0


def circuits_drawing(pins: Pins, rows: int) -> str:
    """All circuits on one sheet, as SVG."""
    cells = [_data(pins, rows), _light(pins, rows), _clock(pins), _lamps(pins), _buzzer(pins), _button(pins)]
    shapes: list[Shape] = [box(0, 0, 3 * CELL_W, 2 * CELL_H, PAPER, None)]
    for k, cell in enumerate(cells):
        x, y = k % 3 * CELL_W, k // 3 * CELL_H
        shapes += [box(x, y, CELL_W, CELL_H, None, PALE, 0.4)]
        shapes += [_moved(shape, x, y) for shape in cell]
    return document("Circuits", 3 * CELL_W, 2 * CELL_H, shapes)


def _moved(shape: Shape, x: float, y: float) -> Shape:
    if isinstance(shape, Polygon):
        return replace(shape, points=tuple((px + x, py + y) for px, py in shape.points))
    return replace(shape, x_mm=shape.x_mm + x, y_mm=shape.y_mm + y)


def _title(text: str, *notes: str) -> Iterator[Shape]:
    yield word(text, 4, 7.5, 4.2)
    lines = [line for note in notes for line in _broken(note)]
    for k, line in enumerate(lines):
        yield word(line, 4, CELL_H - 4.0 - 3.7 * (len(lines) - 1 - k), 2.6, MUTED)


def _broken(note: str) -> list[str]:
    """The note in lines that stay within a cell."""
    lines = [""]
    for piece in note.split():
        longer = f"{lines[-1]} {piece}".strip()
        if lines[-1] and width_mm(longer, 2.6) > CELL_W - 9:
            lines.append(piece)
        else:
            lines[-1] = longer
    return lines


def _data(pins: Pins, rows: int) -> Iterator[Shape]:
    yield from _title(
        f"Data sensor ({rows} alike)", "Light (hole, or no card) → collector low → output high.",
        f"74HC14 at 3.3 V, 100 nF at its supply. From the top row: GPIO {', '.join(map(str, pins.pi.data[:rows]))}.",
    )  # fmt: skip
    yield from supply(30, 17, "3.3 V")
    yield from resistor_down(30, 17, ohms(pins.resistors.data_pull_up))
    yield from phototransistor(30, 33)
    yield from ground(30, 44)
    yield wire((30, 29), (30, 33))
    yield dot(30, 31)
    yield wire((30, 31), (45, 31))
    yield Polygon(((45, 26), (45, 36), (54, 31)), PAPER, INK, WIRE_MM)
    yield Circle(55.2, 31, 1.2, PAPER, INK, WIRE_MM)
    yield wire((46.6, 32.6), (48.6, 32.6), (48.6, 29.8), (50.4, 29.8), line=0.25)
    yield word("74HC14", 49, 24.4, 2.6, MUTED, "middle")
    yield wire((56.4, 31), (64, 31))
    yield from port(64, 31, f"GPIO{pins.pi.data[0]} …", BLUE)
    yield word("940 nm", 11, 32, 2.6, MUTED, "middle")
    yield word("aperture", 11, 35.4, 2.6, MUTED, "middle")
    yield word("1–1.5 mm", 11, 38.8, 2.6, MUTED, "middle")


def _light(pins: Pins, rows: int) -> Iterator[Shape]:
    r, pairs = pins.resistors, -(-rows // 2)
    yield from _title(
        f"Light of the row ({pairs} pairs)", f"{pairs} × ({ohms(r.data_led)} + two LEDs in series), side by side.",
        "Logic-level N-channel MOSFET. Off and on around every card: the self-test.",
    )  # fmt: skip
    yield from supply(56, 14, "5 V")
    yield from resistor_down(56, 14, ohms(r.data_led))
    yield from led_down(56, 26, VIOLET, "940 nm")
    yield from led_down(56, 35, VIOLET, "940 nm")
    yield wire((56, 44), (56, 46))
    yield wire((56, 45), (76, 45), ink=MUTED, line=0.3)
    yield dot(56, 45)
    yield word("other pairs", 67, 43.6, 2.6, MUTED, "middle")
    yield wire((52, 47), (52, 57), line=0.7)
    yield wire((53.4, 46.4), (53.4, 57.6), line=0.7)
    yield wire((53.4, 48), (56, 48), (56, 46))
    yield wire((53.4, 56), (56, 56), (56, 60))
    yield wire((53.4, 52), (56, 52), (56, 56))
    yield Polygon(((53.6, 52), (55.2, 51.2), (55.2, 52.8)), INK)
    yield from ground(56, 60)
    yield wire((52, 52), (46, 52))
    yield from resistor_right(34, 52, ohms(r.gate))
    yield dot(30, 52)
    yield wire((10, 52), (34, 52))
    yield from resistor_down(30, 52, ohms(r.gate_down))
    yield from ground(30, 64)
    yield from port(4, 52, f"GPIO{pins.pi.led_enable}", AMBER)


def _clock(pins: Pins) -> Iterator[Shape]:
    r = pins.resistors
    yield from _title(
        "Clock sensor (2 alike)", "Paper reflects → collector low → output high. Black bar or air: low.",
        f"T1 GPIO{pins.pi.timing[0]}, T2 GPIO{pins.pi.timing[1]}.",
        "Reflective sensor, 1 mm spot; LM393 at 3.3 V; trimmer 50 kΩ, + input at about 1.2 V.",
    )  # fmt: skip
    yield from supply(10, 15, "3.3 V")
    yield from resistor_down(10, 15, ohms(r.timing_led))
    yield from led_down(10, 27, VIOLET)
    yield from ground(10, 36)
    yield from supply(34, 15, "3.3 V")
    yield from resistor_down(34, 15, ohms(r.timing_pull_up))
    yield from phototransistor(34, 31)
    yield wire((34, 27), (34, 31))
    yield from ground(34, 42)
    yield dot(34, 29)
    yield wire((34, 29), (54, 29))
    yield Polygon(((54, 24), (54, 40), (67, 32)), PAPER, INK, WIRE_MM)
    yield word("–", 55.4, 30.2, 3.4)
    yield word("+", 55.2, 36.4, 3.4)
    yield word("LM393", 61, 22.6, 2.6, MUTED, "middle")
    yield wire((54, 35), (48, 35), (48, 52))
    yield dot(48, 47)
    yield from supply(40, 51.5, "3.3 V")
    yield from _trimmer(40, 51.5)
    yield wire((48, 52), (48, 57.5), (42, 57.5))
    yield Polygon(((41.4, 57.5), (43, 56.7), (43, 58.3)), INK)
    yield from ground(40, 63.5)
    yield from resistor_right(52, 47, ohms(r.hysteresis))
    yield wire((48, 47), (52, 47))
    yield wire((64, 47), (71, 47), (71, 32))
    yield wire((67, 32), (73, 32))
    yield dot(71, 32)
    yield from supply(71, 15, "3.3 V")
    yield from resistor_down(71, 15, ohms(r.timing_output))
    yield wire((71, 27), (71, 32))
    yield from port(73, 32, "GPIO", TEAL)


def _trimmer(x: float, y: float) -> Iterator[Shape]:
    yield wire((x, y), (x, y + 2))
    yield box(x - 1.4, y + 2, 2.8, 8, PAPER, INK, WIRE_MM)
    yield wire((x, y + 10), (x, y + 12))


def _lamps(pins: Pins) -> Iterator[Shape]:
    yield from _title("Lamps", "Diffused LEDs of 5 or 10 mm, about 4 mA each. Behind print that names them:", "✔  ?  ✘")
    for k, (name, ink) in enumerate((("green", GREEN), ("amber", AMBER), ("red", RED))):
        y = 20 + 16 * k
        yield wire((12, y), (30, y))
        yield from port(6, y, f"GPIO{getattr(pins.pi, name)}", ink)
        yield from resistor_right(30, y, ohms(pins.resistors.lamp))
        yield wire((42, y), (50, y))
        yield Polygon(((50, y - 2.2), (50, y + 2.2), (54, y)), ink, INK, 0.2)
        yield wire((54, y - 2.2), (54, y + 2.2))
        yield wire((54, y), (66, y))
        yield word(name, 52, y - 4, 2.8, ink, "middle")
    yield wire((66, 20), (66, 56))
    yield from ground(66, 56)
    yield dot(66, 36)
    yield dot(66, 52)


def _buzzer(pins: Pins) -> Iterator[Shape]:
    yield from _title(
        "Buzzer",
        "An active buzzer for 5 V (it beeps by itself), NPN transistor (BC547 or alike), diode (1N4148) across it.",
    )
    yield from supply(58, 14, "5 V")
    yield wire((58, 14), (58, 20))
    yield Circle(58, 25, 5, PAPER, INK, WIRE_MM)
    yield word("buzzer", 58, 26, 2.4, INK, "middle")
    yield wire((58, 30), (58, 40))
    yield wire((58, 17), (70, 17), (70, 22))
    yield Polygon(((67.8, 26), (72.2, 26), (70, 22.2)), PALE, INK, 0.3)
    yield wire((67.8, 22.2), (72.2, 22.2))
    yield wire((70, 26), (70, 33), (58, 33))
    yield dot(58, 17)
    yield dot(58, 33)
    yield Circle(56, 45, 5.2, PAPER, INK, WIRE_MM)
    yield wire((54, 41.5), (54, 48.5), line=0.7)
    yield wire((54, 43.6), (58, 40))
    yield wire((54, 46.4), (58, 50), (58, 54))
    yield Polygon(((58, 50), (56.2, 49.6), (57.2, 48.2)), INK)
    yield wire((42, 45), (54, 45))
    yield from resistor_right(30, 45, ohms(pins.resistors.buzzer_base))
    yield wire((12, 45), (30, 45))
    yield from port(6, 45, f"GPIO{pins.pi.buzzer}", VIOLET)
    yield from ground(58, 54)


def _button(pins: Pins) -> Iterator[Shape]:
    yield from _title(
        "Button", "Short: the last verdict again, with its sound.", "Long (1.2 s): a receipt, where there is a printer."
    )
    yield wire((16, 30), (42, 30))
    yield from port(10, 30, f"GPIO{pins.pi.button}", INK)
    yield Circle(43, 30, 1, PAPER, INK, WIRE_MM)
    yield Circle(55, 30, 1, PAPER, INK, WIRE_MM)
    yield wire((42.5, 26), (55.5, 26))
    yield wire((49, 26), (49, 22))
    yield wire((45, 22), (53, 22))
    yield wire((56, 30), (66, 30), (66, 36))
    yield from ground(66, 36)
