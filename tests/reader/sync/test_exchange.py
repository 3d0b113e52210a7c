"""A machine and a real collector: everything arrives, once, whatever happens on the way; safe is what is there."""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from cards.layout import Layout
from reader.collector import erasures, machines
from reader.collector.ingest import ingest
from reader.store import Store, facts, open_store
from reader.store.backup import backup, set_second_medium
from reader.store.check import check
from reader.store.outbox import outbox, refusals
from reader.store.reviews import review
from reader.store.stories import erase, stories
from reader.sync import identity as identities
from reader.sync.enrol import enrol, separate
from reader.sync.errors import NotAllowed, Portal, SyncError, TooBig, Unreachable
from reader.sync.http import Http, Transport
from reader.sync.sign import Key
from reader.sync.wire import Receipt, WireRecord
from tests.builders import add
from tests.reader.sync.real import (
    Running,
    Twisted,
    called_safe,
    collector,
    copy_of,
    cut_at,
    mine,
    quick,
    sitting_of,
)

SECRET = "Mijn buurvrouw brengt alles met de bakfiets."


@pytest.fixture
def there(tmp_path: Path) -> Iterator[Running]:
    with collector(tmp_path / "collector") as running:
        yield running


def all_is_well(store: Store, there: Running) -> None:
    """Everything is there, everything is safe, and the machine knows both."""
    assert (store.unsent(), check(store)) == (0, [])
    assert there.held(identities.load(store.path).machine) == mine(store)


def test_everything_arrives_and_is_safe_by_receipts(store: Store, campaign: Layout, there: Running) -> None:
    sitting_of(store, campaign, story=SECRET)
    sitting_of(store, campaign, place="Markt")
    store.add_campaign("Nulmeting", 80, datetime(2024, 12, 1).date(), datetime(2025, 2, 1).date())
    there.enrol(store)
    report = there.sync(store)
    assert report.sent == report.safe == len(mine(store)) and report.notes == ()
    all_is_well(store, there)


def test_nothing_to_send_is_two_questions(store: Store, campaign: Layout, there: Running) -> None:
    sitting_of(store, campaign)
    there.enrol(store)
    there.sync(store)
    asked: list[str] = []

    def listen(number: int, path: str, forward: Callable[[], Any]) -> Any:
        asked.append(path)
        return forward()

    assert there.sync(store, lambda line: Twisted(line, listen)).sent == 0
    assert asked == ["/v1/health", "/v1/state"]


def test_an_open_sitting_stays_at_home_until_it_is_closed(
    store: Store, sitting: str, campaign: Layout, there: Running
) -> None:
    add(store, sitting, campaign)
    there.enrol(store)
    there.sync(store)
    kinds = there.collector.database.read(lambda s: s.rows("SELECT kind FROM records"))
    assert kinds == [("layout",)] and outbox(store).in_open == 2
    store.close_permanence(sitting)
    there.sync(store)
    all_is_well(store, there)


def test_later_facts_follow(store: Store, campaign: Layout, there: Running) -> None:
    sitting_of(store, campaign, story=SECRET)
    there.enrol(store)
    there.sync(store)
    ((card,), *_) = store.rows("SELECT id FROM readings")
    review(store, card, "void")
    erase(store, stories(store)[0].id)
    report = there.sync(store)
    assert report.sent == 2, "what is there already is not sent again"
    all_is_well(store, there)
    assert there.collector.database.read(lambda s: s.rows("SELECT text FROM texts")) == []


@pytest.mark.parametrize("after", [False, True], ids=["before it arrives", "the answer is lost"])
def test_cut_at_any_request_it_goes_on_from_there(store: Store, campaign: Layout, there: Running, after: bool) -> None:
    there.enrol(store)
    for number in range(1, 9):
        sitting_of(store, campaign, cards=7)
        with pytest.raises(Unreachable):
            there.sync(store, cut_at(number, after))
        assert check(store) == [] and called_safe(store) <= there.held().keys()
    assert there.sync(store).notes == ()
    all_is_well(store, there)


def test_asked_twice_at_every_request_nothing_is_there_twice(store: Store, campaign: Layout, there: Running) -> None:
    sitting_of(store, campaign)
    there.enrol(store)
    there.sync(store, lambda line: Twisted(line, lambda number, path, forward: (forward(), forward())[1]))
    all_is_well(store, there)


