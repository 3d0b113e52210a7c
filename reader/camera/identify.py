"""Which layout lies there, of those that the outline cannot tell apart: the card's own code decides.

Code holes show on both faces, printed marks on the front alone. A code is looked for only where a layout puts it, under
the geometry that the outline has proven, so that a mark may be punched, stained or in glare without being missed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from cards.layout import Layout, Marker
from cards.marks import aruco_dictionary, mark_cells
from device.frame import Frame
from reader.camera.edges import same_outline
from reader.camera.geometry import Geometry
from reader.camera.measure import CONTRAST_MIN, measure_at, search_reach_mm, view_of
from reader.camera.patches import Plan, Singles, sample
from reader.reading import Code, Face, Reason, Rejection, Thresholds

SHIFT_MM = 1.2
"""How far print may lie off its place on the card: sheets are cut by stacks."""
CELL_SAMPLES = 6
"""Samples across a cell: fine enough to find the shift within a sixth of a cell."""
MARK_CONTRAST_MIN = 25.0
"""Grey levels between a mark's dark and clear cells; below it nothing is read."""
MARKS_MIN = 2
"""So many marks must agree where the layout has as many: one may be a chance likeness."""
QR_MISMATCH_MAX = 0.02
"""Share of modules that may look otherwise on a QR code that is taken for the layout's own without decoding it. Two
versions' codes differ in at least 7 % of their modules, by the distance of the error correction (ISO/IEC 18004)."""
SAID_MAX = 40
"""Characters of a foreign code that are shown."""
NO_CODE = "no code"


@dataclass(frozen=True)
class Said:
    """What a layout's code says where that layout puts it.

    kind: `agrees` with the layout; `other`: a whole code of another value, `value` as far as it can be named; `nothing`:
    no whole code; `hidden`: this face does not show it; `none`: the layout has no code.
    """

    kind: Literal["agrees", "other", "nothing", "hidden", "none"]
    value: str | None = None


@dataclass(frozen=True)
class Placed:
    """Where a card lies whose outline is that of `layout`, and which face is up."""

    layout: Layout
    face: Face
    geometry: Geometry


def identify(
    frame: Frame, placed: Placed, offered: Sequence[Layout], known: Sequence[Layout]
) -> list[Layout] | Rejection:
    """The offered layouts of the card's outline that its code allows, most often one; or why it is refused.

    known: what else the card may be, for its name. A layout without a code stays possible unless a printed code or
    another layout's own speaks against it.
    """
    twins = [y for y in offered if y is placed.layout or same_outline(y, placed.layout)]
    if all(y.identify.by == "none" for y in twins):
        return twins
    others = [y for y in known if same_outline(y, placed.layout) and y.identify.by != "none"]
    said = {y.digest: read_code(frame, placed, y) for y in (*twins, *others)}
    agreeing = [y for y in (*twins, *others) if said[y.digest].kind == "agrees"]
    if agreeing:
        foreign = [y for y in agreeing if y not in twins]
        if not foreign:
            return agreeing
        if len(foreign) < len(agreeing):
            return Rejection((Reason(Code.AMBIGUOUS_FIT),))
        return Rejection((Reason(_code_of(foreign[0]), found=foreign[0].identity),), foreign[0].identity)
    foreign_mark = next((s for y, s in _printed(twins, said) if s.kind == "other"), None)
    open_ones = [y for y in twins if said[y.digest].kind in ("none", "hidden")]
    if foreign_mark is None and open_ones:
        return open_ones
    read = next((s.value for s in said.values() if s.kind == "other" and s.value), NO_CODE)
    return Rejection((Reason(Code.UNKNOWN_LAYOUT, found=read),))


def _code_of(layout: Layout) -> Code:
    return Code.RETIRED_LAYOUT if layout.retired else Code.UNKNOWN_LAYOUT


def _printed(layouts: Sequence[Layout], said: dict[str, Said]) -> list[tuple[Layout, Said]]:
    return [(y, said[y.digest]) for y in layouts if y.identify.by in ("aruco", "qr")]


def read_code(frame: Frame, placed: Placed, layout: Layout) -> Said:
    """What the code says at this layout's places, on the card that lies there."""
    by = layout.identify.by
    if by == "none":
        return Said("none")
    if by == "code-holes":
        return _code_holes(frame, placed.geometry, layout)
    if placed.face == "back":
        return Said("hidden")
    return (_aruco if by == "aruco" else _qr)(frame.grey, placed.geometry, layout)


def _code_holes(frame: Frame, geometry: Geometry, layout: Layout) -> Said:
    """Every place certain and the count odd, or nothing is read."""
    places = layout.identify.markers
    centres = np.array([[m.x_mm, m.y_mm] for m in places], np.float64)
    seen = measure_at(view_of(frame, geometry), geometry, layout, centres, search_reach_mm(layout))
    limits = Thresholds()
    punched, clear = seen.open >= limits.punched_min, seen.open <= limits.clear_max
    if not (punched | clear).all() or (seen.contrast < CONTRAST_MIN).any() or punched.sum() % 2 == 0:
        return Said("nothing")
    value = str(sum(1 << k for k, bit in enumerate(punched[:-1]) if bit))
    return Said("agrees" if value == layout.identify.value else "other", f"code holes {value}")


