"""`make fuzz`: a million inputs a target, on two processes. What crashes or hangs is kept, with the command that replays it."""

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


@dataclass(frozen=True)
class Target:
    """What is fed. module: its `write_corpus(folder)` and its command. max_len: bytes of an input.

    slice: inputs a process: atheris keeps up to 80 kB of every picture, and `MEMORY_MAX_MB` would end it.
    """

    module: str
    max_len: int
    slice: int


TARGETS = {
    "pictures": Target("tests.fuzz.picture", 65536, 20_000),
    "head": Target("tests.fuzz.head", 2048, 250_000),
    "firmware": Target("tests.fuzz.firmware", 1024, 50_000),
}


@dataclass(frozen=True)
class Slice:
    """One process's share, and what became of it."""

    target: Target
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
    parser.add_argument("--target", choices=list(TARGETS), action="append", help="default: each, one after the other")
    options = parser.parse_args(arguments)
    options.crashes.mkdir(parents=True, exist_ok=True)
    return max(_fuzz(name, options) for name in options.target or TARGETS)


def _fuzz(name: str, options: argparse.Namespace) -> int:
    """One target; 1 when an input did not come through."""
    target = TARGETS[name]
    count = max(options.jobs, -(-options.runs // target.slice))
    shares = [
        Slice(target, options.seed + k, options.runs * (k + 1) // count - options.runs * k // count)
        for k in range(count)
    ]
    started, done, failed = time.monotonic(), 0, 0
    with tempfile.TemporaryDirectory() as work, ThreadPoolExecutor(options.jobs) as pool:
        corpus = Path(work) / "corpus"
        _write_corpus(target, corpus)
        for share in pool.map(lambda s: _run(s, corpus, options.crashes), shares):
            done += share.done
            failed += share.code != 0
            seconds = time.monotonic() - started
            print(
                f"{name}, seed {share.seed}: exit code {share.code}; {done} inputs in {seconds:.0f} s, "
                f"{done / seconds:.0f} a second"
            )
            if share.code:
                print(share.log)
            sys.stdout.flush()
    print(f"{name}: {done} inputs, {failed} of {count} processes failed")
    for kept in sorted(options.crashes.iterdir()):
        print(f"replay: python -m {target.module} {kept}")
    return 1 if failed or done < options.runs else 0


def _write_corpus(target: Target, corpus: Path) -> None:
    # In a process of its own: instrumented, the reader would slow this one.
    write = f"from pathlib import Path; from {target.module} import write_corpus; write_corpus(Path({str(corpus)!r}))"
    subprocess.run([sys.executable, "-c", write], check=True, stderr=subprocess.DEVNULL)


def _run(share: Slice, corpus: Path, crashes: Path) -> Slice:
    command = [
        sys.executable, "-m", share.target.module, str(corpus), f"-runs={share.runs}", f"-seed={share.seed}",
        f"-timeout={SECONDS_MAX}", f"-report_slow_units={SECONDS_MAX}", f"-rss_limit_mb={MEMORY_MAX_MB}",
        f"-max_len={share.target.max_len}", "-print_final_stats=1", f"-artifact_prefix={crashes}/",
    ]  # fmt: skip
    ended = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    log = ended.stdout.decode(errors="replace")
    found = re.findall(r"stat::number_of_executed_units:\s*(\d+)", log)
    tail = "\n".join(log.splitlines()[-40:])
    return Slice(share.target, share.seed, share.runs, int(found[-1]) if found else 0, ended.returncode, tail)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
