"""The machine at work: kept before shown, nothing lost, nothing twice, whatever fails."""

from __future__ import annotations

import hashlib
import os
import random
import signal
import sqlite3
import subprocess
import sys
import threading
from datetime import date
from io import StringIO
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from rich.console import Console

from cards.layout import Layout
from device.frame import Frame
from device.panel import LogPanel, Sign, TerminalPanel
from device.simulator.deck import make_card
from device.simulator.hand import Hand
from device.simulator.scene import Scene
from device.source import Source, open_source
from reader.camera import read_frame
from reader.decode import decode
from reader.reading import Code, Reading, Reason, Rejection
from reader.service import Service, Work
from reader.store import Store, StoreError, StoreFull, open_store
from reader.store.check import check
from reader.store.reviews import undo_last
from tests.builders import complete, reading

COMMAND = "from reader.cli import main; main()"
SIM = "sim:?cards={cards}&seed={seed}&width=800&height=600&lies=0.8&empty=0.4"


class Shown:
    """A panel that remembers, and what the store held when each sign was shown."""

    def __init__(self, store: Store) -> None:
        self.signs: list[Sign] = []
        self.said: list[str] = []
        self.kept: list[int] = []
        self._store = store

    def show(self, sign: Sign) -> None:
        self.signs.append(sign)
        self.kept.append(cards_in(self._store.path))

    def say(self, text: str) -> None:
        self.said.append(text)

    def close(self) -> None: ...

    def lights(self) -> list[str]:
        return [s.light for s in self.signs if s.verdict]


def cards_in(path: Path) -> int:
    connection = sqlite3.connect(path)
    try:
        return int(connection.execute("SELECT count(*) FROM readings").fetchone()[0])
    finally:
        connection.close()


def work(campaign: Layout, sitting: str, look: Any = None) -> Work:
    return Work(look or (lambda frame: read_frame(frame, [campaign])), (campaign,), sitting)


def pictures(folder: Path, campaign: Layout, count: int, first: int = 0) -> None:
    for k in range(first, first + count):
        card = make_card(campaign, k, scene=Scene(width_px=900, height_px=675), hand=Hand(0.3, 0.0))
        (folder / f"card-{k:03d}.jpg").write_bytes(card.jpeg)


class Once(Source):
    """Frames that are one card each, then the end."""

    one_card_each = True

    def __init__(self, frames: list[Frame]) -> None:
        super().__init__("test")
        self._frames = iter(frames)

    def wait(self, timeout_s: float) -> Frame | None:
        frame = next(self._frames, None)
        self.ended = frame is None
        return frame


def blank(name: str) -> Frame:
    return Frame(name, np.zeros((8, 8), np.uint8), encoded=name.encode())


# --- kept before shown --------------------------------------------------------------------------------------------


def test_a_simulated_sitting_ends_with_every_card_counted(campaign: Layout, store: Store, sitting: str) -> None:
    panel = Shown(store)
    with open_source(SIM.format(cards=2, seed=3)) as source:
        counts = Service(source, store, panel, work(campaign, sitting)).run()
    assert (counts.counted, counts.waiting, counts.rejected) == (2, 0, 0) and panel.lights() == ["green"] * 2
    kept = [k for k, s in zip(panel.kept, panel.signs, strict=True) if s.verdict]
    assert kept == [1, 2], "shown before it was kept"
    assert panel.signs[-1].counts.endswith(f"; {store.unsent()} to send"), "what has not reached the organisation"