def _aruco(grey: NDArray[np.uint8], geometry: Geometry, layout: Layout) -> Said:
    """At least `MARKS_MIN` of the marks (half of them, where there are more) say the layout's values, none another."""
    code = layout.identify
    dictionary = aruco_dictionary(code.dictionary or "")
    if dictionary is None:
        return Said("nothing")
    agree, other = 0, []
    for marker, dark in zip(code.markers, _cells_at(grey, geometry, layout, code.markers), strict=True):
        if dark is None:
            continue
        wrong = dark[1:-1, 1:-1] != mark_cells(layout, marker)[1:-1, 1:-1]
        if wrong.sum() <= dictionary.maxCorrectionBits:
            agree += 1
            continue
        # OpenCV counts a clear cell as 1. Only a whole mark the right way round contradicts.
        bits = (~dark[1:-1, 1:-1]).astype(np.uint8)
        read, value, turn = dictionary.identify(bits, 0.0)
        if read and turn == 0:
            other.append(int(value))
    needed = min(len(code.markers), max(MARKS_MIN, (len(code.markers) + 1) // 2))
    if other:
        return Said("other", f"ArUco {other[0]}")
    return Said("agrees") if agree >= needed else Said("nothing")


def _qr(grey: NDArray[np.uint8], geometry: Geometry, layout: Layout) -> Said:
    """The decoder's word, with its error correction; else the layout's own modules, all but a few."""
    near = 0
    for marker in layout.identify.markers:
        text = _decoded(grey, geometry, layout, marker)
        if text:
            same = text == layout.identify.value
            return Said("agrees" if same else "other", "".join(c for c in text if c.isprintable())[:SAID_MAX])
        (dark,) = _cells_at(grey, geometry, layout, [marker])
        if dark is not None and (dark != mark_cells(layout, marker)).mean() <= QR_MISMATCH_MAX:
            near += 1
    return Said("agrees") if near else Said("nothing")


def _decoded(grey: NDArray[np.uint8], geometry: Geometry, layout: Layout, marker: Marker) -> str:
    n = len(mark_cells(layout, marker))
    side = layout.identify.size_mm or 1.0
    (seen,) = _patches(grey, geometry, [marker], side + 8 * side / n + 2 * SHIFT_MM, side / n / CELL_SAMPLES)
    try:
        return str(cv2.QRCodeDetector().detectAndDecode(np.clip(seen, 0, 255).astype(np.uint8))[0])
    except (cv2.error, UnicodeDecodeError):
        # OpenCV raises for some shapes that only resemble a code, and for texts that are not UTF-8.
        return ""


def _cells_at(
    grey: NDArray[np.uint8], geometry: Geometry, layout: Layout, markers: Sequence[Marker]
) -> list[NDArray[np.bool_] | None]:
    """Each mark's (n, n) cells, true where dark, where print lies best on the mark's own picture; `None` without
    contrast or border."""
    n = len(mark_cells(layout, markers[0])) if markers else 1
    side = layout.identify.size_mm or 1.0
    patches = _patches(grey, geometry, markers, side + 2 * side / n + 2 * SHIFT_MM, side / n / CELL_SAMPLES)
    return [_cells(seen, layout, marker) for seen, marker in zip(patches, markers, strict=True)]


def _cells(seen: Singles, layout: Layout, marker: Marker) -> NDArray[np.bool_] | None:
    expected = mark_cells(layout, marker)
    n = len(expected)
    template = _template(expected.tobytes(), n, layout.identify.by == "aruco")
    fit = np.asarray(cv2.matchTemplate(seen, template, cv2.TM_CCOEFF_NORMED))
    # Where nothing varies the likeness is no number.
    fit[np.isnan(fit)] = -1.0
    y, x = np.unravel_index(int(np.argmax(fit)), fit.shape)
    size = n * CELL_SAMPLES
    cut = seen[y + CELL_SAMPLES :, x + CELL_SAMPLES :][:size, :size]
    # The middle of a cell, away from its neighbours' blur.
    inner = cv2.blur(cut, (CELL_SAMPLES - 2, CELL_SAMPLES - 2), anchor=(0, 0))
    cells = inner[1::CELL_SAMPLES, 1::CELL_SAMPLES]
    ranked = np.sort(cells, axis=None)
    low, high = ranked[len(ranked) // 10], ranked[-1 - len(ranked) // 10]
    if high - low < MARK_CONTRAST_MIN:
        return None
    dark: NDArray[np.bool_] = cells < (low + high) / 2
    if layout.identify.by == "aruco":
        border = np.concatenate([dark[0], dark[-1], dark[1:-1, 0], dark[1:-1, -1]])
        if border.mean() < 0.8:
            return None
    return dark


@lru_cache(maxsize=64)
def _template(dark: bytes, n: int, frame_alone: bool) -> Singles:
    """The mark, given by its n × n cells' bytes, in its clear margin of one cell: -1 dark to 1 clear.

    frame_alone: 0 inside, for an ArUco mark must be found whatever its value.
    """
    expected = np.frombuffer(dark, np.bool_).reshape(n, n)
    cells = np.pad(np.where(expected, -1.0, 1.0), 1, constant_values=1.0)
    if frame_alone:
        cells[2:-2, 2:-2] = 0.0
    return np.kron(cells, np.ones((CELL_SAMPLES, CELL_SAMPLES))).astype(np.float32)


def _patches(
    grey: NDArray[np.uint8], geometry: Geometry, markers: Sequence[Marker], side_mm: float, step_mm: float
) -> Singles:
    """(marks, k, k) float32: the picture around each mark, upright as on the front."""
    half = int(np.ceil(side_mm / 2 / step_mm))
    along = np.asarray((np.arange(2 * half) - half + 0.5) * step_mm, np.float64)
    centres = np.array([[m.x_mm, m.y_mm] for m in markers], np.float64).reshape(-1, 2)
    looks = Plan(step_mm, along, along, np.zeros((1, 1)), np.zeros((1, 1), bool), 1.0)
    return np.ascontiguousarray(sample(grey, geometry, looks, centres)[..., 0])
