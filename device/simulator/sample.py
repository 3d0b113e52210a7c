"""The deck of filled-in cards in `data/sample/`, made again from its seed: `python -m device.simulator.sample --write`.

`--check` tells whether the folder still is what the seed makes. JPEG encoders differ by a level here and there, so
pictures are compared by their pixels and truths to the letter.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np

from cards.layout import Layout
from cards.load import find_layout
from device.simulator.deck import SimulatedCard, make_card, write_card
from device.simulator.hand import Hand
from device.simulator.people import answer
from device.simulator.scene import Bed, machine_scene, table_scene

FOLDER = Path("data") / "sample"
SEED = 2024_12_05
WIDTH_PX, HEIGHT_PX = 1280, 960
PIXEL_MEAN_MAX = 1.5
"""Mean difference of grey levels between two encoders' versions of one picture."""


STEADY = Hand(0.3, 0.0)


@dataclass(frozen=True)
class Recipe:
    """What is special about one card of the deck."""

    bed: Bed = "felt"
    at_table: bool = False
    turn_deg: float | None = None
    back: bool = False
    hand: Hand = STEADY
    slip: str = ""  # "two": a second hole in one question; "blank": a required question left open; "cut": half outside


RECIPES: tuple[Recipe, ...] = (
    *(Recipe() for _ in range(8)),
    *(Recipe("panel") for _ in range(4)),
    *(Recipe("green") for _ in range(3)),
    *(Recipe("felt", at_table=True) for _ in range(4)),
    *(Recipe("beech") for _ in range(2)),
    Recipe(turn_deg=180),
    Recipe("panel", turn_deg=178),
    Recipe(back=True),
    Recipe(hand=Hand(0.3, 0.0, half=0.25)),
    Recipe("panel", hand=Hand(0.3, 0.0, half=0.25)),
    Recipe(hand=Hand(0.3, 0.0, stray=1.0)),
    Recipe(slip="two"),
    Recipe(slip="blank"),
    Recipe(slip="cut"),
)


def cards() -> Iterator[SimulatedCard]:
    """The deck, card by card."""
    layout = find_layout("stadslogistiek")
    order = np.random.default_rng(SEED).permutation(len(RECIPES))
    for k, which in enumerate(order):
        yield _card(layout, RECIPES[which], SEED + k, f"card-{k + 1:02d}")


def _card(layout: Layout, recipe: Recipe, seed: int, name: str) -> SimulatedCard:
    rng = np.random.default_rng([seed, 7])
    kind = table_scene if recipe.at_table else machine_scene
    scene = replace(kind(rng, recipe.bed, WIDTH_PX, HEIGHT_PX), quality=80, face="back" if recipe.back else "front")
    if recipe.turn_deg is not None:
        scene = replace(scene, turn_deg=recipe.turn_deg)
    if recipe.slip == "cut":
        scene = replace(scene, shift=(0.38, 0.0))
    wanted = _slip(layout, answer(layout, rng), recipe.slip)
    return make_card(layout, seed, scene=scene, hand=recipe.hand, wanted=wanted, name=name)


def _slip(layout: Layout, wanted: frozenset[str], slip: str) -> frozenset[str]:
    first = next(q for q in layout.questions if q.required)
    mine = [p.name for p in first.positions]
    if slip == "two":
        others = [name for name in mine if name not in wanted]
        return wanted | {others[0]}
    if slip == "blank":
        return wanted - set(mine)
    return wanted


def write(folder: Path) -> int:
    """Write the deck; returns how many cards."""
    count = 0
    for card in cards():
        write_card(card, folder)
        count += 1
    return count


def differences(folder: Path) -> list[str]:
    """What in the folder is not what the seed makes."""
    found = []
    for card in cards():
        picture, truth = folder / f"{card.name}.jpg", folder / f"{card.name}.json"
        if not picture.is_file() or not truth.is_file():
            found.append(f"{card.name}: missing")
            continue
        if json.loads(truth.read_text(encoding="utf-8")) != json.loads(json.dumps(card.truth)):
            found.append(f"{truth.name}: another truth")
        kept, made = (_grey(data) for data in (picture.read_bytes(), card.jpeg))
        if kept.shape != made.shape or float(np.abs(kept - made).mean()) > PIXEL_MEAN_MAX:
            found.append(f"{picture.name}: another picture")
    return found


def _grey(jpeg: bytes) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    image = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_GRAYSCALE)
    return np.zeros((0, 0), np.float32) if image is None else np.asarray(image, np.float32)


def main() -> int:
    """Command line of this module."""
    parser = argparse.ArgumentParser(prog="python -m device.simulator.sample", description=__doc__)
    parser.add_argument("--folder", type=Path, default=FOLDER)
    task = parser.add_mutually_exclusive_group(required=True)
    task.add_argument("--write", action="store_true", help="write the deck")
    task.add_argument("--check", action="store_true", help="compare the deck with its seed")
    given = parser.parse_args()
    if given.write:
        sys.stdout.write(f"{write(given.folder)} cards in {given.folder}\n")
        return 0
    found = differences(given.folder)
    sys.stdout.write("".join(f"{line}\n" for line in found))
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
