"""What a sensor head's host has to do for a card: bytes on the line → sweep → answers; cards a minute, against history's."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable

from cards.load import find_layout
from device.firmware.frames import Decoder
from device.heads.cards import Assembler, mark_of, sweep_of
from device.heads.messages import Caps, CardPart, parse
from device.simulator.head import transitions
from device.sources.sim_bar import Feeding, SimulatedBar
from device.sweep import Sweep
from reader.decode import decode
from reader.reading import Reading
from reader.sweep.read import read_sweep
from tests.device.heads.fake import card_bytes, card_payloads, frame

CARDS = 120
HISTORIC = 1000
"""Cards a minute of the quickest card readers that were built."""


def host(line: bytes, caps: Caps) -> list[Sweep]:
    """What the source does with what comes over the line."""
    decoder, assembler, found = Decoder(), Assembler(), []
    for at in range(0, len(line), 4096):
        for payload in decoder.feed(line[at : at + 4096]):
            part = parse(payload, caps.channels)
            if isinstance(part, CardPart) and (whole := assembler.add(part)) is not None:
                found.append(sweep_of(whole, caps, mark_of(caps.uid, part.card)))
    return found


def seconds(work: Callable[[], object]) -> float:
    """The median of five."""
    spent = []
    for _ in range(5):
        begin = time.perf_counter()
        work()
        spent.append(time.perf_counter() - begin)
    return statistics.median(spent)


def main() -> None:
    """Print the figures."""
    layout = find_layout("stadslogistiek-bar")
    bar = layout.sensor_bar
    assert bar is not None
    source = SimulatedBar(layout, bar, Feeding(CARDS, 5, "usual", "usual"))
    fed = [transitions(sweep) for _ in range(CARDS) if (sweep := source.wait(0.0)) is not None]
    cards = [card_bytes(pairs, before, pairs[-1][1]) for before, pairs in fed]
    line = b"".join(frame(p) for k, data in enumerate(cards) for p in card_payloads(1 << 32 | k, data))
    caps = Caps("00" * 8, 1, 4000, len(bar.rows_mm), 2, 8, 4096, "bench", bar.id)
    read = [r for s in host(line, caps) if isinstance(r := read_sweep(s, [layout]), Reading)]

    def answers() -> None:
        for sweep in host(line, caps):
            outcome = read_sweep(sweep, [layout])
            if isinstance(outcome, Reading):
                decode(outcome, layout)

    sweeps_s, answers_s = seconds(lambda: host(line, caps)), seconds(answers)
    edges = sum(len(pairs) for _, pairs in fed)
    print(
        f"head: simulated cards a minute that the host decodes, bytes → sweep → answers, ÷ {HISTORIC:,}: "
        f"{CARDS / answers_s * 60 / HISTORIC:.1f} ({len(read)} of {CARDS} read; {len(line) / CARDS:.0f} bytes a card)"
    )
    print(
        f"head: bytes → sweep alone ÷ {HISTORIC:,}: {CARDS / sweeps_s * 60 / HISTORIC:.0f} "
        f"({edges / sweeps_s:,.0f} edges a second)"
    )


if __name__ == "__main__":
    main()
