"""A workbook: data, codebook, permanences; written row by row, so that a million cards need no memory."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import xlsxwriter  # type: ignore[import-untyped]

from cards.layout import Layout
from reader.export import tables
from reader.export.csv_files import whole
from reader.export.selection import Selection
from reader.store import Store

SHEET_ROWS = 1_048_576
"""What a sheet of Excel holds; more go on in a second one."""
WIDTHS = {"card": 12, "permanence": 12, "place": 22, "day": 11, "question_text": 44, "value_text": 28}


def write_xlsx(path: Path, store: Store, selection: Selection, layout: Layout, language: str) -> int:
    """Write the workbook; returns how many cards are in it. Raises `ExportError`."""
    answers = selection.answers(store, layout.identity)
    with whole(path) as part:
        # Text stays text: what looks like a formula or a link is neither.
        options = {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
        with xlsxwriter.Workbook(str(part), options) as book:
            head = book.add_format({"bold": True, "bg_color": "#E8E2D0", "bottom": 1})
            header = tables.wide_header(layout)
            rows = (tables.wide_row(c, layout, selection.sittings[c.permanence]) for c in tables.cards(answers))
            count = _sheets(book, "data", header, rows, head)
            _sheets(book, "codebook", tables.CODEBOOK_HEADER, tables.codebook_rows(layout, language), head)
            sittings = map(tables.summary_row, selection.sittings.values())
            _sheets(book, "permanences", tables.SUMMARY_HEADER, sittings, head)
    return count


def _sheets(book: Any, name: str, header: list[str], rows: Iterable[list[str]], head: Any) -> int:
    """One sheet, or as many as the rows need."""
    count, sheet, at = 0, None, 0
    for row in rows:
        if sheet is None or at == SHEET_ROWS:
            if sheet is not None:
                sheet.autofilter(0, 0, at - 1, len(header) - 1)
            sheet, at = _sheet(book, name if count == 0 else f"{name} {count // (SHEET_ROWS - 1) + 1}", header, head), 1
        for column, cell in enumerate(row):
            if cell:
                _write(sheet, at, column, cell)
        at += 1
        count += 1
    if sheet is None:
        sheet, at = _sheet(book, name, header, head), 1
    sheet.autofilter(0, 0, max(at - 1, 1), len(header) - 1)
    return count


def _sheet(book: Any, name: str, header: list[str], head: Any) -> Any:
    sheet = book.add_worksheet(name)
    sheet.freeze_panes(1, 0)
    # Printed: all columns on one page's width, the header on every page.
    sheet.set_landscape()
    sheet.fit_to_pages(1, 0)
    sheet.repeat_rows(0)
    for column, title in enumerate(header):
        sheet.set_column(column, column, WIDTHS.get(title, max(10, min(len(title) + 3, 30))))
    for column, title in enumerate(header):
        sheet.write_string(0, column, title, head)
    return sheet


def _write(sheet: Any, row: int, column: int, cell: str) -> None:
    """A count is a number, everything else text: an answer of digits may begin with a zero."""
    if cell in ("0", "1"):
        sheet.write_number(row, column, int(cell))
    else:
        sheet.write_string(row, column, cell)
