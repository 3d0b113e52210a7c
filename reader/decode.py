"""What a reading means under its layout: an answer to every question, and a verdict with its reasons."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from cards.codes import ibm029
from cards.layout import Layout, Question
from reader.reading import Answer, Code, Decoded, Punch, Reading, Reason, Rejection, Verdict

Punches = Mapping[str, Punch]


def decode(reading: Reading, layout: Layout) -> Decoded:
    """Answers and verdict of one card. Nothing is guessed: a question with any doubt in it is `doubtful`.

    Raises `ValueError` when the reading is not of this very layout.
    """
    if reading.layout_digest != layout.digest or reading.scores.keys() != {p.name for p in layout.positions}:
        raise ValueError(f"a reading of {reading.layout} cannot be decoded by {layout.identity}")
    punches = reading.punches()
    answers: dict[str, Answer] = {}
    reasons: list[Reason] = []
    for question in layout.questions:
        found = list(_faults(question, punches))
        reasons += found
        answers[question.id] = Answer("doubtful") if found else _answer(question, punches)
    # A blank question that its condition excuses was not asked; only now are all answers known.
    for question in layout.questions:
        reason = _condition(question, answers)
        if reason is not None:
            reasons.append(reason)
            answers[question.id] = Answer("doubtful")
        elif _excused(question, answers):
            answers[question.id] = Answer("not_asked")
        elif question.required and answers[question.id].state == "blank":
            reasons.append(Reason(Code.REQUIRED_BLANK, question.id))
    for stray in reading.strays:
        reasons.append(Reason(Code.STRAY, found=f"{stray.x_mm:.0f}, {stray.y_mm:.0f} mm"))
    return Decoded(answers, Verdict("review" if reasons else "accepted", tuple(reasons)))


def rejected(rejection: Rejection) -> Verdict:
    """The verdict on a card without a trustworthy reading."""
    return Verdict("rejected", rejection.reasons)


def _faults(question: Question, punches: Punches) -> Iterator[Reason]:
    """Why this question cannot be answered as it stands."""
    unsure = [p.name for p in question.positions if punches[p.name] is Punch.UNCERTAIN]
    yield from (Reason(Code.UNCERTAIN_POSITION, question.id, name) for name in unsure)
    if unsure:
        return
    if question.answer in ("one", "scale"):
        holes = _chosen(question, punches)
        if len(holes) > 1:
            yield Reason(Code.TWO_PUNCHES, question.id, found=", ".join(holes))
    elif question.columns is not None:
        columns = _columns(question, punches)
        if question.answer == "text":
            bad = [c for c, rows in enumerate(columns, 1) if ibm029(rows) is None]
            yield from (Reason(Code.INVALID_CHARACTER, question.id, found=f"column {c}") for c in bad)
        elif any(columns):
            # Digits: one hole a column, in all columns or in none.
            wrong = [c for c, rows in enumerate(columns, 1) if len(rows) != 1]
            yield from (Reason(Code.INVALID_CHARACTER, question.id, found=f"column {c}") for c in wrong)


def _answer(question: Question, punches: Punches) -> Answer:
    if question.columns is None:
        holes = _chosen(question, punches)
        if not holes:
            return Answer("blank")
        return Answer("answered", tuple(holes) if question.answer == "many" else holes[0])
    columns = _columns(question, punches)
    if not any(columns):
        return Answer("blank")
    if question.answer == "number":
        return Answer("answered", "".join(next(iter(rows)) for rows in columns))
    return Answer("answered", "".join(ibm029(rows) or "" for rows in columns).rstrip())


def _chosen(question: Question, punches: Punches) -> list[str]:
    return [p.choice for p in question.positions if punches[p.name] is Punch.PUNCHED]


def _columns(question: Question, punches: Punches) -> list[frozenset[str]]:
    """Per column, the names of the rows that are punched."""
    count = question.columns.count if question.columns else 0
    rows: list[set[str]] = [set() for _ in range(count)]
    for p in question.positions:
        if punches[p.name] is Punch.PUNCHED:
            column, row = p.choice.split(".")
            rows[int(column) - 1].add(row)
    return [frozenset(r) for r in rows]


def _condition_holds(question: Question, answers: Mapping[str, Answer]) -> bool | None:
    """Whether this question was to be asked; `None` when that cannot be told."""
    if question.only_if is None:
        return True
    asked = answers[question.only_if.question]
    if asked.state == "doubtful":
        return None
    value = asked.value if isinstance(asked.value, tuple) else (asked.value,)
    return asked.state == "answered" and question.only_if.choice in value


def _condition(question: Question, answers: Mapping[str, Answer]) -> Reason | None:
    if answers[question.id].state == "answered" and _condition_holds(question, answers) is False:
        condition = question.only_if
        return Reason(
            Code.CONDITION_BROKEN,
            question.id,
            expected=f"{condition.question}.{condition.choice}" if condition else None,
        )
    return None


def _excused(question: Question, answers: Mapping[str, Answer]) -> bool:
    return answers[question.id].state == "blank" and _condition_holds(question, answers) is False
