"""What a card of the volume run is: everything about card k follows from the run's seed and k.

In-spec and out-of-spec are defined in docs/simulator.md, in the words of the constants here.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Literal

import numpy as np

from cards.codes import ibm029_rows
from cards.layout import Layout
from cards.load import find_layout
from device.frame import Frame
from device.simulator.card import Card, Cut
from device.simulator.hand import Hand, astray, punch
from device.simulator.people import answer
from device.simulator.render import render
from device.simulator.scene import Bed, Scene, machine_scene
from device.simulator.truth import Truth, strays, truth
from tests.volume import machine

SURVEYS = ("stadslogistiek", "survey-a", "survey-b", "survey-c")
CLASSIC = "ibm80"
CLASSIC_EVERY = 70
"""Every so manieth card is an 80-column card: 960 positions against 59 leave four fifths to survey cards."""
Setting = Literal["uncalibrated", "coloured", "calibrated", "changed"]
"""Before what the cards lie: a machine that nothing is known of; a telephone, on a table; machines that were calibrated; and
those after something has happened to them since."""
CALIBRATED: tuple[Setting, ...] = ("calibrated", "changed")
BEDS: tuple[Bed, ...] = ("felt", "panel")
"""What a machine's tray is made of."""
COLOURED: tuple[Bed, ...] = ("green", "beech")
"""What a table is made of."""
LARGE_EVERY = 10
"""So often a survey card is seen at 1640 × 1232, as 80-column cards always are, and else at 1024 × 768."""
STRAY_EVERY = 50
OFFERED_EVERY = 10
"""So often all layouts are offered to the reader, and else the card's own alone."""
FOREIGN_EVERY = 100
"""So often only the others are offered: whatever is read then is read wrongly."""
SIGMA_MM, HANGING, CHAD_MAX = 0.5, 0.05, 0.15
CURL_MM, GROW_MM, SHIFT_MM, WORN_MM = 1.0, 0.3, 0.3, 1.0
CLASSIC_SIGMA_MM, CLASSIC_SHIFT_MM, CLASSIC_COLUMNS = 0.05, 0.1, (30, 80)
SIGNS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
OPEN_MIN, OPEN_MAX = 0.15, 0.60
"""Out of spec: a hole open more than this and less than that."""


@dataclass(frozen=True)
class Sample:
    """Card k: its picture, what is offered to the reader, and what is true."""

    layout: Layout
    offered: tuple[Layout, ...]
    scene: Scene
    card: Card
    frame: Frame
    truth: dict[str, Truth]
    strays: list[Cut]
    closed: tuple[str, ...] = ()  # positions whose chad has closed again


@cache
def layouts() -> dict[str, Layout]:
    """All layouts of the run, by id."""
    folder = Path(__file__).parents[1] / "fixtures" / "layouts"
    found = [find_layout(str(folder / f"{n}.yaml") if (folder / f"{n}.yaml").is_file() else n) for n in SURVEYS]
    return {layout.id: layout for layout in (*found, find_layout(CLASSIC))}


def survey_layouts() -> tuple[Layout, ...]:
    """Those that a calibrated machine knows."""
    return tuple(layouts()[name] for name in SURVEYS)


def in_spec(seed: int, k: int, setting: Setting = "uncalibrated") -> Sample:
    """Card k of the in-spec run. Calibrated machines have no 80-column cards."""
    rng = np.random.default_rng([seed, k])
    classic = k % CLASSIC_EVERY == CLASSIC_EVERY - 1 and setting not in CALIBRATED
    layout = layouts()[CLASSIC if classic else SURVEYS[k % len(SURVEYS)]]
    cuts = _classic_cuts(layout, rng) if classic else _survey_cuts(layout, rng)
    if not classic and k % STRAY_EVERY == 0:
        cuts += astray(layout, rng)
    return _sample(layout, k, cuts, setting, rng)


