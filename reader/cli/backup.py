"""`logicienne backup`."""

from __future__ import annotations

from pathlib import Path

import click

from cards.errors import LogicienneError
from reader.cli.options import store_option
from reader.store import open_store
from reader.store.backup import backup


@click.command("backup", epilog="Example: logicienne backup /media/usb/logicienne --always")
@click.argument("dest", required=False, type=click.Path(path_type=Path, file_okay=False))
@click.option("--always", is_flag=True, help="From now on make a copy there whenever a permanence closes.")
@store_option
def command(dest: Path | None, always: bool, store_path: Path | None) -> None:
    """Copy the store to DEST, another medium. The copy is verified, and the newest fourteen are kept."""
    with open_store(store_path) as store:
        known = store.setting("backup")
        folder = dest or (Path(known) if known else None)
        if folder is None:
            raise LogicienneError(
                "no second medium is set; name a folder: logicienne backup /media/usb/logicienne --always"
            )
        path = backup(store, folder)
        if always:
            store.set("backup", str(folder.absolute()))
    click.echo(str(path))
