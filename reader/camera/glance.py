"""Where a quick look is not enough: what is off the paper beyond what most places show alike."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from reader.camera.bed import Ground
from reader.camera.patches import Plan, Singles
from reader.camera.shapes import OPENING, end_weights, leaning, opened
from reader.camera.unmix import Mixture, contrast_of, dot, least_off, unmix_beyond

DARKER, DARK_STEP = 0.1, 0.25
"""Darker than the card's other positions by this share of the paper's light counts as nothing; by so much more, as gone."""
SHINES = 0.3
"""What holds a bed's gloss is lighter than a dark card's paper by more than this share of the paper's light."""
GLANCE_GONE, GLANCE_UNLIKE, GLANCE_OPEN = 0.03, 0.2, 0.1
"""More than these shares of a hole, gone beyond the usual print, solidly unlike the paper or like the bed in any way, are
looked at closely."""
GLANCE_UNEVEN = 0.15
"""Where so much of the ring of paper around a hole is unlike paper, a shadow's edge or another hole lies there."""
GLANCE_LEAN, GLANCE_LEAN_MACHINE = 0.02, 0.05
"""What is gone but thin is looked at closely where it leans so far: rings, hands and digits hardly lean, and no thin thing
that does not is ever called a hole or a doubt; but for `GLANCE_SLIT`."""


def darkness(seen: Singles, paper: Singles) -> Singles:
    """(n, rows, columns): the share of the paper's light that is missing."""
    light = dot(seen, paper) / np.maximum((paper * paper).sum(axis=1), 1.0)[:, None, None]
    return np.asarray(1 - light, np.float32)


def worth_a_look(mixture: Mixture, gone: Singles, glance: Plan) -> NDArray[np.bool_]:
    """(n,): where a glance does not settle that nothing is there."""
    near = glance.near / np.float32(glance.area_samples)

    def total(share: Singles) -> Singles:
        summed: Singles = share.reshape(len(share), -1) @ near
        return summed

    some: NDArray[np.bool_] = total(np.maximum(mixture.open, mixture.loose)) > GLANCE_OPEN
    some |= mixture.unlike.reshape(len(some), -1) @ glance.ring_weights > GLANCE_UNEVEN
    thin = np.flatnonzero(~some & (total(gone) > GLANCE_GONE))
    if len(thin):
        part = gone[thin]
        some[thin] = leaning(part, glance) > GLANCE_LEAN
        some[thin] |= total(opened(part, glance, OPENING)) > GLANCE_GONE
    off = np.flatnonzero(~some & (total(mixture.unlike) > GLANCE_UNLIKE))
    if len(off):
        some[off] = total(opened(mixture.unlike[off], glance, OPENING)) > GLANCE_UNLIKE
    return some


def machine_worth_a_look(
    seen: NDArray[np.uint8], paper: Singles, bed: Singles, ground: Ground, glance: Plan
) -> NDArray[np.bool_]:
    """(n,): `worth_a_look` at a machine's holes. There are hundreds, and only what is off the paper is summed up.

    In so narrow a hole digits are as solid as anything, and no two places show the same print.
    """
    bright = (paper * paper).sum(axis=1)
    least = np.minimum(least_off(contrast_of(paper, bed)), DARKER * np.sqrt(bright))
    at, found = unmix_beyond(least, seen, paper, bed, ground)
    like_bed = np.maximum(found.open, found.loose)
    lost = 1 - (found.seen * np.take(paper.T / np.maximum(bright, 1.0), found.patch, axis=1)).sum(axis=0)
    gone = like_bed if ground.is_lit else np.maximum(like_bed, np.clip((lost - DARKER) / DARK_STEP, 0, 1))
    if ground.is_glossy:
        gone = np.maximum(gone, (found.open > 0.02) & (lost < -SHINES))

    first = np.searchsorted(found.patch, np.arange(len(seen) + 1))

    def total(share: Singles | NDArray[np.bool_], weight: Singles) -> Singles:
        # Samples come patch by patch. Where a patch has none, `reduceat` gives another's.
        summed = np.add.reduceat(np.append(share * weight[found.place], np.float32(0)), first[:-1])
        return np.where(first[1:] > first[:-1], summed, np.float32(0))

    hole = glance.near / np.float32(glance.area_samples)
    some: NDArray[np.bool_] = total(like_bed, hole) > GLANCE_OPEN
    some |= total(found.unlike, glance.ring_weights) > GLANCE_UNEVEN
    lean = np.abs(total(gone, end_weights(glance).ravel()))
    some |= (total(gone, hole) > GLANCE_GONE) & (lean > GLANCE_LEAN_MACHINE)
    solid = np.flatnonzero(~some & (total(found.unlike, hole) > GLANCE_UNLIKE))
    if len(solid):
        spread = np.zeros(seen.shape[:3], np.float32)
        spread.ravel()[at] = found.unlike
        some[solid] = opened(spread[solid], glance, OPENING).reshape(len(solid), -1) @ hole > GLANCE_UNLIKE
    return some
