"""Punches become answers; whatever is doubtful stays doubtful."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cards.codes import ibm029, ibm029_rows
from cards.layout import Layout
from cards.load import find_layout
from reader.decode import decode
from reader.reading import Code, Punch, Score, Stray, Thresholds, judge
from reader.reasons import SENTENCES, sentence
from tests.builders import complete, reading

CAMPAIGN = find_layout("stadslogistiek")


def codes(layout: Layout, **kwargs: object) -> list[Code]:
    return [r.code for r in decode(reading(layout, **kwargs), layout).verdict.reasons]  # type: ignore[arg-type]


def test_a_complete_card_is_accepted_with_its_answers(campaign: Layout) -> None:
    decoded = decode(reading(campaign, complete(campaign)), campaign)
    assert decoded.verdict.outcome == "accepted"
    assert decoded.answers["groceries_how"].value == "on_foot"
    assert all(a.state == "answered" for a in decoded.answers.values())


def test_two_holes_in_a_one_are_never_chosen_between(campaign: Layout) -> None:
    decoded = decode(reading(campaign, [*complete(campaign), "groceries_how.car"]), campaign)
    assert decoded.verdict.outcome == "review"
    assert decoded.answers["groceries_how"].state == "doubtful"
    assert decoded.answers["groceries_how"].value is None
    assert decoded.answers["city_how"].state == "answered", "other questions stay answered"


def test_an_uncertain_position_makes_its_question_doubtful(campaign: Layout) -> None:
    decoded = decode(reading(campaign, complete(campaign), ["groceries_how.bike"]), campaign)
    (reason,) = decoded.verdict.reasons
    assert (reason.code, reason.position) == (Code.UNCERTAIN_POSITION, "groceries_how.bike")
    assert decoded.answers["groceries_how"].state == "doubtful"


def test_a_required_question_left_blank_needs_a_look_an_optional_one_does_not(campaign: Layout) -> None:
    without = [n for n in complete(campaign) if not n.startswith(("groceries_how", "parcels_how"))]
    assert codes(campaign, punched=without) == [Code.REQUIRED_BLANK]


def test_a_stray_sends_the_card_to_review(campaign: Layout) -> None:
    assert codes(campaign, punched=complete(campaign), strays=(Stray(100, 12, 19.6),)) == [Code.STRAY]


def test_a_reading_of_another_layout_is_refused(campaign: Layout) -> None:
    with pytest.raises(ValueError, match="cannot be decoded"):
        decode(reading(find_layout("ibm80")), campaign)


def test_columns_of_a_classic_card_spell_text() -> None:
    layout = find_layout("ibm80")
    (question,) = layout.questions
    text = "HELLO, WORLD 42"
    holes = [f"{question.id}.{c}.{row}" for c, sign in enumerate(text, 1) for row in ibm029_rows(sign)]
    assert decode(reading(layout, holes), layout).answers[question.id].value == text


def test_rows_that_spell_nothing_are_a_reason_not_a_guess() -> None:
    layout = find_layout("ibm80")
    (question,) = layout.questions
    holes = [f"{question.id}.3.{row}" for row in ("12", "11", "0", "5", "6")]
    decoded = decode(reading(layout, holes), layout)
    assert decoded.answers[question.id].state == "doubtful"
    assert decoded.verdict.reasons[0].code is Code.INVALID_CHARACTER


@pytest.mark.parametrize("sign", "ABIJRSZ0159&-/.,$*#@%<> ")
def test_the_character_code_goes_both_ways(sign: str) -> None:
    assert ibm029(ibm029_rows(sign)) == sign


def test_every_reason_has_a_sentence_in_every_language() -> None:
    for language, words in SENTENCES.items():
        assert set(words) == set(Code), language


def test_sentences_call_questions_and_choices_as_the_card_does(campaign: Layout) -> None:
    decoded = decode(reading(campaign, [*complete(campaign), "groceries_how.car"], ["city_feel.bad"]), campaign)
    said = [sentence(r, campaign, "fr") for r in decoded.verdict.reasons]
    assert "« À pied »" in said[0] or "À pied" in said[0]
    assert "Comment te déplaces-tu en ville" in said[1], "a feeling is named with what it is about"
    assert not any("_" in s for s in said)


scores = st.builds(Score, st.floats(0, 1.5), st.just((0.0, 0.0)), st.sampled_from([(), ("shade",), ("contrast",)]))


@settings(max_examples=80, deadline=None)
@given(st.dictionaries(st.sampled_from([p.name for p in CAMPAIGN.positions]), scores, max_size=30))
def test_no_answer_ever_rests_on_an_uncertain_position(given_scores: dict[str, Score]) -> None:
    seen = reading(CAMPAIGN, scores=given_scores)
    punches, decoded = seen.punches(), decode(seen, CAMPAIGN)
    for q in CAMPAIGN.questions:
        states = [punches[p.name] for p in q.positions]
        if Punch.UNCERTAIN in states:
            assert decoded.answers[q.id].state == "doubtful"
            assert decoded.verdict.outcome == "review"
        elif states.count(Punch.PUNCHED) == 1:
            assert decoded.answers[q.id].value == q.positions[states.index(Punch.PUNCHED)].choice


@given(st.floats(0, 2), st.floats(0, 0.4), st.floats(0.45, 1))
def test_judging_is_monotonous_and_doubt_always_wins(share: float, low: float, high: float) -> None:
    limits = Thresholds(low, high)
    ranks = {Punch.CLEAR: 0, Punch.UNCERTAIN: 1, Punch.PUNCHED: 2}
    assert ranks[judge(Score(share), limits)] <= ranks[judge(Score(share + 0.1), limits)]
    assert judge(Score(share, doubts=("shade",)), limits) is Punch.UNCERTAIN
