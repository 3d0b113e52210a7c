"""How much of each sample is bed: every pixel explained as a mixture of the paper beside it and the bed below it.

x = α·paper + c·bed, with 0 ≤ α and 0 ≤ c. The open share is 1 − α and c / (1 − α) is the bed's shade: holes are
darker than the open bed (the card's own shadow), so a bed of a colour is a ray, not a point. A bed that is nearly
black, or so bright that the camera saturates, has no shade to speak of and is a point. What neither explains is print,
pen or a stain, and is not open.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from reader.camera.bed import Ground
from reader.camera.patches import Levels, Singles

F = TypeVar("F", np.float32, np.float64)

SHADE_MIN, SHADE_MAX = 0.12, 1.5
NOISE_LEVELS = 10.0
"""Grey levels by which a mixture may miss, plus `NOISE_SHARE` of the contrast: sensor noise, JPEG, texture."""
NOISE_SHARE = 0.12
UNLIKE_SHARE, UNLIKE_LEVELS = 0.3, 14.0
"""A sample further from the paper than this share of the bed's distance is something else; but not by fewer grey levels, for
so far a ring's colour runs into the paper in it where JPEG keeps hues at half size."""
STEP = (0.3, 0.7)
"""A sample is bed or it is not, but for those on an edge: shares below count as none, above as all. Faint even shares
come from print whose colour leans towards the bed's."""
LIT_STEP = (0.85, 0.95)
"""On a lit bed a hole saturates, and white print comes close."""
OUTSHINES_MIN = 25.0
"""8-bit levels, of the channel in which the bed is least brighter than the paper."""
OFF_PAPER, OFF_PAPER_SHARE = 7.0, 0.29
"""Grey levels, and a share of the bed's distance: what lies nearer to its paper is neither bed nor unlike, whatever the bed."""
_SHADE_PRIOR, _SHADE_GUESS = 0.04, 0.8
VEIL_MAX, _VEIL_PRIOR = 0.35, 0.1


@dataclass(frozen=True)
class Mixture:
    """Per sample of (n, rows, columns): `open` 0–1 (0 where unexplained) and `shade`; `contrast` (n,) grey levels; `ground`.

    shines: (n,) whether the bed is lit, or brighter than the paper in every channel, as print is on a dark card only.
    unlike: 1 where a sample is not the paper, whatever else it is; on a point bed only towards the bed.
    loose: like `open`, with twice the miss allowed and any depth of shadow, and over a lit bed any light beyond the
    paper's: what might be bed after all. way: how far from paper to bed, unjudged: what blur spreads, it conserves; 0 over
    a bed of a colour that does not shine.
    """

    open: Singles
    loose: Singles
    unlike: Singles
    shade: Singles
    contrast: Singles
    way: Singles
    shines: NDArray[np.bool_]
    ground: Ground


@dataclass(frozen=True)
class Samples:
    """The same of a few samples (k,). seen: (channels, k). patch: which patch each is of. place: which sample of that patch
    (rows · columns)."""

    seen: Singles
    patch: NDArray[np.intp]
    place: NDArray[np.intp]
    open: Singles
    loose: Singles
    unlike: NDArray[np.bool_]
    shade: Singles


def unmix(seen: Singles, paper: Singles, bed: Singles, ground: Ground) -> Mixture:
    """seen: (n, rows, columns, channels); paper, bed: (n, channels), all 8-bit levels as float32. ground: of the whole bed; at
    one shaded place wood is as dark as felt.

    Only what lies off its paper is unmixed, one sample in five or so.
    """
    contrast = contrast_of(paper, bed)
    at, found = unmix_beyond(least_off(contrast), seen, paper, bed, ground)
    spread = np.zeros((4, *seen.shape[:3]), np.float32)
    for plane, values in zip(spread, (found.open, found.loose, found.unlike, found.shade), strict=True):
        plane.ravel()[at] = values
    shines = ((bed - paper).min(axis=1) > OUTSHINES_MIN) | ground.is_lit
    if ground.is_point:
        along = _on_line(_within(seen, bed[:, None, None], ground), paper, bed - paper)
    else:
        along = np.zeros(seen.shape[:3], np.float32)
        if shines.any():
            within = _within(seen[shines], bed[shines, None, None], ground)
            along[shines] = _on_line(within, paper[shines], (bed - paper)[shines])
    return Mixture(spread[0], spread[1], spread[2], spread[3], contrast, along, shines, ground)


