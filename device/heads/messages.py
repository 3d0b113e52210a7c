"""Messages between host and head, as in `docs/protocol.md`: `encode` what the host asks, `parse` what the head reports."""

from __future__ import annotations

import struct
from dataclasses import dataclass, fields
from typing import ClassVar

from cards.errors import LogicienneError

VERSION = 1
CHANNELS_MAX = 16
PART_BYTES = 200
"""Of a card, in one frame."""
DONE, NOT_UNDERSTOOD, CARD_IN_BAR = 0, 2, 3
ACK_WORDS = {DONE: "done", NOT_UNDERSTOOD: "not understood", CARD_IN_BAR: "a card is in the bar"}
ARMED, IN_BAR, SELFTEST_FAILED, FULL = 1, 2, 4, 8
FLAG_WORDS = {ARMED: "armed", IN_BAR: "card in the bar", SELFTEST_FAILED: "self-test failed", FULL: "full"}
ONCE, STOP = 0, 65535
BOOT_MAGIC, PROMPT_MAGIC = 0x544F4F42, 0x4C504552
"""REBOOT: start anew; or stop, and leave the line to MicroPython's prompt."""


class MessageError(LogicienneError, ValueError):
    """A payload that is no message of this protocol; it is counted and dropped."""


# --- what the host says -----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Request:
    """Something the host says. FORMAT: of its fields, as `struct` writes them. answered: whether an ACK comes back."""

    TYPE: ClassVar[int]
    FORMAT: ClassVar[str] = ""
    answered: ClassVar[bool] = False

    def body(self) -> bytes:
        """Its bytes after type and sequence number. Raises `ValueError` when a value does not fit."""
        try:
            return struct.pack("<" + self.FORMAT, *(getattr(self, f.name) for f in fields(self)))
        except struct.error as error:
            raise ValueError(f"{type(self).__name__} cannot hold {self}: {error}") from error


@dataclass(frozen=True)
class Hello(Request):
    """A host is there. session: random, not 0."""

    session: int
    version: int = VERSION
    TYPE: ClassVar[int] = 0x01

    def body(self) -> bytes:
        """Version first, in every version."""
        return struct.pack("<BI", self.version, self.session)


@dataclass(frozen=True)
class Arm(Request):
    """Record cards, or stop."""

    on: bool
    TYPE: ClassVar[int] = 0x02
    FORMAT: ClassVar[str] = "B"
    answered: ClassVar[bool] = True


@dataclass(frozen=True)
class LedPwm(Request):
    """The bar's light, in thousandths."""

    duty: int
    TYPE: ClassVar[int] = 0x03
    FORMAT: ClassVar[str] = "H"
    answered: ClassVar[bool] = True


@dataclass(frozen=True)
class AskLevels(Request):
    """Levels, every so many milliseconds; `ONCE`, or `STOP`."""

    every_ms: int
    TYPE: ClassVar[int] = 0x04
    FORMAT: ClassVar[str] = "H"


@dataclass(frozen=True)
class Thresh(Request):
    """Limits of the self-test, a channel (dark at most, light at least), of 65535."""

    limits: tuple[tuple[int, int], ...]
    TYPE: ClassVar[int] = 0x05
    answered: ClassVar[bool] = True

    def body(self) -> bytes:
        """Two numbers a channel."""
        try:
            return b"".join(struct.pack("<HH", *pair) for pair in self.limits)
        except struct.error as error:
            raise ValueError(f"limits are two numbers of 0 to 65535 a channel, not {self.limits}") from error


@dataclass(frozen=True)
class AskSelftest(Request):
    """Test all sensors, now."""

    TYPE: ClassVar[int] = 0x06


@dataclass(frozen=True)
class Credit(Request):
    """CARD frames may be sent while the head's counter is below this."""

    upto: int
    TYPE: ClassVar[int] = 0x07
    FORMAT: ClassVar[str] = "H"


@dataclass(frozen=True)
class CardAck(Request):
    """This card is on disk, read or refused."""

    card: int
    TYPE: ClassVar[int] = 0x08
    FORMAT: ClassVar[str] = "Q"
    answered: ClassVar[bool] = True


@dataclass(frozen=True)
class Stats(Request):
    """A heartbeat, now."""

    TYPE: ClassVar[int] = 0x09


@dataclass(frozen=True)
class Reboot(Request):
    """Start anew. Cards that were not acknowledged are lost."""

    magic: int = BOOT_MAGIC
    TYPE: ClassVar[int] = 0x0A
    FORMAT: ClassVar[str] = "I"


def encode(request: Request, seq: int) -> bytes:
    """The payload of a frame."""
    return bytes((request.TYPE, seq & 0xFF)) + request.body()


