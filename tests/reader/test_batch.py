"""Files and folders of pictures: one result each, in order, whatever is in them."""

from __future__ import annotations

import os
from pathlib import Path

import cv2
import numpy as np
import pytest

from cards.layout import Layout
from device.simulator.deck import make_card
from device.simulator.scene import Scene
from reader.batch import picture_files, read_file, read_files
from reader.describe import describe
from reader.overlay import draw_overlay
from reader.reading import Code, Reading, Rejection


@pytest.fixture(scope="module")
def deck(tmp_path_factory: pytest.TempPathFactory, campaign: Layout) -> Path:
    """Three good cards, and four files that are none."""
    folder = tmp_path_factory.mktemp("deck")
    for k in range(3):
        card = make_card(campaign, 60 + k, scene=Scene(width_px=1000, height_px=750))
        (folder / f"b{k}.jpg").write_bytes(card.jpeg)
    (folder / "a-empty.jpg").write_bytes(b"")
    (folder / "c-half.jpg").write_bytes((folder / "b0.jpg").read_bytes()[:20_000])
    (folder / "d-text.png").write_text("not a picture")
    (folder / "notes.txt").write_text("no picture by its name")
    (folder / ".hidden.jpg").write_bytes(b"x")
    return folder


def test_a_folder_is_its_pictures_by_name(deck: Path) -> None:
    names = [p.name for p in picture_files([deck])]
    assert names == ["a-empty.jpg", "b0.jpg", "b1.jpg", "b2.jpg", "c-half.jpg", "d-text.png"]


def test_one_bad_file_never_stops_the_others(deck: Path, campaign: Layout) -> None:
    results = list(read_files([*picture_files([deck]), deck / "gone.jpg"], [campaign]))
    assert [isinstance(r.outcome, Reading) for r in results] == [False, True, True, True, False, False, False]
    for r in results:
        assert (r.problem is None) == isinstance(r.outcome, Reading)
        if r.problem:
            assert r.path.name in r.problem and isinstance(r.outcome, Rejection)
            assert r.outcome.reasons[0].code is Code.NOT_A_PICTURE


def test_two_processes_give_the_same_results_in_the_same_order(deck: Path, campaign: Layout) -> None:
    files = picture_files([deck])
    alone, together = (list(read_files(files, [campaign], jobs=n)) for n in (1, 2))
    assert [(r.path, r.outcome) for r in alone] == [(r.path, r.outcome) for r in together]


def test_each_process_has_one_thread_while_it_reads_and_afterwards_all_is_as_before(
    deck: Path, campaign: Layout, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENBLAS_NUM_THREADS", "2")
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    before = cv2.getNumThreads()
    cv2.setNumThreads(2)
    try:
        results = read_files(picture_files([deck]), [campaign])
        next(results)
        assert (cv2.getNumThreads(), os.environ["OPENBLAS_NUM_THREADS"], os.environ["OMP_NUM_THREADS"]) == (1, "1", "1")
        results.close()  # whoever stops half-way gets his threads back too
        assert (cv2.getNumThreads(), os.environ["OPENBLAS_NUM_THREADS"]) == (2, "2")
        assert "OMP_NUM_THREADS" not in os.environ
    finally:
        cv2.setNumThreads(before)


def test_an_overlay_shows_something_on_the_picture(deck: Path, campaign: Layout, tmp_path: Path) -> None:
    result = read_file(deck / "b0.jpg", (campaign,), tmp_path / "look")
    assert result.problem is None
    before, after = cv2.imread(str(deck / "b0.jpg")), cv2.imread(str(tmp_path / "look" / "b0.jpg"))
    assert before is not None and after is not None and before.shape == after.shape
    green = (after[..., 1].astype(int) - after[..., 2] > 60).sum()
    assert green > 500, "punches are ringed in green"


def test_an_overlay_that_cannot_be_written_is_a_problem_not_a_crash(
    deck: Path, campaign: Layout, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("x")
    result = read_file(deck / "b0.jpg", (campaign,), tmp_path / "file" / "look")
    assert isinstance(result.outcome, Reading)
    assert result.problem is not None and "--overlay" in result.problem


def test_a_rejected_picture_has_an_overlay_too() -> None:
    from device.frame import Frame

    frame = Frame("x", np.full((3000, 4000), 90, np.uint8))
    image = draw_overlay(frame, Rejection(()), None)
    assert max(image.shape[:2]) <= 1640


def test_the_object_for_programs_has_every_documented_field(deck: Path, campaign: Layout) -> None:
    outcome = read_file(deck / "b1.jpg", (campaign,)).outcome
    shown = describe("b1.jpg", outcome, campaign)
    fields = {"file", "verdict", "reasons", "layout", "face", "corners_px", "positions", "strays", "answers", "profile"}
    assert set(shown) == fields == set(describe("x", Rejection(()), None))
    assert set(shown["positions"]) == {p.name for p in campaign.positions}
    one = shown["positions"]["groceries_how.on_foot"]
    assert one["at_mm"] == [15.0, 23.0] and one["punch"] in ("punched", "clear", "uncertain")
    assert len(shown["corners_px"]) == 4
