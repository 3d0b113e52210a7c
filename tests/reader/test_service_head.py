"""The machine at work with a sensor head: kept before the head hears of it, and once, whatever is lost in between."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from cards.load import find_layout
from device.head import connect
from device.heads.link import Patience
from device.panel import Sign
from device.simulator.head import transitions
from device.sources.newest import Backoff
from device.sources.sim_bar import Feeding, SimulatedBar
from reader.camera import read_frame
from reader.service import Service, Work
from reader.store import Permanence, Store, StoreFull
from tests.device.heads.fake import FakeHead, card_bytes

QUICK = Patience(hello_s=0.03, silence_s=0.5, answer_s=0.05, again=Backoff(0.02, 0.05))
LAYOUT = find_layout("stadslogistiek-bar")
assert LAYOUT.sensor_bar is not None
ROWS, BAR = len(LAYOUT.sensor_bar.rows_mm), LAYOUT.sensor_bar


@pytest.fixture
def fake(tmp_path: Path) -> Iterator[FakeHead]:
    with FakeHead(tmp_path, rows=ROWS, bar=BAR.id) as head:
        yield head


def fed(count: int) -> list[bytes]:
    """Cards as a head keeps them."""
    source = SimulatedBar(LAYOUT, BAR, Feeding(count, 3, "steady", "steady"))
    found = []
    for _ in range(count):
        sweep = source.wait(0.0)
        assert sweep is not None
        before, pairs = transitions(sweep)
        found.append(card_bytes(pairs, before, pairs[-1][1]))
    return found


class Shown:
    """A panel that remembers."""

    def __init__(self) -> None:
        self.lights: list[str] = []

    def show(self, sign: Sign) -> None:
        self.lights += [sign.light] if sign.verdict else []

    def say(self, text: str) -> None: ...

    def close(self) -> None: ...


def run(fake: FakeHead, store: Store, sitting: str, done: Callable[[Shown], Any]) -> tuple[Permanence, Shown]:
    """Run the machine until something is so, as SIGTERM would end it."""
    stop, shown = threading.Event(), Shown()

    def watch() -> None:
        end = time.monotonic() + 20
        while not done(shown) and time.monotonic() < end:
            time.sleep(0.01)
        stop.set()

    watcher = threading.Thread(target=watch)
    watcher.start()
    with connect(str(fake.path), patience=QUICK) as source:
        work = Work(lambda frame: read_frame(frame, [LAYOUT]), (LAYOUT,), sitting)
        counts = Service(source, store, shown, work, stop, retry_s=0.01).run()
    watcher.join()
    return counts, shown


def test_cards_are_counted_and_the_head_forgets_them(fake: FakeHead, store: Store, sitting: str) -> None:
    cards = [fake.feed(data) for data in fed(4)]
    counts, shown = run(fake, store, sitting, lambda shown: len(fake.acked) == 4)
    assert (counts.counted, counts.rejected, shown.lights) == (4, 0, ["green"] * 4) and fake.acked == cards


def test_a_card_that_was_kept_just_before_the_end_is_not_counted_again(
    fake: FakeHead, store: Store, sitting: str
) -> None:
    """The machine is killed after the commit and before the head hears of it."""
    card = fake.feed(fed(1)[0])
    fake.deaf_to = {0x08}
    counts, _ = run(fake, store, sitting, lambda shown: shown.lights)
    assert counts.counted == 1 and fake.acked == []
    fake.deaf_to = set()
    counts, shown = run(fake, store, sitting, lambda shown: fake.acked)
    assert counts.counted == 1 and fake.acked == [card] and shown.lights == []


def test_a_refused_card_is_forgotten_too_and_refused_once(fake: FakeHead, store: Store, sitting: str) -> None:
    fake.feed(b"\xff" * 30)
    fake.deaf_to = {0x08}
    run(fake, store, sitting, lambda shown: shown.lights)
    fake.deaf_to = set()
    counts, _ = run(fake, store, sitting, lambda shown: fake.acked)
    assert (counts.counted, counts.rejected) == (0, 1)


def test_while_the_disk_is_full_the_head_keeps_the_card(
    fake: FakeHead, store: Store, sitting: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    card, real, tries = fake.feed(fed(1)[0]), Store.append_reading, list[int]()

    def full(self: Store, *args: Any, **more: Any) -> str:
        tries.append(len(fake.acked))
        if len(tries) < 60:
            raise StoreFull("no room left on this disk")
        return real(self, *args, **more)

    monkeypatch.setattr(Store, "append_reading", full)
    counts, _ = run(fake, store, sitting, lambda shown: fake.acked)
    assert counts.counted == 1 and fake.acked == [card] and set(tries) == {0}
