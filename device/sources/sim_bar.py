"""A whole sitting at a machine without a camera: a simulated hand feeds cards past a bar of sensors, one after the other.

Like a sensor head it keeps every card until it hears that the card is on disk: opened again with the same options it
begins with the first card again, under the same mark. It proves programs, not machines.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace

import numpy as np

from cards.layout import Layout, SensorBar
from cards.load import LayoutError, find_layout
from device.simulator.bench import SimulatedBench
from device.simulator.feed import Bar, Eye, Fed, feed
from device.simulator.guide import Lie
from device.simulator.hand import HANDS, code_cuts, punch
from device.simulator.motion import Manner, Path, backwards, in_and_out, through
from device.simulator.people import answer
from device.source import Options, Source, SourceError, one_of
from device.sweep import Sweep

FEEDS = ("steady", "usual", "careless")
"""In one even go; with stops, steps back and tremor, sometimes from the far side; and now and then wrongly."""
FAR_SHARE, BACK_SHARE, UPSIDE_DOWN_SHARE = 0.15, 0.1, 0.1
"""Of cards that come in on the far side, that are pulled back out half way (careless), and that lie upside down (careless)."""
BETWEEN_S = (2.0, 5.0)
"""From one card to the next."""


@dataclass(frozen=True)
class Feeding:
    """What happens: how many cards, punched by which hand, fed in which way."""

    cards: int = 30
    seed: int = 1
    hand: str = "usual"
    feed: str = "usual"


class SimulatedBar(Source):
    """See the module. Its clock advances with every card; `speed` 1 makes it keep real time.

    meant: positions (by name) that were meant to be punched in every card so far, in order.
    """

    sweeps = True

    def __init__(self, layout: Layout, bar: SensorBar, feeding: Feeding, speed: float = 0.0) -> None:
        super().__init__(f"simulated feeding of {layout.id}, seed {feeding.seed}")
        self.layout, self.feeding, self._speed = layout, feeding, speed
        self.meant: list[frozenset[str]] = []
        self.unkept = set[str]()
        self._made = _built(len(bar.rows_mm), np.random.default_rng(feeding.seed))
        self._clock_s = 0.0

    def now_s(self) -> float:
        """Simulated seconds since the sitting began."""
        return self._clock_s

    def wait(self, timeout_s: float) -> Sweep | None:
        """The next card; never late."""
        number = len(self.meant) + 1
        if number > self.feeding.cards:
            self.ended = True
            return None
        # A card is the same whatever came before it.
        rng = np.random.default_rng((self.feeding.seed, number))
        path = self._path(rng)
        seconds = float(path.t_s[-1] + rng.uniform(*BETWEEN_S))
        self._clock_s += seconds
        if self._speed:
            time.sleep(seconds / self._speed)
        wanted = answer(self.layout, rng)
        self.meant.append(wanted)
        cuts = [*punch(self.layout, wanted, HANDS[self.feeding.hand], rng), *code_cuts(self.layout, rng)]
        sweep = feed(Fed(self.layout, cuts, path, self._made, self._lie(rng)), rng)
        given = self.feeding
        mark = f"sim-bar:{self.layout.digest[:12]}:{given.seed}:{given.hand}:{given.feed}:{number}"
        self.unkept.add(mark)
        return replace(sweep, mark=mark)

    def kept(self, mark: str) -> None:
        """Let the card go."""
        self.unkept.discard(mark)

    def _path(self, rng: np.random.Generator) -> Path:
        """How the hand moves the card."""
        width, feed = self.layout.width_mm, self.feeding.feed
        if feed == "steady":
            return through(width, Manner(speed_m_s=float(rng.uniform(0.1, 0.5)), tremor_mm=0.05), rng)
        manner = Manner(float(rng.uniform(0.1, 0.8)), int(rng.integers(0, 3)), int(rng.integers(0, 2)), tremor_mm=0.15)
        if feed == "careless" and rng.random() < BACK_SHARE:
            return in_and_out(width, float(rng.uniform(0.1, 0.9)) * width, manner, rng)
        path = through(width, manner, rng)
        return backwards(width, path) if rng.random() < FAR_SHARE else path

    def _lie(self, rng: np.random.Generator) -> Lie:
        """How the card lies in its guide: within what the guide allows, or, carelessly, not."""
        careless = self.feeding.feed == "careless"
        return Lie(
            skew_deg=float(rng.normal(0, 0.5)) if careless else float(rng.uniform(-0.3, 0.3)),
            side_mm=float(rng.uniform(-0.1, 0.1)),
            play_mm=float(rng.uniform(0, 0.15)),
            print_mm=float(rng.uniform(-0.5, 0.5)),
            bars_wider_mm=float(rng.uniform(-0.3, 0.3)),
            blank_strip=careless and rng.random() < UPSIDE_DOWN_SHARE,
        )


def _built(rows: int, rng: np.random.Generator) -> Bar:
    """The bar of this sitting: each sensor a little different."""
    eyes = tuple(Eye(gain=float(rng.uniform(0.9, 1.1)), leak=float(rng.uniform(0.02, 0.08))) for _ in range(rows))
    return Bar(eyes, gap_off_mm=float(rng.normal(0, 0.1)))


def bench(where: str, options: Options) -> SimulatedBench:
    """The same bar at rest: `sim-bar:LAYOUT?seed=1&levels=yes&dims=yes`."""
    layout, bar = _layout(where, options)
    seed = options.take("seed", 1, int, 0)
    yes = one_of("yes", "no")
    tells, dims = (options.take(name, "yes", yes) == "yes" for name in ("levels", "dims"))
    made = _built(len(bar.rows_mm), np.random.default_rng(seed))
    return SimulatedBench(layout, bar, made, seed, analogue=tells, dims=dims)


def make(where: str, options: Options) -> Source:
    """`sim-bar:LAYOUT?cards=30&seed=1&hand=usual&feed=usual&speed=0`."""
    layout, bar = _layout(where, options)
    feeding = Feeding(
        cards=options.take("cards", 30, int, 0, 1_000_000),
        seed=options.take("seed", 1, int, 0),
        hand=options.take("hand", "usual", one_of(*HANDS)),
        feed=options.take("feed", "usual", one_of(*FEEDS)),
    )
    return SimulatedBar(layout, bar, feeding, options.take("speed", 0.0, float, 0, 100))


def _layout(where: str, options: Options) -> tuple[Layout, SensorBar]:
    try:
        layout = find_layout(where or "stadslogistiek-bar")
    except LayoutError as error:
        raise SourceError(f"{options.spec}: {error}") from error
    if layout.sensor_bar is None:
        raise SourceError(f"{options.spec}: {layout.identity} names no sensor_bar; give a card that a bar can read")
    return layout, layout.sensor_bar
