"""Leading a person through the calibration of a bar of sensors: the empty bar, then a blank card drawn through twice.

Begin with `lead`. A step whose figures are wrong is refused with them and asked for again; what is worn is said, and kept.
"""

from __future__ import annotations

import importlib.metadata
from collections.abc import Sequence
from datetime import UTC, datetime

import numpy as np

from calibration.bench import PAPER_SPARE, Empty, Fed, Look, best_duty, look, measure_empty, names, watch_card
from calibration.check import Checked, Verdict
from calibration.guide import Talk
from calibration.sensor_judge import judge_card, judge_empty
from calibration.sensor_profile import Sensor, SensorProfile
from device.levels import Bench

REFUSED = (Verdict.RECALIBRATE, Verdict.UNCLEAR)


def lead(bench: Bench, talk: Talk, name: str) -> SensorProfile:
    """Every step until it is good. Whoever stops half way (`talk.ask` raises) has learnt nothing. Raises `SourceError`."""
    empty, duty = _empty(bench, talk)
    light = look(bench, duty)
    fed = _card(bench, talk, empty, duty, light)
    # Once more with light to spare: other stock, other print, and the sun on it must stay dark too.
    more = min(round(PAPER_SPARE * duty), bench.duty_max)
    if more > duty:
        _card(bench, talk, empty, more, None)
    return learn(bench, empty, light, fed, duty, name)


def _empty(bench: Bench, talk: Talk) -> tuple[Empty, int]:
    talk.say("Step 1 of 2, the empty bar: what each sensor sees, and how much light it needs.")
    while True:
        talk.ask("Take everything out of the bar, blow it clean, close the hood")
        empty = measure_empty(bench)
        if not refused(judge_empty(empty, bench.rows), talk):
            # Without a dimmer it is as it is.
            dims = not np.isnan(empty.threshold).any()
            return empty, best_duty(empty.threshold, bench.duty_max) if dims else bench.duty_max


def _card(bench: Bench, talk: Talk, empty: Empty, duty: int, light: Look | None) -> Fed:
    if light is not None:
        talk.say("Step 2 of 2, paper and strip: a blank card.")
    again = "" if light is not None else " once more, now with more light"
    while True:
        talk.ask(
            f"When you have pressed Enter: draw a blank card{again} slowly all the way through, front up, in five seconds or more"
        )
        bench.draw()
        fed = watch_card(bench, duty)
        if not refused(judge_card(fed, empty.unlit, light, bench.rows), talk):
            assert fed is not None
            return fed


def refused(found: Sequence[Checked], talk: Talk) -> bool:
    """Whether something is wrong, which is then said; what is worn is said as well."""
    wrong = [c for c in found if c.verdict in REFUSED]
    for checked in wrong or found:
        talk.say(f"  {'not kept. ' if wrong else ''}{checked.finding}")
    return bool(wrong)


def learn(bench: Bench, empty: Empty, light: Look, fed: Fed, duty: int, name: str) -> SensorProfile:
    """The profile of what was measured."""
    rows = bench.rows
    sensors = []
    for k, called in enumerate(names(rows)):
        unlit = _level(None if empty.unlit.level is None else empty.unlit.level[k])
        if k < rows:
            threshold = float(empty.threshold[k])
            bright = _level(None if light.level is None else light.level[k])
            dark = _level(None if fed.paper is None else fed.paper[k])
            sensors.append(Sensor(called, None if np.isnan(threshold) else threshold, unlit, bright, dark))
        else:
            low, high = (None, None) if fed.clock is None else (fed.clock[0][k - rows], fed.clock[1][k - rows])
            sensors.append(Sensor(called, None, unlit, _level(high), _level(low)))
    return SensorProfile(
        name=name,
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        software=importlib.metadata.version("logicienne"),
        source=bench.name,
        bar=bench.bar,
        duty=duty,
        sensors=tuple(sensors),
    )


def _level(value: float | None) -> float | None:
    return None if value is None else round(float(value), 4)