def forged(receipt: dict[str, Any], key: Key) -> dict[str, Any]:
    return Receipt.from_json(receipt).signed(key).to_json()


@pytest.mark.parametrize(
    "lie",
    [
        lambda answer: {},
        lambda answer: [],
        lambda answer: {"receipts": True},
        lambda answer: answer | {"receipts": [], "missing": {}},
        lambda answer: answer | {"receipts": [r | {"count": r["count"] + 1} for r in answer["receipts"]]},
        lambda answer: answer | {"receipts": [forged(r, Key.new()) for r in answer["receipts"]]},
        lambda answer: answer | {"receipts": [r | {"signature": ""} for r in answer["receipts"]]},
        lambda answer: answer | {"receipts": [], "missing": {"": [facts.new_id()], "x": ["y"]}},
    ],
)  # fmt: skip
def test_only_a_signed_receipt_about_just_that_makes_safe(
    store: Store, campaign: Layout, there: Running, lie: Callable[[Any], Any]
) -> None:
    sitting_of(store, campaign)
    there.enrol(store)

    def twist(number: int, path: str, forward: Callable[[], Any]) -> Any:
        answer = forward()
        if path == "/v1/state":
            return answer | {"receipts": []}
        return lie(answer) if path == "/v1/claim" else answer

    try:
        report = there.sync(store, lambda line: Twisted(line, twist))
        assert report.safe == 0 and any("does not confirm" in note for note in report.notes)
    except Unreachable:
        pass
    assert called_safe(store) == set() and check(store) == []
    there.sync(store)
    all_is_well(store, there)


def test_who_says_everything_was_taken_and_took_nothing_is_found_out(
    store: Store, campaign: Layout, there: Running
) -> None:
    sitting_of(store, campaign)
    there.enrol(store)

    def twist(number: int, path: str, forward: Callable[[], Any]) -> Any:
        if path == "/v1/records":
            return {"taken": 3, "known": 0, "refused": [], "forks": []}
        return forward()

    report = there.sync(store, lambda line: Twisted(line, twist))
    assert report.safe == 0 and called_safe(store) == set()


@pytest.mark.parametrize(
    ("answer", "kind"), [({"ok": True}, Portal), ([], Portal), ({"logicienne": "collector", "collector": "x"}, Portal)]
)
def test_another_at_the_address_is_named_and_gets_nothing(
    store: Store, campaign: Layout, there: Running, answer: object, kind: type[Exception]
) -> None:
    sitting_of(store, campaign)
    there.enrol(store)

    def twist(number: int, path: str, forward: Callable[[], Any]) -> Any:
        assert path == "/v1/health", "nothing else is asked"
        return answer

    with pytest.raises(kind, match="collector"):
        there.sync(store, lambda line: Twisted(line, twist))


def test_reading_goes_on_while_the_network_is_waited_for(
    store: Store, sitting: str, campaign: Layout, there: Running
) -> None:
    sitting_of(store, campaign)
    there.enrol(store)
    connection = sqlite3.connect(store.path, timeout=0, isolation_level=None)

    def twist(number: int, path: str, forward: Callable[[], Any]) -> Any:
        connection.execute("BEGIN EXCLUSIVE")
        connection.execute("COMMIT")
        return forward()

    there.sync(store, lambda line: Twisted(line, twist))
    connection.close()
    assert outbox(store).unsent == outbox(store).in_open == 1


def test_a_copied_card_is_noticed_and_both_keep_what_they_have(
    store: Store, campaign: Layout, there: Running, tmp_path: Path
) -> None:
    sitting_of(store, campaign)
    there.enrol(store)
    there.sync(store)
    with open_store(copy_of(store, tmp_path / "copy" / "test.db")) as copy:
        sitting_of(copy, campaign, place="Elsewhere")
        sitting_of(store, campaign, place="Here")
        assert there.sync(store).notes == ()
        told = there.sync(copy)
        assert any("sync separate" in note for note in told.notes) and copy.setting("sync_clone") == "yes"
        assert there.held() == mine(store) | mine(copy) and copy.unsent() == 0
        assert there.sync(store).notes == (), "the first line goes on"
        (known,) = machines.machines(there.collector.database)
        assert known.clone_seen
        separate(copy.path)
        there.enrol(copy)
        sitting_of(copy, campaign, place="Third")
        before = len(there.held())
        report = there.sync(copy)
        assert (report.notes, copy.unsent(), check(copy)) == ((), 0, [])
        assert len(there.held()) == before + report.sent, "what is there under the old name is not sent again"
        assert there.held() == mine(store) | mine(copy)
        assert there.sync(store).notes == () and check(store) == []


