"""`logicienne export`."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import click

from reader.cli.options import Day, language_option, store_option
from reader.export import FORMATS, export, export_stories, select
from reader.store import open_store
from reader.store.stories import LEVELS, Level


@click.command("export", epilog="Example: logicienne export --day 2024-12-05 --to out/ --format xlsx --language fr")
@click.option("--day", type=Day(), help="Default: today, unless another choice is made.")
@click.option("--permanence", help="One permanence, by its id.")
@click.option("--since", type=Day(), help="From this day on.")
@click.option("--until", type=Day(), help="Up to and with this day.")
@click.option("--all", "everything", is_flag=True, help="Everything there is.")
@click.option("--first", is_flag=True, help="First readings, doubtful ones too, in place of what counts after reviews.")
@click.option("--to", "folder", type=click.Path(path_type=Path, file_okay=False), required=True, help="A folder.")
@click.option("--format", "formats", type=click.Choice(FORMATS), multiple=True, default=("csv",), show_default=True,
              help="May be given again.")  # fmt: skip
@click.option(
    "--stories", "level", type=click.Choice(LEVELS), help="Also the stories that may go this far, in their own file."
)
@click.option("--bom", is_flag=True, help="Begin CSV files with a mark by which Excel sees that they are UTF-8.")
@language_option("nl")
@store_option
def command(
    day: date | None, permanence: str | None, since: date | None, until: date | None, everything: bool, first: bool,
    folder: Path, formats: tuple[str, ...], level: Level | None, bom: bool, language: str, store_path: Path | None,
) -> None:  # fmt: skip
    """Write answers as CSV (long: a row an answer; wide: a row a card; codebook), Excel, SPSS, Data Package or DDI."""
    if day is None and not (permanence or since or until or everything):
        day = date.today()
    with open_store(store_path) as store:
        chosen = select(store, day=day, since=since, until=until, permanence=permanence, first=first)
        files = export(store, chosen, folder, language, formats, bom)
        if level is not None:
            files.append(export_stories(store, chosen, folder, level, bom))
    for file in files:
        click.echo(f"{file.path}  ({file.rows} rows)")
    if not chosen.sittings:
        click.echo("there was no permanence then; see: logicienne permanence list", err=True)
