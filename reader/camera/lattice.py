"""Where a machine's punch lattice lies on the paper: the columns' shift from their nominal places along the card.

A keypunch registers on one edge of the paper, and old cards shrink and stretch, so that columns lie up to a millimetre
off; the paper's outline alone is not enough where holes stand two millimetres apart. The shift is found from the
holes, by phase, and is anchored to the outline: of all shifts that fit as well the smallest is meant, and two that
lie about as far from the outline are no answer at all (a slip by one column reads well and is wrong everywhere).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache, reduce

import numpy as np
from numpy.typing import NDArray

from cards.layout import Layout
from reader.camera.bed import View
from reader.camera.geometry import Floats, Geometry
from reader.camera.patches import Plan, Singles, levels, middle
from reader.camera.unmix import contrast_of, distance, least_off, unmix_at

MACHINE_TOLERANCE_MM = 0.5
"""Holes that lie this close to their places were punched by a machine, on a lattice of its own."""
OFFSET_MAX_MM, STRETCH_MAX_MM = 1.2, 1.3
"""How far the lattice may lie off in the middle, and how much further at the card's ends."""
MARGIN_MIN = 0.14
"""How much better, as a share, the shift must explain the holes than any other that lies a column or so away."""
EXPLAINED_MIN = 0.7
"""Of all that looks like bed along the rows, the least share that must lie in the shifted columns (between them counts
against): right lattices have 0.82 and more; what is found in pictures too poor to see the holes has a quarter."""
SHIFT_MAX_MM = 1.85
"""Further off than this no column of a right lattice lies: on old, shrunken cards the last one lies up to 1.75 mm off. Where the
outline is a millimetre wrong, a lattice that slips by a column at one end has 1.9 and more."""
RIVAL_MAX_MM = 1.1
_STEP_MM, _PLACE_MM = 0.15, 0.02
_FROM_MM = -OFFSET_MAX_MM - STRETCH_MAX_MM - 1.0
_LINES_MM = (-1.2, -0.6, 0.0, 0.6, 1.2)
"""A hole is open on all of them; a printed digit is not."""


@dataclass(frozen=True)
class Lattice:
    """Column shift in mm: `offset_mm + stretch_mm * u`, u = −1 … 1 across the card.

    margin: how much better than its rivals, 1 beyond doubt, 0 a guess. explained: see `EXPLAINED_MIN`.
    """

    offset_mm: float
    stretch_mm: float
    margin: float
    explained: float

    def shift_mm(self, x_mm: Floats, width_mm: float) -> Floats:
        """(n,) places along the card → (n,) how far right the holes lie there."""
        return self.offset_mm + self.stretch_mm * (2 * x_mm / width_mm - 1)


def is_sure(lattice: Lattice) -> bool:
    """Whether the lattice may be believed: a slip by one column reads well and is wrong everywhere."""
    furthest = abs(lattice.offset_mm) + abs(lattice.stretch_mm)
    return lattice.margin >= MARGIN_MIN and lattice.explained >= EXPLAINED_MIN and furthest <= SHIFT_MAX_MM


def is_lattice(layout: Layout) -> bool:
    """Whether the layout's holes are a machine's."""
    return layout.hole.tolerance_mm < MACHINE_TOLERANCE_MM


@dataclass(frozen=True)
class _Rows:
    """Where to look along a layout's rows, and for its columns: the same for every picture.

    count: of rows. middles_mm: (n, 2), of every sixteenth of every row. looks: a patch for each of them. along_mm: (k,)
    places along the card of a row's samples. columns_mm: (columns,). coarse: (offsets, stretches, columns) where the
    columns may lie, in `_covered`'s places.
    """

    count: int
    middles_mm: Floats
    looks: Plan
    along_mm: Floats
    columns_mm: Floats
    coarse: NDArray[np.intp]


_PARTS = 16
_OFFSETS_MM = np.arange(-OFFSET_MAX_MM, OFFSET_MAX_MM + 1e-6, 0.1)
_STRETCHES_MM = np.arange(-STRETCH_MAX_MM, STRETCH_MAX_MM + 1e-6, 0.1)
_FAR = 0.02 * np.hypot(_OFFSETS_MM[:, None], _STRETCHES_MM)
"""(offsets, stretches): by so much of the best gain a shift must explain more than one that lies at the outline."""
_CLOSER_MM = np.arange(-0.1, 0.101, 0.05)


