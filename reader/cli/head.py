"""`logicienne head`."""

from __future__ import annotations

import os
import select
import sys
import tempfile
import time
from functools import partial
from pathlib import Path

import click
from rich.live import Live
from rich.table import Table

from cards.load import find_layout
from device.heads.flash import flash as flash_head
from device.heads.line import BAUD, SerialLine
from device.heads.link import Link
from device.heads.messages import STOP, AskLevels, Caps, Credit, Heartbeat, Levels, Report, Request
from device.heads.words import CommandError, described, manual
from device.heads.words import command as request_of
from device.simulator.hand import HANDS
from device.simulator.head import SimulatedHead, script
from device.source import SourceError
from device.sources.sim_bar import FEEDS, Feeding, SimulatedBar
from reader.cli.options import screen

EVERY_MS = 100
AGAIN_S = 1.0
"""A request for levels may get lost."""
LISTEN_S = 0.5
BAR_CHARS = 32
FULL_SCALE = 65535

port_argument = click.argument("port", default="/dev/ttyACM0")
baud_option = click.option("--baud", type=click.IntRange(300, 10_000_000), default=BAUD, show_default=True,
                           help="Of a UART; USB does not care.")  # fmt: skip


@click.group("head", epilog="Example: logicienne head levels /dev/ttyACM0   ·   without one: logicienne head simulate")
def command() -> None:
    """Look after a sensor head: flash it, watch its sensors, speak to it, or simulate one.

    PORT is /dev/ttyACM0, a path below /dev/serial/by-id/, or socket://host:port.
    """


@command.command(
    "console", epilog="Example: logicienne head console /dev/ttyACM0   ·   echo selftest | logicienne head console"
)
@port_argument
@baud_option
@click.option("--all", "everything", is_flag=True, help="Show credits and every heartbeat too.")
def console(port: str, baud: int, everything: bool) -> None:
    """Speak the head's protocol by hand; what it says is shown decoded.

    Cards come, but stay in the head until acknowledged by hand. End with Ctrl-D.
    """
    click.echo(f"Commands:\n{manual()}")
    shown = _Shown(everything)
    link = Link(port, partial(SerialLine, port, baud), trace=shown)
    try:
        _converse(link)
    finally:
        link.close()
        click.echo(
            f"{link.heard} frames, {link.decoder.refused} damaged, {link.missed} missed, "
            f"{link.misunderstood} not understood",
            err=True,
        )


class _Shown:
    """Prints messages; those that come every second only when they say something new."""

    def __init__(self, everything: bool) -> None:
        self._everything, self._beat = everything, ""

    def __call__(self, message: Request | Report) -> None:
        if isinstance(message, Heartbeat) and not self._everything:
            told = described(message).partition("keeps")[2].replace(f"sent {message.sent}", "")
            if told == self._beat:
                return
            self._beat = told
        if not isinstance(message, Credit) or self._everything:
            click.echo(f"{'→' if isinstance(message, Request) else '←'} {described(message)}")


def _converse(link: Link) -> None:
    """Lines from standard input to the head, until they end; then what is still said in answer."""
    held, ends_at, problem = b"", 0.0, None
    while not ends_at or time.monotonic() < ends_at:
        link.pump(0.05)
        if link.problem != problem:
            problem = link.problem
            click.echo(problem or "there again", err=True)
        if ends_at or link.caps is None or not select.select([sys.stdin], [], [], 0)[0]:
            if problem and not sys.stdin.isatty():
                raise SourceError(problem)
            continue
        data = os.read(sys.stdin.fileno(), 4096)
        *lines, held = (held + data).split(b"\n") if data else (held, b"")
        ends_at = 0.0 if data else time.monotonic() + LISTEN_S
        for line in lines:
            _obey(link, line.decode(errors="replace").strip())


def _obey(link: Link, line: str) -> None:
    if not line:
        return
    try:
        link.send(request_of(line))
    except CommandError as error:
        click.echo(f"{error}\n{manual()}", err=True)


@command.command(
    "levels", epilog="Example: logicienne head levels /dev/ttyACM0   ·   for a log: logicienne head levels --count 3"
)
@port_argument
@baud_option
@click.option("--count", type=click.IntRange(1), help="End after so many readings. Default: go on until Ctrl-C.")
def levels(port: str, baud: int, count: int | None) -> None:
    """Show each sensor live: how much light it sees, and what it takes that for.

    Sensors are numbered from the top of the card; T1 and T2 are the clock. Nothing is recorded.
    """
    link = Link(port, partial(SerialLine, port, baud))
    seen, asked_s, problem = 0, -AGAIN_S, None
    live = Live(console=screen(), transient=True) if screen().is_terminal else None
    if live is not None:
        live.start()
    try:
        while count is None or seen < count:
            if link.caps is not None and time.monotonic() - asked_s > AGAIN_S:
                asked_s = time.monotonic()
                link.send(AskLevels(EVERY_MS))
            for report in link.pump(0.05):
                if isinstance(report, Caps):
                    asked_s = -AGAIN_S
                if isinstance(report, Levels) and report.analogue and link.caps is not None:
                    seen, asked_s = seen + 1, time.monotonic()
                    live.update(_bars(link.caps, report)) if live else click.echo(_line(link.caps, report))
            if link.problem != problem:
                problem = link.problem
                (live.console.print if live else partial(click.echo, err=True))(problem or "there again")
            if problem and count is not None:
                raise SourceError(problem)
    except KeyboardInterrupt:
        click.echo("", err=True)
    finally:
        if live is not None:
            live.stop()
        link.send(AskLevels(STOP))
        link.close()


