"""The sensor head as a source, against one that is played from the hardware's side: every card once, whatever happens."""

from __future__ import annotations

import random
import select
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from device.head import Head, connect
from device.heads.cards import mark_of
from device.heads.link import Patience
from device.source import SourceError, open_source
from device.sources.newest import Backoff
from device.sweep import Sweep
from tests.device.heads.fake import UID, FakeHead, card_bytes, whole

QUICK = Patience(hello_s=0.03, silence_s=0.4, answer_s=0.05, again=Backoff(0.02, 0.05))
CARD = card_bytes([(1000, 6), (2000, 4), (70_000, 7)])
LONG = card_bytes([(1000 + k, 6 + k % 2) for k in range(300)])


@pytest.fixture
def fake(tmp_path: Path) -> Iterator[FakeHead]:
    with FakeHead(tmp_path) as head:
        yield head


@pytest.fixture
def head(fake: FakeHead) -> Iterator[Head]:
    with connect(str(fake.path), patience=QUICK) as source:
        assert isinstance(source, Head)
        yield source


def until(source: Head, done: Callable[[], object], seconds: float = 10.0) -> list[Sweep]:
    """What comes until something is so."""
    found, end = [], time.monotonic() + seconds
    while not done():
        assert time.monotonic() < end, f"did not happen; problem: {source.problem}, heard {source.link.heard} frames"
        sweep = source.wait(0.01)
        if sweep is not None:
            found.append(sweep)
    return found


def next_card(source: Head, keep: bool = True) -> Sweep:
    found: list[Sweep] = []
    end = time.monotonic() + 10
    while not found:
        assert time.monotonic() < end, source.problem
        sweep = source.wait(0.01)
        if sweep is not None:
            found.append(sweep)
    if keep:
        source.kept(found[0].mark)
    return found[0]


def test_a_card_comes_once_and_is_forgotten_only_when_it_was_kept(fake: FakeHead, head: Head) -> None:
    card = fake.feed(CARD)
    sweep = next_card(head, keep=False)
    assert sweep.mark == mark_of(UID.hex(), card) and sweep.bar == "test-bar" and len(sweep.data) == 3
    until(head, lambda: head.link.heartbeat)
    assert fake.acked == [] and list(fake.cards) == [card]
    head.kept(sweep.mark)
    assert until(head, lambda: fake.acked == [card]) == []


def test_a_card_that_was_given_and_not_kept_comes_again(fake: FakeHead, head: Head) -> None:
    fake.feed(LONG)
    marks = {next_card(head, keep=False).mark for _ in range(3)}
    assert len(marks) == 1 and fake.acked == []


def test_cards_from_before_the_host_was_there_come_all(fake: FakeHead, head: Head) -> None:
    cards = [fake.feed(LONG) for _ in range(9)]
    got = [next_card(head).mark for _ in cards]
    assert got == [mark_of(UID.hex(), c) for c in cards]
    until(head, lambda: fake.acked == cards)


def test_a_new_program_gets_what_the_old_one_did_not_keep(fake: FakeHead) -> None:
    kept, left = fake.feed(CARD), fake.feed(LONG)
    with connect(str(fake.path), patience=QUICK) as first:
        assert next_card(first).mark == mark_of(UID.hex(), kept)
        until(first, lambda: fake.acked)
    with connect(str(fake.path), patience=QUICK) as second:
        assert next_card(second).mark == mark_of(UID.hex(), left)
        until(second, lambda: fake.acked == [kept, left])


def test_a_kept_card_whose_acknowledgement_was_lost_is_acknowledged_again_and_not_given(
    fake: FakeHead, head: Head
) -> None:
    card = fake.feed(LONG)
    sweep = next_card(head, keep=False)
    fake.cut()
    head.kept(sweep.mark)
    assert until(head, lambda: fake.acked == [card]) == []


def test_the_head_is_armed_lit_and_given_credit(fake: FakeHead) -> None:
    with connect(str(fake.path), patience=QUICK, duty=600) as source:
        until(source, lambda: {0x01, 0x02, 0x03, 0x07} <= {p[0] for p in fake.heard})
        said = {p[0]: p[2:] for p in fake.heard}
        assert said[0x02] == b"\x01" and said[0x03] == struct.pack("<H", 600) and said[0x07] == struct.pack("<H", 16)
    time.sleep(0.05)
    assert fake.heard[-1][0] == 0x02 and fake.heard[-1][2:] == b"\x00", "a machine at rest records nothing"


