"""A receipt's text: what this resident answered, beside what the neighbourhood did. No id, no time, no place.

The neighbourhood's figures advance by five cards at a time, so that two receipts never differ by one neighbour; a figure
that stands for fewer than five cards is never printed, nor can it be reckoned from those that are.
"""

from __future__ import annotations

import textwrap
from collections import Counter
from collections.abc import Callable, Mapping

from cards.layout import Layout, Question
from reader.reading import Answer, Decoded
from reader.store import Store

WIDTH = 32
"""Characters in a line: paper of 58 mm."""
K = 5
"""No figure about fewer cards."""
STEP_PERCENT = 5
"""Shares are rounded to this."""
WORDS = {
    "en": {"title": "How do you do it?", "you": "you", "here": "here", "others": "others",
           "few": "Too few cards yet to tell what others said.",
           "end": "This slip is yours. Nobody can tell from what we keep that you were here."},
    "nl": {"title": "Hoe doe jij het?", "you": "jij", "here": "hier", "others": "andere",
           "few": "Nog te weinig kaarten om te zeggen wat anderen doen.",
           "end": "Dit briefje is van jou. Uit wat wij bewaren blijkt niet dat jij hier was."},
    "fr": {"title": "Et toi, comment fais-tu ?", "you": "toi", "here": "ici", "others": "autres",
           "few": "Encore trop peu de cartes pour dire ce que font les autres.",
           "end": "Ce ticket est à toi. Rien de ce que nous gardons ne dit que tu étais ici."},
}  # fmt: skip

Counts = Mapping[str, Counter[str]]
"""Question → choice → cards."""


class Neighbourhood:
    """Figures of all cards that this machine has counted, as they stood at the last step of five."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._asked: dict[str, int] = {}
        self._figures: dict[str, Counts] = {}

    def counts(self, layout: Layout) -> Counts:
        """Of one layout. Nothing until five more cards came than when this was first asked: a machine that was started
        again must not take a smaller step than any other."""
        cards, counts = self._now(layout.identity)
        if cards - self._asked.setdefault(layout.identity, cards) >= K:
            self._asked[layout.identity], self._figures[layout.identity] = cards, counts
        return self._figures.get(layout.identity, {})

    def _now(self, identity: str) -> tuple[int, Counts]:
        counts: dict[str, Counter[str]] = {}
        cards: set[str] = set()
        for row in self._store.counted([p.id for p in self._store.permanences()], identity):
            cards.add(row.reading)
            if row.state == "answered":
                counts.setdefault(row.question, Counter())[row.value] += 1
        return len(cards), counts


def slip_maker(store: Store, language: str) -> Callable[[Layout, Decoded], tuple[str, ...]]:
    """What makes the receipt of an accepted card; ask it about every card, for the steps are counted so."""
    neighbourhood = Neighbourhood(store)
    return lambda layout, decoded: slip(layout, decoded, neighbourhood.counts(layout), language)


def slip(layout: Layout, decoded: Decoded, counts: Counts, language: str) -> tuple[str, ...]:
    """The receipt's lines; nothing for a card that was not accepted."""
    if decoded.verdict.outcome != "accepted":
        return ()
    words = WORDS.get(language, WORDS["en"])
    lines = [words["title"].center(WIDTH).rstrip(), "-" * WIDTH]
    told = False
    for question in layout.questions:
        answer = decoded.answers[question.id]
        if answer.state != "answered":
            continue
        lines += _wrap(_text(question.text, language))
        lines += _wrap(f"{words['you']}: {_said(question, answer, language)}", "  ")
        shares = shown(question, counts.get(question.id, Counter()))
        if shares:
            told = True
            parts = [f"{_choice(question, c, language) if c else words['others']} {n} %" for c, n in shares]
            lines += _wrap(f"{words['here']}: {', '.join(parts)}", "  ")
    lines += ["-" * WIDTH, *(() if told else _wrap(words["few"])), *_wrap(words["end"])]
    return tuple(lines)


def shown(question: Question, counts: Counter[str]) -> list[tuple[str, int]]:
    """(choice, percent) of what may be told, in the layout's order; choice '' is all others. Only of questions with one
    answer a card: elsewhere the shares say nothing of each other, and a rest cannot be told."""
    if question.answer not in ("one", "scale"):
        return []
    total = sum(counts.values())
    choices = [c.id for c in question.choices]
    told = [c for c in choices if counts[c] >= K]
    # What is left out must itself stand for five cards or more: else it could be reckoned from the rest.
    while told and len(told) < len(choices) and total - sum(counts[c] for c in told) < K:
        told.remove(min(told, key=lambda c: counts[c]))
    if not told:
        return []
    rest = total - sum(counts[c] for c in told)
    return [(c, _percent(counts[c], total)) for c in told] + ([("", _percent(rest, total))] if rest else [])


def _percent(count: int, total: int) -> int:
    return round(100 * count / total / STEP_PERCENT) * STEP_PERCENT


def _said(question: Question, answer: Answer, language: str) -> str:
    if isinstance(answer.value, tuple):
        return ", ".join(_choice(question, c, language) for c in answer.value)
    return _choice(question, answer.value or "", language)


def _choice(question: Question, choice: str, language: str) -> str:
    found = next((c for c in question.choices if c.id == choice), None)
    return choice if found is None else _text(found.text, language)


def _text(text: Mapping[str, str], language: str) -> str:
    said = text.get(language) or next(iter(text.values()), "")
    return said.replace("\N{SOFT HYPHEN}", "")


def _wrap(text: str, indent: str = "") -> list[str]:
    return textwrap.wrap(text, WIDTH, initial_indent=indent, subsequent_indent=indent)