def test_an_erasure_asked_of_the_organisation_reaches_machine_and_copies(
    store: Store, campaign: Layout, there: Running, tmp_path: Path
) -> None:
    sitting_of(store, campaign, story=SECRET)
    stick = tmp_path / "stick"
    set_second_medium(store.path, stick)
    copied = backup(store, stick)
    there.enrol(store)
    there.sync(store)
    (story,) = [s.id for s in stories(store)]
    erasures.erase(there.collector.database, story)
    stick.rename(tmp_path / "in a pocket")
    report = there.sync(store)
    assert any("connect it" in note for note in report.notes)
    assert [s.text for s in stories(store)] == [None]
    all_is_well(store, there)
    (tmp_path / "in a pocket").rename(stick)
    assert there.sync(store).notes == ()
    for path in (*store.path.parent.glob(f"{store.path.name}*"), copied):
        assert SECRET.encode() not in path.read_bytes(), path


def test_a_fork_is_named_on_both_sides_and_holds_up_nothing_else(
    store: Store, campaign: Layout, there: Running
) -> None:
    sitting = sitting_of(store, campaign)
    machine = there.enrol(store).machine
    ((card, body),) = store.rows("SELECT id, body FROM records WHERE kind = 'reading' LIMIT 1")
    other = facts.record("reading", sitting, json.loads(body) | {"residual_mm": 0.5}, card)
    ingest(there.collector.database, machine, [WireRecord(card, "reading", sitting, other.body, other.digest)])
    report = there.sync(store)
    assert report.safe == len(mine(store)) - 1
    assert [(r[0], r[2]) for r in refusals(store)] == [(card, "reading")] and "both" in refusals(store)[0][3]
    assert store.unsent() == 1 and check(store) == []
    assert [f.id for f in machines.forks(there.collector.database)] == [card]
    assert there.sync(store).safe == 0 and store.unsent() == 1, "and it stays so"
    asked: list[str] = []

    def listen(number: int, path: str, forward: Callable[[], Any]) -> Any:
        asked.append(path)
        return forward()

    there.sync(store, lambda line: Twisted(line, listen))
    assert len(asked) < 12, "one that is refused does not have everything looked at again"


def test_what_is_refused_is_offered_again(store: Store, campaign: Layout, there: Running) -> None:
    sitting_of(store, campaign)
    there.enrol(store)
    ((bad,),) = store.rows("SELECT id FROM records WHERE kind = 'reading' LIMIT 1")

    def older(line: Transport) -> Transport:
        class Older:
            get = staticmethod(line.get)

            @staticmethod
            def post(path: str, value: Any) -> Any:
                if path != "/v1/records":
                    return line.post(path, value)
                kept = [r for r in value["records"] if r["id"] != bad]
                answer = line.post(path, value | {"records": kept})
                refused = [{"id": bad, "why": "a kind from the future"}]
                return answer | {"refused": refused if len(kept) < len(value["records"]) else []}

        return Older()

    report = there.sync(store, older)
    assert report.safe == len(mine(store)) - 1 and check(store) == []
    assert [r[3] for r in refusals(store)] == ["a kind from the future"]
    there.sync(store)
    all_is_well(store, there)
    assert refusals(store) == []


def test_a_collector_that_takes_little_at_a_time_gets_little(store: Store, campaign: Layout, there: Running) -> None:
    sitting_of(store, campaign)
    there.enrol(store)

    def narrow(line: Transport) -> Transport:
        class Narrow:
            get = staticmethod(line.get)

            @staticmethod
            def post(path: str, value: Any) -> Any:
                if len(value.get("records", [])) > 1:
                    raise TooBig("less")
                return line.post(path, value)

        return Narrow()

    there.sync(store, narrow)
    all_is_well(store, there)