def _names(caps: Caps) -> list[str]:
    return [str(k + 1) for k in range(caps.rows)] + [f"T{k + 1}" for k in range(caps.clocks)]


def _word(caps: Caps, found: Levels, k: int) -> str:
    is_on = bool(found.digital >> k & 1)
    return ("light" if is_on else "dark") if k < caps.rows else ("paper" if is_on else "bar or air")


def _bars(caps: Caps, found: Levels) -> Table:
    table = Table("sensor", "level", "", "taken for", title=f"{caps.bar}, head {caps.uid}", caption="Ctrl-C ends")
    for k, name in enumerate(_names(caps)):
        share = found.analogue[k] / FULL_SCALE
        table.add_row(name, "█" * round(share * BAR_CHARS), f"{share:.0%}", _word(caps, found, k))
    return table


def _line(caps: Caps, found: Levels) -> str:
    shares = [f"{found.analogue[k] / FULL_SCALE:.0%} {_word(caps, found, k)}" for k in range(caps.channels)]
    return ", ".join(f"{name} {said}" for name, said in zip(_names(caps), shares, strict=True))


@command.command("flash", epilog="Example: logicienne head flash /dev/ttyACM0")
@port_argument
def flash(port: str) -> None:
    """Copy the firmware that comes with this program onto a Pico that runs MicroPython, and start it.

    A new Pico first: hold BOOTSEL while plugging it in, and copy MicroPython's .uf2 file for it onto the drive that appears.
    """
    for said in flash_head(port):
        click.echo(said)


@command.command("simulate", epilog="Example: logicienne head simulate --cards 20   ·   then, beside it: "
                 "logicienne run --source head:simulated-head --store try.db --place Try")  # fmt: skip
@click.argument("layout_name", metavar="[LAYOUT]", default="stadslogistiek-bar")
@click.option("--cards", "count", type=click.IntRange(0, 100_000), default=12, show_default=True)
@click.option("--hand", type=click.Choice(list(HANDS)), default="usual", show_default=True, help="Who punched.")
@click.option("--feed", type=click.Choice(FEEDS), default="usual", show_default=True, help="How cards are fed.")
@click.option("--seed", type=click.IntRange(0), default=1, show_default=True, help="Same seed, same cards.")
@click.option("--port", "link", type=click.Path(path_type=Path), default=Path("simulated-head"), show_default=True,
              help="Where the head is to be found.")  # fmt: skip
@click.option("--python", "program", default=sys.executable, metavar="PROGRAM", show_default="this one",
              help="What runs the firmware: also micropython.")  # fmt: skip
def simulate(layout_name: str, count: int, hand: str, feed: str, seed: int, link: Path, program: str) -> None:
    """Run the head's own firmware here, on a pty, and feed it cards by a simulated hand.

    Every card waits until a host has armed the head and has kept the card before. Keep them in a store of their own:
    simulated cards must never be counted among real ones. End with Ctrl-C.
    """
    layout = find_layout(layout_name)
    bar = layout.sensor_bar
    if bar is None:
        raise SourceError(f"{layout.identity} names no sensor_bar; give a card that a bar can read")
    if link.exists() and not link.is_symlink():
        raise SourceError(f"{link}: is there already and is no simulated head; choose another place with --port")
    source = SimulatedBar(layout, bar, Feeding(count, seed, hand, feed))
    with tempfile.TemporaryDirectory(prefix="logicienne-head-") as folder:
        file = Path(folder) / "cards.jsonl"
        with file.open("w", encoding="ascii") as target:
            target.writelines(script(s for _ in range(count) if (s := source.wait(0.0)) is not None))
        with SimulatedHead(link, file, len(bar.rows_mm), bar.id, program=(program,)) as head:
            click.echo(f"A head of {layout.id} on {link} ({link.readlink()}), {count} cards. Beside it:\n"
                       f"  logicienne run --source head:{link} --store try.db --place Try")  # fmt: skip
            try:
                while head.pump(0.2):
                    pass
            except KeyboardInterrupt:
                return
        raise SourceError(f"{program}: the firmware ended (code {head.process.returncode})")
