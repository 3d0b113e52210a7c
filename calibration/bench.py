"""What a bar of sensors tells at rest, and what is measured from it: how much light each sensor needs, and has.

The one figure that decides is the *need*: the share of its aperture through which a sensor must see before its comparator
says light. Half is right: an edge is then seen where it is. The need is found without any absolute level: the light is
turned up from nothing until the comparator says light through the empty bar; at `n` times that light, a share of 1/n is
enough. So a bar whose head only tells light from dark is measured as well as one that tells levels.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from device.levels import Bench, SensorLevels

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

LOOKS = 5
"""At one light: a comparator at its very threshold flickers, and is not light yet."""
STEP = 1.03
"""From one light to the next: a need is known within 3 %."""
FIRST_DUTY = 20
PAPER_SPARE = 1.5
"""Paper must stay dark with so much more light: thinner stock, a scratch in the print."""
CARD_S = 45.0
"""A card that is not through by then was not fed."""
QUIET_LOOKS = 10
"""The bar was left empty for so many looks: the card is through."""


def names(rows: int) -> tuple[str, ...]:
    """The channels as people count them: data sensors from the top of the card, then the clock."""
    return (*(str(k + 1) for k in range(rows)), "T1", "T2")


@dataclass(frozen=True, eq=False)
class Look:
    """Some looks at one light: (channels,) lit in all, lit in none, and the mean analogue level (0–1), if there is one."""

    always: Bools
    never: Bools
    level: Floats | None


@dataclass(frozen=True, eq=False)
class Empty:
    """The empty bar. unlit: with the light off; lit: with all of it.

    threshold: (rows,) duty from which a sensor says light, and goes on saying it at every greater one; infinite: never,
    0: without any; NaN where the light cannot be dimmed.
    """

    unlit: Look
    lit: Look
    threshold: Floats


@dataclass(frozen=True, eq=False)
class Fed:
    """One card drawn through at one light.

    lit: (channels,) share of looks, with the card in the bar, in which the channel was light.
    paper: (rows,) highest level on paper, and clock: ((2,), (2,)) levels on bars and on paper; `None` without levels.
    """

    lit: Floats
    paper: Floats | None
    clock: tuple[Floats, Floats] | None
    looks: int


def look(bench: Bench, duty: int) -> Look:
    """A few looks at this much light."""
    seen = [bench.levels(duty) for _ in range(LOOKS)]
    lit = np.array([s.lit for s in seen])
    analogue = [s.analogue for s in seen if s.analogue is not None]
    level = np.mean(analogue, axis=0) if len(analogue) == len(seen) else None
    return Look(
        np.asarray(lit.all(axis=0)),
        np.asarray(~lit.any(axis=0)),
        None if level is None else np.asarray(level, np.float64),
    )


def measure_empty(bench: Bench) -> Empty:
    """The empty bar from no light to all of it."""
    rows = bench.rows
    unlit = look(bench, 0)
    threshold = np.full(rows, np.nan)
    if bench.dims:
        threshold = np.where(unlit.never[:rows], np.inf, 0.0)
        for duty in _duties(bench.duty_max):
            lit = look(bench, duty).always[:rows]
            threshold = np.where(lit, np.minimum(threshold, duty), np.where(threshold > 0, np.inf, 0.0))
    return Empty(unlit, look(bench, bench.duty_max), threshold)


def _duties(most: int) -> list[int]:
    duties, duty = [], float(FIRST_DUTY)
    while duty < most:
        duties.append(round(duty))
        duty *= STEP
    return [*dict.fromkeys(duties), most]


def best_duty(threshold: Floats, most: int) -> int:
    """The light at which the middle one of the sensors needs half of its aperture; for a weak one the rest are not blinded."""
    return int(min(round(2 * float(np.median(threshold))), most))


def watch_card(bench: Bench, duty: int) -> Fed | None:
    """Look on while a card is drawn through, until the bar is empty again; `None` when none comes within `CARD_S`."""
    rows, begin_s = bench.rows, bench.now_s()
    seen: list[SensorLevels] = []
    quiet, covered = 0, False
    while bench.now_s() - begin_s < CARD_S:
        now = bench.levels(duty)
        empty = bool(now.lit[:rows].all() and not now.lit[rows:].any())
        quiet = quiet + 1 if empty else 0
        # A hand that rests while the first clock sensor sees a bar leaves the bar as if it were empty.
        covered = covered or int(now.lit[:rows].sum()) < rows / 2
        if seen or not empty:
            seen.append(now)
        if covered and quiet >= QUIET_LOOKS:
            return _fed(seen[:-QUIET_LOOKS], rows)
    return None if not seen else _fed(seen, rows)


def _fed(seen: list[SensorLevels], rows: int) -> Fed:
    lit = np.array([s.lit for s in seen])
    share = lit.mean(axis=0)
    analogue = [s.analogue for s in seen if s.analogue is not None]
    if len(analogue) != len(seen):
        return Fed(share, None, None, len(seen))
    level = np.array(analogue)
    # Of what lies nearer to the lowest level than to the highest nine tenths: the rest are edges on their way.
    middle = (level.min(axis=0) + level.max(axis=0)) / 2
    paper = np.array([np.quantile(level[level[:, k] <= middle[k], k], 0.9) for k in range(rows)])
    clock = range(rows, level.shape[1])
    low = np.array([np.quantile(level[level[:, k] <= middle[k], k], 0.6) for k in clock])
    high = np.array([np.quantile(level[level[:, k] >= middle[k], k], 0.4) for k in clock])
    return Fed(share, paper, (low, high), len(seen))
