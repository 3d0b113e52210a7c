"""What befalls cards, one kind at a time: bad punches, pencil, stains, stickers, folds, bends; with what is expected.

`CASES` is the table in docs/simulator.md, row by row, and what its tests run through: one position (`struck`) of an
otherwise well-punched card is damaged; its truth is measured, not written here.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from cards.layout import Layout, Position
from device.simulator.card import COFFEE_BGR, INK_BGR, Card, Cover, Cut, Mark, Path, Tear, disc
from device.simulator.hand import astray, at
from device.simulator.truth import Truth

Outcome = Literal["punched", "clear", "uncertain", "refused"]
"""Of the struck position; `refused`: the whole card is rejected."""
Maker = Callable[[Layout, Card, Position, np.random.Generator], Card]


@dataclass(frozen=True)
class Case:
    """One kind of damage.

    punched: whether the struck position was punched before. truth: what is really there afterwards. allowed: what a
    reader may say of it; of the other positions it may never say a wrong thing with certainty. review: the card must
    not simply be accepted.
    """

    name: str
    what: str
    make: Maker
    punched: bool
    truth: Truth
    allowed: tuple[Outcome, ...]
    review: bool = False


def _struck(card: Card, p: Position) -> Cut:
    return min(card.cuts, key=lambda c: math.hypot(c.x_mm - p.x_mm, c.y_mm - p.y_mm))


def _instead(card: Card, old: Cut, *new: Cut) -> Card:
    return replace(card, cuts=(*(c for c in card.cuts if c != old), *new))


def _flap(low: float, high: float, swing: tuple[float, float] | None = None) -> Maker:
    """What is not cut through: a share of the hole; with `swing`, the chad hangs on it, so many degrees open."""

    def make(layout: Layout, card: Card, p: Position, rng: np.random.Generator) -> Card:
        old = _struck(card, p)
        swung = None if swing is None else float(rng.uniform(*swing))
        share, side = float(rng.uniform(low, high)), float(rng.uniform(0, 360))
        return _instead(card, old, replace(old, flap=share, flap_deg=side, swing_deg=swung))

    return make


def _twice(low: float, high: float) -> Maker:
    def make(layout: Layout, card: Card, p: Position, rng: np.random.Generator) -> Card:
        old, angle = _struck(card, p), rng.uniform(0, 2 * math.pi)
        far = rng.uniform(low, high) * old.width_mm
        beside = replace(old, x_mm=old.x_mm + far * math.cos(angle), y_mm=old.y_mm + far * math.sin(angle))
        return replace(card, cuts=(*card.cuts, beside))

    return make


def torn(a: tuple[float, float], b: tuple[float, float], width_mm: float, rng: np.random.Generator) -> Tear:
    """A ragged tear from a to b."""
    start, end = np.array(a), np.array(b)
    along = end - start
    aside = np.array([-along[1], along[0]]) / max(float(np.hypot(*along)), 1e-6) * width_mm / 2
    steps = np.linspace(0, 1, max(3, round(float(np.hypot(*along)) / 0.7)))
    rough = rng.uniform(0.6, 1.4, (2, len(steps)))
    one = [start + s * along + aside * r for s, r in zip(steps, rough[0], strict=True)]
    other = [start + s * along - aside * r for s, r in zip(steps, rough[1], strict=True)]
    return Tear(tuple((float(x), float(y)) for x, y in (*one, *reversed(other))))


def _torn_to_edge(layout: Layout, card: Card, p: Position, rng: np.random.Generator) -> Card:
    ways = {
        (p.x_mm, -1.0): p.y_mm,
        (p.x_mm, layout.height_mm + 1): layout.height_mm - p.y_mm,
        (-1.0, p.y_mm): p.x_mm,
        (layout.width_mm + 1, p.y_mm): layout.width_mm - p.x_mm,
    }
    nearest = min(ways, key=lambda way: ways[way])
    return replace(card, tears=(*card.tears, torn((p.x_mm, p.y_mm), nearest, 1.2, rng)))


def _torn_to_next(layout: Layout, card: Card, p: Position, rng: np.random.Generator) -> Card:
    others = [q for q in layout.positions if q is not p]
    q = min(others, key=lambda o: math.hypot(o.x_mm - p.x_mm, o.y_mm - p.y_mm))
    reach = 1 - layout.hole.width_mm / 2 / math.hypot(q.x_mm - p.x_mm, q.y_mm - p.y_mm)
    end = (p.x_mm + (q.x_mm - p.x_mm) * reach, p.y_mm + (q.y_mm - p.y_mm) * reach)
    return replace(card, tears=(*card.tears, torn((p.x_mm, p.y_mm), end, 1.0, rng)))


def scribble(x_mm: float, y_mm: float, size_mm: float, rng: np.random.Generator) -> Path:
    """A line to and fro around a place."""
    ups = np.linspace(-1, 1, int(rng.integers(6, 11)))
    swing = size_mm / 2 * rng.uniform(0.7, 1.0, len(ups)) * np.where(np.arange(len(ups)) % 2, 1, -1)
    return tuple((x_mm + float(s), y_mm + float(u) * size_mm / 2) for s, u in zip(swing, ups, strict=True))


def _mark(kind: Literal["pencil", "filled", "cross", "stain"]) -> Maker:
    def make(layout: Layout, card: Card, p: Position, rng: np.random.Generator) -> Card:
        size = layout.hole.width_mm
        if kind == "filled":
            marks: tuple[Mark, ...] = (Mark(disc(p.x_mm, p.y_mm, 0.95 * size), 0.0, INK_BGR, 0.9),)
        elif kind == "cross":
            d = 0.6 * size
            lines = (((-d, -d), (d, d)), ((-d, d), (d, -d)))
            marks = tuple(Mark(tuple((p.x_mm + x, p.y_mm + y) for x, y in line), 0.6, INK_BGR, 0.9) for line in lines)
        elif kind == "stain":
            x, y = p.x_mm + rng.uniform(-4, 4), p.y_mm + rng.uniform(-4, 4)
            marks = (Mark(disc(x, y, rng.uniform(14, 22)), 0.0, COFFEE_BGR, 0.45, 0.8),)
        else:
            marks = (Mark(scribble(p.x_mm, p.y_mm, 1.3 * size, rng), 0.5),)
        return replace(card, marks=card.marks + marks)

    return make


def _sticker(beside: bool) -> Maker:
    def make(layout: Layout, card: Card, p: Position, rng: np.random.Generator) -> Card:
        half = layout.hole.width_mm * (0.45 if beside else 0.9)
        # Beside: so far above that its lower edge stays clear of the hole, wherever in its tolerance that is.
        y = p.y_mm - (layout.hole.height_mm / 2 + layout.hole.tolerance_mm + half + 0.4 if beside else 0.0)
        square = ((-half, -half), (half, -half), (half, half), (-half, half))
        points = tuple((p.x_mm + u, y + v) for u, v in square)
        return replace(card, covers=(*card.covers, Cover(points, (205.0, 222.0, 232.0))))

    return make


def _loose_chad(over: bool) -> Maker:
    def make(layout: Layout, card: Card, p: Position, rng: np.random.Generator) -> Card:
        if over:
            hole = _struck(card, p)
            x, y = hole.x_mm + rng.uniform(-0.2, 0.2), hole.y_mm + rng.uniform(-0.2, 0.2)
            return replace(card, covers=(*card.covers, Cover(disc(x, y, layout.hole.width_mm))))
        where = [(rng.uniform(0, layout.width_mm), layout.height_mm + 3.2), (layout.width_mm + 3.0, 30.0)]
        chads = tuple(Cover(disc(x, y, layout.hole.width_mm)) for x, y in where)
        return replace(card, covers=card.covers + chads)

    return make


def folded_corner(layout: Layout, size_mm: float) -> tuple[Tear, Cover]:
    """The bottom right corner folded forward onto the card: gone where it was, paper over paper where it lies."""
    w, h = layout.width_mm, layout.height_mm
    beyond = 1.5
    gone = (
        (w - size_mm, h),
        (w, h - size_mm),
        (w + beyond, h - size_mm),
        (w + beyond, h + beyond),
        (w - size_mm, h + beyond),
    )
    lies = ((w - size_mm, h), (w, h - size_mm), (w - size_mm, h - size_mm))
    return Tear(gone), Cover(lies, (214.0, 228.0, 234.0))


def _folded(size_mm: float) -> Maker:
    def make(layout: Layout, card: Card, p: Position, rng: np.random.Generator) -> Card:
        tear, cover = folded_corner(layout, size_mm)
        return replace(card, tears=(*card.tears, tear), covers=(*card.covers, cover))

    return make


def _shaped(low: Card, high: Card) -> Maker:
    """Bend, size, print shift and wear, anywhere between two cards."""

    def make(layout: Layout, card: Card, p: Position, rng: np.random.Generator) -> Card:
        def pair(a: tuple[float, float], b: tuple[float, float]) -> tuple[float, float]:
            return float(rng.uniform(a[0], b[0])), float(rng.uniform(a[1], b[1]))

        return replace(
            card,
            curl_mm=float(rng.uniform(low.curl_mm, high.curl_mm)),
            grow_mm=pair(low.grow_mm, high.grow_mm),
            print_shift_mm=pair(low.print_shift_mm, high.print_shift_mm),
            worn_mm=float(rng.uniform(low.worn_mm, high.worn_mm)),
        )

    return make


def _stray(layout: Layout, card: Card, p: Position, rng: np.random.Generator) -> Card:
    return replace(card, cuts=(*card.cuts, *astray(layout, rng)))


def _as_it_is(layout: Layout, card: Card, p: Position, rng: np.random.Generator) -> Card:
    return card


PUNCHED: tuple[Outcome, ...] = ("punched",)
NEVER_CLEAR: tuple[Outcome, ...] = ("punched", "uncertain", "refused")
NEVER_PUNCHED: tuple[Outcome, ...] = ("clear", "uncertain", "refused")
DOUBT: tuple[Outcome, ...] = ("uncertain", "refused")

CASES: tuple[Case, ...] = (
    Case("whole hole", "a clean hole, up to 0.4 of the tolerance off", _as_it_is, True, "punched", PUNCHED),
    Case("small chad", "8–15 % of the hole still covered", _flap(0.08, 0.15), True, "punched", NEVER_CLEAR),
    Case("large chad", "20–38 % of the hole still covered", _flap(0.20, 0.38), True, "punched", NEVER_CLEAR),
    Case("partial punch", "45–80 % of the hole not cut through", _flap(0.45, 0.80), True, "ambiguous", DOUBT, True),
    Case("chad standing", "hinged over 6–10 %, swung open by 80–90°", _flap(0.06, 0.10, (80, 90)), True, "punched",
         NEVER_CLEAR),
    Case("chad half open", "hinged over 6–10 %, swung open by 40–60°", _flap(0.06, 0.10, (40, 60)), True, "ambiguous",
         DOUBT, True),
    Case("chad folded back", "hinged over 6–10 %, folded back onto the card", _flap(0.06, 0.10, (170, 180)), True,
         "punched", NEVER_CLEAR),
    Case("chad closed again", "hinged over 6–10 %, open by 0–12°: as if never punched", _flap(0.06, 0.10, (0, 12)), True,
         "clear", NEVER_PUNCHED),
    Case("double punch", "a second stroke 0.2–0.5 of a hole beside", _twice(0.2, 0.5), True, "punched", NEVER_CLEAR),
    Case("torn to the edge", "a tear 1.2 mm wide to the nearest edge, through what lies between", _torn_to_edge, True, "punched",
         NEVER_CLEAR),
    Case("torn to the next", "a tear 1 mm wide from the hole to the next position's rim", _torn_to_next, True, "punched",
         NEVER_CLEAR),
    Case("pencil scribble", "to and fro over an unpunched ring", _mark("pencil"), False, "clear", NEVER_PUNCHED),
    Case("pen cross", "a cross over an unpunched ring", _mark("cross"), False, "clear", NEVER_PUNCHED),
    Case("pen-filled ring", "an unpunched ring filled with ink", _mark("filled"), False, "clear", NEVER_PUNCHED),
    Case("coffee stain", "14–22 mm across, over an unpunched ring", _mark("stain"), False, "clear", NEVER_PUNCHED),
    Case("stain on a hole", "14–22 mm across, around a hole", _mark("stain"), True, "punched", NEVER_CLEAR),
    Case("sticker over a hole", "the hole is closed", _sticker(False), True, "clear", NEVER_PUNCHED),
    Case("sticker beside", "just above the hole", _sticker(True), True, "punched", NEVER_CLEAR),
    Case("loose chad over a hole", "the hole is closed by a chad that lies on it", _loose_chad(True), True, "clear",
         NEVER_PUNCHED),
    Case("loose chads about", "two on the bed, next to the card", _loose_chad(False), True, "punched", NEVER_CLEAR),
    Case("folded corner", "8 mm of the bottom right corner", _folded(8), True, "punched", NEVER_CLEAR),
    Case("curl", "the middle 1–3 mm above the ends", _shaped(Card(curl_mm=1), Card(curl_mm=3)), True, "punched",
         NEVER_CLEAR),
    Case("curl, ends up", "the ends 1–3 mm above the middle", _shaped(Card(curl_mm=-3), Card(curl_mm=-1)), True, "punched",
         NEVER_CLEAR),
    Case("worn corners", "corners rounded by 1–3 mm", _shaped(Card(worn_mm=1), Card(worn_mm=3)), True, "punched",
         NEVER_CLEAR),
    Case("print shift", "print and holes up to 0.5 mm off the paper's middle",
         _shaped(Card(print_shift_mm=(-0.5, -0.5)), Card(print_shift_mm=(0.5, 0.5))), True, "punched", NEVER_CLEAR),
    Case("paper of other size", "up to 0.3 mm wider or narrower, higher or lower",
         _shaped(Card(grow_mm=(-0.3, -0.3)), Card(grow_mm=(0.3, 0.3))), True, "punched", NEVER_CLEAR),
    Case("stray hole", "one hole at no position", _stray, True, "punched", NEVER_CLEAR, True),
)  # fmt: skip


def damaged(layout: Layout, case: Case, rng: np.random.Generator) -> tuple[Card, Position]:
    """A card with every question answered once, damaged as the case says, and the position that was struck."""
    chosen = [q.positions[int(rng.integers(len(q.positions)))] for q in layout.questions]
    most = 0.3 * layout.hole.tolerance_mm
    cuts = tuple(at(layout, p, (rng.uniform(-most, most), rng.uniform(-most, most))) for p in chosen)
    card = Card(cuts, layout.languages[0] if layout.languages else "en")
    free = [p for p in layout.positions if p not in chosen]
    struck = (chosen if case.punched else free)[int(rng.integers(len(chosen if case.punched else free)))]
    return case.make(layout, card, struck, rng), struck


def docs_table() -> str:
    """`CASES` as the table of docs/simulator.md."""
    lines = ["| damage | what | truth | a reader may say | card |", "|---|---|---|---|---|"]
    for case in CASES:
        said = ", ".join(case.allowed)
        lines.append(f"| {case.name} | {case.what} | {case.truth} | {said} | {'review' if case.review else 'any'} |")
    return "\n".join(lines)
