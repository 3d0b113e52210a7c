"""Only what lies off its paper is unmixed: what is left out must have been nothing."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from reader.camera.bed import ground_of
from reader.camera.patches import middle
from reader.camera.unmix import bed_share, contrast_of, distance, unmix

Singles = NDArray[np.float32]
BEDS = {"black": (15.0,), "lit": (250.0,), "felt in colour": (20.0, 18.0, 22.0), "green": (60.0, 140.0, 40.0)}
PAPER = {"black": (200.0,), "lit": (120.0,), "felt in colour": (190.0, 200.0, 210.0), "green": (190.0, 200.0, 210.0)}


def colours(of: tuple[float, ...], count: int) -> Singles:
    return np.tile(np.array(of, np.float32), (count, 1))


def patches(kind: str, share: Singles) -> Singles:
    """(n, rows, columns, channels): so much bed in every sample."""
    paper, bed = np.array(PAPER[kind], np.float32), np.array(BEDS[kind], np.float32)
    return (paper + share[..., None] * (bed - paper)).astype(np.float32)


@pytest.mark.parametrize("kind", BEDS)
def test_paper_is_nothing_and_bed_is_open(kind: str) -> None:
    share = np.zeros((2, 5, 6), np.float32)
    share[0, 1, 2] = share[1, 4, 0] = 1.0
    mixture = unmix(patches(kind, share), colours(PAPER[kind], 2), bed := colours(BEDS[kind], 2), ground_of(bed))
    assert np.allclose(mixture.open, share, atol=0.01)
    assert np.allclose(mixture.loose, share, atol=0.01) and np.array_equal(mixture.unlike, share)


@pytest.mark.parametrize("kind", BEDS)
def test_patches_are_told_apart_each_by_its_own_paper(kind: str) -> None:
    share = np.random.default_rng(1).random((7, 9, 4)).astype(np.float32)
    paper, bed = colours(PAPER[kind], 7), colours(BEDS[kind], 7)
    paper *= np.linspace(0.9, 1.0, 7, dtype=np.float32)[:, None]
    seen = (paper[:, None, None] + share[..., None] * (bed - paper)[:, None, None]).astype(np.float32)
    whole = unmix(seen, paper, bed, ground_of(bed))
    for apart in (0.3, 0.5):
        off = distance(seen, paper) > apart * contrast_of(paper, bed)[:, None, None]
        for where in (np.ones_like(off), share > 0.5, np.zeros_like(off)):
            assert np.array_equal(bed_share(seen, paper, bed, ground_of(bed), apart, where), whole.open * off * where)
    for k in range(7):
        alone = unmix(seen[k : k + 1], paper[k : k + 1], bed[k : k + 1], ground_of(bed))
        for one, other in ((whole.open, alone.open), (whole.loose, alone.loose), (whole.shade, alone.shade)):
            assert np.allclose(one[k], other[0], atol=1e-4)


@pytest.mark.parametrize("kind", BEDS)
def test_nothing_at_all_is_unmixed_without_complaint(kind: str) -> None:
    paper, bed = colours(PAPER[kind], 3), colours(BEDS[kind], 3)
    mixture = unmix(patches(kind, np.zeros((3, 4, 4), np.float32)), paper, bed, ground_of(bed))
    assert not mixture.open.any() and not mixture.loose.any() and not mixture.unlike.any()


@given(st.integers(0, 2**32 - 1), st.integers(1, 9), st.integers(1, 7), st.integers(1, 3), st.integers(0, 2))
def test_the_middle_is_the_median(seed: int, a: int, b: int, c: int, axis: int) -> None:
    values = np.random.default_rng(seed).integers(0, 256, (a, b, c)).astype(np.float32)
    before = values.copy()
    assert np.array_equal(middle(values, axis), np.median(values, axis=axis).astype(np.float32))
    assert np.array_equal(values, before)
