"""How much of each sample is bed: every pixel explained as a mixture of the paper beside it and the bed below it.

x = α·paper + c·bed, with 0 ≤ α and 0 ≤ c. The open share is 1 − α and c / (1 − α) is the bed's shade: holes are
darker than the open bed (the card's own shadow), so a bed of a colour is a ray, not a point. A bed that is nearly
black, or so bright that the camera saturates, has no shade to speak of and is a point. What neither explains is print,
pen or a stain, and is not open.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from reader.camera.patches import Singles

BedKind = Literal["black", "lit", "coloured"]

DARK_BED = 60.0
"""Below this brightest channel (8 bit) a bed counts as black: its shades are all alike."""
DARK_GREY_BED, GREY_SATURATION = 80.0, 0.2
"""A bed that is seen to have no colour still counts as black up to this: cameras lift shadows."""
LIT_BED = 235.0
"""Above this darkest channel a bed counts as lit: it shines through, nothing shades it."""
SHADE_MIN, SHADE_MAX = 0.12, 1.5
NOISE_LEVELS = 10.0
"""Grey levels by which a mixture may miss, plus `NOISE_SHARE` of the contrast: sensor noise, JPEG, texture."""
NOISE_SHARE = 0.12
UNLIKE_SHARE = 0.3
"""A sample further from the paper than this share of the bed's distance is something else."""
STEP = (0.3, 0.7)
"""A sample is bed or it is not, but for those on an edge: shares below count as none, above as all. Faint even shares
come from print whose colour leans towards the bed's."""
LIT_STEP = (0.85, 0.95)
"""On a lit bed a hole saturates, and white print comes close."""
_SHADE_PRIOR, _SHADE_GUESS = 0.04, 0.8
GLOSSY_SATURATION = 0.5
"""A bed more saturated than this is paint or print and may shine: its holes may hold a veil of white."""
VEIL_MAX, _VEIL_PRIOR = 0.35, 0.1


@dataclass(frozen=True)
class Mixture:
    """Per sample of (n, rows, columns): `open` 0–1 (0 where unexplained) and `shade`; `contrast` (n,) grey levels.

    unlike: 1 where a sample is not the paper, whatever else it is; on a point bed only towards the bed.
    loose: like `open`, with twice the miss allowed and any depth of shadow, and over a lit bed any light beyond the
    paper's: what might be bed after all. way: how far from paper to bed, unjudged: what blur spreads, it conserves.
    """

    open: Singles
    loose: Singles
    unlike: Singles
    shade: Singles
    contrast: Singles
    way: Singles


def bed_kind(bed: Singles) -> BedKind:
    """`black`: too dark to have shades. `lit`: shines by itself, brighter than any print. Otherwise `coloured`."""
    typical = np.median(bed, axis=0)
    neutral = len(typical) > 1 and _saturation(bed) < GREY_SATURATION
    if typical.max() < (DARK_GREY_BED if neutral else DARK_BED):
        return "black"
    return "lit" if typical.min() > LIT_BED else "coloured"


def is_point(bed: Singles) -> bool:
    """Whether the bed is black or lit: no shades, so that grey pictures suffice."""
    return bed_kind(bed) != "coloured"


def is_lit(bed: Singles) -> bool:
    """Whether the bed shines by itself, brighter than any print."""
    return bed_kind(bed) == "lit"


def is_glossy(bed: Singles) -> bool:
    """Whether the bed is paint or print, which may shine."""
    return bed_kind(bed) == "coloured" and _saturation(bed) > GLOSSY_SATURATION


def unmix(seen: Singles, paper: Singles, bed: Singles) -> Mixture:
    """seen: (n, rows, columns, channels); paper, bed: (n, channels), all 8-bit levels as float32."""
    way = bed - paper
    contrast = np.sqrt((way * way).sum(axis=1))
    if is_point(bed):
        # Deeper black in a hole than beside the card is bed all the same; so is brighter light.
        beyond = np.minimum if is_lit(bed) else np.maximum
        share, shade, miss = _on_line(beyond(seen, bed[:, None, None]), paper, way)
    else:
        share, shade, miss = _on_ray(seen, paper, bed)
    raw = share
    share = _stepped(raw, LIT_STEP if is_lit(bed) else STEP)
    maybe = _stepped(raw, STEP) if is_lit(bed) else share
    span = np.maximum(contrast, 0.25 * np.sqrt((bed * bed).sum(axis=1)))
    allowed = NOISE_LEVELS + NOISE_SHARE * span[:, None, None]
    possible = shade < SHADE_MAX
    believed = (miss < allowed) & (shade > SHADE_MIN)
    off = distance(seen - paper[:, None, None])
    apart = off > 0.5 * contrast[:, None, None]
    unlike = off > np.maximum(UNLIKE_SHARE * contrast, NOISE_LEVELS)[:, None, None]
    if is_point(bed):
        # Nothing lighter than the paper is a hole over black felt, nothing darker one over a lamp.
        unlike &= raw > UNLIKE_SHARE
    loose = np.where(possible & apart & (miss < 2 * allowed), maybe, 0)
    return Mixture(np.where(possible & believed, share, 0), loose, unlike.astype(np.float32), shade, contrast, raw)


