"""A card whose place is known, against its blank and the empty bed at that very place: what of it is open.

Most spots look like the blank at once; the others are weighed (`calibration.weigh`).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from calibration.blank import paper_mask, raster_points
from calibration.models import BLANK_PX_PER_MM, SPREAD_STEPS, Bed, Blank, Levels
from calibration.plane import DEGREE, MARGIN, CardMap, powers
from calibration.weigh import BED_SHARE, UNLIKELY, VEIL, Singles, weigh
from cards.layout import Layout
from reader.camera.geometry import Floats

COARSE = 4
"""Bed and light are smooth: they are looked up at every fourth pixel of the raster."""
BED_STEP = 4
"""The bed is kept at every fourth pixel of the picture: enough for what is smooth, and near at hand."""
BLOCK_PX = 24
"""Light is compared over blocks of so many pixels, 8 mm."""
LIGHT_STEPS = 128
"""Light is kept as a byte in such steps while spots are sorted out: within a level of the paper's."""
SHIFT_SAMPLES, SHIFT_SAMPLES_MIN = 2000, 200
"""Pixels with the steepest print that tell its shift, and the fewest that do."""
SHIFT_SLOPE_MIN = 15.0
"""Levels per mm: fainter print tells nothing about its place."""
SHIFT_MIN_MM, SHIFT_MAX_MM = 0.06, 0.9
"""A smaller print shift is not worth a second look; a larger one is none."""
LEVEL_STEP = 16
"""Levels of the bed that share one set of limits."""


@dataclass(frozen=True)
class Seen:
    """A card as judged, on its blank's raster.

    open: (rows, columns) uint8, 0 paper to 255 bed. odd: 255 where neither explains it. here: the raster's indices of all
    spots that are not plainly paper; `open` and `odd` are 0 elsewhere.
    explained: share of the paper's area that paper or bed explains. shift_mm: the print's.
    """

    open: Levels
    odd: Levels
    here: NDArray[np.intp]
    explained: float
    shift_mm: tuple[float, float]


@dataclass(frozen=True)
class Beds:
    """The empty bed as one card's picture needs it, and how bright it is now.

    levels: (height / `BED_STEP`, width / `BED_STEP`, 2) uint8, mean and spread. Make it with `small_bed`.
    """

    levels: Levels
    gain: float = 1.0


