"""A sensor head without the hardware: the firmware itself as a child, on a pty, fed by a simulated hand.

Between child and pty stands a relay that can be told to damage frames, and to cut the line: what a bad cable does.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import subprocess
import sys
import tty
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np

import device
from device.sweep import Sweep

FIRMWARE = Path(device.__file__).parent / "firmware" / "run_unix.py"
READ_BYTES = 4096
REST_US = 1000
"""From the moment that the head is ready for the next card to its first edge."""
FOLLOWS_US = 600_000
"""Between two cards of a quick hand: the head must see its bar empty, and test it."""
HOLD_BYTES = 2 * READ_BYTES
"""For a head that does not listen just now."""
Damage = Callable[[bytes], bytes]


def transitions(sweep: Sweep) -> tuple[int, list[tuple[int, int]]]:
    """(levels before, [(µs since the one before, levels)]): the sweep as bits, as a head sees it."""
    channels = [*sweep.data, *sweep.clock]
    levels = sum(1 << k for k, c in enumerate(channels) if c.before)
    before = levels
    ticks = np.concatenate([c.ticks_s for c in channels])
    owner = np.repeat(np.arange(len(channels)), [len(c.ticks_s) for c in channels])
    shown = np.concatenate([c.levels for c in channels])
    order = np.argsort(ticks, kind="stable")
    found: list[tuple[int, int]] = []
    last = round(float(ticks[order[0]]) * 1e6) - REST_US if len(order) else 0
    for at_us, k, level in zip(np.rint(ticks[order] * 1e6).astype(int), owner[order], shown[order], strict=True):
        levels = levels | 1 << int(k) if level else levels & ~(1 << int(k))
        found.append((int(at_us) - last, levels))
        last = int(at_us)
    return before, found


def script(sweeps: Iterable[Sweep], together: int = 1) -> Iterator[str]:
    """The lines that have the firmware's scripted bar see these cards.

    Each waits until all before it are with the host; or only every so many (`together`), the others follow at once.
    """
    for k, sweep in enumerate(sweeps):
        pairs = transitions(sweep)[1]
        if k % together == 0:
            yield '"wait"\n'
        elif pairs:
            pairs[0] = (FOLLOWS_US, pairs[0][1])
        yield from (json.dumps(pair) + "\n" for pair in pairs)
    yield '"wait"\n'


class SimulatedHead:
    """The firmware on a pty. path: what a host opens, also after the line was cut. `pump` moves the bytes.

    to_host, to_head: what becomes of a frame on its way.
    """

    def __init__(
        self,
        link: Path,
        script_file: Path,
        rows: int,
        bar: str,
        *,
        program: Sequence[str] = (sys.executable,),
        uid: str = "73696d756c617465",
        fast: bool = False,
    ) -> None:
        self.path = link
        self.to_host: Damage | None = None
        self.to_head: Damage | None = None
        more = ["--fast"] if fast else []
        command = [
            *program,
            str(FIRMWARE),
            "--script",
            str(script_file),
            "--rows",
            str(rows),
            "--bar",
            bar,
            "--uid",
            uid,
        ]
        self.process = subprocess.Popen(  # noqa: S603  (our own firmware)
            [*command, *more], stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0
        )
        assert self.process.stdin is not None and self.process.stdout is not None
        self._in, self._out = self.process.stdin.fileno(), self.process.stdout.fileno()
        os.set_blocking(self._in, False)
        self._waiting = b""
        self._held = {True: b"", False: b""}
        self._open()

    def __enter__(self) -> SimulatedHead:
        """Itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """End the child."""
        self.close()

    def pump(self, timeout_s: float) -> bool:
        """Move what there is to move; waits so long at most. Whether the head still runs."""
        ready, _, _ = select.select([self._out, self._master], [], [], timeout_s)
        if self._out in ready:
            data = os.read(self._out, READ_BYTES)
            if not data:
                return False
            # What a host that is not there does not fetch is lost, as on a real line; the head sends cards again.
            with contextlib.suppress(OSError):
                os.write(self._master, self._passed(data, True))
        if self._master in ready:
            self._waiting = (self._waiting + self._passed(os.read(self._master, READ_BYTES), False))[-HOLD_BYTES:]
        if self._waiting:
            with contextlib.suppress(OSError):
                self._waiting = self._waiting[os.write(self._in, self._waiting) :]
        return True

    def cut(self) -> None:
        """The cable is pulled and plugged in again; the head keeps its power."""
        self._shut()
        self._waiting = b""
        self._held = {True: b"", False: b""}
        self._open()

    def close(self) -> None:
        """End it."""
        self.process.kill()
        self.process.communicate()
        self._shut()
        self.path.unlink(missing_ok=True)

    def _open(self) -> None:
        self._master, self._slave = os.openpty()
        # Held open here as well, so that a host may come and go.
        tty.setraw(self._slave)
        os.set_blocking(self._master, False)
        new = self.path.with_name(self.path.name + ".new")
        new.unlink(missing_ok=True)
        new.symlink_to(os.ttyname(self._slave))
        new.replace(self.path)

    def _shut(self) -> None:
        os.close(self._master)
        os.close(self._slave)

    def _passed(self, data: bytes, to_host: bool) -> bytes:
        """The bytes as they arrive on the other side: frame by frame, where somebody wants to damage them."""
        damage = self.to_host if to_host else self.to_head
        if damage is None:
            return data
        *blocks, self._held[to_host] = (self._held[to_host] + data).split(b"\0")
        return b"".join(damage(b"\0" + block + b"\0") for block in blocks if block)
