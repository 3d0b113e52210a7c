"""The firmware onto a Pico, with MicroPython's own tool `mpremote` as a child."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from importlib.util import find_spec
from pathlib import Path

import device
from device.firmware import ON_THE_PICO
from device.heads.line import Line, LineLost, SerialLine
from device.heads.link import Link
from device.heads.messages import PROMPT_MAGIC, Caps, OtherVersion, Reboot
from device.source import SourceError

FIRMWARE = Path(device.__file__).parent / "firmware"
MPREMOTE_S = 120.0
ASKED_S, STARTED_S, GONE_S = 2.0, 15.0, 1.5
"""How long to wait for an answer, for a start, and before a port that is about to go counts as the one that came back."""


def flash(
    port: str, connect: Callable[[], Line] | None = None, asked_s: float = ASKED_S, started_s: float = STARTED_S
) -> Iterator[str]:
    """Copy and start; yields what was done, in words. Raises `SourceError` when it cannot be done."""
    if find_spec("mpremote") is None:
        raise SourceError("mpremote is not there, which copies files to a Pico; once: pip install 'logicienne[flash]'")
    line = connect or partial(SerialLine, port)
    if _told_to_stop(port, line, asked_s):
        yield "the head was running; its cards are lost, and it starts again with MicroPython's prompt"
        _wait_for(line, started_s)
    with tempfile.TemporaryDirectory() as name:
        files = _laid_out(Path(name))
        _mpremote(port, ["cp", "-r", str(files / "firmware"), ":"])
        yield f"copied {len(list((files / 'firmware').iterdir()))} files into firmware/"
        # Last: a Pico that lost its power before this starts nothing half copied.
        _mpremote(port, ["cp", str(files / "main.py"), ":main.py"])
        _mpremote(port, ["reset"])
    yield "started; waiting for the head to answer"
    caps = _answer(Link(port, line), started_s)
    if caps is None:
        raise SourceError(
            f"{port}: copied, but the head does not answer; unplug it, plug it in, then: logicienne head console"
        )
    yield f"the head {caps.uid} answers: firmware {caps.firmware}, bar {caps.bar}, {caps.rows} rows"


def _laid_out(folder: Path) -> Path:
    """The files as they lie on a Pico: `firmware/…` and `main.py`."""
    (folder / "firmware").mkdir()
    for name in ON_THE_PICO:
        (folder / "firmware" / name).write_bytes((FIRMWARE / name).read_bytes())
    (folder / "main.py").write_bytes((FIRMWARE / "main.py").read_bytes())
    return folder


def _told_to_stop(port: str, connect: Callable[[], Line], seconds: float) -> bool:
    """Whether a head of any version was there, and was told to leave its line to the prompt."""
    heard: list[object] = []
    link = Link(port, connect, trace=heard.append)
    _answer(link, seconds, close=False)
    running = any(isinstance(m, Caps | OtherVersion) for m in heard)
    if link.caps is not None:
        link.send(Reboot(PROMPT_MAGIC))
        link.pump(0.2)
    link.close()
    return running


def _wait_for(connect: Callable[[], Line], seconds: float) -> None:
    """Until the line can be opened: a Pico that starts anew goes from the bus, and comes back."""
    end = time.monotonic() + seconds
    time.sleep(min(GONE_S, seconds / 4))
    while time.monotonic() < end:
        try:
            connect().close()
        except LineLost:
            time.sleep(0.1)
        else:
            return


def _answer(link: Link, seconds: float, close: bool = True) -> Caps | None:
    end = time.monotonic() + seconds
    while link.caps is None and time.monotonic() < end:
        link.pump(0.1)
    caps = link.caps
    if close:
        link.close()
    return caps


def _mpremote(port: str, arguments: list[str]) -> None:
    command = [sys.executable, "-m", "mpremote", "connect", port, *arguments]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=MPREMOTE_S, check=False)  # noqa: S603
    except subprocess.TimeoutExpired as error:
        raise SourceError(f"{port}: mpremote did not finish; unplug the Pico, plug it in, and try again") from error
    if done.returncode:
        said = (done.stderr or done.stdout).strip().splitlines()
        raise SourceError(
            f"{port}: mpremote {arguments[0]} failed ({said[-1] if said else 'it says nothing'}); is MicroPython on the "
            "Pico, and no other program on its line?"
        )
