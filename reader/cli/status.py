"""`logicienne status`: how it stands, in plain words."""

from __future__ import annotations

from pathlib import Path

import click

from reader.cli.options import store_option
from reader.store import Store, open_store
from reader.store.backup import copies, second_medium
from reader.store.outbox import Outbox, outbox, refusals


@click.command("status", epilog="Example: logicienne status")
@store_option
def command(store_path: Path | None) -> None:
    """Say how it stands: the sitting, the cards, what has not reached the organisation, the copies."""
    with open_store(store_path) as store:
        for line in (*sittings(store), *sent(store, outbox(store)), copied(store)):
            click.echo(line)


def sittings(store: Store) -> list[str]:
    """The open sittings, or that there is none, and what waits for review anywhere."""
    found = store.permanences()
    lines = [
        f"Open since {p.day}: {p.place}, {_cards(p.counted)} counted, {p.waiting} waiting for review, "
        f"{p.rejected} rejected."
        for p in found
        if not p.closed
    ]
    waiting = sum(p.waiting for p in found if p.closed)
    if waiting:
        lines.append(f"Waiting for review in closed sittings: {_cards(waiting)}. See: logicienne review list")
    return lines if any(not p.closed for p in found) else ["No sitting is open.", *lines]


def sent(store: Store, counts: Outbox) -> list[str]:
    """What is safe at the organisation, what is not yet, and why."""
    last = store.setting("sync_last")
    lines = [f"Safe at the organisation: {_records(counts.safe)}. Last sync: {last or 'never'}."]
    to_send = counts.unsent - counts.in_open - counts.refused
    if to_send > 0:
        lines.append(
            f"Waiting to be sent: {_records(to_send)}. Next: logicienne sync, or logicienne bundle write FOLDER"
        )
    if counts.in_open:
        lines.append(f"Of open sittings, sent only after closing: {_records(counts.in_open)}.")
    if counts.refused:
        lines.append(f"Refused by the collector: {_records(counts.refused)}; they stay here.")
        lines += [f"  {kind} {record}: {why}" for record, _, kind, why in refusals(store)[:10]]
        lines.append(
            "  Update the older of the two programs, and sync again; if that does not help, tell the organisation."
        )
    if store.setting("sync_clone") == "yes":
        lines.append(
            "Another store speaks in this machine's name (a copied card?). Nothing is lost; on one of the two: "
            "logicienne sync separate"
        )
    return lines


def copied(store: Store) -> str:
    """Whether there are copies on a second medium."""
    folder = second_medium(store.path)
    if folder is None:
        return "No second medium is set: see logicienne backup --help"
    found = copies(folder)
    if not folder.is_dir():
        return f"The second medium ({folder}) is not there: connect it."
    return f"Copies in {folder}: {len(found)}" + (f", the newest {found[0].name}." if found else ".")


def _records(count: int) -> str:
    return f"{count} record" if count == 1 else f"{count} records"


def _cards(count: int) -> str:
    return f"{count} card" if count == 1 else f"{count} cards"
