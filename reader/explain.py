"""How one card was judged: every figure beside its limit, the nearest decision first, for those who build and study.

The picture is searched again, so that an explanation holds what a reading does not keep.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from cards.layout import Layout
from device.frame import Frame
from reader.camera import find
from reader.camera.adjust import strain
from reader.camera.edges import EdgeFit, same_outline
from reader.camera.find import Found, search
from reader.camera.identify import Placed, read_code
from reader.decode import decode
from reader.reading import Point, Punch, Reading, Rejection, Score, Thresholds, judge
from reader.reasons import sentence

DOUBTS = {
    "contrast": "paper and bed are too much alike here to see a hole",
    "shade": "not as dark or bright inside as the card's other holes",
    "faint": "differs less from the paper than the card's other holes",
    "unexplained": "something lies here that is neither paper nor bed",
    "crescent": "bed shows along one side: a hanging chad or a bite",
    "astray": "further off its place than a hand punches",
    "hung": "less open than the card's whole holes, and the rest has the paper's hue: a chad may hang in it",
    "partial": "smaller than a machine's hole",
    "spill": "bed-like spots in the paper all around the holes",
}
"""What each doubt means; one that is not listed is shown by its name."""
SIDES = ("top", "right", "bottom", "left", "cut")


@dataclass(frozen=True)
class Gate:
    """One figure that the outline must meet. limit: as people read it (`≥ 0.90`)."""

    name: str
    found: str
    limit: str
    passed: bool


@dataclass(frozen=True)
class Place:
    """One position: what it is, by which score, how far from another outcome, and why it is doubted.

    margin: how far it lies from the nearest threshold, 1 at a whole hole or none; 0 where doubts decide.
    """

    name: str
    at_mm: Point
    punch: Punch
    score: Score
    margin: float
    doubts: tuple[str, ...]
    change: str


@dataclass(frozen=True)
class Explanation:
    """Everything about one card. outline: the corners (px, front's top-left first) that were proven or, `passed` no, were
    the most nearly right; `None` when nothing like a card was seen.
    """

    verdict: str
    reasons: tuple[str, ...]
    layout: Layout | None
    face: str | None
    code: tuple[str, ...]
    outline: tuple[Point, ...] | None
    gates: tuple[Gate, ...]
    places: tuple[Place, ...]
    thresholds: Thresholds
    strays: tuple[Point, ...] = ()

    @property
    def passed(self) -> bool:
        """Whether the outline was proven."""
        return bool(self.gates) and all(g.passed for g in self.gates)


def explain(frame: Frame, outcome: Reading | Rejection, layouts: Sequence[Layout], language: str = "en") -> Explanation:
    """Explain what `read_frame` made of this frame and these layouts."""
    nearest = _nearest(frame, layouts)
    gates = tuple(_gates(nearest)) if nearest else ()
    proven = nearest is not None and all(g.passed for g in gates)
    code = tuple(_codes(frame, nearest, layouts)) if nearest and proven else ()
    face = nearest.face if nearest else None
    if isinstance(outcome, Rejection):
        reasons = tuple(sentence(r, None, language) + (f" [{r.found}]" if r.found else "") for r in outcome.reasons)
        layout = nearest.layout if nearest else None
        return Explanation("rejected", reasons, layout, face, code, _corners(nearest), gates, (), Thresholds())
    layout = next(y for y in layouts if y.digest == outcome.layout_digest)
    verdict = decode(outcome, layout).verdict
    reasons = tuple(sentence(r, layout, language) for r in verdict.reasons)
    places = sorted(_places(outcome, layout), key=lambda p: (p.punch is not Punch.UNCERTAIN, p.margin))
    strays = tuple((s.x_mm, s.y_mm) for s in outcome.strays)
    corners = outcome.corners_px or _corners(nearest)
    return Explanation(
        verdict.outcome, reasons, layout, outcome.face, code, corners, gates, tuple(places), outcome.thresholds, strays
    )


def _nearest(frame: Frame, layouts: Sequence[Layout]) -> Found | None:
    seen = search(frame, layouts)
    return seen.found or seen.best


def _corners(found: Found | None) -> tuple[Point, ...] | None:
    if found is None:
        return None
    return tuple((round(x, 2), round(y, 2)) for x, y in found.edge.geometry.corners_px.tolist())


def _gates(found: Found) -> Iterator[Gate]:
    """The figures of `reader.camera.find.passes`, one by one."""
    edge = found.edge
    yield _at_least("edge seen, all sides", edge.support, find.SUPPORT_MIN)
    for side, share in zip(SIDES[:4], edge.side_support, strict=False):
        yield _at_least(f"edge seen, {side}", share, find.SIDE_SUPPORT_MIN)
    # The cut's own share counts with the sides'.
    yield _at_least("edge seen, cut corner", edge.side_support[-1], find.SIDE_SUPPORT_MIN)
    yield _at_most("edge off the outline", edge.residual_mm, find.RESIDUAL_MAX_MM)
    yield _at_most("cut corner off the outline", edge.cut_residual_mm, find.CUT_RESIDUAL_MAX_MM)
    yield _at_most("cut corner turned away", edge.cut_misfit_mm, find.CUT_MISFIT_MAX_MM)
    for name, share in (
        ("these three together", find.together(edge) / find.TOGETHER_MAX),
        ("bent or stretched", _bent(edge)),
    ):
        yield Gate(name, f"{100 * share:.0f} %" if np.isfinite(share) else "no straight edge", "≤ 100 %", share <= 1)


def _bent(edge: EdgeFit) -> float:
    """As a share of the most that a card before a camera is."""
    return strain(edge.geometry) / find.STRAIN_MAX


def _at_least(name: str, found: float, limit: float) -> Gate:
    return Gate(name, f"{100 * found:.0f} %", f"≥ {100 * limit:.0f} %", found >= limit)


def _at_most(name: str, found_mm: float, limit_mm: float) -> Gate:
    shown = f"{found_mm:.3f} mm" if np.isfinite(found_mm) else "no straight edge"
    return Gate(name, shown, f"≤ {limit_mm:.3f} mm", found_mm <= limit_mm)


def _codes(frame: Frame, found: Found, layouts: Sequence[Layout]) -> Iterator[str]:
    for layout in layouts:
        if layout.identify.by == "none" or not same_outline(layout, found.layout):
            continue
        said = read_code(frame, Placed(layout, found.face, found.edge.geometry), layout)
        words = {
            "agrees": "says so",
            "other": f"says {said.value}",
            "nothing": "shows no whole code",
            "hidden": "is on the other face",
            "none": "",
        }
        yield f"{layout.identity} by {layout.identify.by}: the card {words[said.kind]}"


def _places(reading: Reading, layout: Layout) -> Iterator[Place]:
    for p in layout.positions:
        score = reading.scores[p.name]
        margin, change = _change(score, reading.thresholds)
        doubts = tuple(DOUBTS.get(d, d) for d in score.doubts)
        yield Place(p.name, (p.x_mm, p.y_mm), judge(score, reading.thresholds), score, margin, doubts, change)


def _change(score: Score, limits: Thresholds) -> tuple[float, str]:
    """(margin, words): the least change of the open share that gives another outcome."""
    to_punched, to_clear = limits.punched_min - score.open, score.open - limits.clear_max
    if score.doubts:
        alone = judge(replace(score, doubts=()), limits)
        return 0.0, f"its score alone says {alone}; the doubt decides"
    if to_punched <= 0:
        return -to_punched / max(
            1 - limits.punched_min, 1e-6
        ), f"{_share(-to_punched)} less open area would make it uncertain"
    if to_clear <= 0:
        return -to_clear / max(limits.clear_max, 1e-6), f"{_share(-to_clear)} more open area would make it uncertain"
    return 0.0, f"{_share(to_punched)} more would make it punched, {_share(to_clear)} less clear"


def _share(value: float) -> str:
    return f"{max(value, 0.005):.2f}"
