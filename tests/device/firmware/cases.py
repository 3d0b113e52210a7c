"""What the head must do, said once for both Pythons: `test_cases.py` runs every function here on CPython and on MicroPython."""

import binascii
import struct

from device.firmware import messages as m
from device.firmware.core import CARD_MAX, RING
from device.firmware.frames import PAYLOAD_MAX, STUFFED_MAX, Decoder, decode, encode
from device.firmware.recorder import BLOCKED, EMPTY, Recorder
from device.firmware.ring import Ring
from tests.device.firmware.rig import BOOT, DATA, PERIOD_US, Restarted, Rig, entries

SECOND = 4000
QUIET = 800


def bytes_like_noise(count: int, seed: int) -> bytes:
    """The same on both Pythons; every fourth or so is a zero."""
    made = bytearray()
    for _ in range(count):
        seed = (seed * 1103515245 + 12345) & 0x7FFFFFFF
        made.append((seed >> 16) & 255 if seed >> 28 & 3 else 0)
    return bytes(made)


# Frames


def frames_come_back_whatever_they_hold() -> None:
    for size in range(2, PAYLOAD_MAX + 1):
        for payload in (bytes(size), b"\xff" * size, bytes_like_noise(size, size)):
            frame = encode(payload)
            assert frame[0] == 0 and frame[-1] == 0 and 0 not in frame[1:-1]
            assert len(frame) <= STUFFED_MAX + 2
            assert Decoder().feed(frame) == [payload]


def payloads_of_another_length_are_no_frames() -> None:
    for payload in (b"", b"x", bytes(PAYLOAD_MAX + 1)):
        try:
            encode(payload)
        except ValueError:
            continue
        raise AssertionError(len(payload))
    short = b"x" + struct.pack("<I", binascii.crc32(b"x"))
    assert decode(bytes((len(short) + 1,)) + short) is None


def frames_with_any_byte_changed_are_refused() -> None:
    payload = bytes_like_noise(40, 5)
    frame = encode(payload)
    for k in range(len(frame)):
        for change in (1, 0x80, 0xFF):
            hurt = bytearray(frame)
            hurt[k] ^= change
            decoder = Decoder()
            got = decoder.feed(bytes(hurt) + encode(b"next"))
            # A zero at either end that is no zero any more joins the frame to what is beside it; the next one still comes.
            assert got[-1] == b"next" or k == len(frame) - 1
            assert got[:-1] in ([], [payload])
            assert [payload] != got[:-1] or k in (0, len(frame) - 1)
            assert decoder.refused or got[:-1] == [payload]


def frames_cut_anywhere_do_not_swallow_the_next() -> None:
    frame = encode(bytes_like_noise(30, 9))
    for k in range(1, len(frame) - 1):
        assert Decoder().feed(frame[:k] + encode(b"next"))[-1] == b"next"
        assert Decoder().feed(frame[k:] + encode(b"next"))[-1] == b"next"


def frames_come_whole_however_they_are_cut_up() -> None:
    payloads = [bytes_like_noise(2 + 11 * k % 239, k) for k in range(1, 30)]
    stream = b"".join([encode(p) for p in payloads])
    for step in (1, 2, 7, 64, 1000):
        decoder = Decoder()
        got = []
        for k in range(0, len(stream), step):
            got += decoder.feed(stream[k : k + step])
        assert got == payloads and decoder.refused == 0


def frames_without_an_end_take_no_memory() -> None:
    decoder = Decoder()
    for _ in range(500):
        decoder.feed(b"\x01" * 200)
        assert len(decoder._held) <= STUFFED_MAX
    assert decoder.feed(b"\x00" + encode(b"ok")) == [b"ok"]
    assert decoder.refused == 1
    assert decoder.feed(b"\x01" * 1000 + b"\x00" + encode(b"ok")) == [b"ok"] and decoder.refused == 2


def frames_of_nothing_are_not_counted() -> None:
    decoder = Decoder()
    assert decoder.feed(b"\x00" * 300) == [] and decoder.refused == 0


# Recorder


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


