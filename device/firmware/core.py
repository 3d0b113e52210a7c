"""The head itself: answers the host, keeps cards until they are acknowledged, tells how it is. docs/protocol.md, step by step."""

import struct
from array import array

from . import messages as m
from .board import TICKS_PERIOD, Board
from .frames import Decoder, encode
from .recorder import Recorder
from .ring import Ring, Slot
from .selftest import Limits, SelfTest

FIRMWARE = "logicienne 1"
RATE_HZ = 4000
RING = 8
CARD_MAX = 4096

HEARTBEAT_MS = 1000
RESEND_MS = 2000
RETEST_MS = 2000
WRITE_AGAIN_MS = 50
LEVELS_FASTEST_MS = 20
ALONE_MS = 20_000


class Head:
    """One start of the head on a board; `step` drives it."""

    def __init__(self, board: Board) -> None:
        self._board = board
        self._channels = board.rows + board.clocks
        self.boot = board.random()
        self.ring = Ring(RING, CARD_MAX)
        self.recorder = Recorder(self.ring, (1 << board.rows) - 1, 1_000_000 // RATE_HZ)
        self.session = 0
        self.armed = False
        self.failed = False
        self.uptime_ms = 0
        self.sent = 0
        self.lost_frames = 0
        self.write_drops = 0
        self.selftest_failures = 0
        self._upto = 0
        self._seq = 0
        self._heard: int | None = None
        self._heard_ms = 0
        self._decoder = Decoder()
        self._limits = Limits(self._channels)
        self._selftest = SelfTest(board, self._limits)
        self._analogue = memoryview(array("H", [0] * self._channels))
        self._duty = 1000
        self._test_due = False
        self._test_ms = 0
        self._beat_ms = 0
        self._levels_every_ms: int | None = None
        self._levels_ms = 0
        self._again_ms = 0
        self._ticks_us = board.ticks_us()
        self._rest_us = 0
        self._answers = {
            m.HELLO: (5, self._hello),
            m.ARM: (1, self._arm),
            m.LED_PWM: (2, self._led_pwm),
            m.LEVELS: (2, self._levels),
            m.THRESH: (4 * self._channels, self._thresh),
            m.SELFTEST: (0, self._test_now),
            m.CREDIT: (2, self._credit),
            m.CARD_ACK: (8, self._card_ack),
            m.STATS: (0, self._stats),
            m.REBOOT: (4, self._reboot),
        }

    def start(self) -> None:
        """Light, sampling, and CAPS, so that a host that is there already knows of the start."""
        self._board.led(self._duty)
        self._board.start(RATE_HZ)
        self._caps()

    def step(self, ticks_us: int, data: bytes, rows: "memoryview[int]", count: int) -> bool:
        """What came from the host and from the bar since the last step. Whether there is more to send at once."""
        self._time(ticks_us)
        if self._board.missed:
            self.recorder.miss(self._board.missed)
        ends = self.recorder.ends
        self.recorder.take(rows, count)
        if self.recorder.ends != ends:
            self._test_due = True
        if data:
            for payload in self._decoder.feed(data):
                self._hear(payload)
        self._disarm_if_alone()
        self._test_if_due()
        if self._levels_every_ms is not None and self.uptime_ms - self._levels_ms >= self._levels_every_ms:
            self._tell_levels()
        if self.uptime_ms - self._beat_ms >= HEARTBEAT_MS:
            self._stats()
        return self._send_card()

    @property
    def settled(self) -> bool:
        """Armed, tested, no card in the bar, and every card with the host: ready for the next one."""
        return self.recorder.allowed and not self._test_due and not self.ring.kept and self.recorder.state == 0

    def _time(self, ticks_us: int) -> None:
        self._rest_us += (ticks_us - self._ticks_us) % TICKS_PERIOD
        self._ticks_us = ticks_us
        self.uptime_ms += self._rest_us // 1000
        self._rest_us %= 1000

    def _hear(self, payload: bytes) -> None:
        kind, seq = payload[0], payload[1]
        if self._heard is not None and kind != m.HELLO:
            self.lost_frames += (seq - self._heard - 1) & 255
        self._heard = seq
        if kind >= 0x80:
            # A head's own frame, from a line that echoes: an answer would go round for ever.
            self._decoder.refused += 1
            return
        self._heard_ms = self.uptime_ms
        needs, answer = self._answers.get(kind, (0, None))
        status = m.NOT_UNDERSTOOD if answer is None or len(payload) < 2 + needs else answer(payload[2:])
        if status is not None:
            self._send(m.ACK, bytes((seq, status)))

    def _disarm_if_alone(self) -> None:
        """With no host no lamp answers: whoever feeds a card feeds it again, and both would be counted when one comes."""
        if self.armed and self.uptime_ms - self._heard_ms > ALONE_MS:
            self.armed = False
            self._allow()

    def _hello(self, body: bytes) -> "int | None":
        version, session = struct.unpack_from(m.HELLO_FORMAT, body)
        if version == m.VERSION:
            if session == 0:
                return m.NOT_UNDERSTOOD
            self.session = session
            self.sent = self._upto = 0
            self._levels_every_ms = None
            self.ring.rewind()
        self._caps()
        return None

    def _arm(self, body: bytes) -> "int | None":
        self.armed = bool(body[0])
        self._test_due = self.armed
        self._allow()
        return m.DONE

    def _led_pwm(self, body: bytes) -> "int | None":
        duty: int = struct.unpack_from("<H", body)[0]
        if duty > 1000:
            return m.NOT_UNDERSTOOD
        self._duty = duty
        self._board.led(duty)
        return m.DONE

    def _levels(self, body: bytes) -> "int | None":
        every_ms: int = struct.unpack_from("<H", body)[0]
        self._levels_every_ms = None
        if every_ms == m.LEVELS_STOP:
            return m.DONE
        if every_ms != m.LEVELS_ONCE:
            self._levels_every_ms = max(every_ms, LEVELS_FASTEST_MS)
        self._tell_levels()
        return None

    def _thresh(self, body: bytes) -> "int | None":
        self._limits.set(body)
        self._test_due = self.armed
        return m.DONE

    def _test_now(self, body: bytes) -> "int | None":
        if self.recorder.passing:
            return m.CARD_IN_BAR
        self._test()
        self._send(m.SELFTEST_RESULT, self._selftest.body())
        return None

    def _credit(self, body: bytes) -> "int | None":
        upto: int = struct.unpack_from("<H", body)[0]
        if (upto - self.sent) & 65535 <= m.CREDIT_STALE:
            self._upto = upto
        return None

    def _card_ack(self, body: bytes) -> "int | None":
        number, boot = struct.unpack_from("<II", body)
        if boot == self.boot:
            self.ring.forget(number)
        return m.DONE

    def _stats(self, body: bytes = b"") -> "int | None":
        self._beat_ms = self.uptime_ms
        flags = m.ARMED * self.armed | m.SELFTEST_FAILED * self.failed | m.RING_FULL * self.ring.full
        recorder = self.recorder
        if recorder.passing or recorder.level != recorder.empty:
            flags |= m.IN_BAR
        state = (
            self.boot,
            self.session,
            self.uptime_ms & 0xFFFFFFFF,
            self.sent,
            len(self.ring.kept),
            flags,
            recorder.level,
        )
        counters = (
            recorder.cards,
            recorder.overflows,
            self._decoder.refused,
            self.lost_frames,
            self.write_drops,
            recorder.missed,
            self.selftest_failures,
            self._board.resets,
        )
        self._send(m.HEARTBEAT, struct.pack(m.HEARTBEAT_FORMAT, *(state + counters)))
        return None

    def _reboot(self, body: bytes) -> "int | None":
        magic = struct.unpack_from("<I", body)[0]
        if magic not in (m.BOOT_MAGIC, m.PROMPT_MAGIC):
            return m.NOT_UNDERSTOOD
        self._board.reset(magic == m.PROMPT_MAGIC)
        return None

    def _caps(self) -> None:
        board = self._board
        body = struct.pack(
            m.CAPS_FORMAT, m.VERSION, board.uid, self.boot, RATE_HZ, board.rows, board.clocks, RING, CARD_MAX
        )
        for text in (FIRMWARE.encode(), board.bar.encode()):
            body += bytes((len(text),)) + text
        self._send(m.CAPS, body)

    def _tell_levels(self) -> None:
        self._levels_ms = self.uptime_ms
        digital = self._board.levels(self._analogue)
        self._send(m.LEVELS_NOW, struct.pack("<H", digital) + bytes(self._analogue))

    def _allow(self) -> None:
        self.recorder.allowed = self.armed and not self.failed

    def _test(self) -> None:
        self._test_due = False
        self._test_ms = self.uptime_ms
        self.failed = not self._selftest.run(self._duty)
        self.recorder.look_away()
        self.selftest_failures += self.failed
        self._allow()

    def _test_if_due(self) -> None:
        """The head's own test: when it is armed, whenever the bar has become empty, and again and again while it fails."""
        if not self.armed or self.recorder.passing:
            return
        again = self.failed and self.uptime_ms - self._test_ms >= RETEST_MS
        if self._test_due or again:
            was_failed = self.failed
            self._test()
            if self.failed or was_failed:
                self._send(m.SELFTEST_RESULT, self._selftest.body())

    def _send_card(self) -> bool:
        """The next part of the oldest card that has one to send; whether there are more."""
        if self.uptime_ms < self._again_ms or self._upto == self.sent:
            return False
        for slot in self.ring.kept:
            if slot.part * m.PART_BYTES >= slot.length and self.uptime_ms - slot.sent_ms >= RESEND_MS:
                slot.part = 0
            if slot.part * m.PART_BYTES < slot.length:
                return self._send_part(slot)
        return False

    def _send_part(self, slot: Slot) -> bool:
        parts = -(-slot.length // m.PART_BYTES)
        at = slot.part * m.PART_BYTES
        sent = (self.sent + 1) & 65535
        card = self.boot << 32 | slot.number
        head = struct.pack(m.CARD_FORMAT, card, sent, slot.part, parts, slot.length, slot.crc)
        if not self._send(m.CARD, head + slot.data[at : min(at + m.PART_BYTES, slot.length)]):
            # A host that sleeps; the part is sent again, and nothing else waits for it.
            self._again_ms = self.uptime_ms + WRITE_AGAIN_MS
            return False
        self.sent = sent
        slot.part += 1
        slot.sent_ms = self.uptime_ms
        return True

    def _send(self, kind: int, body: bytes) -> bool:
        payload = bytes((kind, self._seq)) + body
        self._seq = (self._seq + 1) & 255
        if self._board.write(encode(payload)):
            return True
        self.write_drops += 1
        return False
