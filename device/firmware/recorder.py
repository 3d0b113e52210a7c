"""From rows of samples to the bytes of cards: where one begins, every change, where it ends."""

import binascii
import struct

from .ring import Ring, Slot

EMPTY = 0
"""No card; the next change begins one."""
CARD = 1
"""A card is being recorded."""
PASSING = 2
"""A card goes by unrecorded: not armed, the self-test failed, or the ring is full."""
BLOCKED = 3
"""Covered since the start, or for so long that it is no card any more."""

QUIET_US = 200_000
LONGEST_US = 30_000_000
LOST_MAX = 65535


class Recorder:
    """Watches the channels, sample by sample; how the samples are cut into calls changes nothing.

    ring: where the cards go. empty: the levels with no card in the bar. period_us: from one sample to the next.
    allowed: whether a card may be recorded. level: the last sample. state: one of the four above.
    cards, overflows, missed: counters since the start: cards recorded (the last one's number, too), cards that found the ring
    full, samples not taken. ends: how often the bar became empty, or was given up as covered.
    """

    def __init__(self, ring: Ring, empty: int, period_us: int) -> None:
        self.ring = ring
        self.empty = empty
        self.period_us = period_us
        self.allowed = False
        self.level = empty
        self.state = BLOCKED
        self.cards = 0
        self.overflows = 0
        self.missed = 0
        self.ends = 0
        self._quiet = QUIET_US // period_us
        self._longest = LONGEST_US // period_us
        self._still = 0
        self._age = 0
        self._unseen = 0
        self._slot: Slot | None = None
        self._at = 0
        self._lost = 0
        self._full = False

    @property
    def passing(self) -> bool:
        """Whether a card is in the bar, or went less than 200 ms ago."""
        return self.state in (CARD, PASSING)

    def take(self, rows: "memoryview[int]", count: int) -> None:
        """The next `count` samples."""
        if count and self._unseen and rows[0] == self.level:
            self._unseen = 0
        level = self.level
        since = 0
        # All that is done for a sample without a change, four thousand times a second.
        for k in range(count):
            if rows[k] != level:
                level = rows[k]
                self._stay(k - since)
                self._change(level)
                since = k
        self._stay(count - since)

    def miss(self, count: int) -> None:
        """So many samples were never taken."""
        self.missed += count
        if self.state == CARD:
            self._lose(count)
            self._still += count
            self._age += count
        else:
            self._still = 0
            self._unseen += count

    def look_away(self) -> None:
        """The samples until now mean nothing (the light was off); a card that is there at the next one came unseen."""
        self._still = 0
        self._unseen += 1

    def _stay(self, count: int) -> None:
        """The level has not changed for `count` samples more."""
        if self.state == EMPTY or count == 0:
            return
        self._still += count
        self._age += count
        if self.level == self.empty:
            if self._still >= self._quiet:
                self._end(EMPTY)
        elif self._age >= self._longest and self.state != BLOCKED:
            self._end(BLOCKED)

    def _change(self, level: int) -> None:
        if self.state == EMPTY:
            self._begin()
        if self.state == CARD:
            self._entry(self._still, level)
        self.level = level
        self._still = 0

    def _begin(self) -> None:
        # The card's time begins at the last sample of the empty bar.
        self._still = 1
        self._age = 0
        self.state = PASSING
        if not self.allowed:
            self._unseen = 0
            return
        self._slot = self.ring.take()
        if self._slot is None:
            self.overflows += 1
            self._unseen = 0
            return
        self.state = CARD
        self._at = 4
        self._full = False
        self._lost = min(self._unseen, LOST_MAX)
        self._unseen = 0

    def _entry(self, samples: int, level: int) -> None:
        """Writes `dt varint, levels u16`, if there is still room for it and for the levels at the end."""
        data = self._slot.data  # type: ignore[union-attr]  # a card has its slot
        dt = samples * self.period_us
        size = 3
        while dt >> 7 * (size - 2):
            size += 1
        if self._full or self._at + size + 2 > len(data):
            self._full = True
            self._lose(1)
            return
        at = self._at
        while dt > 127:
            data[at] = dt & 127 | 128
            dt >>= 7
            at += 1
        data[at] = dt
        data[at + 1] = level & 255
        data[at + 2] = level >> 8
        self._at = at + 3

    def _lose(self, count: int) -> None:
        self._lost = min(self._lost + count, LOST_MAX)

    def _end(self, state: int) -> None:
        slot = self._slot
        if self.state == CARD and slot is not None:
            struct.pack_into("<HH", slot.data, 0, self.empty, self._lost)
            struct.pack_into("<H", slot.data, self._at, self.level)
            slot.length = self._at + 2
            slot.crc = binascii.crc32(memoryview(slot.data)[: slot.length])
            self.cards += 1
            slot.number = self.cards
            self.ring.keep(slot)
            self._slot = None
        self.ends += 1
        self.state = state