def bed_share(
    seen: Levels, paper: Singles, bed: Singles, ground: Ground, apart: float, where: NDArray[np.bool_]
) -> Singles:
    """`Mixture.open` of `unmix` alone, of what lies off its paper by more than the share `apart` of the bed's distance.

    where: (n, rows, columns), which samples are asked for; 0 elsewhere.
    """
    off = distance(seen, paper)
    at = np.flatnonzero((off > apart * contrast_of(paper, bed)[:, None, None]) & where)
    share = np.zeros(seen.shape[:3], np.float32)
    share.ravel()[at] = unmix_at(at, seen, paper, bed, ground, off.ravel()[at]).open
    return share


def unmix_beyond(
    least: Singles, seen: Levels, paper: Singles, bed: Singles, ground: Ground
) -> tuple[NDArray[np.intp], Samples]:
    """Which samples lie further off their paper than `least`, (n,) levels: (k,) places in (n · rows · columns); and them."""
    off = distance(seen, paper)
    at = np.flatnonzero(off > least[:, None, None])
    return at, unmix_at(at, seen, paper, bed, ground, off.ravel()[at])


def least_off(contrast: Singles) -> Singles:
    """(n,): what lies no further off its paper is neither bed nor unlike it."""
    least: Singles = np.minimum(OFF_PAPER, OFF_PAPER_SHARE * contrast)
    return least


def contrast_of(paper: Singles, bed: Singles) -> Singles:
    """(n,) grey levels between paper and bed, (n, channels)."""
    way = bed - paper
    return np.sqrt(_inner(way, way))


