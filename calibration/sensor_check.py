"""Does a profile of sensors still fit the bar? The same figures and verdicts as for a camera, from the empty bar alone."""

from __future__ import annotations

import numpy as np

from calibration.bench import Empty, Floats, measure_empty
from calibration.check import Check, Checked, Verdict
from calibration.quality import Finding
from calibration.sensor_judge import judge_empty
from calibration.sensor_profile import SensorProfile
from device.levels import Bench

LAMP_WORN, LAMP_MAX = 0.15, 0.40
"""All sensors need so much more light than they did: the lamp has aged. From 0.5 of an aperture that is 0.58 and 0.7."""
ONE_WORN, ONE_MAX = 0.12, 0.45
"""One sensor needs so much more than the others do: dirt on it. Its measure is good to 0.06."""
CREPT_WORN, CREPT_MAX = 0.15, 0.3
"""A clock sensor's view of nothing, as a share of paper's; its comparator stands at a half."""


def check_sensors(profile: SensorProfile, bench: Bench) -> Check:
    """Measure the empty bar and compare. Raises `SourceError` when nothing answers."""
    if (bench.bar, bench.rows) != (profile.bar, profile.rows):
        figure = f"{bench.bar} with {bench.rows} rows, the profile is of {profile.bar} with {profile.rows}"
        advice = "Give the profile of this bar, or learn it: logicienne calibrate sensors"
        return Check((Checked(Finding("bar", figure, advice), Verdict.RECALIBRATE),))
    empty = measure_empty(bench)
    found = judge_empty(empty, profile.rows, profile.duty)
    if any(c.verdict in (Verdict.RECALIBRATE, Verdict.UNCLEAR) for c in found):
        return Check(tuple(found))
    return Check((*found, *_drift(profile, empty)))


def _drift(profile: SensorProfile, empty: Empty) -> list[Checked]:
    """What changed since, for all sensors together and for each against the others."""
    found = _clock(profile, empty)
    change = _change(profile, empty)
    if change is None:
        return found
    together = float(np.median(change))
    figure = f"sensors need {together - 1:+.0%} light against what they did (limits {LAMP_WORN:+.0%}, {LAMP_MAX:+.0%})"
    grade = _graded(abs(together - 1), LAMP_WORN, LAMP_MAX)
    advice = ""
    if grade is not Verdict.SOUND:
        advice = (
            "The lamp is weaker: check its supply, then calibrate anew"
            if together > 1
            else "More light than it was: close the hood, check the lamp's supply"
        )
    found.append(Checked(Finding("drift", figure, advice), grade))
    for k, more in enumerate((change / together).tolist()):
        grade = _graded(abs(more - 1), ONE_WORN, ONE_MAX)
        if grade is not Verdict.SOUND:
            figure = f"needs {more - 1:+.0%} light against the others, since it was learnt"
            advice = (
                f"Blow clean sensor {k + 1} and its light, then check again"
                if more > 1
                else "Close the hood; if it stays, it was dirty when it was learnt: calibrate anew"
            )
            found.append(Checked(Finding(f"sensor {k + 1}", figure, advice), grade))
    return found


def _clock(profile: SensorProfile, empty: Empty) -> list[Checked]:
    """What the clock sensors see of nothing, where levels are told: it may not creep towards paper."""
    found = []
    for k, sensor in enumerate(profile.sensors[profile.rows :], profile.rows):
        if empty.unlit.level is None or sensor.unlit is None or sensor.light is None:
            continue
        share = (float(empty.unlit.level[k]) - sensor.unlit) / max(sensor.light - sensor.unlit, 1e-3)
        if share > CREPT_WORN:
            figure = f"sees {share:.0%} of paper where there is none (at most {CREPT_WORN:.0%})"
            advice = "Wipe it; keep light from outside and what shines off the bed away"
            grade = Verdict.WORN if share <= CREPT_MAX else Verdict.RECALIBRATE
            found.append(Checked(Finding(f"sensor {sensor.name}", figure, advice), grade))
    return found


def _change(profile: SensorProfile, empty: Empty) -> Floats | None:
    """(rows,) how many times the light that a sensor needed it needs now; `None` when there is nothing to compare."""
    data = profile.sensors[: profile.rows]
    learnt = np.array([np.nan if s.threshold is None else s.threshold for s in data])
    change = empty.threshold / learnt
    if np.isnan(change).any() and empty.lit.level is not None:
        levels = np.array([np.nan if s.light is None else s.light for s in data])
        change = levels / np.maximum(empty.lit.level[: profile.rows], 1e-3)
    return None if np.isnan(change).any() else np.asarray(change, np.float64)


def _graded(value: float, worn: float, most: float) -> Verdict:
    return Verdict.SOUND if value <= worn else Verdict.WORN if value <= most else Verdict.RECALIBRATE