def head_describes_itself_at_the_start_and_when_greeted() -> None:
    rig = Rig()
    (unasked,) = rig.take(m.CAPS)
    rig.hello()
    (caps,) = rig.take(m.CAPS)
    assert caps == unasked
    fields = struct.unpack_from(m.CAPS_FORMAT, caps)
    assert fields == (m.VERSION, bytes(range(8)), BOOT, 4000, 6, 2, RING, CARD_MAX)
    at = struct.calcsize(m.CAPS_FORMAT)
    firmware = caps[at + 1 : at + 1 + caps[at]]
    bar = caps[at + 1 + len(firmware) :]
    assert firmware == b"logicienne 1" and bar == b"\x04desk"


def head_refuses_a_session_of_zero_and_another_version() -> None:
    rig = Rig()
    rig.take(m.CAPS)
    rig.hello(session=9)
    rig.take(m.CAPS)
    rig.hello(session=0)
    assert rig.status() == [m.NOT_UNDERSTOOD] and rig.beat().session == 9
    rig.hello(session=5, version=2)
    (caps,) = rig.take(m.CAPS)
    assert caps[0] == m.VERSION and rig.beat().session == 9


def head_beats_once_a_second_also_over_the_turn_of_its_clock() -> None:
    rig = Rig()
    rig.wait(5100)
    beats = rig.take(m.HEARTBEAT)
    assert len(beats) == 5
    uptimes = [struct.unpack_from("<I", b, 8)[0] for b in beats]
    assert all(990 <= b - a <= 1030 for a, b in zip(uptimes, uptimes[1:]))


def head_answers_what_it_does_not_understand() -> None:
    rig = Rig()
    rig.say(0x55, b"what")
    rig.say(m.ARM)
    rig.say(m.LED_PWM, b"\x01")
    rig.say(m.THRESH, bytes(31))
    rig.say(m.REBOOT, b"BOO")
    rig.say(m.REBOOT, b"BOOM")
    rig.say(m.LED_PWM, struct.pack("<H", 1001))
    assert rig.status() == [m.NOT_UNDERSTOOD] * 7
    rig.say(m.ARM, b"\x00and more that a later version may say")
    assert rig.status() == [m.DONE]


def head_does_not_answer_its_own_frames_from_a_line_that_echoes() -> None:
    rig = Rig()
    rig.heard = []
    for kind in (m.CAPS, m.HEARTBEAT, m.CARD, m.ACK, 0xFF):
        rig.say(kind, bytes(60))
    assert rig.heard == [] and rig.beat().refused == 5


def head_survives_noise_and_counts_it() -> None:
    rig = Rig()
    rig.ready()
    for seed in range(40):
        rig.noise(bytes_like_noise(97, seed + 3))
    rig.noise(b"\x00")
    rig.hello(session=3)
    beat = rig.beat()
    assert beat.session == 3 and beat.refused > 40


def head_counts_gaps_in_the_host_s_numbers() -> None:
    rig = Rig()
    rig.hello()
    rig.say(m.ARM, b"\x00", seq=250)
    lost = rig.beat().lost_frames
    rig.say(m.ARM, b"\x00", seq=3)
    assert rig.beat().lost_frames == lost + 7
    rig.say(m.HELLO, struct.pack("<BI", 1, 4), seq=99)
    assert rig.beat().lost_frames == lost + 7


def head_records_nothing_until_it_is_armed() -> None:
    rig = Rig()
    rig.hello()
    rig.credit(16)
    rig.wait(300)
    rig.card()
    assert rig.beat().cards == 0 and rig.beat().overflows == 0
    # Armed while a card goes by: not that one.
    rig.feed([(20, 0)])
    rig.say(m.ARM, b"\x01")
    rig.feed([(20, 3), (QUIET + 10, DATA)])
    assert rig.beat().cards == 0
    rig.card()
    beat = rig.beat()
    assert beat.cards == 1 and beat.flags == m.ARMED
    rig.say(m.ARM, b"\x00")
    rig.card()
    assert rig.beat().cards == 1


