"""Every kind of damage in the simulator's table: its truth from geometry, and the table in the docs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from cards.layout import Layout
from device.simulator.damage import CASES, Case, damaged, docs_table
from device.simulator.truth import strays, truth

DOCS = Path(__file__).parents[2] / "docs" / "simulator.md"


@pytest.mark.parametrize("case", CASES, ids=lambda c: c.name)
def test_the_geometry_gives_the_truth_that_the_table_names(campaign: Layout, case: Case) -> None:
    for seed in range(6):
        card, struck = damaged(campaign, case, np.random.default_rng(seed))
        known = truth(campaign, card)
        assert known[struck.name] == case.truth
        others = {t for name, t in known.items() if name != struck.name}
        assert "ambiguous" not in others or case.name == "torn to the edge"
        assert bool(strays(campaign, card)) == (case.name == "stray hole")


@pytest.mark.skipif(not DOCS.is_file(), reason="looks at the checkout")
def test_the_docs_hold_the_table_that_is_tested() -> None:
    assert docs_table() in DOCS.read_text(encoding="utf-8")