def test_what_was_not_answered_is_asked_again(fake: FakeHead) -> None:
    fake.damage = lambda kind, data: b"" if kind == 0x8F else data
    with connect(str(fake.path), patience=QUICK) as source:
        until(source, lambda: [p[0] for p in fake.heard].count(0x02) >= 3)
        fake.damage = whole
        until(source, lambda: not source.link._unanswered)


def test_a_line_that_is_cut_fifty_times_loses_and_repeats_nothing(fake: FakeHead, head: Head) -> None:
    rng, kept, cards = random.Random(3), list[str](), list[int]()

    def take() -> None:
        sweep = head.wait(0.005)
        if sweep is not None:
            assert sweep.mark not in kept
            if rng.random() < 0.8:
                head.kept(sweep.mark)
                kept.append(sweep.mark)

    for k in range(50):
        cards.append(fake.feed(LONG if k % 3 else CARD))
        for _ in range(rng.randint(0, 6)):
            take()
        fake.cut()
    end = time.monotonic() + 20
    while set(fake.acked) != set(cards) and time.monotonic() < end:
        take()
    assert sorted(kept) == [mark_of(UID.hex(), c) for c in cards] and sorted(fake.acked) == cards


def test_noise_and_half_frames_cost_time_and_no_card(fake: FakeHead, head: Head) -> None:
    rng = random.Random(4)

    def damage(kind: int, data: bytes) -> bytes:
        how = rng.random()
        if how < 0.1:
            return data[: rng.randrange(len(data))]
        if how < 0.2:
            at = rng.randrange(len(data))
            return data[:at] + bytes([data[at] ^ 1 << rng.randrange(8)]) + data[at + 1 :]
        if how < 0.3:
            return data + rng.randbytes(30)
        return data + data if how < 0.4 else data

    fake.damage = damage
    cards = [fake.feed(LONG) for _ in range(8)]
    got = [next_card(head).mark for _ in cards]
    assert sorted(got) == sorted(mark_of(UID.hex(), c) for c in cards)
    assert until(head, lambda: sorted(fake.acked) == cards) == []
    assert head.link.decoder.refused > 0


def test_a_head_that_is_reset_in_the_middle_of_a_card_begins_anew(fake: FakeHead, head: Head) -> None:
    until(head, lambda: head.link.heartbeat)
    parts = iter([True, False])
    fake.damage = lambda kind, data: data if kind != 0x83 or next(parts, False) else b""
    fake.feed(LONG)
    until(head, lambda: head.link.heartbeat and head.link.heartbeat.kept and head._cards._open)
    fake.damage = whole
    fake.restart()
    card = fake.feed(CARD)
    assert next_card(head).mark == mark_of(UID.hex(), card) and card >> 32 == 1001
    assert any("started anew" in n for n in head.notices()) and not head._cards._open


def test_a_head_that_forgot_this_host_is_greeted_again(fake: FakeHead, head: Head) -> None:
    until(head, lambda: head.link.heartbeat)
    before = fake.session
    # Another program spoke to it.
    fake.session = 12345
    until(head, lambda: fake.session not in (before, 12345))
    fake.feed(CARD)
    next_card(head)


def test_a_head_of_another_version_is_named_and_what_to_do(tmp_path: Path) -> None:
    with FakeHead(tmp_path, version=2) as fake, connect(str(fake.path), patience=QUICK) as source:
        until(source, lambda: source.problem)
        assert "version 2" in str(source.problem) and "version 1" in str(source.problem)
        assert "logicienne head flash" in str(source.problem)
        fake.version = 1
        until(source, lambda: source.problem is None and source.link.caps)
        assert any("there again" in n for n in source.notices())


@pytest.mark.parametrize(
    ("says", "told"),
    [
        (b"$GPGGA,123519,4807.038,N,01131.000,E,1,08,0.9,545.4,M,46.9,M,,*47\r\n", "$GPGGA"),
        (b"\r\n>>> ", "firmware; logicienne head flash"),
        (bytes(range(128, 256)), "makes no sense"),
    ],
    ids=["gps", "prompt", "noise"],
)
def test_a_device_that_is_no_head_is_told_apart(tmp_path: Path, says: bytes, told: str) -> None:
    with FakeHead(tmp_path, says=says) as fake, connect(str(fake.path), patience=QUICK) as source:
        until(source, lambda: source.problem)
        assert told in str(source.problem)
        fake.says = b""
        fake.feed(CARD)
        next_card(source)
        assert source.problem is None


