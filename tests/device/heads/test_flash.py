"""Flashing: what is copied, in which order, and what is said when it does not work. mpremote is played, the head too."""

from __future__ import annotations

import os
import sys
from functools import partial
from pathlib import Path

import pytest

from device.firmware import ON_THE_PICO
from device.heads.flash import flash
from device.heads.line import SerialLine
from device.source import SourceError
from tests.device.heads.fake import FakeHead

TOOL = """
import shutil, sys
from pathlib import Path
pico = Path({pico!r})
connect, port, verb, *rest = sys.argv[1:]
with (pico / "log").open("a") as log:
    print(connect, port, verb, *[Path(r).name for r in rest], file=log)
if {fails!r} == verb:
    sys.exit("mpremote: no device found")
if verb == "cp" and rest[0] == "-r":
    shutil.copytree(rest[1], pico / Path(rest[1]).name)
elif verb == "cp":
    shutil.copy(rest[0], pico / rest[1].lstrip(":"))
"""


def tool(folder: Path, monkeypatch: pytest.MonkeyPatch, fails: str = "") -> Path:
    """An mpremote whose Pico is a folder."""
    pico, package = folder / "pico", folder / "tool" / "mpremote"
    pico.mkdir()
    package.mkdir(parents=True)
    (package / "__init__.py").touch()
    (package / "__main__.py").write_text(TOOL.format(pico=str(pico), fails=fails))
    monkeypatch.syspath_prepend(package.parent)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(sys.path))
    return pico


def test_the_firmware_is_copied_and_main_comes_last(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pico = tool(tmp_path, monkeypatch)
    with FakeHead(tmp_path) as fake:
        said = list(flash("PORT", partial(SerialLine, str(fake.path)), asked_s=2.0, started_s=2.0))
        assert (0x4C504552).to_bytes(4, "little") in [p[2:] for p in fake.heard if p[0] == 0x0A], (
            "was not told to give up its line"
        )
    assert sorted(p.name for p in (pico / "firmware").iterdir()) == sorted(ON_THE_PICO)
    assert (pico / "main.py").stat().st_size > 0
    steps = (pico / "log").read_text().splitlines()
    assert steps == ["connect PORT cp -r firmware :", "connect PORT cp main.py :main.py", "connect PORT reset"]
    assert "answers: firmware fake" in said[-1]


def test_a_pico_that_is_not_there_is_told_with_mpremotes_own_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tool(tmp_path, monkeypatch, fails="cp")
    with pytest.raises(SourceError, match=r"no device found\); is MicroPython on the Pico"):
        list(flash("PORT", partial(SerialLine, str(tmp_path / "none")), asked_s=0.0))


def test_a_pico_that_does_not_answer_afterwards_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tool(tmp_path, monkeypatch)
    with pytest.raises(SourceError, match="does not answer"):
        list(flash("PORT", partial(SerialLine, str(tmp_path / "none")), asked_s=0.0, started_s=0.1))


def test_without_mpremote_it_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "mpremote", None)
    with pytest.raises(SourceError, match=r"pip install 'logicienne\[flash\]'"):
        list(flash("PORT"))
