"""A deck of simulated cards: pictures with their truth, from a seed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from cards.errors import LogicienneError
from cards.layout import Layout
from device.simulator.hand import Cut, Hand, code_cuts, punch, truth
from device.simulator.people import answer
from device.simulator.photo import photograph
from device.simulator.scene import BEDS, Bed, Scene, corners_px, machine_scene, table_scene

CORNERS = ("top_left", "top_right", "bottom_right", "bottom_left")


class DeckError(LogicienneError, OSError):
    """A deck that could not be written."""

    def __str__(self) -> str:
        """The message alone."""
        return str(self.args[0])


@dataclass(frozen=True)
class SimulatedCard:
    """One picture (`jpeg` bytes) and what is true of it, in the form of the truth files."""

    name: str
    jpeg: bytes
    truth: dict[str, Any]


def make_card(
    layout: Layout,
    seed: int,
    *,
    scene: Scene | None = None,
    hand: Hand | None = None,
    bed: Bed | None = None,
    language: str | None = None,
    wanted: frozenset[str] | None = None,
    name: str | None = None,
) -> SimulatedCard:
    """One card. The seed decides everything that is not given: answers, hand, bed, scene, the edition's language."""
    rng = np.random.default_rng(seed)
    edition = layout.languages[rng.integers(len(layout.languages))] if layout.languages else "en"
    chosen: Bed = list(BEDS)[rng.integers(len(BEDS))]
    drawn = answer(layout, rng)
    cuts = punch(layout, drawn if wanted is None else wanted, hand or Hand(), rng)
    kind = machine_scene if rng.random() < 0.6 else table_scene
    place = scene or kind(rng, bed or chosen, 1640, 1232)
    jpeg = photograph(layout, language or edition, [*cuts, *code_cuts(layout)], place, rng)
    title = name or f"card-{seed:05d}"
    return SimulatedCard(title, jpeg, truth_of(layout, cuts, place, f"{title}.jpg", seed))


def truth_of(layout: Layout, cuts: list[Cut], scene: Scene, image: str, seed: int) -> dict[str, Any]:
    """What is true of a picture: positions, corners, face, strays; pixel centres are integers."""
    corners = corners_px(layout, scene).round(2).tolist()
    known = truth(layout, cuts)
    strays = [c for c in cuts if not any(_near(layout, p.x_mm, p.y_mm, c) for p in layout.positions)]
    return {
        "image": image,
        "design": layout.id,
        "layout": layout.identity,
        "seed": seed,
        "bed": scene.bed,
        "bed_class": BEDS[scene.bed],
        "side": scene.face,
        "rotation_deg": round(scene.turn_deg, 1),
        "corners_px": dict(zip(CORNERS, corners, strict=True)),
        "truth": {f"{p.question}/{p.choice}": known[p.name] for p in layout.positions},
        "stray": [
            {"x_mm": round(c.x_mm, 2), "y_mm": round(c.y_mm, 2), "diameter_mm": c.width_mm} for c in strays
        ],
    }  # fmt: skip


def _near(layout: Layout, x_mm: float, y_mm: float, cut: Cut) -> bool:
    return float(np.hypot(cut.x_mm - x_mm, cut.y_mm - y_mm)) <= layout.hole.tolerance_mm + 1e-6


def make_deck(layout: Layout, count: int, seed: int, hand: Hand | None = None) -> Iterator[SimulatedCard]:
    """`count` cards; card k of a seed is the same in every deck of that seed."""
    for k in range(count):
        card = make_card(layout, seed * 100_003 + k, hand=hand)
        title = f"card-{k + 1:03d}"
        yield replace(card, name=title, truth={**card.truth, "image": f"{title}.jpg"})


def write_card(card: SimulatedCard, folder: Path) -> None:
    """The picture and, beside it, its truth as JSON. Raises `DeckError`."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{card.name}.jpg").write_bytes(card.jpeg)
        text = json.dumps(card.truth, ensure_ascii=False, separators=(",", ":")) + "\n"
        (folder / f"{card.name}.json").write_text(text, encoding="utf-8")
    except OSError as error:
        raise DeckError(f"{folder}: cannot be written ({error.strerror}); choose another folder with --to") from error
