"""What a reading means under its layout: an answer to every question, and a verdict with its reasons."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set

from cards.codes import ibm029
from cards.layout import Condition, Layout, Position, Question
from reader.reading import Answer, Code, Decoded, Punch, Reading, Reason, Rejection, Verdict

Names = Set[str]


def decode(reading: Reading, layout: Layout) -> Decoded:
    """Answers and verdict of one card. Nothing is guessed: a question with any doubt in it is `doubtful`.

    Raises `ValueError` when the reading is not of this very layout.
    """
    if reading.layout_digest != layout.digest or reading.scores.keys() != layout.names:
        raise ValueError(f"a reading of {reading.layout} cannot be decoded by {layout.identity}")
    punches = reading.punches().items()
    holes, unsure = ({name for name, punch in punches if punch is kind} for kind in (Punch.PUNCHED, Punch.UNCERTAIN))
    answers: dict[str, Answer] = {}
    reasons: list[Reason] = []
    for question in layout.questions:
        answers[question.id], found = _answer(question, holes, unsure)
        reasons += found
    # A blank question that its condition excuses was not asked; only now are all answers known.
    for question in layout.questions:
        state = answers[question.id].state
        if state == "answered" and question.only_if is not None and _holds(question.only_if, answers) is False:
            condition = f"{question.only_if.question}.{question.only_if.choice}"
            reasons.append(Reason(Code.CONDITION_BROKEN, question.id, expected=condition))
            answers[question.id] = _DOUBTFUL
        elif state == "blank" and question.only_if is not None and _holds(question.only_if, answers) is False:
            answers[question.id] = Answer("not_asked")
        elif state == "blank" and question.required:
            reasons.append(Reason(Code.REQUIRED_BLANK, question.id))
    for stray in reading.strays:
        reasons.append(Reason(Code.STRAY, found=f"{stray.x_mm:.0f}, {stray.y_mm:.0f} mm"))
    return Decoded(answers, Verdict("review" if reasons else "accepted", tuple(reasons)))


def rejected(rejection: Rejection) -> Verdict:
    """The verdict on a card without a trustworthy reading."""
    return Verdict("rejected", rejection.reasons)


_BLANK, _DOUBTFUL = Answer("blank"), Answer("doubtful")


def _answer(question: Question, holes: Names, unsure: Names) -> tuple[Answer, list[Reason]]:
    """What is punched there, and why it cannot be taken as it stands."""
    if not unsure.isdisjoint(question.names):
        doubts = [Reason(Code.UNCERTAIN_POSITION, question.id, name) for name in question.names if name in unsure]
        return _DOUBTFUL, doubts
    places = [p for name, p in zip(question.names, question.positions, strict=True) if name in holes]
    if not places:
        return _BLANK, []
    if question.columns is not None:
        return _characters(question, places)
    choices = [p.choice for p in places]
    if question.answer == "many":
        return Answer("answered", tuple(choices)), []
    if len(choices) > 1:
        return _DOUBTFUL, [Reason(Code.TWO_PUNCHES, question.id, found=", ".join(choices))]
    return Answer("answered", choices[0]), []


def _characters(question: Question, places: Sequence[Position]) -> tuple[Answer, list[Reason]]:
    """As `_answer`, of punch columns with a hole in one of them."""
    columns = _columns(question, places)
    if question.answer == "text":
        signs = [ibm029(rows) for rows in columns]
    else:
        # Digits: one hole a column, in all columns or in none.
        signs = [next(iter(rows)) if len(rows) == 1 else None for rows in columns]
    wrong = [c for c, sign in enumerate(signs, 1) if sign is None]
    if wrong:
        return _DOUBTFUL, [Reason(Code.INVALID_CHARACTER, question.id, found=f"column {c}") for c in wrong]
    text = "".join(sign or "" for sign in signs)
    return Answer("answered", text.rstrip() if question.answer == "text" else text), []


def _columns(question: Question, places: Sequence[Position]) -> list[frozenset[str]]:
    """Per column, the names of the rows that are punched."""
    count = question.columns.count if question.columns else 0
    rows: list[set[str]] = [set() for _ in range(count)]
    for place in places:
        column, row = place.choice.split(".")
        rows[int(column) - 1].add(row)
    return [frozenset(r) for r in rows]


def _holds(condition: Condition, answers: Mapping[str, Answer]) -> bool | None:
    """Whether a question was to be asked; `None` when that cannot be told."""
    asked = answers[condition.question]
    if asked.state == "doubtful":
        return None
    value = asked.value if isinstance(asked.value, tuple) else (asked.value,)
    return asked.state == "answered" and condition.choice in value