def head_disarms_itself_when_no_host_has_spoken_for_twenty_seconds() -> None:
    rig = Rig()
    rig.ready()
    rig.alone = True
    rig.wait(19_000)
    rig.card()
    rig.wait(200)
    beat = rig.beat()
    assert beat.cards == 1 and beat.flags & m.ARMED
    rig.wait(20_100)
    # STATS is a word from the host, but arms nothing; nor does noise.
    rig.noise(b"\x00\x05abc\x00")
    rig.card()
    beat = rig.beat()
    assert beat.cards == 1 and not beat.flags & m.ARMED and beat.kept == 1
    rig.say(m.ARM, b"\x01")
    rig.wait(250)
    rig.card()
    assert rig.beat().cards == 2


def head_says_when_something_is_in_the_bar() -> None:
    rig = Rig()
    rig.ready()
    assert rig.beat().flags == m.ARMED
    rig.feed([(100, 5)])
    beat = rig.beat()
    assert beat.flags == m.ARMED | m.IN_BAR and beat.levels == 5


def head_sends_no_card_without_credit_and_no_more_than_it_has() -> None:
    rig = Rig()
    rig.ready(credit=False)
    rig.card(changes=700)
    rig.wait(3000)
    assert rig.parts() == []
    rig.credit(3)
    first = rig.parts()
    assert [p[1:3] for p in first] == [(1, 0), (2, 1), (3, 2)]
    assert rig.beat().sent == 3
    rig.credit(3)
    rig.credit(2)
    assert rig.parts() == []
    rig.credit(3 + 16)
    rest = rig.parts()
    assert [p[2] for p in first + rest] == list(range(first[0][3]))
    assert all(len(p[6]) == m.PART_BYTES for p in (first + rest)[:-1])


def head_ignores_a_credit_from_before_a_greeting() -> None:
    rig = Rig()
    rig.ready(credit=False)
    rig.card()
    rig.credit(5000)
    rig.wait(1200)
    assert rig.parts() == []
    rig.credit(16)
    assert len(rig.whole()) == 1


def head_counts_sent_over_65535() -> None:
    rig = Rig()
    rig.ready(credit=False)
    rig.head.sent = rig.head._upto = 65534
    rig.card(changes=200)
    rig.credit(65534 + 16)
    assert [p[1] for p in rig.parts()][:4] == [65535, 0, 1, 2]


def head_sends_a_card_again_two_seconds_after_its_last_part() -> None:
    rig = Rig()
    rig.ready()
    rig.card()
    first = rig.whole()
    assert list(first) == [BOOT << 32 | 1]
    rig.wait(1700)
    assert rig.parts() == []
    rig.wait(400)
    assert rig.whole() == first
    rig.ack(BOOT << 32 | 1)
    rig.wait(5000)
    assert rig.parts() == [] and rig.beat().kept == 0


def head_sends_all_cards_again_when_it_is_greeted() -> None:
    rig = Rig()
    rig.ready()
    for _ in range(3):
        rig.card()
        rig.credit(rig.head.sent + 16)
    first = rig.whole()
    rig.ack(BOOT << 32 | 2)
    rig.hello(session=8)
    assert rig.parts() == [] and rig.beat().sent == 0 and rig.beat().session == 8
    rig.credit(16)
    again = rig.parts()
    assert [p[0] & 0xFFFFFFFF for p in again if p[2] == 0] == [1, 3]
    assert again[0][1] == 1
    assert b"".join([p[6] for p in again if p[0] & 255 == 3]) == first[BOOT << 32 | 3]


def head_forgets_a_card_once_acknowledged_however_often() -> None:
    rig = Rig()
    rig.ready()
    rig.card()
    card = BOOT << 32 | 1
    rig.ack(BOOT + 1 << 32 | 1)
    assert rig.beat().kept == 1
    rig.ack(card)
    rig.ack(card)
    rig.ack(12345)
    assert rig.status() == [m.DONE] * 4 and rig.beat().kept == 0
    for _ in range(3 * RING):
        rig.credit(rig.head.sent + 16)
        rig.card()
        card = BOOT << 32 | rig.head.recorder.cards
        assert card in rig.whole()
        rig.ack(card)
    beat = rig.beat()
    assert (beat.cards, beat.kept, beat.overflows) == (1 + 3 * RING, 0, 0)


