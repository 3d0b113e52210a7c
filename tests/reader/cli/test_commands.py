"""The command line as a newcomer meets it: real processes, real files."""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from cards.layout import Layout
from device.simulator.deck import make_card
from device.simulator.hand import Hand
from device.simulator.scene import Scene

REPO = Path(__file__).parents[3]
SMALL = Scene(width_px=1000, height_px=750)


def run(*args: str | Path, cwd: Path, code: int = 0) -> subprocess.CompletedProcess[str]:
    """`logicienne …` in a process of its own. What people see never holds a trace."""
    # -I: our packages come from the installation, not from the folder the command runs in.
    command = [sys.executable, "-I", "-c", "from reader.cli import main; main()", *map(str, args)]
    env = os.environ | {"LOGICIENNE_STORE": str(cwd / "s.db"), "COLUMNS": "120"}
    done = subprocess.run(command, cwd=cwd, env=env, capture_output=True, text=True, timeout=120, check=False)
    assert "Traceback" not in done.stderr, done.stderr
    assert done.returncode == code, (done.returncode, done.stdout, done.stderr)
    return done


@pytest.fixture(scope="module")
def deck(tmp_path_factory: pytest.TempPathFactory, campaign: Layout) -> Path:
    folder = tmp_path_factory.mktemp("deck")
    for k in range(2):
        (folder / f"card-{k}.jpg").write_bytes(make_card(campaign, 90 + k, scene=SMALL, hand=Hand(0.3, 0)).jpeg)
    return folder


def test_help_names_every_command_and_each_has_an_example(tmp_path: Path) -> None:
    shown = run("--help", cwd=tmp_path).stdout
    for name in ("demo", "read", "permanence", "export", "cards", "simulate"):
        assert name in shown
        assert "Example: logicienne" in run(name, "--help", cwd=tmp_path).stdout


def test_from_a_picture_to_the_days_export(tmp_path: Path, deck: Path) -> None:
    run("permanence", "open", "Café Belga", "--day", "2024-12-05", "--languages", "nl,fr", cwd=tmp_path)
    shown = run("read", deck, cwd=tmp_path)
    assert "accepted" in shown.stderr
    closed = run("permanence", "close", cwd=tmp_path).stdout
    assert closed.startswith("Café Belga, 2024-12-05: 2 counted, 0 waiting for review, 0 rejected")
    run("export", "--day", "2024-12-05", "--to", "out", "--bom", cwd=tmp_path)
    (wide,) = (tmp_path / "out").glob("*-wide.csv")
    with wide.open(encoding="utf-8-sig", newline="") as file:
        assert len(list(csv.DictReader(file))) == 2


def test_jsonl_is_one_object_a_file_and_nothing_else(tmp_path: Path, deck: Path) -> None:
    (tmp_path / "bad.jpg").write_bytes(b"\xff\xd8 no")
    done = run("read", deck, "bad.jpg", "gone.jpg", "--no-store", "--format", "jsonl", cwd=tmp_path, code=1)
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert [Path(x["file"]).name for x in lines] == ["card-0.jpg", "card-1.jpg", "bad.jpg", "gone.jpg"]
    assert [x["verdict"] for x in lines] == ["accepted", "accepted", "rejected", "rejected"]
    assert "bad.jpg" in done.stderr and "gone.jpg" in done.stderr


def test_the_same_picture_twice_is_one_card(tmp_path: Path, deck: Path) -> None:
    run("permanence", "open", "Café", cwd=tmp_path)
    done = run("read", deck, deck / "card-0.jpg", cwd=tmp_path)
    assert "stored once" in done.stderr
    assert "2 counted" in run("permanence", "close", cwd=tmp_path).stdout


def test_reading_into_a_store_needs_an_open_permanence(tmp_path: Path, deck: Path) -> None:
    done = run("read", deck, cwd=tmp_path, code=1)
    assert "logicienne permanence open" in done.stderr


def test_a_layout_with_errors_lists_them_all(tmp_path: Path) -> None:
    (tmp_path / "layout.yaml").write_text("layout: x\nversion: no\ncolour: red\n")
    done = run("cards", "check", "layout.yaml", cwd=tmp_path, code=1)
    assert "layout.yaml:2:1: version" in done.stderr and "colour" in done.stderr and "questions" in done.stderr
    assert run("read", "x.jpg", "--layout", "layout.yaml", "--no-store", cwd=tmp_path, code=1).stderr.count("\n") >= 3