def test_a_silent_head_is_told_and_comes_back(fake: FakeHead, head: Head) -> None:
    until(head, lambda: head.link.heartbeat)
    fake.mute = True
    until(head, lambda: head.problem)
    assert "silent" in str(head.problem) or "does not answer" in str(head.problem)
    fake.mute = False
    fake.feed(CARD)
    next_card(head)
    assert head.problem is None


def test_a_line_that_is_not_there_yet_is_waited_for(tmp_path: Path) -> None:
    with connect(str(tmp_path / "line"), patience=QUICK) as source:
        until(source, lambda: source.problem)
        assert "is not there" in str(source.problem)
        with FakeHead(tmp_path) as fake:
            fake.feed(CARD)
            next_card(source)


def test_a_service_that_was_away_for_long_does_not_think_the_head_silent(fake: FakeHead, head: Head) -> None:
    until(head, lambda: head.link.heartbeat)
    session = fake.session
    fake.mute = True
    time.sleep(2 * QUICK.silence_s)
    assert head.wait(0.0) is None and head.problem is None
    fake.mute = False
    fake.feed(CARD)
    next_card(head)
    assert fake.session == session


def test_what_the_head_says_is_wrong_is_a_problem_until_it_is_not(fake: FakeHead, head: Head) -> None:
    fake.flags = 8
    until(head, lambda: head.problem)
    assert "takes no more" in str(head.problem)
    fake.flags = 4
    fake.send(0x85, b"\0" + struct.pack("<HH10H", 0b101, 0b00100, *range(10)))
    until(head, lambda: "self-test" in str(head.problem) and "sensor" in str(head.problem))
    assert "no light at sensor 2 and light at sensor 3" in str(head.problem)
    fake.flags = 0
    fake.overflows = 3
    until(head, lambda: head.problem is None)
    assert any("3 cards went past" in n for n in head.notices())


def test_a_card_of_nonsense_is_given_so_that_it_is_refused_once(fake: FakeHead, head: Head) -> None:
    fake.feed(b"\xff" * 40)
    assert next_card(head).lost > 0
    until(head, lambda: fake.acked)


def test_repeated_and_missing_frames_are_told_apart(fake: FakeHead, head: Head) -> None:
    until(head, lambda: head.link.heartbeat)
    fake.damage = lambda kind, data: data + data
    head.link.missed = 0
    first = head.link.heard
    until(head, lambda: head.link.heard > first + 6)
    assert head.link.missed == 0
    fake._seq += 5
    until(head, lambda: head.link.missed)
    assert head.link.missed == 5


def test_over_a_socket_too(fake: FakeHead) -> None:
    """A head behind a serial-to-network adapter."""
    server = socket.create_server(("127.0.0.1", 0))
    stop = threading.Event()

    def relay() -> None:
        line, _ = server.accept()
        with line, fake.path.open("r+b", buffering=0) as tty:
            line.settimeout(0.01)
            while not stop.is_set():
                ready, _, _ = select.select([line, tty], [], [], 0.02)
                if line in ready:
                    data = line.recv(4096)
                    if not data:
                        return
                    tty.write(data)
                if tty in ready:
                    line.sendall(tty.read(4096))

    thread = threading.Thread(target=relay, daemon=True)
    thread.start()
    card = fake.feed(LONG)
    with connect(f"socket://127.0.0.1:{server.getsockname()[1]}", patience=QUICK) as source:
        assert next_card(source).mark == mark_of(UID.hex(), card)
        until(source, lambda: fake.acked == [card])
    stop.set()
    thread.join(5)
    server.close()


def test_a_source_is_named_by_its_line_and_takes_no_other_option(tmp_path: Path) -> None:
    with open_source(f"head:{tmp_path}/none?duty=500&baud=9600") as source:
        assert source.sweeps and source.wait(0.0) is None and source.problem
    with pytest.raises(SourceError, match="name the head's line"):
        open_source("head:")
    with pytest.raises(SourceError, match="dutty"):
        open_source("head:/dev/null?dutty=5")
