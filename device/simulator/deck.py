"""Simulated cards with their truth, from a seed: one as a frame in memory, or a deck of them as JPEG files."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from cards.errors import LogicienneError
from cards.layout import Layout
from device.frame import Frame
from device.simulator.card import Card, Cut
from device.simulator.hand import Hand, punch
from device.simulator.people import answer
from device.simulator.render import encode, render
from device.simulator.scene import BEDS, LIGHTS, Bed, Scene, corners_px, machine_scene, table_scene
from device.simulator.truth import strays, truth

CORNERS = ("top_left", "top_right", "bottom_right", "bottom_left")
WIDTH_PX, HEIGHT_PX = 1640, 1232


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
    light: str | None = None,
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
    place = scene or (LIGHTS[light] if light else kind)(rng, bed or chosen, WIDTH_PX, HEIGHT_PX)
    title = name or f"card-{seed:05d}"
    card = Card(tuple(cuts), language or edition)
    return picture_of(layout, card, place, rng, seed, title)


def picture_of(
    layout: Layout, card: Card, scene: Scene, rng: np.random.Generator, seed: int, name: str
) -> SimulatedCard:
    """Any card in any scene, as JPEG with its truth."""
    frame = render(layout, card, scene, rng, colour=True, name=name)
    return SimulatedCard(name, encode(frame, scene.quality), truth_of(layout, card, scene, f"{name}.jpg", seed))


def make_frame(layout: Layout, seed: int, scene: Scene, hand: Hand, card: Card | None = None) -> tuple[Frame, Card]:
    """One card as a frame in memory, and the card itself (`truth.truth` and `truth.strays` tell what is on it).

    The seed decides answers, holes, language, bed spot and noise; `card` gives bend, size, marks and the like.
    """
    rng = np.random.default_rng(seed)
    edition = layout.languages[rng.integers(len(layout.languages))] if layout.languages else "en"
    cuts: list[Cut] = punch(layout, answer(layout, rng), hand, rng)
    punched = replace(card or Card(), cuts=tuple(cuts), language=edition)
    return render(layout, punched, scene, rng, name=f"card-{seed:05d}"), punched


def truth_of(layout: Layout, card: Card, scene: Scene, image: str, seed: int) -> dict[str, Any]:
    """What is true of a picture: positions, corners, face, strays; pixel centres are integers."""
    corners = corners_px(layout, scene, card).round(2).tolist()
    known = truth(layout, card)
    sx, sy = card.print_shift_mm
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
            {"x_mm": round(c.x_mm + sx, 2), "y_mm": round(c.y_mm + sy, 2), "diameter_mm": c.width_mm}
            for c in strays(layout, card)
        ],
    }  # fmt: skip


def make_deck(
    layout: Layout,
    count: int,
    seed: int,
    hand: Hand | None = None,
    bed: Bed | None = None,
    light: str | None = None,
) -> Iterator[SimulatedCard]:
    """`count` cards; card k of a seed is the same in every deck of that seed."""
    for k in range(count):
        card = make_card(layout, seed * 100_003 + k, hand=hand, bed=bed, light=light)
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
        raise DeckError(f"{folder}: cannot be written ({error.strerror}); choose another folder with --out") from error
