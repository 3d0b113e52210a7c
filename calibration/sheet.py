"""The ChArUco sheet that teaches a camera its lens: drawn as vectors in exact millimetres, on A4.

A chessboard whose white squares hold markers: every inner corner can be named even when the sheet is only partly seen.
Below it a ruler, because a printer that scales makes every millimetre of the machine wrong by as much.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from reportlab.lib.units import mm  # type: ignore[import-untyped]
from reportlab.pdfbase import pdfmetrics  # type: ignore[import-untyped]
from reportlab.pdfbase.ttfonts import TTFont  # type: ignore[import-untyped]
from reportlab.pdfgen.canvas import Canvas  # type: ignore[import-untyped]

from calibration.lens import Board
from cards.draw import Circle, Line, Polygon, Shape
from cards.errors import LogicienneError
from cards.font import FILE, width_mm
from cards.raster import picture
from cards.svg import document

PAGE_MM = (210.0, 297.0)
"""A4, upright: what every office printer takes."""
BOARD_AT_MM = (37.5, 24.0)
"""The board's top-left corner on the page: centred, clear of what a printer cannot reach."""
MARGIN_MM = 8.0
"""White around the board, so that a marker's border never touches the bed's dark; the sheet is cut there to fit a tray."""
RULER_AT_MM, RULER_MM = (55.0, 150.0), 100.0
RULER_LIMIT_MM = 0.3
"""A ruler that is further off than this was scaled in print: 0.3 % is 0.6 mm at the far end of a card."""
BLACK, WHITE, GREY = "#000000", "#ffffff", "#777777"
PNG_PX_PER_MM = 300 / 25.4
FONT = "Vera"
TEXT = (
    "1. Print at 100 % (“actual size”, not “fit to page”), matt paper, laser if you can.",
    f"2. Measure the ruler with a real one. It must be 100 mm long, give or take {RULER_LIMIT_MM:g} mm. If not, print again.",
    "3. Cut along the grey line and glue the board flat on stiff card or a tile, without waves.",
    "4. Run:  logicienne calibrate camera  and hold the board as it says: in every corner of the picture, near the bed",
    "    and up to a hand above it, leaning left, right, to you and away. Keep your shadow and your fingers off it.",
    "5. Keep the board dry and flat; a bent board teaches a bent lens.",
)


class SheetError(LogicienneError, OSError):
    """A sheet that cannot be written."""


def modules(board: Board, marker: int) -> np.ndarray[tuple[int, ...], np.dtype[np.bool_]]:
    """(side, side) a marker's cells, its black border included; true is white."""
    markers = board.make().getDictionary()
    side = markers.markerSize + 2
    return np.asarray(markers.generateImageMarker(marker, side), np.uint8) > 0


def sheet(board: Board) -> list[Shape]:
    """The page's shapes, in millimetres from its top-left corner."""
    return [*_board(board), *_cut_line(board), *_ruler(), *_text(board)]


def write_sheet(path: Path, board: Board) -> None:
    """Write the sheet as `.pdf`, `.svg` or `.png`, by the name's ending.

    Raises `ValueError` for another ending, `SheetError` when the file cannot be written.
    """
    kinds = {".pdf": pdf, ".svg": _svg, ".png": _png}
    kind = kinds.get(path.suffix.lower())
    if kind is None:
        raise ValueError(f"{path}: give a name that ends in .pdf, .svg or .png")
    data = kind(sheet(board))
    try:
        path.write_bytes(data)
    except OSError as error:
        raise SheetError(f"{path}: cannot be written ({error.strerror}); choose another place with --out") from error


def pdf(shapes: Sequence[Shape]) -> bytes:
    """One page of vectors. The same shapes give the same bytes."""
    pdfmetrics.registerFont(TTFont(FONT, str(FILE)))
    kept = io.BytesIO()
    canvas = Canvas(kept, pagesize=(PAGE_MM[0] * mm, PAGE_MM[1] * mm), invariant=1)
    canvas.setTitle("Logicienne: calibration sheet")
    # Ask the viewer not to scale; people overlook the box in the print dialog.
    canvas.setViewerPreference("PrintScaling", "None")
    for shape in shapes:
        _on(canvas, shape)
    canvas.showPage()
    canvas.save()
    return kept.getvalue()


def _svg(shapes: Sequence[Shape]) -> bytes:
    return document("Logicienne: calibration sheet", *PAGE_MM, shapes).encode()


def _png(shapes: Sequence[Shape]) -> bytes:
    kept = io.BytesIO()
    picture(*PAGE_MM, shapes, PNG_PX_PER_MM).save(kept, "PNG", dpi=(300, 300))
    return kept.getvalue()


