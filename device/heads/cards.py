"""A card's bytes: put together from parts in any order, over any number of sendings, and made into a `Sweep`."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from device.heads.messages import Caps, CardPart
from device.sweep import Channel, Sweep

OPEN_MAX = 64
"""Cards that are put together at a time; a head's ring holds fewer."""
VARINT_BYTES = 5
EMPTY = np.empty(0)


@dataclass
class _Open:
    length: int
    crc: int
    parts: list[bytes | None] = field(default_factory=list)


class Assembler:
    """Parts in, whole cards out.

    damaged: cards whose parts were all there and whose checksum was not right; they come again.
    """

    def __init__(self) -> None:
        self.damaged = 0
        self._open: dict[int, _Open] = {}

    def add(self, part: CardPart) -> bytes | None:
        """The card's bytes, when this part was the last that was missing."""
        card = self._open.pop(part.card, None)
        if card is None or (card.length, card.crc, len(card.parts)) != (part.length, part.crc, part.parts):
            card = _Open(part.length, part.crc, [None] * part.parts)
        card.parts[part.part] = part.data
        if None in card.parts:
            while len(self._open) >= OPEN_MAX:
                del self._open[next(iter(self._open))]
            self._open[part.card] = card
            return None
        whole = b"".join(p for p in card.parts if p is not None)
        if zlib.crc32(whole) != card.crc:
            self.damaged += 1
            return None
        return whole

    def clear(self) -> None:
        """Forget what is not whole: the head that had it was started anew."""
        self._open.clear()


def mark_of(uid: str, card: int) -> str:
    """What names this one pass for ever: the head, its start, the card's number since."""
    return f"head:{uid}:{card:016x}"


def card_of(mark: str) -> tuple[str, int]:
    """(uid, card) of a mark of `mark_of`."""
    _, uid, card = mark.split(":")
    return uid, int(card, 16)


def sweep_of(data: bytes, caps: Caps, mark: str = "") -> Sweep:
    """The card as a sweep; ticks in seconds since its recording began.

    Bytes that make no sense though their checksum is right (a fault in the firmware) give a sweep that lost edges, which
    is refused: the head must be told something, or it sends them for ever.
    """
    try:
        before, lost, times_us, levels, after = _unpacked(data)
    except ValueError:
        dark = (Channel(EMPTY, np.empty(0, np.bool_), False, False),) * caps.channels
        return Sweep(caps.bar, dark[: caps.rows], (dark[0], dark[0]), 1, mark)
    bits = np.arange(caps.channels)
    known = (np.concatenate([[before], levels])[:, None] >> bits & 1).astype(np.bool_)
    changed = known[1:] != known[:-1]
    ends = (after >> bits & 1).astype(np.bool_)
    channels = [
        Channel(times_us[changed[:, k]] / 1e6, known[1:, k][changed[:, k]], bool(known[0, k]), bool(ends[k]))
        for k in range(caps.channels)
    ]
    return Sweep(caps.bar, tuple(channels[: caps.rows]), (channels[caps.rows], channels[caps.rows + 1]), lost, mark)


def _unpacked(data: bytes) -> tuple[int, int, NDArray[np.int64], NDArray[np.int64], int]:
    """(before, lost, times µs (n,), levels (n,), after). Raises `ValueError`."""
    if len(data) < 6:
        raise ValueError(f"a card of {len(data)} bytes")
    before, lost = struct.unpack_from("<HH", data)
    (after,) = struct.unpack_from("<H", data, len(data) - 2)
    entries = list(_entries(data, 4, len(data) - 2))
    times = np.cumsum(np.array([dt for dt, _ in entries], np.int64))
    return before, lost, times, np.array([levels for _, levels in entries], np.int64), after


def _entries(data: bytes, at: int, end: int) -> Iterator[tuple[int, int]]:
    """(µs since the one before, levels)."""
    while at < end:
        dt = shift = 0
        more = True
        while more:
            if at >= end or shift >= 7 * VARINT_BYTES:
                raise ValueError("a time that does not end")
            dt |= (data[at] & 0x7F) << shift
            more, shift, at = data[at] >= 0x80, shift + 7, at + 1
        if at + 2 > end:
            raise ValueError("an entry that breaks off")
        yield dt, data[at] | data[at + 1] << 8
        at += 2
