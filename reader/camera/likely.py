"""How likely each spot of a card shows the bed rather than paper, when both are known at that very place.

Both models are heavy-tailed (Cauchy), so that dirt cannot fake certainty: with z the distance from a model's mean in its
spreads, bed is as likely as (1 + z_paper²) / (2 + z_paper² + z_bed²). What is even further from paper than the bed is
(a hole's shadow on felt, glare on a lamp) counts as bed; what is on paper's other side is not bed.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from calibration.blank import paper_mask, raster_points
from calibration.models import BLANK_PX_PER_MM, SPREAD_STEPS, Blank, Levels
from calibration.plane import MARGIN, CardMap, powers
from cards.layout import Layout
from reader.camera.geometry import Floats

Singles = NDArray[np.float32]
Bools = NDArray[np.bool_]

BED_COARSE = 4
"""The bed is smooth: it is looked up at every fourth pixel of the raster."""
BLOCK_PX = 24
"""Light is compared over blocks of so many pixels, 8 mm."""
SHIFT_SAMPLES = 3000
"""Pixels with the steepest print that tell its shift."""
SHIFT_SLOPE_MIN = 15.0
"""Levels per mm: fainter print tells nothing about its place."""
SHIFT_MIN_MM, SHIFT_MAX_MM = 0.06, 0.9
"""A smaller print shift is not worth a second look; a larger one is none."""
BED_SHARE = 0.07
"""Spread of a bed seen through a hole, as a share of its level: the paper around it takes and throws light."""
VEIL = 0.025
"""Share of the paper's level that a lens and the hole's own lit wall throw over the hole."""
UNLIKELY, LIKELY = 0.1, 0.6
"""Likelihoods beyond which a spot is wholly paper, wholly bed."""
ODD = 9.0
"""Three spreads, squared: further from both paper and bed, a spot is explained by neither."""


@dataclass(frozen=True)
class Seen:
    """A card as judged, on its blank's raster.

    open: (rows, columns) uint8, 0 paper to 255 bed. odd: 255 where neither explains it. paper, bed: levels expected.
    explained: share of the paper's area that paper or bed explains. shift_mm: the print's. contrast: mean difference
    between paper and bed, in levels.
    """

    open: Levels
    odd: Levels
    explained: float
    shift_mm: tuple[float, float]


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
        rows, columns = self.mean.shape
        self._blocks = max(columns // BLOCK_PX, 4), max(rows // BLOCK_PX, 4)
        self._prepare_light()
        self._prepare_shift()

    def _prepare_light(self) -> None:
        rows, columns = self.mean.shape
        known = cv2.resize(self.mean, self._blocks, interpolation=cv2.INTER_AREA)
        whole = cv2.resize(self.paper, self._blocks, interpolation=cv2.INTER_AREA)
        self._use = np.flatnonzero(np.asarray(whole).ravel() > 250)
        self._known = np.log(np.maximum(np.asarray(known).ravel()[self._use], 1.0))
        bx, by = np.meshgrid(_middles(self._blocks[0]), _middles(self._blocks[1]))
        self._terms = np.stack([t.ravel()[self._use] for t in _terms(bx, by)], axis=1)
        self._row, self._column = _middles(rows), _middles(columns)

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

    def raster(self, image: Levels, mapped: CardMap, shift_mm: tuple[float, float], step: int = 1) -> Levels:
        """The picture on this face's raster, or on every `step`-th pixel of it."""
        first = (step - 1) / 2 / BLANK_PX_PER_MM
        u = powers((self._x[::step] + (first + shift_mm[0])) / mapped.half_mm[0])
        v = powers((self._y[::step] + (first + shift_mm[1])) / mapped.half_mm[1])
        across = (mapped.coefficients @ u.T).astype(np.float32)
        rows = v.astype(np.float32)
        return np.asarray(cv2.remap(image, rows @ across[0], rows @ across[1], cv2.INTER_LINEAR), np.uint8)

    def light(self, seen: Levels) -> Singles:
        """How much brighter the card is than its blank: a smooth field over the raster, float32. See
        `calibration.blank.light`."""
        blocks = np.asarray(cv2.resize(seen, self._blocks, interpolation=cv2.INTER_AREA)).ravel()[self._use]
        ratio = np.log(np.maximum(blocks, 1.0)) - self._known
        off = ratio - np.median(ratio)
        fitted = np.zeros(6)
        for width in (0.08, 0.04, 0.03):
            weighted = self._terms / (1 + (off / width) ** 2)[:, None] ** 2
            fitted = np.linalg.solve(weighted.T @ self._terms + _PRIOR, weighted.T @ ratio)
            off = ratio - self._terms @ fitted
        a, bx, by, cx, cxy, cy = fitted
        x, y = self._column, self._row
        # exp of a quadratic without its mixed term is a product; the mixed term is small, so one more factor does.
        field = np.outer(np.exp(a + by * y + cy * y * y), np.exp(bx * x + cx * x * x)).astype(np.float32)
        if abs(cxy) > 0.003:
            field *= np.outer(y * cxy, x).astype(np.float32) + np.float32(1)
        return field

    def print_shift(self, seen: Levels, light: Singles) -> tuple[float, float]:
        """How far the print lies off the blank's, mm. See `calibration.blank.print_shift`."""
        if len(self._steep) < 200:
            return 0.0, 0.0
        off = seen.ravel()[self._steep] / light.ravel()[self._steep] - self._steep_mean
        weight = 1 / (1 + (off / 40) ** 2)
        wx, wy = weight * self._gx, weight * self._gy
        a, b, c = float(wx @ self._gx), float(wx @ self._gy), float(wy @ self._gy)
        p, q = float(wx @ off), float(wy @ off)
        det = a * c - b * b
        if det <= 1e-3 * a * c:
            return 0.0, 0.0
        x, y = -(c * p - b * q) / det, -(a * q - b * p) / det
        if max(abs(x), abs(y)) > SHIFT_MAX_MM:
            return 0.0, 0.0
        return x, y

    def look(self, image: Levels, tray: "Beds", mapped: CardMap) -> Seen:
        """Judge every spot of a card that lies as `mapped` says."""
        shift = (0.0, 0.0)
        seen = self.raster(image, mapped, shift)
        light = self.light(seen)
        for _ in range(2):
            more = self.print_shift(seen, light)
            if max(abs(more[0]), abs(more[1])) < SHIFT_MIN_MM:
                break
            shift = shift[0] + more[0], shift[1] + more[1]
            seen = self.raster(image, mapped, shift)
        size = (self.mean.shape[1], self.mean.shape[0])
        bed, bed_spread = (
            np.asarray(cv2.resize(self.raster(a, mapped, shift, BED_COARSE).astype(np.float32), size))
            for a in (tray.mean, tray.spread)
        )
        paper = self.mean * light
        return self._judge(seen.astype(np.float32), paper, bed * np.float32(tray.gain), bed_spread, shift)

    def _judge(
        self, seen: Singles, paper: Singles, bed: Singles, bed_spread: Singles, shift: tuple[float, float]
    ) -> Seen:
        sign = np.sign(paper - bed)
        from_paper = np.maximum((paper - seen) * sign, 0) / self.spread
        bed_width = bed_spread / SPREAD_STEPS + BED_SHARE * bed + VEIL * paper
        from_bed = np.maximum((seen - bed) * sign, 0) / bed_width
        z_paper, z_bed = from_paper * from_paper, from_bed * from_bed
        likely = (1 + z_paper) / (2 + z_paper + z_bed)
        opened = np.clip((likely - UNLIKELY) * (255 / (LIKELY - UNLIKELY)), 0, 255).astype(np.uint8)
        odd = cv2.compare(np.minimum(z_paper, z_bed), ODD, cv2.CMP_GT)
        # A hole's rim is half paper, half bed, and thin: what is odd is wider.
        odd = cv2.bitwise_and(np.asarray(cv2.morphologyEx(np.asarray(odd), cv2.MORPH_OPEN, _WIDER)), self.paper)
        opened = np.asarray(cv2.bitwise_and(opened, self.paper), np.uint8)
        explained = 1 - cv2.countNonZero(odd) / max(cv2.countNonZero(self.paper), 1)
        return Seen(opened, np.asarray(odd, np.uint8), explained, shift)


@dataclass(frozen=True)
class Beds:
    """The empty bed as one card's picture needs it: (height, width) uint8 each, and how bright it is now."""

    mean: Levels
    spread: Levels
    gain: float = 1.0


_WIDER = np.ones((4, 4), np.uint8)
"""Wider than a blurred rim, in the raster's pixels."""
_PRIOR = np.diag([0, 0.3, 0.3, 1.0, 1.0, 1.0])
"""Keeps a card that is half holes or stains from bending the light."""


def _middles(count: int) -> Floats:
    return (np.arange(count) + 0.5) / count * 2 - 1


def _terms(x: Floats, y: Floats) -> tuple[Floats, ...]:
    return np.ones_like(x), x, y, x * x, x * y, y * y


