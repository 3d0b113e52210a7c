"""A printed code looked at where a calibrated machine knows it to lie: no search, and no more than a yes.

Most cards say at once that they are what they look like. One whose marks do not stand there, cell for cell, is not judged
here: `reader.camera.identify` looks for them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from calibration.outline import sample
from cards.layout import Layout, Marker
from cards.marks import aruco_cells
from reader.camera.geometry import Floats
from reader.camera.identify import MARK_CONTRAST_MIN

WITHIN = 0.2
"""A cell is looked at in four places, so far from its middle as a share of its side: clear of its neighbours' blur."""
PRINTED = ("aruco", "qr")


def named_plainly(
    grey: NDArray[np.uint8], to_px: Callable[[Floats], Floats], layout: Layout, on_front: bool, rivals: Sequence[Layout]
) -> bool:
    """Whether the card's code is beyond doubt this layout's and no rival's, so that nobody need search for it.

    to_px: (n, 2) mm from the front's top-left corner, as printed → (n, 2) px. rivals: what else has this outline.
    """
    coded = [y for y in rivals if y.identify.by != "none"]
    if not on_front:
        # Printed marks are on the front: here nothing is to be seen of any.
        return all(y.identify.by in PRINTED for y in coded) and layout.identify.by != "code-holes"
    if any(y.identify.by != "aruco" for y in coded):
        return False
    return _shows_marks(grey, to_px, layout) and not any(_shows_marks(grey, to_px, y) for y in coded)


def _shows_marks(grey: NDArray[np.uint8], to_px: Callable[[Floats], Floats], layout: Layout) -> bool:
    """Whether every one of its ArUco marks is there with its border, not one cell of it wrong."""
    code = layout.identify
    if code.by != "aruco" or code.dictionary is None:
        return False
    places, within, dark = _cells(code.dictionary, code.size_mm or 1.0, code.markers)
    # Over so small a mark the picture is as good as linear: three of its points are projected, not each of its cells.
    px = np.asarray(to_px(places)).reshape(len(dark), 3, 2).transpose(2, 0, 1).astype(np.float32) @ within
    seen = sample(grey, px.reshape(2, -1), (len(dark), 4, -1)).sum(axis=1) * np.float32(0.25)
    darkest_clear = np.where(dark, 255, seen).min(axis=1)
    clearest_dark = np.where(dark, seen, 0).max(axis=1)
    return bool((darkest_clear - clearest_dark > MARK_CONTRAST_MIN).all())


@lru_cache(maxsize=64)
def _cells(
    dictionary: str, size_mm: float, markers: tuple[Marker, ...]
) -> tuple[Floats, NDArray[np.float32], NDArray[np.bool_]]:
    """Where to look, four times in each cell of a mark, the clear margin's cells among them.

    (marks · 3, 2) mm: each mark's middle, one side to the right of it, and one side below. (3, 4 · cells): how those mix
    to each look. (marks, cells): which cells are dark.
    """
    n = len(aruco_cells(dictionary, markers[0].value)) + 2
    cells = [np.pad(aruco_cells(dictionary, m.value), 1) for m in markers]
    middles = (np.arange(n) - (n - 1) / 2) / (n - 2)
    x, y = (
        (WITHIN / (n - 2) * np.array(side)[:, None] + grid.ravel()).ravel()
        for side, grid in zip(((-1, 1, -1, 1), (-1, -1, 1, 1)), np.meshgrid(middles, middles), strict=True)
    )
    within = np.stack([1 - x - y, x, y]).astype(np.float32)
    places = [(m.x_mm + dx, m.y_mm + dy) for m in markers for dx, dy in ((0.0, 0.0), (size_mm, 0.0), (0.0, size_mm))]
    return np.array(places), within, np.stack([c.ravel() for c in cells])
