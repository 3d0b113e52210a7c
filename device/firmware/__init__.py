"""The sensor head: MicroPython for a Raspberry Pi Pico or Pico 2, which times edges, keeps cards and decides nothing.

docs/protocol.md is its contract. Everything but `board_rp2` and `main` also runs unchanged on CPython and on MicroPython's unix
port, so the modules import one another relatively, use neither `typing` nor `dataclasses`, and quote what only CPython knows.
"""

ON_THE_PICO = (
    "__init__.py",
    "board.py",
    "board_pins.py",
    "board_rp2.py",
    "core.py",
    "frames.py",
    "messages.py",
    "recorder.py",
    "ring.py",
    "run.py",
    "selftest.py",
)
"""What belongs into the Pico's folder `firmware`; `main.py` goes beside that folder."""
