"""`logicienne permanence`: open, close, list."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table

from reader.cli.options import Day, store_option
from reader.store import KINDS, open_store


@click.group("permanence", epilog='Example: logicienne permanence open "Café Belga" --kind group --languages nl,fr')
def command() -> None:
    """A permanence is one sitting of the machine at one place. Cards are stored in the one that is open."""


@command.command("open", epilog='Example: logicienne permanence open "Café Belga" --day 2024-12-05')
@click.argument("place")
@click.option("--day", type=Day(), help="Default: today.")
@click.option("--kind", type=click.Choice(KINDS), default="event", show_default=True)
@click.option("--languages", default="", help="Spoken there, as codes with commas between: nl,fr,ar.")
@click.option("--operator", default="", help="A short code, never a name.")
@store_option
def open_(place: str, day: date | None, kind: str, languages: str, operator: str, store_path: Path | None) -> None:
    """Open a permanence at PLACE."""
    with open_store(store_path) as store:
        spoken = [code.strip() for code in languages.split(",") if code.strip()]
        try:
            new = store.open_permanence(place, day or date.today(), kind, spoken, operator)
        except ValueError as error:
            raise click.UsageError(str(error)) from None
    click.echo(new)


@command.command("close", epilog="Example: logicienne permanence close")
@click.argument("permanence", required=False)
@store_option
def close(permanence: str | None, store_path: Path | None) -> None:
    """Close the open permanence, or the one named: no card is added to it any more."""
    with open_store(store_path) as store:
        which = permanence or store.current_permanence()
        store.close_permanence(which)
        p = next(p for p in store.permanences() if p.id == which)
    click.echo(f"{p.place}, {p.day}: {p.accepted} accepted, {p.review} for review, {p.rejected} rejected; closed")


@command.command("list", epilog="Example: logicienne permanence list --day 2024-12-05")
@click.option("--day", type=Day(), help="Default: all days.")
@store_option
def list_(day: date | None, store_path: Path | None) -> None:
    """List permanences with their counts."""
    table = Table("day", "place", "kind", "accepted", "review", "rejected", "", "permanence", box=None, pad_edge=False)
    with open_store(store_path) as store:
        found = store.permanences(day)
        for p in found:
            counts = (str(p.accepted), str(p.review), str(p.rejected))
            table.add_row(str(p.day), p.place, p.kind, *counts, "closed" if p.closed else "[green]open[/]", p.id)
    if not found:
        click.echo('no permanence yet; open one: logicienne permanence open "Café Belga"', err=True)
        return
    console = Console()
    # A pipe has no width; ids must stay whole for whoever copies them.
    Console(width=None if console.is_terminal else 200).print(table)
