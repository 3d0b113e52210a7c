"""Batches are checked the same in this process and in others, also when one of those is ended."""

from __future__ import annotations

import gzip
import json
import multiprocessing
import os
import random
import signal
from collections.abc import Iterator
from typing import Any

import pytest

from reader.collector.checking import SMALL_BYTES, Checkers, read_batch
from reader.collector.refusal import Refusal
from reader.sync.errors import WireError
from reader.sync.wire import BATCH_BYTES_MAX, WireRecord


@pytest.fixture(scope="module")
def checkers() -> Iterator[Checkers]:
    made = Checkers(processes=2)
    yield made
    made.close()


def body(values: list[object], machine: str = "a" * 12) -> bytes:
    """A request of at least so many bytes that another process checks it: a machine may send what it sent before."""
    size = sum(len(json.dumps(v)) for v in values)
    raw = json.dumps({"machine": machine, "records": values * (1 + 2 * SMALL_BYTES // size)}).encode()
    assert len(raw) > SMALL_BYTES
    return raw


def others() -> set[int]:
    return {p.pid for p in multiprocessing.active_children() if p.pid is not None}


def test_another_process_finds_what_this_one_finds(checkers: Checkers, records: list[WireRecord]) -> None:
    good = [r.to_json() for r in records]
    raw = body([*good, None, {**good[0], "digest": "0" * 64}, {**good[0], "id": "x"}])
    here = read_batch(raw, packed=False)
    assert checkers.read(raw, packed=False) == here
    assert here.machine == "a" * 12 and len(here.sound) % len(good) == 0 and len({r.why for r in here.refused}) == 3
    assert others(), "nothing was checked elsewhere"


def test_an_evening_of_cards_starts_no_process(records: list[WireRecord]) -> None:
    before = others()
    checkers = Checkers(processes=2)
    raw = gzip.compress(json.dumps({"machine": "a" * 12, "records": [r.to_json() for r in records]}).encode())
    assert len(raw) <= SMALL_BYTES
    assert checkers.read(raw, packed=True) == read_batch(raw, packed=True)
    assert others() == before
    checkers.close()


def test_what_is_no_batch_is_refused_in_the_same_words(checkers: Checkers) -> None:
    noise = random.Random(1).randbytes(2 * SMALL_BYTES)
    bomb = gzip.compress(b" " * (200 * BATCH_BYTES_MAX // 10), 9)
    assert len(bomb) > SMALL_BYTES
    cases: list[tuple[bytes, bool]] = [(noise, False), (noise, True), (bomb, True), (b"[" * 2 * SMALL_BYTES, False)]
    for raw, packed in cases:
        here, there = refusal(raw, packed, read_batch), refusal(raw, packed, checkers.read)
        assert here == there
    assert refusal(bomb, True, checkers.read)[1] == 413


def refusal(raw: bytes, packed: bool, read: Any) -> tuple[str, int, str]:
    with pytest.raises((WireError, Refusal)) as caught:
        read(raw, packed)
    error: Any = caught.value
    return str(error), getattr(error, "status", 0), getattr(error, "next_step", "")


def test_a_process_that_is_killed_loses_no_batch(records: list[WireRecord]) -> None:
    before = others()
    checkers = Checkers(processes=2)
    raw = body([r.to_json() for r in records])
    here = read_batch(raw, packed=False)
    assert checkers.read(raw, packed=False) == here
    (mine,) = others() - before
    os.kill(mine, signal.SIGKILL)
    assert checkers.read(raw, packed=False) == here, "while it dies"
    assert checkers.read(raw, packed=False) == here, "afterwards"
    checkers.close()
    assert others() <= before


def test_a_closed_collector_leaves_no_process(records: list[WireRecord]) -> None:
    before = others()
    checkers = Checkers(processes=2)
    checkers.read(body([r.to_json() for r in records]), packed=False)
    assert others() - before
    checkers.close()
    checkers.close()
    assert others() <= before
