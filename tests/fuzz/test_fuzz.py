"""A few hundred inputs of the fuzz, and that it would notice a crash."""

from __future__ import annotations

import re
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

from tests.needs import need


def fuzz(*arguments: str, code: str = "") -> subprocess.CompletedProcess[str]:
    need(find_spec("atheris"), "atheris", "pip install -e '.[fuzz]'")
    command = [sys.executable, "-c", code] if code else [sys.executable, "-m", "tests.fuzz"]
    return subprocess.run([*command, *arguments], capture_output=True, text=True, cwd=Path(__file__).parents[2])


def all_come_through(target: str, runs: int, crashes: Path) -> None:
    done = fuzz("--target", target, "--runs", str(runs), "--jobs", "1", "--seed", "7", "--crashes", str(crashes))
    assert done.returncode == 0, done.stdout + done.stderr
    found = re.search(r"(\d+) inputs, 0 of 1 processes failed", done.stdout)
    # libFuzzer ends after the mutations of the input in hand, so a few more than were asked for.
    assert found and int(found[1]) >= runs, done.stdout
    assert not list(crashes.iterdir())


def test_hundreds_of_damaged_pictures_give_a_frame_or_a_picture_error(tmp_path: Path) -> None:
    all_come_through("pictures", 400, tmp_path)


def test_the_pictures_to_begin_with_reach_a_reading(tmp_path: Path) -> None:
    """Cards that nothing could read would leave most of the reader untouched."""
    code = (
        "from tests.fuzz import picture as p\n"
        "from device.frame import decode_picture\n"
        "from reader.camera import read_frame\n"
        "from reader.reading import Reading\n"
        "read = [isinstance(read_frame(decode_picture(d, n), p.layouts()), Reading) for n, d in p.corpus().items()]\n"
        "print(sum(read), len(read))\n"
    )
    done = fuzz(code=code)
    assert done.returncode == 0, done.stderr
    read, total = map(int, done.stdout.split())
    assert read > total / 2


def test_a_reader_that_raises_is_caught_and_its_input_kept(tmp_path: Path) -> None:
    code = (
        "import sys\n"
        "from tests.fuzz import picture as p\n"
        "def broken(*_, **__): raise IndexError('a planted fault')\n"
        "p.read_frame = broken\n"
        "p.main(sys.argv[1:])\n"
    )
    corpus = tmp_path / "corpus"
    kept = tmp_path / "kept"
    kept.mkdir()
    written = fuzz(
        code=f"from pathlib import Path; from tests.fuzz.picture import write_corpus as w; w(Path({str(corpus)!r}))"
    )
    assert written.returncode == 0, written.stderr
    done = fuzz(str(corpus), "-runs=50", f"-artifact_prefix={kept}/", code=code)
    assert done.returncode != 0 and "a planted fault" in done.stdout + done.stderr
    assert list(kept.iterdir())


def test_thousands_of_damaged_lines_give_messages_or_nothing(tmp_path: Path) -> None:
    all_come_through("head", 5000, tmp_path)


def test_the_lines_to_begin_with_reach_a_sweep() -> None:
    code = (
        "from tests.fuzz import head\n"
        "made = []\n"
        "real = head.sweep_of\n"
        "def counted(*given): made.append(1); return real(*given)\n"
        "head.sweep_of = counted\n"
        "lines = head.corpus()\n"
        "for line in lines.values(): head.run_one(line)\n"
        "print(len(made), len(lines))\n"
    )
    done = fuzz(code=code)
    assert done.returncode == 0, done.stderr
    made, lines = map(int, done.stdout.split())
    assert lines / 4 < made < lines


def test_a_parser_that_raises_is_caught_too(tmp_path: Path) -> None:
    code = (
        "import sys\n"
        "from tests.fuzz import head\n"
        "def broken(*_, **__): raise IndexError('a planted fault')\n"
        "head.parse = broken\n"
        "head.main(sys.argv[1:])\n"
    )
    done = fuzz("-runs=5000", "-max_len=64", f"-artifact_prefix={tmp_path}/", code=code)
    assert done.returncode != 0 and "a planted fault" in done.stdout + done.stderr
    assert list(tmp_path.iterdir())


def test_a_thousand_damaged_orders_leave_the_firmware_running(tmp_path: Path) -> None:
    all_come_through("firmware", 1000, tmp_path)


def test_the_orders_to_begin_with_have_cards_recorded() -> None:
    code = (
        "from tests.fuzz import firmware\n"
        "made = []\n"
        "real = firmware.entries\n"
        "def counted(*given): made.append(1); return real(*given)\n"
        "firmware.entries = counted\n"
        "inputs = firmware.corpus()\n"
        "for data in inputs.values(): firmware.run_one(data)\n"
        "print(len(made), len(inputs))\n"
    )
    done = fuzz(code=code)
    assert done.returncode == 0, done.stderr
    made, inputs = map(int, done.stdout.split())
    assert made > inputs / 4
