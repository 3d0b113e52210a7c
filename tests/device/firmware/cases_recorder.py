"""Cases for both Pythons: samples become a card's bytes."""

from device.firmware import messages as m
from device.firmware.core import CARD_MAX
from device.firmware.recorder import BLOCKED, EMPTY, Recorder
from device.firmware.ring import Ring
from tests.device.firmware.rig import BOOT, DATA, PERIOD_US, Rig, entries

SECOND = 4000
QUIET = 800


def recorder_writes_every_change_and_when() -> None:
    rig = Rig()
    rig.ready()
    rig.feed([(40, DATA), (4, 0x3E), (200, 0), (1, 0xC0), (30000, 0x81), (2, 0x3F | 0x40), (QUIET, DATA)])
    (blob,) = rig.whole().values()
    before, lost, found, after = entries(blob)
    assert (before, lost, after) == (DATA, 0, DATA)
    samples = [1, 4, 200, 1, 30000, 2]
    assert found == [(n * PERIOD_US, level) for n, level in zip(samples, (0x3E, 0, 0xC0, 0x81, 0x7F, DATA))]


def recorder_does_not_care_how_samples_are_cut_up() -> None:
    blobs = []
    for block in (1, 3, 64, 511, 512):
        rig = Rig(block)
        rig.ready()
        rig.card(changes=40)
        rig.feed([(QUIET - 1, DATA), (9, 0x1F), (31 * SECOND, 0x1F), (3, 0), (QUIET, DATA)])
        rig.card()
        rig.credit(rig.head.sent + 16)
        blobs.append(sorted(rig.whole().items()))
    assert len(blobs[0]) == 3
    assert all(b == blobs[0] for b in blobs)


def recorder_ends_a_card_after_200_ms_and_not_before() -> None:
    rig = Rig(block=1)
    rig.ready()
    rig.feed([(10, 0), (QUIET - 1, DATA), (10, 0), (QUIET - 1, DATA)])
    assert rig.head.recorder.cards == 0
    rig.feed([(1, DATA)])
    assert rig.head.recorder.cards == 1
    (blob,) = rig.whole().values()
    assert len(entries(blob)[2]) == 4


def recorder_ends_a_card_that_stays_for_30_s() -> None:
    rig = Rig(block=500)
    rig.ready()
    rig.feed([(20 * SECOND, 0), (10 * SECOND - 1, 1)])
    assert rig.beat().cards == 0
    rig.feed([(1, 1)])
    assert rig.beat().cards == 1
    rig.feed([(30 * SECOND, 3)])
    assert rig.beat().cards == 1
    (blob,) = rig.whole().values()
    assert entries(blob)[3] == 1
    # What is left lying there is no second card, and neither is its going away.
    rig.feed([(5, 1), (QUIET + 10, DATA)])
    assert rig.beat().cards == 1
    for n in (2, 3):
        rig.feed([(40, DATA), (20 * SECOND, 0), (QUIET + 1, DATA)])
        rig.credit(rig.head.sent + 16)
        assert rig.beat().cards == n and entries(rig.whole()[BOOT << 32 | n])[3] == DATA


def recorder_waits_for_an_empty_bar_at_the_start() -> None:
    rig = Rig()
    rig.feed([(100, 0)])
    rig.hello()
    rig.say(m.ARM, b"\x01")
    rig.feed([(300, 3), (5, 0), (QUIET - 1, DATA), (2, 0), (20, DATA)])
    assert rig.head.recorder.state == BLOCKED
    rig.feed([(4 * SECOND, DATA)])
    assert rig.beat().cards == 0 and rig.head.recorder.state == EMPTY
    rig.card()
    assert rig.beat().cards == 1


def recorder_counts_what_does_not_fit_and_keeps_what_came_first() -> None:
    rig = Rig()
    rig.ready()
    runs = [(1, k % 61) for k in range(2000)]
    rig.feed(runs)
    rig.feed([(QUIET + 1, DATA)])
    rig.credit(32)
    (blob,) = rig.whole().values()
    _, lost, found, after = entries(blob)
    assert len(blob) <= CARD_MAX and len(blob) > CARD_MAX - 8
    assert lost > 0 and lost + len(found) == 2000 + 1
    assert [level for _, level in found] == [k % 61 for k in range(len(found))]
    assert after == DATA


def recorder_says_in_the_card_that_samples_were_missed() -> None:
    rig = Rig()
    rig.ready()
    rig.feed([(40, DATA), (10, 0)])
    rig.board.missed = 17
    rig.feed([(10, 0), (QUIET + 1, DATA)])
    (blob,) = rig.whole().values()
    assert entries(blob)[1] == 17
    assert entries(blob)[2] == [(PERIOD_US, 0), (37 * PERIOD_US, DATA)]
    assert rig.beat().missed == 17


def recorder_says_so_of_samples_missed_just_before_a_card_too() -> None:
    for shown, lost in ((0, 5), (DATA, 0)):
        rig = Rig(block=8)
        rig.ready()
        rig.feed([(40, DATA)])
        rig.board.missed = 5
        rig.feed([(8, shown), (8, 0), (QUIET + 8, DATA)])
        (blob,) = rig.whole().values()
        assert entries(blob)[1] == lost


def recorder_never_writes_beyond_a_slot() -> None:
    for size in range(6, 40):
        recorder = Recorder(Ring(1, size), DATA, PERIOD_US)
        recorder.take(memoryview(bytes([DATA] * QUIET)), QUIET)
        recorder.allowed = True
        shown = [(1 if k % 3 else 90, k % 60) for k in range(30)]
        rows = bytes([level for count, level in shown for _ in range(count)] + [DATA] * QUIET)
        recorder.take(memoryview(rows), len(rows))
        slot = recorder.ring.kept[0]
        assert slot.length <= size
        before, lost, found, after = entries(bytes(slot.data[: slot.length]))
        assert (before, after) == (DATA, DATA) and lost + len(found) == 31
        assert [level for _, level in found] == list(range(len(found)))


# The head