def test_a_full_disk_is_red_until_there_is_room_and_the_card_counts_once(
    campaign: Layout, store: Store, sitting: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    panel, failures = Shown(store), iter([True, True, False])
    real = Store.append_reading

    def append(self: Store, *args: Any, **more: Any) -> str:
        done = real(self, *args, **more)
        if next(failures, False):
            # The worst kind: written, and then an error all the same.
            raise StoreFull("no room left on this disk")
        return done

    monkeypatch.setattr(Store, "append_reading", append)
    outcome = reading(campaign, complete(campaign))
    service = Service(Once([blank("a")]), store, panel, work(campaign, sitting, lambda frame: outcome), retry_s=0.01)
    assert service.run().counted == 1
    assert [s.light for s in panel.signs if s.light in ("red", "green")] == ["red", "red", "green"]
    assert "no room" in panel.signs[-2].lines[0]


def test_stopped_while_the_disk_is_full_it_says_that_the_card_is_not_kept(
    campaign: Layout, store: Store, sitting: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    panel = Shown(store)

    def append(*args: Any, **more: Any) -> str:
        raise StoreFull("no room left on this disk")

    monkeypatch.setattr(Store, "append_reading", append)
    outcome = reading(campaign, complete(campaign))
    service = Service(Once([blank("a")]), store, panel, work(campaign, sitting, lambda frame: outcome), retry_s=30)
    threading.Timer(0.2, service.stop.set).start()
    assert service.run().counted == 0
    assert panel.lights() == [] and any("NOT kept" in said for said in panel.said)


def test_a_store_whose_file_is_gone_is_never_green(campaign: Layout, store: Store, sitting: str) -> None:
    panel = Shown(store)
    away = store.path.with_name("away")
    outcome = reading(campaign, complete(campaign))

    def look(frame: Frame) -> Reading:
        store.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        store.path.rename(away)
        threading.Timer(0.3, away.rename, (store.path,)).start()
        return outcome

    panel.kept = []
    panel.show = lambda sign: panel.signs.append(sign)  # type: ignore[method-assign]
    assert Service(Once([blank("a")]), store, panel, work(campaign, sitting, look), retry_s=0.05).run().counted == 1
    lights = [s.light for s in panel.signs if s.light in ("red", "green")]
    assert lights[0] == "red" and lights[-1] == "green" and lights.count("green") == 1


def test_a_frame_that_breaks_the_reader_ends_nothing(campaign: Layout, store: Store, sitting: str) -> None:
    panel = Shown(store)

    def look(frame: Frame) -> Reading:
        if frame.name == "bad":
            raise cv2.error("assertion failed")
        return reading(campaign, complete(campaign))

    counts = Service(Once([blank("bad"), blank("good")]), store, panel, work(campaign, sitting, look)).run()
    assert (counts.counted, counts.rejected) == (1, 1) and "report this" in panel.said[0]


def test_a_screen_that_is_gone_ends_nothing(campaign: Layout, store: Store, sitting: str) -> None:
    class Broken(Shown):
        def show(self, sign: Sign) -> None:
            raise BrokenPipeError

        say = show  # type: ignore[assignment]

    outcome = reading(campaign, complete(campaign))
    service = Service(Once([blank("a")]), store, Broken(store), work(campaign, sitting, lambda frame: outcome))
    assert service.run().counted == 1


def test_a_closed_permanence_is_said_at_once(campaign: Layout, store: Store, sitting: str) -> None:
    store.close_permanence(sitting)
    with pytest.raises(StoreError, match="closed"):
        Service(Once([]), store, Shown(store), work(campaign, sitting)).run()


# --- nothing twice ------------------------------------------------------------------------------------------------


def test_pictures_in_a_folder_count_once_also_after_a_restart_and_under_two_names(
    campaign: Layout, store: Store, sitting: str, tmp_path: Path
) -> None:
    folder = tmp_path / "scans"
    folder.mkdir()
    pictures(folder, campaign, 2)
    (folder / "copy.jpg").write_bytes((folder / "card-000.jpg").read_bytes())
    (folder / "no-card.jpg").write_bytes(cv2.imencode(".jpg", np.zeros((400, 600), np.uint8))[1].tobytes())
    for _ in range(2):
        with open_source(f"folder:{folder}?settle=0.01&once=yes") as source:
            counts = Service(source, store, Shown(store), work(campaign, sitting)).run()
        assert (counts.counted + counts.waiting, counts.rejected) == (2, 1)


def test_a_picture_that_was_rejected_counts_when_it_can_be_read(campaign: Layout, store: Store, sitting: str) -> None:
    refused = Rejection((Reason(Code.UNKNOWN_LAYOUT),))
    Service(Once([blank("a")]), store, Shown(store), work(campaign, sitting, lambda frame: refused)).run()
    seen = reading(campaign, complete(campaign))
    mark = hashlib.sha256(b"a").hexdigest()
    assert store.knows(sitting, mark)
    store.append_reading(sitting, seen, decode(seen, campaign), campaign, picture=mark)
    assert store.permanences()[0].counted == 1


def test_undo_takes_back_the_last_card_not_the_rejection_after_it(campaign: Layout, store: Store, sitting: str) -> None:
    outcomes = iter([reading(campaign, complete(campaign)), Rejection((Reason(Code.BLURRED),))])
    frames = [blank("a"), blank("b")]
    Service(Once(frames), store, Shown(store), work(campaign, sitting, lambda frame: next(outcomes))).run()
    assert undo_last(store, sitting) is not None and store.permanences()[0].void == 1


# --- a camera that is lost ----------------------------------------------------------------------------------------


def test_a_lost_camera_is_red_and_its_return_is_said(campaign: Layout, store: Store, sitting: str) -> None:
    class Loose(Source):
        def __init__(self) -> None:
            super().__init__("loose plug")
            self.step = 0

        def wait(self, timeout_s: float) -> Frame | None:
            self.step += 1
            if self.step == 3:
                self.problem = "loose plug: gives no picture any more; waiting for it"
            if self.step == 6:
                self.problem = None
                self.notice("loose plug: there again")
            self.ended = self.step > 9
            return None if self.problem else Frame("", np.full((80, 80), 20, np.uint8))

    panel = Shown(store)
    Service(Loose(), store, panel, work(campaign, sitting, lambda f: Rejection((Reason(Code.NO_CARD),)))).run()
    lights = [s.light for s in panel.signs]
    assert lights.count("red") == 1 and lights[-1] == "off" and panel.said == ["loose plug: there again"]


# --- panels -------------------------------------------------------------------------------------------------------


def test_a_log_holds_no_answers(
    campaign: Layout, store: Store, sitting: str, capsys: pytest.CaptureFixture[str]
) -> None:
    first = campaign.questions[0]
    outcome = reading(
        campaign, [*complete(campaign), first.positions[1].name], [campaign.questions[2].positions[0].name]
    )
    panel = LogPanel(sys.stdout)
    Service(Once([blank("a")]), store, panel, work(campaign, sitting, lambda frame: outcome)).run()
    said = capsys.readouterr().out
    assert "? amber review a [two_punches, uncertain_position]" in said
    for question in campaign.questions:
        for choice in question.choices:
            assert choice.id not in said and all(text not in said for text in choice.text.values())


def test_a_terminal_shows_sign_word_reasons_and_counts() -> None:
    screen = StringIO()
    panel = TerminalPanel(Console(file=screen, force_terminal=True, width=90))
    panel.show(Sign("amber", "one moment", ("“Bike” or “car”?",), "review", "3 counted", verdict=True))
    panel.show(Sign("off", "Take the card away."))
    panel.close()
    last = screen.getvalue()
    assert all(word in last for word in ("? one moment", "“Bike” or “car”?", "· Take the card away.", "3 counted"))


# --- real processes -----------------------------------------------------------------------------------------------


HANGS_S = 120


def start(*arguments: str, path: Path) -> subprocess.Popen[str]:
    environment = {**os.environ, "PYTHONUNBUFFERED": "1", "OPENBLAS_NUM_THREADS": "1"}
    args = [sys.executable, "-c", COMMAND, "run", *arguments, "--store", str(path)]
    process = subprocess.Popen(args, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment)
    # One that waits for ever fails its own test, by its exit code, and not the whole run.
    watchdog = threading.Timer(HANGS_S, process.kill)
    watchdog.daemon = True
    watchdog.start()
    return process


def verdicts(lines: list[str]) -> list[str]:
    return [
        x for x in lines if x.endswith("\n") and x.split(" ")[0] in ("✔", "?") and ("accepted" in x or "review" in x)
    ]


@pytest.mark.parametrize("seed", range(2))
def test_killed_at_any_moment_what_was_acknowledged_is_kept_and_once(
    campaign: Layout, tmp_path: Path, seed: int
) -> None:
    rng, path, folder = random.Random(seed), tmp_path / "kill.db", tmp_path / "scans"
    folder.mkdir()
    pictures(folder, campaign, 12, first=100 * seed)
    spec, lines = f"folder:{folder}?settle=0.01", list[str]()
    for kill in (True, True, False):
        process = start("--source", spec, "--place", "Café", path=path)
        assert process.stdout is not None
        wanted, fresh, told = rng.randint(1, 4), 0, False
        for line in process.stdout:
            lines.append(line)
            fresh += len(verdicts([line]))
            # A quick machine reads all cards while the first kill is on its way: then no more verdicts come.
            done = cards_in(path) == 12
            if kill and not told and (fresh == wanted or done):
                told = True
                threading.Timer(rng.uniform(0, 0.05), process.kill).start()
            elif not kill and not told and done:
                told = True
                process.send_signal(signal.SIGTERM)
        process.stdout.close()
        process.wait()
        with open_store(path) as store:
            assert check(store) == []
            kept = store.rows("SELECT reading, picture FROM recent")
        assert len({p for _, p in kept}) == len(kept) and len(verdicts(lines)) <= len(kept)
    assert process.returncode == 0 and len(kept) == 12
    names = [line.split(" ")[3] for line in verdicts(lines)]
    assert len(names) == len(set(names)), "a card was shown twice"


def test_sigterm_ends_a_sitting_cleanly_after_the_card_in_hand(tmp_path: Path) -> None:
    path, lines = tmp_path / "term.db", list[str]()
    process = start("--source", SIM.format(cards=500, seed=5), "--place", "Café", path=path)
    assert process.stdout is not None
    for line in process.stdout:
        lines.append(line)
        if line.startswith("…") and len(verdicts(lines)) == 2:
            process.send_signal(signal.SIGTERM)
    process.stdout.close()
    assert process.wait() == 0
    assert lines[-1].startswith("Café: 3 counted"), lines[-3:]
    assert cards_in(path) == len(verdicts(lines)) == 3


def test_a_permanence_is_opened_only_where_a_place_is_named(tmp_path: Path) -> None:
    path = tmp_path / "none.db"
    process = start("--source", SIM.format(cards=1, seed=5), path=path)
    out, _ = process.communicate(timeout=60)
    assert process.returncode == 1 and "no permanence is open" in out
    with open_store(path) as store:
        store.open_permanence("Zenne", date(2024, 12, 5))
    process = start("--source", SIM.format(cards=1, seed=5), "--place", "Café", path=path)
    out, _ = process.communicate(timeout=60)
    assert process.returncode == 0 and "the open permanence: Zenne" in out and "Zenne: 1 counted" in out
