"""`make fuzz`: a million pictures on two processes. Inputs that crash or hang are kept, with the command that replays one."""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

SECONDS_MAX = 20
"""An input that takes longer hangs; an ordinary one takes a few thousandths."""
MEMORY_MAX_MB = 2048
SLICE = 20_000
"""Inputs a process: atheris keeps up to 80 kB of every one, and `MEMORY_MAX_MB` would end it."""


@dataclass(frozen=True)
class Slice:
    """One process's share, and what became of it."""

    seed: int
    runs: int
    done: int = 0
    code: int = 0
    log: str = ""


def main(arguments: list[str]) -> int:
    """0 when every input came through, 1 when one did not."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--runs", type=int, default=1_000_000, help="inputs in all (default: 1000000)")
    parser.add_argument("--jobs", type=int, default=2, help="processes (default: 2)")
    parser.add_argument("--seed", type=int, default=1, help="of the first process; the others count up (default: 1)")
    parser.add_argument("--crashes", type=Path, default=Path("fuzz-crashes"), help="folder for inputs that fail")
    options = parser.parse_args(arguments)
    options.crashes.mkdir(parents=True, exist_ok=True)
    count = max(options.jobs, -(-options.runs // SLICE))
    shares = [
        Slice(options.seed + k, options.runs * (k + 1) // count - options.runs * k // count) for k in range(count)
    ]
    started, done, failed = time.monotonic(), 0, 0
    with tempfile.TemporaryDirectory() as work, ThreadPoolExecutor(options.jobs) as pool:
        corpus = Path(work) / "corpus"
        _write_corpus(corpus)
        for share in pool.map(lambda s: _run(s, corpus, options.crashes), shares):
            done += share.done
            failed += share.code != 0
            seconds = time.monotonic() - started
            print(
                f"seed {share.seed}: exit code {share.code}; {done} inputs in {seconds:.0f} s, {done / seconds:.0f} a second"
            )
            if share.code:
                print(share.log)
            sys.stdout.flush()
    print(f"{done} inputs, {failed} of {count} processes failed")
    for kept in sorted(options.crashes.iterdir()):
        print(f"replay: python -m tests.fuzz.picture {kept}")
    return 1 if failed or done < options.runs else 0


def _write_corpus(corpus: Path) -> None:
    # In a process of its own: instrumented, the reader would slow this one.
    write = (
        f"from pathlib import Path; from tests.fuzz.picture import write_corpus; write_corpus(Path({str(corpus)!r}))"
    )
    subprocess.run([sys.executable, "-c", write], check=True, stderr=subprocess.DEVNULL)


def _run(share: Slice, corpus: Path, crashes: Path) -> Slice:
    command = [
        sys.executable, "-m", "tests.fuzz.picture", str(corpus), f"-runs={share.runs}", f"-seed={share.seed}",
        f"-timeout={SECONDS_MAX}", f"-report_slow_units={SECONDS_MAX}", f"-rss_limit_mb={MEMORY_MAX_MB}",
        "-max_len=65536", "-print_final_stats=1", f"-artifact_prefix={crashes}/",
    ]  # fmt: skip
    ended = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    log = ended.stdout.decode(errors="replace")
    found = re.findall(r"stat::number_of_executed_units:\s*(\d+)", log)
    tail = "\n".join(log.splitlines()[-40:])
    return Slice(share.seed, share.runs, int(found[-1]) if found else 0, ended.returncode, tail)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
