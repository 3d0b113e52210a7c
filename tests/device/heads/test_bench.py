"""A head that is only looked at, against one that is played from the hardware's side."""

from __future__ import annotations

import struct
import threading
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from device.heads import bench as benches
from device.heads.bench import HeadBench
from device.heads.line import SerialLine
from device.heads.link import Link
from device.heads.messages import Arm
from device.levels import open_bench
from device.simulator.head import SimulatedHead
from device.source import SourceError, open_source
from tests.device.heads.fake import FakeHead
from tests.device.heads.test_head import QUICK


class Lit(FakeHead):
    """Its levels follow its light: channel k shows duty × (k + 1), and says light from 3000 on. drops: answers lost."""

    duty = 0
    drops = 0
    limits = b""

    def _obey(self, kind: int, seq: int, body: bytes) -> None:
        if kind == 0x03:
            self.duty = struct.unpack("<H", body[:2])[0]
            self.send(0x8F, bytes([seq, 0]))
        elif kind == 0x05:
            self.limits = body
            self.send(0x8F, bytes([seq, 0]))
        elif kind == 0x04:
            if self.drops:
                self.drops -= 1
                return
            shown = [self.duty * (k + 1) for k in range(5)]
            self.send(0x84, struct.pack("<6H", sum(1 << k for k, v in enumerate(shown) if v >= 3000), *shown))
        else:
            super()._obey(kind, seq, body)


@pytest.fixture
def fake(tmp_path: Path) -> Iterator[Lit]:
    with Lit(tmp_path) as head:
        yield head


@pytest.fixture
def bench(fake: Lit) -> Iterator[HeadBench]:
    made = HeadBench(Link("head", partial(SerialLine, str(fake.path), 115200), (Arm(False),), QUICK))
    yield made
    made.close()


def test_it_tells_bar_rows_and_levels_at_any_light(fake: Lit, bench: HeadBench) -> None:
    assert (bench.bar, bench.rows) == ("test-bar", 3)
    for duty in (0, 1000, 600):
        seen = bench.levels(duty)
        assert fake.duty == duty and seen.analogue is not None
        assert (seen.analogue * 65535).round().tolist() == [duty * (k + 1) for k in range(5)]
        assert seen.lit.tolist() == [duty * (k + 1) >= 3000 for k in range(5)]


def test_it_asks_again_when_answers_get_lost(fake: Lit, bench: HeadBench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(benches, "ANSWER_S", 0.05)
    fake.drops = 3
    assert bench.levels(100).lit.shape == (5,)


def test_it_goes_on_after_the_line_was_cut(fake: Lit, bench: HeadBench) -> None:
    assert bench.levels(100).lit.shape == (5,)
    fake.cut()
    assert bench.levels(200).lit.shape == (5,)


def test_a_head_that_does_not_answer_is_named(fake: Lit, bench: HeadBench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(benches, "MEET_S", 0.3)
    fake.mute = True
    with pytest.raises(SourceError, match="check its cable"):
        _ = bench.bar


def test_a_line_must_be_named_and_options_known(fake: Lit) -> None:
    with pytest.raises(SourceError, match="name the head's line"):
        open_bench("head:")
    with pytest.raises(SourceError, match="no option 'duty'"):
        open_bench(f"head:{fake.path}?duty=3")


def test_what_was_learnt_is_told_to_a_head_that_records(fake: Lit) -> None:
    with open_source(f"head:{fake.path}") as source:
        source.tune(460, [(k, 2 * k) for k in range(5)])
        for _ in range(200):
            source.wait(0.02)
            if fake.limits:
                break
    assert fake.duty == 460 and struct.unpack("<10H", fake.limits) == (0, 0, 1, 2, 2, 4, 3, 6, 4, 8)


def test_the_firmware_itself_is_looked_at_in_light_and_in_the_dark(tmp_path: Path) -> None:
    script = tmp_path / "script"
    script.write_text('{"channel": 2, "light": 40000, "dark": 2500}\n', encoding="utf-8")
    with SimulatedHead(tmp_path / "line", script, 6, "six-rows") as head:
        over = threading.Event()
        pump = threading.Thread(target=lambda: [head.pump(0.02) for _ in iter(over.is_set, True)])
        pump.start()
        bench = open_bench(f"head:{head.path}")
        try:
            assert (bench.bar, bench.rows) == ("six-rows", 6)
            lit, unlit = bench.levels(500), bench.levels(0)
        finally:
            bench.close()
            over.set()
            pump.join()
    assert lit.lit.tolist() == [True] * 6 + [False] * 2
    assert unlit.lit.tolist() == [False] * 8
    assert lit.analogue is not None and unlit.analogue is not None
    assert round(lit.analogue[2] * 65535) == 40000 and round(unlit.analogue[2] * 65535) == 2500
