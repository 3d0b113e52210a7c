"""Frames on the line: `0x00 COBS(payload CRC-32) 0x00`, made and taken apart byte for byte alike on both sides."""

import binascii
import struct

PAYLOAD_MIN = 2
PAYLOAD_MAX = 240
STUFFED_MAX = PAYLOAD_MAX + 4 + 1
"""A payload, its CRC, and the one byte that COBS adds to so few."""


def encode(payload: bytes) -> bytes:
    """The frame of a payload, with a zero on both sides. Raises `ValueError` for one of another length than 2 to 240."""
    if not PAYLOAD_MIN <= len(payload) <= PAYLOAD_MAX:
        raise ValueError("a payload is 2 to 240 bytes")
    whole = payload + struct.pack("<I", binascii.crc32(payload))
    # Shorter than 254 bytes, so that every piece between zeros fits one COBS block.
    return b"\x00" + b"".join([bytes((len(piece) + 1,)) + piece for piece in whole.split(b"\x00")]) + b"\x00"


def decode(stuffed: bytes) -> "bytes | None":
    """The payload of what stood between two zeros; `None` if it is damaged."""
    whole = _unstuffed(stuffed)
    if whole is None or not PAYLOAD_MIN + 4 <= len(whole) <= PAYLOAD_MAX + 4:
        return None
    payload = bytes(whole[:-4])
    return payload if struct.unpack("<I", whole[-4:])[0] == binascii.crc32(payload) else None


def _unstuffed(stuffed: bytes) -> "bytearray | None":
    whole = bytearray()
    at = 0
    end = len(stuffed)
    while at < end:
        block = stuffed[at]
        if block == 0 or at + block > end:
            return None
        whole += stuffed[at + 1 : at + block]
        at += block
        if block < 255 and at < end:
            whole.append(0)
    return whole


class Decoder:
    """Takes bytes as they come and gives the payloads of sound frames; holds no more than one frame.

    refused: frames that were too long or damaged, of which nothing came out.
    """

    def __init__(self) -> None:
        self.refused = 0
        self._held = bytearray()
        self._too_long = False

    def feed(self, data: bytes) -> "list[bytes]":
        """The payloads that end in `data`, in order."""
        payloads: list[bytes] = []
        pieces = data.split(b"\x00")
        for piece in pieces[:-1]:
            self._hold(piece)
            self._end(payloads)
        self._hold(pieces[-1])
        return payloads

    def _hold(self, piece: bytes) -> None:
        if self._too_long or len(self._held) + len(piece) > STUFFED_MAX:
            self._too_long = True
        else:
            self._held += piece

    def _end(self, payloads: "list[bytes]") -> None:
        if self._too_long or self._held:
            payload = None if self._too_long else decode(bytes(self._held))
            if payload is None:
                self.refused += 1
            else:
                payloads.append(payload)
        self._held = bytearray()
        self._too_long = False
