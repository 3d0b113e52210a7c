"""What an operator decided about a card. The first reading never changes; a later review replaces an earlier one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from cards.layout import Layout, Question
from reader.reading import Answer
from reader.store import facts
from reader.store.errors import StoreError
from reader.store.store import Store

Decision = Literal["accept", "correct", "void"]
DECISIONS: tuple[Decision, ...] = ("accept", "correct", "void")
REASON_MAX = 200


@dataclass(frozen=True)
class Waiting:
    """A card that waits for a decision: which, of which layout, and the pictures of its doubtful spots."""

    reading: str
    permanence: str
    layout: str
    evidence: Mapping[str, bytes]


def review(
    store: Store, reading: str, decision: Decision, reason: str = "", answers: Mapping[str, Answer] | None = None
) -> str:
    """Settle a card; returns the review's id.

    accept: count it as it was read; what was doubtful stays so. correct: count `answers` (question → answer) in place
    of those given, others as they were read. void: count nothing of it. Raises `ValueError` for a decision, answer or
    reason that makes no sense and `StoreError` for a card that is not there.
    """
    if decision not in DECISIONS:
        raise ValueError(f"a decision is one of {', '.join(DECISIONS)}, not {decision!r}")
    if (decision == "correct") != bool(answers):
        raise ValueError("answers go with the decision `correct`, and only with it")
    if len(reason) > REASON_MAX:
        raise ValueError(f"a reason has at most {REASON_MAX} characters")
    with store.transaction():
        found = store.rows("SELECT permanence, layout FROM readings WHERE id = ?", reading)
        if not found:
            raise StoreError(f"there is no card {reading}; see: logicienne review list")
        permanence, identity = found[0]
        body = {
            "reading": reading,
            "decision": decision,
            "reason": reason,
            "supersedes": _in_force(store, reading),
            "answers": _all_answers(store, reading, store.layout(identity), answers) if answers else {},
        }
        new = facts.record("review", permanence, body)
        store.add(new)
        if store.setting("keep_evidence") != "yes":
            store.database.execute("DELETE FROM evidence WHERE reading = ?", (reading,))
    return new.id


def undo_last(store: Store, permanence: str) -> str | None:
    """Void the card that was read last in this open sitting; its id, or `None` when there is none."""
    found = store.rows(
        "SELECT reading FROM recent WHERE permanence = ? AND reading IN (SELECT id FROM cards WHERE state <> 'void') "
        "ORDER BY number DESC LIMIT 1",
        permanence,
    )
    if not found:
        return None
    review(store, found[0][0], "void", "undone")
    return str(found[0][0])


def waiting(store: Store, permanence: str | None = None) -> list[Waiting]:
    """Cards that wait for a decision, by their random ids."""
    where, values = ("AND permanence = ?", (permanence,)) if permanence else ("", ())
    sql = f"SELECT id, permanence, layout FROM cards WHERE state = 'waiting' {where} ORDER BY id"  # noqa: S608
    return [
        Waiting(i, p, y, dict(store.rows("SELECT position, jpeg FROM evidence WHERE reading = ?", i)))
        for i, p, y in store.rows(sql, *values)
    ]


def first_answers(store: Store, reading: str) -> dict[str, Answer]:
    """What a card was first read as, question by question."""
    given: dict[str, list[str]] = {}
    states: dict[str, Any] = {}
    for question, value, state in store.rows(
        "SELECT question, value, state FROM answers WHERE reading = ? ORDER BY question, value", reading
    ):
        states[question] = state
        given.setdefault(question, []).append(value)
    (layout,) = store.rows("SELECT layout FROM readings WHERE id = ?", reading)[0]
    many = {q.id for q in store.layout(layout).questions if q.answer == "many"}
    return {
        q: Answer(state, (tuple(given[q]) if q in many else given[q][0]) if state == "answered" else None)
        for q, state in states.items()
    }


def _in_force(store: Store, reading: str) -> str:
    return str(store.rows("SELECT review FROM cards WHERE id = ?", reading)[0][0])


def _all_answers(store: Store, reading: str, layout: Layout, answers: Mapping[str, Answer]) -> dict[str, Any]:
    merged = first_answers(store, reading)
    for question_id, answer in answers.items():
        try:
            question = layout.question(question_id)
        except KeyError:
            raise ValueError(f"{layout.identity} has no question {question_id!r}") from None
        _must_fit(question, answer)
        merged[question_id] = answer
    return {
        q: {"state": a.state, "value": list(a.value) if isinstance(a.value, tuple) else a.value}
        for q, a in merged.items()
    }


def _must_fit(question: Question, answer: Answer) -> None:
    if (answer.state == "answered") != bool(answer.value):
        raise ValueError(f"{question.id}: an answer has a value exactly when it is answered")
    if not answer.value or question.columns is not None:
        return
    given = set(answer.value) if isinstance(answer.value, tuple) else {answer.value}
    unknown = given - {c.id for c in question.choices}
    if unknown or (question.answer != "many" and isinstance(answer.value, tuple)):
        known = ", ".join(c.id for c in question.choices)
        raise ValueError(f"{question.id}: {answer.value!r} is no answer to it; there are: {known}")
