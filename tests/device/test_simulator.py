"""The simulator: same seed, same picture; the truth is the geometry's; the sample deck is what its seed makes."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from cards.layout import Layout
from cards.load import find_layout
from device.simulator import sample
from device.simulator.card import Card, Cut, inside, on_flap
from device.simulator.deck import DeckError, make_card, make_deck, write_card
from device.simulator.hand import Hand, punch
from device.simulator.scene import Scene, corners_px, homography
from device.simulator.truth import truth


def test_the_same_seed_makes_the_same_card_and_another_seed_another(campaign: Layout) -> None:
    first, again, other = make_card(campaign, 5), make_card(campaign, 5), make_card(campaign, 6)
    assert (first.jpeg, first.truth) == (again.jpeg, again.truth)
    assert first.jpeg != other.jpeg


def test_card_k_is_the_same_in_a_longer_deck(campaign: Layout) -> None:
    short = [c.truth for c in make_deck(campaign, 1, seed=3)]
    long = [c.truth for c in make_deck(campaign, 2, seed=3)]
    assert short == long[:1]


def test_a_steady_hand_punches_what_was_meant_and_nothing_else(campaign: Layout) -> None:
    wanted = frozenset({"groceries_how.bike", "city_feel.good"})
    cuts = punch(campaign, wanted, Hand(0.4, 0.0), np.random.default_rng(1))
    known = truth(campaign, Card(tuple(cuts)))
    assert {name for name, t in known.items() if t == "punched"} == wanted
    assert set(known.values()) == {"punched", "clear"}


@pytest.mark.parametrize(
    ("flap", "expected"), [(0.1, "punched"), (0.39, "punched"), (0.6, "ambiguous"), (0.9, "clear")]
)
def test_a_hanging_chad_decides_by_what_it_leaves_open(campaign: Layout, flap: float, expected: str) -> None:
    p = campaign.positions[0]
    cut = Cut(p.x_mm, p.y_mm, 5.0, 5.0, round=True, flap=flap, flap_deg=30)
    assert truth(campaign, Card((cut,)))[p.name] == expected


@pytest.mark.parametrize("flap", [0.1, 0.5, 0.85])
@pytest.mark.parametrize("round_", [True, False])
def test_the_flap_covers_the_share_it_says(flap: float, round_: bool) -> None:
    cut = Cut(10, 10, 5.0, 3.0 if not round_ else 5.0, round_, flap, 200)
    x, y = np.meshgrid(np.linspace(7, 13, 301), np.linspace(7, 13, 301))
    covered = on_flap(cut, x, y).sum() / inside(cut, x, y).sum()
    assert covered == pytest.approx(flap, abs=0.02)


def test_a_turned_card_shows_its_back_as_a_mirror_image(campaign: Layout) -> None:
    front, back = (corners_px(campaign, Scene(face=face)) for face in ("front", "back"))

    def turn(c: np.ndarray[tuple[int, ...], np.dtype[np.float64]]) -> float:
        a, b = c[1] - c[0], c[2] - c[1]
        return float(a[0] * b[1] - a[1] * b[0])

    assert turn(front) > 0 > turn(back)


def test_corners_are_where_the_picture_has_them(campaign: Layout) -> None:
    card = make_card(campaign, 2, scene=Scene(bed="felt", turn_deg=10, noise=0, blur_px=0.1))
    grey = cv2.imdecode(np.frombuffer(card.jpeg, np.uint8), cv2.IMREAD_GRAYSCALE)
    assert grey is not None
    points = np.array([[2.0, 40.0, 1], [-2.0, 40.0, 1], [100, 80.5, 1], [100, 85.0, 1]])
    px = points @ homography(campaign, Scene(bed="felt", turn_deg=10)).T
    levels = [int(grey[round(v / w), round(u / w)]) for u, v, w in px]
    assert levels[0] > 150 and levels[2] > 150, "paper inside"
    assert levels[1] < 60 and levels[3] < 60, "felt outside"


def test_a_stray_is_told_in_the_truth_and_lies_at_no_position(campaign: Layout) -> None:
    card = make_card(campaign, 4, hand=Hand(0.3, 0.0, stray=1.0))
    ((stray),) = card.truth["stray"]
    nearest = min(np.hypot(p.x_mm - stray["x_mm"], p.y_mm - stray["y_mm"]) for p in campaign.positions)
    assert nearest > campaign.hole.width_mm


def test_classic_cards_can_be_simulated_too() -> None:
    card = make_card(find_layout("ibm80"), 8)
    assert len(card.truth["truth"]) == 960
    assert "punched" in card.truth["truth"].values()


def test_a_folder_that_cannot_be_written_is_named(campaign: Layout, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(DeckError, match="--out"):
        write_card(make_card(campaign, 1), tmp_path / "file" / "deck")


def test_the_deck_has_what_the_demo_promises() -> None:
    assert len(sample.RECIPES) >= 24
    assert any(r.back for r in sample.RECIPES)
    assert sum(r.turn_deg is not None and abs(r.turn_deg) > 170 for r in sample.RECIPES) >= 2
    assert any(r.hand.half for r in sample.RECIPES) and any(r.hand.stray for r in sample.RECIPES)


def test_a_changed_deck_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sample, "RECIPES", sample.RECIPES[:2])
    sample.write(tmp_path)
    assert sample.differences(tmp_path) == []
    (tmp_path / "card-01.json").write_text("{}")
    (tmp_path / "card-02.jpg").unlink()
    assert len(sample.differences(tmp_path)) == 2
