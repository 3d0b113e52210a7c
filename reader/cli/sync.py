"""`logicienne sync`: send, enrol, status, separate."""

from __future__ import annotations

import time
from datetime import date
from pathlib import Path

import click

from reader.cli.options import store_option
from reader.cli.status import sent
from reader.config import load_config
from reader.store import Store, StoreError, open_store
from reader.store.outbox import outbox
from reader.sync import enrol as enrolment
from reader.sync import identity as identities
from reader.sync.client import Exchange
from reader.sync.errors import SyncError
from reader.sync.http import Http
from reader.sync.patience import Patience
from reader.sync.stick import carry


@click.group("sync", invoke_without_command=True, epilog="Example: logicienne sync   ·   logicienne sync --watch")
@click.option(
    "--to", metavar="URL|FOLDER", help="Default: `to` in logicienne.toml, else where the machine was enrolled."
)
@click.option("--watch", is_flag=True, help="Go on until stopped, also where there is no network yet.")
@click.option("--config", "config_path", type=click.Path(path_type=Path, dir_okay=False),
              help="Options as a file. Default: logicienne.toml, where there is one.")  # fmt: skip
@store_option
@click.pass_context
def command(ctx: click.Context, to: str | None, watch: bool, config_path: Path | None, store_path: Path | None) -> None:
    """Send what was kept to the organisation, over the network or by a folder on a stick.

    Only a receipt that the collector signed makes a record safe. The cards of an open sitting wait until it is closed.
    It may be stopped and started at any time, also while the machine reads.
    """
    if ctx.invoked_subcommand is not None:
        return
    config = load_config(config_path)
    with open_store(store_path) as store, identities.alone(store.path):
        target = to or config.sync.to
        if watch:
            _watch(store, target, config.sync.every_s)
        else:
            click.echo(_once(store, target))


def _watch(store: Store, target: str, every_s: int) -> None:
    """Again and again; a failure is told once, and waited out."""
    patience, failures, told = Patience(longest_s=float(every_s)), 0, ""
    while True:
        try:
            said, failures = _once(store, target), 0
        except (SyncError, StoreError) as error:
            said, failures = f"{error}; trying again", failures + 1
        if said != told:
            click.echo(said)
        told = said
        time.sleep(patience.wait_s(failures + 3) if failures else every_s)


def _once(store: Store, target: str) -> str:
    """One sync; what it did, in words."""
    identity = identities.load(store.path)
    to = target or identity.enrolled().url
    if not to.startswith(("http://", "https://")):
        return _carried(store, Path(to))
    with Http(to, identity.enrolled().token, earliest=_latest_day(store)) as line:
        report = Exchange(store, line).run()
    return "\n".join([f"{report.sent} records sent, {report.safe} more are safe", *report.notes, *_left(store)])


def _carried(store: Store, folder: Path) -> str:
    done = carry(store, folder)
    lines = [f"written: {path}" for path in done.files]
    if done.safe:
        lines.append(f"receipts found: {done.safe} more records are safe")
    if done.files:
        lines.append(f"{done.records} records in them; they are safe when the stick comes back with receipts")
    return "\n".join([*lines, *done.notes, *_left(store)])


def _left(store: Store) -> list[str]:
    return sent(store, outbox(store))


def _latest_day(store: Store) -> date | None:
    """The newest sitting's day; the clock cannot be before it, unless somebody planned ahead."""
    days = [d for (d,) in store.rows("SELECT day FROM openings ORDER BY day DESC LIMIT 1")]
    return date.fromisoformat(days[0]) if days else None


@command.command("enrol", epilog="Example: logicienne sync enrol https://collector.example.org KMRT-XWPA")
@click.argument("url")
@click.argument("code")
@store_option
def enrol_(url: str, code: str, store_path: Path | None) -> None:
    """Make this machine known to the collector at URL, with the CODE the organisation gave."""
    with open_store(store_path) as store, identities.alone(store.path), Http(url, earliest=_latest_day(store)) as line:
        done = enrolment.enrol(store.path, url, code, line)
    click.echo(f"enrolled with {done.enrolled().organisation or url} as machine {done.machine}; next: logicienne sync")


@command.command("status", epilog="Example: logicienne sync status")
@store_option
def status(store_path: Path | None) -> None:
    """What is safe, what waits, what was refused and what to do."""
    with open_store(store_path) as store:
        identity = identities.load(store.path)
        if identity.collector is None:
            click.echo("Not enrolled: ask the organisation for a code, then: logicienne sync enrol URL CODE")
        else:
            click.echo(f"Machine {identity.machine}, enrolled with {identity.collector.organisation} at "
                       f"{identity.collector.url}.")  # fmt: skip
        for line in _left(store):
            click.echo(line)


@command.command("separate", epilog="Example: logicienne sync separate")
@store_option
def separate(store_path: Path | None) -> None:
    """Give this store a name of its own, after its card was copied: both go on, and nothing is sent twice."""
    with open_store(store_path) as store, identities.alone(store.path):
        done = enrolment.separate(store.path)
        store.set("sync_clone", "no")
    click.echo(f"this is machine {done.machine} now; ask for a code, then: logicienne sync enrol URL CODE")
