"""Over beds of a colour: holes that hands leave half open, each doubted for its own reason."""

from __future__ import annotations

import pytest

from reader.camera import read_frame
from reader.reading import Punch, Reading
from tests.volume.cards import COLOURED, out_of_spec


@pytest.mark.parametrize(
    ("seed", "card", "position", "doubt"),
    [
        pytest.param(5, 13, "feel2.2", "hung", id="a chad in the card's shade"),
        pytest.param(31, 217, "do3.1", "hung", id="the same where the rest is more open"),
        pytest.param(31, 470, "wish.4", "spill", id="a slit beyond the position's own place"),
        pytest.param(51, 1380, "groceries_how.delivered", "unexplained", id="a slit too narrow for the openings"),
        pytest.param(31, 691, "likert3.3", "crescent", id="an arc at the rim"),
        pytest.param(5, 139, "number3.1.9", "crescent", id="hints that add up"),
    ],
)
def test_what_is_half_open_is_uncertain(seed: int, card: int, position: str, doubt: str) -> None:
    sample = out_of_spec(seed, card, COLOURED)
    assert sample.truth[position] == "ambiguous"
    outcome = read_frame(sample.frame, [sample.layout])
    assert isinstance(outcome, Reading)
    assert outcome.punches()[position] is Punch.UNCERTAIN
    assert doubt in outcome.scores[position].doubts
