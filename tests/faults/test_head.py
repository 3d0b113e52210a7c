"""A head on a bad cable loses nothing and repeats nothing."""

from __future__ import annotations

import random
import sys
from pathlib import Path

from tests.device.firmware.pythons import micropython
from tests.faults import head


def test_cards_come_once_through_a_bad_cable_to_a_host_that_is_killed(tmp_path: Path) -> None:
    tally = head.run(tmp_path, (sys.executable,), cards=6, cuts=4, kills=1)
    assert tally.clean, tally.line()
    assert (tally.cuts, tally.kills) == (4, 1) and tally.damaged > 0


def test_so_they_do_from_the_firmware_under_micropython(tmp_path: Path) -> None:
    tally = head.run(tmp_path, (micropython(),), cards=3, cuts=2, kills=0, seed=2)
    assert tally.clean and tally.cuts == 2, tally.line()


def test_a_cable_damages_what_it_is_told_to() -> None:
    tally = head.Bad()
    cable = head.Cable(random.Random(1), 0.1, tally)
    frame = b"\0abcdefgh\0"
    changed = sum(cable(frame) != frame for _ in range(3000))
    assert changed == tally.damaged and 240 < changed < 360 and tally.frames == 3000


def test_a_sitting_with_a_card_too_few_or_twice_is_noticed(tmp_path: Path) -> None:
    """The judge itself: a store that lacks a card, has one twice and one that nobody fed."""
    import sqlite3

    path = tmp_path / "store.db"
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE recent (picture TEXT, reading TEXT)")
    connection.execute("CREATE TABLE records (id TEXT, body TEXT)")
    for k, number in enumerate((1, 1, 3, 9)):
        connection.execute("INSERT INTO recent VALUES (?, ?)", (f"head:uid:{1 << 32 | number:016x}", str(k)))
        connection.execute("INSERT INTO records VALUES (?, ?)", (str(k), '{"answers": {"q": 1}}'))
    connection.commit()
    connection.close()
    tally = head.Bad(3)
    head._judge(path, [{"q": 1}, {"q": 1}, {"q": 2}], tally)
    assert (tally.lost, tally.twice, tally.wrong) == (1, 1, 2)
