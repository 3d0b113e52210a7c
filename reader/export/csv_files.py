"""CSV files that spreadsheets open safely and that are whole or not there at all."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from cards import files
from cards.errors import LogicienneError

FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")
"""A spreadsheet runs a cell that begins so; an apostrophe before it makes it text (OWASP, CSV injection)."""

FIRST = frozenset(FORMULA_STARTS)


class ExportError(LogicienneError, OSError):
    """A file that could not be written."""

    def __str__(self) -> str:
        """The message alone."""
        return str(self.args[0])


def neutral(cell: str) -> str:
    """The cell, so that no spreadsheet takes it for a formula."""
    return f"'{cell}" if cell.startswith(FORMULA_STARTS) else cell


def write_csv(path: Path, header: list[str], rows: Iterable[list[str]], bom: bool = False) -> int:
    """Write all rows, or leave what was there; returns their number. `bom`: for Excel, which takes UTF-8 for Latin-1.

    Raises `ExportError`.
    """
    count = 0
    with csv_file(path, header, bom) as write:
        for row in rows:
            write(row)
            count += 1
    return count


@contextmanager
def csv_file(path: Path, header: list[str], bom: bool = False) -> Iterator[Callable[[list[str]], None]]:
    """A CSV file that is whole or not there at all; call what it gives with each row. Raises `ExportError`."""
    with whole_text(path, "utf-8-sig" if bom else "utf-8") as file:
        writerow = csv.writer(file, lineterminator="\r\n").writerow

        def write(row: list[str]) -> None:
            # Few rows hold such a cell; looking for one is much quicker than making every cell anew.
            risky = not FIRST.isdisjoint([cell[:1] for cell in row])
            writerow([neutral(cell) for cell in row] if risky else row)

        writerow(header)
        yield write


@contextmanager
def whole_text(path: Path, encoding: str = "utf-8") -> Iterator[TextIO]:
    """A text file that takes its name only once it is complete and on disk."""
    with whole(path) as part, part.open("w", encoding=encoding, newline="") as file:
        yield file


@contextmanager
def whole(path: Path) -> Iterator[Path]:
    """A name to write to, as `cards.files.whole`. Raises `ExportError` when the disk refuses."""
    try:
        with files.whole(path) as part:
            yield part
    except OSError as error:
        raise ExportError(f"{path}: cannot be written ({error.strerror}); choose another folder with --to") from error
