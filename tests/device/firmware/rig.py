"""The firmware's core with everything around it in the test's hand; runs on CPython and on MicroPython."""

import binascii
import struct
from array import array

from device.firmware import messages as m
from device.firmware.board import TICKS_PERIOD, Board
from device.firmware.core import RATE_HZ, Head
from device.firmware.frames import Decoder, encode

PERIOD_US = 1_000_000 // RATE_HZ
DATA = 0x3F
CLOCKS = 0xC0
BOOT = 0xB0070001


def bytes_like_noise(count: int, seed: int) -> bytes:
    """The same on both Pythons; every fourth or so is a zero."""
    made = bytearray()
    for _ in range(count):
        seed = (seed * 1103515245 + 12345) & 0x7FFFFFFF
        made.append((seed >> 16) & 255 if seed >> 28 & 3 else 0)
    return bytes(made)


# Frames


class Restarted(Exception):
    """What `reset` raises here; args[0]: whether the prompt was asked for."""


class DeskBoard(Board):
    """Six rows. shown: what the sensors see with the light on. stuck: channel -> level. deaf: frames are cut short."""

    rows = 6
    bar = "desk"
    uid = bytes(range(8))

    def __init__(self) -> None:
        self.shown = DATA
        self.stuck = {}
        self.analogue = [(52000, 3000)] * 8
        self.duty = None
        self.frames = bytearray()
        self.deaf = False
        self.now_us = TICKS_PERIOD - 700_000  # the clock soon begins anew
        self.missed = 0
        self.boot = BOOT
        self.looked_away = 0

    def ticks_us(self) -> int:
        return self.now_us % TICKS_PERIOD

    def start(self, rate_hz: int) -> None:
        assert 1_000_000 % rate_hz == 0

    def read_rows_into(self, rows: "memoryview[int]") -> int:
        raise AssertionError("the rig hands the rows over itself")

    def skip_rows(self) -> None:
        self.looked_away += 1

    def led(self, duty: int) -> None:
        self.duty = duty

    def levels(self, analogue: "memoryview[int]") -> int:
        digital = self.shown if self.duty else self.shown & ~DATA
        for k, level in self.stuck.items():
            digital = digital | 1 << k if level else digital & ~(1 << k)
        for k in range(8):
            analogue[k] = self.analogue[k][0 if digital >> k & 1 else 1]
        return digital

    def random(self) -> int:
        return self.boot

    def read(self) -> bytes:
        return b""

    def write(self, frame: bytes) -> bool:
        if self.deaf:
            self.frames += frame[: len(frame) // 2]
            return False
        self.frames += frame
        return True

    def rest(self, busy: bool, settled: bool) -> None:
        pass

    def reset(self, prompt: bool) -> None:
        raise Restarted(prompt)


class Rig:
    """A head on a desk. alone: no host speaks but by `say`. heard: payloads that came from it and were not taken yet."""

    def __init__(self, block: int = 64) -> None:
        self.board = DeskBoard()
        self.head = Head(self.board)
        self.block = block
        self.rows = memoryview(array("H", [0] * 512))
        self.decoder = Decoder()
        self.heard = []
        self.seq = 0
        self.cards = {}
        self.alone = False
        self._said_us = self.board.now_us
        self.head.start()
        self._listen()

    def say(self, kind: int, body: bytes = b"", seq: "int | None" = None) -> None:
        """One frame to the head, and what it answers at once; no time passes."""
        if seq is None:
            seq = self.seq
        self.seq = (seq + 1) & 255
        self.noise(encode(bytes((kind, seq)) + body))

    def noise(self, data: bytes) -> None:
        """Bytes to the head, whatever they are."""
        self._step(data, 0)

    def feed(self, runs: "list[tuple[int, int]]") -> None:
        """runs: (samples, levels) pairs that the bar shows one after the other."""
        for samples, levels in runs:
            self.board.shown = levels
            while samples:
                count = min(samples, self.block)
                for k in range(count):
                    self.rows[k] = levels
                self.board.now_us += count * PERIOD_US
                self._be_there()
                self._step(b"", count)
                samples -= count

    def _be_there(self) -> None:
        """A host says something every second: here a credit that is stale, so that it changes nothing else."""
        if not self.alone and self.board.now_us - self._said_us >= 1_000_000:
            self._said_us = self.board.now_us
            self.say(m.CREDIT, struct.pack("<H", self.head.sent - 1 & 65535))

    def wait(self, ms: int) -> None:
        """The bar stays as it is."""
        self.feed([(ms * 1000 // PERIOD_US, self.board.shown)])

    def ready(self, credit: bool = True) -> None:
        """A host has said HELLO, armed the head and given credit; what was said until now is forgotten."""
        self.hello()
        self.say(m.ARM, b"\x01")
        self.wait(250)
        if credit:
            self.credit(m.CREDIT_FRAMES)
        self.heard = []

    def hello(self, session: int = 7, version: int = m.VERSION) -> None:
        self.say(m.HELLO, struct.pack(m.HELLO_FORMAT, version, session))

    def credit(self, upto: int) -> None:
        self.say(m.CREDIT, struct.pack("<H", upto & 65535))

    def ack(self, card: int) -> None:
        self.say(m.CARD_ACK, struct.pack("<Q", card))

    def card(self, changes: int = 12) -> None:
        """A short card goes by, and its 200 ms of quiet."""
        self.feed([(40, DATA), (4, DATA & ~1), (80, 0)])
        for k in range(changes):
            self.feed([(10 + k % 7, CLOCKS | k % 3)])
        self.feed([(60, 0), (3, 1), (820, DATA)])

    def take(self, kind: int) -> "list[bytes]":
        """The bodies of all payloads of this type, which are then no longer `heard`."""
        bodies = [p[2:] for p in self.heard if p[0] == kind]
        self.heard = [p for p in self.heard if p[0] != kind]
        return bodies

    def status(self) -> "list[int]":
        """The statuses of the ACKs since the last call."""
        return [body[1] for body in self.take(m.ACK)]

    def beat(self) -> "Beat":
        """A heartbeat, asked for."""
        self.take(m.HEARTBEAT)
        self.say(m.STATS)
        return Beat(self.take(m.HEARTBEAT)[-1])

    def parts(self) -> "list[tuple[int, int, int, int, int, int, bytes]]":
        """(card, sent, part, parts, length, crc, bytes) of every CARD since the last call."""
        return [struct.unpack_from(m.CARD_FORMAT, b) + (b[18:],) for b in self.take(m.CARD)]

    def whole(self) -> "dict[int, bytes]":
        """Card id -> bytes, of all cards that came whole since the last call; checks what is said of them."""
        held = {}
        for card, _sent, part, parts, length, crc, data in self.parts():
            held.setdefault(card, {})[part] = (data, parts, length, crc)
        cards = {}
        for card, got in held.items():
            _, parts, length, crc = got[max(got)]
            if len(got) == parts:
                blob = b"".join([got[k][0] for k in range(parts)])
                assert len(blob) == length and binascii.crc32(blob) == crc
                cards[card] = blob
        return cards

    def _step(self, data: bytes, count: int) -> None:
        busy = self.head.step(self.board.ticks_us(), data, self.rows, count)
        self.board.missed = 0
        self._listen()
        while busy:
            busy = self.head.step(self.board.ticks_us(), b"", self.rows, 0)
            self._listen()

    def _listen(self) -> None:
        self.heard += self.decoder.feed(bytes(self.board.frames))
        self.board.frames = bytearray()


class Beat:
    """A heartbeat's body by name."""

    def __init__(self, body: bytes) -> None:
        (self.boot, self.session, self.uptime_ms, self.sent, self.kept, self.flags, self.levels) = struct.unpack_from(
            "<IIIHBBH", body
        )
        (
            self.cards,
            self.overflows,
            self.refused,
            self.lost_frames,
            self.write_drops,
            self.missed,
            self.selftest_failures,
            self.resets,
        ) = struct.unpack_from("<8I", body, 18)
        assert len(body) == 50


def entries(blob: bytes) -> "tuple[int, int, list[tuple[int, int]], int]":
    """(before, lost, [(dt_us, levels), ...], after) of a card's bytes."""
    before, lost = struct.unpack_from("<HH", blob)
    at = 4
    found = []
    while at < len(blob) - 2:
        dt = shift = 0
        while True:
            dt |= (blob[at] & 127) << shift
            shift += 7
            at += 1
            if blob[at - 1] < 128:
                break
        found.append((dt, blob[at] | blob[at + 1] << 8))
        at += 2
    assert at == len(blob) - 2
    return before, lost, found, struct.unpack_from("<H", blob, at)[0]
