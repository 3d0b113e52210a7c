"""Cases for both Pythons: frames on the line."""

import binascii
import struct

from device.firmware.frames import PAYLOAD_MAX, STUFFED_MAX, Decoder, decode, encode
from tests.device.firmware.rig import bytes_like_noise


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