def small_bed(bed: Bed) -> Levels:
    """A bed's mean and spread at every `BED_STEP`-th pixel: felt that has moved a little shows no more than that."""
    rows, columns = bed.mean.shape
    size = -(-columns // BED_STEP), -(-rows // BED_STEP)
    smooth = cv2.GaussianBlur(bed.mean, (0, 0), 3)
    return np.stack([cv2.resize(a, size, interpolation=cv2.INTER_AREA) for a in (smooth, bed.spread)], axis=2)


class Face:
    """One blank face, prepared for many cards."""

    def __init__(self, layout: Layout, blank: Blank) -> None:
        self.layout, self.blank = layout, blank
        self.size_mm = layout.width_mm, layout.height_mm
        self.mean: Singles = blank.mean.astype(np.float32)
        self.spread: Singles = blank.spread.astype(np.float32) / np.float32(SPREAD_STEPS)
        self.paper = np.asarray(paper_mask(layout)).astype(np.uint8) * np.uint8(255)
        x, y = raster_points(self.size_mm)
        self._x, self._y = x, y
        self._half = MARGIN * layout.width_mm / 2, MARGIN * layout.height_mm / 2
        self.area = max(cv2.countNonZero(self.paper), 1)
        rows, columns = self.mean.shape
        self._u = powers(x / self._half[0]).astype(np.float32)
        self._v = powers(y / self._half[1]).astype(np.float32)
        self._limits = lru_cache(maxsize=8)(self._limits_before)
        row, column = np.arange(rows) // COARSE, np.arange(columns) // COARSE
        # As short as it can be: what is looked up here and there should lie near at hand.
        self._coarse = (row[:, None] * len(range(0, columns, COARSE)) + column).ravel()
        self._coarse = self._coarse.astype(np.min_scalar_type(int(self._coarse[-1])))
        self._blocks = max(columns // BLOCK_PX, 4), max(rows // BLOCK_PX, 4)
        self._work = tuple(np.empty_like(blank.mean) for _ in range(2))
        self._prepare_light()
        self._prepare_shift()

    def _prepare_light(self) -> None:
        part, paper = (np.ascontiguousarray(a[::COARSE, ::COARSE]) for a in (self.blank.mean, self.paper))
        known = cv2.resize(part, self._blocks, interpolation=cv2.INTER_AREA)
        whole = cv2.resize(paper, self._blocks, interpolation=cv2.INTER_AREA)
        self._use = np.flatnonzero(np.asarray(whole).ravel() > 250)
        self._known = np.log(np.maximum(np.asarray(known).ravel()[self._use], 1.0))
        bx, by = np.meshgrid(_middles(self._blocks[0]), _middles(self._blocks[1]))
        self._terms = np.stack([t.ravel()[self._use] for t in _terms(bx, by)])
        self._row, self._column = (_squares(_middles(count)) for count in part.shape)

    def _prepare_shift(self) -> None:
        gx, gy = (
            np.asarray(cv2.Sobel(self.mean, cv2.CV_32F, *d, ksize=3)) * np.float32(BLANK_PX_PER_MM / 8)
            for d in ((1, 0), (0, 1))
        )
        steep = np.where(self.paper > 0, np.hypot(gx, gy), 0).ravel()
        order = np.argsort(steep)[::-1]
        order = order[steep[order] > SHIFT_SLOPE_MIN]
        self._steep = order[:: max(len(order) // SHIFT_SAMPLES, 1)]
        self._gx, self._gy = gx.ravel()[self._steep], gy.ravel()[self._steep]
        self._steep_mean = self.mean.ravel()[self._steep]
        self._steep_coarse = self._coarse[self._steep]
        row, column = np.divmod(self._steep, self.mean.shape[1])
        # Every product of powers, so that all their places in a picture are one product of matrices.
        self._steep_powers = np.einsum("na,nb->nab", self._v[row], self._u[column]).reshape(len(row), (DEGREE + 1) ** 2)

    def _places(self, mapped: CardMap, shift_mm: tuple[float, float], step: int = 1) -> tuple[Singles, Singles]:
        """Where this face's raster, or every `step`-th pixel of it, lies in the picture: x and y, px."""
        if shift_mm == (0.0, 0.0):
            u, v = self._u[::step], self._v[::step]
        else:
            u = powers((self._x[::step] + shift_mm[0]) / mapped.half_mm[0]).astype(np.float32)
            v = powers((self._y[::step] + shift_mm[1]) / mapped.half_mm[1]).astype(np.float32)
        across = mapped.coefficients.astype(np.float32) @ u.T
        return v @ across[0], v @ across[1]

    def light(self, seen: Levels) -> Singles:
        """How much brighter the card is than its blank: a smooth field over every fourth pixel, float32. See
        `calibration.blank.light`. seen: the card on every `COARSE`-th pixel of the raster."""
        blocks = np.asarray(cv2.resize(seen, self._blocks, interpolation=cv2.INTER_AREA)).ravel()[self._use]
        ratio = np.log(np.maximum(blocks, 1.0)) - self._known
        off = ratio - np.sort(ratio)[len(ratio) // 2]
        for width in (0.08, 0.03):
            like = 1 + (off * (1 / width)) ** 2
            weighted = self._terms / (like * like)
            # Of so few unknowns numpy's solver spends most of its time on asking what it was given.
            fitted = cv2.solve(weighted @ self._terms.T + _PRIOR, (weighted @ ratio)[:, None])[1].ravel()
            off = ratio - fitted @ self._terms
        a, bx, by, cx, cxy, cy = fitted.tolist()
        field = self._row @ np.array([[a, bx, cx], [by, cxy, 0], [cy, 0, 0]], np.float32) @ self._column.T
        return np.asarray(cv2.exp(field), np.float32)

    def print_shift(self, image: Levels, mapped: CardMap, light: Singles) -> tuple[float, float]:
        """How far the print lies off the blank's, mm. See `calibration.blank.print_shift`."""
        if len(self._steep) < SHIFT_SAMPLES_MIN:
            return 0.0, 0.0
        px = self._steep_powers @ mapped.coefficients.astype(np.float32).reshape(2, -1).T
        seen = cv2.remap(image, px[:, None], None, cv2.INTER_LINEAR)  # type: ignore[call-overload]
        off = seen.ravel() / light.ravel()[self._steep_coarse] - self._steep_mean
        weight = 1 / (1 + (off / 40) ** 2)
        wx, wy = weight * self._gx, weight * self._gy
        a, b, d = float(wx @ self._gx), float(wx @ self._gy), float(wy @ self._gy)
        p, q = float(wx @ off), float(wy @ off)
        det = a * d - b * b
        if det <= 1e-3 * a * d:
            return 0.0, 0.0
        x, y = -(d * p - b * q) / det, -(a * q - b * p) / det
        if max(abs(x), abs(y)) > SHIFT_MAX_MM or max(abs(x), abs(y)) < SHIFT_MIN_MM:
            return 0.0, 0.0
        return x, y

    def look(self, image: Levels, beds: Beds, mapped: CardMap) -> Seen:
        """Judge every spot of a card that lies as `mapped` says.

        Most spots look like the blank at once, to the nearest pixel; only the others are looked at closely and weighed.
        """
        near = self._places(mapped, (0.0, 0.0), COARSE)
        light = self.light(np.asarray(cv2.remap(image, *near, cv2.INTER_NEAREST), np.uint8))
        shift = self.print_shift(image, mapped, light)
        across, down = self._places(mapped, shift)
        seen = np.asarray(cv2.remap(image, across, down, cv2.INTER_NEAREST), np.uint8)
        # A picture's pixel lies where its middle lies.
        middle = (1 - BED_STEP) / (2 * BED_STEP)
        x, y = (place * np.float32(1 / BED_STEP) + np.float32(middle) for place in near)
        under = np.asarray(cv2.remap(beds.levels, x, y, cv2.INTER_NEAREST), np.uint8)
        bed = under[:, :, 0] * np.float32(beds.gain)
        noise = under[:, :, 1] * np.float32(1 / SPREAD_STEPS)
        here = self._unlike(seen, light, bed, float(noise.max()))
        opened, odd = np.zeros_like(seen), np.zeros_like(seen)
        if not len(here):
            return Seen(opened, odd, here, 1.0, shift)
        coarse = self._coarse[here]
        likely, neither = weigh(
            cv2.remap(image, across.ravel()[here], down.ravel()[here], cv2.INTER_LINEAR).ravel().astype(np.float32),
            self.blank.mean.ravel()[here] * light.ravel()[coarse],
            self.blank.spread.ravel()[here] * np.float32(1 / SPREAD_STEPS),
            bed.ravel()[coarse],
            noise.ravel()[coarse],
        )
        some = (likely | neither).astype(np.bool_)
        opened.ravel()[here] = likely
        # A hole's rim is half paper, half bed, and thin: what is odd is wider.
        if cv2.countNonZero(neither) >= _WIDER.size:
            odd.ravel()[here] = neither
            odd = np.asarray(cv2.morphologyEx(odd, cv2.MORPH_OPEN, _WIDER), np.uint8)
        explained = 1 - cv2.countNonZero(odd) / self.area
        return Seen(opened, odd, here[some], explained, shift)

    def _unlike(self, seen: Levels, light: Singles, bed: Singles, noise: float) -> NDArray[np.intp]:
        """Indices of the paper's spots that lie so far off their blank in this light that they may show the bed.

        bed, noise: the bed under the card on every `COARSE`-th pixel of the raster, and its largest spread.
        """
        expected, off = self._work
        cv2.resize(cv2.convertScaleAbs(light, alpha=LIGHT_STEPS), off.shape[::-1], off, interpolation=cv2.INTER_LINEAR)
        cv2.multiply(self.blank.mean, off, expected, 1 / LIGHT_STEPS)
        low, high, _, _ = cv2.minMaxLoc(bed / light)
        darker, brighter = self._limits(int(low) // LEVEL_STEP, int(high) // LEVEL_STEP + 1, int(noise) + 1)
        cv2.compare(cv2.subtract(expected, seen, off), darker, cv2.CMP_GT, off)
        if brighter is not None:
            cv2.compare(cv2.subtract(seen, expected, expected), brighter, cv2.CMP_GT, expected)
            cv2.bitwise_or(off, expected, off)
        return np.flatnonzero(off.ravel().view(np.bool_))

    def _limits_before(self, low: int, high: int, noise: int) -> tuple[Levels, Levels | None]:
        """By how many levels a spot must be darker, and brighter, than its blank before it may show the bed.

        One spread, or more where the bed lies so far off that `weigh` would still call it wholly paper; 255 where the
        bed lies on the other side, and off the paper; no picture of the latter when the bed is darker than all paper.
        low, high: the bed in steps of `LEVEL_STEP`, as bright as the blank card's light makes it. noise: its spread.
        """
        darkest, brightest = low * LEVEL_STEP, high * LEVEL_STEP
        found = []
        for away, level in ((self.mean - brightest, brightest), (darkest - self.mean, darkest)):
            limit = self.spread
            for z in (2.0, 3.0):
                z_bed = (away - z * self.spread) / (noise + BED_SHARE * level + VEIL * self.mean)
                # The least distance from the bed at which so much is still wholly paper.
                safe = z_bed > np.sqrt((1 + z * z) / UNLIKELY - 2 - z * z)
                limit = np.where(safe, z * self.spread, limit)
            found.append(np.clip(np.rint(limit), 1, 254).astype(np.uint8))
        darker, brighter = found
        darker[(self.paper == 0) | (self.mean < darkest)] = 255
        brighter[(self.paper == 0) | (self.mean > brightest)] = 255
        return darker, brighter if brighter.min() < 255 else None


_WIDER = np.ones((4, 4), np.uint8)
"""Wider than a blurred rim, in the raster's pixels."""
_PRIOR = np.diag([0, 0.3, 0.3, 1.0, 1.0, 1.0])
"""Keeps a card that is half holes or stains from bending the light."""


def _middles(count: int) -> Floats:
    return (np.arange(count) + 0.5) / count * 2 - 1


def _squares(x: Floats) -> Singles:
    """(n,) → (n, 3): 1, x, x²."""
    return np.stack([np.ones_like(x), x, x * x], axis=1).astype(np.float32)


def _terms(x: Floats, y: Floats) -> tuple[Floats, ...]:
    return np.ones_like(x), x, y, x * x, x * y, y * y
