"""Cards that are fed past sensors: kept before shown, told to their source only then, nothing lost, nothing twice."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from calibration.bench import names
from calibration.sensor_profile import Sensor, SensorProfile
from cards.layout import Layout
from cards.load import find_layout
from device.simulator.motion import Path as Way
from device.simulator.motion import through
from device.simulator.people import answer
from device.source import Source, SourceError, open_source
from device.sweep import Sweep
from reader.service import Service, Work
from reader.store import Store, StoreFull
from tests.reader.sweep.builders import EVEN, bar_for, swept
from tests.reader.test_service import Shown, cards_in
from tests.same_cards.ways import recorded

CARD = find_layout("stadslogistiek-bar")
SIM = "sim-bar:?cards={cards}&seed=7&hand=steady&feed=steady"


class Bar(Source):
    """Hands its sweeps over, in order, and then again each one that it was not told is kept; then ends."""

    sweeps = True

    def __init__(self, sweeps: list[Sweep], store: Store, again: int = 1) -> None:
        super().__init__("test bar")
        self.given, self.told = list[str](), list[tuple[str, int, int]]()
        self._held = {s.mark: s for s in sweeps}
        self._store, self._turns = store, [list(sweeps)] + [[]] * again

    def wait(self, timeout_s: float) -> Sweep | None:
        while self._turns and not self._turns[0]:
            self._turns.pop(0)
            if self._turns:
                self._turns[0] = list(self._held.values())
        if not self._turns:
            self.ended = True
            return None
        sweep = self._turns[0].pop(0)
        self.given.append(sweep.mark)
        return sweep

    def kept(self, mark: str) -> None:
        self.told.append((mark, cards_in(self._store.path), self._rejections()))
        self._held.pop(mark, None)

    def _rejections(self) -> int:
        return int(self._store.rows("SELECT count(*) FROM rejections")[0][0])


class Deaf(Bar):
    """One that never hears that anything is kept: every time its line is cut just before."""

    def kept(self, mark: str) -> None:
        self.told.append((mark, 0, 0))


def work(sitting: str, *layouts: Layout) -> Work:
    return Work(lambda frame: pytest.fail("a frame was looked at"), layouts or (CARD,), sitting)


def marked(seed: int, **more: Any) -> Sweep:
    return replace(swept(CARD, seed, **more)[0], mark=f"card {seed}")


def test_a_source_hears_that_a_card_is_kept_only_when_it_is_on_disk(store: Store, sitting: str) -> None:
    refused = marked(2, bar=bar_for(CARD, clock_stuck=(True, None)))
    bar, panel = Bar([marked(1), refused, marked(3)], store), Shown(store)
    counts = Service(bar, store, panel, work(sitting)).run()
    assert (counts.counted + counts.waiting, counts.rejected) == (2, 1)
    assert bar.told == [("card 1", 1, 0), ("card 2", 1, 1), ("card 3", 2, 1)]
    assert panel.lights() == ["green", "red", "green"]
    kept = [k for k, s in zip(panel.kept, panel.signs, strict=True) if s.verdict]
    assert kept == [1, 1, 2], "shown before it was kept"


def test_what_is_stored_is_what_was_punched(store: Store, sitting: str) -> None:
    sweep, wanted = swept(CARD, 5)
    Service(Bar([sweep], store), store, Shown(store), work(sitting)).run()
    stored = {f"{q}.{v}" for q, v in store.rows("SELECT question, value FROM answers WHERE state = 'answered'")}
    assert stored == wanted
    assert store.rows("SELECT count(*) FROM evidence") == [(0,)]


def test_a_card_that_comes_again_is_neither_read_nor_counted_again_but_its_source_hears_of_it(
    store: Store, sitting: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    refused = marked(2, bar=bar_for(CARD, clock_stuck=(True, None)))
    for _ in range(3):
        bar, panel = Deaf([marked(1), refused], store, again=2), Shown(store)
        counts = Service(bar, store, panel, work(sitting)).run()
        assert (counts.counted, counts.rejected) == (1, 1)
        assert len(bar.given) == len(bar.told) == 6
        monkeypatch.setattr("reader.service.sweeps.read_sweep", lambda *_: pytest.fail("read again"))
    assert panel.lights() == []


def test_two_passes_without_marks_are_two_cards(store: Store, sitting: str) -> None:
    sweep = replace(marked(1), mark="")
    bar = Bar([sweep], store, again=0)
    bar._turns = [[sweep, sweep]]
    assert Service(bar, store, Shown(store), work(sitting)).run().counted == 2


def test_a_full_disk_keeps_the_card_at_its_source_until_there_is_room(
    store: Store, sitting: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    failures, real = iter([True, True, False]), Store.append_reading

    def append(self: Store, *args: Any, **more: Any) -> str:
        done = real(self, *args, **more)
        if next(failures, False):
            raise StoreFull("no room left on this disk")
        return done

    monkeypatch.setattr(Store, "append_reading", append)
    bar, panel = Bar([marked(1)], store), Shown(store)
    assert Service(bar, store, panel, work(sitting), retry_s=0.01).run().counted == 1
    assert [s.light for s in panel.signs if s.light in ("red", "green")] == ["red", "red", "green"]
    assert bar.told == [("card 1", 1, 0)] and bar.given == ["card 1"]


def test_stopped_while_the_disk_is_full_the_source_keeps_the_card_and_the_next_run_reads_it(
    store: Store, sitting: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    bar = Bar([marked(1)], store, again=1)
    service = Service(bar, store, Shown(store), work(sitting), retry_s=30)

    def append(*args: Any, **more: Any) -> str:
        service.stop.set()
        raise StoreFull("no room left on this disk")

    with monkeypatch.context() as patched:
        patched.setattr(Store, "append_reading", append)
        assert service.run().counted == 0 and bar.told == []
    assert Service(bar, store, Shown(store), work(sitting)).run().counted == 1
    assert bar.given == ["card 1", "card 1"] and bar.told == [("card 1", 1, 0)]


def test_a_bar_that_no_card_in_use_is_made_for_is_said(campaign: Layout, store: Store, sitting: str) -> None:
    bar, panel = Bar([marked(1)], store), Shown(store)
    counts = Service(bar, store, panel, work(sitting, campaign)).run()
    assert counts.rejected == 1 and bar.told == [("card 1", 0, 1)]
    assert "no card in use is made for the bar" in panel.said[0] and "--layout" in panel.said[0]


def test_a_card_that_breaks_the_reader_ends_nothing(
    store: Store, sitting: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any) -> None:
        raise ZeroDivisionError("a fault")

    with monkeypatch.context() as patched:
        patched.setattr("reader.service.sweeps.read_sweep", broken)
        panel = Shown(store)
        assert Service(Bar([marked(1)], store), store, panel, work(sitting)).run().rejected == 1
    assert "please report this" in panel.said[0]
    assert Service(Bar([marked(2)], store), store, panel, work(sitting)).run().counted == 1


def test_a_bar_asks_for_a_card_says_when_it_is_silent_and_asks_again_after_a_verdict(
    store: Store, sitting: str
) -> None:
    class Loose(Bar):
        step = 0

        def wait(self, timeout_s: float) -> Sweep | None:
            self.step += 1
            self.problem = "the head does not answer; waiting for it" if self.step in (2, 3) else None
            self.ended = self.step > 6
            return marked(1) if self.step == 5 else None

        def now_s(self) -> float:
            return float(10 * self.step)

    panel = Shown(store)
    Service(Loose([], store), store, panel, work(sitting)).run()
    assert [s.word for s in panel.signs] == [
        "Feed a card.", "The sensors do not answer.", "Feed a card.", "accepted: thank you", "Feed a card.",
    ]  # fmt: skip


def test_a_bar_s_profile_is_named_in_what_is_kept_and_another_bar_s_refuses_the_card(
    store: Store, sitting: str
) -> None:
    sensors = tuple(Sensor(name) for name in names(6))
    profile = SensorProfile("belga", "2024-12-05T10:00:00+00:00", "1", "test", "six-rows", 450, sensors)
    Service(Bar([marked(1)], store), store, Shown(store), replace(work(sitting), sensors=profile)).run()
    (body,) = store.rows("SELECT body FROM records WHERE kind = 'reading'")[0]
    assert profile.label in str(body)
    other = replace(work(sitting), sensors=replace(profile, bar="eight-rows"))
    panel = Shown(store)
    assert Service(Bar([marked(2)], store), store, panel, other).run().rejected == 1
    assert "eight-rows" in panel.signs[-1].lines[0]


def test_a_card_that_is_held_in_at_the_mouth_is_no_card_yet(store: Store, sitting: str) -> None:
    """A head waits for quiet: a hand that rests while the first clock sensor sees a bar splits the card in two."""
    rng = np.random.default_rng(1)
    wanted = answer(CARD, rng)
    peeks = 0
    for cards, rest_mm in enumerate(np.linspace(-12, -1, 12), 1):
        way = through(CARD.width_mm, EVEN, rng)
        k = int(np.searchsorted(way.u_mm, rest_mm))
        waits = Way(np.concatenate([way.t_s[:k], way.t_s[k:] + 0.8]), way.u_mm)
        parts = recorded(swept(CARD, 1, wanted=wanted, path=waits)[0])
        peeks += len(parts) > 1
        bar = Bar([replace(part, mark=f"{rest_mm} {n}") for n, part in enumerate(parts)], store)
        counts = Service(bar, store, Shown(store), work(sitting)).run()
        assert (counts.counted, counts.rejected) == (cards, 0)
        assert len(bar.told) == len(parts)
    assert peeks >= 3, "no card was split"


# --- the simulated bar ------------------------------------------------------------------------------------------------


def test_a_simulated_sitting_is_kept_and_opened_again_adds_nothing(store: Store, sitting: str) -> None:
    for _ in range(2):
        with open_source(SIM.format(cards=4)) as source:
            counts = Service(source, store, Shown(store), work(sitting)).run()
        assert (counts.counted, counts.waiting, counts.rejected) == (4, 0, 0)
        assert source.unkept == set()  # type: ignore[attr-defined]


def test_a_simulated_hand_that_is_careless_is_never_read_wrongly(store: Store, sitting: str) -> None:
    with open_source("sim-bar:?cards=25&seed=3&hand=steady&feed=careless") as source:
        counts = Service(source, store, Shown(store), work(sitting)).run()
        meant = source.meant  # type: ignore[attr-defined]
    assert counts.counted >= 10 and counts.rejected >= 2
    assert counts.counted + counts.waiting + counts.rejected == 25
    read: dict[str, set[str]] = {}
    rows = store.rows("SELECT reading, question, value FROM answers WHERE state = 'answered'")
    for reading, question, value in rows:
        read.setdefault(reading, set()).add(f"{question}.{value}")
    assert counts.waiting == 0 and all(found in meant for found in read.values())


def test_the_same_simulated_card_comes_whatever_came_before() -> None:
    with open_source(SIM.format(cards=3)) as one, open_source(SIM.format(cards=3)) as two:
        first, second = ([s for s in source if isinstance(s, Sweep)] for source in (one, two))
    assert [s.mark for s in first] == [s.mark for s in second] and len({s.mark for s in first}) == 3
    for a, b in zip(first, second, strict=True):
        assert all((x.ticks_s == y.ticks_s).all() for x, y in zip(a.data, b.data, strict=True))


@pytest.mark.parametrize(
    ("spec", "told"),
    [
        ("sim-bar:stadslogistiek", "names no sensor_bar"),
        ("sim-bar:nothing", "nothing"),
        ("sim-bar:?feed=wild", "choose from steady, usual, careless"),
        ("sim-bar:?seed=-1", "between 0"),
        ("sim-bar:?lies=2", "no option 'lies'"),
    ],
)
def test_a_bar_that_cannot_be_simulated_says_why(spec: str, told: str) -> None:
    with pytest.raises(SourceError, match=told):
        open_source(spec)


def run(*arguments: str, folder: Path) -> subprocess.CompletedProcess[str]:
    code = "from reader.cli import main; main()"
    environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1"}
    return subprocess.run(
        [sys.executable, "-c", code, "run", *arguments], cwd=folder, env=environment, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=120, check=False,
    )  # fmt: skip


def test_the_command_reads_a_simulated_bar_and_refuses_cards_that_it_cannot_read(tmp_path: Path) -> None:
    (tmp_path / "logicienne.toml").write_text('language = "nl"\n', encoding="utf-8")
    done = run("--source", SIM.format(cards=2), folder=tmp_path)
    assert done.returncode == 0 and "Voer een kaart in." in done.stdout and "2 geteld" in done.stdout
    refused = run("--source", SIM.format(cards=2), "--layout", "stadslogistiek", folder=tmp_path)
    assert refused.returncode == 1 and "no sensors can read stadslogistiek@1" in refused.stdout
