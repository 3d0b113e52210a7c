"""A head played from the hardware's side: on a pty, in a thread, written from docs/protocol.md alone, and as unruly as asked.

It shares no code with the host's side on purpose.
"""

from __future__ import annotations

import binascii
import contextlib
import os
import select
import struct
import threading
import time
import tty
from collections.abc import Callable
from pathlib import Path

UID = bytes(range(8))


def cobs(data: bytes) -> bytes:
    return b"".join(bytes([len(run) + 1]) + run for run in data.split(b"\0"))


def uncobs(block: bytes) -> bytes:
    out, at = b"", 0
    while at < len(block):
        out += block[at + 1 : at + block[at]] + b"\0"
        at += block[at]
    return out[:-1]


def frame(payload: bytes) -> bytes:
    return b"\0" + cobs(payload + struct.pack("<I", binascii.crc32(payload))) + b"\0"


def card_bytes(entries: list[tuple[int, int]], before: int = 7, after: int = 7, lost: int = 0) -> bytes:
    """A card of (dt µs, levels)."""
    out = struct.pack("<HH", before, lost)
    for dt, levels in entries:
        while dt >= 0x80:
            out += bytes([dt & 0x7F | 0x80])
            dt >>= 7
        out += bytes([dt]) + struct.pack("<H", levels)
    return out + struct.pack("<H", after)


