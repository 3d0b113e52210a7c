"""A card whose place is known, against its blank and the empty bed at that very place: what of it is open.

Most spots look like the blank at once; the others are weighed (`calibration.weigh`).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from calibration.blank import paper_mask, raster_points, raster_shape
from calibration.models import BLANK_PX_PER_MM, SPREAD_STEPS, Bed, Blank, Levels
from calibration.plane import DEGREE, CardMap, half_sides_mm, powers
from calibration.weigh import BED_SHARE, SURE, UNLIKELY, VEIL, Singles, weigh
from cards.layout import Layout
from reader.camera.geometry import Floats
from reader.camera.patches import SIDE_MAX
from reader.camera.printed import Print

COARSE = 5
"""Bed and light are smooth: they are looked up at every fifth pixel of the raster."""
BED_STEP = 4
"""The bed is kept at every fourth pixel of the picture: enough for what is smooth, and near at hand."""
HOLE_STEPS, STEP_MAX_MM = 10, 0.4
"""A card is looked at in so many steps across a hole, or more where those are wider than a camera's blur."""
BLOCK_MM = 8.0
"""Light is compared over blocks of such a side."""
LIGHT_STEPS = 128
"""Light is kept as a byte in such steps while spots are sorted out: within a level of the paper's."""
SHIFT_SAMPLES, SHIFT_SAMPLES_MIN = 1000, 200
"""Pixels with the steepest print that tell its shift, and the fewest that do."""
SHIFT_SLOPE_MIN = 15.0
"""Levels per mm: fainter print tells nothing about its place."""
SHIFT_MIN_MM, SHIFT_MAX_MM = 0.06, 0.9
"""A smaller print shift is not worth a second look; a larger one is none."""
LEVEL_STEP = 16
"""Levels of the bed that share one set of limits."""
Pairs = NDArray[np.uint16]
"""Two bytes that are looked up together."""


@dataclass(frozen=True)
class Seen:
    """A card as judged.

    here: (n,) indices into its blank's raster of all spots that are not plainly paper. open: (n,) uint8, 0 paper to 255
    bed. neither: (n,) uint8, 255 where neither explains it. odd: those of them that are wider than a rim; `None` when none is.
    levels: (n,) each, what is seen there, the paper's level and spread in this light, and the bed's level.
    brightest: how much brighter than its blank the card is, where it is most.
    explained: share of the paper's area that paper or bed explains. alike: how much of the blank's print is there, `None` where
    that cannot be told (see `Print.alike`). shift_mm: the print's.
    """

    here: NDArray[np.intp]
    open: Levels
    neither: Levels
    odd: Levels | None
    levels: tuple[Singles, Singles, Singles, Singles]
    brightest: float
    explained: float
    alike: float | None
    shift_mm: tuple[float, float]


@dataclass(frozen=True)
class Beds:
    """The empty bed as one card's picture needs it, and how bright it is now.

    levels: (height / `BED_STEP`, width / `BED_STEP`) uint16, mean and spread as two bytes. Make it with `small_bed`.
    """

    levels: Pairs
    gain: float = 1.0


def px_per_mm_for(layout: Layout) -> float:
    """How finely a card is looked at: no finer than its blank is kept."""
    step_mm = min(layout.hole.width_mm, layout.hole.height_mm) / HOLE_STEPS
    return min(1 / min(step_mm, STEP_MAX_MM), BLANK_PX_PER_MM)


