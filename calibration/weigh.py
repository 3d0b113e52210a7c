"""How likely a spot of a card shows the bed rather than paper, when both are known at that very place.

Both models are heavy-tailed (Cauchy), so that dirt cannot fake certainty: with z the distance from a model's mean in its
spreads, bed is as likely as (1 + z_paper²) / (2 + z_paper² + z_bed²). What is even further from paper than the bed is
(a hole's shadow on felt, glare on a lamp) counts as bed; what is on paper's other side is not bed.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from calibration.models import Levels

Singles = NDArray[np.float32]

BED_SHARE = 0.07
"""Spread of a bed seen through a hole, as a share of its level: the paper around it takes and throws light."""
VEIL = 0.02
"""Share of the paper's level that a lens and the hole's own lit wall throw over the hole."""
UNLIKELY, LIKELY = 0.15, 0.8
"""Likelihoods beyond which a spot is wholly paper, wholly bed."""
SURE = 16.0
"""Being further from paper than four spreads, squared, makes nothing more like the bed: pen is no hole."""
ODD = 9.0
"""Three spreads, squared: further from both paper and bed, a spot is explained by neither."""
ODD_WAY = 0.4
"""Share of the way from paper to bed; nearer to paper is a shadow, a fold or pencil."""
OFF_SPREADS, OFF_WAY = 6.0, 0.75
"""So many spreads off its paper, or so much of the way to the bed, a spot is no print that lies off its place."""


def weigh(seen: Singles, paper: Singles, spread: Singles, bed: Singles, bed_spread: Singles) -> tuple[Levels, Levels]:
    """How likely each spot is bed, 0 to 255, and 255 where it is neither paper nor bed; all of one shape, in levels."""
    way, gone = paper - bed, paper - seen
    gone *= np.sign(way)
    np.abs(way, out=way)
    z_paper = gone / spread
    z_paper.clip(0, math.sqrt(SURE), out=z_paper)
    z_paper *= z_paper
    z_bed = np.maximum(way - gone, 0)
    z_bed /= bed_spread + (BED_SHARE * bed + VEIL * paper)
    z_bed *= z_bed
    # A shadow on paper is no doubt: what might be a filled or half-seen hole has left paper by a good part of the way.
    odd = np.minimum(z_paper, z_bed) > ODD
    odd &= gone > ODD_WAY * way
    likely = (1 + z_paper) / (2 + z_paper + z_bed)
    likely -= UNLIKELY
    likely *= 255 / (LIKELY - UNLIKELY)
    return likely.clip(0, 255, out=likely).astype(np.uint8), odd.view(np.uint8) * np.uint8(255)


def cover(seen: Singles, paper: Singles, spread: Singles, bed: Singles) -> Singles:
    """How much of each spot the bed covers, 0.5 to 1, where it is half or more and no print; else 0.

    Where `weigh` asks what a spot is, this asks how much: a narrow slit is all rim, and its rims are half paper.
    """
    way, gone = paper - bed, paper - seen
    way[np.abs(way) < 1] = 1
    share = gone / way
    sure = (share > 0.5) & ((np.abs(gone) > OFF_SPREADS * spread) | (share > OFF_WAY))
    return np.asarray(np.minimum(share, 1) * sure, np.float32)
