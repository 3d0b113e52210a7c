"""`logicienne review`: settle the doubtful cards."""

from __future__ import annotations

from pathlib import Path

import click

from cards.errors import LogicienneError
from cards.layout import Layout, in_language
from reader.cli.options import language_option, store_option
from reader.reading import Answer
from reader.store import open_store
from reader.store.reviews import DECISIONS, Decision, first_answers, review, undo_last, waiting


@click.group("review", epilog="Example: logicienne review list --pictures look/")
def command() -> None:
    """Settle the cards that wait: accept as read, correct an answer, or void. The first reading is kept as it is."""


@command.command("list", epilog="Example: logicienne review list --pictures look/ --language fr")
@click.option("--pictures", type=click.Path(path_type=Path, file_okay=False),
              help="Write the pictures of the doubtful spots to this folder.")  # fmt: skip
@language_option("en")
@store_option
def list_(pictures: Path | None, language: str, store_path: Path | None) -> None:
    """List the cards that wait, with what is doubtful on them."""
    with open_store(store_path) as store:
        cards = waiting(store)
        for card in cards:
            layout = store.layout(card.layout)
            click.echo(card.reading)
            for question, answer in first_answers(store, card.reading).items():
                if answer.state == "doubtful":
                    click.echo(f"  {question}: {in_language(layout.question(question).text, language)}  doubtful")
            for position, jpeg in card.evidence.items():
                if pictures is not None:
                    _write(pictures / f"{card.reading}-{position}.jpg", jpeg)
        click.echo(f"{len(cards)} waiting", err=True)


@command.command(
    "settle", epilog="Example: logicienne review settle 3f0c… correct --answer groceries_how=bike --reason asked"
)
@click.argument("reading")
@click.argument("decision", type=click.Choice(DECISIONS))
@click.option("--answer", "given", multiple=True, metavar="QUESTION=CHOICE",
              help="For `correct`: what is meant; several choices with commas, nothing after = for blank.")  # fmt: skip
@click.option("--reason", default="", help="A few words.")
@store_option
def settle(reading: str, decision: Decision, given: tuple[str, ...], reason: str, store_path: Path | None) -> None:
    """Decide about one card: accept, correct or void. Its id may be shortened to what is unique."""
    with open_store(store_path) as store:
        found = [i for (i,) in store.rows("SELECT id FROM readings WHERE substr(id, 1, ?) = ?", len(reading), reading)]
        if len(found) != 1:
            raise LogicienneError(f"{len(found)} cards begin with {reading!r}; see: logicienne review list")
        (identity,) = store.rows("SELECT layout FROM readings WHERE id = ?", found[0])[0]
        try:
            answers = dict(_answer(text, store.layout(identity)) for text in given)
            review(store, found[0], decision, reason, answers)
        except ValueError as error:
            raise click.UsageError(str(error)) from None
    click.echo(f"{found[0]}: {decision}")


@command.command("undo", epilog="Example: logicienne review undo")
@store_option
def undo(store_path: Path | None) -> None:
    """Void the card that was read last in the open sitting."""
    with open_store(store_path) as store:
        undone = undo_last(store, store.current_permanence())
    click.echo(f"{undone}: void" if undone else "nothing to undo: no card was read in this sitting")


def _answer(text: str, layout: Layout) -> tuple[str, Answer]:
    question, equals, value = text.partition("=")
    if not equals:
        raise click.UsageError(f"{text!r}: write an answer as question=choice")
    if not value:
        return question, Answer("blank")
    many = any(q.id == question and q.answer == "many" for q in layout.questions)
    return question, Answer("answered", tuple(value.split(",")) if many else value)


def _write(path: Path, data: bytes) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    except OSError as error:
        raise LogicienneError(f"{path}: cannot be written ({error.strerror}); choose another folder") from error
