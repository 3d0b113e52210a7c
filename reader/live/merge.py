"""Two looks at one card made one reading. Where they disagree nobody is believed."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

from reader.reading import Punch, Reading, Score, Stray, Thresholds, judge

DOUBT = "frames"
"""The doubt of a position that two looks judged differently."""
SAME_STRAY_MM = 2.0
"""Two looks' strays nearer than this are one hole."""
MOVED_MAX = 0.01
"""How far corners of one card that lies still differ between two looks, as a share of its longer side."""


def same_card(a: Reading, b: Reading) -> bool:
    """Whether both looks saw a card of the same layout, at the same place and the same way round."""
    if (a.layout_digest, a.face) != (b.layout_digest, b.face):
        return False
    if a.corners_px is None or b.corners_px is None:
        return a.corners_px == b.corners_px
    longer = max(math.dist(a.corners_px[0], a.corners_px[1]), math.dist(a.corners_px[1], a.corners_px[2]))
    return max(map(math.dist, a.corners_px, b.corners_px)) <= MOVED_MAX * longer


def merge(looks: Sequence[Reading]) -> Reading:
    """One reading of at least one look: mean scores, all doubts, every stray; the geometry of the last look.

    A position that was judged differently is doubtful for `frames`. Raises `ValueError` for looks at different layouts.
    """
    last = looks[-1]
    if any(look.layout_digest != last.layout_digest or look.scores.keys() != last.scores.keys() for look in looks):
        raise ValueError("looks at cards of different layouts cannot be merged")
    scores = {name: _together([look.scores[name] for look in looks], last.thresholds) for name in last.scores}
    strays: list[Stray] = []
    for stray in (s for look in looks for s in look.strays):
        if all(math.hypot(s.x_mm - stray.x_mm, s.y_mm - stray.y_mm) > SAME_STRAY_MM for s in strays):
            strays.append(stray)
    return replace(last, scores=scores, strays=tuple(strays))


def _together(found: Sequence[Score], thresholds: Thresholds) -> Score:
    # A set keeps no order, and a reading must be the same every time.
    doubts = list(dict.fromkeys(d for score in found for d in score.doubts))
    if len({judge(score, thresholds) for score in found}) > 1 and DOUBT not in doubts:
        doubts.append(DOUBT)
    count = len(found)
    return Score(
        round(sum(s.open for s in found) / count, 4),
        (round(sum(s.offset_mm[0] for s in found) / count, 3), round(sum(s.offset_mm[1] for s in found) / count, 3)),
        tuple(doubts),
    )


def contradicts(a: Reading, b: Reading) -> bool:
    """Whether these cannot be two looks at one card: some position is punched beyond doubt in one, clear in the other."""
    if a.layout_digest != b.layout_digest:
        return True
    mine, theirs = a.punches(), b.punches()
    certain = {Punch.PUNCHED, Punch.CLEAR}
    return any({mine[name], theirs[name]} == certain for name in mine)
