"""Processes that were started for work end with the one that started them."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

from reader.processes import cores, fresh

PROGRAM = """
import os, time
from reader.processes import fresh

if __name__ == "__main__":
    pool = fresh(2)
    # Much work at once, so that more than one process starts.
    pids = {f.result() for f in [pool.submit(os.getpid) for _ in range(20)]}
    print(*pids, flush=True)
    time.sleep(600)
"""


factors: list[int] = []


def remember(factor: int) -> None:
    factors.append(factor)


def times(number: int) -> tuple[int, int]:
    return number * factors[0], os.getpid()


def test_work_is_done_elsewhere_in_order_by_processes_that_were_given_what_it_takes() -> None:
    with fresh(cores(), remember, (3,)) as pool:
        done = list(pool.map(times, range(5)))
    assert [product for product, _ in done] == [0, 3, 6, 9, 12]
    assert os.getpid() not in {pid for _, pid in done}
    assert not factors


def test_a_killed_program_leaves_no_process_behind(tmp_path: Path) -> None:
    (tmp_path / "program.py").write_text(PROGRAM, encoding="utf-8")
    with subprocess.Popen([sys.executable, tmp_path / "program.py"], stdout=subprocess.PIPE, text=True) as program:
        assert program.stdout is not None
        pids = [int(word) for word in program.stdout.readline().split()]
        assert pids and all(map(is_there, pids))
        program.kill()
    for _ in range(600):
        if not any(map(is_there, pids)):
            return
        time.sleep(0.05)
    raise AssertionError("still there after half a minute")


def is_there(pid: int) -> bool:
    try:
        # One that has ended, and whose end nobody has asked for, is a zombie.
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False