def test_shipped_layouts_are_in_order(tmp_path: Path) -> None:
    shown = run("cards", "check", cwd=tmp_path).stdout
    assert "stadslogistiek@1: in order" in shown and "ibm80@1: in order" in shown


@pytest.mark.parametrize("name", ["card.svg", "card.png"])
def test_cards_can_be_drawn(tmp_path: Path, name: str) -> None:
    run("cards", "draw", "--to", name, "--language", "fr", cwd=tmp_path)
    assert (tmp_path / name).stat().st_size > 5000


def test_a_card_is_not_drawn_into_an_unknown_kind_of_file(tmp_path: Path) -> None:
    assert ".svg or .png" in run("cards", "draw", "--to", "card.doc", cwd=tmp_path, code=2).stderr


def test_named_hands_beds_and_lights_are_shown_in_the_help(tmp_path: Path) -> None:
    shown = run("simulate", "deck", "--help", cwd=tmp_path).stdout
    for name in ("steady", "usual", "shaky", "careless", "felt", "panel", "green", "beech", "machine", "window", "dim"):
        assert name in shown
    assert "--count" in run("simulate", "deck", "--count", "3", "--out", "x", cwd=tmp_path, code=2).stderr


def test_a_simulated_deck_is_read_by_the_next_command(tmp_path: Path) -> None:
    run("simulate", "deck", "--cards", "3", "--hand", "steady", "--out", "try", cwd=tmp_path)
    done = run("read", "try", "--no-store", "--overlay", "look", cwd=tmp_path)
    assert "3 accepted" in done.stderr
    assert len(list((tmp_path / "look").iterdir())) == 3


def test_the_demo_reads_counts_and_exports(tmp_path: Path, deck: Path) -> None:
    shown = run("demo", "--deck", deck, "--to", "out", cwd=tmp_path).stdout
    assert "2 counted" in shown and "-wide.csv" in shown and "Next:" in shown
    assert (tmp_path / "out" / "demo.db").is_file()


def test_the_demo_says_what_to_do_without_a_deck(tmp_path: Path) -> None:
    assert "logicienne simulate deck" in run("demo", cwd=tmp_path, code=1).stderr


def test_a_store_that_cannot_be_written_is_named(tmp_path: Path, deck: Path) -> None:
    (tmp_path / "file").write_text("x")
    done = run("permanence", "open", "Café", "--store", tmp_path / "file" / "s.db", cwd=tmp_path, code=1)
    assert "--store" in done.stderr


def test_wrong_use_is_explained(tmp_path: Path) -> None:
    assert "2024-12-05" in run("export", "--day", "5/12/24", "--to", "x", cwd=tmp_path, code=2).stderr
    assert "never a name" in run("permanence", "open", "Café", "--operator", "Jan Peeters", cwd=tmp_path, code=2).stderr


def test_help_needs_neither_opencv_nor_numpy(tmp_path: Path) -> None:
    code = (
        "import sys; import reader.cli as c; c.group(['--help'], standalone_mode=False); "
        "print(sorted({'cv2', 'numpy'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-I", "-c", code], capture_output=True, text=True, cwd=tmp_path, check=True)
    assert done.stdout.strip().endswith("[]")


def test_a_doubtful_card_is_looked_at_settled_and_counted(tmp_path: Path, campaign: Layout) -> None:
    wanted = frozenset(q.positions[0].name for q in campaign.questions) | {"groceries_how.car"}
    card = make_card(campaign, 3, scene=SMALL, hand=Hand(0.2, 0), wanted=wanted)
    half = make_card(campaign, 4, scene=SMALL, hand=Hand(0.2, 0, half=0.3))
    (tmp_path / "double.jpg").write_bytes(card.jpeg)
    (tmp_path / "half.jpg").write_bytes(half.jpeg)
    run("permanence", "open", "Café", cwd=tmp_path)
    run("read", "double.jpg", "half.jpg", cwd=tmp_path)
    listed = run("review", "list", "--pictures", "look", cwd=tmp_path)
    assert "groceries_how" in listed.stdout and "2 waiting" in listed.stderr
    assert list((tmp_path / "look").glob("*.jpg")), "the half-punched holes have pictures"
    ids = [line for line in listed.stdout.splitlines() if not line.startswith(" ")]
    for i in ids:
        run("review", "settle", i, "correct", "--answer", "groceries_how=rocket", cwd=tmp_path, code=2)
        run("review", "settle", i[:13], "correct", "--answer", "groceries_how=car", cwd=tmp_path)
    assert "2 counted, 0 waiting" in run("permanence", "close", cwd=tmp_path).stdout


