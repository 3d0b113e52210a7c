"""What became of every card each way, and whether two ways ever contradict each other."""

from __future__ import annotations

import zlib
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from cards.layout import Layout
from cards.load import find_layout
from reader.decode import decode
from reader.reading import Punch, Reading, Rejection
from tests.same_cards.ways import LAYOUT, WAYS, One, Way, card


@dataclass
class Counts:
    """cards: all. read: by every way, wholly certain; same: of those, with identical answers and no stray.

    different: two ways certain of contrary things about one position, or other answers from whole readings.
    wrong: a way certain of what is not so. by_way: way → certain, unsure, refused.
    """

    cards: int = 0
    read: int = 0
    same: int = 0
    different: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    by_way: dict[str, Counter[str]] = field(default_factory=dict)
    refusals: Counter[str] = field(default_factory=Counter)

    def add(self, other: Counts) -> None:
        """Count the other's too."""
        self.cards += other.cards
        self.read += other.read
        self.same += other.same
        self.different += other.different
        self.wrong += other.wrong
        self.refusals += other.refusals
        for way, counted in other.by_way.items():
            self.by_way.setdefault(way, Counter()).update(counted)


def count(seed: int, first: int, last: int, ways: Mapping[str, Way] = WAYS) -> Counts:
    """Cards first to last - 1, each read every way."""
    layout, counts = find_layout(LAYOUT), Counts()
    for number in range(first, last):
        one = card(layout, seed, number)
        found = {
            name: way(layout, one, np.random.default_rng((seed, number, zlib.crc32(name.encode()))))
            for name, way in ways.items()
        }
        judge_card(layout, one, found, counts)
    return counts


def judge_card(layout: Layout, one: One, found: Mapping[str, Reading | Rejection], counts: Counts) -> None:
    """Add one card's outcomes."""
    counts.cards += 1
    certain: dict[str, tuple[str, Punch]] = {}
    clashes = set[str]()
    for name, outcome in found.items():
        counted = counts.by_way.setdefault(name, Counter())
        counted[_kind(outcome)] += 1
        if isinstance(outcome, Rejection):
            counts.refusals[f"{name}: {outcome.reasons[0].code}"] += 1
            continue
        for position, punch in outcome.punches().items():
            if punch is Punch.UNCERTAIN:
                continue
            if {punch.value, one.truth[position]} == {"punched", "clear"}:
                counts.wrong.append(f"card {one.number}, {name}: {position} {punch}")
            before = certain.setdefault(position, (name, punch))
            if before[1] is not punch:
                clashes.add(f"card {one.number}: {position} {before[1]} by {before[0]}, {punch} by {name}")
    counts.different += sorted(clashes)
    whole = [o for o in found.values() if _kind(o) == "certain" and isinstance(o, Reading)]
    if len(whole) == len(found):
        counts.read += 1
        answers = [dict(decode(o, layout).answers) for o in whole]
        same = all(a == answers[0] for a in answers)
        counts.same += same
        if not same and not clashes:
            counts.different.append(f"card {one.number}: other answers")


def _kind(outcome: Reading | Rejection) -> str:
    if isinstance(outcome, Rejection):
        return "refused"
    return "unsure" if outcome.strays or Punch.UNCERTAIN in outcome.punches().values() else "certain"
