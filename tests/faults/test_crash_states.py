"""A power cut at any instant loses nothing acknowledged; and the harness notices when a store does."""

from __future__ import annotations

import pytest

from tests.faults.sitting import Tally, run

STATES = 1000


@pytest.mark.parametrize("seed", [1, 2])
def test_no_power_cut_loses_an_acknowledged_card(seed: int) -> None:
    tally = run(seed, cards=200, per_instant=18, states=STATES)
    assert tally.states >= STATES
    assert tally.clean, tally


@pytest.mark.parametrize(
    ("synchronous", "lies"), [("NORMAL", False), ("OFF", False), ("EXTRA", True)], ids=["normal", "off", "lying disk"]
)
def test_the_harness_notices_a_store_that_does_lose_cards(synchronous: str, lies: bool) -> None:
    tally = run(3, cards=80, per_instant=6, synchronous=synchronous, lies=lies, states=150)
    assert isinstance(tally, Tally)
    assert tally.lost > 0, tally