# --- what the head reports --------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Caps:
    """What the head is. uid: 16 hex digits. rate_hz: of sampling. ring: cards it keeps. card_max: bytes of one card."""

    uid: str
    boot: int
    rate_hz: int
    rows: int
    clocks: int
    ring: int
    card_max: int
    firmware: str
    bar: str

    @property
    def channels(self) -> int:
        """Data and clock sensors."""
        return self.rows + self.clocks


@dataclass(frozen=True)
class OtherVersion:
    """A head that speaks another version of the protocol; no more is known of it."""

    version: int


@dataclass(frozen=True)
class Heartbeat:
    """How the head is. sent: CARD frames of this session. flags: `FLAG_WORDS`. levels: one bit a channel. Then counters."""

    boot: int
    session: int
    uptime_ms: int
    sent: int
    kept: int
    flags: int
    levels: int
    cards: int
    overflows: int
    refused_frames: int
    lost_frames: int
    write_drops: int
    missed_samples: int
    selftest_failures: int
    resets: int

    @property
    def armed(self) -> bool:
        """Whether the head records cards."""
        return bool(self.flags & ARMED)


@dataclass(frozen=True)
class CardPart:
    """One part of one card. length, crc: of the whole card."""

    card: int
    sent: int
    part: int
    parts: int
    length: int
    crc: int
    data: bytes


@dataclass(frozen=True)
class Levels:
    """What each channel sees now: bits, and of 65535 (empty while the number of channels is not known)."""

    digital: int
    analogue: tuple[int, ...]


@dataclass(frozen=True)
class Selftest:
    """What each channel saw with the light on and off."""

    ok: bool
    lit: int
    unlit: int
    analogue_lit: tuple[int, ...]
    analogue_unlit: tuple[int, ...]


@dataclass(frozen=True)
class Log:
    """A line for people."""

    text: str


@dataclass(frozen=True)
class Ack:
    """The answer to the request of sequence number `to`; status: one of `ACK_WORDS`, or of a later version."""

    to: int
    status: int


Report = Caps | OtherVersion | Heartbeat | CardPart | Levels | Selftest | Log | Ack

HEARTBEAT, CARD = "<IIIHBBH8I", "<QHBBHI"


def parse(payload: bytes, channels: int = 0) -> Report:
    """The message in a sound frame; `channels`: of the head's CAPS, 0 before it came. Raises `MessageError`."""
    body = payload[2:]
    try:
        match payload[0]:
            case 0x81:
                return _caps(body)
            case 0x82:
                return Heartbeat(*struct.unpack_from(HEARTBEAT, body))
            case 0x83:
                return _card(body)
            case 0x84:
                return Levels(_words(body, 0, 1)[0], _words(body, 2, channels))
            case 0x85:
                ok, lit, unlit = struct.unpack_from("<BHH", body)
                analogue = _words(body, 5, 2 * channels)
                return Selftest(bool(ok), lit, unlit, analogue[:channels], analogue[channels:])
            case 0x8E:
                return Log(_printable(body))
            case 0x8F:
                return Ack(*struct.unpack_from("<BB", body))
    except (struct.error, IndexError) as error:
        raise MessageError(f"a message of type 0x{payload[0]:02X} breaks off after {len(payload)} bytes") from error
    raise MessageError(f"there is no message of type 0x{payload[0]:02X}")


def _caps(body: bytes) -> Caps | OtherVersion:
    if body[0] != VERSION:
        return OtherVersion(body[0])
    _, uid, boot, rate, rows, clocks, ring, card_max = struct.unpack_from("<B8sIIBBBH", body)
    firmware, at = _text(body, struct.calcsize("<B8sIIBBBH"))
    bar, _ = _text(body, at)
    if rows < 1 or clocks != 2 or rows + clocks > CHANNELS_MAX:
        raise MessageError(f"a head of {rows} data and {clocks} clock sensors; 1 to 14 and 2 are meant")
    return Caps(uid.hex(), boot, rate, rows, clocks, ring, card_max, firmware, bar)


def _text(body: bytes, at: int) -> tuple[str, int]:
    """A text behind its length, and where the next field stands."""
    end = at + 1 + body[at]
    if end > len(body):
        raise IndexError
    return _printable(body[at + 1 : end]), end


def _card(body: bytes) -> CardPart:
    card, sent, part, parts, length, crc = struct.unpack_from(CARD, body)
    begin = struct.calcsize(CARD)
    if parts != max(1, -(-length // PART_BYTES)) or part >= parts:
        raise MessageError(f"part {part} of {parts} does not fit a card of {length} bytes")
    size = min(PART_BYTES, length - part * PART_BYTES)
    data = body[begin : begin + size]
    if len(data) < size:
        raise IndexError
    return CardPart(card, sent, part, parts, length, crc, data)


def _words(body: bytes, at: int, count: int) -> tuple[int, ...]:
    return tuple(struct.unpack_from(f"<{count}H", body, at))


def _printable(text: bytes) -> str:
    """Nothing that a terminal would obey."""
    return "".join(c for c in text.decode("utf-8", "replace") if c.isprintable())
