"""`logicienne store`: info, check, rebuild, recover."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import click

from reader.cli.options import Day, store_option
from reader.store import default_path, open_store
from reader.store.backup import Recovery, is_damaged, recover, second_medium
from reader.store.check import check as check_store
from reader.store.migrations import MIGRATIONS


@click.group("store", epilog="Example: logicienne store check")
def command() -> None:
    """Look after the file that holds everything."""


@command.command("info", epilog="Example: logicienne store info")
@store_option
def info(store_path: Path | None) -> None:
    """What the store holds, and where."""
    with open_store(store_path) as store:
        click.echo(f"{store.path.absolute()}  ({store.path.stat().st_size / 1e6:.1f} MB)")
        (version,) = store.rows("PRAGMA user_version")[0]
        for step in MIGRATIONS[:version]:
            click.echo(f"  version {step.version}: {step.name}")
        for kind, count in store.rows("SELECT kind, count(*) FROM records GROUP BY kind ORDER BY kind"):
            click.echo(f"  {kind}: {count}")
        click.echo(f"  second medium: {second_medium(store.path) or 'none; see: logicienne backup --help'}")
        for name, target, counted in store.rows("SELECT name, target_cards, counted_cards FROM progress ORDER BY name"):
            click.echo(f"  {name}: {counted} of {target} cards")


@command.command(
    "target", epilog="Example: logicienne store target Nulmeting --cards 80 --since 2024-12-01 --until 2025-02-28"
)
@click.argument("name")
@click.option("--cards", type=click.IntRange(1), required=True, help="How many counted cards are hoped for.")
@click.option("--since", type=Day(), required=True)
@click.option("--until", type=Day(), required=True)
@store_option
def target(name: str, cards: int, since: date, until: date, store_path: Path | None) -> None:
    """Set a campaign's target; `store info` then shows how far it is."""
    with open_store(store_path) as store:
        try:
            store.add_campaign(name, cards, since, until)
        except ValueError as error:
            raise click.UsageError(str(error)) from None
    click.echo(f"{name}: {cards} cards from {since} to {until}")


@command.command("check", epilog="Example: logicienne store check")
@store_option
@click.pass_context
def check(ctx: click.Context, store_path: Path | None) -> None:
    """Check file, digests, stories and tables. Changes nothing; code 1 when something is wrong."""
    with open_store(store_path) as store:
        found = check_store(store)
        records = 0 if found else store.rows("SELECT count(*) FROM records")[0][0]
    for finding in found:
        click.echo(f"{finding.where}: {finding.what}", err=True)
    if found:
        ctx.exit(1)
    click.echo(f"{records} records, all in order")


@command.command("rebuild", epilog="Example: logicienne store rebuild")
@store_option
def rebuild(store_path: Path | None) -> None:
    """Make every table again from the records."""
    with open_store(store_path) as store:
        click.echo(f"made again from {store.rebuild()} records")


@command.command("recover", epilog="Example: logicienne store recover --from /media/usb/logicienne")
@click.option("--from", "folder", type=click.Path(path_type=Path, file_okay=False), help="The folder with the copies.")
@store_option
def recover_(folder: Path | None, store_path: Path | None) -> None:
    """When the store is damaged: set it aside and let the newest sound copy take over. Nothing is deleted."""
    path = store_path or default_path()
    damage = is_damaged(path)
    if damage is None:
        click.echo(f"{path} is sound; nothing to do")
        return
    click.echo(tell(path, damage, recover(path, folder or second_medium(path))))


def tell(path: Path, damage: str, done: Recovery) -> str:
    """What happened, plainly."""
    source = f"the copy {done.copy}" if done.copy else "what could be saved of it (no sound copy was found)"
    return (
        f"{path} was damaged ({damage}). It was set aside as {done.set_aside.name}.\n"
        f"{source} took over, with {done.salvaged} more records saved from the damaged file: {done.records} records.\n"
        "Compare the count with the cards in the box."
    )