def test_a_collector_put_back_from_an_old_backup_gets_everything_again(
    store: Store, campaign: Layout, tmp_path: Path
) -> None:
    with collector(tmp_path / "first") as there:
        there.enrol(store)
        sitting_of(store, campaign)
        there.sync(store)
        (tmp_path / "second").mkdir()
        there.collector.database.write(lambda s: s.rows("SELECT 1"))
        source, target = (sqlite3.connect(tmp_path / f / "collector.db") for f in ("first", "second"))
        source.backup(target)
        source.close()
        target.close()
        sitting_of(store, campaign, place="Later")
        there.sync(store)
        keys = there.collector.keys
    with collector(tmp_path / "second", keys) as there:
        assert len(there.held()) < len(mine(store))
        report = there.sync(store)
        assert any("lost" in note for note in report.notes) and report.sent == 6
        all_is_well(store, there)


def test_a_store_recovered_from_an_older_copy_agrees_again(
    store: Store, campaign: Layout, there: Running, tmp_path: Path
) -> None:
    there.enrol(store)
    sitting = store.open_permanence("Café", datetime(2024, 12, 6).date())
    add(store, sitting, campaign)
    there.sync(store)
    copy = backup(store, tmp_path / "stick")
    for _ in range(3):
        add(store, sitting, campaign)
    store.close_permanence(sitting)
    there.sync(store)
    store.rows("PRAGMA wal_checkpoint(TRUNCATE)")
    store.close()
    shutil.copyfile(copy, store.path)
    with open_store(store.path) as again:
        assert there.sync(again).notes == (), "no clone: who it is does not lie in the copy"
        assert len(there.held()) > len(mine(again)) and check(again) == []
        opened = [p.id for p in again.permanences() if not p.closed]
        for permanence in opened:
            again.close_permanence(permanence)
        there.sync(again)
        assert (again.unsent(), check(again)) == (0, [])
        assert mine(again).items() <= there.held().items()


def test_a_wrong_clock_is_said_and_stops_nothing(
    store: Store, campaign: Layout, there: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    sitting_of(store, campaign)
    there.enrol(store)

    def twist(number: int, path: str, forward: Callable[[], Any]) -> Any:
        late = (datetime.now(UTC) + timedelta(days=3)).isoformat()
        return forward() | ({"clock": late} if path == "/v1/state" else {})

    report = there.sync(store, lambda line: Twisted(line, twist))
    assert any("wrong by 3 days" in note for note in report.notes)
    all_is_well(store, there)


def test_a_revoked_machine_is_told_so_and_keeps_everything(store: Store, campaign: Layout, there: Running) -> None:
    sitting_of(store, campaign)
    machine = there.enrol(store).machine
    machines.revoke(there.collector.database, machine)
    with pytest.raises(NotAllowed, match="revoked"):
        there.sync(store)
    assert called_safe(store) == set()
    there.enrol(store)
    there.sync(store)
    all_is_well(store, there)


def test_a_wrong_code_enrols_nothing(store: Store, there: Running) -> None:
    with Http(there.url) as line, pytest.raises(NotAllowed, match="no such code"):
        enrol(store.path, there.url, "AAAA-AAAA", line, quick())
    assert identities.load(store.path).collector is None
    with pytest.raises(SyncError, match="not enrolled"):
        there.sync(store)


def test_another_collector_starts_from_nothing(store: Store, campaign: Layout, there: Running, tmp_path: Path) -> None:
    sitting_of(store, campaign)
    there.enrol(store)
    there.sync(store)
    with collector(tmp_path / "other") as other:
        other.enrol(store)
        other.sync(store)
        all_is_well(store, other)


def test_a_dead_line_is_asked_again(store: Store, campaign: Layout, there: Running) -> None:
    sitting_of(store, campaign)
    there.enrol(store)

    def twist(number: int, path: str, forward: Callable[[], Any]) -> Any:
        if number % 3:
            raise Unreachable("cut")
        return forward()

    there.sync(store, lambda line: Twisted(line, twist), tries=4)
    all_is_well(store, there)
