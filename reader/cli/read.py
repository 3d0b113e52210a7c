"""`logicienne read`."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import click
from rich.console import Console
from rich.progress import Progress, TextColumn
from rich.table import Table

from calibration.profile import load
from cards.layout import Layout
from reader.batch import FileResult, picture_files, read_files
from reader.cli.explain import explained
from reader.cli.options import language_option, layout_option, layouts_of, profile_option, screen, store_option
from reader.decode import decode
from reader.describe import describe
from reader.reading import Reading
from reader.store import Store, open_store

MARKS = {"accepted": "[green]✔ accepted[/]", "review": "[yellow]? review[/]", "rejected": "[red]✘ rejected[/]"}


@click.command(
    "read",
    epilog="Example: logicienne read scans/ --no-store --overlay look/   ·   one JSON line a file: --format jsonl",
)
@click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path))
@layout_option
@profile_option
@store_option
@click.option("--permanence", help="Store the cards in this permanence. Default: the one that is open.")
@click.option("--no-store", is_flag=True, help="Read only; keep nothing.")
@click.option("--format", "form", type=click.Choice(["table", "jsonl"]), default="table", show_default=True,
              help="jsonl: one JSON object a file on standard output, nothing else there.")  # fmt: skip
@click.option("--overlay", "overlays", type=click.Path(path_type=Path, file_okay=False),
              help="Write each picture to this folder with what was read drawn on it.")  # fmt: skip
@click.option("--explain", "explain", is_flag=True,
              help="Say how each card was judged: figures on the screen, a picture <card>-explained.jpg beside it.")  # fmt: skip
@click.option("--explain-to", type=click.Path(path_type=Path, file_okay=False),
              help="The same, the pictures in this folder.")  # fmt: skip
@click.option("--jobs", type=click.IntRange(1, 64), show_default="one per core, for a folder",
              help="Processes that read.")  # fmt: skip
@language_option("en")
@click.pass_context
def command(
    ctx: click.Context,
    paths: tuple[Path, ...],
    layout_names: tuple[str, ...],
    profile_path: Path | None,
    store_path: Path | None,
    permanence: str | None,
    no_store: bool,
    form: str,
    overlays: Path | None,
    explain: bool,
    explain_to: Path | None,
    jobs: int | None,
    language: str,
) -> None:
    """Read pictures of cards: files, or folders of them.

    Each card becomes accepted, review or rejected, with its reasons, and is on disk before its line is printed. One bad
    file never stops the others; it is named at the end, and the exit code is then 1.
    """
    layouts = layouts_of(layout_names)
    files = picture_files(paths)
    profile = None if profile_path is None else load(profile_path)
    results: Iterator[FileResult] = read_files(files, layouts, jobs=jobs, overlays=overlays, profile=profile)
    if explain or explain_to is not None:
        results = explained(results, layouts, explain_to, language)
    if no_store:
        tally = _show(_progress(results, len(files), form), layouts, form, language)
    else:
        with open_store(store_path) as store:
            sitting = permanence or store.current_permanence()
            kept = keep(_progress(results, len(files), form), store, sitting, layouts)
            tally = _show(kept, layouts, form, language)
    _sum_up(tally, screen())
    if tally.problems:
        ctx.exit(1)


def keep(results: Iterable[FileResult], store: Store, permanence: str, layouts: list[Layout]) -> Iterator[FileResult]:
    """Store each card, then pass its result on: whoever sees the result knows it is on disk.

    A file that is no picture is no card and not stored; the same bytes a second time are the same card.
    """
    seen: set[str] = set()
    for result in results:
        outcome = result.outcome
        if isinstance(outcome, Reading):
            layout = _layout(layouts, outcome)
            store.append_reading(
                permanence,
                outcome,
                decode(outcome, layout),
                layout,
                picture=result.sha256,
                evidence=result.evidence,
            )
        elif result.sha256 and result.sha256 not in seen:
            store.append_rejection(permanence, outcome.reasons)
        seen.add(result.sha256)
        yield result


@dataclass
class Tally:
    """What a batch came to."""

    verdicts: dict[str, int] = field(default_factory=lambda: dict.fromkeys(MARKS, 0))
    problems: list[str] = field(default_factory=list)
    twice: int = 0


def _progress(results: Iterator[FileResult], total: int, form: str) -> Iterator[FileResult]:
    """The results, with a bar on a terminal while they come."""
    console = screen()
    if form == "jsonl" or not console.is_terminal or total < 2:
        yield from results
        return
    with Progress(*Progress.get_default_columns(), TextColumn("{task.completed}/{task.total}"), console=console) as bar:
        task = bar.add_task("reading", total=total)
        for result in results:
            yield result
            bar.advance(task)


def _show(results: Iterable[FileResult], layouts: list[Layout], form: str, language: str) -> Tally:
    tally = Tally()
    seen: set[str] = set()
    table = Table("file", "verdict", "why", box=None, pad_edge=False)
    for result in results:
        outcome = result.outcome
        layout = _layout(layouts, outcome) if isinstance(outcome, Reading) else None
        shown = describe(str(result.path), outcome, layout, language)
        tally.verdicts[shown["verdict"]] += 1
        tally.problems += [result.problem] if result.problem else []
        tally.twice += bool(result.sha256) and result.sha256 in seen
        seen.add(result.sha256)
        if form == "jsonl":
            click.echo(json.dumps(shown, ensure_ascii=False))
        else:
            table.add_row(result.path.name, MARKS[shown["verdict"]], "\n".join(r["message"] for r in shown["reasons"]))
    if form == "table":
        Console().print(table)
    return tally


def _sum_up(tally: Tally, console: Console) -> None:
    parts = [f"{count} {verdict}" for verdict, count in tally.verdicts.items()]
    console.print(", ".join(parts), highlight=False)
    if tally.twice:
        console.print(f"{tally.twice} file(s) were the same picture as another one; stored once")
    for problem in tally.problems:
        console.print(f"not read: {problem}", highlight=False, markup=False)


def _layout(layouts: list[Layout], reading: Reading) -> Layout:
    return next(y for y in layouts if y.digest == reading.layout_digest)
