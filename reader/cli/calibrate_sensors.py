"""`logicienne calibrate sensors`, and a bar's part of `calibrate check` and `calibrate show`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import click

from calibration.check import Check
from calibration.errors import CalibrationError
from calibration.guide import Talk
from calibration.sensor_check import check_sensors
from calibration.sensor_guide import lead
from calibration.sensor_profile import SensorProfile, load, save
from device.levels import Bench, open_bench

DEFAULT_SENSORS = Path("data") / "sensors.profile.json"
T = TypeVar("T")


@click.command("sensors", epilog="Example: logicienne calibrate sensors --source head:/dev/ttyACM0   ·   "
               "without one: logicienne calibrate sensors --source sim-bar: --out try.json")  # fmt: skip
@click.option("--source", "spec", metavar="SOURCE", required=True,
              help="A bar of sensors: head:/dev/ttyACM0, sensors:, sim-bar: (as for logicienne run).")  # fmt: skip
@click.option("--name", default="machine", show_default=True, help="What you call this machine.")
@click.option("--out", "path", type=click.Path(path_type=Path, dir_okay=False), default=DEFAULT_SENSORS,
              show_default=True, help="The profile's file.")  # fmt: skip
def sensors(spec: str, name: str, path: Path) -> None:
    """Learn a bar of sensors: how much light each one needs, what paper lets through, whether the strip shows.

    You need one unpunched card. Every step is judged at once; a wrong one is refused with its figures and asked for
    again, and a sensor that is weak, dirty or stuck is named. Stop with Ctrl-C: then nothing was learnt.
    """
    with opened(spec) as bench:
        profile = lead(bench, Talk(_ask, click.echo), name)
    try:
        save(profile, path)
    except OSError as error:
        raise CalibrationError(
            f"{path}: cannot be written ({error.strerror}); choose another place with --out"
        ) from error
    click.echo(
        f"Written: {path}\nNext: logicienne calibrate check --source {spec}, then logicienne run --profile {path} …"
    )


@contextmanager
def opened(spec: str) -> Iterator[Bench]:
    """The bar, let go of at the end."""
    bench = open_bench(spec)
    try:
        yield bench
    finally:
        bench.close()


def check_bar(spec: str, path: Path) -> tuple[SensorProfile, Check]:
    """Compare the bar with its profile."""
    profile = load_sensors(path)
    with opened(spec) as bench:
        return profile, check_sensors(profile, bench)


def load_sensors(path: Path) -> SensorProfile:
    """A bar's profile. Raises `CalibrationError`, also when it cannot be opened."""
    return loaded(load, path, "sensors")


def loaded(load: Callable[[Path], T], path: Path, kind: str) -> T:
    """A profile of `logicienne calibrate <kind>`. Raises `CalibrationError`, also when it cannot be opened."""
    try:
        return load(path)
    except OSError as error:
        raise CalibrationError(
            f"{path}: cannot be opened ({error.strerror}); give --profile, or make one with: logicienne calibrate {kind}"
        ) from error


def show_bar(profile: SensorProfile) -> None:
    """Print what it holds."""
    click.echo(f"{profile.label}, learnt {profile.created} by version {profile.software} from {profile.source}")
    click.echo(f"bar: {profile.bar}, {profile.rows} rows; light {profile.duty / 10:.0f} %")
    for k, sensor in enumerate(profile.sensors):
        need = profile.need(k)
        told = [] if need is None else [f"needs {need:.2f} of its aperture"]
        levels = {"light off": sensor.unlit, "light": sensor.light, "dark": sensor.dark}
        told += [f"{name} {value:.3f}" for name, value in levels.items() if value is not None]
        click.echo(f"sensor {sensor.name}: {', '.join(told) or 'tells light from dark'}")


def _ask(what: str) -> None:
    click.prompt(f"\n{what}.\n[Enter] goes on", default="", show_default=False, prompt_suffix=" ")
