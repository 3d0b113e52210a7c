"""`logicienne run`: the machine at work."""

from __future__ import annotations

import signal
import tempfile
import threading
from collections.abc import Callable
from contextlib import suppress
from datetime import date
from functools import partial
from pathlib import Path
from urllib.parse import urlencode

import click

from calibration.errors import CalibrationError
from calibration.profile import load as load_profile
from calibration.sensor_profile import SensorProfile
from cards.layout import Layout
from cards.load import catalogue, find_layout, shipped
from device.frame import Frame
from device.panel import Panel, terminal_panel
from device.source import Source, SourceError, open_source
from reader.camera import read_frame
from reader.cli.calibrate_sensors import load_sensors
from reader.cli.options import LANGUAGES, layout_option, store_option
from reader.cli.panel import open_panel
from reader.config import EXAMPLE, Config, load_config
from reader.reading import Reading, Rejection
from reader.service import Service, Work, words
from reader.slip import slip_maker
from reader.store import Store, StoreError, open_store

SIMULATED = "Simulation"


@click.command("run", epilog="Example: logicienne run --source sim:   ·   logicienne run --place 'Café Belga'")
@click.option("--config", "config_path", type=click.Path(path_type=Path, dir_okay=False),
              help="Options as a file. Default: logicienne.toml, where there is one.")  # fmt: skip
@click.option("--example-config", is_flag=True, help="Print such a file, with every option explained, and stop.")
@click.option("--source", metavar="SOURCE",
              help="Where cards come from: camera:0, rpicam:, folder:scans/, http://…, sim:, sim-bar: (docs/run.md)")  # fmt: skip
@layout_option
@store_option
@click.option("--permanence", help="Keep the cards in this permanence. Default: the one that is open.")
@click.option("--place", help="Open a permanence at this place when none is open.")
@click.option("--profile", "profile_path", type=click.Path(path_type=Path, dir_okay=False),
              help="The calibration profile of this machine. Default: none; cards are read uncalibrated.")  # fmt: skip
@click.option("--language", type=click.Choice(LANGUAGES), help="Of the panel. Default: en.")
def command(
    config_path: Path | None,
    example_config: bool,
    source: str | None,
    layout_names: tuple[str, ...],
    store_path: Path | None,
    permanence: str | None,
    place: str | None,
    profile_path: Path | None,
    language: str | None,
) -> None:
    """Run the machine: read what lies under the camera or is fed past the sensors, keep it, show it.

    Green means: the card is on disk. Ctrl-C or SIGTERM ends it after the card in hand; started again, it loses nothing
    and counts nothing twice. A simulated sitting (sim:, sim-bar:) goes to a store of its own unless --store names one.
    """
    if example_config:
        click.echo(EXAMPLE, nl=False)
        return
    profile_name = None if profile_path is None else str(profile_path)
    given = _with(load_config(config_path), source, layout_names, place, profile_name, language)
    where = store_path or (Path(given.store) if given.store else None)
    panel = open_panel(given, terminal_panel())
    try:
        if given.source.startswith(("sim:", "sim-bar:")) and store_path is None:
            # Simulated cards must never be counted among real ones.
            with tempfile.TemporaryDirectory(prefix="logicienne-run-") as folder:
                panel.say("simulated: a store of its own, gone afterwards (keep it with --store FILE)")
                _run(given.model_copy(update={"place": given.place or SIMULATED}), Path(folder) / "run.db", None, panel)
        else:
            _run(given, where, permanence, panel)
    finally:
        panel.close()


def _with(
    config: Config,
    source: str | None,
    layout_names: tuple[str, ...],
    place: str | None,
    profile: str | None,
    language: str | None,
) -> Config:
    """The file's options with those of the command line in their place."""
    given = {
        "source": source,
        "layouts": list(layout_names) or None,
        "place": place,
        "profile": profile,
        "language": language,
    }
    return config.model_copy(update={name: value for name, value in given.items() if value is not None})


