"""Cases for both Pythons: the self-test, and what its light does to levels and cards."""

import struct

from device.firmware import messages as m
from tests.device.firmware.rig import DATA, Rig, entries

QUIET = 800


def _selftest_result(rig: Rig) -> "tuple[int, int, int, tuple[int, ...]]":
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
    assert _selftest_result(rig) == (1, DATA, 0, (52000,) * 6 + (3000,) * 10)
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
            ok, lit, unlit, _ = _selftest_result(rig)
            assert not ok
            assert (unlit if level else ~lit) >> channel & 1
            assert rig.beat().selftest_failures == 1


def selftest_finds_a_weak_channel_by_the_host_s_limits() -> None:
    rig = Rig()
    rig.ready()
    rig.say(m.THRESH, struct.pack("<HH", 10000, 40000) * 8)
    rig.say(m.SELFTEST)
    assert rig.status() == [m.DONE] and _selftest_result(rig)[0] == 1
    for channel, lit, dark in ((2, 39999, 3000), (4, 52000, 10001), (7, 52000, 10001)):
        rig.board.analogue[channel] = (lit, dark)
        rig.say(m.SELFTEST)
        assert _selftest_result(rig)[0] == 0
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
    assert _selftest_result(rig)[0] == 1


def selftest_after_every_card_stops_a_head_that_has_gone_blind() -> None:
    rig = Rig()
    rig.ready()
    rig.card()
    assert rig.take(m.SELFTEST_RESULT) == []
    rig.board.stuck = {3: 1}  # shines through from now on; nobody sees it from an empty bar
    rig.card()
    assert _selftest_result(rig)[:3] == (0, DATA, 8)
    beat = rig.beat()
    assert beat.flags == m.ARMED | m.SELFTEST_FAILED and beat.cards == 2
    rig.card()
    assert rig.beat().cards == 2 and rig.beat().overflows == 0
    rig.take(m.SELFTEST_RESULT)
    rig.board.stuck = {}
    rig.wait(2300)
    assert _selftest_result(rig)[0] == 1
    assert rig.beat().flags == m.ARMED
    rig.card()
    assert rig.beat().cards == 3 and rig.take(m.SELFTEST_RESULT) == []


def selftest_when_armed_finds_a_sensor_that_never_sees_light() -> None:
    rig = Rig()
    rig.board.stuck = {5: 0}
    rig.board.shown = DATA & ~32
    rig.hello()
    rig.say(m.ARM, b"\x01")
    assert _selftest_result(rig)[:2] == (0, DATA & ~32)
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
