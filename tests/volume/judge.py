"""Reading a range of cards and counting what went wrong."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from functools import cache
from typing import Any

import cv2

from calibration.profile import Profile
from device.simulator.scene import Bed
from reader.camera import read_frame
from reader.reading import Punch, Reading
from tests.volume import machine
from tests.volume.cards import CLASSIC, Sample, Setting, in_spec, out_of_spec, survey_layouts

FAILURES_MAX = 1000
"""More are counted, not listed."""
WORST = "silent", "certain"
"""Kinds of failure that are listed before all others."""


@dataclass
class Tally:
    """Counts of a run, or of a part of one; parts are added up.

    silent: positions that are wrong with certainty, and cards read under a wrong layout or face. doubtful, refused:
    cards without fault that go to review, or are rejected. strays_missed: of `strays`. foreign: cards that were offered
    to other layouts only. ambiguous, certain: positions truly in doubt, and those that were called certain. closed:
    chads that closed again, closed_clear: called clear.
    """

    cards: int = 0
    positions: int = 0
    survey_positions: int = 0
    silent: int = 0
    doubtful: int = 0
    refused: int = 0
    strays: int = 0
    strays_missed: int = 0
    foreign: int = 0
    ambiguous: int = 0
    certain: int = 0
    closed: int = 0
    closed_clear: int = 0
    failures: list[dict[str, Any]] = field(default_factory=list)

    def add(self, other: Tally) -> None:
        """Count another part in."""
        for name, value in asdict(other).items():
            if name != "failures":
                setattr(self, name, getattr(self, name) + value)
        self.failures = sorted(self.failures + other.failures, key=lambda f: f["kind"] not in WORST)[:FAILURES_MAX]

    def fail(self, k: int, sample: Sample, kind: str, what: str) -> None:
        """Keep what is needed to see this card again."""
        self.failures.append(
            {"card": k, "kind": kind, "layout": sample.layout.id, "bed": sample.scene.bed, "what": what}
        )


def read_range(seed: int, start: int, stop: int, beyond: bool, setting: Setting = "uncalibrated") -> Tally:
    """Render and read the cards `start` to `stop` − 1. beyond: of the out-of-spec run."""
    cv2.setNumThreads(1)
    tally = Tally()
    for k in range(start, stop):
        judge_card(k, (out_of_spec if beyond else in_spec)(seed, k, setting), tally, beyond)
    return tally


@cache
def _profile(bed: Bed) -> Profile:
    return machine.learnt(bed, survey_layouts())


def judge_card(k: int, sample: Sample, tally: Tally, beyond: bool) -> None:
    """Read one card and count."""
    tally.cards += 1
    profile = None if sample.scene.camera is None else _profile(sample.scene.bed)
    outcome = read_frame(sample.frame, sample.offered, profile)
    if sample.layout not in sample.offered:
        tally.foreign += 1
        if isinstance(outcome, Reading):
            tally.silent += 1
            tally.fail(k, sample, "silent", f"read as {outcome.layout}")
        return
    tally.positions += len(sample.truth)
    tally.survey_positions += len(sample.truth) if sample.layout.id != CLASSIC else 0
    tally.strays += bool(sample.strays)
    if not isinstance(outcome, Reading):
        tally.refused += 1
        tally.fail(k, sample, "refused", outcome.reasons[0].code.value)
        return
    if outcome.layout != sample.layout.identity or outcome.face != sample.scene.face:
        tally.silent += 1
        tally.fail(k, sample, "silent", f"read as the {outcome.face} of {outcome.layout}")
        return
    _judge_positions(k, sample, outcome, tally, beyond)


def _judge_positions(k: int, sample: Sample, reading: Reading, tally: Tally, beyond: bool) -> None:
    said = reading.punches()
    if beyond:
        tally.closed += len(sample.closed)
        tally.closed_clear += sum(said[name] is Punch.CLEAR for name in sample.closed)
        tally.ambiguous += sum(t == "ambiguous" for t in sample.truth.values())
    wrong = {n for n, p in said.items() if p is not Punch.UNCERTAIN and p.value != sample.truth[n]}
    for name in sorted(wrong):
        certain = sample.truth[name] == "ambiguous"
        tally.certain += certain
        tally.silent += not certain
        score = reading.scores[name]
        what = f"{name}: {sample.truth[name]}, read {said[name].value} ({score.open:.3f} open)"
        tally.fail(k, sample, "certain" if certain else "silent", what)
    if sample.strays:
        tally.strays_missed += not reading.strays
        if not reading.strays:
            tally.fail(k, sample, "stray missed", "")
        return
    unsure = [n for n, p in said.items() if p is Punch.UNCERTAIN]
    if not beyond and (unsure or reading.strays):
        tally.doubtful += 1
        why = [f"{n} ({reading.scores[n].open:.3f} open, {' '.join(reading.scores[n].doubts) or '-'})" for n in unsure]
        why += [f"stray at {s.x_mm:.1f}, {s.y_mm:.1f} mm" for s in reading.strays]
        tally.fail(k, sample, "review", "; ".join(why[:6]))
