"""A colour never stands alone."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest

from device.panels.patterns import PATTERNS, Name, Pattern


def rhythm(pattern: Pattern) -> tuple[tuple[float, int], ...]:
    """What somebody who sees no colours sees: how many lamps are on, and how long."""
    return tuple((seconds, len(lamps)) for seconds, lamps in pattern.steps)


VERDICTS: tuple[Name, ...] = ("green", "amber", "red", "trouble")


def test_every_sign_has_a_rhythm_and_a_sound_of_its_own() -> None:
    for a, b in itertools.combinations(VERDICTS, 2):
        assert rhythm(PATTERNS[a]) != rhythm(PATTERNS[b])
        assert PATTERNS[a].sound != PATTERNS[b].sound
        assert PATTERNS[a].sound and PATTERNS[b].sound


def test_green_lights_for_nothing_but_green() -> None:
    for name in ("off", "busy", "amber", "red", "trouble"):
        pattern = PATTERNS[name]  # type: ignore[index]
        assert not any("green" in lamps for _, lamps in pattern.steps)


@pytest.mark.parametrize("name", PATTERNS)
def test_a_pattern_says_when_it_changes(name: Name) -> None:
    age, pattern = 0.0, PATTERNS[name]
    for _ in range(20):
        lit, wait = pattern.at(age)
        assert pattern.at(age + wait * 0.5)[0] == lit
        beeps, changes = pattern.sounding(age)
        if changes is not None:
            assert pattern.sounding(age + changes * 0.5)[0] == beeps
        age += min(wait, changes or wait)


def test_the_page_for_makers_tells_every_pattern() -> None:
    page = Path(__file__).parents[3] / "docs" / "maker.md"
    if not page.is_file():
        pytest.skip("looks at the checkout")
    text = page.read_text(encoding="utf-8")
    for pattern in PATTERNS.values():
        assert pattern.words in text
