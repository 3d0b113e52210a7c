"""The loop. A card is kept before it is shown, and shown only when it is kept."""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import TypeVar
from uuid import uuid4

from calibration.sensor_profile import SensorProfile
from cards.layout import Layout
from device.frame import Frame
from device.panel import Light, Panel, Sign
from device.source import WAIT_S, Source
from device.sweep import Sweep, is_peek
from reader.decode import decode, rejected
from reader.evidence import evidence
from reader.live import Changed, Delays, Live, Seen, State
from reader.reading import Code, Decoded, Reading, Reason, Rejection, Verdict
from reader.reasons import sentence
from reader.service import words
from reader.service.sweeps import look_at
from reader.store import Permanence, Store, StoreError

T = TypeVar("T")
Look = Callable[[Frame], Reading | Rejection]
LIGHTS: dict[str, Light] = {"accepted": "green", "review": "amber", "rejected": "red"}
RETRY_S = 2.0
"""How long to wait before the store is tried again."""
FINISH_S = 3.0
"""How long a card in hand may still take after the machine was told to stop."""


@dataclass(frozen=True)
class Work:
    """What a run is about. look: reads one frame; layouts: the cards it may find. language: of the panel.

    sensors: the profile of the bar that cards are fed past. slip: makes an accepted card's receipt, where there is a
    printer for it.
    """

    look: Look
    layouts: tuple[Layout, ...]
    permanence: str
    language: str = "en"
    delays: Delays = field(default_factory=Delays)
    sensors: SensorProfile | None = None
    slip: Callable[[Layout, Decoded], tuple[str, ...]] | None = None


