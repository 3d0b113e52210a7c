"""`logicienne story`: write down, list, erase."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from reader.cli.options import store_option
from reader.store import open_store
from reader.store.backup import erase_in_copies, second_medium
from reader.store.stories import LEVELS, Level, erase, stories, tell


@click.group("story", epilog='Example: echo "Ik doe alles met de bakfiets." | logicienne story tell --language nl')
def command() -> None:
    """What residents told, with their consent; may be erased at any time, everywhere."""


@command.command(
    "tell", epilog='Example: echo "…" | logicienne story tell --language nl --level quote --consent "Zonder naam"'
)
@click.option("--language", required=True, help="The language it was told in: nl, fr, ar, …")
@click.option("--level", type=click.Choice(LEVELS), default="inside", show_default=True,
              help="inside: only in the organisation; quote: without a name; public.")  # fmt: skip
@click.option("--consent", required=True, help="The words the resident agreed to.")
@click.option("--question", default="", help="The question or follow-up it answers.")
@click.option("--card", "reading", default="", help="The id of the resident's card.")
@click.option("--follow-up", "follow_up", is_flag=True, help="It answers a follow-up question.")
@click.option("--permanence", help="Default: the one that is open.")
@store_option
def tell_(
    language: str, level: Level, consent: str, question: str, reading: str, follow_up: bool, permanence: str | None,
    store_path: Path | None,
) -> None:  # fmt: skip
    """Keep a story: its text comes from standard input, so that it stays out of the shell's history."""
    if sys.stdin.isatty():
        click.echo("Type the story; end with Ctrl-D on a line of its own.", err=True)
    text = sys.stdin.read().strip()
    with open_store(store_path) as store:
        try:
            new = tell(
                store,
                permanence or store.current_permanence(),
                text,
                language=language,
                level=level,
                consent=consent,
                reading=reading,
                question=question,
                kind="follow_up" if follow_up else "story",
            )
        except ValueError as error:
            raise click.UsageError(str(error)) from None
    click.echo(new)


@command.command("list", epilog="Example: logicienne story list")
@store_option
def list_(store_path: Path | None) -> None:
    """List all stories."""
    with open_store(store_path) as store:
        for s in stories(store):
            words = "(erased)" if s.text is None else " ".join(s.text.split())
            click.echo(f"{s.id}  {s.language}  {s.level}  {words[:80]}{'…' if len(words) > 80 else ''}")


@command.command("erase", epilog="Example: logicienne story erase 3f0c2a9e-…")
@click.argument("story")
@click.option("--reason", default="asked for", show_default=True)
@store_option
def erase_(story: str, reason: str, store_path: Path | None) -> None:
    """Erase a story's words here and in the copies on the second medium. That there was one stays known."""
    with open_store(store_path) as store:
        erase(store, story, reason)
        folder = second_medium(store.path)
        if folder is None:
            click.echo("erased; no second medium is set, so erase it in any copies made elsewhere too")
        elif not folder.is_dir():
            click.echo(f"erased here; the second medium ({folder}) is not there: do this again when it is", err=True)
            raise click.exceptions.Exit(1)
        else:
            click.echo(f"erased, and in {erase_in_copies(folder, story)} copies in {folder}")