def _stepped(share: Singles, step: tuple[float, float]) -> Singles:
    low, high = step
    stepped: Singles = np.clip((share - low) / (high - low), 0, 1)
    return stepped


def _on_line(seen: Singles, paper: Singles, way: Singles) -> tuple[Singles, Singles, Singles]:
    """A point bed: the sample's place on the line from paper to bed."""
    length = np.maximum((way * way).sum(axis=1), 1.0)
    off = seen - paper[:, None, None]
    share = dot(off, way) / length[:, None, None]
    if seen.shape[3] == 1:
        return share, np.ones_like(share), np.zeros_like(share)
    inside = np.clip(share, 0, 1)
    rest = off - inside[..., None] * way[:, None, None]
    return share, np.ones_like(share), distance(rest)


def _on_ray(seen: Singles, paper: Singles, bed: Singles) -> tuple[Singles, Singles, Singles]:
    """A coloured bed: non-negative least squares for (α, c); a weak prior on the shade helps near-parallel colours."""
    if _saturation(bed) > GLOSSY_SATURATION:
        seen = seen - _veil(seen, paper, bed)[..., None]
    prior = _SHADE_PRIOR**2 * (bed * bed).sum(axis=1)
    pp = (paper * paper).sum(axis=1) + _SHADE_GUESS**2 * prior
    pb = (paper * bed).sum(axis=1) + _SHADE_GUESS * prior
    bb = (bed * bed).sum(axis=1) + prior
    to_paper, to_bed = dot(seen, paper), dot(seen, bed)
    wide = (slice(None), None, None)
    r1, r2 = to_paper + (_SHADE_GUESS**2 * prior)[wide], to_bed + (_SHADE_GUESS * prior)[wide]
    determinant = np.maximum(pp * bb - pb**2, 1e-3)[wide]
    alpha = (bb[wide] * r1 - pb[wide] * r2) / determinant
    c = (pp[wide] * r2 - pb[wide] * r1) / determinant
    alone = alpha < 0
    alpha = np.where(alone, 0, alpha)
    c = np.where(alone, to_bed / np.maximum((bed * bed).sum(axis=1), 1.0)[wide], c)
    alone = c < 0
    c = np.where(alone, 0, c)
    alpha = np.where(alone, to_paper / np.maximum((paper * paper).sum(axis=1), 1.0)[wide], alpha)
    rest: Singles = (seen - alpha[..., None] * paper[:, None, None] - c[..., None] * bed[:, None, None]).astype(
        np.float32
    )
    # A share too small for as much bed light as was seen: what looked like dark paper was gloss on the bed.
    share = np.maximum(1 - alpha, c)
    return share, c / np.maximum(share, 0.05), distance(rest)


def dot(seen: Singles, along: Singles) -> Singles:
    """(n, rows, columns): every sample's scalar product with its patch's vector, (n, channels)."""
    total: Singles = seen[..., 0] * along[:, 0, None, None]
    for k in range(1, seen.shape[3]):
        total += seen[..., k] * along[:, k, None, None]
    return total


def distance(off: Singles) -> Singles:
    """(n, rows, columns): the length of every sample's colour."""
    if off.shape[3] == 1:
        return np.abs(off[..., 0])
    total: Singles = off[..., 0] * off[..., 0]
    for k in range(1, off.shape[3]):
        total += off[..., k] * off[..., k]
    return np.sqrt(total)


def _saturation(bed: Singles) -> float:
    typical = np.median(bed, axis=0)
    return float((typical.max() - typical.min()) / max(float(typical.max()), 1.0))


def _veil(seen: Singles, paper: Singles, bed: Singles) -> Singles:
    """White on top of the mixture (n, rows, columns): the v of least squares for (α, c, v), within bounds."""
    p, b = paper.astype(np.float64), bed.astype(np.float64)
    length = np.sqrt((b**2).sum(axis=1))
    pp, bb = (p**2).sum(axis=1), (b**2).sum(axis=1) + (_SHADE_PRIOR * length) ** 2
    pb, p1, b1 = (p * b).sum(axis=1), p.sum(axis=1), b.sum(axis=1)
    ww = b.shape[1] + 3 * _VEIL_PRIOR**2
    # The last row of the inverse of the normal equations, by cofactors: thousands of samples, each with its own paper.
    cp, cb, cw = pb * b1 - p1 * bb, p1 * pb - pp * b1, pp * bb - pb**2
    determinant = p1 * cp + b1 * cb + ww * cw
    rows = cp[:, None] * p + cb[:, None] * b + cw[:, None]
    wanted = (rows / np.maximum(np.abs(determinant), 1e-6)[:, None]).astype(np.float32)
    veil: Singles = np.clip(dot(seen, wanted), 0, (VEIL_MAX * length)[:, None, None].astype(np.float32))
    return veil
