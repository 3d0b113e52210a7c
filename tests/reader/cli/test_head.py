"""`logicienne head …` in processes of its own, beside a simulated head: the firmware on a pty."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

MAIN = [sys.executable, "-c", "from reader.cli import main; main()"]


def run(*args: str, cwd: Path, say: str = "", code: int = 0) -> subprocess.CompletedProcess[str]:
    """`logicienne …`, from a folder that holds no code."""
    env = os.environ | {"COLUMNS": "120"}
    done = subprocess.run(
        [*MAIN, *args], cwd=cwd, env=env, input=say, capture_output=True, text=True, timeout=60, check=False
    )
    assert "Traceback" not in done.stderr, done.stderr
    assert done.returncode == code, (done.returncode, done.stdout, done.stderr)
    return done


@pytest.fixture(scope="module")
def port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A simulated head that waits with two cards."""
    folder = tmp_path_factory.mktemp("head")
    command = [*MAIN, "head", "simulate", "--cards", "2", "--feed", "steady", "--port", "line"]
    with subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert "A head of stadslogistiek-bar on line" in process.stdout.readline()
        yield folder / "line"
        process.send_signal(signal.SIGINT)
        process.wait(10)
    assert process.returncode == 0 and not (folder / "line").is_symlink()


def test_the_console_shows_what_is_said_and_answered(port: Path) -> None:
    said = "selftest\n\nfoo\nlevels 70000\narm maybe\nack 0000000100000001\nlevels\nstats\n"
    done = run("head", "console", "line", cwd=port.parent, say=said)
    assert "← CAPS head 73696d756c617465" in done.stdout and "bar six-rows: 6 rows and 2 clocks" in done.stdout
    assert "→ ASKSELFTEST" in done.stdout and "← SELFTEST ok=True" in done.stdout
    assert "→ CARDACK 0000000100000001" in done.stdout and ": done" in done.stdout
    assert "← LEVELS 111111 " in done.stdout and "← HEARTBEAT up " in done.stdout
    assert "'foo' is no command" in done.stderr and "write it as: arm on|off" in done.stderr
    assert "write it as: levels [MS|stop]" in done.stderr
    assert " frames, 0 damaged, 0 missed, 0 not understood" in done.stderr


def test_levels_are_shown_by_sensor(port: Path) -> None:
    lines = run("head", "levels", "line", "--count", "2", cwd=port.parent).stdout.splitlines()
    assert len(lines) == 2 and lines[0].startswith("1 79% light, 2 79% light,")
    assert lines[0].endswith("T1 5% bar or air, T2 5% bar or air")


def test_the_machine_runs_with_it(port: Path) -> None:
    command = [*MAIN, "run", "--source", "head:line", "--store", "try.db", "--place", "Try"]
    with subprocess.Popen(command, cwd=port.parent, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        accepted, end = 0, time.monotonic() + 50
        while accepted < 2 and time.monotonic() < end:
            accepted += "green accepted" in process.stdout.readline()
        process.terminate()
        rest = process.stdout.read()
        assert process.wait(10) == 0
    assert accepted == 2 and "Try: 2 counted, 0 waiting for review, 0 rejected" in rest


def test_a_head_that_is_not_there_is_told(tmp_path: Path) -> None:
    for words in (["console", "none"], ["levels", "none", "--count", "1"]):
        assert "none: is not there" in run("head", *words, cwd=tmp_path, code=1).stderr
    assert "names no sensor_bar" in run("head", "simulate", "stadslogistiek", cwd=tmp_path, code=1).stderr
    (tmp_path / "file").touch()
    assert "is no simulated head" in run("head", "simulate", "--port", "file", cwd=tmp_path, code=1).stderr
    assert (tmp_path / "file").exists()


@pytest.mark.parametrize("name", ["console", "levels", "flash", "simulate"])
def test_every_command_has_an_example(name: str, tmp_path: Path) -> None:
    assert f"Example: logicienne head {name}" in run("head", name, "--help", cwd=tmp_path).stdout
