"""What a resident answers: drawn from a seed, with some sense in it, so that a cross-table shows something."""

from __future__ import annotations

import numpy as np

from cards.codes import ibm029_rows
from cards.layout import Layout, Question

BLANK_SHARE = 0.12
"""Of optional questions left open."""
WORDS = ("BRUSSEL", "BRUXELLES", "TRAM 81", "ZENNE 24", "MARCHE", "KANAAL 7")


def answer(layout: Layout, rng: np.random.Generator) -> frozenset[str]:
    """The positions (by name) that one resident means to punch."""
    wanted: dict[str, list[str]] = {}
    for question in layout.questions:
        if _is_asked(question, wanted) and (question.required or rng.random() > BLANK_SHARE):
            wanted[question.id] = _choices(question, wanted, layout, rng)
    return frozenset(f"{q}.{choice}" for q, choices in wanted.items() for choice in choices)


def _is_asked(question: Question, wanted: dict[str, list[str]]) -> bool:
    if question.about is not None and question.ask == "feel" and not wanted.get(question.about):
        return False
    condition = question.only_if
    return condition is None or condition.choice in wanted.get(condition.question, [])


def _choices(question: Question, wanted: dict[str, list[str]], layout: Layout, rng: np.random.Generator) -> list[str]:
    if question.columns is not None:
        if question.answer == "number":
            return [f"{c}.{rng.integers(10)}" for c in range(1, question.columns.count + 1)]
        word = WORDS[rng.integers(len(WORDS))][: question.columns.count]
        return [f"{c}.{row}" for c, sign in enumerate(word, 1) for row in sorted(ibm029_rows(sign))]
    ids = [c.id for c in question.choices]
    if question.answer == "many":
        return [i for i in ids if rng.random() < 0.35]
    about = question.about
    if about is not None and wanted.get(about):
        # The first ways of doing a thing are liked best here; real neighbourhoods differ, but seldom are they flat.
        how = [c.id for c in layout.question(about).choices]
        mean = how.index(wanted[about][0]) / max(len(how) - 1, 1) * (len(ids) - 1)
        return [ids[int(np.clip(round(rng.normal(mean, 1.0)), 0, len(ids) - 1))]]
    weights = np.linspace(1.6, 0.6, len(ids))
    return [ids[rng.choice(len(ids), p=weights / weights.sum())]]