def test_undo_voids_the_last_card(tmp_path: Path, deck: Path) -> None:
    run("permanence", "open", "Café", cwd=tmp_path)
    run("read", deck, cwd=tmp_path)
    assert "void" in run("review", "undo", cwd=tmp_path).stdout
    assert "1 counted" in run("permanence", "close", cwd=tmp_path).stdout


def test_a_story_comes_in_goes_out_and_is_erased_on_the_stick_too(tmp_path: Path) -> None:
    run("permanence", "open", "Café", cwd=tmp_path)
    run("backup", "stick", "--always", cwd=tmp_path)
    command = [sys.executable, "-I", "-c", "from reader.cli import main; main()", "story", "tell", "--language", "nl"]
    told = subprocess.run(
        [*command, "--level", "public", "--consent", "Ja"], input="Alles met de bakfiets.", text=True, cwd=tmp_path,
        env=os.environ | {"LOGICIENNE_STORE": str(tmp_path / "s.db")}, capture_output=True, check=True,
    )  # fmt: skip
    story = told.stdout.strip()
    assert "copied to" in run("permanence", "close", cwd=tmp_path).stdout
    run("export", "--all", "--stories", "public", "--to", "out", cwd=tmp_path)
    assert "bakfiets" in (tmp_path / "out" / "all-stories-public.csv").read_text()
    assert "1 copies" in run("story", "erase", story, cwd=tmp_path).stdout
    assert "(erased)" in run("story", "list", cwd=tmp_path).stdout
    assert not any(b"bakfiets" in p.read_bytes() for p in (tmp_path / "stick").iterdir())


def test_a_damaged_store_is_replaced_when_the_next_permanence_opens(tmp_path: Path, deck: Path) -> None:
    run("permanence", "open", "Café", cwd=tmp_path)
    run("read", deck, cwd=tmp_path)
    run("backup", "stick", "--always", cwd=tmp_path)
    run("permanence", "close", cwd=tmp_path)
    assert "all in order" in run("store", "check", cwd=tmp_path).stdout
    path = tmp_path / "s.db"
    path.write_bytes(path.read_bytes()[:-9000])
    done = run("permanence", "open", "Bibliotheek", cwd=tmp_path)
    assert "was damaged" in done.stderr and "took over" in done.stderr
    assert "all in order" in run("store", "check", cwd=tmp_path).stdout
    assert "Café" in run("permanence", "list", cwd=tmp_path).stdout


def test_the_store_tells_what_it_holds(tmp_path: Path) -> None:
    run("permanence", "open", "Café", cwd=tmp_path)
    shown = run("store", "info", cwd=tmp_path).stdout
    assert "permanence: 1" in shown and "version 2" in shown
    run("store", "target", "Nulmeting", "--cards", "80", "--since", "2024-12-01", "--until", "2099-02-28", cwd=tmp_path)
    assert "Nulmeting: 0 of 80 cards" in run("store", "info", cwd=tmp_path).stdout
    assert "made again from 2 records" in run("store", "rebuild", cwd=tmp_path).stdout
    assert "is sound" in run("store", "recover", cwd=tmp_path).stdout


def test_a_card_is_explained_on_the_screen_and_on_its_picture(tmp_path: Path, deck: Path) -> None:
    (tmp_path / "noise.jpg").write_bytes(b"no picture")
    done = run("read", "--no-store", "--format", "jsonl", "--explain-to", "why", deck / "card-0.jpg", "noise.jpg",
               cwd=tmp_path, code=1)  # fmt: skip
    assert len([json.loads(line) for line in done.stdout.splitlines()]) == 2
    assert "what would change it" in done.stderr and "open area would make it uncertain" in done.stderr
    assert [p.name for p in (tmp_path / "why").iterdir()] == ["card-0-explained.jpg"]
