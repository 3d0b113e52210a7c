"""What every target of the fuzz does alike: its inputs to begin with as files, and the hand-over to libFuzzer."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import atheris

Mutator = Callable[[bytes, int, int], bytes]


def write(corpus: Mapping[str, bytes], folder: Path) -> None:
    """The inputs to begin with, as files."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, data in corpus.items():
        (folder / name).write_bytes(data)


def hand_over(arguments: Sequence[str], run_one: Callable[[bytes], None], mutator: Mutator | None = None) -> None:
    """Let libFuzzer go on from here; it ends the process."""
    atheris.Setup([sys.argv[0], *arguments], run_one, custom_mutator=mutator)
    atheris.Fuzz()
