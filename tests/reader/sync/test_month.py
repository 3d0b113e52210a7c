"""A machine that was offline for a month: by stick, by network, or both at once, it comes to the same."""

from __future__ import annotations

import shutil
from datetime import timedelta
from pathlib import Path

import pytest

from cards.layout import Layout
from reader.collector.take import take
from reader.store import Store, open_store
from reader.store.check import check
from reader.store.reviews import review
from reader.sync import identity as identities
from reader.sync.errors import Unreachable
from reader.sync.stick import carry
from tests.builders import add, told
from tests.reader.sync.real import DAY, collector, copy_of, cut_at, mine


def month(store: Store, layout: Layout, days: range) -> None:
    """A sitting a day; now and then a story, and a review of an earlier day's card."""
    for day in days:
        sitting = store.open_permanence("Café Belga", DAY + timedelta(days=day))
        cards = [add(store, sitting, layout) for _ in range(3)]
        if day % 7 == 3:
            told(store, sitting, f"verhaal {day}")
        store.close_permanence(sitting)
        if day % 5 == 4:
            review(store, cards[0], "void")


def safe(store: Store) -> list[tuple[object, ...]]:
    """What the receipts say."""
    assert (store.unsent(), check(store)) == (0, [])
    return store.rows("SELECT permanence, count, set_digest FROM receipts ORDER BY permanence")


def test_by_stick_by_network_and_by_both_it_is_the_same(store: Store, campaign: Layout, tmp_path: Path) -> None:
    month(store, campaign, range(20))
    identities.load(store.path)
    paths = [copy_of(store, tmp_path / name / "s.db") for name in ("stick", "network", "both")]
    results = []
    for path in paths:
        with open_store(path) as machine, collector(path.parent / "collector") as there:
            there.enrol(machine)
            if path.parent.name == "network":
                there.sync(machine)
            elif path.parent.name == "stick":
                stick = path.parent / "usb"
                stick.mkdir()
                carry(machine, stick)
                assert all(done.taken is not None for done in take(there.collector, stick))
                assert carry(machine, stick).safe == len(mine(machine))
            else:
                _interleaved(machine, campaign, path.parent, there)
            assert there.held() == mine(machine)
            results.append((mine(machine), safe(machine)))
    assert results[0] == results[1]
    (records, receipts), common = results[2], {p for p, *_ in results[0][1]}
    assert results[0][0].items() <= records.items()
    assert [r for r in receipts if r[0] in common] == results[0][1]


def _interleaved(machine: Store, campaign: Layout, folder: Path, there: object) -> None:
    """An old stick, a network that is cut in the middle, a new stick, and receipts that come late and in the wrong order."""
    from tests.reader.sync.real import Running

    assert isinstance(there, Running)
    old, new = folder / "old", folder / "new"
    old.mkdir()
    new.mkdir()
    carry(machine, old)
    month(machine, campaign, range(20, 30))
    with pytest.raises(Unreachable):
        there.sync(machine, cut_at(12, after=True))
    carry(machine, new)
    for stick in (new, old, new):
        shutil.copytree(stick, folder / "twice", dirs_exist_ok=True)
        assert all(done.taken is not None for done in take(there.collector, folder / "twice"))
    with pytest.raises(Unreachable):
        there.sync(machine, cut_at(3, after=False))
    take(there.collector, old)
    before = machine.unsent()
    carry(machine, old)
    assert machine.unsent() <= before and check(machine) == []
    take(there.collector, new)
    carry(machine, new)
    there.sync(machine)
