"""The whole firmware as a child under both Pythons, on pipes, a terminal and a FIFO, with as much memory as a Pico has."""

from __future__ import annotations

import json
import os
import pty
import struct
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from device.firmware import messages as m
from device.firmware.frames import Decoder, encode
from tests.device.firmware.pythons import FIRMWARE, command
from tests.device.firmware.rig import CLOCKS, DATA, entries

EMPTY = DATA


@pytest.fixture(params=["python", "micropython"])
def python(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def card(seed: int, changes: int = 120) -> list[object]:
    """Script lines: a card, then the wait until it is with the host."""
    lines: list[object] = [[30_000, EMPTY & ~1], [1_000, 0]]
    lines += [[1_000 + 250 * ((seed * k) % 23), CLOCKS * (k & 1) | (seed + k) % 63] for k in range(changes)]
    return [*lines, [5_000, EMPTY], "wait"]


def text(lines: list[object]) -> str:
    return "".join(json.dumps(line) + "\n" for line in lines)


class Host:
    """A host without patience: it acknowledges every whole card at once, unless told not to."""

    def __init__(self, script: Path, python: str, *words: str) -> None:
        args = [*command(python), str(FIRMWARE / "run_unix.py"), "--script", str(script), *words]
        self.child = subprocess.Popen(args, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0)
        assert self.child.stdin and self.child.stdout
        self.into, self.out = self.child.stdin.fileno(), self.child.stdout.fileno()
        self.decoder = Decoder()
        self.seq = 0
        self.session = 1
        self.boots: list[int] = []
        self.cards: dict[int, bytes] = {}
        self.beats: list[tuple[int, ...]] = []
        self._parts: dict[int, dict[int, bytes]] = {}

    def say(self, kind: int, body: bytes = b"") -> None:
        os.write(self.into, encode(bytes((kind, self.seq)) + body))
        self.seq = (self.seq + 1) & 255

    def greet(self) -> None:
        self.session += 1
        self.say(m.HELLO, struct.pack(m.HELLO_FORMAT, m.VERSION, self.session))
        self.say(m.ARM, b"\1")
        self.say(m.CREDIT, struct.pack("<H", m.CREDIT_FRAMES))

    def until(self, done: Callable[[], bool]) -> None:
        """Listens and answers."""
        while not done():
            data = os.read(self.out, 4096)
            assert data, f"the firmware ended: {self.child.wait()}"
            for payload in self.decoder.feed(data):
                self.hear(payload)

    def hear(self, payload: bytes) -> None:
        if payload[0] == m.CAPS:
            boot = struct.unpack_from(m.CAPS_FORMAT, payload, 2)[2]
            if boot not in self.boots:
                self.boots.append(boot)
                self.greet()
        elif payload[0] == m.HEARTBEAT:
            self.beats.append(struct.unpack_from(m.HEARTBEAT_FORMAT, payload, 2))
            self.say(m.CREDIT, struct.pack("<H", self.beats[-1][3] + m.CREDIT_FRAMES & 65535))
        elif payload[0] == m.CARD:
            self.part(payload)

    def part(self, payload: bytes) -> None:
        name, sent, part, parts, _length, _crc = struct.unpack_from(m.CARD_FORMAT, payload, 2)
        self.say(m.CREDIT, struct.pack("<H", sent + m.CREDIT_FRAMES & 65535))
        held = self._parts.setdefault(name, {})
        held[part] = payload[20:]
        if len(held) == parts:
            self.cards[name] = b"".join(held[k] for k in range(parts))
            self.say(m.CARD_ACK, struct.pack("<Q", name))

    def close(self) -> int:
        """Closes the line; the child's exit code."""
        assert self.child.stdin
        self.child.stdin.close()
        self.child.stdin = None
        self.child.communicate(timeout=20)
        return self.child.returncode

    def kill(self) -> None:
        self.child.kill()
        self.child.wait()
        for line in (self.child.stdin, self.child.stdout):
            if line is not None:
                line.close()


@pytest.fixture
def hosted(tmp_path: Path, python: str) -> Iterator[Callable[..., Host]]:
    hosts: list[Host] = []

    def start(lines: list[object], *words: str) -> Host:
        script = tmp_path / "script.jsonl"
        script.write_text(text(lines), encoding="utf-8")
        hosts.append(Host(script, python, "--fast", *words))
        return hosts[-1]

    yield start
    for host in hosts:
        host.kill()


def test_many_cards_come_once_each_as_they_were_scripted(hosted: Callable[..., Host]) -> None:
    script: list[object] = ["wait"]
    for seed in range(40):
        script += card(seed)
    host = hosted(script, "--uid", "e66058388319002f", "--rows", "6")
    host.until(lambda: len(host.cards) == 40)
    host.say(m.STATS)
    count = len(host.beats)
    host.until(lambda: len(host.beats) > count)
    assert host.decoder.refused == 0 and len(host.boots) == 1
    for seed, (name, blob) in enumerate(sorted(host.cards.items())):
        assert name & 0xFFFFFFFF == seed + 1
        before, lost, found, after = entries(blob)
        assert (before, lost, after) == (EMPTY, 0, EMPTY)
        assert [level for _, level in found] == distinct([line[1] for line in card(seed)[:-1]])  # type: ignore[index]
    assert host.close() == 0


def distinct(levels: list[int]) -> list[int]:
    return [level for k, level in enumerate(levels) if k == 0 or level != levels[k - 1]]


def test_a_reset_amid_a_card_loses_that_card_and_no_other(hosted: Callable[..., Host]) -> None:
    host = hosted(["wait", *card(3), *card(4)[:50], "reset", [10_000, EMPTY], "wait", *card(5)])
    host.until(lambda: len(host.cards) == 2)
    assert len(host.boots) == 2
    assert [name >> 32 for name in host.cards] == host.boots
    assert host.close() == 0


def test_a_reset_before_the_acknowledgement_loses_the_card_the_host_did_not_have(hosted: Callable[..., Host]) -> None:
    host = hosted(["wait", *card(3)[:-1], [210_000, EMPTY], "reset", "wait", *card(5)])
    host.until(lambda: any(name >> 32 == host.boots[-1] for name in host.cards) and len(host.boots) == 2)
    host.say(m.STATS)
    count = len(host.beats)
    host.until(lambda: len(host.beats) > count)
    assert host.beats[-1][14] == 1


def test_scripted_faults_show(hosted: Callable[..., Host]) -> None:
    miss = card(3)
    miss.insert(40, {"miss": 7})
    host = hosted(["wait", *miss, {"channel": 2, "stuck": 1}, *card(4)])
    host.until(lambda: any(beat[5] & m.SELFTEST_FAILED for beat in host.beats))
    assert entries(host.cards[host.boots[0] << 32 | 1])[1] == 7
    assert host.beats[-1][12] == 7


def test_a_script_that_is_written_while_it_plays(tmp_path: Path, python: str) -> None:
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    writer: list[int] = []
    opener = threading.Thread(target=lambda: writer.append(os.open(fifo, os.O_WRONLY)))
    opener.start()
    host = Host(fifo, python, "--fast")
    opener.join()
    os.write(writer[0], text(["wait", *card(1)]).encode())
    host.until(lambda: len(host.cards) == 1)
    os.write(writer[0], text(card(2)).encode())
    host.until(lambda: len(host.cards) == 2)
    os.close(writer[0])
    assert host.close() == 0


def test_a_terminal_carries_every_byte(tmp_path: Path, python: str) -> None:
    script = tmp_path / "script.jsonl"
    script.write_text(text(["wait", *card(1)]), encoding="utf-8")
    ours, theirs = pty.openpty()
    host = Host(script, python, "--fast", "--line", os.ttyname(theirs))
    host.into, host.out = ours, os.dup(ours)
    host.until(lambda: len(host.cards) == 1)
    assert host.decoder.refused == 0
    host.kill()
    for fd in (ours, theirs, host.out):
        os.close(fd)


def test_real_time_takes_as_long_as_it_says(tmp_path: Path, python: str) -> None:
    script = tmp_path / "script.jsonl"
    script.write_text(text(["wait", [50_000, 0], [50_000, EMPTY]]), encoding="utf-8")
    host = Host(script, python)
    host.until(lambda: len(host.cards) == 1)
    assert entries(next(iter(host.cards.values())))[2] == [(250, 0), (50_000, EMPTY)]
    assert host.close() == 0


@pytest.mark.parametrize(
    "line", ["[1]", "[-1, 2]", "what", '{"sensor": 1}', '"hold"', "[1, 2, 3]", '{"channel": 8, "stuck": 1}', "[1.5, 2]"]
)
def test_a_line_that_means_nothing_ends_it(tmp_path: Path, python: str, line: str) -> None:
    script = tmp_path / "script.jsonl"
    script.write_text(line + "\n", encoding="utf-8")
    args = [*command(python), str(FIRMWARE / "run_unix.py"), "--script", str(script)]
    quiet, kept_open = os.pipe()
    done = subprocess.run(args, stdin=quiet, capture_output=True, timeout=20, check=False)
    os.close(quiet)
    os.close(kept_open)
    assert done.returncode == 2 and (b"line 1" in done.stderr or b"channel 8" in done.stderr)


@pytest.mark.parametrize("words", [[], ["--script"], ["--script", "/nowhere/x"], ["--what"], ["--uid", "00"]])
def test_options_that_make_no_sense_are_refused(python: str, words: list[str]) -> None:
    args = [*command(python), str(FIRMWARE / "run_unix.py"), *words]
    done = subprocess.run(args, stdin=subprocess.DEVNULL, capture_output=True, timeout=20, check=False)
    assert done.returncode == 2 and b"usage" in done.stderr
