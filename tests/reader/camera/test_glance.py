"""A glance must not settle what a close look might doubt."""

from __future__ import annotations

import numpy as np
import pytest

from cards.load import find_layout
from reader.camera.bed import ground_of
from reader.camera.glance import (
    DARK_STEP,
    DARKER,
    GLANCE_GONE,
    GLANCE_LEAN_MACHINE,
    GLANCE_OPEN,
    GLANCE_UNEVEN,
    SHINES,
    darkness,
    machine_worth_a_look,
)
from reader.camera.patches import Plan, Singles, plan
from reader.camera.shapes import leaning
from reader.camera.unmix import unmix

BEDS = {"black": (15,), "lit": (250,), "green": (60, 140, 40), "beech": (120, 160, 190)}
SEARCH_MM = 0.3


@pytest.fixture
def looks() -> Plan:
    return plan(find_layout("ibm80"), 7.0, SEARCH_MM, 2.0)


@pytest.mark.parametrize("kind", BEDS)
def test_holes_are_looked_at_wherever_they_open_and_blank_places_are_not(looks: Plan, kind: str) -> None:
    inside = looks.hole_mm < 0
    y = looks.dy_mm[:, None] / looks.half_mm[1]
    bed = np.tile(np.array(BEDS[kind], np.float32), (7, 1))
    paper = np.full_like(bed, 150 if kind == "lit" else 210)
    seen = np.tile(paper[:, None, None], (1, *looks.hole_mm.shape, 1)).astype(np.uint8)
    for k, part in ((2, inside), (3, inside & (y > 0.4)), (5, inside & (y < -0.4))):
        seen[k, part] = bed[k]
    assert machine_worth_a_look(seen, paper, bed, ground_of(bed), looks).tolist() == [k in (2, 3, 5) for k in range(7)]


@pytest.mark.parametrize("kind", BEDS)
def test_summing_only_what_is_off_the_paper_misses_nothing(looks: Plan, kind: str) -> None:
    rng = np.random.default_rng(3)
    n, shape = 300, looks.hole_mm.shape
    bed = np.tile(np.array(BEDS[kind], np.float32), (n, 1))
    paper = np.asarray(rng.integers(40, 230, (n, 1)) * np.ones_like(bed), np.float32)
    at_random = rng.random((n, *shape, 1)) < rng.random((n, 1, 1, 1)) * 0.4
    share = np.asarray(at_random * rng.random((n, 1, 1, 1)), np.float32)
    seen = (paper[:, None, None] + share * (bed - paper)[:, None, None]).astype(np.uint8)
    found = machine_worth_a_look(seen, paper, bed, ground_of(bed), looks)
    assert 0 < found.sum() < n
    assert not (_by_every_sample(seen.astype(np.float32), paper, bed, looks) & ~found).any()


def _by_every_sample(
    seen: Singles, paper: Singles, bed: Singles, looks: Plan
) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """(n,): the same rules but that of solid print, by sums over whole patches."""
    mixture = unmix(seen, paper, bed, ground_of(bed))
    gone = like_bed = np.maximum(mixture.open, mixture.loose)
    lost = darkness(seen, paper)
    if not mixture.ground.is_lit:
        gone = np.maximum(gone, np.clip((lost - DARKER) / DARK_STEP, 0, 1))
    if mixture.ground.is_glossy:
        gone = np.maximum(gone, (mixture.open > 0.02) & (lost < -SHINES))
    hole = (looks.hole_mm < SEARCH_MM) / looks.area_samples
    some = (like_bed * hole).sum(axis=(1, 2)) > GLANCE_OPEN + 1e-4
    some |= mixture.unlike[:, looks.ring].mean(axis=1) > GLANCE_UNEVEN + 1e-4
    leans = leaning(gone, looks) > GLANCE_LEAN_MACHINE + 1e-4
    return np.asarray(some | (leans & ((gone * hole).sum(axis=(1, 2)) > GLANCE_GONE + 1e-4)), np.bool_)
