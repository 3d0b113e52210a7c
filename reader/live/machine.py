"""The states of a tray under a camera, and what leads from one to the next. Pure: frames and times in, events out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import StrEnum

from device.frame import Frame
from reader.live.merge import contradicts, merge, same_card
from reader.live.view import Bed, Mask, Small, glares, is_black, moves, reaches_in, small_copy, surrounds
from reader.reading import Code, Reading, Reason, Rejection

ENTERS_SHARE = 0.004
"""Share of the picture that must differ from the empty bed before anything is taken to lie there: a tenth of a card."""
DIRT_SHARE, DIRT_MAX = 0.0004, 0.05
"""Share of the picture that is dirt (a crumb of 4 mm), and from which it is not dirt but another bed or lamp."""
EARLIER_MAX = 4
"""So many beds that were known before are kept in mind."""
GLARE_MAKES = {Code.UNKNOWN_LAYOUT, Code.LOW_CONTRAST, Code.WRONG_PROPORTIONS, Code.AMBIGUOUS_FIT}
"""What a reading that failed for a reflection looks like."""
REACHES_MAKES = {*GLARE_MAKES, Code.NO_CARD, Code.TWO_CARDS}
"""What a reading that failed for a hand looks like; a card that is not whole in view keeps its own reason."""


class State(StrEnum):
    """Where the tray is between two cards."""

    STARTING = "starting"  # nobody knows yet whether something lies there
    EMPTY = "empty"
    SETTLING = "settling"  # something moves, or a hand reaches in
    READING = "reading"
    TOLD = "told"  # the verdict is out
    WAITING = "waiting"  # the card must be taken away


@dataclass(frozen=True)
class Delays:
    """How patient the machine is; all times in seconds of the frames' clock.

    settle_s: the picture must stand still so long before a look. gone_s: the empty bed must be seen so long before the
    next card counts. told_s: a verdict stays so long before the card is asked to be taken away. patience_s: a hand or
    sleeve in view for so long is mentioned. looks: readings that must agree. rejections: refusals in a row, for the
    same reason, that make one. looks_max: after so many looks that do not agree the last refusal, or doubt, is told.
    """

    settle_s: float = 0.2
    gone_s: float = 0.2
    told_s: float = 1.0
    patience_s: float = 2.0
    looks: int = 2
    rejections: int = 3
    looks_max: int = 8


@dataclass(frozen=True)
class Changed:
    """Another state, or another hint to the person: why nothing is read just now."""

    state: State
    hint: Reason | None = None


@dataclass(frozen=True)
class Seen:
    """One card, read by looks that agree. frame: the last of them."""

    reading: Reading
    frame: Frame


@dataclass(frozen=True)
class Refused:
    """Something lies there that cannot be read, and why."""

    rejection: Rejection
    frame: Frame


Event = Changed | Seen | Refused


class Live:
    """A tray under a camera. `look` reads one frame; it is called for few of them.

    No card is read twice while it lies there: after a verdict only the empty bed leads on. What lies there at the start
    is not read: it may have been counted before.
    """

    def __init__(self, look: Callable[[Frame], Reading | Rejection], delays: Delays | None = None) -> None:
        self._look, self.delays = look, delays or Delays()
        self._looks: list[Reading] = []
        self._refusals: list[Rejection] = []
        self._looked = False
        self.state = State.STARTING
        self.hint: Reason | None = None
        self._small: Small | None = None
        self._bed: Bed | None = None
        self._earlier: list[Bed] = []
        self._clean: Bed | None = None
        self._still_since = self._gone_since = self._entered_at = 0.0
        self._gone = False
        self._count = self._no_card = 0
        self._told: Reading | None = None
        self._maybe: Reading | None = None
        self._barred = False
        self._told_at = 0.0

    @property
    def busy(self) -> bool:
        """Whether a card is in hand: laid down, and not told yet."""
        return self.state in (State.SETTLING, State.READING)

    def lost(self) -> list[Event]:
        """The camera is gone. What was told stays told; a card that was being read is looked at anew."""
        self._small = None
        return self._to(State.SETTLING) if self.state is State.READING else []

    def feed(self, frame: Frame, now_s: float) -> list[Event]:
        """What this frame leads to. `now_s` never runs backwards."""
        small = small_copy(frame.grey)
        before, self._small = self._small, small
        moved = before is None or moves(small, before)
        if moved:
            self._still_since, self._looked = now_s, False
        if self._bed is not None and not self._bed.fits(small):
            self._bed = self._clean = None
            self._earlier = []
        self._recall(small)
        if self._is_dark(small):
            # Nothing seen now may change what is known; afterwards the picture has to stand still again.
            self._still_since, self._looked, self._gone = now_s, False, False
            if self.state is State.READING:
                return self._to(State.SETTLING, Reason(Code.TOO_DARK))
            return self._to(self.state, Reason(Code.TOO_DARK))
        there = None if self._bed is None else self._bed.there(small)
        still = now_s - self._still_since >= self.delays.settle_s and not moved
        if self.state is State.EMPTY:
            return self._empty(small, there, moved, now_s)
        if self.state in (State.SETTLING, State.READING):
            return self._coming(frame, there, still, now_s)
        return self._leaving(frame, there, still, now_s)

    # --- nothing lies there ------------------------------------------------------------------------------------

    def _empty(self, small: Small, there: Mask | None, moved: bool, now_s: float) -> list[Event]:
        if self._bed is None or self._clean is None or there is None or self._bed.was_dark(small):
            # Another camera mode, or the lamp went on: what lies there now may lie there since the start.
            self._bed = self._clean = None
            return self._to(State.STARTING)
        if moved or float(there.mean()) > ENTERS_SHARE:
            self._entered_at = now_s
            return self._to(State.SETTLING)
        self._bed = self._bed.drifted(small, there)
        dirt = self._clean.there(small)
        self._clean = self._clean.drifted(small, dirt)
        return self._to(State.EMPTY, self._dirt(float(dirt.mean())))

    @staticmethod
    def _dirt(share: float) -> Reason | None:
        return Reason(Code.DIRT, found=f"{100 * share:.1f} %") if share > DIRT_SHARE else None

    def _is_empty(self, small: Small, sure: bool = True) -> list[Event]:
        """The tray is empty; this is what it looks like. Not `sure`: a sheet over the card would look like this too."""
        if self._clean is None or not self._clean.fits(small) or float(self._clean.there(small).mean()) > DIRT_MAX:
            self._clean = Bed.of(small)
        if self._bed is not None and float(self._bed.there(small).mean()) > DIRT_MAX:
            self._earlier = [self._bed, *self._earlier][:EARLIER_MAX]
        self._bed, self._told = Bed.of(small, sure), None
        return self._to(State.EMPTY, self._dirt(float(self._clean.there(small).mean())))

    # --- a card comes ------------------------------------------------------------------------------------------

    def _coming(self, frame: Frame, there: Mask | None, still: bool, now_s: float) -> list[Event]:
        reaches = there is not None and reaches_in(there) and not surrounds(there)
        if not still or reaches:
            self._forget()
            long = now_s - self._entered_at >= self.delays.patience_s
            return self._to(State.SETTLING, self._why_reaching(frame, still) if long else self._if_settling())
        events = self._to(State.READING)
        outcome = self._look(frame)
        self._count += 1
        if isinstance(outcome, Reading):
            self._refusals = []
            if self._looks and not same_card(self._looks[-1], outcome):
                self._looks = []
            self._looks.append(outcome)
            if len(self._looks) >= self.delays.looks:
                return events + self._tell(Seen(merge(self._looks), frame), now_s)
        else:
            self._looks = []
            if self._refusals and self._refusals[-1].reasons[0].code is not outcome.reasons[0].code:
                self._refusals = []
            self._refusals.append(outcome)
        if self._refusals and (len(self._refusals) >= self.delays.rejections or self._count >= self.delays.looks_max):
            return events + self._refuse(frame, self._refusals[-1], now_s)
        return events

    def _refuse(self, frame: Frame, rejection: Rejection, now_s: float) -> list[Event]:
        code = rejection.reasons[0].code
        assert self._small is not None
        if code is Code.NO_CARD:
            # A shadow went over the tray, a crumb fell, the lamp was moved: no card, nothing to tell.
            self._forget()
            return self._is_empty(self._small, sure=self._maybe is None)
        if code in GLARE_MAKES and glares(self._small):
            rejection = replace(rejection, reasons=(Reason(Code.GLARE), *rejection.reasons))
        return self._tell(Refused(rejection, frame), now_s)

    def _tell(self, event: Seen | Refused, now_s: float) -> list[Event]:
        maybe, self._maybe = self._maybe, None
        self._told = event.reading if isinstance(event, Seen) else maybe
        self._told_at, self._looked, self._gone = now_s, True, False
        self._forget()
        if isinstance(event, Seen) and maybe is not None and not contradicts(maybe, event.reading):
            # It may be the card that was told before, which something covered since; it counts when it is laid again.
            self._barred = True
            return self._to(State.WAITING)
        return [event, *self._to(State.TOLD)]

    def _if_settling(self) -> Reason | None:
        return self.hint if self.state is State.SETTLING and self.hint and self.hint.code is Code.HAND else None

    def _why_reaching(self, frame: Frame, still: bool) -> Reason:
        """A hand, or a card that is not whole in view: the reader is asked once each time the picture stands still."""
        if not still:
            return Reason(Code.HAND)
        if self._looked and self.hint is not None:
            return self.hint
        self._looked = True
        outcome = self._look(frame)
        if isinstance(outcome, Rejection) and outcome.reasons[0].code not in REACHES_MAKES:
            return outcome.reasons[0]
        return Reason(Code.HAND)

    def _forget(self) -> None:
        """Looks that were made; the next card begins anew."""
        self._looks, self._refusals = [], []
        self._count = self._no_card = 0

    # --- a card goes -------------------------------------------------------------------------------------------

    def _leaving(self, frame: Frame, there: Mask | None, still: bool, now_s: float) -> list[Event]:
        """Told, waiting or starting: only the empty bed leads on, or pictures that the reader calls empty."""
        events: list[Event] = []
        if self.state is State.TOLD and now_s - self._told_at >= self.delays.told_s:
            events = self._to(State.WAITING)
        gone = there is not None and float(there.mean()) <= ENTERS_SHARE
        if gone and not self._gone:
            self._gone_since = now_s
        self._gone = gone
        if gone:
            assert self._small is not None
            long = now_s - self._gone_since >= self.delays.gone_s
            if not long:
                return events
            assert self._bed is not None
            if self._bed.sure or self._barred:
                self._maybe, self._barred = None, False
                return events + self._is_empty(self._small)
            self._maybe = self._told or self._maybe
            return events + self._is_empty(self._small, sure=False)
        if still and not self._looked and (there is None or not reaches_in(there) or surrounds(there)):
            events += self._look_again(frame)
        return events

    def _look_again(self, frame: Frame) -> list[Event]:
        """Something moved since the verdict. Is the tray empty under another light, or does another card lie there?"""
        outcome = self._look(frame)
        assert self._small is not None
        if isinstance(outcome, Rejection) and outcome.reasons[0].code is Code.NO_CARD:
            self._no_card += 1
            if self._no_card >= self.delays.rejections:
                self._forget()
                # Nobody saw the bed that is known: something may merely have been laid over the card.
                self._maybe = self._told or self._maybe
                return self._is_empty(self._small, sure=self._maybe is None)
            return []
        self._no_card = 0
        if isinstance(outcome, Reading) and self._told is not None and contradicts(self._told, outcome):
            self._looks.append(outcome)
            if len(self._looks) >= self.delays.looks:
                self._looked, self._looks = True, []
                # Never counted unless the tray was seen empty; so the person must know.
                return self._to(State.WAITING, Reason(Code.TWO_CARDS))
            return []
        self._looked, self._looks = True, []
        amiss = isinstance(outcome, Rejection) and outcome.reasons[0].code is Code.PROFILE_MISMATCH
        hint = outcome.reasons[0] if isinstance(outcome, Rejection) and amiss else None
        return self._to(State.WAITING if self.state is State.STARTING else self.state, hint)

    # --- all ---------------------------------------------------------------------------------------------------

    def _recall(self, small: Small) -> None:
        """Know the bed again that was known before: a sheet that was taken for it is gone, the old lamp is back."""
        if not self._earlier or self._bed is None or self._bed.shows(small, ENTERS_SHARE):
            return
        for k, bed in enumerate(self._earlier):
            if bed.shows(small, ENTERS_SHARE):
                self._earlier[k], self._bed = self._bed, bed
                return

    def _is_dark(self, small: Small) -> bool:
        return is_black(small) or (self._bed is not None and self._bed.is_dark(small))

    def _to(self, state: State, hint: Reason | None = None) -> list[Event]:
        if state is State.READING and self.state is not State.READING:
            self._forget()
        if (state, hint) == (self.state, self.hint):
            return []
        self.state, self.hint = state, hint
        return [Changed(state, hint)]
