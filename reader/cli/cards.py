"""`logicienne cards`: check, draw."""

from __future__ import annotations

from pathlib import Path

import click

from cards import draw as drawing
from cards.errors import LogicienneError
from cards.load import LayoutError, find_layout, record_printed, shipped
from cards.raster import raster
from cards.svg import svg
from reader.cli.options import DEFAULT_LAYOUT, language_option

PNG_PX_PER_MM = 300 / 25.4


@click.group("cards", epilog="Example: logicienne cards check cards/layouts/stadslogistiek/layout.yaml")
def command() -> None:
    """Check and draw card layouts."""


@command.command("check", epilog="Example: logicienne cards check my-card/layout.yaml --lock")
@click.argument("names", nargs=-1, metavar="[LAYOUT]...")
@click.option("--lock", is_flag=True, help="Note that this version goes to print: from now on it may not change.")
@click.pass_context
def check(ctx: click.Context, names: tuple[str, ...], lock: bool) -> None:
    """Check layouts: every error at once, with its line and what to do. Default: those that come with the program."""
    failed = False
    for name in names or tuple(shipped()):
        try:
            layout = find_layout(name)
        except LayoutError as error:
            failed = True
            click.echo(str(error), err=True)
            continue
        languages = ", ".join(layout.languages)
        click.echo(
            f"{layout.identity}: in order; {len(layout.questions)} questions, {len(layout.positions)} positions, {languages}"
        )
        if lock and layout.folder is not None:
            click.echo(f"{layout.identity}: noted as printed in {record_printed(layout.folder / 'layout.yaml')}")
    if failed:
        ctx.exit(1)


@command.command("draw", epilog="Example: logicienne cards draw stadslogistiek --to card.svg --language fr")
@click.argument("name", default=DEFAULT_LAYOUT, metavar="[LAYOUT]")
@click.option(
    "--to", "path", type=click.Path(path_type=Path, dir_okay=False), required=True, help="A .svg or .png file."
)
@click.option("--back", is_flag=True, help="The back instead of the front.")
@language_option("nl")
def draw(name: str, path: Path, back: bool, language: str) -> None:
    """Draw a card in its real size, as SVG or as PNG at 300 dots per inch."""
    layout = find_layout(name)
    shapes = drawing.back(layout, language) if back else drawing.front(layout, language)
    try:
        if path.suffix.lower() == ".png":
            raster(layout, shapes, PNG_PX_PER_MM).save(path, dpi=(300, 300))
        elif path.suffix.lower() == ".svg":
            path.write_text(svg(layout, shapes), encoding="utf-8")
        else:
            raise click.UsageError(f"{path}: give a name that ends in .svg or .png")
    except OSError as error:
        raise LogicienneError(
            f"{path}: cannot be written ({error.strerror}); choose another place with --to"
        ) from error
    click.echo(str(path))
