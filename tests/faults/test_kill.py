"""A killed process loses nothing that it acknowledged."""

from __future__ import annotations

from pathlib import Path

from tests.faults import kill


def test_what_was_acknowledged_survives_kill_nine(tmp_path: Path) -> None:
    outcome = kill.run(4, tmp_path)
    assert outcome.acknowledged > 0
    assert (outcome.lost, outcome.twice, outcome.corrupt) == (0, 0, 0)
