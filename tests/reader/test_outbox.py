"""Every record is to be sent until a receipt covers it, whatever happens to the store in between."""

from __future__ import annotations

import sqlite3
from datetime import date
from pathlib import Path

from cards.layout import Layout
from reader.store import Store, facts, open_store
from reader.store.backup import backup, recover
from reader.store.check import check
from reader.store.outbox import adopt, digests, kept, outbox, ready, refusals, refuse, reopen, settle, with_words
from reader.store.reviews import review
from reader.store.stories import erase
from tests.builders import add, told

DAY = date(2024, 12, 5)
MACHINE, OTHER, COLLECTOR = "0123456789ab", "ba9876543210", "key"


def settled(store: Store, permanence: str) -> None:
    settle(store, permanence, list(digests(store, permanence)), "{}")


def test_every_record_is_to_be_sent_and_the_count_says_so(store: Store, sitting: str, campaign: Layout) -> None:
    card = add(store, sitting, campaign)
    review(store, card, "void")
    (records,) = store.rows("SELECT count(*) FROM records")[0]
    assert store.unsent() == records == 4
    add(store, sitting, campaign)
    assert store.unsent() == 5 and check(store) == []


def test_an_open_sitting_is_not_ready(store: Store, sitting: str, campaign: Layout) -> None:
    add(store, sitting, campaign)
    assert ready(store) == [""] and outbox(store).in_open == 2
    store.close_permanence(sitting)
    assert ready(store) == ["", sitting] and outbox(store).in_open == 0


def test_a_receipt_empties_what_it_covers_and_later_facts_wait_again(
    store: Store, sitting: str, campaign: Layout
) -> None:
    card = add(store, sitting, campaign)
    store.close_permanence(sitting)
    claimed = list(digests(store, sitting))
    late = review(store, card, "void")
    assert settle(store, sitting, claimed, "{}") == 3
    assert store.rows("SELECT record FROM outbox WHERE permanence = ?", sitting) == [(late,)]
    assert [k.count for k in kept(store)] == [3] and check(store) == []
    settled(store, sitting)
    settled(store, "")
    assert (store.unsent(), ready(store), check(store)) == (0, [], [])
    reopen(store, sitting)
    assert (store.unsent(), ready(store), check(store)) == (4, [sitting], [])


def test_what_is_refused_stays_and_is_named(store: Store) -> None:
    campaign = store.add_campaign("Nulmeting", 80, DAY, DAY)
    refuse(store, {campaign: "not understood", facts.new_id(): "nobody knows it"})
    assert refusals(store) == [(campaign, "", "campaign", "not understood")] and store.unsent() == 1
    settled(store, "")
    assert refusals(store) == []


def test_words_travel_until_they_are_erased(store: Store, sitting: str) -> None:
    story = told(store, sitting, "Met de bakfiets.")
    ((record, text, salt),) = with_words(store, [story])
    assert (record.id, text) == (story, "Met de bakfiets.") and salt
    erase(store, story)
    assert [row[1:] for row in with_words(store, [story])] == [(None, None)]


def test_another_collector_has_nothing_and_another_name_sends_nothing_twice(
    store: Store, sitting: str, campaign: Layout
) -> None:
    card = add(store, sitting, campaign)
    store.close_permanence(sitting)
    adopt(store, MACHINE, COLLECTOR)
    for permanence in ready(store):
        settled(store, permanence)
    adopt(store, OTHER, COLLECTOR)
    assert store.unsent() == 0 and digests(store, sitting) == {} and check(store) == []
    late = review(store, card, "void")
    assert list(digests(store, sitting)) == [late]
    settled(store, sitting)
    assert store.unsent() == 0 and check(store) == []
    adopt(store, OTHER, "another key")
    assert store.unsent() == 5 and len(digests(store, sitting)) == 4 and check(store) == []


def test_a_rebuilt_store_knows_what_is_safe(store: Store, sitting: str, campaign: Layout) -> None:
    add(store, sitting, campaign)
    settled(store, "")
    store.rebuild()
    assert store.unsent() == 2 and check(store) == []


def test_a_store_of_before_the_outbox_has_everything_to_send(tmp_path: Path, campaign: Layout) -> None:
    path = tmp_path / "old.db"
    with open_store(path) as store:
        sitting = store.open_permanence("Café", DAY)
        add(store, sitting, campaign)
    connection = sqlite3.connect(path)
    for table in ("outbox", "receipts", "refusals", "elsewhere"):
        connection.execute(f"DROP TABLE {table}")
    connection.execute("PRAGMA user_version = 2")
    connection.commit()
    connection.close()
    with open_store(path) as store:
        assert store.unsent() == 3 and check(store) == []


def test_after_damage_nothing_is_forgotten(tmp_path: Path, campaign: Layout) -> None:
    path, stick = tmp_path / "s.db", tmp_path / "stick"
    with open_store(path) as store:
        sitting = store.open_permanence("Café", DAY)
        add(store, sitting, campaign)
        settled(store, "")
        backup(store, stick)
        for _ in range(20):
            add(store, sitting, campaign)
        store.rows("PRAGMA wal_checkpoint(TRUNCATE)")
    data = bytearray(path.read_bytes())
    data[2 * 4096 : 2 * 4096 + 2000] = b"\xa5" * 2000
    path.write_bytes(bytes(data))
    assert recover(path, stick).copy is not None
    with open_store(path) as store:
        (records,) = store.rows("SELECT count(*) FROM records")[0]
        assert store.unsent() == records - 1 and check(store) == []
    recovered_without_a_copy = recover(path, None)
    with open_store(path) as store:
        assert store.unsent() == recovered_without_a_copy.records and check(store) == []


def test_outbox_without_a_receipt_is_found_by_the_check(store: Store, sitting: str, campaign: Layout) -> None:
    add(store, sitting, campaign)
    store.connection.execute("DELETE FROM outbox WHERE permanence = ?", (sitting,))
    assert [f.where for f in check(store)] == [f"outbox of {sitting}"]
