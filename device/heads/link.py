"""A conversation with one head, over a line that may be noisy, cut or taken over: it always comes back by itself.

`Link.pump` does everything: it opens the line, says HELLO until the head answers, gives credit, asks again what was not
answered, and opens the line anew when nothing sensible comes. Nothing runs beside it, so nothing needs a lock.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from device.firmware.frames import Decoder
from device.firmware.frames import encode as frame
from device.heads.line import Line, LineLost
from device.heads.messages import (
    CARD_IN_BAR,
    NOT_UNDERSTOOD,
    VERSION,
    Ack,
    Arm,
    Caps,
    CardPart,
    Credit,
    Heartbeat,
    Hello,
    MessageError,
    OtherVersion,
    Report,
    Request,
    encode,
    parse,
)
from device.sources.newest import Backoff

CREDIT = 16
"""CARD frames that may be under way."""
RAW_BYTES = 160
"""Of what a device says that is no head, to tell what it is."""
FLASH = "logicienne head flash"


@dataclass(frozen=True)
class Patience:
    """hello_s: between two HELLOs. silence_s: without a sound message, then the line is opened anew. answer_s: for an ACK.

    again: before the line is tried again.
    """

    hello_s: float = 0.5
    silence_s: float = 3.0
    answer_s: float = 1.0
    again: Backoff = field(default_factory=Backoff)


class Link:
    """See the module.

    caps: what the head says it is; `None` while no head answers. heartbeat: its last. problem: why there is none, in words
    for people. misunderstood, missed: messages that were no message, and gaps in sequence numbers.
    """

    def __init__(
        self,
        name: str,
        connect: Callable[[], Line],
        standing: Sequence[Request] = (),
        patience: Patience | None = None,
        trace: Callable[[Request | Report], None] | None = None,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self.name, self.standing = name, tuple(standing)
        self.caps: Caps | None = None
        self.heartbeat: Heartbeat | None = None
        self.problem: str | None = None
        self.said: list[str] = []
        self.heard = self.misunderstood = self.missed = 0
        self.decoder = Decoder()
        self._connect, self._patience, self._now = connect, patience or Patience(), now
        self._trace = trace or (lambda message: None)
        self._line: Line | None = None
        self._failures, self._try_at = 0, now()
        self._seq, self._their_seq = 0, -1
        self._unanswered: dict[int, tuple[Request, float]] = {}
        self._session, self._hello_at = 0, 0.0
        self._silent_s, self._raw = 0.0, b""
        self._sent, self._upto = 0, 0

    def pump(self, timeout_s: float) -> list[Report]:
        """Do what is due, and listen; returns at once when something came. Never raises for what the line does."""
        end = self._now() + timeout_s
        while True:
            reports: list[Report] = []
            try:
                self._turn(max(end - self._now(), 0.0), reports)
            except LineLost as lost:
                self._lose(str(lost))
            if reports or self._now() >= end:
                return reports

    def send(self, request: Request) -> int | None:
        """Say something once; its sequence number, `None` when there is no line just now."""
        if self._line is None:
            return None
        seq, self._seq = self._seq, (self._seq + 1) % 256
        self._trace(request)
        try:
            self._line.write(frame(encode(request, seq)))
        except LineLost as lost:
            self._lose(str(lost))
            return None
        return seq

    def ask(self, request: Request) -> None:
        """Say something again and again until the head has done it, or was lost."""
        seq = self.send(request)
        if seq is not None and request.answered:
            self._unanswered[seq] = (request, self._now() + self._patience.answer_s)

    def close(self) -> None:
        """Let the line go."""
        if self._line is not None:
            self._line.close()
        self._line = self.caps = None

    # --- the line ----------------------------------------------------------------------------------------------

    def _turn(self, left_s: float, reports: list[Report]) -> None:
        if self._line is None:
            wait_s = self._try_at - self._now()
            if wait_s > 0:
                time.sleep(min(wait_s, left_s))
                return
            self._line = self._connect()
            self._greet()
        due_s = self._do_what_is_due()
        if self._line is None:
            return
        # Only time in which somebody listened counts as silence: a full disk may keep the service away for minutes.
        began = self._now()
        data = self._line.read(min(left_s, due_s))
        self._silent_s += self._now() - began
        self._hear(data, reports)
        if self._silent_s > self._patience.silence_s:
            raise LineLost(self._stranger() if self.caps is None else "has fallen silent")

    def _lose(self, why: str) -> None:
        self.close()
        self._failures += 1
        self._try_at = self._now() + self._patience.again.after(self._failures)
        self.problem = f"{self.name}: {why}"

    def _greet(self) -> None:
        """Say HELLO from now on, until CAPS comes."""
        self.caps = self.heartbeat = None
        self._session, self._hello_at = random.SystemRandom().randint(1, 2**32 - 1), self._now()
        self._unanswered.clear()
        self._silent_s, self._raw = 0.0, b""

    def _do_what_is_due(self) -> float:
        """Seconds until the next thing is."""
        now = self._now()
        if self.caps is None:
            if now >= self._hello_at:
                self._hello_at = now + self._patience.hello_s
                self.send(Hello(self._session))
            return max(self._hello_at - now, 0.0)
        for seq, (request, due) in list(self._unanswered.items()):
            if now >= due:
                del self._unanswered[seq]
                self.ask(request)
        return self._patience.answer_s

    # --- what comes --------------------------------------------------------------------------------------------

    def _hear(self, data: bytes, reports: list[Report]) -> None:
        if self.caps is None:
            self._raw = (self._raw + data)[-RAW_BYTES:]
        for payload in self.decoder.feed(data):
            self.heard += 1
            self._count(payload[1])
            try:
                report = parse(payload, self.caps.channels if self.caps else 0)
            except MessageError:
                self.misunderstood += 1
                continue
            self._trace(report)
            self._silent_s = 0.0
            if self._concerns(report):
                reports.append(report)

    def _count(self, seq: int) -> None:
        """The numbers that were left out; the same one again is a repeat, and none were."""
        if self._their_seq >= 0 and seq != self._their_seq:
            self.missed += (seq - self._their_seq - 1) % 256
        self._their_seq = seq

    def _concerns(self, report: Report) -> bool:
        """Answer what the link itself answers; whether others should hear of it."""
        match report:
            case OtherVersion():
                raise LineLost(
                    f"the head speaks version {report.version} of the protocol, this program version {VERSION}; "
                    f"bring them together: {FLASH}"
                )
            case Caps():
                self._met(report)
                return self.caps is not None
            case _ if self.caps is None:
                # From before this HELLO: credits and cards of a session that is over.
                return False
            case Heartbeat():
                if (report.boot, report.session) != (self.caps.boot, self._session):
                    self._greet()
                    return False
                self.heartbeat = report
                self._give_credit(report.sent, always=True)
                self._arm_again(report)
            case CardPart():
                self._give_credit(report.sent)
            case Ack():
                self._answered(report)
        return True

    def _met(self, caps: Caps) -> None:
        if self.caps is not None and self.caps.boot != caps.boot:
            self._greet()
            return
        again = self.problem is not None
        self.caps, self.problem, self._failures = caps, None, 0
        if again:
            self.said.append(f"{self.name}: there again")
        self._upto = 0
        self._give_credit(0, always=True)
        self._unanswered.clear()
        for request in self.standing:
            self.ask(request)

    def _arm_again(self, beat: Heartbeat) -> None:
        """A head that heard nothing for a while (this program hung, the disk was full) has disarmed itself."""
        wanted = [r for r in self.standing if isinstance(r, Arm) and r.on]
        if wanted and not beat.armed and not any(isinstance(r, Arm) for r, _ in self._unanswered.values()):
            self.ask(wanted[0])

    def _give_credit(self, sent: int, always: bool = False) -> None:
        """Frames come in order, so the last `sent` is where the head is; half the credit used up is time for more."""
        upto = (sent + CREDIT) % 65536
        if always or (upto - self._upto) % 65536 >= CREDIT // 2:
            self._upto = upto
            self.send(Credit(upto))

    def _answered(self, ack: Ack) -> None:
        if ack.status == CARD_IN_BAR:
            # Stays asked, and is asked again when its time is up.
            return
        asked = self._unanswered.pop(ack.to, None)
        if asked is not None and ack.status == NOT_UNDERSTOOD:
            self.said.append(
                f"{self.name}: does not understand {type(asked[0]).__name__}; bring it up to date: {FLASH}"
            )

    def _stranger(self) -> str:
        """What is at the other end, when it is no head that answers."""
        text = "".join(c for c in self._raw.decode("ascii", "replace") if c.isprintable() and c != "\ufffd")
        if not self._raw:
            return f"does not answer; if it was never flashed: {FLASH}"
        if ">>>" in text or "MicroPython" in text:
            return f"runs MicroPython but not the head's firmware; {FLASH}"
        if len(text) > 0.7 * len(self._raw):
            return f"sends text (“{text[:40]}”) and is no sensor head; name the head's own line"
        return "sends what makes no sense; another device, or a line with much noise"
