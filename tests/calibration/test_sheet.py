"""The calibration sheet: what a printer gets is what a camera must find, to a tenth of a millimetre."""

from __future__ import annotations

import io
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from calibration.lens import Board
from calibration.sheet import (
    BOARD_AT_MM,
    PNG_PX_PER_MM,
    RULER_AT_MM,
    RULER_MM,
    SheetError,
    pdf,
    sheet,
    write_sheet,
)
from tests.needs import need

try:
    import pypdfium2
except ImportError:
    pypdfium2 = None


def corners_off_mm(
    grey: np.ndarray[tuple[int, ...], np.dtype[np.uint8]], px_per_mm: float, board: Board
) -> tuple[int, float]:
    """How many inner corners are found, and how far the worst is from where it was drawn."""
    found, ids, _, _ = cv2.aruco.CharucoDetector(board.make()).detectBoard(grey)
    at = np.asarray(found).reshape(-1, 2)
    drawn = np.asarray(board.make().getChessboardCorners())[np.asarray(ids).ravel(), :2] + BOARD_AT_MM
    return len(at), float(np.abs((at + 0.5) / px_per_mm - drawn).max())


def rendered(data: bytes, dpi: float) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    need(pypdfium2, "pypdfium2, which renders a PDF", "pip install pypdfium2")
    page = pypdfium2.PdfDocument(data)[0]
    return np.asarray(page.render(scale=dpi / 72).to_pil().convert("L"), np.uint8)


@pytest.mark.parametrize("board", [Board(), Board(7, 5, 18.0, 13.0, "DICT_4X4_50")])
def test_the_printed_board_is_found_with_every_corner_in_its_place(board: Board) -> None:
    count, off_mm = corners_off_mm(rendered(pdf(sheet(board)), 300), 300 / 25.4, board)
    assert count == (board.squares_x - 1) * (board.squares_y - 1)
    assert off_mm < 0.1


def test_the_page_is_a4_and_its_ruler_is_a_hundred_millimetres() -> None:
    grey = rendered(pdf(sheet(Board())), 600)
    assert grey.shape == pytest.approx((297 / 25.4 * 600, 210 / 25.4 * 600), abs=2)
    row = grey[round((RULER_AT_MM[1] + 1.0) / 25.4 * 600)]
    dark = np.flatnonzero(row < 128)
    dark = dark[dark > (RULER_AT_MM[0] - 2) / 25.4 * 600]
    assert (dark[-1] - dark[0]) / 600 * 25.4 == pytest.approx(RULER_MM, abs=0.15)


def test_the_same_sheet_is_written_as_pdf_svg_and_png(tmp_path: Path) -> None:
    for kind in ("pdf", "svg", "png"):
        write_sheet(tmp_path / f"sheet.{kind}", Board())
    assert (tmp_path / "sheet.pdf").read_bytes() == pdf(sheet(Board())), "the same bytes every time"
    assert 'width="210mm"' in (tmp_path / "sheet.svg").read_text(encoding="utf-8")
    with Image.open(io.BytesIO((tmp_path / "sheet.png").read_bytes())) as image:
        grey = np.asarray(image.convert("L"), np.uint8)
    assert corners_off_mm(grey, PNG_PX_PER_MM, Board())[1] < 0.1


def test_a_sheet_that_cannot_be_written_says_where_and_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"\.pdf, \.svg or \.png"):
        write_sheet(tmp_path / "sheet.doc", Board())
    with pytest.raises(SheetError, match="--out"):
        write_sheet(tmp_path / "no" / "sheet.pdf", Board())
