"""`logicienne read --explain`: tables on the screen and a picture of how each card was judged."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from cards.layout import Layout
from device.frame import PictureError, decode_picture
from reader.batch import FileResult
from reader.cli.options import screen
from reader.explain import Explanation, explain
from reader.explain_picture import write_explained
from reader.reading import Punch

CERTAIN_SHOWN = 12
"""Positions beyond doubt that are listed, the nearest to a threshold first; the picture shows the rest."""
COLOURS = {Punch.PUNCHED: "green", Punch.UNCERTAIN: "yellow", Punch.CLEAR: "blue"}


def explained(
    results: Iterable[FileResult], layouts: list[Layout], folder: Path | None, language: str
) -> Iterator[FileResult]:
    """Pass every result on, after explaining it. folder: for the pictures; `None`: beside each card."""
    console = Console(stderr=True) if screen().is_terminal else Console(stderr=True, width=120)
    for result in results:
        try:
            frame = decode_picture(result.path.read_bytes(), result.path.name)
        except (OSError, PictureError):
            # Named at the end of the command like any other file that is no picture.
            yield result
            continue
        explanation = explain(frame, result.outcome, layouts, language)
        path = (folder or result.path.parent) / f"{result.path.stem}-explained.jpg"
        problem = write_explained(frame, explanation, path)
        show(explanation, result.path.name, console)
        console.print(problem or f"picture: {path}", highlight=False, markup=False)
        yield result


def show(explanation: Explanation, name: str, console: Console) -> None:
    """The outline's figures, the code, the positions: what is most in doubt first."""
    layout = explanation.layout.identity if explanation.layout else "no card-like outline"
    nearly = "" if explanation.passed or explanation.layout is None else "most nearly "
    console.print(
        f"\n[bold]{escape(name)}[/]: {explanation.verdict}, {nearly}{layout}, {explanation.face or 'no face'}"
    )
    for line in (*explanation.reasons, *explanation.code):
        console.print(f"  {line}", highlight=False, markup=False)
    if explanation.gates:
        table = Table("outline", "seen", "needed", "", box=None, pad_edge=False)
        for g in explanation.gates:
            table.add_row(g.name, g.found, g.limit, "" if g.passed else "[red]missed[/]")
        console.print(table)
    if not explanation.places:
        return
    limits = explanation.thresholds
    punched, clear = f"punched from {limits.punched_min:.2f}", f"clear up to {limits.clear_max:.2f}"
    console.print(f"open share of the hole: {punched}, {clear}, uncertain between them or in doubt", highlight=False)
    table = Table("position", "outcome", "open", "what would change it", "doubts", box=None, pad_edge=False)
    unsure = sum(p.punch is Punch.UNCERTAIN for p in explanation.places)
    for p in explanation.places[: unsure + CERTAIN_SHOWN]:
        outcome = f"[{COLOURS[p.punch]}]{p.punch}[/]"
        table.add_row(escape(p.name), outcome, f"{p.score.open:.2f}", p.change, "; ".join(p.doubts))
    console.print(table)
    rest = len(explanation.places) - unsure - CERTAIN_SHOWN
    if rest > 0:
        console.print(f"and {rest} more, each further from its threshold", highlight=False)
