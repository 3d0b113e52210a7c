"""`make volume-sensors`: 100,000 simulated sweeps over the table of scenarios; 1 when one was read wrongly."""

from __future__ import annotations

import argparse
import sys
import zlib
from concurrent.futures import ProcessPoolExecutor
from math import ceil

from tests.volume_sensors.scenarios import SCENARIOS
from tests.volume_sensors.tally import Tally, run

CHUNK = 250


def main() -> int:
    """Run the table and print it."""
    parser = argparse.ArgumentParser(prog="python -m tests.volume_sensors", description=__doc__)
    parser.add_argument("--sweeps", type=int, default=100_000)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--reasons", action="store_true", help="also say why sweeps were refused")
    given = parser.parse_args()
    shares = sum(s.share for s in SCENARIOS)
    total, failed = Tally(), False
    print(f"{'scenario':36}{'sweeps':>8}{'read':>8}{'review':>8}{'refused':>9}{'wrong':>7}{'read %':>9}")
    with ProcessPoolExecutor(given.processes) as pool:
        jobs = []
        for scenario in SCENARIOS:
            count = ceil(given.sweeps * scenario.share / shares)
            seed = zlib.crc32(scenario.name.encode())
            parts = [(seed + k, min(CHUNK, count - k)) for k in range(0, count, CHUNK)]
            jobs.append((scenario, [pool.submit(_run, scenario.name, *part) for part in parts]))
        for scenario, futures in jobs:
            tally = Tally()
            for future in futures:
                tally.add(future.result())
            short = scenario.read_min is not None and tally.read < scenario.read_min * tally.total
            print(
                line(scenario.name, tally)
                + ("   TOO FEW READ" if short else "   beyond the limits" if scenario.beyond else ""),
                flush=True,
            )
            if given.reasons and tally.reasons:
                print(" " * 4 + ", ".join(f"{code} {n}" for code, n in tally.reasons.most_common(5)))
            if tally.wrong_seeds:
                print(f"    wrong: seeds {tally.wrong_seeds[:8]}")
            failed |= short or (tally.wrong > 0 and not scenario.beyond)
            total.add(tally)
    print(line("all", total))
    return int(failed)


def _run(name: str, seed: int, count: int) -> Tally:
    return run(next(s for s in SCENARIOS if s.name == name), seed, count)


def line(name: str, tally: Tally) -> str:
    """One row of the table."""
    share = 100 * tally.read / max(tally.total, 1)
    return f"{name:36}{tally.total:8}{tally.read:8}{tally.review:8}{tally.refused:9}{tally.wrong:7}{share:9.2f}"


if __name__ == "__main__":
    sys.exit(main())
