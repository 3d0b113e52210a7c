"""Cards put together, and made into sweeps."""

from __future__ import annotations

import itertools
import random
import zlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from device.heads.cards import OPEN_MAX, Assembler, card_of, mark_of, sweep_of
from device.heads.messages import Caps, CardPart
from device.sweep import level_at
from tests.device.heads.fake import card_bytes

CAPS = Caps("00" * 8, 1, 4000, 3, 2, 8, 4000, "fake", "test-bar")


def parts_of(data: bytes, card: int = 1) -> list[CardPart]:
    count = max(1, -(-len(data) // 200))
    return [
        CardPart(card, k, k, count, len(data), zlib.crc32(data), data[200 * k : 200 * k + 200]) for k in range(count)
    ]


def test_parts_make_a_card_in_any_order() -> None:
    data = random.Random(1).randbytes(700)
    for order in itertools.permutations(parts_of(data)):
        assembler = Assembler()
        found = [assembler.add(p) for p in order]
        assert found[:-1] == [None] * 3 and found[-1] == data


def test_parts_of_several_sendings_and_cards_mix() -> None:
    rng, assembler = random.Random(2), Assembler()
    cards = {k: rng.randbytes(rng.randint(0, 900)) for k in range(20)}
    found: dict[int, list[bytes]] = {k: [] for k in cards}
    while not all(found.values()):
        waiting = [p for k, d in cards.items() if not found[k] for p in parts_of(d, k)]
        for part in rng.sample(waiting, len(waiting) * 2 // 3 + 1):
            if not found[part.card] and (whole := assembler.add(part)) is not None:
                found[part.card].append(whole)
    assert {k: [d] for k, d in cards.items()} == found


def test_a_part_that_came_twice_completes_nothing() -> None:
    assembler, (first, *_) = Assembler(), parts_of(bytes(300))
    assert [assembler.add(first) for _ in range(5)] == [None] * 5


def test_a_card_whose_checksum_is_wrong_is_put_together_anew() -> None:
    assembler, data = Assembler(), bytes(range(200)) * 2
    first, second = parts_of(data)
    bad = CardPart(1, 0, 0, 2, len(data), first.crc, bytes(200))
    assert [assembler.add(bad), assembler.add(second)] == [None, None] and assembler.damaged == 1
    assert [assembler.add(first), assembler.add(second)] == [None, data]


def test_a_card_that_changed_its_length_begins_anew() -> None:
    assembler, old, new = Assembler(), parts_of(bytes(300)), parts_of(bytes(350))
    assert [assembler.add(old[0]), assembler.add(new[1]), assembler.add(new[0])] == [None, None, bytes(350)]


def test_cards_that_are_never_completed_do_not_fill_the_memory() -> None:
    assembler = Assembler()
    for card in range(10_000):
        assembler.add(parts_of(bytes(300), card)[0])
    assert len(assembler._open) <= OPEN_MAX


def test_a_sweep_has_every_edge_at_its_time() -> None:
    # Rows are bits 0 to 2, clocks bits 3 and 4.
    data = card_bytes([(250, 0b00110), (1_000_000, 0b01100), (500, 0b00111)], before=0b00111, after=0b00111)
    sweep = sweep_of(data, CAPS, "head:x:1")
    assert (sweep.bar, sweep.lost, sweep.mark, len(sweep.data)) == ("test-bar", 0, "head:x:1", 3)
    first, second, third = sweep.data
    assert first.ticks_s.tolist() == [0.00025, 1.00075] and first.levels.tolist() == [False, True]
    assert second.ticks_s.tolist() == [1.00025, 1.00075] and second.before and second.after
    assert third.ticks_s.tolist() == []
    assert sweep.clock[0].levels.tolist() == [True, False] and not sweep.clock[0].before
    assert level_at(sweep.clock[0], np.array([1.0, 1.0005, 2.0])).tolist() == [False, True, False]


def test_lost_samples_are_told() -> None:
    assert sweep_of(card_bytes([], lost=3), CAPS).lost == 3


@given(st.binary(max_size=300))
def test_any_bytes_make_a_sweep_of_this_bar(data: bytes) -> None:
    sweep = sweep_of(data, CAPS)
    assert len(sweep.data) == 3
    for channel in (*sweep.data, *sweep.clock):
        assert len(channel.ticks_s) == len(channel.levels) and (np.diff(channel.ticks_s) >= 0).all()


@pytest.mark.parametrize("data", [b"", bytes(5), bytes(4) + b"\xff" * 9 + bytes(4), bytes(7)])
def test_bytes_that_make_no_sense_are_a_card_that_will_be_refused(data: bytes) -> None:
    assert sweep_of(data, CAPS).lost > 0


def test_a_mark_names_head_and_card() -> None:
    assert card_of(mark_of("e66038b71367942a", 1000 << 32 | 7)) == ("e66038b71367942a", 1000 << 32 | 7)
