"""`make same-cards`: 1,000 simulated cards read every way there is; 1 when two ways differ or one is wrong."""

from __future__ import annotations

import argparse
import sys
from concurrent.futures import ProcessPoolExecutor

import cv2

from tests.same_cards.compare import Counts, count

CHUNK = 50


def main() -> int:
    """Read them and print the counts."""
    parser = argparse.ArgumentParser(prog="python -m tests.same_cards", description=__doc__)
    parser.add_argument("--cards", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--processes", type=int, default=2)
    given = parser.parse_args()
    parts = [(given.seed, k, min(k + CHUNK, given.cards)) for k in range(0, given.cards, CHUNK)]
    total = Counts()
    with ProcessPoolExecutor(given.processes, initializer=cv2.setNumThreads, initargs=(1,)) as pool:
        for counts in pool.map(count, *zip(*parts, strict=True)):
            total.add(counts)
    print(f"{'way':20}{'certain':>9}{'unsure':>9}{'refused':>9}")
    for way, counted in total.by_way.items():
        print(f"{way:20}{counted['certain']:9}{counted['unsure']:9}{counted['refused']:9}")
    for why, n in total.refusals.most_common():
        print(f"  refused by {why} {n}")
    print(f"{total.cards} cards; read with certainty every way {total.read}, of these identical {total.same}")
    print(f"different {len(total.different)}, wrong {len(total.wrong)}")
    for line in [*total.different, *total.wrong][:20]:
        print(f"  {line}")
    return int(bool(total.different or total.wrong))


if __name__ == "__main__":
    sys.exit(main())