def _reader(profile: str, layouts: tuple[Layout, ...], panel: Panel) -> Callable[[Frame], Reading | Rejection]:
    """How a frame is read: against this machine's empty bed and blank cards where there is a profile of it."""
    look = partial(read_frame, layouts=layouts, known=catalogue(layouts))
    if not profile:
        return look
    try:
        calibrated = load_profile(Path(profile))
    except OSError as error:
        raise CalibrationError(f"{profile}: cannot be read ({error.strerror}); see: logicienne calibrate") from error
    panel.say(f"calibrated: {calibrated.label}")
    return partial(look, profile=calibrated)


def _tuned(profile: str, source: Source, panel: Panel) -> SensorProfile | None:
    """The bar's profile, where there is one; its light and limits are told to the source."""
    if not profile:
        return None
    learnt = load_sensors(Path(profile))
    source.tune(learnt.duty, learnt.limits())
    panel.say(f"calibrated: {learnt.label}")
    return learnt


def _layouts(given: Config, source: Source) -> tuple[Layout, ...]:
    """The cards in use: those that are named, or what holds for the kind of source. Raises `SourceError`."""
    if source.sweeps and "layouts" not in given.model_fields_set:
        return tuple(y for y in map(find_layout, shipped()) if y.sensor_bar is not None)
    layouts = tuple(find_layout(name) for name in given.layouts)
    if source.sweeps and all(y.sensor_bar is None for y in layouts):
        names = ", ".join(y.identity for y in layouts)
        raise SourceError(f"no sensors can read {names}: name a card with a sensor_bar, as stadslogistiek-bar has one")
    return layouts


def _run(given: Config, where: Path | None, permanence: str | None, panel: Panel) -> None:
    stop = _stopped_by_signals()
    with open_source(_with_pins(given)) as source, open_store(where) as store:
        layouts = _layouts(given, source)
        sitting = _sitting(store, permanence, given.place, panel)
        panel.say(f"reading from {source.name}, keeping in {store.path}")
        # A profile is of the camera or of the bar, whichever reads here.
        bar = _tuned(given.profile, source, panel) if source.sweeps else None
        look = _reader("" if source.sweeps else given.profile, layouts, panel)
        slip = slip_maker(store, given.language) if given.panel.printer else None
        work = Work(look, layouts, sitting, given.language, given.delays.delays(), bar, slip)
        counts = Service(source, store, panel, work, stop).run()
        with suppress(OSError):
            panel.say(words.counts(counts, store.unsent(), given.language))


def _with_pins(given: Config) -> str:
    """The source; a bar on the Pi's own pins hears of this machine's pin table."""
    if not given.pins or not given.source.startswith("sensors:") or "pins=" in given.source:
        return given.source
    return f"{given.source}{'&' if '?' in given.source else '?'}{urlencode({'pins': given.pins})}"


def _stopped_by_signals() -> threading.Event:
    """Set by SIGTERM and Ctrl-C: the card in hand is finished. A second Ctrl-C ends it at once."""
    stop = threading.Event()

    def handler(number: int, frame: object) -> None:
        if number == signal.SIGINT and stop.is_set():
            raise KeyboardInterrupt
        stop.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, handler)
    return stop


def _sitting(store: Store, permanence: str | None, place: str, panel: Panel) -> str:
    """The permanence that cards go to: the one named, the open one, or a new one at `place`."""
    opened = [p for p in store.permanences() if not p.closed]
    if permanence is None and place and not opened:
        panel.say(f"no permanence was open: opened one at {place}")
        return store.open_permanence(place, date.today())
    which = permanence or store.current_permanence()
    found = next((p for p in opened if p.id == which), None)
    if found is None:
        raise StoreError(f"{which} is no open permanence; see: logicienne permanence list")
    panel.say(f"the open permanence: {found.place}, {found.day}")
    return which
