"""Is a bar of sensors fit to be learnt, or still as it was learnt? Every limit with its physical reason.

A sensor is named here before it fails: what it needs grows as it gets dirty or its light grows old, long before a hole
is missed.
"""

from __future__ import annotations

import numpy as np

from calibration.bench import Empty, Fed, Floats, Look, best_duty, names
from calibration.check import Checked, Verdict
from calibration.quality import Finding

NEED_WORN, NEED_MAX = 0.62, 0.75
"""A sensor that must see through so much of its aperture (1.25 mm) sees a hole of 5 mm narrower by 0.3 mm and by 0.6 mm: at
the second, the code holes of a card that lies 0.5 mm off begin to look like those of a weak sensor."""
NEED_LEAST = 0.25
"""And one that says light through so little sees the shine around its neighbour's hole."""
OTHERS = 1.25
"""So much more light than the others need: dirt, or an old lamp, and no longer what parts differ by when new."""
ALIKE = 1.15
"""What parts of one batch differ by; beyond it a sensor that needs much is weak, within it they all are short of light."""
AMBIENT_MAX = 0.15
"""Share of a sensor's light that may come from elsewhere: the sun adds to paper what it adds to a hole."""
LEAK_WORN, LEAK_MAX = 0.2, 0.35
"""Share of the light that paper lets through, of a half that says light."""
LOOKS_MIN = 60
"""Of a card: three a pitch, so that no bar of the strip goes by unseen."""
LIT_MAX = 0.35
"""Share of the way past a data sensor that may be light on a blank card: two code holes and both ends are a fifth."""
CLOCK_LEAST = 0.2
"""Share of the way that a clock sensor must see bars, and paper; each is a half, less the ends."""
CONTRAST_MIN = 0.2
"""Of full scale, between bar and paper: four times what a worn print and a tilted card take."""


def judge_empty(empty: Empty, rows: int, duty: int | None = None) -> list[Checked]:
    """The empty bar, at the light it has (`duty`) or at the one it would be given. Nothing in it, nothing stuck."""
    called = names(rows)
    dims = not np.isnan(empty.threshold).any()
    duty = duty or (
        best_duty(np.maximum(empty.threshold, 1.0), 1000) if dims and np.isfinite(empty.threshold).all() else 1000
    )
    found = [_lit_at_rest(empty, called, k, duty) for k in range(len(called))]
    dark = [k for k in range(rows) if not empty.lit.always[k]]
    if len(dark) > rows / 2:
        figure = f"{len(dark)} of {rows} sensors see no light"
        return [
            Checked(Finding("bar", figure, "Take the card out; is the bar's light on and plugged in?"), Verdict.UNCLEAR)
        ]
    advice = "Take out what is left in the bar, blow it clean; if it stays dark, replace the sensor or its light"
    found += [_bad(f"sensor {called[k]}", "sees no light through the empty bar, at all of it", advice) for k in dark]
    wrong = [c for c in found if c is not None]
    if wrong or not dims:
        return wrong or [
            Checked(Finding("light", "cannot be dimmed: what each sensor needs is not measured"), Verdict.SOUND)
        ]
    return judge_needs(empty.threshold, duty)


def _lit_at_rest(empty: Empty, called: tuple[str, ...], k: int, duty: int) -> Checked | None:
    """What says light, or paper, where there is none."""
    topic, data = f"sensor {called[k]}", k < len(called) - 2
    if not empty.unlit.never[k]:
        if data:
            return _bad(
                topic,
                "sees light with the bar's light off",
                "Close the hood against light from outside; if it stays so, its line is torn off or it is broken",
            )
        return _bad(
            topic,
            "sees paper in the empty bar",
            "Take the card out, keep its light from reflecting; if it stays so, turn its trimmer or replace it",
        )
    if not data and not empty.lit.never[k]:
        return _bad(topic, "sees paper only while the bar's light is on", "Shield it from that light")
    if data and empty.unlit.level is not None and empty.lit.level is not None:
        outside, light = float(empty.unlit.level[k]), float(empty.lit.level[k]) * duty / 1000
        if outside > AMBIENT_MAX * light:
            figure = f"{outside / max(light, 1e-9):.0%} of its light comes from elsewhere (at most {AMBIENT_MAX:.0%})"
            return _bad(topic, figure, "Close the hood")
    return None