def out_of_spec(seed: int, k: int, setting: Setting = "uncalibrated") -> Sample:
    """Card k of the out-of-spec run: survey cards, about half of whose holes are half open, or closed again."""
    rng = np.random.default_rng([seed, k, 1])
    layout = layouts()[SURVEYS[k % len(SURVEYS)]]
    cuts, closed = [], []
    for cut in _survey_cuts(layout, rng):
        kind = rng.random()
        side = float(rng.uniform(0, 360))
        if kind < 0.3:
            cut = replace(cut, flap=float(rng.uniform(1 - OPEN_MAX, 1 - OPEN_MIN)), flap_deg=side)
        elif kind < 0.5:
            swing = float(rng.uniform(30, 70))
            cut = replace(cut, flap=float(rng.uniform(0.04, 0.12)), flap_deg=side, swing_deg=swing)
        elif kind < 0.55:
            cut = replace(cut, flap=0.06, flap_deg=side, swing_deg=float(rng.uniform(0, 12)))
            near = min(layout.positions, key=lambda p: (p.x_mm - cut.x_mm) ** 2 + (p.y_mm - cut.y_mm) ** 2)
            closed.append(near.name)
        cuts.append(cut)
    return replace(_sample(layout, k, cuts, setting, rng, offer=False), closed=tuple(closed))


def _survey_cuts(layout: Layout, rng: np.random.Generator) -> list[Cut]:
    hand = Hand(float(rng.uniform(0.1, SIGMA_MM)), HANGING, chad_max=CHAD_MAX)
    return punch(layout, answer(layout, rng), hand, rng)


def _classic_cuts(layout: Layout, rng: np.random.Generator) -> list[Cut]:
    """Signs in most columns, as cards of a deck have."""
    question = layout.questions[0]
    assert question.columns is not None
    count = min(int(rng.integers(CLASSIC_COLUMNS[0], CLASSIC_COLUMNS[1] + 1)), question.columns.count)
    wanted = frozenset(
        f"{question.id}.{column}.{row}"
        for column in range(1, count + 1)
        for row in ibm029_rows(SIGNS[rng.integers(len(SIGNS))])
    )
    return punch(layout, wanted, Hand(CLASSIC_SIGMA_MM, 0.0), rng)


def _sample(
    layout: Layout,
    k: int,
    cuts: list[Cut],
    setting: Setting,
    rng: np.random.Generator,
    *,
    offer: bool = True,
) -> Sample:
    classic = layout.id == CLASSIC
    scene = _scene(k, classic, setting, rng)
    card = _card(layout, cuts, classic, rng)
    if setting in CALIBRATED:
        card = replace(card, language=machine.edition(layout))
    others = tuple(v for v in layouts().values() if v is not layout)
    offered: tuple[Layout, ...] = (layout,)
    if offer and k % FOREIGN_EVERY == 1:
        offered = others
    elif offer and k % OFFERED_EVERY == 2:
        offered = tuple(layouts().values())
    frame = render(layout, card, scene, rng, name=f"card {k}")
    return Sample(layout, offered, scene, card, frame, truth(layout, card), strays(layout, card))


def _scene(k: int, classic: bool, setting: Setting, rng: np.random.Generator) -> Scene:
    beds = COLOURED if setting == "coloured" else BEDS
    if setting in CALIBRATED:
        scene = machine.lies(beds[int(rng.integers(len(beds)))], "back" if rng.random() < 0.1 else "front", rng)
        return machine.changed(scene, rng) if setting == "changed" else scene
    size = (1640, 1232) if classic or k % LARGE_EVERY == 0 else (1024, 768)
    scene = machine_scene(rng, beds[int(rng.integers(len(beds)))], *size)
    turned = 180.0 if rng.random() < 0.1 else 0.0
    over = rng.random() < 0.1
    fill = float(rng.uniform(0.78, 0.86)) if classic else scene.fill
    return replace(scene, turn_deg=scene.turn_deg + turned, face="back" if over else "front", fill=fill)


def _card(layout: Layout, cuts: list[Cut], classic: bool, rng: np.random.Generator) -> Card:
    shift = CLASSIC_SHIFT_MM if classic else SHIFT_MM
    grow, moved = rng.uniform(-GROW_MM, GROW_MM, 2), rng.uniform(-shift, shift, 2)
    edition = layout.languages[int(rng.integers(len(layout.languages)))] if layout.languages else "en"
    return Card(
        cuts=tuple(cuts),
        language=edition,
        curl_mm=float(rng.uniform(-CURL_MM, CURL_MM)) / (2 if classic else 1),
        grow_mm=(float(grow[0]), float(grow[1])),
        print_shift_mm=(float(moved[0]), float(moved[1])),
        worn_mm=float(rng.uniform(0, WORN_MM)),
    )
