"""`logicienne calibrate`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import click

from calibration.album import KINDS, Album
from calibration.check import WHAT_TO_DO, Check, Verdict, check_profile
from calibration.errors import CalibrationError
from calibration.guide import STEPS, Eyes, Talk, lead, learn_from, review
from calibration.judge import Lying
from calibration.lens import Board
from calibration.profile import Profile, load, save
from calibration.sheet import write_sheet
from cards.layout import Layout
from device.frame import Frame
from device.levels import tells_levels
from device.source import Source, SourceError, open_source
from reader.batch import picture_files
from reader.camera.lying import recognise
from reader.cli.calibrate_sensors import DEFAULT_SENSORS, check_bar, load_sensors, loaded, sensors, show_bar
from reader.cli.options import layout_option, layouts_of

DEFAULT_PROFILE = Path("data") / "machine.profile.zip"
PATIENCE_S = 30.0
"""A camera that gives no picture for so long will not give one."""
CHECK_PICTURES = 3
MARKS = {Verdict.SOUND: "✔", Verdict.WORN: "!", Verdict.RECALIBRATE: "✘", Verdict.UNCLEAR: "?"}

profile_option = click.option(
    "--profile", "profile_path", type=click.Path(path_type=Path, dir_okay=False),
    help=f"The machine's profile. Default: {DEFAULT_PROFILE}; of a bar of sensors {DEFAULT_SENSORS}.",
)  # fmt: skip
source_option = click.option(
    "--source", "spec", metavar="SOURCE", help="A camera: camera:0, rpicam:, http://… (as for logicienne run)."
)


@click.group(
    "calibrate",
    epilog="Example: logicienne calibrate sheet --out sheet.pdf   ·   then: logicienne calibrate camera --source camera:0",
)
def command() -> None:
    """Teach the machine its camera or its sensors, and check whether they still see what was learnt."""


command.add_command(sensors)


@command.command("sheet", epilog="Example: logicienne calibrate sheet --out sheet.pdf")
@click.option("--out", "path", type=click.Path(path_type=Path, dir_okay=False), required=True,
              help="A .pdf (to print), .svg or .png file.")  # fmt: skip
def sheet(path: Path) -> None:
    """Draw the sheet that teaches a camera its lens, on A4.

    Print it at 100 %, measure its ruler, cut along the grey line and glue the board on something stiff and flat.
    """
    try:
        write_sheet(path, Board())
    except ValueError as error:
        raise click.UsageError(str(error)) from error
    click.echo(f"{path}\nPrint at 100 % (not “fit to page”), then measure the ruler: 100 mm, give or take 0.3 mm.")


@command.command(
    "camera",
    epilog="Example: logicienne calibrate camera --source camera:0 --layout my-card/   ·   "
    "pictures taken before: logicienne calibrate camera --from pictures/ --layout my-card/ --out my.profile.zip",
)
@source_option
@click.option("--from", "given", type=click.Path(path_type=Path, file_okay=False, exists=True),
              help="No camera: learn from this folder's charuco/, bed/ and blank/.")  # fmt: skip
@click.option("--to", "folder", type=click.Path(path_type=Path, file_okay=False), default=Path("calibration-pictures"),
              show_default=True, help="Where pictures are kept; a calibration that was stopped goes on from there.")  # fmt: skip
@click.option(
    "--again", type=click.Choice([*STEPS]), multiple=True, help="Throw a step's pictures away, take them anew."
)
@click.option("--name", default="machine", show_default=True, help="What you call this machine.")
@click.option("--out", "path", type=click.Path(path_type=Path, dir_okay=False), default=DEFAULT_PROFILE,
              show_default=True, help="The profile's file.")  # fmt: skip
@layout_option
def camera(
    spec: str | None,
    given: Path | None,
    folder: Path,
    again: tuple[str, ...],
    name: str,
    path: Path,
    layout_names: tuple[str, ...],
) -> None:
    """Learn the lens, the empty bed and the blank cards; write the machine's profile.

    You need the sheet of `logicienne calibrate sheet` and one unpunched card of each layout. Every picture is judged as
    it is taken; a poor one is refused with its figures and asked for again. Stop with Ctrl-C: what was kept is kept.
    """
    if (spec is None) == (given is None):
        raise click.UsageError("give --source (a camera) or --from (a folder of pictures), one of them")
    layouts = layouts_of(layout_names)
    album = Album(given or folder)
    if given is None:
        for step in again:
            click.echo(f"{step}: {album.forget(STEPS[step])} pictures thrown away")
        with _opened(spec or "") as source:
            click.echo(f"Pictures are kept in {folder}. Stop with Ctrl-C; the same command goes on from there.\n")
            lead(album, layouts, Eyes(_taker(source), _recogniser(layouts)), Talk(_ask, click.echo))
    elif again:
        raise click.UsageError("--again takes pictures anew; it needs --source")
    _learn(album, layouts, name, spec or f"folder:{album.folder}", path)


@command.command(
    "check",
    epilog="Example: logicienne calibrate check --source camera:0   ·   pictures of the empty bed: --from pictures/   ·   "
    "a bar of sensors: --source head:/dev/ttyACM0",
)
@profile_option
@source_option
@click.option("--from", "given", type=click.Path(path_type=Path, exists=True),
              help="No camera: a picture of the empty bed, or a folder of them (or with them in bed/).")  # fmt: skip
@click.pass_context
def check(ctx: click.Context, profile_path: Path | None, spec: str | None, given: Path | None) -> None:
    """Tell with figures whether the profile still fits what is seen; the bed, or the bar of sensors, must be empty.

    sound: go on. worn: it reads, but do what is said soon. recalibrate, or unclear: do not read on (exit code 1).
    """
    if (spec is None) == (given is None):
        raise click.UsageError("give --source (a camera) or --from (a picture or a folder), one of them")
    if spec is not None and tells_levels(spec):
        bar, found = check_bar(spec, profile_path or DEFAULT_SENSORS)
        _tell(f"{bar.label}, learnt {bar.created} from {bar.source}", found)
    else:
        found = _check_camera(profile_path or DEFAULT_PROFILE, spec, given)
    if found.verdict in (Verdict.RECALIBRATE, Verdict.UNCLEAR):
        ctx.exit(1)


def _check_camera(path: Path, spec: str | None, given: Path | None) -> Check:
    profile = loaded(load, path, "camera")
    if given is not None:
        frames = _pictures(given)
    else:
        with _opened(spec or "") as source:
            take = _taker(source)
            frames = [take() for _ in range(CHECK_PICTURES)]
    found = check_profile(profile, frames)
    _tell(f"{profile.label}, learnt {profile.created} from {profile.camera}", found, _thresholds(profile))
    return found


@command.command("show", epilog="Example: logicienne calibrate show --profile my.profile.zip")
@profile_option
def show(profile_path: Path | None) -> None:
    """Print what a profile holds: when and how it was learnt, and how good it is."""
    if profile_path is not None and profile_path.suffix == ".json":
        show_bar(load_sensors(profile_path))
        return
    profile = loaded(load, profile_path or DEFAULT_PROFILE, "camera")
    lens, plane = profile.lens, profile.plane
    kept = [v for v in lens.views if not v.dropped]
    click.echo(f"{profile.label}, learnt {profile.created} by version {profile.software} from {profile.camera}")
    click.echo(f"pictures: {lens.size_px[0]} × {lens.size_px[1]} px, judged in {profile.channel}")
    click.echo(
        f"lens: {len(kept)} views, {lens.cover:.0%} of the picture covered, reprojection error {lens.rms_px:.3f} px"
    )
    for view in (v for v in lens.views if v.dropped):
        click.echo(f"  left out {view.name}: {view.dropped}")
    click.echo(
        f"plane: {abs(plane.translation_mm[2]):.0f} mm from the camera, cards' edges within {plane.residual_mm:.2f} mm"
    )
    click.echo(f"bed: {profile.bed.frames} pictures, flicker {profile.bed.flicker:.2%}")
    for blank in profile.blanks:
        click.echo(
            f"blank {blank.layout} {blank.face}: {blank.frames} pictures, outline within {blank.residual_mm:.2f} mm"
        )
    for topic, value in sorted(profile.figures.items()):
        click.echo(f"{topic}: {value:g}")
    click.echo(_thresholds(profile))


def _learn(album: Album, layouts: Sequence[Layout], name: str, source: str, path: Path) -> None:
    """Look through the album, learn from what is good, say what was left out, write the profile."""
    found = review(album, layouts, _recogniser(layouts))
    for refused in found.refused:
        click.echo(f"left out {refused}", err=True)
    no = [r.name.split("/")[0] for r in found.refused]
    counts = [len(album.paths(kind)) - no.count(kind) for kind in KINDS]
    click.echo("\nLearning from {} views of the sheet, {} of the bed, {} of blank cards …".format(*counts))
    profile = learn_from(album, layouts, found, name, source)
    try:
        save(profile, path)
    except OSError as error:
        raise CalibrationError(
            f"{path}: cannot be written ({error.strerror}); choose another place with --out"
        ) from error
    click.echo(f"lens: reprojection error {profile.lens.rms_px:.3f} px over {len(profile.lens.views)} views")
    click.echo(_thresholds(profile))
    click.echo(
        f"Written: {path}\nNext: logicienne calibrate check --profile {path}, then logicienne read … --profile {path}"
    )


def _thresholds(profile: Profile) -> str:
    limits = profile.thresholds
    return f"thresholds: clear up to {limits.clear_max:.0%} open, punched from {limits.punched_min:.0%}; between them uncertain"


def _tell(title: str, found: Check, *more: str) -> None:
    click.echo(title)
    for part in found.parts:
        click.echo(f"{MARKS[part.verdict]} {part.finding}")
    for line in more:
        click.echo(line)
    click.echo(f"verdict: {found.verdict.value}. {WHAT_TO_DO[found.verdict]}")


def _pictures(given: Path) -> list[Frame]:
    album = Album(given if given.is_dir() else given.parent)
    paths = (album.paths("bed") or picture_files([given])) if given.is_dir() else [given]
    if not paths:
        raise CalibrationError(f"{given}: holds no picture; give pictures of the empty bed")
    return album.frames(paths)


def _recogniser(layouts: Sequence[Layout]) -> Callable[[Frame], Lying | None]:
    return lambda frame: recognise(frame, layouts)


@contextmanager
def _opened(spec: str) -> Iterator[Source]:
    with open_source(spec) as source:
        if source.sweeps:
            raise SourceError(f"{spec}: gives no pictures; give a camera")
        if source.one_card_each:
            raise SourceError(f"{spec}: every picture there is another card; give a camera, or the folder with --from")
        yield source


def _taker(source: Source) -> Callable[[], Frame]:
    """The next picture that the camera takes from now on."""

    def take() -> Frame:
        told = None
        begin_s = source.now_s()
        while not source.ended:
            frame = source.wait(0.5)
            if isinstance(frame, Frame):
                return frame
            if source.problem and source.problem != told:
                told = source.problem
                click.echo(f"  waiting: {told}", err=True)
            if source.now_s() - begin_s > PATIENCE_S:
                break
        why = source.problem or "no picture came"
        raise CalibrationError(f"{source.name}: {why}; check the camera's cable, then go on with the same command")

    return take


def _ask(what: str) -> None:
    """Enter takes the picture; Ctrl-C or Ctrl-D stops."""
    click.prompt(f"\n{what}.\n[Enter] takes the picture", default="", show_default=False, prompt_suffix=" ")