def find_lattice(seen_by: View, geometry: Geometry, layout: Layout) -> Lattice:
    """The lattice of a card whose outline is known. Without holes it is the nominal one, beyond doubt: nothing slips."""
    rows = _rows_of(layout.width_mm, layout.hole.height_mm, layout.centres_mm.tobytes())
    share = _along(seen_by, geometry, rows)
    if share.max(initial=0) < 0.5:
        return Lattice(0.0, 0.0, 1.0, 1.0)
    covered = _covered(rows.along_mm, share, layout)
    gain = _gain(covered, rows.coarse)
    i, j = np.unravel_index(int((gain - gain.max() * _FAR).argmax()), gain.shape)
    # A rival lies a column off where the holes are, yet no further from the outline than a real lattice does.
    centre = float(np.average(2 * rows.along_mm / layout.width_mm - 1, weights=share))
    shift = _OFFSETS_MM[:, None] + _STRETCHES_MM * centre
    rivals = gain[(np.abs(shift - shift[i, j]) > 0.6) & (np.abs(shift) < RIVAL_MAX_MM)]
    margin = 1 - max(float(rivals.max(initial=0.0)), 0.0) / max(float(gain[i, j]), 1e-6)
    fine_o, fine_s = _OFFSETS_MM[i] + _CLOSER_MM, _STRETCHES_MM[j] + _CLOSER_MM
    fine = _gain(covered, _places(rows.columns_mm, fine_o, fine_s, layout.width_mm))
    k, m = np.unravel_index(int(fine.argmax()), fine.shape)
    return Lattice(float(fine_o[k]), float(fine_s[m]), margin, float(fine[k, m]) / max(float(share.sum()), 1e-6))


@lru_cache(maxsize=16)
def _rows_of(width_mm: float, hole_height_mm: float, centres_mm: bytes) -> _Rows:
    """centres_mm: every position's (x, y), float64."""
    columns, rows = (np.unique(v) for v in np.frombuffer(centres_mm).reshape(-1, 2).T)
    gap = float(np.diff(rows).min()) if len(rows) > 1 else 2 * hole_height_mm
    parts = np.array_split(np.arange(-width_mm / 2 + 1, width_mm / 2 - 1, _STEP_MM), _PARTS)
    size = min(len(p) for p in parts)
    across = width_mm / 2 + np.array([p[:size].mean() for p in parts])
    middles = np.stack([np.tile(across, len(rows)), np.repeat(rows, _PARTS)], axis=1)
    local = np.asarray((np.arange(size) - (size - 1) / 2) * _STEP_MM, np.float64)
    lines = np.array([*_LINES_MM, gap / 2])
    looks = Plan(_STEP_MM, local, lines, np.zeros((1, 1)), np.zeros((1, 1), bool), 1.0)
    coarse = _places(columns, _OFFSETS_MM, _STRETCHES_MM, width_mm)
    return _Rows(len(rows), middles, looks, (across[:, None] + local).ravel(), columns, coarse)


def _along(seen_by: View, geometry: Geometry, rows: _Rows) -> Singles:
    """(k,): the share of bed at the places along the card, summed over all rows."""
    middles = rows.middles_mm
    seen = levels(seen_by.image, geometry, rows.looks, middles)
    # Midway between two rows there is paper, however many holes are punched.
    paper, seen = middle(seen[:, -1], axis=1), seen[:, :-1]
    bed = seen_by.bed.beneath(middles)
    off = distance(seen, paper)
    # Where one line shows paper there is no hole, whatever the others show.
    _, lines, samples = off.shape
    # Line by line, for along an axis in the middle numpy takes several times as long.
    nearest = reduce(np.minimum, off.transpose(1, 0, 2))
    hole = np.flatnonzero(nearest > least_off(contrast_of(paper, bed))[:, None])
    at = (hole + hole // samples * ((lines - 1) * samples) + samples * np.arange(lines)[:, None]).ravel()
    share = np.zeros((rows.count, len(rows.along_mm)), np.float32)
    opened = unmix_at(at, seen, paper, bed, seen_by.bed.ground, np.take(off, at)).open
    share.ravel()[hole] = opened.reshape(lines, -1).min(axis=0)
    return np.asarray(share.sum(axis=0), np.float32)


def _covered(x: Floats, share: Singles, layout: Layout) -> tuple[Floats, float]:
    """What of the bed a hole in every place would cover, from `_FROM_MM` on and `_PLACE_MM` apart; and all of it."""
    total = np.cumsum(share, dtype=np.float64)
    places = np.arange(_FROM_MM, layout.width_mm - _FROM_MM, _PLACE_MM)
    half = layout.hole.width_mm / 2
    left, right = (np.interp(places + side, x + _STEP_MM / 2, total) for side in (-half, half))
    return right - left, float(total[-1])


def _places(columns: Floats, offsets: Floats, stretches: Floats, width_mm: float) -> NDArray[np.intp]:
    """(offsets, stretches, columns): where the shifted columns lie, in `_covered`'s places."""
    centres = columns + offsets[:, None, None] + stretches[None, :, None] * (2 * columns / width_mm - 1)
    return ((centres - _FROM_MM) * (1 / _PLACE_MM) + 0.5).astype(np.intp)


def _gain(covered: tuple[Floats, float], at: NDArray[np.intp]) -> Floats:
    """(offsets, stretches): bed inside the shifted columns less bed between them, by tens of thousands of look-ups."""
    return np.asarray(2 * np.take(covered[0], at, mode="clip").sum(axis=2) - covered[1])