def _at(levels: Levels, px_per_mm: float, size_mm: tuple[float, float]) -> Levels:
    """A blank's picture on a coarser raster."""
    rows, columns = raster_shape(size_mm, px_per_mm)
    step = BLANK_PX_PER_MM / px_per_mm
    # A raster's pixel lies where its middle lies.
    place = np.array([[step, 0, (step - 1) / 2], [0, step, (step - 1) / 2]])
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    found = cv2.warpAffine(levels, place, (columns, rows), flags=flags, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(found, np.uint8)


def small_bed(bed: Bed) -> Pairs:
    """A bed's mean and spread at every `BED_STEP`-th pixel: felt that has moved a little shows no more than that."""
    rows, columns = bed.mean.shape
    size = -(-columns // BED_STEP), -(-rows // BED_STEP)
    smooth = cv2.GaussianBlur(bed.mean, (0, 0), 3)
    return paired(
        *(np.asarray(cv2.resize(a, size, interpolation=cv2.INTER_AREA), np.uint8) for a in (smooth, bed.spread))
    )


def paired(one: Levels, other: Levels) -> Pairs:
    """Two pictures as one: what is looked up here and there costs by how often, and by how near at hand it lies."""
    return np.stack([one, other], axis=-1).view(np.uint16)[..., 0]


class Room:
    """Where one card at a time is reckoned: memory that is asked for anew costs as much as what is done in it.

    places: (2, rows, columns) float32. levels: three times (rows, columns) uint8; spots: the last of them as one row,
    with noughts behind it up to a multiple of eight.
    """

    def __init__(self, rows: int, columns: int) -> None:
        count = rows * columns
        self.places = np.empty((2, rows, columns), np.float32)
        self.spots = np.zeros(count + -count % 8, np.uint8)
        seen, expected = (np.empty((rows, columns), np.uint8) for _ in range(2))
        self.levels = seen, expected, self.spots[:count].reshape(rows, columns)


class Face:
    """One blank face, prepared for many cards. room: of the raster that it is looked at on; faces may share it."""

    def __init__(self, layout: Layout, blank: Blank, room: Room) -> None:
        self.layout, self.blank, self.room = layout, blank, room
        self.size_mm = layout.width_mm, layout.height_mm
        self.px_per_mm = px_per_mm_for(layout)
        self._level, spread = (_at(levels, self.px_per_mm, self.size_mm) for levels in (blank.mean, blank.spread))
        self.mean: Singles = self._level.astype(np.float32)
        self.spread: Singles = spread.astype(np.float32) / np.float32(SPREAD_STEPS)
        self._blank = paired(self._level, spread).ravel()
        self.paper = np.asarray(paper_mask(layout, self.px_per_mm)).astype(np.uint8) * np.uint8(255)
        self.area = max(cv2.countNonZero(self.paper), 1)
        rows, columns = self.mean.shape
        (x, y), half = raster_points(self.size_mm, self.px_per_mm), half_sides_mm(*self.size_mm)
        self._u = powers(x / half[0]).T.astype(np.float32, order="C")
        self._v = powers(y / half[1]).astype(np.float32)
        self._u_near, self._v_near = self._u[:, ::COARSE].copy(), self._v[::COARSE].copy()
        self._limits = lru_cache(maxsize=8)(self._limits_before)
        row, column = np.arange(rows) // COARSE, np.arange(columns) // COARSE
        # As short as it can be: what is looked up here and there should lie near at hand.
        self._coarse = (row[:, None] * len(range(0, columns, COARSE)) + column).ravel()
        self._coarse = self._coarse.astype(np.min_scalar_type(int(self._coarse[-1])))
        self._blocks = max(int(self.size_mm[0] / BLOCK_MM), 4), max(int(self.size_mm[1] / BLOCK_MM), 4)
        self._fields = np.empty((3, len(range(0, rows, COARSE)), len(range(0, columns, COARSE))), np.float32)
        self._print = Print(layout, self._level, self.paper, self.px_per_mm)
        self._print_coarse = self._coarse[self._print.here]
        self._prepare_light()
        self._prepare_shift()

    def _prepare_light(self) -> None:
        part, paper = (np.ascontiguousarray(a[::COARSE, ::COARSE]) for a in (self._level, self.paper))
        known = cv2.resize(part, self._blocks, interpolation=cv2.INTER_AREA)
        whole = cv2.resize(paper, self._blocks, interpolation=cv2.INTER_AREA)
        self._use = np.flatnonzero(np.asarray(whole).ravel() > 250)
        self._known = _LOG[np.asarray(known).ravel()[self._use]]
        bx, by = np.meshgrid(_middles(self._blocks[0]), _middles(self._blocks[1]))
        self._terms = np.stack([t.ravel()[self._use] for t in _terms(bx, by)])
        row, column = (_squares(_middles(count)) for count in part.shape)
        self._row, self._column = row, np.ascontiguousarray(column.T)

    def _prepare_shift(self) -> None:
        gx, gy = (
            np.asarray(cv2.Sobel(self.mean, cv2.CV_32F, *d, ksize=3)) * np.float32(self.px_per_mm / 8)
            for d in ((1, 0), (0, 1))
        )
        steep = np.where(self.paper > 0, np.hypot(gx, gy), 0).ravel()
        order = np.argsort(steep)[::-1]
        order = order[steep[order] > SHIFT_SLOPE_MIN]
        # As they lie in the picture, which is then looked at from top to bottom.
        self._steep = np.sort(order[:: max(len(order) // SHIFT_SAMPLES, 1)])
        self._steep_slopes = np.stack([gx.ravel()[self._steep], gy.ravel()[self._steep]])
        self._steep_mean = self.mean.ravel()[self._steep]
        self._steep_coarse = self._coarse[self._steep]
        row, column = np.divmod(self._steep, self.mean.shape[1])
        # Every product of powers, so that all their places in a picture are one product of matrices.
        powers_there = np.einsum("na,bn->abn", self._v[row], self._u[:, column])
        self._steep_powers = np.ascontiguousarray(powers_there.reshape((DEGREE + 1) ** 2, len(row)))

    def _near(self, mapped: CardMap) -> Singles:
        """(2, rows, columns): where every `COARSE`-th pixel of this face's raster lies in the picture, x and y px."""
        return self._v_near @ (mapped.singles @ self._u_near)

    def _nearest(self, image: Levels, mapped: CardMap) -> Levels:
        """The card on its blank's raster, to the nearest pixel; leaves in the room where each spot lies."""
        x, y = np.matmul(self._v, mapped.singles @ self._u, out=self.room.places)
        return np.asarray(cv2.remap(image, x, y, cv2.INTER_NEAREST, self.room.levels[0]), np.uint8)

    def light(self, seen: Levels) -> Singles:
        """How much brighter the card is than its blank: a smooth field over every `COARSE`-th pixel, float32. See
        `calibration.blank.light`. seen: the card on every `COARSE`-th pixel of the raster."""
        blocks = np.asarray(cv2.resize(seen, self._blocks, interpolation=cv2.INTER_AREA), np.uint8)
        ratio = _LOG.take(blocks.ravel().take(self._use)) - self._known
        off = ratio - np.sort(ratio)[len(ratio) // 2]
        for width in (0.08, 0.03):
            like = 1 + off * off * (1 / width**2)
            weighted = self._terms / (like * like)
            # Of so few unknowns numpy's solver, and its operator of products, spend most of their time on asking what they got.
            fitted = cv2.solve(weighted.dot(self._terms.T) + _PRIOR, weighted.dot(ratio)[:, None])[1].ravel()
            off = ratio - fitted.dot(self._terms)
        a, bx, by, cx, cxy, cy = fitted.tolist()
        field = self._row.dot(np.array([[a, bx, cx], [by, cxy, 0], [cy, 0, 0]], np.float32)).dot(self._column)
        return np.asarray(cv2.exp(field, self._fields[0]), np.float32)

    def print_shift(self, image: Levels, mapped: CardMap, light: Singles) -> tuple[float, float]:
        """How far the print lies off the blank's, mm. See `calibration.blank.print_shift`."""
        if len(self._steep) < SHIFT_SAMPLES_MIN:
            return 0.0, 0.0
        x, y = mapped.singles.reshape(2, -1) @ self._steep_powers
        seen = between(image, x, y)
        off = seen / light.ravel().take(self._steep_coarse) - self._steep_mean
        weighted = self._steep_slopes / (1 + off * off * np.float32(1 / 40**2))
        (a, b), (_, d) = weighted.dot(self._steep_slopes.T).tolist()
        p, q = weighted.dot(off).tolist()
        det = a * d - b * b
        if det <= 1e-3 * a * d:
            return 0.0, 0.0
        right, down = -(d * p - b * q) / det, -(a * q - b * p) / det
        return (right, down) if SHIFT_MIN_MM <= max(abs(right), abs(down)) <= SHIFT_MAX_MM else (0.0, 0.0)

    def look(self, image: Levels, beds: Beds, mapped: CardMap) -> Seen:
        """Judge every spot of a card that lies as `mapped` says.

        Most spots look like the blank at once, to the nearest pixel; only the others are looked at closely and weighed.
        """
        near = self._near(mapped)
        light = self.light(np.asarray(cv2.remap(image, near[0], near[1], cv2.INTER_NEAREST), np.uint8))
        brightest = cv2.minMaxLoc(light)[1]
        shift = self.print_shift(image, mapped, light)
        seen = self._nearest(image, mapped.moved(*shift) if shift != (0.0, 0.0) else mapped)
        alike = self._print.alike(seen, light.ravel().take(self._print_coarse))
        self._look_at_bed(beds, near)
        here = self._unlike(seen)
        if not len(here):
            none = np.zeros(0, np.uint8)
            return Seen(here, none, none, None, (np.zeros(0, np.float32),) * 4, brightest, 1.0, alike, shift)
        coarse = self._coarse.take(here).astype(np.intp)
        light, bed, noise = self._fields.reshape(3, -1).take(coarse, axis=1)
        blank = self._blank.take(here).view(np.uint8)
        spots = between(image, *self.room.places.reshape(2, -1).take(here, axis=1))
        levels = spots, blank[::2] * light, blank[1::2] * np.float32(1 / SPREAD_STEPS), bed
        likely, neither = weigh(*levels, noise)
        some = (likely | neither).astype(np.bool_).nonzero()[0]
        seen_there, paper, spread, bed = (level.take(some) for level in levels)
        here, neither = here.take(some), neither.take(some)
        odd = self._wide(here, neither)
        explained = 1.0 if odd is None else 1 - cv2.countNonZero(odd) / self.area
        levels = seen_there, paper, spread, bed
        return Seen(here, likely.take(some), neither, odd, levels, brightest, explained, alike, shift)

    def _look_at_bed(self, beds: Beds, near: Singles) -> None:
        """Fill in the bed's level and spread under every `COARSE`-th pixel. near: where those lie in the picture."""
        # A picture's pixel lies where its middle lies.
        near *= np.float32(1 / BED_STEP)
        near += np.float32((1 - BED_STEP) / (2 * BED_STEP))
        under = np.asarray(cv2.remap(beds.levels, near[0], near[1], cv2.INTER_NEAREST)).view(np.uint8)
        np.multiply(under[:, ::2], np.float32(beds.gain), out=self._fields[1])
        np.multiply(under[:, 1::2], np.float32(1 / SPREAD_STEPS), out=self._fields[2])

    def _wide(self, here: NDArray[np.intp], odd: Levels) -> Levels | None:
        """What is odd and wider than a hole's rim, which is half paper, half bed, and thin; `None` when nothing is."""
        if cv2.countNonZero(odd) < _WIDER.size:
            return None
        whole, narrowed, _ = self.room.levels
        # Most of what is odd is some rim: hardly any of it begins a run that is long enough, and none the last of runs that
        # lie one below the other. Nothing odd lies at the raster's border, where a run might be cut short: that is no paper.
        there, last = here.compress(odd.view(np.bool_)), len(_WIDER) - 1
        runs = there[:-last].compress(there[last:] - there[:-last] == last)
        if set(runs.tolist()).isdisjoint((runs + last * whole.shape[1]).tolist()):
            return None
        whole.fill(0)
        whole.ravel()[here] = odd
        if not cv2.countNonZero(cv2.erode(whole, _WIDER, narrowed)):
            return None
        cv2.dilate(narrowed, _WIDER, whole)
        return whole.ravel().take(here)

    def _unlike(self, seen: Levels) -> NDArray[np.intp]:
        """Indices of the paper's spots that lie so far off their blank in this light that they may show the bed."""
        light, bed, noise = self._fields
        _, expected, off = self.room.levels
        # Between columns it is worked out, between rows repeated, which is sooner done: it is as smooth as that.
        wide = cv2.resize(
            cv2.convertScaleAbs(light, alpha=LIGHT_STEPS), (off.shape[1], len(light)), interpolation=cv2.INTER_LINEAR
        )
        cv2.multiply(self._level, wide.repeat(COARSE, axis=0)[: len(off)], expected, 1 / LIGHT_STEPS)
        low, high, _, _ = cv2.minMaxLoc(bed / light)
        darker, brighter = self._limits(int(low) // LEVEL_STEP, int(high) // LEVEL_STEP + 1, int(noise.max()) + 1)
        if darker is not None and brighter is not None:
            lowest = cv2.subtract(expected, darker, off)
            cv2.bitwise_not(cv2.inRange(seen, lowest, cv2.add(expected, brighter, expected), off), off)
        elif brighter is not None:
            cv2.compare(seen, cv2.add(expected, brighter, expected), cv2.CMP_GT, off)
        elif darker is not None:
            cv2.compare(seen, cv2.subtract(expected, darker, expected), cv2.CMP_LT, off)
        else:
            off.fill(0)
        # Most of the card is as it was: eight spots at a time, then those of the few eights that are not.
        spots = self.room.spots.view(np.uint64)
        eights: NDArray[np.intp] = (spots != 0).nonzero()[0]
        within: NDArray[np.intp] = spots.take(eights).view(np.bool_).nonzero()[0]
        return (eights.take(within >> 3) << 3) + (within & 7)

    def _limits_before(self, low: int, high: int, noise: int) -> tuple[Levels | None, Levels | None]:
        """By how many levels a spot must be darker, and brighter, than its blank before it may show the bed.

        One spread, or more where the bed lies so far off that `weigh` would still call it wholly paper; 255 where the
        bed lies on the other side, and off the paper; no picture of either where it would be that everywhere: mostly the bed
        is darker, or brighter, than all paper.
        low, high: the bed in steps of `LEVEL_STEP`, as bright as the blank card's light makes it. noise: its spread.
        """
        darkest, brightest = low * LEVEL_STEP, high * LEVEL_STEP
        found = []
        for away, level in ((self.mean - brightest, brightest), (darkest - self.mean, darkest)):
            bed_spread = noise + BED_SHARE * level + VEIL * self.mean
            limit = self.spread * np.clip(_least_off(np.maximum(away, 0), self.spread, bed_spread), 1, math.sqrt(SURE))
            found.append(np.clip(np.rint(limit), 1, 254).astype(np.uint8))
        darker, brighter = found
        darker[(self.paper == 0) | (self.mean < darkest)] = 255
        brighter[(self.paper == 0) | (self.mean > brightest)] = 255
        return darker if darker.min() < 255 else None, brighter if brighter.min() < 255 else None


def _least_off(away: Singles, spread: Singles, bed_spread: Singles) -> Singles:
    """By how many spreads a spot must be off its paper before `weigh` calls it anything else: where its two likelihoods,
    of which the one grows and the other shrinks on the way to the bed, meet. away: from paper to bed."""
    share = UNLIKELY / (bed_spread * bed_spread)
    a, b = 1 - UNLIKELY - share * spread * spread, 2 * share * away * spread
    c = share * away * away - (1 - 2 * UNLIKELY)
    return np.asarray(2 * c / (b + np.sqrt(np.maximum(b * b + 4 * a * c, 1e-9))), np.float32)


def between(image: Levels, x: Singles, y: Singles) -> Singles:
    """(n,) px, x and y → (n,) levels, between pixels."""
    # Of a noisy picture more spots than one row holds are unlike their blank.
    row = SIDE_MAX - 1
    rows = [
        cv2.remap(image, x[None, k : k + row], y[None, k : k + row], cv2.INTER_LINEAR)[0] for k in range(0, len(x), row)
    ]
    return np.asarray(rows[0] if len(rows) == 1 else np.concatenate(rows), np.float32)


_WIDER = np.ones((3, 3), np.uint8)
"""Wider than a blurred rim, in the raster's pixels."""
_LOG = np.log(np.maximum(np.arange(256.0), 1.0))
_PRIOR = np.diag([0, 0.3, 0.3, 1.0, 1.0, 1.0])
"""Keeps a card that is half holes or stains from bending the light."""


def _middles(count: int) -> Floats:
    return (np.arange(count) + 0.5) / count * 2 - 1


def _squares(x: Floats) -> Singles:
    """(n,) → (n, 3): 1, x, x²."""
    return np.stack([np.ones_like(x), x, x * x], axis=1).astype(np.float32)


def _terms(x: Floats, y: Floats) -> tuple[Floats, ...]:
    return np.ones_like(x), x, y, x * x, x * y, y * y
