"""Copies of the store, damage, and what takes over."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from cards.layout import Layout
from reader.store import Store, StoreError, open_store
from reader.store.backup import backup, copies, is_damaged, recover
from reader.store.check import check
from reader.store.stories import stories
from tests.builders import add, told

DAY = date(2024, 12, 5)
SECRET = "Mijn buurvrouw brengt alles met de bakfiets, elke dinsdag."


def test_a_copy_is_whole_and_the_oldest_make_room(store: Store, sitting: str, campaign: Layout, tmp_path: Path) -> None:
    card = add(store, sitting, campaign)
    made = [backup(store, tmp_path / "stick", DAY) for _ in range(17)]
    assert copies(tmp_path / "stick") == made[:2:-1]
    with open_store(made[-1]) as copy:
        assert copy.rows("SELECT id FROM readings") == [(card,)] and check(copy) == []


def test_a_medium_that_is_not_there_is_named(store: Store, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(StoreError, match="second medium"):
        backup(store, tmp_path / "file" / "stick")


def shorten(path: Path) -> None:
    data = path.read_bytes()
    path.write_bytes(data[: len(data) * 2 // 3])


def scribble(path: Path) -> None:
    data = bytearray(path.read_bytes())
    for at in range(3 * 4096, len(data), 5 * 4096):
        data[at : at + 2000] = b"\xa5" * 2000
    path.write_bytes(bytes(data))


def scribble_in_one_record(path: Path) -> None:
    data = bytearray(path.read_bytes())
    at = data.rfind(b'"offset') if b'"offset' in data else data.rfind(b'"scores"')
    data[at : at + 40] = b"\xa5" * 40
    path.write_bytes(bytes(data))


def empty_first_page(path: Path) -> None:
    data = path.read_bytes()
    path.write_bytes(bytes(4096) + data[4096:])


@pytest.mark.parametrize("damage", [shorten, scribble, empty_first_page])
def test_a_damaged_store_is_set_aside_and_copy_and_salvage_take_over(
    tmp_path: Path, campaign: Layout, damage: Callable[[Path], None]
) -> None:
    path, stick = tmp_path / "s.db", tmp_path / "stick"
    with open_store(path) as store:
        sitting = store.open_permanence("Café", DAY)
        before = {add(store, sitting, campaign) for _ in range(40)}
        story = told(store, sitting, SECRET)
        backup(store, stick)
        after = {add(store, sitting, campaign) for _ in range(20)}
        store.rows("PRAGMA wal_checkpoint(TRUNCATE)")
    damage(path)
    assert is_damaged(path) is not None
    done = recover(path, stick)
    assert done.copy is not None and done.set_aside.exists()
    with open_store(path) as store:
        assert check(store) == []
        have = {i for (i,) in store.rows("SELECT id FROM readings")}
        assert before <= have <= before | after
        assert [s.text for s in stories(store)] == [SECRET] and stories(store)[0].id == story


def test_without_a_copy_what_can_be_read_is_saved(tmp_path: Path, campaign: Layout) -> None:
    path = tmp_path / "s.db"
    with open_store(path) as store:
        sitting = store.open_permanence("Café", DAY)
        for _ in range(60):
            add(store, sitting, campaign)
        store.rows("PRAGMA wal_checkpoint(TRUNCATE)")
    scribble_in_one_record(path)
    done = recover(path, None)
    assert done.copy is None and done.salvaged >= 40
    with open_store(path) as store:
        assert check(store) == []


def test_a_damaged_copy_is_passed_over_for_an_older_sound_one(tmp_path: Path, campaign: Layout) -> None:
    path, stick = tmp_path / "s.db", tmp_path / "stick"
    with open_store(path) as store:
        sitting = store.open_permanence("Café", DAY)
        add(store, sitting, campaign)
        sound, newest = backup(store, stick, DAY), backup(store, stick, DAY)
        store.rows("PRAGMA wal_checkpoint(TRUNCATE)")
    shorten(newest)
    shorten(path)
    assert recover(path, stick).copy == sound


def test_a_file_removed_while_open_is_noticed(tmp_path: Path, campaign: Layout) -> None:
    path = tmp_path / "s.db"
    with open_store(path) as store:
        sitting = store.open_permanence("Café", DAY)
        path.unlink()
        with pytest.raises(StoreError, match="no longer there"):
            add(store, sitting, campaign)


def test_a_clock_that_jumps_back_a_year_changes_nothing(store: Store, campaign: Layout) -> None:
    late, early = store.open_permanence("Café", date(2025, 12, 5)), store.open_permanence("Café", DAY)
    for sitting in (late, early):
        add(store, sitting, campaign)
        store.close_permanence(sitting)
    assert [(p.day, p.counted) for p in store.permanences()] == [(DAY, 1), (date(2025, 12, 5), 1)]