def head_acknowledged_amid_a_sending_goes_on_with_the_next_card() -> None:
    rig = Rig()
    rig.ready(credit=False)
    rig.card(changes=300)
    rig.card()
    rig.credit(2)
    assert [p[0] & 255 for p in rig.parts()] == [1, 1]
    rig.ack(BOOT << 32 | 1)
    rig.credit(18)
    assert list(rig.whole()) == [BOOT << 32 | 2]


def head_keeps_eight_cards_and_counts_those_beyond() -> None:
    rig = Rig()
    rig.ready(credit=False)
    for _ in range(RING):
        rig.card()
    assert rig.beat().flags == m.ARMED | m.RING_FULL
    rig.card()
    rig.card()
    beat = rig.beat()
    assert (beat.cards, beat.kept, beat.overflows) == (RING, RING, 2)
    # Room that comes while a card goes by is for the next one: half a card is no card.
    rig.feed([(30, 0)])
    rig.ack(BOOT << 32 | 4)
    rig.feed([(30, 3), (QUIET + 10, DATA)])
    assert rig.beat().cards == RING
    rig.card()
    beat = rig.beat()
    assert (beat.cards, beat.kept, beat.overflows) == (RING + 1, RING, 3)
    rig.credit(100)
    assert sorted([card & 255 for card in rig.whole()]) == [1, 2, 3, 5, 6, 7, 8, 9]


def head_loses_no_card_on_a_line_that_damages_frames() -> None:
    rig = Rig()
    rig.ready()
    got = {}
    for k in range(RING):
        rig.card(changes=30 + k)
        for card, blob in rig.whole().items():
            if (card + len(got)) % 3:
                got[card] = blob
                rig.ack(card)
        rig.credit(rig.head.sent + 16)
    for _ in range(20):
        rig.wait(700)
        for card, blob in rig.whole().items():
            assert card not in got
            got[card] = blob
            rig.ack(card)
        rig.credit(rig.head.sent + 16)
    assert len(got) == RING and rig.beat().kept == 0


def head_sends_again_what_a_sleeping_host_did_not_take() -> None:
    rig = Rig()
    rig.ready()
    rig.board.deaf = True
    rig.card()
    rig.wait(500)
    drops = rig.head.write_drops
    assert 5 < drops < 20
    assert rig.head.sent == 0
    rig.board.deaf = False
    rig.wait(100)
    assert list(rig.whole()) == [BOOT << 32 | 1]
    assert rig.beat().write_drops == drops and rig.beat().sent == 1


# Self-test


def selftest_result(rig: Rig) -> "tuple[int, int, int, tuple[int, ...]]":
    (body,) = rig.take(m.SELFTEST_RESULT)
    ok, lit, unlit = struct.unpack_from("<BHH", body)
    analogue = struct.unpack_from("<16H", body, 5)
    assert len(body) == 5 + 32
    return ok, lit, unlit, analogue


def selftest_of_a_sound_bar_passes_and_leaves_the_light_as_it_was() -> None:
    rig = Rig()
    rig.ready()
    rig.say(m.LED_PWM, struct.pack("<H", 640))
    assert rig.board.duty == 640
    rig.say(m.SELFTEST)
    assert selftest_result(rig) == (1, DATA, 0, (52000,) * 6 + (3000,) * 10)
    assert rig.board.duty == 640 and rig.board.looked_away > 1


def selftest_finds_every_stuck_channel() -> None:
    for channel in range(8):
        for level in (0, 1):
            if channel >= 6 and level == 0:
                continue  # a clock sensor that never sees paper shows on the first card
            rig = Rig()
            rig.board.stuck = {channel: level}
            rig.hello()
            rig.say(m.SELFTEST)
            ok, lit, unlit, _ = selftest_result(rig)
            assert not ok
            assert (unlit if level else ~lit) >> channel & 1
            assert rig.beat().selftest_failures == 1


def selftest_finds_a_weak_channel_by_the_host_s_limits() -> None:
    rig = Rig()
    rig.ready()
    rig.say(m.THRESH, struct.pack("<HH", 10000, 40000) * 8)
    rig.say(m.SELFTEST)
    assert rig.status() == [m.DONE] and selftest_result(rig)[0] == 1
    for channel, lit, dark in ((2, 39999, 3000), (4, 52000, 10001), (7, 52000, 10001)):
        rig.board.analogue[channel] = (lit, dark)
        rig.say(m.SELFTEST)
        assert selftest_result(rig)[0] == 0
        rig.board.analogue[channel] = (52000, 3000)


