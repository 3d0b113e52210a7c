"""`logicienne collector`: look after the collector: machines, permanences, forks, enrolment, erasures, exports."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.table import Table

from reader.cli.options import Day, F, language_option
from reader.export import FORMATS
from reader.store.stories import LEVELS, Level


def collector_option(command: F) -> F:
    """`--store`, of a collector."""
    return click.option(
        "--store", metavar="FILE|URL",
        help="A file, or postgresql://user@host/name. Default: $LOGICIENNE_COLLECTOR, else data/collector.db.",
    )(command)  # fmt: skip


@click.group("collector", epilog="Example: logicienne collector machines")
def command() -> None:
    """Look after the collector: what machines sent, who may send, exports over all of them."""


@command.command("machines", epilog="Example: logicienne collector machines")
@collector_option
def machines_(store: str | None) -> None:
    """List the machines: when last seen, what they have yet to send, what needs a look."""
    from reader.collector.machines import machines

    table = _table("machine", "name", "last seen", "clock", "held", "waiting", "permanences", "")
    with _open(store) as database:
        found = machines(database)
    for m in found:
        clock = "" if abs(m.clock_off_s) < 60 else f"{m.clock_off_s:+d} s"
        numbers = (str(m.records), str(m.waiting), str(m.permanences))
        table.add_row(m.machine, m.name, m.last_seen or "never", clock, *numbers, _remarks(m))
    _show(table, found, "no machine yet; enrol one: logicienne collector enrol 'Café machine'")


def _remarks(m: Any) -> str:
    remarks = []
    if m.revoked:
        remarks.append("revoked")
    if m.clone_seen:
        remarks.append(f"a copy of its store was seen on {m.clone_seen}: logicienne sync separate, on the copy")
    if m.forks:
        remarks.append(f"{m.forks} forks: logicienne collector forks")
    return "; ".join(remarks)


@command.command("permanences", epilog="Example: logicienne collector permanences")
@collector_option
def permanences_(store: str | None) -> None:
    """List all permanences of all machines."""
    from reader.collector.machines import permanences

    table = _table("day", "place", "machine", "records", "", "permanence")
    with _open(store) as database:
        found = permanences(database)
    for p in found:
        state = "closed" if p.closed else "open"
        table.add_row(p.day, p.place, p.name, str(p.records), state, p.permanence)
    _show(table, found, "no permanence yet: machines send theirs with logicienne sync")


@command.command("forks", epilog="Example: logicienne collector forks")
@collector_option
@click.pass_context
def forks_(ctx: click.Context, store: str | None) -> None:
    """List records of which two contents came; both are kept, the first is shown in exports. Code 1 when there are any."""
    from reader.collector.machines import forks

    with _open(store) as database:
        found = forks(database)
    for f in found:
        click.echo(f"{f.machine}  {f.kind} {f.id}  permanence {f.permanence or '-'}")
        click.echo(f"  first: {f.first}")
        click.echo(f"  other: {f.other}")
    if found:
        ctx.exit(1)
    click.echo("no forks")


@command.command("enrol", epilog="Example: logicienne collector enrol 'Machine 2' --url https://collector.example.org")
@click.argument("name")
@click.option("--url", default="", help="The collector's address, for the machine's command and the QR code.")
@collector_option
def enrol_(name: str, url: str, store: str | None) -> None:
    """Make a code that enrols one machine, within a quarter of an hour. NAME: what you call the machine."""
    import segno

    from reader.collector.machines import new_code

    with _open(store) as database:
        try:
            code = new_code(database, name)
        except ValueError as error:
            raise click.UsageError(str(error)) from None
    click.echo(code)
    click.echo(f"on the machine, within 15 minutes: logicienne sync enrol {url or 'URL'} {code}", err=True)
    if Console().is_terminal:
        segno.make(f"{url}#{code}" if url else code, micro=False).terminal(compact=True)


@command.command("revoke", epilog="Example: logicienne collector revoke 3f9a0c11e2b4")
@click.argument("machine")
@collector_option
def revoke_(machine: str, store: str | None) -> None:
    """Take nothing more from MACHINE (its id or name). What it sent stays."""
    from reader.collector.machines import revoke

    with _open(store) as database:
        click.echo(f"{revoke(database, machine)} is revoked; a new code enrols it again")


@command.command("erase", epilog="Example: logicienne collector erase 3f0c2a9e-…")
@click.argument("story")
@click.option("--reason", default="asked for", show_default=True)
@collector_option
def erase_(story: str, reason: str, store: str | None) -> None:
    """Erase the words of STORY here, and on its machine as soon as that asks. That there was one stays known."""
    from reader.collector.erasures import erase

    with _open(store) as database:
        held_by = erase(database, story, reason)
    click.echo(f"erased here; {', '.join(held_by)} will hear of it. Backups of the collector are yours to erase")


@command.command("take", epilog="Example: logicienne collector take /media/usb")
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
@collector_option
@click.pass_context
def take_(ctx: click.Context, folder: Path, store: str | None) -> None:
    """Take the bundles in FOLDER, and lay receipts beside them. Code 1 when one of them cannot be taken."""
    from reader.collector.keys import keys_path, with_keys
    from reader.collector.take import take

    with _open(store) as database:
        opened = take(with_keys(database, keys_path(store)), folder)
    for one in opened:
        if one.taken is None:
            click.echo(one.why, err=True)
            continue
        done = one.taken
        click.echo(f"{one.path.name}: machine {one.machine}, {done.taken} new records, {done.known} known")
        for refused in done.refused:
            click.echo(f"  refused {refused.id}: {refused.why}", err=True)
        if done.forks:
            click.echo(f"  {len(done.forks)} forks: logicienne collector forks", err=True)
    if not opened:
        click.echo(f"{folder}: no bundles; the machine writes them: logicienne bundle write {folder}", err=True)
    elif any(one.taken for one in opened):
        click.echo("receipts lie beside them: let the stick go back to its machine")
    if any(one.taken is None for one in opened):
        ctx.exit(1)


@command.command("check", epilog="Example: logicienne collector check")
@collector_option
@click.pass_context
def check_(ctx: click.Context, store: str | None) -> None:
    """Look at every record: its digest, and whether all sums are right. Changes nothing; code 1 when something is wrong."""
    from reader.collector.held import check

    with _open(store) as database:
        found = database.read(check)
    for drift in found:
        click.echo(f"{drift.machine}: {drift.what}", err=True)
    if found:
        ctx.exit(1)
    click.echo("all in order")


@command.command("move", epilog="Example: logicienne collector move postgresql://logicienne@localhost/logicienne")
@click.argument("target", metavar="FILE|URL")
@collector_option
def move_(target: str, store: str | None) -> None:
    """Copy everything into an empty database. Stop the collector first; start it with the new one afterwards."""
    from reader.collector.move import move

    with _open(store) as source, _open(target) as there:
        count = move(source, there)
    click.echo(f"{count} records moved; the keys stay where they are: name their file in $LOGICIENNE_COLLECTOR_KEYS")


@command.command("restored", epilog="Example: logicienne collector restored")
@collector_option
def restored_(store: str | None) -> None:
    """Say that a backup was put back: otherwise each machine would be taken for a copy of itself."""
    from reader.collector.move import forget_epochs

    with _open(store) as database:
        click.echo(f"{forget_epochs(database)} machines will send what the backup lacks, at their next sync")


@command.command(
    "export", epilog="Example: logicienne collector export --since 2024-12-01 --place 'Café Belga' --to out/"
)
@click.option("--machine", help="Of one machine: its id or name.")
@click.option("--place", help="Of one place, as it was written down.")
@click.option("--day", type=Day(), help="Of one day.")
@click.option("--since", "--from", "since", type=Day(), help="From this day on.")
@click.option("--until", type=Day(), help="Up to and with this day.")
@click.option("--permanence", help="One permanence, by its id.")
@click.option("--layout", help="Cards of one layout: id@version, or an id for all its versions.")
@click.option("--first", is_flag=True, help="First readings, doubtful ones too, in place of what counts after reviews.")
@click.option("--to", "folder", type=click.Path(path_type=Path, file_okay=False), required=True, help="A folder.")
@click.option("--format", "formats", type=click.Choice(FORMATS), multiple=True, default=("csv",), show_default=True,
              help="May be given again.")  # fmt: skip
@click.option("--stories", "level", type=click.Choice(LEVELS),
              help="Also the stories that may go this far, in their own file.")  # fmt: skip
@click.option("--bom", is_flag=True, help="Begin CSV files with a mark by which Excel sees that they are UTF-8.")
@language_option("nl")
@collector_option
def export_(
    machine: str | None, place: str | None, day: date | None, since: date | None, until: date | None,
    permanence: str | None, layout: str | None, first: bool, folder: Path, formats: tuple[str, ...],
    level: Level | None, bom: bool, language: str, store: str | None,
) -> None:  # fmt: skip
    """Write answers of all machines, or some, in the files that `logicienne export` makes. Default: everything."""
    from reader.collector.union import Wanted, union
    from reader.export import export, export_stories, select

    wanted = Wanted(machine, place, since or day, until or day, permanence, layout)
    with _open(store) as database, union(database, wanted) as all_of_it:
        # What is not wanted is not there; the choice is made once more for the files' names.
        chosen = select(all_of_it.store, day=day, since=since, until=until, first=first)
        files = export(all_of_it.store, chosen, folder, language, formats, bom)
        if level is not None:
            files.append(export_stories(all_of_it.store, chosen, folder, level, bom))
    for file in files:
        click.echo(f"{file.path}  ({file.rows} rows)")
    for note in all_of_it.notes:
        click.echo(note, err=True)
    if not chosen.sittings:
        click.echo("no permanence is like that; see: logicienne collector permanences", err=True)


def _open(store: str | None) -> Any:
    from reader.collector.database import open_database

    return open_database(store)


def _table(*columns: str) -> Table:
    return Table(*columns, box=None, pad_edge=False)


def _show(table: Table, found: list[Any], otherwise: str) -> None:
    if not found:
        click.echo(otherwise, err=True)
        return
    # A pipe has no width; ids must stay whole for whoever copies them.
    Console(width=None if Console().is_terminal else 200).print(table)
