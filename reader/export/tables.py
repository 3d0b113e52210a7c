"""The answers as rows of text: long (one row an answer), wide (one row a card), and the codebook that explains both."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import groupby

from cards.layout import Layout, Question, in_language
from reader.store import Permanence, StoredAnswer
from reader.store.stories import Story

Row = list[str]

LONG_HEADER = [
    "card", "permanence", "place", "day", "layout", "review", "card_state", "question", "question_text", "theme", "ask",
    "about", "state", "value", "value_text",
]  # fmt: skip
CARD_HEADER = ["card", "permanence", "place", "day", "review", "card_state"]
CODEBOOK_HEADER = [
    "layout", "question", "question_text", "theme", "ask", "about", "answer", "required", "only_if",
    "wide_column", "value", "value_text",
]  # fmt: skip
STORY_HEADER = ["story", "kind", "permanence", "place", "day", "language", "question", "level", "consent", "text"]
SUMMARY_HEADER = ["permanence", "place", "day", "kind", "languages", "counted", "waiting", "void", "rejected", "closed"]


def long_rows(layout: Layout, sittings: Mapping[str, Permanence], language: str) -> Callable[[StoredAnswer], Row]:
    """What makes the row of an answer (and of each chosen value of a `many`)."""
    # What does not change from row to row is made once: a campaign has millions of them.
    starts = {p.id: [p.id, p.place, p.day.isoformat(), layout.identity] for p in sittings.values()}
    asked = {
        q.id: [q.id, in_language(q.text, language), q.theme or "", q.ask or "", q.about or ""] for q in layout.questions
    }
    texts = {q.id: {c.id: in_language(c.text, language) or c.id for c in q.choices} for q in layout.questions}

    def row(a: StoredAnswer) -> Row:
        shown = texts[a.question].get(a.value, a.value)
        start = [a.reading, *starts[a.permanence], a.decision, a.card_state]
        return [*start, *asked[a.question], a.state, a.value, shown]

    return row


@dataclass(frozen=True)
class Card:
    """One card's answers. values: question → its values (several for a `many`). states: question → state.

    answers: the same as they were stored.
    """

    id: str
    permanence: str
    review: str
    state: str
    values: Mapping[str, list[str]]
    states: Mapping[str, str]
    answers: list[StoredAnswer]


def cards(answers: Iterable[StoredAnswer]) -> Iterator[Card]:
    """Answers that come card by card, as cards."""
    for reading, group in groupby(answers, key=lambda a: a.reading):
        rows = list(group)
        values: dict[str, list[str]] = {}
        for a in rows:
            if a.state == "answered":
                values.setdefault(a.question, []).append(a.value)
        first = rows[0]
        states = {a.question: a.state for a in rows}
        yield Card(reading, first.permanence, first.decision, first.card_state, values, states, rows)


def wide_header(layout: Layout) -> Row:
    """The columns of `wide_row`: a question each; a `many` has one for every choice."""
    return [*CARD_HEADER, *(c for q in layout.questions for c in columns(q))]


def wide_row(card: Card, layout: Layout, p: Permanence) -> Row:
    """A card's row. A `many` is 1 or 0 per choice, empty when blank; others hold the value, empty unless answered."""
    cells = [c for q in layout.questions for c in _cells(q, card.values.get(q.id, []))]
    return [card.id, p.id, p.place, p.day.isoformat(), card.review, card.state, *cells]


def codebook_rows(layout: Layout, language: str) -> Iterator[Row]:
    """What every column and value of the other files means."""
    for q in layout.questions:
        condition = f"{q.only_if.question}={q.only_if.choice}" if q.only_if else ""
        about = [q.theme or "", q.ask or "", q.about or "", q.answer, str(q.required).lower(), condition]
        start = [layout.identity, q.id, in_language(q.text, language), *about]
        if not q.choices:
            yield [*start, q.id, "", ""]
        for choice, column in zip(
            q.choices, columns(q) if q.answer == "many" else [q.id] * len(q.choices), strict=True
        ):
            yield [*start, column, choice.id, in_language(choice.text, language) or choice.id]


def summary_row(p: Permanence) -> Row:
    """A permanence in numbers."""
    numbers = [str(p.counted), str(p.waiting), str(p.void), str(p.rejected), "yes" if p.closed else "no"]
    return [p.id, p.place, p.day.isoformat(), p.kind, " ".join(p.languages), *numbers]


def story_row(story: Story, p: Permanence) -> Row:
    """A story in words. Not which card it belongs to: words and answers together may be a person."""
    start = [story.id, story.kind, p.id, p.place, p.day.isoformat(), story.language]
    return [*start, story.question, story.level, story.consent, story.text or ""]


def columns(q: Question) -> list[str]:
    """A question's columns in a wide table."""
    return [f"{q.id}.{c.id}" for c in q.choices] if q.answer == "many" else [q.id]


def _cells(q: Question, given: list[str]) -> list[str]:
    if q.answer != "many":
        return [given[0] if given else ""]
    return [("1" if c.id in given else "0") if given else "" for c in q.choices]
