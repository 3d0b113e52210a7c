"""Two looks at one card made one reading, and looks that are no one card."""

from __future__ import annotations

from dataclasses import replace

import pytest

from cards.layout import Layout
from reader.live.merge import contradicts, merge, same_card
from reader.reading import Punch, Score, Stray
from tests.builders import CLEAR, HALF, WHOLE, complete, reading


def test_merging_keeps_scores_doubts_and_every_stray(campaign: Layout) -> None:
    one = reading(campaign, complete(campaign), strays=(Stray(50, 50, 19.0),))
    name = complete(campaign)[0]
    two = replace(
        one,
        scores={**one.scores, name: Score(0.91, (0.3, 0.0))},
        strays=(Stray(50.5, 50.2, 19.5), Stray(90, 20, 19.0)),
    )
    merged = merge([one, two])
    assert merged.scores[name].open == pytest.approx((WHOLE.open + 0.91) / 2) and merged.scores[name].doubts == ()
    assert [(s.x_mm, s.y_mm) for s in merged.strays] == [(50, 50), (90, 20)]
    doubted = replace(one, scores={**one.scores, name: Score(0.97, doubts=("shade",))})
    assert merge([one, doubted]).scores[name].doubts == ("shade", "frames")


@pytest.mark.parametrize("scores", [(WHOLE, CLEAR), (CLEAR, WHOLE), (HALF, WHOLE), (CLEAR, HALF)])
def test_no_mean_of_two_looks_is_ever_certain_when_they_differ(campaign: Layout, scores: tuple[Score, Score]) -> None:
    name = campaign.positions[0].name
    looks = [reading(campaign, scores={name: s}) for s in scores]
    assert merge(looks).punches()[name] is Punch.UNCERTAIN


def test_looks_at_two_layouts_are_no_one_card(campaign: Layout) -> None:
    one = reading(campaign, complete(campaign))
    other = replace(one, layout_digest="another")
    assert not same_card(one, other) and contradicts(one, other)
    with pytest.raises(ValueError, match="different layouts"):
        merge([one, other])


def test_doubt_is_no_contradiction(campaign: Layout) -> None:
    name = campaign.positions[0].name
    sure, unsure, clear = (reading(campaign, scores={name: s}) for s in (WHOLE, HALF, CLEAR))
    assert not contradicts(sure, unsure) and not contradicts(unsure, clear) and contradicts(sure, clear)