def card_payloads(card: int, data: bytes, sent: int = 0) -> list[bytes]:
    """The payloads of the frames that a head sends of a card."""
    count = max(1, -(-len(data) // 200))
    return [
        struct.pack(
            "<BBQHBBHI", 0x83, (sent + k) % 256, card, (sent + k + 1) % 65536, k, count, len(data), binascii.crc32(data)
        )
        + data[200 * k : 200 * k + 200]
        for k in range(count)
    ]


def whole(kind: int, data: bytes) -> bytes:
    """A sound line."""
    return data


class FakeHead:
    """Two clocks. path: what a host opens, also after the line was cut (a new pty behind the same name).

    damage: what becomes of a frame of this type on its way to the host. deaf_to: types that
    never reach it.
    """

    def __init__(self, folder: Path, version: int = 1, says: bytes = b"", rows: int = 3, bar: str = "test-bar") -> None:
        self.path = folder / "line"
        self.version, self.says, self.rows, self.bar = version, says, rows, bar
        self.deaf_to: set[int] = set()
        self.boot, self.number, self.session = 1000, 0, 0
        self.cards: dict[int, bytes] = {}
        self.acked: list[int] = []
        self.heard: list[bytes] = []
        self.flags = self.overflows = 0
        self.damage: Callable[[int, bytes], bytes] = whole
        self.mute = False
        self.beat_s, self.again_s = 0.05, 0.1
        self._sent = self._upto = self._seq = 0
        self._queue: list[tuple[int, int]] = []
        self._last_part = 0.0
        self._lock = threading.RLock()
        self._stop = threading.Event()
        self._open()
        self._thread = threading.Thread(target=self._work, daemon=True)
        self._thread.start()

    def __enter__(self) -> FakeHead:
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join(5)
        self._shut()

    # --- what happens to it ------------------------------------------------------------------------------------

    def feed(self, data: bytes) -> int:
        """A card went past; its id."""
        with self._lock:
            self.number += 1
            card = self.boot << 32 | self.number
            self.cards[card] = data
            self._enqueue(card)
            return card

    def restart(self) -> None:
        """The power went and came back: nothing is remembered."""
        with self._lock:
            self.boot, self.number, self.session = self.boot + 1, 0, 0
            self.cards, self._queue, self._sent, self._upto = {}, [], 0, 0
            self.send_caps()

    def cut(self) -> None:
        """The cable is pulled and plugged in again; the head goes on."""
        with self._lock:
            self._shut()
            self._open()

    # --- what it does ------------------------------------------------------------------------------------------

    def send(self, kind: int, body: bytes) -> None:
        with self._lock:
            self._seq = (self._seq + 1) % 256
            self.raw(self.damage(kind, frame(bytes([kind, self._seq]) + body)))

    def raw(self, data: bytes) -> None:
        with contextlib.suppress(OSError):
            os.write(self._master, data)

    def send_caps(self) -> None:
        body = struct.pack("<B8sIIBBBH", self.version, UID, self.boot, 4000, self.rows, 2, 16, 4000)
        self.send(0x81, body + b"\x04fake" + bytes([len(self.bar)]) + self.bar.encode())

    def _open(self) -> None:
        self._master, self._slave = os.openpty()
        tty.setraw(self._slave)
        os.set_blocking(self._master, False)
        new = self.path.with_suffix(".new")
        new.symlink_to(os.ttyname(self._slave))
        new.replace(self.path)
        self._held = b""

    def _shut(self) -> None:
        os.close(self._master)
        os.close(self._slave)

    def _enqueue(self, card: int) -> None:
        parts = max(1, -(-len(self.cards[card]) // 200))
        self._queue += [(card, part) for part in range(parts)]

    def _work(self) -> None:
        beat = 0.0
        while not self._stop.is_set():
            with self._lock:
                master = self._master
            ready, _, _ = select.select([master], [], [], 0.002)
            with self._lock:
                if ready and master == self._master:
                    with contextlib.suppress(OSError):
                        self._hear(os.read(master, 4096))
                if self.mute:
                    continue
                if self.says:
                    self.raw(self.says)
                    time.sleep(0.01)
                    continue
                self._send_cards()
                if time.monotonic() > beat:
                    beat = time.monotonic() + self.beat_s
                    counters = (self.number, self.overflows, 0, 0, 0, 0, 0, 0)
                    fixed = (self.boot, self.session, 1, self._sent % 65536, len(self.cards), self.flags | 1, 7)
                    self.send(0x82, struct.pack("<IIIHBBH8I", *fixed, *counters))

    def _send_cards(self) -> None:
        while self._queue and self._sent < self._upto:
            card, part = self._queue.pop(0)
            data = self.cards.get(card)
            if data is None:
                continue
            self._sent += 1
            parts = max(1, -(-len(data) // 200))
            head = struct.pack("<QHBBHI", card, self._sent % 65536, part, parts, len(data), binascii.crc32(data))
            self.send(0x83, head + data[part * 200 : part * 200 + 200])
            self._last_part = time.monotonic()
        if not self._queue and self.cards and time.monotonic() > self._last_part + self.again_s:
            self._last_part = time.monotonic()
            for card in self.cards:
                self._enqueue(card)

    def _hear(self, data: bytes) -> None:
        *blocks, self._held = (self._held + data).split(b"\0")
        for block in filter(None, blocks):
            whole = uncobs(block)
            payload, crc = whole[:-4], whole[-4:]
            if struct.pack("<I", binascii.crc32(payload)) == crc and not self.mute:
                self.heard.append(payload)
                self._obey(payload[0], payload[1], payload[2:])

    def _obey(self, kind: int, seq: int, body: bytes) -> None:
        if self.says or kind in self.deaf_to:
            return
        if kind == 0x01:
            self.session = struct.unpack_from("<BI", body)[1]
            self._sent = self._upto = 0
            self._queue = []
            for card in sorted(self.cards):
                self._enqueue(card)
            self.send_caps()
        elif kind == 0x07:
            (self._upto,) = struct.unpack_from("<H", body)
        elif kind == 0x08:
            (card,) = struct.unpack_from("<Q", body)
            if self.cards.pop(card, None) is not None:
                self.acked.append(card)
            self.send(0x8F, bytes([seq, 0]))
        elif kind in (0x02, 0x03, 0x05):
            self.send(0x8F, bytes([seq, 0]))
