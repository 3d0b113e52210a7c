"""What tells a whole hole off its place from a bitten one, and a narrow punch from print."""

from __future__ import annotations

import numpy as np
import pytest

from cards.layout import Layout
from cards.load import find_layout
from reader.camera.bed import Ground
from reader.camera.patches import Plan, Singles, plan
from reader.camera.scores import WHOLE_DISC
from reader.camera.shapes import disc_share, end_share
from reader.camera.unmix import Mixture


def looks_at(layout: Layout) -> Plan:
    return plan(layout, 8.0, 1.2)


def disc(looks: Plan, x_mm: float, y_mm: float) -> Singles:
    away = np.hypot(looks.dx_mm[None] - x_mm, looks.dy_mm[:, None] - y_mm)
    return (away < looks.half_mm[0]).astype(np.float32)


@pytest.mark.parametrize("off_mm", [(0.0, 0.0), (0.9, -0.4), (-0.6, -0.9)])
def test_a_whole_holes_disc_is_gone_wherever_it_lies(campaign: Layout, off_mm: tuple[float, float]) -> None:
    looks = looks_at(campaign)
    whole = disc(looks, *off_mm)
    assert disc_share(whole[None], looks)[0] > 0.98


@pytest.mark.parametrize("left", [0.3, 0.4, 0.5])
def test_a_chad_leaves_some_of_the_disc(campaign: Layout, left: float) -> None:
    """left: of the hole's width, so much is covered by paper."""
    looks = looks_at(campaign)
    bitten = disc(looks, 0.5, 0.3)
    bitten[:, looks.dx_mm < 0.5 + looks.half_mm[0] * (2 * left - 1)] = 0
    assert disc_share(bitten[None], looks)[0] < WHOLE_DISC - 0.03


def seen(looks: Plan, part: Singles) -> Mixture:
    none = np.zeros((1, *part.shape), np.float32)
    contrast, shines = np.full(1, 200, np.float32), np.zeros(1, np.bool_)
    return Mixture(part[None], none, none, none, contrast, none, shines, Ground("black"))


def test_print_in_the_middle_of_a_machines_hole_reaches_no_end_and_a_failed_punch_does() -> None:
    looks = looks_at(find_layout("ibm80"))
    inside = looks.hole_mm < 0
    y, x = looks.dy_mm[:, None] / looks.half_mm[1], looks.dx_mm[None] / looks.half_mm[0]
    letter, end, side = (inside & part for part in (np.abs(y) < 0.6, y > 0.4, (x > 0.2) & (y < 9)))
    shares = [float(end_share(seen(looks, part.astype(np.float32)), looks)[0]) for part in (letter, end, side)]
    assert shares[0] < 0.1 and shares[1] > 0.9 and shares[2] > 0.3


def test_a_round_hole_has_no_ends(campaign: Layout) -> None:
    looks = looks_at(campaign)
    assert end_share(seen(looks, np.zeros(looks.hole_mm.shape, np.float32)), looks)[0] == 1