def unmix_at(
    at: NDArray[np.intp], seen: Levels, paper: Singles, bed: Singles, ground: Ground, away: Singles
) -> Samples:
    """`unmix` of a few samples. at: (k,) places in (n · rows · columns). away: (k,) their distances from their paper."""
    size = seen.shape[1] * seen.shape[2]
    # `take` needs a quarter of the time that the same index in brackets does.
    colours = np.take(seen.reshape(-1, seen.shape[3]), at, axis=0)
    some = _Some(np.ascontiguousarray(colours.T, np.float32), at // size)
    contrast = contrast_of(paper, bed)
    if ground.is_point:
        raw, miss = _near_line(replace(some, seen=_within(some.seen, some.of(bed), ground)), paper, bed - paper)
        shade = np.ones_like(raw)
    else:
        raw, shade, miss = _on_ray(some, paper, bed, ground)
    share = _stepped(raw, LIT_STEP if ground.is_lit else STEP)
    maybe = _stepped(raw, STEP) if ground.is_lit else share
    span = np.maximum(contrast, 0.25 * np.sqrt(_inner(bed, bed)))
    allowed = (NOISE_LEVELS + NOISE_SHARE * span)[some.patch]
    full = contrast[some.patch]
    possible = shade < SHADE_MAX
    believed = (miss < allowed) & (shade > SHADE_MIN)
    unlike = away > np.maximum(UNLIKE_SHARE * full, UNLIKE_LEVELS)
    if ground.is_point:
        # Nothing lighter than the paper is a hole over black felt, nothing darker one over a lamp.
        unlike &= raw > UNLIKE_SHARE
    loose = np.where(possible & (away > 0.5 * full) & (miss < 2 * allowed), maybe, 0)
    opened = np.where(possible & believed, share, 0)
    return Samples(some.seen, some.patch, at - some.patch * size, opened, loose, unlike, shade)


@dataclass(frozen=True)
class _Some:
    """Samples that lie off their paper. seen: (channels, k). patch: (k,), the patch that each is of."""

    seen: Singles
    patch: NDArray[np.intp]

    def of(self, colours: Singles) -> Singles:
        """(n, channels), one for each patch → (channels, k)."""
        return np.take(np.ascontiguousarray(colours.T), self.patch, axis=1)


def _inner(one: NDArray[F], other: NDArray[F]) -> NDArray[F]:
    """(n, channels) twice → (n,): scalar products. Along so short an axis numpy's own sum takes many times as long."""
    total: NDArray[F] = one[:, 0] * other[:, 0]
    for k in range(1, one.shape[1]):
        total += one[:, k] * other[:, k]
    return total


def _stepped(share: Singles, step: tuple[float, float]) -> Singles:
    low, high = step
    stepped: Singles = np.clip((share - low) / (high - low), 0, 1)
    return stepped


def _on_line(seen: Singles, paper: Singles, way: Singles) -> Singles:
    """A point bed: each sample's place on the line from paper (0) to bed (1)."""
    along = np.asarray(way / np.maximum(_inner(way, way), 1.0)[:, None], np.float32)
    return np.asarray(dot(seen, along) - _inner(paper, along)[:, None, None], np.float32)


def _near_line(some: _Some, paper: Singles, way: Singles) -> tuple[Singles, Singles]:
    """(k,) twice: the same for a few samples, and how far they lie beside that line. In grey nothing does."""
    along = np.asarray(way / np.maximum(_inner(way, way), 1.0)[:, None], np.float32)
    share = (some.seen * some.of(along)).sum(axis=0) - _inner(paper, along)[some.patch]
    if len(some.seen) == 1:
        return share, np.zeros_like(share)
    rest = some.seen - some.of(paper) - np.clip(share, 0, 1) * some.of(way)
    return share, np.asarray(np.sqrt((rest * rest).sum(axis=0)), np.float32)


def _within(seen: Singles, bed: Singles, ground: Ground) -> Singles:
    """Deeper black in a hole than beside the card is bed all the same; over any other bed so is brighter light."""
    within: Singles = (np.maximum if ground.kind == "black" else np.minimum)(seen, bed)
    return within


def _on_ray(some: _Some, paper: Singles, bed: Singles, ground: Ground) -> tuple[Singles, Singles, Singles]:
    """A coloured bed: non-negative least squares for (α, c); a weak prior on the shade helps near-parallel colours."""
    seen, p, b = some.seen, some.of(paper), some.of(bed)
    if ground.is_glossy:
        seen = seen - _veil(some, paper, bed)
    paper_square, bed_square = _inner(paper, paper), _inner(bed, bed)
    prior = _SHADE_PRIOR**2 * bed_square
    pp = paper_square + _SHADE_GUESS**2 * prior
    pb = _inner(paper, bed) + _SHADE_GUESS * prior
    bb = bed_square + prior
    to_paper, to_bed = (seen * p).sum(axis=0), (seen * b).sum(axis=0)
    r1, r2 = to_paper + (_SHADE_GUESS**2 * prior)[some.patch], to_bed + (_SHADE_GUESS * prior)[some.patch]
    by_pp, by_pb, by_bb = (v[some.patch] for v in np.stack([pp, pb, bb]) / np.maximum(pp * bb - pb**2, 1e-3))
    alpha, c = by_bb * r1 - by_pb * r2, by_pp * r2 - by_pb * r1
    alone = alpha < 0
    alpha = np.where(alone, 0, alpha)
    c = np.where(alone, to_bed / np.maximum(bed_square, 1.0)[some.patch], c)
    alone = c < 0
    c = np.where(alone, 0, c)
    alpha = np.where(alone, to_paper / np.maximum(paper_square, 1.0)[some.patch], alpha)
    rest = seen - alpha * p - c * b
    # A share too small for as much bed light as was seen: what looked like dark paper was gloss on the bed.
    share = np.maximum(1 - alpha, c)
    return share, c / np.maximum(share, 0.05), np.sqrt((rest * rest).sum(axis=0))


def dot(seen: Singles, along: Singles) -> Singles:
    """(n, rows, columns): every sample's scalar product with its patch's vector, (n, channels)."""
    total: Singles = seen[..., 0] * along[:, 0, None, None]
    for k in range(1, seen.shape[3]):
        total += seen[..., k] * along[:, k, None, None]
    return total


def distance(seen: Levels, paper: Singles) -> Singles:
    """(n, rows, columns): how far every sample's colour lies from its patch's paper, (n, channels).

    Channel by channel, as in `dot`: along an axis of three numpy takes several times as long.
    """
    off: Singles = seen[..., 0] - paper[:, 0, None, None]
    if seen.shape[3] == 1:
        return np.abs(off, out=off)
    off *= off
    for k in range(1, seen.shape[3]):
        other = seen[..., k] - paper[:, k, None, None]
        other *= other
        off += other
    return np.sqrt(off, out=off)


def _veil(some: _Some, paper: Singles, bed: Singles) -> Singles:
    """White on top of the mixture (k,): the v of least squares for (α, c, v), within bounds."""
    p, b = paper.astype(np.float64), bed.astype(np.float64)
    length = np.sqrt(_inner(b, b))
    pp, bb = _inner(p, p), _inner(b, b) + (_SHADE_PRIOR * length) ** 2
    pb, p1, b1 = _inner(p, b), _inner(p, np.ones_like(p)), _inner(b, np.ones_like(b))
    ww = b.shape[1] + 3 * _VEIL_PRIOR**2
    # The last row of the inverse of the normal equations, by cofactors: thousands of patches, each with its own paper.
    cp, cb, cw = pb * b1 - p1 * bb, p1 * pb - pp * b1, pp * bb - pb**2
    determinant = p1 * cp + b1 * cb + ww * cw
    rows = cp[:, None] * p + cb[:, None] * b + cw[:, None]
    wanted = (rows / np.maximum(np.abs(determinant), 1e-6)[:, None]).astype(np.float32)
    most = (VEIL_MAX * length).astype(np.float32)[some.patch]
    veil: Singles = np.clip((some.seen * some.of(wanted)).sum(axis=0), 0, most)
    return veil
