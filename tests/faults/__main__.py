"""`make faults`: 100,000 crash states, the controls that must fail, 200 kills, and sensor heads on a bad cable."""

from __future__ import annotations

import argparse
import sys
import tempfile
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path

from tests.faults import head, kill
from tests.faults.sitting import Tally, run
from tests.needs import find_micropython

CONTROLS = {
    "synchronous=NORMAL": ("NORMAL", False),
    "synchronous=OFF": ("OFF", False),
    "a disk that lies": ("EXTRA", True),
}
PER_RUN = 2500


def line(name: str, tally: Tally) -> str:
    """One row of the table."""
    return f"{name:32}{tally.states:10}{tally.lost:20}{tally.twice:12}{tally.corrupt:10}"


def crash_states(wanted: int, processes: int) -> Tally:
    """As many states as wanted, over many sittings."""
    total, seed = Tally(), 100
    work = partial(run, cards=200, per_instant=20, states=PER_RUN)
    with ProcessPoolExecutor(processes) as pool:
        while total.states < wanted:
            for tally in pool.map(work, range(seed, seed + processes)):
                for name in ("states", "lost", "twice", "corrupt"):
                    setattr(total, name, getattr(total, name) + getattr(tally, name))
                total.examples += tally.examples
            seed += processes
            sys.stderr.write(f"  {total.states} of {wanted} states\n")
    return total


def main() -> int:
    """Run everything and print it; 1 when a promise was broken or a control did not fail."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("--states", type=int, default=100_000)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--cuts", type=int, default=50, help="of a sensor head's line, in each of its sittings")
    parser.add_argument("--only", choices=("store", "head"), help="one part")
    given = parser.parse_args()
    failed = given.only != "head" and _store(given)
    if given.only != "store":
        failed |= _heads(given.cuts)
    return int(failed)


def _store(given: argparse.Namespace) -> bool:
    """The store: crash states, controls, kills. Whether a promise was broken."""
    print(f"{'crash states':32}{'tried':>10}{'acknowledged lost':>20}{'duplicates':>12}{'corrupt':>10}")
    ours = crash_states(given.states, given.processes)
    print(line("the store", ours))
    failed = not ours.clean
    for name, (synchronous, lies) in CONTROLS.items():
        tally = run(7, cards=100, per_instant=8, synchronous=synchronous, lies=lies, states=1000)
        print(line(f"control: {name}", tally) + ("" if tally.lost else "   DID NOT FAIL"))
        failed |= not tally.lost
    with tempfile.TemporaryDirectory() as folder:
        outcome = kill.run(given.kills, Path(folder))
    print(
        f"kill -9: {outcome.kills} times, {outcome.acknowledged} cards acknowledged, {outcome.lost} lost, "
        f"{outcome.twice} twice, {outcome.corrupt} stores not in order"
    )
    return failed or bool(outcome.lost or outcome.twice or outcome.corrupt)


def _heads(cuts: int) -> bool:
    """The firmware on a bad cable, under MicroPython and CPython. Whether a promise was broken, or not put to the test."""
    failed = False
    found = find_micropython()
    for name, program in (("MicroPython", found), ("CPython", sys.executable)):
        if program is None:
            print(f"head under {name}: NOT TRIED, it is not here; once: .ci/micropython .venv")
            failed = True
            continue
        with tempfile.TemporaryDirectory() as folder:
            tally = head.run(Path(folder), (program,), cards=2 * cuts, cuts=cuts, kills=cuts // 5)
        print(f"head under {name}: {tally.line()}")
        failed |= not tally.clean or tally.cuts < cuts
    return failed


if __name__ == "__main__":
    sys.exit(main())
