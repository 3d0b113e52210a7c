"""The export of a day: what its permanences counted, as CSV files in a folder."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from reader.export import tables
from reader.export.csv_files import ExportError, write_csv
from reader.store import Permanence, Store, StoredAnswer


@dataclass(frozen=True)
class Exported:
    """One file, and how many rows it holds below its header."""

    path: Path
    rows: int


def export_day(store: Store, day: date, folder: Path, language: str = "nl", bom: bool = False) -> list[Exported]:
    """Write the day's summary, and for every layout a long file, a wide file and a codebook.

    Only counted answers are written: a card that waits for review is in the summary's count and nowhere else. Answers
    of different layout versions never share a file. Raises `ExportError` and `reader.store.StoreError`.
    """
    sittings = {p.id: p for p in store.permanences(day)}
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ExportError(f"{folder}: cannot be made ({error.strerror}); choose another folder with --to") from error
    summary = folder / f"{day.isoformat()}-summary.csv"
    written = [
        Exported(summary, write_csv(summary, tables.SUMMARY_HEADER, map(tables.summary_row, sittings.values()), bom))
    ]
    for identity in store.layouts_used(list(sittings)):
        written += _export_layout(store, sittings, identity, folder / day.isoformat(), language, bom)
    return written


def _export_layout(
    store: Store, sittings: dict[str, Permanence], identity: str, stem: Path, language: str, bom: bool
) -> list[Exported]:
    layout = store.layout(identity)
    name = f"{stem.name}-{identity.replace('@', '-v')}"

    def counted() -> Iterator[StoredAnswer]:
        return store.counted(list(sittings), identity)

    contents = {
        "long": (tables.LONG_HEADER, tables.long_rows(counted(), layout, sittings, language)),
        "wide": (tables.wide_header(layout), tables.wide_rows(counted(), layout, sittings)),
        "codebook": (tables.CODEBOOK_HEADER, tables.codebook_rows(layout, language)),
    }
    paths = {kind: stem.with_name(f"{name}-{kind}.csv") for kind in contents}
    return [Exported(paths[kind], write_csv(paths[kind], *content, bom)) for kind, content in contents.items()]
