"""Frames and messages: whatever comes over a line, what is handed on is what was sent."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from device.firmware.frames import PAYLOAD_MAX, STUFFED_MAX, Decoder
from device.firmware.frames import encode as encode_frame
from device.heads.messages import (
    Ack,
    AskSelftest,
    Caps,
    CardAck,
    CardPart,
    Credit,
    Heartbeat,
    Hello,
    LedPwm,
    Levels,
    Log,
    MessageError,
    OtherVersion,
    Selftest,
    Thresh,
    encode,
    parse,
)
from tests.device.heads.fake import cobs, frame, uncobs

payloads = st.binary(min_size=2, max_size=PAYLOAD_MAX)


@given(st.lists(payloads, max_size=5), st.integers(1, 300))
def test_frames_come_out_as_they_went_in_however_the_line_cuts_them(sent: list[bytes], size: int) -> None:
    line = b"".join(map(encode_frame, sent))
    decoder, found = Decoder(), list[bytes]()
    for at in range(0, len(line), size):
        found += decoder.feed(line[at : at + size])
    assert found == sent and decoder.refused == 0


@given(payloads)
def test_both_sides_encode_alike(payload: bytes) -> None:
    assert encode_frame(payload) == frame(payload)
    assert uncobs(cobs(payload)) == payload


def test_three_thousand_frames_of_which_a_tenth_is_damaged_lose_only_those() -> None:
    rng = random.Random(1)
    sent = [rng.randbytes(rng.randint(2, PAYLOAD_MAX)) for _ in range(3000)]
    line, sound = b"", []
    for payload in sent:
        data = bytearray(encode_frame(payload))
        if rng.random() < 0.1:
            how = rng.choice(["flip", "drop", "cut"])
            at = rng.randrange(1, len(data) - 1)
            if how == "flip":
                # Never into a zero or a frame's end: that would be two damaged frames.
                data[at] = data[at] ^ 1 << rng.randrange(8) or 1
            elif how == "drop":
                del data[at]
            else:
                del data[at:]
        else:
            sound.append(payload)
        line += bytes(data)
    decoder = Decoder()
    assert decoder.feed(line) == sound
    assert decoder.refused >= 250


def test_what_never_ends_is_not_kept() -> None:
    decoder = Decoder()
    for _ in range(1000):
        assert decoder.feed(b"\x55" * 4096) == []
    assert len(decoder._held) <= STUFFED_MAX
    assert decoder.feed(encode_frame(b"after")) == [b"after"] and decoder.refused == 1


@pytest.mark.parametrize("size", [0, 1, 241])
def test_a_payload_that_no_frame_holds_is_refused(size: int) -> None:
    with pytest.raises(ValueError, match="2 to 240 bytes"):
        encode_frame(bytes(size))
    decoder = Decoder()
    assert decoder.feed(frame(bytes(size))) == []


@given(st.binary(max_size=2000))
def test_noise_is_no_frame_and_breaks_nothing(noise: bytes) -> None:
    decoder = Decoder()
    decoder.feed(noise)
    assert decoder.feed(encode_frame(b"xy"))[-1:] == [b"xy"]


def test_requests_are_as_the_protocol_has_them() -> None:
    assert encode(Hello(0x04030201), 7) == bytes.fromhex("01 07 01 01020304")
    assert encode(Credit(16), 256) == bytes.fromhex("07 00 1000")
    assert encode(CardAck(1 << 32 | 2), 1) == bytes.fromhex("08 01 02000000 01000000")
    assert encode(Thresh(((1, 2), (3, 4))), 1) == bytes.fromhex("05 01 0100 0200 0300 0400")
    assert encode(AskSelftest(), 3) == bytes.fromhex("06 03")
    with pytest.raises(ValueError, match="LedPwm"):
        encode(LedPwm(70000), 1)


def test_reports_are_understood_and_what_stands_behind_them_is_ignored() -> None:
    caps = bytes.fromhex("8101 01 0001020304050607 04030201 a00f0000 06 02 08 0010 02 4f4b 03 626172")
    assert parse(caps) == Caps("0001020304050607", 0x01020304, 4000, 6, 2, 8, 4096, "OK", "bar")
    assert parse(caps + b"later") == parse(caps)
    assert parse(bytes.fromhex("8101 02")) == OtherVersion(2)
    beat = parse(b"\x82\x01" + bytes(range(50)))
    assert isinstance(beat, Heartbeat) and beat.boot == 0x03020100 and beat.resets == 0x31302F2E
    assert parse(b"\x84\x01\x05\x00\x01\x00\x02\x00", channels=2) == Levels(5, (1, 2))
    assert parse(b"\x84\x01\x05\x00\x01\x00\x02\x00") == Levels(5, ())
    tested = parse(b"\x85\x01\x01\x03\x00\x00\x00" + bytes(range(8)), channels=2)
    assert tested == Selftest(True, 3, 0, (0x0100, 0x0302), (0x0504, 0x0706))
    assert parse(b"\x8f\x01\x09\x03") == Ack(9, 3)
    part = parse(b"\x83\x01" + bytes(8) + bytes.fromhex("0100 01 02 d200 00000000") + b"0123456789more")
    assert isinstance(part, CardPart) and part.data == b"0123456789"


def test_a_log_line_cannot_steer_a_terminal() -> None:
    assert parse(b"\x8e\x01caf\xc3\xa9\x1b[2J\r\n\xff") == Log("café[2J\ufffd")


@pytest.mark.parametrize(
    "payload",
    [
        b"\x81\x01",
        b"\x82\x01" + bytes(49),
        b"\x83\x01" + bytes(17),
        b"\x84\x01\x00",
        b"\x8f\x01\x01",
        b"\x00\x00",
        bytes.fromhex("8101 01 0001020304050607 04030201 a00f0000 06 02 08 0010 ff 4f4b"),
        bytes.fromhex("8101 01 0001020304050607 04030201 a00f0000 06 01 08 0010 00 00"),
        b"\x83\x01" + bytes(8) + bytes.fromhex("0100 02 02 d200 00000000") + bytes(200),
        b"\x83\x01" + bytes(8) + bytes.fromhex("0100 00 03 d200 00000000") + bytes(200),
        b"\x83\x01" + bytes(8) + bytes.fromhex("0100 00 02 d200 00000000") + bytes(199),
    ],
    ids=lambda p: p[:4].hex(),
)
def test_what_breaks_off_or_contradicts_itself_is_no_message(payload: bytes) -> None:
    with pytest.raises(MessageError):
        parse(payload, channels=8)
