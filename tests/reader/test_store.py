"""The store: acknowledged is on disk, nothing changes, nothing tells the order of cards."""

from __future__ import annotations

import json
import os
import sqlite3
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cards.layout import Layout
from reader.reading import Code, Reason
from reader.store import Store, StoreError, StoreFull, StoreNewer, open_store
from tests.builders import add, complete

DAY = date(2024, 12, 5)


def rows(path: Path, sql: str) -> list[tuple[object, ...]]:
    connection = sqlite3.connect(path)
    try:
        return connection.execute(sql).fetchall()
    finally:
        connection.close()


def test_what_was_acknowledged_is_there_for_another_program(store: Store, sitting: str, campaign: Layout) -> None:
    new = add(store, sitting, campaign)
    assert rows(store.path, "SELECT id, outcome FROM readings") == [(new, "accepted")]
    answers = dict(rows(store.path, "SELECT question, value FROM answers"))  # type: ignore[arg-type]
    assert answers["groceries_how"] == "on_foot"


def test_the_example_in_the_documentation_runs() -> None:
    import doctest

    import reader.store.opening as module

    tried = doctest.testmod(module)
    assert tried.attempted >= 5 and tried.failed == 0


def test_counted_holds_accepted_cards_only(store: Store, sitting: str, campaign: Layout) -> None:
    good = add(store, sitting, campaign)
    add(store, sitting, campaign, [*complete(campaign), "groceries_how.car"])
    assert {a.reading for a in store.counted([sitting], campaign.identity)} == {good}
    (p,) = store.permanences(DAY)
    assert (p.counted, p.waiting, p.rejected) == (1, 1, 0)


def test_a_rejection_keeps_that_it_happened_and_why(store: Store, sitting: str) -> None:
    store.append_rejection(sitting, [Reason(Code.CUT_OFF, found="secret"), Reason(Code.BLURRED)])
    assert rows(store.path, "SELECT reasons FROM rejections") == [("cut_off,blurred",)]
    assert "secret" not in str(rows(store.path, "SELECT body FROM records"))


def test_records_cannot_be_changed_or_removed(store: Store, sitting: str, campaign: Layout) -> None:
    add(store, sitting, campaign)
    connection = sqlite3.connect(store.path)
    for sql in ("UPDATE records SET body = '{}'", "DELETE FROM records"):
        with pytest.raises(sqlite3.IntegrityError, match="only ever added"):
            connection.execute(sql)
    connection.close()


def test_a_closed_permanence_takes_no_card(store: Store, sitting: str, campaign: Layout) -> None:
    store.close_permanence(sitting)
    with pytest.raises(StoreError, match="closed"):
        add(store, sitting, campaign)
    with pytest.raises(StoreError, match="closed"):
        store.close_permanence(sitting)


def test_tables_hold_no_order_and_no_time(store: Store, sitting: str, campaign: Layout) -> None:
    add(store, sitting, campaign)
    tables = rows(store.path, "SELECT name, sql FROM sqlite_schema WHERE type = 'table'")
    assert tables
    for name, sql in tables:
        # `recent` serves the sitting, and closing wipes it.
        assert name == "recent" or "WITHOUT ROWID" in str(sql), name
    (body,) = rows(store.path, "SELECT body FROM records WHERE kind = 'reading'")[0]
    keys = set(json.loads(str(body)))
    assert not keys & {"time", "at", "when", "created", "file", "name", "seq", "number"}


def test_ids_do_not_tell_the_order(store: Store, sitting: str, campaign: Layout) -> None:
    ids = [add(store, sitting, campaign) for _ in range(40)]
    assert all(i[14] == "4" for i in ids), "UUID version 4"
    assert ids != sorted(ids)


def test_the_connection_asks_for_full_durability(store: Store) -> None:
    assert store.database.execute("PRAGMA synchronous").fetchone()[0] == 3
    assert store.database.execute("PRAGMA journal_mode").fetchone()[0] == "wal"
    assert store.database.execute("PRAGMA secure_delete").fetchone()[0] == 1


def test_tables_can_be_made_again_from_the_records(store: Store, sitting: str, campaign: Layout) -> None:
    add(store, sitting, campaign)
    add(store, sitting, campaign, [])
    store.append_rejection(sitting, [Reason(Code.NO_CARD)])
    tables = ("openings", "readings", "answers", "rejections", "layouts")
    before = {t: sorted(rows(store.path, f"SELECT * FROM {t}")) for t in tables}
    assert store.rebuild() == 5
    assert {t: sorted(rows(store.path, f"SELECT * FROM {t}")) for t in tables} == before


