"""One process of the fuzz of a head's line: bytes → `Decoder` → `parse` → `Assembler` → `sweep_of`.

Nothing but `MessageError` may come out, and soon. The first byte of an input says how deep it begins: as bytes on the
line, as payloads that get a right checksum, as a card's parts, as a card's bytes; a checksum would stop nearly all mutants.

python -m tests.fuzz.head CORPUS -runs=1000 -seed=7       (libFuzzer's options)
python -m tests.fuzz.head CRASHES/crash-…                 replays one input
"""

from __future__ import annotations

import random
import sys
import zlib
from pathlib import Path

import atheris

from tests.fuzz import start

with atheris.instrument_imports(include=["device.firmware.frames", "device.heads.messages", "device.heads.cards"]):
    from device.firmware.frames import PAYLOAD_MAX, STUFFED_MAX, Decoder
    from device.firmware.frames import encode as encode_frame
    from device.heads.cards import OPEN_MAX, Assembler, sweep_of
    from device.heads.messages import Caps, CardPart, MessageError, parse

from tests.device.heads.fake import card_bytes, card_payloads

CAPS = Caps("00" * 8, 1, 4000, 6, 2, 8, 4096, "fuzz", "fuzz-bar")
WAYS = 4


def run_one(data: bytes) -> None:
    """The line on these bytes. Raises whatever should not be raised."""
    if not data:
        return
    way, data = data[0] % WAYS, data[1:]
    if way == 0:
        line(data)
    elif way == 1:
        # Payloads, each behind its length.
        while data:
            size, data = 2 + data[0] % (PAYLOAD_MAX - 1), data[1:]
            if len(data) >= 2:
                line(encode_frame(data[: max(2, size)]))
            data = data[size:]
    elif way == 2:
        card(data)
    else:
        sweep(data)


def line(data: bytes) -> None:
    """As a line cuts it up."""
    decoder, assembler, channels = Decoder(), Assembler(), CAPS.channels
    half = len(data) // 2
    for payload in [*decoder.feed(data[:half]), *decoder.feed(data[half:])]:
        assert 2 <= len(payload) <= PAYLOAD_MAX
        try:
            report = parse(payload, channels)
        except MessageError:
            continue
        if isinstance(report, Caps):
            channels = report.channels
        if isinstance(report, CardPart) and (whole := assembler.add(report)) is not None:
            sweep(whole)
    assert len(decoder._held) <= STUFFED_MAX


def card(data: bytes) -> None:
    """Parts of cards, whose numbers the input chooses."""
    assembler = Assembler()
    for at in range(0, len(data) - 5, 6):
        number, part, parts, high, low, fill = data[at : at + 6]
        length, body = high << 8 | low, bytes((fill,)) * 200
        if part < parts == max(1, -(-length // 200)):
            whole = assembler.add(CardPart(number, at, part, parts, length, fill, body[: length - part * 200]))
            assert whole is None or zlib.crc32(whole) == fill
    assert len(assembler._open) <= OPEN_MAX


def sweep(data: bytes) -> None:
    """A card's bytes."""
    made = sweep_of(data, CAPS, "head:x:1")
    assert len(made.data) == CAPS.rows
    for channel in (*made.data, *made.clock):
        assert len(channel.ticks_s) == len(channel.levels)


def corpus() -> dict[str, bytes]:
    """Name → an input: lines with every message, payloads, parts, cards."""
    rng = random.Random(1)
    found = {}
    for k in range(16):
        entries = [(rng.choice([250, 5000, 1_000_000]), rng.randrange(256)) for _ in range(rng.randint(0, 120))]
        data = card_bytes(entries, before=0x3F, after=0x3F)
        payloads = [*messages(rng), *card_payloads(k, data)]
        found[f"line-{k:02d}"] = b"\0" + b"".join(map(encode_frame, payloads))
        found[f"payloads-{k:02d}"] = b"\1" + b"".join(bytes((len(p) - 2,)) + p for p in payloads)
        found[f"parts-{k:02d}"] = b"\2" + b"".join(bytes((k % 3, p, 3, 1, 244, k)) for p in range(3))
        found[f"card-{k:02d}"] = b"\3" + data
    return found


def messages(rng: random.Random) -> list[bytes]:
    """One of every kind."""
    caps = bytes.fromhex("8101 01 0001020304050607 04030201 a00f0000 06 02 08 0010 02 4f4b 03 626172")
    kinds = ((0x82, 50), (0x84, 18), (0x85, 37), (0x8E, 20), (0x8F, 2))
    return [caps, *(bytes((kind, 1)) + rng.randbytes(size) for kind, size in kinds)]


def write_corpus(folder: Path) -> None:
    """The inputs to begin with, as files."""
    start.write(corpus(), folder)


def main(arguments: list[str]) -> None:
    """Hand over to libFuzzer, which ends the process."""
    start.hand_over(arguments, run_one)


if __name__ == "__main__":
    main(sys.argv[1:])