def judge_needs(threshold: Floats, duty: int) -> list[Checked]:
    """How much each data sensor needs, at this light, and against the others."""
    needs, middle = threshold / duty, float(np.median(threshold))
    span = f"{needs.min():.2f} to {needs.max():.2f} of their aperture (best 0.5, at most {NEED_MAX:g})"
    found = [Checked(Finding("light", f"{duty / 10:.0f} %; sensors need {span}"), Verdict.SOUND)]
    more = threshold / middle
    weak = (more > OTHERS) | ((needs > NEED_WORN) & (more > ALIKE))
    common = float(needs[~weak].max()) if (~weak).any() else 0.0
    if common > NEED_WORN:
        advice = "More light: check the lamp's supply, its resistors, the distance to the sensors"
        grade = Verdict.RECALIBRATE if common > NEED_MAX else Verdict.WORN
        found.append(Checked(Finding("lamp", f"sensors that are alike need up to {common:.2f}", advice), grade))
    for k, need in enumerate(needs.tolist()):
        figure = f"needs {need:.2f} of its aperture, {more[k] - 1:+.0%} against the others"
        if weak[k]:
            grade = Verdict.RECALIBRATE if need > NEED_MAX else Verdict.WORN
            found.append(Checked(Finding(f"sensor {k + 1}", figure, _weak(k)), grade))
        elif need < NEED_LEAST:
            advice = "It sees too much: the others are dirty, or its aperture is missing"
            found.append(_bad(f"sensor {k + 1}", figure, advice))
    return found


def _weak(k: int) -> str:
    return f"Weak or dirty: blow clean sensor {k + 1} and its light; if it stays so, replace them before they fail"


def judge_card(fed: Fed | None, unlit: Look, light: Look | None, rows: int) -> list[Checked]:
    """A blank card that was drawn through. light: the empty bar at the same light, to judge the paper's own by."""
    if fed is None:
        return [Checked(Finding("card", "none came", "Draw it all the way through"), Verdict.UNCLEAR)]
    found: list[Checked] = []
    if fed.looks < LOOKS_MIN:
        figure = f"seen {fed.looks} times (at least {LOOKS_MIN})"
        return [Checked(Finding("card", figure, "Draw it more slowly: five seconds from end to end"), Verdict.UNCLEAR)]
    called = names(rows)
    for k in range(rows):
        if fed.lit[k] > LIT_MAX:
            figure = f"sees light on {fed.lit[k]:.0%} of a blank card (at most {LIT_MAX:.0%})"
            found.append(
                _bad(
                    f"sensor {called[k]}",
                    figure,
                    "Is it an unpunched card on its right stock? Then the sensor is stuck, or its aperture too wide",
                )
            )
    found += [c for k in (0, 1) if (c := _clock(fed, k, called[rows + k])) is not None]
    if fed.paper is not None and light is not None and light.level is not None and unlit.level is not None:
        found += _leaks(fed.paper, unlit.level, light.level, rows)
    return found or [Checked(Finding("card", f"seen {fed.looks} times, dark on paper, the strip clear"), Verdict.SOUND)]


def _clock(fed: Fed, k: int, called: str) -> Checked | None:
    share = float(fed.lit[len(fed.lit) - 2 + k])
    figure = f"sees paper on {share:.0%} of the card, bars on {1 - share:.0%} (each at least {CLOCK_LEAST:.0%})"
    if share < CLOCK_LEAST:
        return _bad(
            f"sensor {called}", figure, "Front up, the strip on the marked side; if so, wipe it, turn its trimmer"
        )
    if share > 1 - CLOCK_LEAST:
        return _bad(
            f"sensor {called}", figure, "Is the strip printed in laser or pigment black? If so, turn its trimmer"
        )
    if fed.clock is not None:
        contrast = float(fed.clock[1][k] - fed.clock[0][k])
        if contrast < CONTRAST_MIN:
            figure = f"bar and paper differ by {contrast:.2f} of full scale (at least {CONTRAST_MIN:g})"
            return _bad(f"sensor {called}", figure, "Wipe it, set it nearer to the card, print the strip blacker")
    return None


def _leaks(paper: Floats, unlit: Floats, light: Floats, rows: int) -> list[Checked]:
    """Paper that lets light through, as a share of what the sensor gets through air."""
    found = []
    for k in range(rows):
        leak = float((paper[k] - unlit[k]) / max(light[k] - unlit[k], 1e-9))
        if leak > LEAK_WORN:
            grade = Verdict.RECALIBRATE if leak > LEAK_MAX else Verdict.WORN
            figure = f"{leak:.0%} of its light comes through paper (at most {LEAK_MAX:.0%})"
            advice = "Use a heavier stock; close the gap around its aperture"
            found.append(Checked(Finding(f"sensor {k + 1}", figure, advice), grade))
    return found


def _bad(topic: str, figure: str, advice: str) -> Checked:
    return Checked(Finding(topic, figure, advice), Verdict.RECALIBRATE)
