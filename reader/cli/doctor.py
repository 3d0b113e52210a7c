"""`logicienne doctor`: what is wrong with the machine, part by part."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import click

from device.gpio import GpioError
from device.hardware import (
    Finding,
    Person,
    check_button,
    check_lamps,
    check_library,
    check_pins,
    check_sensors,
    check_source,
)
from device.pins import PiPins, load_pins
from device.sources.sensors import BACKENDS, bar_of, open_lines
from reader.config import load_config

PARTS = ("panel", "sensors", "camera")


@click.group("doctor", epilog="Example: logicienne doctor hardware --part panel")
def command() -> None:
    """Find out what is wrong with the machine, and what to do."""


@command.command("hardware", epilog="Example: logicienne doctor hardware")
@click.option("--part", "parts", multiple=True, type=click.Choice(PARTS),
              help="Only this part (again for another). Default: the panel, and the sensors or the camera that the "
                   "configuration's source names.")  # fmt: skip
@click.option("--no-ask", is_flag=True, help="Do not ask for what only an eye, an ear or a hand can tell.")
@click.option("--config", "config_path", type=click.Path(path_type=Path, dir_okay=False),
              help="Options as a file. Default: logicienne.toml, where there is one.")  # fmt: skip
@click.option("--pins", "pins_path", type=click.Path(path_type=Path, dir_okay=False),
              help="Another pin table. Default: the configuration's, else the shipped one.")  # fmt: skip
@click.option(
    "--bar", default="", metavar="LAYOUT", help="A layout whose bar is built in. Default: stadslogistiek-bar."
)
@click.option("--backend", default="gpiozero", type=click.Choice(BACKENDS), help="Of the sensors. Default: gpiozero.")
@click.option("--source", help="The camera to try. Default: the configuration's source.")
@click.pass_context
def hardware(
    ctx: click.Context,
    parts: tuple[str, ...],
    no_ask: bool,
    config_path: Path | None,
    pins_path: Path | None,
    bar: str,
    backend: str,
    source: str | None,
) -> None:
    """Try each part by itself: pins, lamps, buzzer, button, sensors with the light on and off, camera.

    Take all cards out first, and stop `logicienne run`. The exit code is 1 when something is not in order.
    """
    given = load_config(config_path)
    spec = source or given.source
    table = pins_path or (Path(given.pins) if given.pins else None)
    pins = load_pins(table).pi
    wanted = parts or ("panel", "sensors" if spec.startswith("sensors:") else "camera")
    person = None if no_ask else Person(lambda text: click.confirm(text, default=True), click.echo)
    failed = 0
    for finding in _findings(wanted, pins, person, bar, backend, spec):
        click.echo(f"{'✔' if finding.ok else '✘'} {finding.part}: {finding.words}")
        if not finding.ok:
            failed += 1
            click.echo(f"  → {finding.remedy}")
    click.echo("all in order" if not failed else f"{failed} not in order")
    ctx.exit(1 if failed else 0)


def _findings(
    wanted: tuple[str, ...], pins: PiPins, person: Person | None, bar: str, backend: str, spec: str
) -> Iterator[Finding]:
    if "panel" in wanted or "sensors" in wanted:
        yield check_library()
        pins_there, factory = check_pins()
        yield pins_there
        if factory is not None and "panel" in wanted:
            yield from check_lamps(factory, pins, person)
            yield check_button(factory, pins, person)
        if factory is not None and "sensors" in wanted:
            yield from _sensors(pins, person, bar, backend)
    if "camera" in wanted:
        yield check_source(spec)


def _sensors(pins: PiPins, person: Person | None, bar: str, backend: str) -> Iterator[Finding]:
    rows = len(bar_of(bar).rows_mm)
    try:
        lines = open_lines(pins, rows, backend)
    except GpioError as error:
        yield Finding("sensors", False, str(error), "stop logicienne run; see docs/maker/wiring.md")
        return
    try:
        yield from check_sensors(lines, rows, person)
    finally:
        lines.close()
