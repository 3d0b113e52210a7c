"""A Raspberry Pi's ribbon camera, through the system's own `rpicam-vid` as a child process.

It writes raw YUV 4:2:0 frames; the Y plane is the grey picture, without any conversion and without bindings that must
match the system's. A child that dies or falls silent is started again.
"""

from __future__ import annotations

import os
import select
import shutil
import subprocess
import tempfile
from collections.abc import Sequence

import numpy as np

from device.frame import Frame
from device.source import Options, Source, SourceError
from device.sources.newest import Backoff, FeedLost, Newest

PROGRAM = "rpicam-vid"
ROW_PX = 64
"""Rows are stored in multiples of so many pixels; a width that is one needs no guess about their stride."""
SILENT_S = 5.0
"""So long without a byte, and the child hangs."""
LAST_WORDS = 200
"""Characters of the child's complaint that are shown."""


class Child:
    """One run of `rpicam-vid`; a `Feed`. width, height, stride in pixels of the Y plane."""

    def __init__(
        self, command: Sequence[str], width: int, height: int, stride: int | None = None, silent_s: float = SILENT_S
    ) -> None:
        self._size, self._stride, self._silent_s = (height, width), stride or width, silent_s
        # Y in full, U and V a quarter each.
        self._bytes = self._stride * height * 3 // 2
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115  (closed with the child)
        try:
            self._child = subprocess.Popen(command, bufsize=0, stdout=subprocess.PIPE, stderr=self._errors)  # noqa: S603
        except OSError as error:
            self._errors.close()
            raise FeedLost(f"{command[0]} cannot be started ({error.strerror}); is rpicam-apps installed?") from error

    def read(self) -> Frame:
        """The next frame, grey."""
        assert self._child.stdout is not None
        pipe, data, got = self._child.stdout.fileno(), bytearray(self._bytes), 0
        room = memoryview(data)
        while got < self._bytes:
            if not select.select([pipe], [], [], self._silent_s)[0]:
                raise FeedLost(f"sent nothing for {self._silent_s:g} s")
            count = os.readv(pipe, [room[got:]])
            if count == 0:
                raise FeedLost(self._last_words())
            got += count
        height, width = self._size
        plane = np.frombuffer(data, np.uint8, self._stride * height).reshape(height, self._stride)
        return Frame("rpicam", plane[:, :width] if self._stride == width else plane[:, :width].copy())

    def remarks(self) -> list[str]:
        """Nothing to say."""
        return []

    def close(self) -> None:
        """End the child, whatever it is doing."""
        self._child.terminate()
        try:
            self._child.wait(1.0)
        except subprocess.TimeoutExpired:
            self._child.kill()
            self._child.wait()
        if self._child.stdout is not None:
            self._child.stdout.close()
        self._errors.close()

    def _last_words(self) -> str:
        code = self._child.wait(1.0) if self._child.poll() is not None else "?"
        self._errors.seek(0)
        lines = self._errors.read().decode(errors="replace").strip().splitlines()
        said = f": {lines[-1][:LAST_WORDS]}" if lines else ""
        return f"rpicam-vid ended (code {code}){said}"


def make(where: str, options: Options, backoff: Backoff | None = None) -> Source:
    """`rpicam:?width=1664&height=1232&fps=15&shutter_us=8000&gain=1&lens=4.5&silent=5&program=rpicam-vid`."""
    if where:
        raise SourceError(f"{options.spec}: a Pi's camera has no name; write rpicam: or rpicam:?width=1664&height=1232")
    width = options.take("width", 1664, int, 64, 9152)
    height = options.take("height", 1232, int, 64, 6944)
    stride = options.take("stride", 0, int, 0, 16384)
    if (width % ROW_PX and not stride) or (stride and stride < width) or height % 2:
        near = max(round(width / ROW_PX), 1) * ROW_PX
        raise SourceError(
            f"{options.spec}: the width must be a multiple of {ROW_PX} (nearest: {near}) and the height even; "
            "for another width give the row's stride too"
        )
    command = [options.take("program", PROGRAM, str), *_arguments(options, width, height)]
    if shutil.which(command[0]) is None:
        # Not an error by itself (it may be installed while we wait), but the likeliest one to be met on a laptop.
        backoff = backoff or Backoff(first_s=2.0)
    silent_s = options.take("silent", SILENT_S, float, 0.1, SILENT_S)
    return Newest("ribbon camera", lambda: Child(command, width, height, stride or None, silent_s), backoff)


def _arguments(options: Options, width: int, height: int) -> list[str]:
    """Locked wherever it can be: a still card needs a still picture."""
    fps = options.take("fps", 15.0, float, 1, 120)
    shutter_us = options.take("shutter_us", 0, int, 0, 1_000_000)
    gain = options.take("gain", 0.0, float, 0, 64)
    lens = options.take("lens", -1.0, float, -1, 40)
    given = [
        "--codec",
        "yuv420",
        "-o",
        "-",
        "-t",
        "0",
        "-n",
        "--flush",
        "--verbose",
        "0",
        "--width",
        str(width),
        "--height",
        str(height),
    ]
    given += ["--framerate", f"{fps:g}"]
    given += ["--shutter", str(shutter_us)] if shutter_us else []
    given += ["--gain", f"{gain:g}"] if gain else []
    given += ["--autofocus-mode", "manual", "--lens-position", f"{lens:g}"] if lens >= 0 else []
    return given
