"""The table of `make volume-sensors`, short: nothing wrong anywhere, what a hand ordinarily does is read."""

from __future__ import annotations

import numpy as np
import pytest

from cards.load import find_layout
from reader.reading import Reading
from tests.volume_sensors.scenarios import SCENARIOS, Scenario
from tests.volume_sensors.tally import judged, one, run

COUNT = 40


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda s: s.name)
def test_nothing_is_read_wrongly(scenario: Scenario) -> None:
    tally = run(scenario, 7, COUNT)
    assert tally.total == COUNT
    assert scenario.beyond or not tally.wrong, tally.wrong_seeds
    if scenario.read_min is not None:
        assert tally.read >= 0.9 * COUNT, tally


def test_a_misread_would_be_counted() -> None:
    """The table's own control: the same reading against the opposite truth."""
    steady = next(s for s in SCENARIOS if s.name == "steady, to 0.5 m/s")
    rng = np.random.default_rng(3)
    outcome, known = one(find_layout("stadslogistiek-bar"), steady.draw(rng), rng)
    assert isinstance(outcome, Reading)
    assert judged(outcome, known) == "read"
    assert judged(outcome, {name: "punched" if what == "clear" else "clear" for name, what in known.items()}) == "wrong"
