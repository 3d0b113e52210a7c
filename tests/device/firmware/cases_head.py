"""Cases for both Pythons: the head's conversation, and the cards it keeps."""

import struct

from device.firmware import messages as m
from device.firmware.core import CARD_MAX, RING
from tests.device.firmware.rig import BOOT, DATA, Restarted, Rig, bytes_like_noise

QUIET = 800


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


def reboot_starts_anew_or_goes_to_the_prompt() -> None:
    for magic, prompt in ((m.BOOT_MAGIC, False), (m.PROMPT_MAGIC, True)):
        rig = Rig()
        try:
            rig.say(m.REBOOT, struct.pack("<I", magic))
        except Restarted as restarted:
            assert restarted.args[0] is prompt
        else:
            raise AssertionError
