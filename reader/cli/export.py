"""`logicienne export`."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import click

from reader.cli.options import Day, language_option, store_option
from reader.export import export_day
from reader.store import open_store


@click.command("export", epilog="Example: logicienne export --day 2024-12-05 --to out/ --language fr")
@click.option("--day", type=Day(), help="Default: today.")
@click.option("--to", "folder", type=click.Path(path_type=Path, file_okay=False), required=True, help="A folder.")
@click.option("--bom", is_flag=True, help="Begin the files with a mark by which Excel sees that they are UTF-8.")
@language_option("nl")
@store_option
def command(day: date | None, folder: Path, bom: bool, language: str, store_path: Path | None) -> None:
    """Write a day's counted answers as CSV: long (a row an answer), wide (a row a card), and the codebook."""
    when = day or date.today()
    with open_store(store_path) as store:
        for file in export_day(store, when, folder, language, bom):
            click.echo(f"{file.path}  ({file.rows} rows)")
        if not store.permanences(when):
            click.echo(f"there was no permanence on {when}; see: logicienne permanence list", err=True)
