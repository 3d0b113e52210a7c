"""`make fuzz`: a million pictures on two processes. Inputs that crash or hang are kept, with the command that replays one."""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

SECONDS_MAX = 20
"""An input that takes longer hangs; an ordinary one takes a few thousandths."""
MEMORY_MAX_MB = 2048


def main(arguments: list[str]) -> int:
    """0 when every input came through, 1 when one did not."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--runs", type=int, default=1_000_000, help="inputs in all (default: 1000000)")
    parser.add_argument("--jobs", type=int, default=2, help="processes (default: 2)")
    parser.add_argument("--seed", type=int, default=1, help="of the first process; the others count up (default: 1)")
    parser.add_argument("--crashes", type=Path, default=Path("fuzz-crashes"), help="folder for inputs that fail")
    options = parser.parse_args(arguments)
    options.crashes.mkdir(parents=True, exist_ok=True)
    started = time.monotonic()
    with tempfile.TemporaryDirectory() as work:
        jobs = [_start(options, Path(work), k) for k in range(options.jobs)]
        codes = [job.wait() for job in jobs]
        logs = [(Path(work) / f"{k}.log").read_text(errors="replace") for k in range(options.jobs)]
    done = 0
    for k, (code, log) in enumerate(zip(codes, logs, strict=True)):
        found = re.findall(r"stat::number_of_executed_units:\s*(\d+)", log) or re.findall(r"#(\d+)", log)
        done += int(found[-1]) if found else 0
        print(f"process {k}: seed {options.seed + k}, exit code {code}")
        if code:
            print("\n".join(log.splitlines()[-40:]))
    seconds = time.monotonic() - started
    print(f"{done} inputs in {seconds:.0f} s, {done / seconds:.0f} a second, {sum(map(bool, codes))} failed")
    for kept in sorted(options.crashes.iterdir()):
        print(f"replay: python -m tests.fuzz.picture {kept}")
    return 1 if any(codes) or done < options.runs else 0


def _start(options: argparse.Namespace, work: Path, k: int) -> subprocess.Popen[bytes]:
    corpus = work / f"corpus-{k}"
    # Imported by the children alone: instrumented, it would slow this one.
    write = (
        f"from pathlib import Path; from tests.fuzz.picture import write_corpus; write_corpus(Path({str(corpus)!r}))"
    )
    subprocess.run([sys.executable, "-c", write], check=True, stderr=subprocess.DEVNULL)
    runs = options.runs // options.jobs + (k < options.runs % options.jobs)
    command = [
        sys.executable, "-m", "tests.fuzz.picture", str(corpus), f"-runs={runs}", f"-seed={options.seed + k}",
        f"-timeout={SECONDS_MAX}", f"-rss_limit_mb={MEMORY_MAX_MB}", "-max_len=65536", "-print_final_stats=1",
        f"-artifact_prefix={options.crashes}/",
    ]  # fmt: skip
    with (work / f"{k}.log").open("wb") as log:
        return subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
