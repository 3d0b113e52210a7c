"""`logicienne bundle`: what is not safe yet, on a stick."""

from __future__ import annotations

from pathlib import Path

import click

from reader.cli.options import store_option
from reader.cli.status import sent
from reader.store import open_store
from reader.store.outbox import outbox
from reader.sync import identity as identities
from reader.sync.stick import carry


@click.group("bundle", epilog="Example: logicienne bundle write /media/usb")
def command() -> None:
    """A bundle is a file that carries records to the organisation where there is no network."""


@command.command("write", epilog="Example: logicienne bundle write /media/usb")
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
@store_option
def write(folder: Path, store_path: Path | None) -> None:
    """Write what is not safe yet into FOLDER, encrypted to the organisation; read the receipts that lie there first."""
    with open_store(store_path) as store, identities.alone(store.path):
        done = carry(store, folder)
        for path in done.files:
            click.echo(str(path))
        for note in done.notes:
            click.echo(note, err=True)
        found = f"{done.safe} more records are safe by the receipts found; " if done.safe else ""
        click.echo(f"{found}{done.records} records written" if done.files else f"{found}nothing new to write")
        for line in sent(store, outbox(store)):
            click.echo(line)
