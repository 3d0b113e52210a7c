"""Edges through the whole gpiozero path: mock pins, callbacks, queue, the bar's watch, a `Sweep`."""

from __future__ import annotations

import time

import numpy as np

from cards.load import find_layout
from device.lines.by_gpiozero import GpiozeroLines
from device.pins import load_pins
from device.sensor_bar import SensorBar
from device.simulator.rig import Rig, wired
from tests.reader.sweep.builders import swept

CARDS = 40
CARD_AT_1_M_S = 2000
"""Edges a second of a card of twelve columns and eight rows, pulled at 1 m/s."""


def main() -> None:
    """Print the figure."""
    card, pins = find_layout("stadslogistiek-bar"), load_pins().pi
    rig, inputs = Rig(6), (*pins.data[:6], *pins.timing)
    lines = GpiozeroLines(wired(rig, inputs, pins.led_enable), inputs, pins.led_enable, rig.sleep)
    bar = SensorBar(lines, "six-rows", 6, rig.sleep)
    sweeps = [swept(card, seed)[0] for seed in range(CARDS)]
    edges = sum(len(c.ticks_s) for s in sweeps for c in [*s.data, *s.clock])
    spent = []
    for sweep in sweeps:
        lasts = rig.play(sweep)
        begin = time.perf_counter()
        passed = bar.wait(lasts + 1)
        spent.append(time.perf_counter() - begin)
        assert passed is not None and passed.lost == 0
    rate = edges / CARDS / float(np.median(spent))
    print(
        f"edges: through mock pins to a Sweep {rate:,.0f} a second, {rate / CARD_AT_1_M_S:.0f} times what a card at "
        f"1 m/s makes ({CARD_AT_1_M_S}); {edges / CARDS:.0f} edges a card"
    )
    lines.close()


if __name__ == "__main__":
    main()
