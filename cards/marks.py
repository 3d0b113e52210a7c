"""The codes by which a card names its layout: ArUco and QR as grids of dark cells, code holes as places.

Nothing here reads a picture: `reader.camera.identify` compares what it sees with these.
"""

from __future__ import annotations

from functools import lru_cache

import cv2
import numpy as np
import segno
from numpy.typing import NDArray

from cards.layout import Layout, Marker

Cells = NDArray[np.bool_]
QR_QUIET = 4
"""Modules of clear paper around a QR code (ISO/IEC 18004, 5.3.8)."""
ARUCO_QUIET = 1
"""Cells of clear paper around an ArUco mark: its black border must end somewhere."""


def aruco_dictionary(name: str) -> cv2.aruco.Dictionary | None:
    """OpenCV's predefined dictionary of this name (`DICT_4X4_50`); `None` when there is none."""
    number = getattr(cv2.aruco, name, None) if name.startswith("DICT_") else None
    return cv2.aruco.getPredefinedDictionary(number) if isinstance(number, int) else None


@lru_cache(maxsize=256)
def aruco_cells(name: str, value: int) -> Cells:
    """(n, n) bool, `True` where dark, black border included. Raises `ValueError` for what the dictionary lacks."""
    dictionary = aruco_dictionary(name)
    if dictionary is None or not 0 <= value < len(dictionary.bytesList):
        raise ValueError(f"no ArUco mark {value} in {name}")
    side = dictionary.markerSize + 2
    return np.asarray(dictionary.generateImageMarker(value, side, borderBits=1)) < 128


@lru_cache(maxsize=64)
def qr_cells(value: str) -> Cells:
    """(n, n) bool, `True` where dark, without the quiet zone; error correction M or better."""
    return np.array([list(row) for row in segno.make_qr(value, error="m").matrix], bool)


def mark_cells(layout: Layout, marker: Marker) -> Cells:
    """The printed mark's grid. Raises `ValueError` for a layout without printed marks."""
    code = layout.identify
    if code.by == "aruco" and code.dictionary is not None:
        return aruco_cells(code.dictionary, marker.value)
    if code.by == "qr" and code.value is not None:
        return qr_cells(code.value)
    raise ValueError(f"{layout.identity} prints no marks")


def clear_half_mm(layout: Layout, marker: Marker) -> float:
    """Half the side of the square that a mark needs for itself, quiet zone included."""
    size = layout.identify.size_mm or 0.0
    quiet = QR_QUIET if layout.identify.by == "qr" else ARUCO_QUIET
    return size / 2 + quiet * size / len(mark_cells(layout, marker))
