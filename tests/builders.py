"""Readings made by hand: what a camera or a bar of sensors would hand over."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from cards.layout import Layout
from reader.decode import decode
from reader.reading import Reading, Score, Stray, Thresholds
from reader.store import Store
from reader.store.stories import tell

WHOLE = Score(0.97, (0.1, -0.2))
CLEAR = Score(0.0)
HALF = Score(0.4, (0.2, 0.0))


def reading(
    layout: Layout,
    punched: Iterable[str] = (),
    uncertain: Iterable[str] = (),
    strays: tuple[Stray, ...] = (),
    scores: Mapping[str, Score] | None = None,
) -> Reading:
    """A reading of the layout with these positions (by name) punched or uncertain and all others clear."""
    found = {p.name: CLEAR for p in layout.positions}
    for names, score in ((punched, WHOLE), (uncertain, HALF)):
        for name in names:
            assert name in found, f"{name} is no position of {layout.identity}"
            found[name] = score
    found |= scores or {}
    corners = ((100.0, 100.0), (900.0, 100.0), (900.0, 450.0), (100.0, 450.0))
    return Reading("camera", layout.identity, layout.digest, "front", found, Thresholds(), strays, corners, 0.02)


def complete(layout: Layout) -> list[str]:
    """Position names that answer every question of the campaign's card with its first choice."""
    return [q.positions[0].name for q in layout.questions]


def add(store: Store, sitting: str, layout: Layout, punched: list[str] | None = None, **more: object) -> str:
    """Keep a card with these holes, or a complete one; its id."""
    seen = reading(layout, complete(layout) if punched is None else punched)
    return store.append_reading(sitting, seen, decode(seen, layout), layout, **more)  # type: ignore[arg-type]


def told(store: Store, sitting: str, text: str) -> str:
    """Keep a story; its id."""
    return tell(store, sitting, text, language="nl", level="quote", consent="Mag zonder naam")
