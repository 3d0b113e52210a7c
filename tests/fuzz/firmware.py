"""One process of the fuzz of the head's firmware: what a host says, and what the bar shows, as bytes.

Nothing may be raised but the reset that a host may order, whatever it answers is a sound frame, and a card's bytes never
leave their slot. The first byte of an input says whether the rest are bytes on the line, or orders that get a right checksum.

python -m tests.fuzz.firmware CORPUS -runs=1000 -seed=7       (libFuzzer's options)
python -m tests.fuzz.firmware CRASHES/crash-…                 replays one input
"""

from __future__ import annotations

import random
import struct
import sys
from pathlib import Path

import atheris

from tests.fuzz import start

with atheris.instrument_imports(include=["device.firmware.core", "device.firmware.frames", "device.firmware.recorder"]):
    from device.firmware import messages as m
    from device.firmware.frames import PAYLOAD_MAX, STUFFED_MAX, encode

from tests.device.firmware.rig import Restarted, Rig, entries

SHOWS = 0x40
"""A piece of input whose first byte has this bit is shown by the bar; the others are said by the host."""


def run_one(data: bytes) -> None:
    """A head that lives through this. Raises whatever should not be raised."""
    rig = Rig(block=512)
    rig.ready()
    try:
        if data[:1] < b"\x80":
            rig.noise(data[1:])
        else:
            orders(rig, data[1:])
        rig.wait(250)
    except Restarted:
        return
    finally:
        assert len(rig.head._decoder._held) <= STUFFED_MAX
        assert rig.decoder.refused == 0
        for slot in rig.head.ring.kept:
            assert slot.length <= len(slot.data)
            entries(bytes(slot.data[: slot.length]))
    assert (
        len(rig.head.ring.kept) + len(rig.head.ring._free) + (rig.head.recorder._slot is not None) == rig.head.ring.size
    )


def orders(rig: Rig, data: bytes) -> None:
    """Pieces, each behind its length: what the host says next, or what the bar shows for how long."""
    while data:
        size, data = data[0], data[1:]
        piece, data = data[: max(2, size & 0x3F)], data[max(2, size & 0x3F) :]
        if size & SHOWS:
            rig.feed([(1 + 8 * n, level) for n, level in zip(piece[::2], piece[1::2], strict=False)])
            rig.board.missed = size >> 7
        elif 2 <= len(piece) <= PAYLOAD_MAX:
            rig.noise(encode(piece))


def corpus() -> dict[str, bytes]:
    """Name → an input: every order on the line, and cards between orders."""
    rng = random.Random(1)
    found = {}
    bodies = {
        m.HELLO: struct.pack(m.HELLO_FORMAT, m.VERSION, 9),
        m.ARM: b"\1",
        m.LED_PWM: b"\x10\1",
        m.LEVELS: b"\x20\0",
        m.THRESH: bytes(32),
        m.SELFTEST: b"",
        m.CREDIT: b"\x10\0",
        m.CARD_ACK: struct.pack("<Q", 0xB0070001 << 32 | 1),
        m.STATS: b"",
        m.REBOOT: struct.pack("<I", m.BOOT_MAGIC),
    }
    said = [bytes((kind, k)) + body for k, (kind, body) in enumerate(bodies.items())]
    for k in range(12):
        some = rng.sample(said[:-1], 6) + said[-1:] * (k == 0)
        found[f"line-{k:02d}"] = b"\0" + b"".join(map(encode, some))
        pieces = [bytes((len(p),)) + p for p in some]
        pieces.insert(3, bytes((SHOWS | 62,)) + rng.randbytes(60) + b"\x7d\x3f")
        found[f"orders-{k:02d}"] = b"\x80" + b"".join(pieces)
    return found


def write_corpus(folder: Path) -> None:
    """The inputs to begin with, as files."""
    start.write(corpus(), folder)


def main(arguments: list[str]) -> None:
    """Hand over to libFuzzer, which ends the process."""
    start.hand_over(arguments, run_one)


if __name__ == "__main__":
    main(sys.argv[1:])
