"""Frames: `0x00 COBS(payload CRC-32) 0x00`. Whatever is damaged is dropped and counted, never handed on."""

from __future__ import annotations

import zlib

PAYLOAD_MIN, PAYLOAD_MAX = 2, 240
CRC_BYTES = 4
ENCODED_MAX = PAYLOAD_MAX + CRC_BYTES + 1
"""Between two zeros: COBS adds one byte to anything below 254."""


def encode_frame(payload: bytes) -> bytes:
    """The bytes on the line. Raises `ValueError` for a payload that no frame may hold."""
    if not PAYLOAD_MIN <= len(payload) <= PAYLOAD_MAX:
        raise ValueError(f"a frame holds {PAYLOAD_MIN} to {PAYLOAD_MAX} bytes, not {len(payload)}")
    whole = payload + zlib.crc32(payload).to_bytes(CRC_BYTES, "little")
    return b"\0" + b"".join(bytes((len(run) + 1,)) + run for run in whole.split(b"\0")) + b"\0"


def decode_frame(block: bytes) -> bytes | None:
    """The payload of what stood between two zeros; `None` when it is no sound frame."""
    whole, at = bytearray(), 0
    while at < len(block):
        end = at + block[at]
        if end == at or end > len(block):
            return None
        whole += block[at + 1 : end]
        at = end
        if at < len(block):
            whole.append(0)
    payload, crc = bytes(whole[:-CRC_BYTES]), bytes(whole[-CRC_BYTES:])
    if not PAYLOAD_MIN <= len(payload) <= PAYLOAD_MAX or zlib.crc32(payload).to_bytes(CRC_BYTES, "little") != crc:
        return None
    return payload


class Decoder:
    """Bytes in, payloads out, however the line cuts them up. It never holds more than one frame's bytes.

    sound, damaged: how many blocks between zeros were frames, and how many were not.
    """

    def __init__(self) -> None:
        self.sound = self.damaged = 0
        self._held = bytearray()
        self._too_long = False

    def feed(self, data: bytes) -> list[bytes]:
        """The payloads that these bytes complete, in order."""
        found = []
        *ended, rest = data.split(b"\0")
        for piece in ended:
            self._hold(piece)
            payload = None if self._too_long else decode_frame(bytes(self._held))
            if payload is not None:
                self.sound += 1
                found.append(payload)
            elif self._held or self._too_long:
                self.damaged += 1
            self._held.clear()
            self._too_long = False
        self._hold(rest)
        return found

    def _hold(self, piece: bytes) -> None:
        if self._too_long or len(self._held) + len(piece) > ENCODED_MAX:
            self._too_long = True
            self._held.clear()
        else:
            self._held += piece