def _board(board: Board) -> Iterator[Shape]:
    """Black squares where row and column are alike, markers on the others: OpenCV's order since 4.6."""
    for row in range(board.squares_y):
        for column in range(board.squares_x):
            if (row + column) % 2 == 0:
                yield _box(column * board.square_mm, row * board.square_mm, board.square_mm, board.square_mm, BLACK)
    for marker, corners in enumerate(board.make().getObjPoints()):
        x, y = (float(v) for v in np.asarray(corners).reshape(-1, 3)[0, :2])
        yield _box(x, y, board.marker_mm, board.marker_mm, BLACK)
        cells_of = modules(board, marker)
        side = board.marker_mm / len(cells_of)
        for row, cells in enumerate(cells_of):
            edges = np.flatnonzero(np.diff(np.concatenate([[False], cells, [False]]).astype(np.int8)))
            for first, last in edges.reshape(-1, 2):
                yield _box(x + first * side, y + row * side, (last - first) * side, side, WHITE)


def _cut_line(board: Board) -> Iterator[Shape]:
    w, h = board.squares_x * board.square_mm + 2 * MARGIN_MM, board.squares_y * board.square_mm + 2 * MARGIN_MM
    at = -MARGIN_MM
    box = _box(at, at, w, h, None)
    yield Polygon(box.points, stroke=GREY, stroke_mm=0.2)


def _ruler() -> Iterator[Shape]:
    x, y = RULER_AT_MM
    for k in range(int(RULER_MM) + 1):
        tall = 5.0 if k % 10 == 0 else 3.5 if k % 5 == 0 else 2.2
        yield Polygon(((x + k, y), (x + k, y + tall)), stroke=BLACK, stroke_mm=0.12, closed=False)
        if k % 10 == 0:
            yield Line(f"{k}", x + k, y + tall + 3.2, 2.8, BLACK, "middle")
    yield Polygon(((x, y), (x + RULER_MM, y)), stroke=BLACK, stroke_mm=0.12, closed=False)


def _text(board: Board) -> Iterator[Shape]:
    yield Line("Logicienne: calibration sheet", PAGE_MM[0] / 2, 12.0, 5.0, BLACK, "middle")
    size = f"{board.squares_x} × {board.squares_y}, squares {board.square_mm:g} mm, markers {board.marker_mm:g} mm"
    about = f"ChArUco {size}, {board.dictionary}"
    yield Line(about, PAGE_MM[0] / 2, 140.0, 2.6, GREY, "middle")
    yield Line("100 mm:", RULER_AT_MM[0] - 4 - width_mm("100 mm:", 3.2), RULER_AT_MM[1] + 3.4, 3.2, BLACK)
    for k, line in enumerate(TEXT):
        yield Line(line, 16.0, 174.0 + 6.2 * k, 3.1, BLACK)


def _box(x: float, y: float, w: float, h: float, fill: str | None) -> Polygon:
    """A rectangle on the page, given from the board's corner."""
    x, y = x + BOARD_AT_MM[0], y + BOARD_AT_MM[1]
    return Polygon(((x, y), (x + w, y), (x + w, y + h), (x, y + h)), fill=fill)


def _on(canvas: Canvas, shape: Shape) -> None:
    """PDF counts from the bottom, in points."""

    def at(x: float, y: float) -> tuple[float, float]:
        return x * mm, (PAGE_MM[1] - y) * mm

    if isinstance(shape, Line):
        canvas.setFont(FONT, shape.size_mm * mm)
        canvas.setFillColor(shape.ink)
        draw = canvas.drawString if shape.anchor == "start" else canvas.drawCentredString
        draw(*at(shape.x_mm, shape.y_mm), shape.text)
        return
    canvas.setFillColor(shape.fill or BLACK)
    canvas.setStrokeColor(shape.stroke or BLACK)
    canvas.setLineWidth(shape.stroke_mm * mm)
    how = {"stroke": int(bool(shape.stroke)), "fill": int(bool(shape.fill))}
    if isinstance(shape, Circle):
        canvas.circle(*at(shape.x_mm, shape.y_mm), shape.radius_mm * mm, **how)
        return
    path = canvas.beginPath()
    path.moveTo(*at(*shape.points[0]))
    for point in shape.points[1:]:
        path.lineTo(*at(*point))
    if shape.closed:
        path.close()
    canvas.drawPath(path, **how)


@dataclass(frozen=True)
class SheetView:
    """The sheet in one picture. corners_px: (n, 2) inner corners; at: (n, 2) their column and row, from 0."""

    corners_px: np.ndarray[tuple[int, ...], np.dtype[np.float64]]
    at: np.ndarray[tuple[int, ...], np.dtype[np.int64]]


def see_sheet(grey: np.ndarray[tuple[int, ...], np.dtype[np.uint8]], board: Board) -> SheetView | None:
    """Find the sheet; `None` when fewer than four of its corners can be named."""
    found, ids, _, _ = cv2.aruco.CharucoDetector(board.make()).detectBoard(grey)
    if ids is None or len(ids) < 4:
        return None
    names = np.asarray(ids).ravel().astype(np.int64)
    at = np.stack([names % (board.squares_x - 1), names // (board.squares_x - 1)], axis=1)
    return SheetView(np.asarray(found, np.float64).reshape(-1, 2), at)
