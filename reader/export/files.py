"""The files of an export: one function a format, each whole on disk or not there at all."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from cards.layout import Layout
from reader.export import tables
from reader.export.csv_files import ExportError, csv_file, write_csv
from reader.export.selection import Selection
from reader.store import Store
from reader.store.stories import LEVELS, Level, stories

FORMATS = ("csv", "xlsx", "sav", "datapackage", "ddi")


@dataclass(frozen=True)
class Exported:
    """One file, and how many rows it holds below its header."""

    path: Path
    rows: int


def export(
    store: Store,
    selection: Selection,
    folder: Path,
    language: str = "nl",
    formats: Sequence[str] = ("csv",),
    bom: bool = False,
) -> list[Exported]:
    """Write the selection's summary, and its answers layout by layout in every format asked for.

    Answers of different layout versions never share a file. Raises `ExportError`, `reader.store.StoreError`, and
    `ValueError` for a format that does not exist.
    """
    if unknown := set(formats) - set(FORMATS):
        raise ValueError(f"there is no format {', '.join(sorted(unknown))}; there are: {', '.join(FORMATS)}")
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ExportError(f"{folder}: cannot be made ({error.strerror}); choose another folder with --to") from error
    summary = folder / f"{selection.name}-summary.csv"
    rows = map(tables.summary_row, selection.sittings.values())
    written = [Exported(summary, write_csv(summary, tables.SUMMARY_HEADER, rows, bom))]
    for identity in store.layouts_used(list(selection.sittings)):
        layout = store.layout(identity)
        stem = f"{selection.name}-{identity.replace('@', '-v')}"
        for name in formats:
            written += _WRITERS[name](Job(store, selection, layout, folder, stem, language, bom))
    return written


def export_stories(store: Store, selection: Selection, folder: Path, level: Level, bom: bool = False) -> Exported:
    """Write the stories whose consent reaches as far as `level`, in a file of their own. Raises `ExportError`."""
    allowed = LEVELS[LEVELS.index(level) :]
    told = [s for s in stories(store, list(selection.sittings)) if s.level in allowed and s.text is not None]
    path = folder / f"{selection.name}-stories-{level}.csv"
    rows = (tables.story_row(s, selection.sittings[s.permanence]) for s in told)
    return Exported(path, write_csv(path, tables.STORY_HEADER, rows, bom))


@dataclass(frozen=True)
class Job:
    """One layout's answers, to be written to files in `folder` whose names begin with `stem`."""

    store: Store
    selection: Selection
    layout: Layout
    folder: Path
    stem: str
    language: str
    bom: bool

    def path(self, ending: str) -> Path:
        """A file of this job."""
        return self.folder / f"{self.stem}-{ending}"


def _csv(job: Job) -> list[Exported]:
    long, wide, book = (job.path(f"{kind}.csv") for kind in ("long", "wide", "codebook"))
    sittings = job.selection.sittings
    row = tables.long_rows(job.layout, sittings, job.language)
    answers = cards = 0
    # Both files in one pass: reading a million cards twice would take twice as long.
    with (
        csv_file(long, tables.LONG_HEADER, job.bom) as write_answer,
        csv_file(wide, tables.wide_header(job.layout), job.bom) as write_card,
    ):
        for card in tables.cards(job.selection.answers(job.store, job.layout.identity)):
            for answer in card.answers:
                write_answer(row(answer))
            write_card(tables.wide_row(card, job.layout, sittings[card.permanence]))
            answers += len(card.answers)
            cards += 1
    explained = write_csv(book, tables.CODEBOOK_HEADER, tables.codebook_rows(job.layout, job.language), job.bom)
    return [Exported(long, answers), Exported(wide, cards), Exported(book, explained)]


def _xlsx(job: Job) -> list[Exported]:
    from reader.export.excel import write_xlsx

    path = job.path("data.xlsx")
    return [Exported(path, write_xlsx(path, job.store, job.selection, job.layout, job.language))]


def _sav(job: Job) -> list[Exported]:
    from reader.export.spss import write_sav, write_sps

    path, syntax = job.path(f"{job.language}.sav"), job.path(f"{job.language}.sps")
    answers = job.selection.answers(job.store, job.layout.identity)
    rows = write_sav(path, answers, job.layout, job.selection.sittings, job.language)
    return [Exported(path, rows), Exported(syntax, write_sps(syntax, path.name, job.layout, job.language))]


def _datapackage(job: Job) -> list[Exported]:
    from reader.export.package import write_package

    files = _csv(Job(job.store, job.selection, job.layout, job.folder, job.stem, job.language, bom=False))
    path = job.path("datapackage.json")
    return [*files, Exported(path, write_package(path, job.layout, job.stem, job.language))]


def _ddi(job: Job) -> list[Exported]:
    from reader.export.ddi import write_ddi

    path = job.path("ddi.xml")
    return [Exported(path, write_ddi(path, job.layout, job.selection.name, job.language))]


_WRITERS: Mapping[str, Callable[[Job], list[Exported]]] = {
    "csv": _csv, "xlsx": _xlsx, "sav": _sav, "datapackage": _datapackage, "ddi": _ddi,
}  # fmt: skip
