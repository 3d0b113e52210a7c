"""`python -m device.drawings --write | --check`: the makers' drawings and tables in `docs/maker/`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path

from cards.load import find_layout
from device.drawings.circuits import circuits_drawing
from device.drawings.mechanics import guide_drawing, plate_drawing
from device.drawings.pages import parts_page, wiring_page
from device.drawings.pinout import pi_drawing, pico_drawing
from device.pins import load_pins
from device.sources.sensors import bar_of

FOLDER = Path("docs") / "maker"
LAYOUT = "stadslogistiek-bar"


def files(layout_name: str = LAYOUT, pins_path: Path | None = None) -> Iterator[tuple[str, str]]:
    """(name, text) of every file."""
    pins, layout, bar = load_pins(pins_path), find_layout(layout_name), bar_of(layout_name)
    rows = len(bar.rows_mm)
    yield "wiring-pi.svg", pi_drawing(pins, rows)
    yield "wiring-pico.svg", pico_drawing(pins, rows)
    yield "circuits.svg", circuits_drawing(pins, rows)
    yield "plate.svg", plate_drawing(layout, bar)
    yield "guide.svg", guide_drawing(layout, bar)
    yield "wiring.md", wiring_page(pins, rows)
    yield "parts.md", parts_page(pins, rows)


def main() -> int:
    """Command line of this module."""
    parser = argparse.ArgumentParser(prog="python -m device.drawings", description=__doc__)
    parser.add_argument("--folder", type=Path, default=FOLDER)
    parser.add_argument("--layout", default=LAYOUT, help="the layout whose bar is built")
    parser.add_argument("--pins", type=Path, help="another pin table")
    task = parser.add_mutually_exclusive_group(required=True)
    task.add_argument("--write", action="store_true", help="write the files")
    task.add_argument("--check", action="store_true", help="tell which files are not what the tables say")
    given = parser.parse_args()
    made = dict(files(given.layout, given.pins))
    if given.write:
        given.folder.mkdir(parents=True, exist_ok=True)
        for name, text in made.items():
            (given.folder / name).write_text(text, encoding="utf-8")
        return 0
    stale = [
        n for n, t in made.items() if not (given.folder / n).is_file() or (given.folder / n).read_text("utf-8") != t
    ]
    for name in stale:
        sys.stderr.write(f"{given.folder / name} is not what the tables say; run: python -m device.drawings --write\n")
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main())
