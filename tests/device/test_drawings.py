"""Drawings are what the code says: pins, places and sizes are read back out of them."""

from __future__ import annotations

import re
import sys
import xml.etree.ElementTree as ET
from dataclasses import astuple
from pathlib import Path

import pytest
from gpiozero.pins.mock import MockFactory

from cards.layout import CLOCK_GAP
from cards.load import find_layout
from device.drawings.__main__ import FOLDER, files, main
from device.drawings.boards import PI_BCM, PI_POWER, PICO_GP, PICO_POWER, ohms
from device.drawings.mechanics import APERTURE_MM, SPOT_MM
from device.pins import load_pins

SVG = "{http://www.w3.org/2000/svg}"
CARD = find_layout("stadslogistiek-bar")
REPO = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def made() -> dict[str, str]:
    return dict(files())


def words(svg: str) -> list[str]:
    return [e.text or "" for e in ET.fromstring(svg).iter(f"{SVG}text")]


def circles(svg: str, diameter: float) -> list[tuple[float, float]]:
    return [
        (float(e.attrib["cx"]), float(e.attrib["cy"]))
        for e in ET.fromstring(svg).iter(f"{SVG}circle")
        if abs(float(e.attrib["r"]) - diameter / 2) < 1e-6
    ]


def test_the_files_in_the_documents_are_what_the_tables_say(made: dict[str, str]) -> None:
    if not (REPO / FOLDER).is_dir():
        pytest.skip("looks at the checkout")
    stale = [name for name, text in made.items() if (REPO / FOLDER / name).read_text(encoding="utf-8") != text]
    assert not stale, "run: python -m device.drawings --write"


def test_the_header_is_the_one_that_gpiozero_knows() -> None:
    board = MockFactory().board_info
    for number, place in PI_BCM.items():
        assert {info.number for _, info in board.find_pin(f"GPIO{number}")} == {place}
    for place, name in PI_POWER.items():
        pin = board.headers["J8"].pins[place]
        assert pin.name == {"ground": "GND", "5 V": "5V", "3.3 V": "3V3"}[name]
    assert len(PI_BCM) + len(PI_POWER) == 40


def test_every_place_of_a_pico_is_named_once() -> None:
    assert sorted([*PICO_GP.values(), *PICO_POWER]) == list(range(1, 41))


@pytest.mark.parametrize(
    ("name", "board", "family"), [("wiring-pi.svg", "pi", "GPIO"), ("wiring-pico.svg", "pico", "GP")]
)
def test_every_pin_of_the_table_is_drawn_once(made: dict[str, str], name: str, board: str, family: str) -> None:
    numbers = [
        n for part in astuple(getattr(load_pins(), board)) for n in (part if isinstance(part, tuple) else [part])
    ]
    drawn = [w for w in words(made[name]) if re.fullmatch(family + r"\d+", w)]
    assert sorted(drawn) == sorted(f"{family}{n}" for n in numbers)


def test_another_table_makes_another_drawing(tmp_path: Path) -> None:
    table = tmp_path / "pins.toml"
    table.write_text("[pi]\nbuzzer = 4\n[resistors]\nlamp = 470\n", encoding="utf-8")
    other = dict(files(pins_path=table))
    assert "GPIO4" in words(other["wiring-pi.svg"]) and "GPIO18" not in words(other["wiring-pi.svg"])
    assert "470 Ω" in words(other["circuits.svg"])
    assert "| 4 | 7 | buzzer |" in other["wiring.md"] and "resistor 470 Ω" in other["parts.md"]


def test_every_resistor_is_in_the_circuits_and_on_the_list(made: dict[str, str]) -> None:
    drawn = words(made["circuits.svg"])
    for value in astuple(load_pins().resistors):
        assert ohms(value) in drawn and ohms(value) in made["parts.md"]


def test_the_plates_holes_lie_where_the_layout_has_its_rows(made: dict[str, str]) -> None:
    bar = CARD.sensor_bar
    assert bar is not None
    root = ET.fromstring(made["plate.svg"])
    assert root.attrib["width"] == f"{root.attrib['viewBox'].split()[2]}mm"
    rows = circles(made["plate.svg"], APERTURE_MM)
    spots = circles(made["plate.svg"], SPOT_MM)
    assert len(rows) == len(bar.rows_mm) and len({x for x, _ in rows}) == 1
    steps = [y - rows[0][1] for _, y in rows]
    assert steps == pytest.approx([y - bar.rows_mm[0] for y in bar.rows_mm], abs=0.01)
    (x1, y1), (x2, y2) = spots
    assert (x1, y1 - rows[0][1]) == pytest.approx((rows[0][0], bar.track_mm - bar.rows_mm[0]), abs=0.01)
    assert (x2 - x1, y2) == pytest.approx((CLOCK_GAP * bar.pitch_mm, y1), abs=0.01)


@pytest.mark.parametrize("name", ["wiring-pi.svg", "wiring-pico.svg", "circuits.svg", "plate.svg", "guide.svg"])
def test_no_word_leaves_the_sheet(made: dict[str, str], name: str) -> None:
    from cards.font import width_mm

    root = ET.fromstring(made[name])
    wide, high = (float(n) for n in root.attrib["viewBox"].split()[2:])
    for e in root.iter(f"{SVG}text"):
        x, y, size = float(e.attrib["x"]), float(e.attrib["y"]), float(e.attrib["font-size"])
        long = width_mm(e.text or "", size)
        left = x - long / 2 if e.attrib["text-anchor"] == "middle" else x
        assert left > 0 and left + long < wide and size < y < high, e.text


def test_check_tells_a_file_that_is_stale(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def run(task: str) -> int:
        monkeypatch.setattr(sys, "argv", ["drawings", "--folder", str(tmp_path), task])
        return main()

    assert run("--write") == 0 and run("--check") == 0
    (tmp_path / "plate.svg").write_text("<svg/>", encoding="utf-8")
    assert run("--check") == 1
    told = capsys.readouterr().err
    assert told.count("\n") == 1 and "plate.svg" in told
