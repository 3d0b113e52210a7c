"""Two fixed machines, calibrated from their own pictures and read; the same cards uncalibrated beside it.

`python -m tests.machines` prints the table. The pictures lie beside the repository (`machines/`, see `tests.needs`).
"""

from __future__ import annotations

import json
import re
import sys
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal, cast

import numpy as np

from calibration.learn import BlankCards, learn
from calibration.lens import Board
from calibration.profile import Profile
from cards.layout import Layout
from cards.load import find_layout, load_layout
from device.frame import Frame, decode_picture
from reader.camera.read import read_frame
from reader.reading import Punch, Reading, Rejection
from tests.needs import SHARED

FIXTURES = Path(__file__).parent / "fixtures" / "layouts"
NAMES = ("felt", "panel")
STRAY_MM = 2.0
"""A stray that is told lies within so far of the true one."""


@dataclass
class Tally:
    """What came out: cards, those wholly right, positions wrong with certainty, doubt that was no true doubt,
    ambiguous positions called certain, strays missed and invented, cards with no reading."""

    cards: int = 0
    right: int = 0
    wrong: int = 0
    needless: int = 0
    amb_certain: int = 0
    strays_missed: int = 0
    strays_false: int = 0
    unread: int = 0

    def add(self, truth: dict[str, Any], outcome: Reading | Rejection, layouts: Sequence[Layout]) -> None:
        """Count one card. Right: layout, face, every position and every stray."""
        self.cards += 1
        if isinstance(outcome, Rejection):
            self.unread += 1
            return
        layout = next(y for y in layouts if y.identity == outcome.layout)
        if layout.id != truth["design"] or outcome.face != truth["side"]:
            self.wrong += 1
            return
        before = (self.wrong, self.needless, self.amb_certain, self.strays_missed, self.strays_false)
        punches = outcome.punches()
        # The designs name their positions in the layouts' order, under names of their own.
        for position, state in zip(layout.positions, truth["truth"].values(), strict=True):
            found = punches[position.name]
            if state == "ambiguous":
                self.amb_certain += found != Punch.UNCERTAIN
            elif found == Punch.UNCERTAIN:
                self.needless += 1
            else:
                self.wrong += found != state
        self._strays(truth["stray"], outcome)
        self.right += before == (self.wrong, self.needless, self.amb_certain, self.strays_missed, self.strays_false)

    def _strays(self, true: list[dict[str, float]], outcome: Reading) -> None:
        seen = [(s.x_mm, s.y_mm) for s in outcome.strays]
        for stray in true:
            near = [s for s in seen if np.hypot(s[0] - stray["x_mm"], s[1] - stray["y_mm"]) < STRAY_MM]
            if near:
                seen.remove(near[0])
            else:
                self.strays_missed += 1
        self.strays_false += len(seen)


def layouts() -> list[Layout]:
    """All that are offered: the three designs of the pictures, and the two that ship."""
    ours = [load_layout(FIXTURES / f"survey-{k}.yaml") for k in "abc"]
    return [*ours, find_layout("ibm80"), find_layout("stadslogistiek")]


def pictures(folder: Path) -> list[Frame]:
    """The folder's JPEGs in the order of their names."""
    return [decode_picture(p.read_bytes(), p.name) for p in sorted(folder.glob("*.jpg"))]


@lru_cache(maxsize=len(NAMES))
def calibrated(folder: Path) -> Profile:
    """The machine's profile from its ChArUco views, its empty bed and its blank cards; nothing else is looked at."""
    about = json.loads((folder / "charuco" / "board.json").read_text(encoding="utf-8"))
    board = Board(about["squares_x"], about["squares_y"], about["square_mm"], about["marker_mm"], about["dictionary"])
    known = {y.id: y for y in layouts()}
    kinds: dict[tuple[str, str], list[Frame]] = defaultdict(list)
    for frame in pictures(folder / "blank"):
        found = re.search(r"blank-(.*)-(front|back)\d", frame.name)
        assert found, frame.name
        kinds[found[1], found[2]].append(frame)
    blanks = [BlankCards(known[d], cast(Literal["front", "back"], face), f) for (d, face), f in kinds.items()]
    return learn(pictures(folder / "charuco"), board, pictures(folder / "bed"), blanks, folder.name)


def tally(folder: Path, profile: Profile | None) -> Tally:
    """Read every card of a machine, with its profile or without any."""
    found, offered = Tally(), layouts()
    for frame in pictures(folder / "cards"):
        truth = json.loads((folder / "cards" / frame.name).with_suffix(".json").read_text(encoding="utf-8"))
        found.add(truth, read_frame(frame, offered, profile), offered)
    return found


def main() -> int:
    """Print the table; 1 when a calibrated card was misread with certainty."""
    heads = ("cards", "right", "wrong", "needless", "amb certain", "strays missed", "strays false", "unread")
    print(f"{'machine':10}{'profile':14}" + "".join(f"{h:>14}" for h in heads))
    bad = 0
    for name in NAMES:
        folder = SHARED / "machines" / name
        if not folder.is_dir():
            print(f"{name:10}no pictures in {folder}")
            continue
        for how, profile in (("calibrated", calibrated(folder)), ("none", None)):
            found = tally(folder, profile)
            bad += bool(profile) * (found.wrong + found.amb_certain)
            print(f"{name:10}{how:14}" + "".join(f"{v:>14}" for v in vars(found).values()))
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
