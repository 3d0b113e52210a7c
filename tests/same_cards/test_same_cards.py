"""A few of the thousand cards; and that the comparison would notice."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from cards.load import find_layout
from reader.reading import Code, Reading, Reason, Rejection, Score
from tests.same_cards.compare import Counts, count, judge_card
from tests.same_cards.ways import LAYOUT, WAYS, by_bar, card

CARD = find_layout(LAYOUT)


def test_the_same_cards_get_the_same_answers_every_way() -> None:
    counts = count(5, 0, 20)
    assert counts.different == counts.wrong == []
    assert counts.read == counts.same >= 14 and set(counts.by_way) == set(WAYS)


def test_a_hole_that_one_way_misses_is_noticed() -> None:
    one = card(CARD, 1, 1)
    sound = by_bar(CARD, one, np.random.default_rng(1))
    assert isinstance(sound, Reading)
    name = next(n for n, t in one.truth.items() if t == "punched")
    false = replace(sound, scores={**sound.scores, name: Score(0.0)})
    counts = Counts()
    judge_card(CARD, one, {"a": sound, "b": false}, counts)
    assert len(counts.different) == len(counts.wrong) == 1 and counts.same == 0 and counts.read == 1
    assert name in counts.different[0] and "b" in counts.wrong[0]
    judge_card(CARD, one, {"a": sound, "b": Rejection((Reason(Code.CLOCK),))}, counts)
    assert counts.cards == 2 and counts.read == 1 and counts.refusals == {"b: clock": 1}