def test_a_card_that_changed_under_its_name_is_refused_and_nothing_is_lost(
    store: Store, sitting: str, campaign: Layout
) -> None:
    from dataclasses import replace

    add(store, sitting, campaign)
    other = replace(campaign, digest="0" * 64)
    with pytest.raises(StoreError, match="version 2"):
        add(store, sitting, other)
    assert len(rows(store.path, "SELECT id FROM readings")) == 1


def test_a_store_of_a_newer_program_can_be_read_but_not_written(tmp_path: Path, campaign: Layout) -> None:
    path = tmp_path / "s.db"
    with open_store(path) as store:
        sitting = store.open_permanence("Café", DAY)
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA user_version = 99")
    connection.close()
    before = path.read_bytes()
    with open_store(path) as store:
        assert store.read_only
        assert [p.place for p in store.permanences()] == ["Café"]
        with pytest.raises(StoreNewer, match="newer version"):
            add(store, sitting, campaign)
    assert path.read_bytes() == before


def test_another_programs_database_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "s.db"
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE recipes (name)")
    connection.commit()
    connection.close()
    with pytest.raises(StoreError, match="another program"):
        open_store(path)


def test_a_file_that_is_no_database_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "s.db"
    path.write_bytes(b"no database at all, but long enough to look at" * 50)
    with pytest.raises(StoreError, match="not a store"):
        open_store(path)
    assert path.read_bytes().startswith(b"no database")


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("x")
    with pytest.raises(StoreError, match="--store"):
        open_store(file / "below" / "s.db")


def test_a_full_disk_stores_nothing_of_the_card_and_keeps_the_others(tmp_path: Path, campaign: Layout) -> None:
    with open_store(tmp_path / "s.db") as store:
        sitting = store.open_permanence("Café", DAY)
        add(store, sitting, campaign)
        pages = store.database.execute("PRAGMA page_count").fetchone()[0]
        store.database.execute(f"PRAGMA max_page_count = {pages}")
        with pytest.raises(StoreFull, match="no room"):
            for _ in range(50):
                add(store, sitting, campaign)
        kept = len(rows(store.path, "SELECT id FROM readings"))
        assert kept >= 1
        assert len(rows(store.path, "SELECT id FROM records WHERE kind = 'reading'")) == kept
        store.database.execute("PRAGMA max_page_count = 1000000")
        add(store, sitting, campaign)
    assert rows(tmp_path / "s.db", "PRAGMA integrity_check") == [("ok",)]


def test_a_locked_store_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("reader.store.opening.BUSY_S", 0.05)
    with open_store(tmp_path / "s.db") as store:
        other = sqlite3.connect(store.path, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreError, match="another program holds"):
            store.open_permanence("Café", DAY)
        other.execute("ROLLBACK")
        other.close()
        assert store.open_permanence("Café", DAY)


@pytest.mark.parametrize("place", ["", "   "])
def test_a_permanence_needs_a_place(store: Store, place: str) -> None:
    with pytest.raises(ValueError, match="place"):
        store.open_permanence(place, DAY)


def test_an_operator_is_a_code_never_a_name(store: Store) -> None:
    with pytest.raises(ValueError, match="never a name"):
        store.open_permanence("Café", DAY, operator="Jan De Vries")


@pytest.mark.skipif(os.geteuid() == 0, reason="root writes everywhere")
def test_a_read_only_folder_is_named(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(StoreError):
        open_store(tmp_path / "s.db")


@settings(max_examples=15, deadline=None)
@given(st.lists(st.sampled_from(["accept", "review", "reject", "reopen"]), max_size=12))
def test_any_sequence_counts_as_a_simple_list_would(steps: list[str]) -> None:
    import tempfile

    from cards.load import find_layout

    layout = find_layout("stadslogistiek")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "s.db"
        store = open_store(path)
        sitting = store.open_permanence("Café", DAY)
        for step in steps:
            if step == "accept":
                add(store, sitting, layout)
            elif step == "review":
                add(store, sitting, layout, [])
            elif step == "reject":
                store.append_rejection(sitting, [Reason(Code.NO_CARD)])
            else:
                store.close()
                store = open_store(path)
        (p,) = store.permanences()
        counted = {a.reading for a in store.counted([sitting], layout.identity)}
        store.close()
    assert (p.counted, p.waiting, p.rejected) == tuple(steps.count(k) for k in ("accept", "review", "reject"))
    assert len(counted) == p.counted
