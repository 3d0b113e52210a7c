"""A scripted bar on a computer: the same firmware under MicroPython's unix port or CPython, on stdin and stdout or a terminal.

    run_unix.py --script FILE [--uid 16 HEX DIGITS] [--line /dev/pts/7] [--rows 6] [--bar six-rows] [--fast]

The script's format is in `script`. With --fast the script plays as quickly as the computer can, and time stands still only
while it waits; without it, in real time. It ends with code 0 when the host closes the line.
"""

import gc
import os
import select
import struct
import sys
import time
from array import array

from . import board_pins
from .board import TICKS_PERIOD, Board
from .run import run
from .script import Script

HOLD_US = 300_000
LIGHT, DARK = 52_000, 3_000
REST_MS = 1


class Restart(Exception):
    """The head loses its memory and starts anew."""


def clock_us() -> int:
    """Of the computer, from any origin, modulo `TICKS_PERIOD`."""
    ticks = getattr(time, "ticks_us", None)
    return int(ticks() if ticks else time.monotonic_ns() // 1000) % TICKS_PERIOD


class Line:
    """Bytes to and from the host. path: a terminal, made raw; `None`: stdin and stdout."""

    def __init__(self, path: "str | None") -> None:
        self._in = open(path or 0, "r+b" if path else "rb", 0)
        self._out = self._in if path else open(1, "wb", 0)
        if path:
            make_raw(self._in.fileno())
        self._readable = select.poll()
        self._readable.register(self._in, select.POLLIN)
        self._writable = select.poll()
        self._writable.register(self._out, select.POLLOUT)

    def read(self) -> bytes:
        """What is there, at most 64 bytes. Raises `EOFError` when the host has closed."""
        data = bytearray()
        while len(data) < 64 and self._readable.poll(0):
            try:
                one = self._in.read(1)
            except OSError:
                one = b""
            if not one:
                raise EOFError
            data += one
        return bytes(data)

    def write(self, frame: bytes) -> bool:
        """Whether all of it went out. Raises `EOFError` when the host has closed."""
        try:
            return bool(self._writable.poll(0)) and self._out.write(frame) == len(frame)
        except OSError:
            raise EOFError from None

    def rest(self, ms: int) -> None:
        """Until something comes, for so long at most."""
        self._readable.poll(ms)


def make_raw(fd: int) -> None:
    """No echo, no line editing, no signals: frames hold every byte."""
    try:
        from tty import setraw
    except ImportError:
        from termios import setraw  # type: ignore[attr-defined,no-redef]  # MicroPython's place for it
    setraw(fd)


class UnixBoard(Board):
    """The scripted bar. What is scripted is what the sensors see with the light on; with it off, the data sensors see nothing."""

    def __init__(self, line: Line, script: Script, uid: bytes, rows: int, bar: str, fast: bool) -> None:
        self.rows = rows
        self.bar = bar
        self.uid = uid
        self._line = line
        self._script = script
        self._fast = fast
        self._channels = rows + self.clocks
        self._light = array("H", [LIGHT] * self._channels)
        self._dark = array("H", [DARK] * self._channels)
        self._stuck: dict[int, int] = {}
        self._duty = 1000
        self._scripted = (1 << rows) - 1
        self._item: object = None
        self._waits_until_us: int | None = None
        self._settled = False
        self._shown_us = 0
        self._clock_us = clock_us()
        self.power_on()

    def power_on(self) -> None:
        """Time begins anew; the script goes on where it was."""
        self._now_us = 0
        self._sampled_us = 0
        self._shown_us = 0
        self._period_us = 0
        self._waits_until_us = None
        self._settled = False

    def ticks_us(self) -> int:
        """Real, or as much of the script as was played."""
        return self._now_us % TICKS_PERIOD

    def start(self, rate_hz: int) -> None:
        """One sample every 1/rate_hz of a second."""
        self._period_us = 1_000_000 // rate_hz
        self._sampled_us = self._now_us

    def read_rows_into(self, rows: "memoryview[int]") -> int:
        """The samples of the time that has passed; when playing fast, time passes by as many as there is room for."""
        self.missed = 0
        now = clock_us()
        passed = (now - self._clock_us) % TICKS_PERIOD
        self._clock_us = now
        self._now_us += len(rows) * self._period_us if self._fast and self._playing() else passed
        count = min((self._now_us - self._sampled_us) // self._period_us, len(rows))
        for k in range(count):
            self._sampled_us += self._period_us
            if self._item is not None or not self._script.over:
                self._play()
            rows[k] = self._levels()
        return count

    def skip_rows(self) -> None:
        """The script's own time does not pass while the head looks away."""

    def led(self, duty: int) -> None:
        """Light is on or off; between, the sensors are still saturated."""
        self._duty = duty

    def levels(self, analogue: "memoryview[int]") -> int:
        """As the script has it at this moment."""
        digital = self._levels()
        for k in range(self._channels):
            analogue[k] = self._light[k] if digital >> k & 1 else self._dark[k]
        return digital

    def random(self) -> int:
        """From the system."""
        return int(struct.unpack("<I", os.urandom(4))[0])

    def read(self) -> bytes:
        """What came over the line."""
        return self._line.read()

    def write(self, frame: bytes) -> bool:
        """Dropped when the line is full."""
        return self._line.write(frame)

    def rest(self, busy: bool, settled: bool) -> None:
        """Lets the computer do something else, unless there is more to do."""
        self._settled = settled
        if not busy and not (self._fast and self._playing()):
            self._line.rest(REST_MS)

    def reset(self, prompt: bool) -> None:
        """There is no prompt here: either order starts anew."""
        raise Restart

    def _playing(self) -> bool:
        """Whether the script has something to show without anybody doing anything first."""
        if self._item is None:
            self._item = self._script.next()
        if self._waits_until_us is not None:
            return self._now_us < self._waits_until_us or self._settled
        return self._item is not None

    def _levels(self) -> int:
        data = (1 << self.rows) - 1
        shown = self._scripted if self._duty else self._scripted & ~data
        for k, level in self._stuck.items():
            shown = shown | 1 << k if level else shown & ~(1 << k)
        return shown

    def _play(self) -> None:
        """All of the script whose time has come at this sample."""
        while True:
            if self._item is None:
                self._item = self._script.next()
                if self._item is None:
                    self._shown_us = self._sampled_us
                    return
            if not self._do(self._item):
                return
            self._item = None

    def _do(self, item: object) -> bool:
        """Whether it is done."""
        if isinstance(item, list):
            if self._shown_us + item[0] > self._sampled_us:
                return False
            self._shown_us += item[0]
            self._scripted = item[1]
        elif item == "wait":
            return self._wait()
        elif item == "reset":
            self._item = None
            raise Restart
        elif isinstance(item, dict):
            self._change(item)
        return True

    def _wait(self) -> bool:
        if self._waits_until_us is None:
            self._waits_until_us = self._sampled_us + HOLD_US
            self._settled = False
        if self._sampled_us < self._waits_until_us or not self._settled:
            return False
        self._waits_until_us = None
        self._shown_us = self._sampled_us
        return True

    def _change(self, item: "dict[str, int | None]") -> None:
        if "miss" in item:
            self.missed += item["miss"] or 0
            return
        k = item["channel"]
        if k is None or not 0 <= k < self._channels:
            raise ValueError(f"the bar has no channel {k}")
        if "stuck" in item:
            level = item["stuck"]
            if level is None:
                self._stuck.pop(k, None)
            else:
                self._stuck[k] = level
        self._light[k] = item.get("light") or self._light[k]
        self._dark[k] = item.get("dark") or self._dark[k]


def options(words: "list[str]") -> "dict[str, str]":
    """`--name value` pairs; raises `ValueError` for anything else."""
    known = {"--rows": str(board_pins.ROWS), "--bar": board_pins.BAR, "--uid": "00" * 8, "--line": "", "--script": ""}
    k = 0
    while k < len(words):
        if words[k] == "--fast":
            known["--fast"] = "yes"
            k += 1
        elif words[k] in known and k + 1 < len(words):
            known[words[k]] = words[k + 1]
            k += 2
        else:
            raise ValueError(f"{words[k]} is not understood")
    if not known["--script"] or len(known["--uid"]) != 16:
        raise ValueError("--script FILE is needed, and --uid has 16 hex digits")
    return known


def main(words: "list[str]") -> int:
    """Runs the head until the host closes the line; the process's exit code."""
    try:
        o = options(words)
        uid = bytes([int(o["--uid"][k : k + 2], 16) for k in range(0, 16, 2)])
        script = Script(o["--script"])
    except (ValueError, OSError) as wrong:
        sys.stderr.write(f"{wrong}\nusage: run_unix.py --script FILE [--uid HEX] [--line TTY] [--fast]\n")
        return 2
    board = UnixBoard(Line(o["--line"] or None), script, uid, int(o["--rows"]), o["--bar"], "--fast" in o)
    while True:
        # A reset of a Pico begins with empty memory; here the head before must go first.
        gc.collect()
        try:
            run(board)
        except Restart:
            board.power_on()
            board.resets += 1
        except EOFError:
            return 0
        except ValueError as wrong:
            sys.stderr.write(f"{wrong}\n")
            return 2
