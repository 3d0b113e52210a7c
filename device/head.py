"""The sensor head as a source: `head:/dev/ttyACM0`. Every card that it kept comes once, and it forgets a card only when told.

A head that is unplugged, restarted or drowned in noise is no error: `problem` says what is wrong, and it comes back.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from functools import partial

from device.heads.bench import HeadBench
from device.heads.cards import Assembler, card_of, mark_of, sweep_of
from device.heads.line import BAUD, SerialLine
from device.heads.link import Link, Patience
from device.heads.messages import (
    FULL,
    SELFTEST_FAILED,
    Arm,
    Caps,
    CardAck,
    CardPart,
    Heartbeat,
    LedPwm,
    Log,
    Report,
    Selftest,
    Thresh,
)
from device.source import Options, Source, SourceError
from device.sweep import Sweep

REMEMBERED = 1024
"""Cards that were kept, so that their repeats are only acknowledged; a head's ring holds at most 255."""


class Head(Source):
    """See the module. A card's mark is `head:<uid>:<card>`: whoever keeps cards can tell that it was kept before."""

    sweeps = True

    def __init__(self, link: Link) -> None:
        super().__init__(link.name)
        self.link = link
        self._cards = Assembler()
        self._ready: deque[Sweep] = deque()
        self._given = ""
        self._kept: dict[str, None] = {}
        self._last: Heartbeat | None = None
        self._tested: Selftest | None = None

    def wait(self, timeout_s: float) -> Sweep | None:
        """The next card. One that was given and not kept comes again when the head sends it again."""
        self._given = ""
        for report in self.link.pump(0.0 if self._ready else timeout_s):
            self._take(report)
        for text in self.link.said:
            self.notice(text)
        self.link.said.clear()
        self.problem = self.link.problem or self._trouble()
        if not self._ready:
            return None
        sweep = self._ready.popleft()
        self._given = sweep.mark
        return sweep

    def kept(self, mark: str) -> None:
        """The head may forget this card. Without a line it is told when it sends the card again."""
        self._kept[mark] = None
        while len(self._kept) > REMEMBERED:
            del self._kept[next(iter(self._kept))]
        uid, card = card_of(mark)
        if self.link.caps is not None and self.link.caps.uid == uid:
            self.link.send(CardAck(card))

    def tune(self, duty: int, limits: Sequence[tuple[int, int]] | None) -> None:
        """Said to the head whenever it is met; a duty named with the source goes before it."""
        wishes = (LedPwm(duty), *(() if limits is None else (Thresh(tuple(limits)),)))
        self.link.standing = (*wishes, *self.link.standing)

    def close(self) -> None:
        """Nothing is recorded any more: a card that is fed to a machine at rest must not be counted later."""
        if not self.ended:
            self.link.send(Arm(False))
            self.link.close()
        super().close()

    def _take(self, report: Report) -> None:
        match report:
            case CardPart():
                self._part(report)
            case Heartbeat():
                self._beat(report)
            case Caps():
                self._met(report)
            case Selftest():
                self._tested = report
            case Log():
                self.notice(f"{self.name}: {report.text}")

    def _part(self, part: CardPart) -> None:
        caps = self.link.caps
        if caps is None:
            return
        mark = mark_of(caps.uid, part.card)
        if mark in self._kept:
            self.link.send(CardAck(part.card))
            return
        if mark == self._given or any(mark == sweep.mark for sweep in self._ready):
            return
        whole = self._cards.add(part)
        if whole is not None:
            self._ready.append(sweep_of(whole, caps, mark))

    def _met(self, caps: Caps) -> None:
        # Parts of a start that is over will never be completed, nor those of another head.
        self._cards.clear()
        last = self._last
        if last is not None and last.boot != caps.boot and last.kept:
            self.notice(f"{self.name}: was started anew; a card that no lamp answered must be fed again")
        self._last = None

    def _beat(self, beat: Heartbeat) -> None:
        last, self._last = self._last, beat
        lost = beat.overflows - last.overflows if last is not None and last.boot == beat.boot else 0
        if lost > 0:
            self.notice(f"{self.name}: {lost} cards went past while it was full; feed again what no lamp answered")

    def _trouble(self) -> str | None:
        """What the head itself says is wrong."""
        beat = self.link.heartbeat
        if beat is None:
            return None
        if beat.flags & FULL:
            return f"{self.name}: holds {beat.kept} cards that are not kept yet and takes no more; wait a moment"
        if beat.flags & SELFTEST_FAILED:
            found = self._faults() or "take out what lies in the bar"
            return f"{self.name}: its self-test failed: {found}; see: logicienne head levels"
        return None

    def _faults(self) -> str:
        """Which sensors fail, numbered from the top; T1 and T2 are the clock."""
        caps, tested = self.link.caps, self._tested
        if caps is None or tested is None or tested.ok:
            return ""
        names = [str(k + 1) for k in range(caps.rows)] + ["T1", "T2"]
        dark = [n for k, n in enumerate(names[: caps.rows]) if not tested.lit >> k & 1]
        light = [n for k, n in enumerate(names) if tested.unlit >> k & 1 or (k >= caps.rows and tested.lit >> k & 1)]
        said = [
            f"{what} at sensor {', '.join(which)}" for what, which in (("no light", dark), ("light", light)) if which
        ]
        return " and ".join(said)


def connect(url: str, baud: int = BAUD, patience: Patience | None = None, duty: int | None = None) -> Head:
    """A head that records cards; duty: of the bar's light, in thousandths, `None` for its own."""
    light = () if duty is None else (LedPwm(duty),)
    return Head(Link(f"sensor head {url}", partial(SerialLine, url, baud), (*light, Arm(True)), patience))


def bench(where: str, options: Options) -> HeadBench:
    """The head as a bar at rest: `head:/dev/ttyACM0?baud=115200`."""
    baud = options.take("baud", BAUD, int, 300, 10_000_000)
    port = _port(where, options)
    return HeadBench(Link(f"sensor head {port}", partial(SerialLine, port, baud), (Arm(False),)))


def make(where: str, options: Options) -> Source:
    """`head:/dev/ttyACM0?baud=115200&duty=600`, `head:socket://host:port`."""
    baud = options.take("baud", BAUD, int, 300, 10_000_000)
    duty = options.take("duty", -1, int, 0, 1000)
    return connect(_port(where, options), baud, duty=None if duty < 0 else duty)


def _port(where: str, options: Options) -> str:
    if not where:
        raise SourceError(f"{options.spec}: name the head's line; write head:/dev/ttyACM0")
    return where
