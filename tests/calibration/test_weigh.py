"""What is bed for certain, and how much the bed covers, where paper and bed are known."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from calibration.weigh import OFF_SPREADS, Singles, cover, weigh

PAPER, SPREAD, BED = 180.0, 4.0, 25.0


def single(*values: float) -> Singles:
    return np.array(values, np.float32)


def at(*shares: float, paper: float = PAPER, bed: float = BED) -> Singles:
    """Levels that are so far on their way from paper to bed."""
    return single(*(paper + share * (bed - paper) for share in shares))


def alike(like: Singles, *values: float) -> tuple[Singles, ...]:
    return tuple(np.full(len(like), value, np.float32) for value in values)


@pytest.mark.parametrize("paper, bed", [(180, 25), (120, 240)])
def test_a_spot_counts_by_how_much_the_bed_covers_of_it_from_the_half_on(paper: float, bed: float) -> None:
    seen = at(0.0, 0.3, 0.49, 0.55, 0.8, 1.0, 1.1, paper=paper, bed=bed)
    found = cover(seen, *alike(seen, paper, SPREAD, bed))
    assert found == pytest.approx([0, 0, 0, 0.55, 0.8, 1, 1], abs=1e-5)


def test_what_print_off_its_place_may_be_covers_nothing_until_it_is_nearly_bed() -> None:
    dark = BED + 40
    seen = at(0.6, 0.74, 0.76, paper=dark)
    spread = 40 / OFF_SPREADS
    assert (cover(seen, *alike(seen, dark, spread, BED)) > 0).tolist() == [False, False, True]


def test_paper_as_bright_as_the_bed_covers_nothing_that_looks_like_both() -> None:
    seen = single(100, 100.4, 99.7)
    assert not cover(seen, *alike(seen, 100, SPREAD, 100)).any()


@given(st.lists(st.floats(0, 255), min_size=4, max_size=4))
def test_covered_shares_are_shares_whatever_is_seen(levels: list[float]) -> None:
    seen, paper, spread, bed = (single(v) for v in levels)
    found = cover(seen, paper, np.maximum(spread, 1 / 8).astype(np.float32), bed)
    assert np.isfinite(found).all() and 0 <= found[0] <= 1


def test_a_slits_rims_are_no_bed_for_certain_and_yet_covered() -> None:
    seen = at(0.5, 0.55, 0.6)
    opened, _ = weigh(seen, *alike(seen, PAPER, SPREAD, BED, 1.5))
    assert opened.max() < 255 / 10
    assert (cover(seen, *alike(seen, PAPER, SPREAD, BED)) > 0).tolist() == [False, True, True]
