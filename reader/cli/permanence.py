"""`logicienne permanence`: open, close, list."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table

from reader.cli.options import Day, store_option
from reader.cli.store import tell as told
from reader.store import KINDS, default_path, open_store
from reader.store.backup import backup, is_damaged, recover, second_medium


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
    _take_over_if_damaged(store_path or default_path())
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
        counts = f"{p.counted} counted, {p.waiting} waiting for review, {p.rejected} rejected"
        click.echo(f"{p.place}, {p.day}: {counts}; closed")
        folder = second_medium(store.path)
        # Closing is done whatever becomes of the copy; a missing stick is an error all the same.
        copy = backup(store, folder) if folder else None
    click.echo(f"copied to {copy}" if copy else "no second medium is set; see: logicienne backup --help", err=not copy)


@command.command("list", epilog="Example: logicienne permanence list --day 2024-12-05")
@click.option("--day", type=Day(), help="Default: all days.")
@store_option
def list_(day: date | None, store_path: Path | None) -> None:
    """List permanences with their counts."""
    table = Table("day", "place", "kind", "counted", "waiting", "rejected", "", "permanence", box=None, pad_edge=False)
    with open_store(store_path) as store:
        found = store.permanences(day)
        for p in found:
            counts = (str(p.counted), str(p.waiting), str(p.rejected))
            table.add_row(str(p.day), p.place, p.kind, *counts, "closed" if p.closed else "[green]open[/]", p.id)
    if not found:
        click.echo('no permanence yet; open one: logicienne permanence open "Café Belga"', err=True)
        return
    console = Console()
    # A pipe has no width; ids must stay whole for whoever copies them.
    Console(width=None if console.is_terminal else 200).print(table)


def _take_over_if_damaged(path: Path) -> None:
    """A sitting begins with a sound store: notice damage now, not after thirty cards."""
    damage = is_damaged(path)
    if damage is not None:
        click.echo(told(path, damage, recover(path, second_medium(path))), err=True)
