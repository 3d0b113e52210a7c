"""Receipts give nobody away."""

from __future__ import annotations

from collections import Counter
from datetime import date
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cards.layout import Layout, Question
from cards.load import find_layout
from device.simulator.people import answer
from reader.decode import decode
from reader.reading import Decoded
from reader.slip import K, Neighbourhood, shown, slip, slip_maker
from reader.store import Store, open_store
from tests.builders import complete, reading

CARD = find_layout("stadslogistiek")
ONE = next(q for q in CARD.questions if q.answer == "one")


def decoded(layout: Layout = CARD) -> Decoded:
    return decode(reading(layout, set(complete(layout))), layout)


def keep(store: Store, sitting: str, count: int, choice: int = 0) -> None:
    for _ in range(count):
        whole = reading(CARD, {q.positions[choice].name for q in CARD.questions})
        store.append_reading(sitting, whole, decode(whole, CARD), CARD)


def test_the_slip_holds_the_residents_own_answers_in_words() -> None:
    lines = slip(CARD, decoded(), {}, "nl")
    text = " ".join(" ".join(lines).split())
    assert all(len(line) <= 32 for line in lines)
    for question in CARD.questions:
        value = decoded().answers[question.id].value
        if isinstance(value, str):
            choice = next(c for c in question.choices if c.id == value)
            assert choice.text["nl"].replace("\N{SOFT HYPHEN}", "") in text
    assert "Nog te weinig kaarten" in text


def test_no_time_no_id_no_place(tmp_path: Path) -> None:
    with open_store(tmp_path / "s.db") as store:
        sitting = store.open_permanence("Café Belga", date(2025, 3, 9))
        make = slip_maker(store, "fr")
        make(CARD, decoded())
        keep(store, sitting, 8)
        keep(store, sitting, 8, choice=1)
        text = "\n".join(make(CARD, decoded()))
        assert "50 %" in text
        ids = [sitting, *(row[0] for row in store.rows("SELECT id FROM readings"))]
    for secret in ("Belga", "2025", "03", sitting[:8], *(i[:8] for i in ids)):
        assert secret not in text


def test_a_card_that_a_person_must_look_at_gets_none() -> None:
    assert slip(CARD, decode(reading(CARD, set()), CARD), {}, "en") == ()


def test_figures_advance_by_five_cards_and_not_at_once_after_a_start(tmp_path: Path) -> None:
    with open_store(tmp_path / "s.db") as store:
        sitting = store.open_permanence("x", date(2025, 3, 9))
        keep(store, sitting, 7)
        hood = Neighbourhood(store)
        totals = []
        for _ in range(13):
            totals.append(sum(hood.counts(CARD).get(ONE.id, Counter()).values()))
            keep(store, sitting, 1)
    assert totals == [0, 0, 0, 0, 0, 12, 12, 12, 12, 12, 17, 17, 17]


@given(st.lists(st.integers(0, 30), min_size=len(ONE.choices), max_size=len(ONE.choices)))
def test_nothing_that_is_shown_or_left_out_stands_for_fewer_than_five(numbers: list[int]) -> None:
    counts = Counter({c.id: n for c, n in zip(ONE.choices, numbers, strict=True)})
    told = [choice for choice, _ in shown(ONE, counts) if choice]
    hidden = [c.id for c in ONE.choices if c.id not in told]
    assert all(counts[c] >= K for c in told)
    if told and hidden:
        assert sum(counts[c] for c in hidden) >= K
    assert all(percent % 5 == 0 for _, percent in shown(ONE, counts))


def test_a_lone_answer_among_many_hides_behind_another() -> None:
    first, second, third = (c.id for c in ONE.choices[:3])
    told = shown(ONE, Counter({first: 40, second: 9, third: 1}))
    assert told == [(first, 80), ("", 20)]


def test_questions_with_many_answers_have_no_figures() -> None:
    many = Question("q", "many", {}, choices=ONE.choices)
    assert shown(many, Counter({c.id: 50 for c in ONE.choices})) == []


@pytest.mark.parametrize("seed", range(3))
def test_any_card_makes_a_slip(seed: int) -> None:
    whole = reading(CARD, set(answer(CARD, np.random.default_rng(seed))))
    one = decode(whole, CARD)
    assert bool(slip(CARD, one, {}, "en")) == (one.verdict.outcome == "accepted")