class Service:
    """One run of the machine. Set `stop` (from a signal handler, say) to end it after the card in hand."""

    def __init__(
        self,
        source: Source,
        store: Store,
        panel: Panel,
        work: Work,
        stop: threading.Event | None = None,
        retry_s: float = RETRY_S,
    ) -> None:
        self._source, self._store, self._panel, self._work = source, store, panel, work
        self._retry_s = retry_s
        self._lost = False
        self._rests_s: float | None = None
        self._unsent = 0
        self._live = Live(self._look, work.delays)
        self.stop = stop or threading.Event()

    def run(self) -> Permanence:
        """Until the source ends or `stop` is set; returns the sitting's counts.

        Raises `StoreError` when it cannot begin. Once it has begun no frame, camera or full disk ends it.
        """
        self._store.must_be_open(self._work.permanence)
        self._counts = self._counted()
        self._show_state(Changed(State.STARTING))
        stopped_at: float | None = None
        while not self._source.ended:
            if self.stop.is_set():
                stopped_at = stopped_at or time.monotonic()
                if not self._live.busy or time.monotonic() - stopped_at > FINISH_S:
                    break
            seen = self._source.wait(WAIT_S)
            self._tell_troubles()
            if isinstance(seen, Sweep):
                self._one_sweep(seen)
            elif seen is not None:
                self._take(seen)
            elif self._rests_s is not None and self._source.now_s() >= self._rests_s:
                self._show_rest()
        return self._counted()

    # --- frames ------------------------------------------------------------------------------------------------

    def _take(self, frame: Frame) -> None:
        if self._source.one_card_each:
            self._one_card(frame)
            return
        for event in self._live.feed(frame, self._source.now_s()):
            if isinstance(event, Changed):
                self._show_state(event)
            else:
                outcome = event.reading if isinstance(event, Seen) else event.rejection
                # A mark of this one look: a store that fails after it has written does not write a second time.
                self._keep_and_show(outcome, event.frame, uuid4().hex)

    def _one_card(self, frame: Frame) -> None:
        """A picture file: one card, once in this sitting, also when the machine was started again."""
        digest = hashlib.sha256(frame.encoded).hexdigest()
        if self._try(lambda: self._store.knows(self._work.permanence, digest)) is False:
            self._keep_and_show(self._look(frame), frame, digest, frame.name)

    def _look(self, frame: Frame) -> Reading | Rejection:
        """Read one frame; whatever is in it, the machine goes on."""
        try:
            return self._work.look(frame)
        except Exception as error:  # noqa: BLE001  (a fault in reading one picture must not end a sitting)
            self._say(f"a picture could not be read ({type(error).__name__}: {error}); please report this")
            return Rejection((Reason(Code.NOT_A_PICTURE),))

    def _one_sweep(self, sweep: Sweep) -> None:
        """A card that was fed: once in this sitting, however often the source hands it over until it hears that it is kept."""
        if is_peek(sweep):
            self._source.kept(sweep.mark)
            return
        mark = sweep.mark or uuid4().hex
        known = self._try(lambda: self._store.knows(self._work.permanence, mark))
        if known is False:
            known = self._keep_and_show(look_at(sweep, self._work.layouts, self._work.sensors, self._say), None, mark)
            self._rests_s = self._source.now_s() + self._work.delays.told_s
        if known:
            self._source.kept(sweep.mark)

    # --- keeping -----------------------------------------------------------------------------------------------

    def _keep_and_show(self, outcome: Reading | Rejection, frame: Frame | None, mark: str, name: str = "") -> bool:
        """Whether it is kept; only then it is shown. `frame`: where there are pictures of what is doubtful."""
        layout, slip = self._layout(outcome), tuple[str, ...]()
        if isinstance(outcome, Reading) and layout is not None:
            decoded = decode(outcome, layout)
            verdict, reading = decoded.verdict, outcome
            pictures = {} if frame is None else evidence(frame, outcome, layout)
            kept = self._try(
                lambda: self._store.append_reading(
                    self._work.permanence, reading, decoded, layout, picture=mark, evidence=pictures
                )
            )
            slip = self._slip(layout, decoded)
        else:
            assert isinstance(outcome, Rejection)
            verdict = rejected(outcome)
            kept = self._try(lambda: self._store.append_rejection(self._work.permanence, verdict.reasons, mark))
        if kept is not None:
            self._counts = self._counted(self._counts)
            self._show(replace(self._verdict(verdict, layout, name), slip=slip))
        return kept is not None

    def _try(self, work: Callable[[], T]) -> T | None:
        """What the store answers, however long it takes; `None` when the machine is stopped before it does."""
        while True:
            try:
                return work()
            except StoreError as error:
                self._show(Sign("red", self._word("store"), (str(error),), f"not kept: {error}"))
                if self.stop.wait(self._retry_s):
                    # Once more, now: the last chance before the end.
                    try:
                        return work()
                    except StoreError:
                        self._say(self._word("given_up"))
                        return None

    def _slip(self, layout: Layout, decoded: Decoded) -> tuple[str, ...]:
        """The receipt that may be asked for; a card without one is a card all the same."""
        try:
            return () if self._work.slip is None else self._work.slip(layout, decoded)
        except StoreError:
            return ()

    def _layout(self, outcome: Reading | Rejection) -> Layout | None:
        if isinstance(outcome, Rejection):
            return next((y for y in self._work.layouts if y.identity == outcome.layout), None)
        return next(y for y in self._work.layouts if y.digest == outcome.layout_digest)

    def _counted(self, before: Permanence | None = None) -> Permanence:
        """The sitting's counts; those from before when the store cannot be asked just now."""
        try:
            counts = next(p for p in self._store.permanences() if p.id == self._work.permanence)
            self._unsent = self._store.unsent()
            return counts
        except StoreError:
            if before is None:
                raise
            return before

    # --- showing -----------------------------------------------------------------------------------------------

    def _verdict(self, verdict: Verdict, layout: Layout | None, name: str) -> Sign:
        """On the screen with its reasons in words; in a log with their codes alone, for sentences may name answers."""
        sentences = tuple(sentence(r, layout, self._work.language) for r in verdict.reasons)
        codes = ", ".join(dict.fromkeys(str(r.code) for r in verdict.reasons))
        log = " ".join(filter(None, (verdict.outcome, name, f"[{codes}]" if codes else "")))
        title = " ".join(filter(None, (name, self._word(verdict.outcome))))
        return Sign(LIGHTS[verdict.outcome], title, sentences, log, self._count_words(), verdict=True)

    def _show_state(self, event: Changed) -> None:
        if self._source.one_card_each or self._source.sweeps:
            self._show_rest()
            return
        hint = () if event.hint is None else (sentence(event.hint, None, self._work.language),)
        light: Light = "busy" if event.state in (State.SETTLING, State.READING) else "off"
        if event.state is not State.TOLD or hint:
            state = words.state(event.state, self._work.language)
            self._show(Sign(light, state, hint, " ".join((state, *hint)), self._count_words()))

    def _show_rest(self) -> None:
        """Nothing is going on, and there is no tray to look at."""
        self._rests_s = None
        which = "feed" if self._source.sweeps else "pictures"
        self._show(Sign("off", self._word(which), counts=self._count_words()))

    def _tell_troubles(self) -> None:
        for notice in self._source.notices():
            self._say(notice)
        problem = self._source.problem
        if problem and not self._lost:
            for event in self._live.lost():
                if isinstance(event, Changed):
                    self._show_state(event)
            word = self._word("silent" if self._source.sweeps else "lost")
            self._show(Sign("red", word, (problem,), problem, self._count_words()))
        elif self._lost and not problem:
            self._show_state(Changed(self._live.state, self._live.hint))
        self._lost = problem is not None

    def _count_words(self) -> str:
        return words.counts(self._counts, self._unsent, self._work.language)

    def _word(self, which: str) -> str:
        return words.word(which, self._work.language)

    def _show(self, sign: Sign) -> None:
        try:
            self._panel.show(sign)
        except OSError:
            # The screen is gone; the cards are not.
            return

    def _say(self, text: str) -> None:
        try:
            self._panel.say(text)
        except OSError:
            return
