"""`logicienne backup`."""

from __future__ import annotations

from pathlib import Path

import click

from cards.errors import LogicienneError
from reader.cli.options import store_option
from reader.store import open_store
from reader.store.backup import backup, second_medium, set_second_medium


@click.command("backup", epilog="Example: logicienne backup /media/usb/logicienne --always")
@click.argument("dest", required=False, type=click.Path(path_type=Path, file_okay=False))
@click.option("--always", is_flag=True, help="From now on make a copy there whenever a permanence closes.")
@store_option
def command(dest: Path | None, always: bool, store_path: Path | None) -> None:
    """Copy the store to DEST, another medium. The copy is verified, and the newest fourteen are kept."""
    with open_store(store_path) as store:
        folder = dest or second_medium(store.path)
        if folder is None:
            raise LogicienneError(
                "no second medium is set; name a folder: logicienne backup /media/usb/logicienne --always"
            )
        path = backup(store, folder)
        if always:
            set_second_medium(store.path, folder)
    click.echo(str(path))
