"""What a layout must satisfy beyond its form: names that meet, texts that are complete, holes that paper can bear."""

from __future__ import annotations

from collections.abc import Iterator
from difflib import get_close_matches
from itertools import pairwise

import numpy as np

from cards.check_codes import code_findings
from cards.layout import Layout, Position, Question, Text

Place = tuple[str | int, ...]
"""Where in the file: keys and list indexes from the top."""
Finding = tuple[Place, str]

HAND_PAPER_MM = 2.0
"""Paper left between holes punched by hand, and between them and the card's edge; less tears."""
MACHINE_PAPER_MM = 0.5
"""The same for holes that a machine punches true (tolerance below `HAND_TOLERANCE_MM`), as on classic cards."""
HAND_TOLERANCE_MM = 0.5


def findings(layout: Layout, places: dict[str, Place]) -> Iterator[Finding]:
    """Everything that is wrong with a well-formed layout. `places`: question id → its place in the file."""
    yield from _names(layout, places)
    yield from _texts(layout, places)
    yield from _holes(layout, places)
    yield from code_findings(layout, _paper_needed_mm(layout))


def _names(layout: Layout, places: dict[str, Place]) -> Iterator[Finding]:
    ids = {q.id: q for q in layout.questions}
    for q in layout.questions:
        at = places[q.id]
        for first, second in pairwise(sorted(c.id for c in q.choices)):
            if first == second:
                yield (*at, "choices"), f"choice {first!r} stands here twice; give each choice its own id"
        if q.about is not None and q.about not in ids:
            yield (*at, "about"), f"there is no question {q.about!r}{_nearest(q.about, list(ids))}"
        if q.only_if is not None:
            asked = ids.get(q.only_if.question)
            if asked is None:
                yield (
                    (*at, "only_if", "question"),
                    (f"there is no question {q.only_if.question!r}{_nearest(q.only_if.question, list(ids))}"),
                )
            elif q.only_if.choice not in {c.id for c in asked.choices}:
                known = [c.id for c in asked.choices]
                yield (
                    (*at, "only_if", "choice"),
                    (f"{asked.id} has no choice {q.only_if.choice!r}{_nearest(q.only_if.choice, known)}"),
                )
    for k, follow_up in enumerate(layout.follow_ups):
        if follow_up.about is not None and follow_up.about not in ids:
            near = _nearest(follow_up.about, list(ids))
            yield ("follow_ups", k, "about"), f"there is no question {follow_up.about!r}{near}"


def _nearest(word: str, known: list[str]) -> str:
    close = get_close_matches(word, known, 1)
    return f"; did you mean {close[0]!r}?" if close else f"; known: {', '.join(known[:12])}"


def _texts(layout: Layout, places: dict[str, Place]) -> Iterator[Finding]:
    yield from _complete(layout, layout.title, ("title",))
    for q in layout.questions:
        yield from _complete(layout, q.text, (*places[q.id], "text"))
        for k, choice in enumerate(q.choices):
            if choice.text:
                yield from _complete(layout, choice.text, (*places[q.id], "choices", k, "text"))
    for k, follow_up in enumerate(layout.follow_ups):
        yield from _complete(layout, follow_up.text, ("follow_ups", k, "text"))


def _complete(layout: Layout, text: Text, at: Place) -> Iterator[Finding]:
    missing = [language for language in layout.languages if language not in text]
    if missing:
        yield at, f"no text in {', '.join(missing)}; add it, or take the language out of `languages`"


def _holes(layout: Layout, places: dict[str, Place]) -> Iterator[Finding]:
    hole = layout.hole
    needed = _paper_needed_mm(layout)
    for q in layout.questions:
        for k, p in enumerate(q.positions):
            paper = _to_edge(layout, p)
            if paper < needed - 1e-6:
                yield (
                    hole_place(places[q.id], q, k),
                    (f"{p.name} leaves {paper:.1f} mm to the card's edge, {needed:.1f} needed; move it inwards"),
                )
    owners = [(q, k) for q in layout.questions for k in range(len(q.positions))]
    for i, j, gap, reach in _close_pairs(layout, needed):
        (q, k), other = owners[j], layout.positions[i]
        what = f"hole overlaps {other.name}" if gap < 0 else f"hole stands too close to {other.name}"
        if gap < needed:
            yield (
                hole_place(places[q.id], q, k),
                (f"{what} ({gap:.1f} mm between edges, {needed:.1f} needed); move it"),
            )
        else:
            yield (
                hole_place(places[q.id], q, k),
                (
                    f"a hole punched {hole.tolerance_mm:.1f} mm off could be taken for {other.name} ({reach:.1f} mm away); "
                    "move it, or lower hole.tolerance_mm"
                ),
            )


def _paper_needed_mm(layout: Layout) -> float:
    return MACHINE_PAPER_MM if layout.hole.tolerance_mm < HAND_TOLERANCE_MM else HAND_PAPER_MM


def hole_place(at: Place, question: Question, index: int) -> Place:
    """Where in the file the question's position of this index stands."""
    return (*at, "choices", index, "at") if question.choices else (*at, "columns")


def _to_edge(layout: Layout, p: Position) -> float:
    """From the hole's edge to the nearest edge of the card, the cut corner included; negative outside."""
    hole, cut = layout.hole, layout.corner_cut
    half_x, half_y = hole.width_mm / 2, hole.height_mm / 2
    x = p.x_mm if "left" in cut.corner else layout.width_mm - p.x_mm
    y = p.y_mm if "top" in cut.corner else layout.height_mm - p.y_mm
    reach = (
        hole.width_mm / 2
        if hole.shape == "circle"
        else (half_x * cut.dy_mm + half_y * cut.dx_mm) / np.hypot(cut.dx_mm, cut.dy_mm)
    )
    to_cut = (x * cut.dy_mm + y * cut.dx_mm - cut.dx_mm * cut.dy_mm) / np.hypot(cut.dx_mm, cut.dy_mm) - reach
    sides = (p.x_mm - half_x, layout.width_mm - p.x_mm - half_x, p.y_mm - half_y, layout.height_mm - p.y_mm - half_y)
    return float(min(to_cut, *sides))


def _close_pairs(layout: Layout, needed_mm: float) -> Iterator[tuple[int, int, float, float]]:
    """(i, j, gap between edges, distance of centres) of positions that stand too close, i before j."""
    hole = layout.hole
    at = np.array([[p.x_mm, p.y_mm] for p in layout.positions]).reshape(-1, 2)
    order = np.argsort(at[:, 0], kind="stable")
    widest = max(hole.width_mm + needed_mm, 2 * hole.tolerance_mm + hole.width_mm / 2)
    for a, i in enumerate(order):
        for j in order[a + 1 :]:
            dx, dy = float(abs(at[j, 0] - at[i, 0])), float(abs(at[j, 1] - at[i, 1]))
            if dx > widest:
                break
            centre = float(np.hypot(dx, dy))
            round_gap, square_gap = centre - hole.width_mm, max(dx - hole.width_mm, dy - hole.height_mm)
            gap = round_gap if hole.shape == "circle" else square_gap
            if gap < needed_mm - 1e-6 or centre < 2 * hole.tolerance_mm + min(hole.width_mm, hole.height_mm) / 2 - 1e-6:
                yield int(min(i, j)), int(max(i, j)), gap, centre