def selftest_is_refused_while_a_card_goes_by() -> None:
    rig = Rig()
    rig.ready()
    rig.feed([(40, DATA), (100, 0)])
    rig.say(m.SELFTEST)
    assert rig.status() == [m.CARD_IN_BAR]
    rig.feed([(QUIET - 1, DATA)])
    rig.say(m.SELFTEST)
    assert rig.status() == [m.CARD_IN_BAR]
    rig.feed([(2, DATA)])
    rig.say(m.SELFTEST)
    assert selftest_result(rig)[0] == 1


def selftest_after_every_card_stops_a_head_that_has_gone_blind() -> None:
    rig = Rig()
    rig.ready()
    rig.card()
    assert rig.take(m.SELFTEST_RESULT) == []
    rig.board.stuck = {3: 1}  # shines through from now on; nobody sees it from an empty bar
    rig.card()
    assert selftest_result(rig)[:3] == (0, DATA, 8)
    beat = rig.beat()
    assert beat.flags == m.ARMED | m.SELFTEST_FAILED and beat.cards == 2
    rig.card()
    assert rig.beat().cards == 2 and rig.beat().overflows == 0
    rig.take(m.SELFTEST_RESULT)
    rig.board.stuck = {}
    rig.wait(2300)
    assert selftest_result(rig)[0] == 1
    assert rig.beat().flags == m.ARMED
    rig.card()
    assert rig.beat().cards == 3 and rig.take(m.SELFTEST_RESULT) == []


def selftest_when_armed_finds_a_sensor_that_never_sees_light() -> None:
    rig = Rig()
    rig.board.stuck = {5: 0}
    rig.board.shown = DATA & ~32
    rig.hello()
    rig.say(m.ARM, b"\x01")
    assert selftest_result(rig)[:2] == (0, DATA & ~32)
    rig.wait(10000)
    beat = rig.beat()
    assert beat.flags == m.ARMED | m.IN_BAR | m.SELFTEST_FAILED and beat.cards == 0
    assert 4 <= beat.selftest_failures <= 6


def a_card_that_came_while_the_light_was_off_is_said_to_have_lost_samples() -> None:
    rig = Rig()
    rig.ready()
    rig.say(m.SELFTEST)
    rig.feed([(300, 0), (QUIET + 10, DATA)])
    (blob,) = rig.whole().values()
    assert entries(blob)[1] == 1


# The rest


def levels_are_told_once_again_and_again_and_no_more() -> None:
    rig = Rig()
    rig.board.shown = 0x41
    rig.say(m.LEVELS, struct.pack("<H", 0))
    (body,) = rig.take(m.LEVELS_NOW)
    assert struct.unpack("<9H", body) == (0x41, 52000, 3000, 3000, 3000, 3000, 3000, 52000, 3000)
    rig.say(m.LEVELS, struct.pack("<H", 100))
    rig.wait(1000)
    assert 9 <= len(rig.take(m.LEVELS_NOW)) <= 11
    rig.say(m.LEVELS, struct.pack("<H", 1))
    rig.wait(1000)
    assert 30 <= len(rig.take(m.LEVELS_NOW)) <= 52
    rig.say(m.LEVELS, struct.pack("<H", 65535))
    assert rig.status() == [m.DONE]
    rig.wait(1000)
    assert rig.take(m.LEVELS_NOW) == []


def reboot_starts_anew_or_goes_to_the_prompt() -> None:
    for magic, prompt in ((m.BOOT_MAGIC, False), (m.PROMPT_MAGIC, True)):
        rig = Rig()
        try:
            rig.say(m.REBOOT, struct.pack("<I", magic))
        except Restarted as restarted:
            assert restarted.args[0] is prompt
        else:
            raise AssertionError


ALL = sorted(
    [
        name
        for name, thing in globals().items()
        if callable(thing)
        and name.split("_")[0] in ("frames", "payloads", "recorder", "head", "selftest", "a", "levels", "reboot")
        and name != "selftest_result"
    ]
)
