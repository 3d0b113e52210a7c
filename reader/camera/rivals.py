"""Which of several layouts that look alike a card is, by where its holes lie; and whether it is any of them."""

from __future__ import annotations

import math
from collections.abc import Sequence

from cards.layout import Hole
from reader.reading import Code, Punch, Reading, Reason, Rejection

STRAYS_MAX = 4
"""More strays than this, and than holes at positions, are no slips of a hand."""
LEAD_MIN = 0.2
"""By how much a layout must explain the holes better than another of the same outline."""
FAR, ASTRAY_MAX = 0.67, 2
"""On an unprinted face a hole so far off its place, as a share of the tolerance, speaks for another card, as a stray or a part
of a hole does; so many may. A hand that punches 0.5 mm beside the middle is seldom as far off, another card's hole mostly."""
HOLES_ELSEWHERE = Reason(Code.UNKNOWN_LAYOUT, found="its holes lie elsewhere")


def best(readings: Sequence[Reading | Rejection]) -> Reading | Rejection:
    """Of layouts that the outline cannot tell apart, the one whose places the holes are at."""
    if len(readings) == 1:
        return readings[0]
    real = sorted((r for r in readings if isinstance(r, Reading)), key=_explained, reverse=True)
    if not real:
        return readings[0]
    if len(real) > 1 and _explained(real[0]) - _explained(real[1]) < LEAD_MIN:
        return Rejection((Reason(Code.AMBIGUOUS_FIT),))
    return real[0]


def _explained(reading: Reading) -> float:
    """Holes at positions beyond doubt, as a share of all that look like holes."""
    certain, unsure = _counts(reading)
    return certain / max(certain + unsure + len(reading.strays), 1)


def holes_elsewhere(reading: Reading, hole: Hole, *, told_by_print: bool) -> bool:
    """Whether a card's holes say that it is another's. told_by_print: its print says that it is this one: what lies badly is
    then damage or a slip, and only strays count."""
    certain, unsure = _counts(reading)
    if told_by_print:
        return len(reading.strays) > max(STRAYS_MAX, certain)
    far_mm = FAR * hole.tolerance_mm
    far = sum(score.open > 0.5 and math.hypot(*score.offset_mm) > far_mm for score in reading.scores.values())
    astray = len(reading.strays) + unsure + far
    return astray > max(ASTRAY_MAX, certain - far)


def _counts(reading: Reading) -> tuple[int, int]:
    punches = list(reading.punches().values())
    return punches.count(Punch.PUNCHED), punches.count(Punch.UNCERTAIN)
