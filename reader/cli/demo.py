"""`logicienne demo`: one card, all the way, thirty times."""

from __future__ import annotations

import tempfile
from collections import Counter
from datetime import date
from pathlib import Path

import click
from rich.console import Console
from rich.progress import track
from rich.table import Table

from cards.errors import LogicienneError
from cards.layout import Layout, Question, in_language
from cards.load import find_layout
from reader.batch import picture_files, read_files
from reader.cli.options import DEFAULT_LAYOUT, language_option, screen
from reader.cli.read import MARKS, keep
from reader.describe import describe
from reader.export import export, select
from reader.reading import Reading
from reader.store import Store, open_store

SAMPLE = Path("data") / "sample"
REASONS_SHOWN = 2


@click.command("demo", epilog="Example: logicienne demo --language fr --to out/")
@click.option("--deck", "folder", type=click.Path(path_type=Path), default=SAMPLE, show_default=True,
              help="The pictures to read.")  # fmt: skip
@click.option("--to", "out", type=click.Path(path_type=Path, file_okay=False),
              help="Keep store and export in this folder. Default: a new one.")  # fmt: skip
@language_option("en")
def command(folder: Path, out: Path | None, language: str) -> None:
    """Read a deck of sample cards into a scratch store, show what they say, write the export."""
    files = picture_files([folder]) if folder.is_dir() else []
    if not files:
        raise LogicienneError(
            f"{folder}: no pictures there; run this where the repository is, or make some: "
            f"logicienne simulate deck --out {folder}"
        )
    layout = find_layout(DEFAULT_LAYOUT)
    place = out or Path(tempfile.mkdtemp(prefix="logicienne-demo-"))
    console = Console()
    with open_store(place / "demo.db") as store:
        sitting = store.open_permanence("Demo", date.today(), "event", layout.languages)
        _read(files, store, sitting, layout, language, console)
        store.close_permanence(sitting)
        _counts(store, sitting, layout, language, console)
        written = export(store, select(store, day=date.today()), place / "export", language)
    console.print()
    for file in written:
        console.print(f"{file.path}  ({file.rows} rows)", highlight=False, soft_wrap=True)
    console.print(
        f"\nNext: look at what was read:  logicienne read {folder} --no-store --overlay look/\n"
        "      open your own sitting:  logicienne permanence open \"Café Belga\"",
        highlight=False, soft_wrap=True,
    )  # fmt: skip


def _read(files: list[Path], store: Store, sitting: str, layout: Layout, language: str, console: Console) -> None:
    table = Table("card", "verdict", "lies", "why", box=None, pad_edge=False)
    results = keep(read_files(files, [layout]), store, sitting, [layout])
    for result in track(results, "reading", total=len(files), console=screen()):
        outcome = result.outcome
        shown = describe(result.path.name, outcome, layout if isinstance(outcome, Reading) else None, language)
        reasons = [r["message"] for r in shown["reasons"]]
        more = [f"… and {len(reasons) - REASONS_SHOWN} more"] if len(reasons) > REASONS_SHOWN else []
        table.add_row(
            result.path.stem, MARKS[shown["verdict"]], shown["face"] or "–", "\n".join(reasons[:REASONS_SHOWN] + more)
        )
    console.print(table)


def _counts(store: Store, sitting: str, layout: Layout, language: str, console: Console) -> None:
    p = next(p for p in store.permanences() if p.id == sitting)
    console.print(
        f"\n{p.counted} counted, {p.waiting} waiting for review, {p.rejected} rejected", style="bold", highlight=False
    )
    feel = next((q for q in layout.questions if q.ask == "feel" and q.about), None)
    if feel is None or feel.about is None:
        return
    how = layout.question(feel.about)
    given: dict[str, dict[str, str]] = {}
    for a in store.counted([sitting], layout.identity):
        if a.state == "answered":
            given.setdefault(a.reading, {})[a.question] = a.value
    pairs = Counter((g[how.id], g[feel.id]) for g in given.values() if how.id in g and feel.id in g)
    console.print(_cross(how, feel, pairs, language))


def _cross(how: Question, feel: Question, pairs: Counter[tuple[str, str]], language: str) -> Table:
    """How × feel, as counts."""
    heads = [in_language(c.text, language) for c in feel.choices]
    table = Table(in_language(how.text, language), *heads, title=in_language(feel.text, language))
    for column in table.columns[1:]:
        column.justify = "right"
    for c in how.choices:
        cells = [pairs[(c.id, f.id)] for f in feel.choices]
        table.add_row(in_language(c.text, language), *(str(n) if n else "·" for n in cells))
    return table
