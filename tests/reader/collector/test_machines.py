"""Who may send, clones, the collector's keys, and databases that are not a collector's."""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from reader.collector.database import Database, open_database
from reader.collector.errors import CollectorBusy, CollectorError, Denied
from reader.collector.ingest import ingest
from reader.collector.keys import Collector, new_keys, with_keys, write_keys
from reader.collector.machines import LETTERS, authenticate, enrol, machines, new_code, revoke
from reader.collector.state import Asked, state
from reader.collector.tries import ALL, EACH, WINDOW_S, Tries
from reader.store import open_store
from reader.sync import sign
from reader.sync.wire import Group, WireRecord, group
from tests.reader.collector.conftest import Enrolled, enrolled

NOW = datetime(2024, 12, 5, 12, 0, tzinfo=UTC)


# --- enrolment ------------------------------------------------------------------------------------------------------


def test_a_code_enrols_one_machine_once(database: Database[Any]) -> None:
    code, key = new_code(database, "Machine 2"), sign.Key.new().public
    assert len(code) == 9 and set(code) <= {*LETTERS, "-"}
    token, name = enrol(database, code.lower().replace("-", " "), "a" * 12, key)
    assert name == "Machine 2" and authenticate(database, token) == "a" * 12
    with pytest.raises(Denied, match="no such code"):
        enrol(database, code, "b" * 12, key)
    assert [m.machine for m in machines(database)] == ["a" * 12]


def test_a_code_lasts_a_quarter_of_an_hour(database: Database[Any]) -> None:
    key = sign.Key.new().public
    code = new_code(database, "M", NOW)
    with pytest.raises(Denied):
        enrol(database, code, "a" * 12, key, NOW + timedelta(minutes=15, seconds=1))
    enrol(database, code, "a" * 12, key, NOW + timedelta(minutes=15))


def test_of_two_at_once_one_is_enrolled(database: Database[Any]) -> None:
    code, done = new_code(database, "M"), []
    start = threading.Barrier(4)

    def attempt(k: int) -> None:
        start.wait()
        try:
            done.append(enrol(database, code, f"{k}" * 12, sign.Key.new().public))
        except Denied:
            done.append(None)

    threads = [threading.Thread(target=attempt, args=(k,)) for k in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(done) == 4 and sum(d is not None for d in done) == 1 == len(machines(database))


@pytest.mark.parametrize("name", ["", "  ", "x" * 81, "a\nb", "\x1b[2J"])
def test_a_name_is_a_name(database: Database[Any], name: str) -> None:
    with pytest.raises(ValueError, match="name"):
        new_code(database, name)


def test_nobody_takes_the_place_of_a_machine_with_another_key(database: Database[Any]) -> None:
    first = enrolled(database)
    other = sign.Key.new().public
    with pytest.raises(Denied, match="another key"):
        enrol(database, code := new_code(database, "M"), first.id, other)
    assert authenticate(database, first.token) == first.id
    # The same key again: a machine that lost its token. The code above was not used up by the refusal.
    token, _ = enrol(database, code, first.id, first.key.public)
    with pytest.raises(Denied):
        authenticate(database, first.token)
    revoke(database, first.id)
    with pytest.raises(Denied, match="revoked"):
        authenticate(database, token)
    fresh, _ = enrol(database, new_code(database, "M"), first.id, other)
    assert authenticate(database, fresh) == first.id


def test_enrolling_again_forgets_no_record(
    database: Database[Any], machine: Enrolled, records: list[WireRecord]
) -> None:
    ingest(database, machine.id, records)
    enrol(database, new_code(database, "New name"), machine.id, machine.key.public)
    assert [(m.name, m.records) for m in machines(database)] == [("New name", len(records))]


def test_tokens_and_codes_are_in_no_table(database: Database[Any]) -> None:
    code = new_code(database, "M")
    token, _ = enrol(database, new_code(database, "N"), "a" * 12, sign.Key.new().public)
    everything = database.read(lambda s: repr([s.rows(f"SELECT * FROM {t}") for t in ("machines", "codes")]))
    assert token not in everything and code not in everything and code.replace("-", "") not in everything


def test_a_machine_is_revoked_by_its_name_when_that_is_the_only_one(database: Database[Any]) -> None:
    a, b, c = enrolled(database, "twin"), enrolled(database, "twin"), enrolled(database, "single")
    assert revoke(database, "single") == c.id
    for which in ("twin", "nobody"):
        with pytest.raises(CollectorError, match="collector machines"):
            revoke(database, which)
    assert {m.machine for m in machines(database) if not m.revoked} == {a.id, b.id}


def test_wrong_codes_are_slowed_down_by_address_and_in_all() -> None:
    now = 0.0
    tries = Tries(lambda: now)
    for _ in range(EACH):
        assert tries.wait_s("a") == 0
        tries.wrong("a")
    assert tries.wait_s("a") == WINDOW_S and tries.wait_s("b") == 0
    for k in range(ALL - EACH):
        tries.wrong(f"x{k}")
    assert tries.wait_s("b") == WINDOW_S
    now = WINDOW_S
    assert tries.wait_s("a") == tries.wait_s("b") == 0


# --- how things stand -----------------------------------------------------------------------------------------------


def asked(machine: str, current: str, following: str, **more: Any) -> Asked:
    return replace(Asked(machine, current, following, NOW, 0, ()), **more)


def test_a_machine_is_told_what_is_held_and_gets_receipts_for_what_is_the_same(
    collector: Collector, machine: Enrolled, records: list[WireRecord]
) -> None:
    before = state(collector, asked(machine.id, "e0", "e1"), NOW)
    ingest(collector.database, machine.id, records)
    sets = {p: group(p, [r.digest for r in records if r.permanence == p]) for p in {r.permanence for r in records}}
    wrong = Group("", 1, "0" * 64)
    answer = state(collector, asked(machine.id, "e1", "e2", groups=[*sets.values(), wrong], waiting=3,
                                    clock=NOW + timedelta(seconds=90)), NOW)  # fmt: skip
    assert before.root != answer.root
    assert {g.permanence: g for g in answer.groups} == sets
    assert {(r.permanence, r.count) for r in answer.receipts} == {(p, g.count) for p, g in sets.items()}
    assert all(r.is_signed_by(collector.keys.signing.public) and r.day == "2024-12-05" for r in answer.receipts)
    (known,) = machines(collector.database)
    assert (known.waiting, known.clock_off_s, known.last_seen) == (3, 90, "2024-12-05T12:00:00Z")


def test_the_root_is_that_of_the_set_however_it_came(
    collector: Collector, machine: Enrolled, records: list[WireRecord]
) -> None:
    other = enrolled(collector.database)
    ingest(collector.database, machine.id, records)
    for record in reversed(records):
        ingest(collector.database, other.id, [record, record])
    roots = {state(collector, asked(m, "e0", "e1"), NOW).root for m in (machine.id, other.id)}
    assert len(roots) == 1


def test_a_copied_store_is_noticed_and_the_first_line_goes_on(collector: Collector, machine: Enrolled) -> None:
    def ask(current: str, following: str) -> str:
        return state(collector, asked(machine.id, current, following), NOW).epoch

    assert ask("e0", "e1") == "ok"
    assert ask("e1", "e2") == "ok"
    assert ask("e1", "e2") == "ok"  # its answer was lost
    assert ask("e1", "copy") == "clone"
    assert ask("copy", "copy2") == "clone"
    assert ask("e2", "e3") == "ok"
    assert ask("e0", "e1") == "ok"  # held up on the way; changes nothing
    assert ask("e3", "e4") == "ok"
    (known,) = machines(collector.database)
    assert known.clone_seen == "2024-12-05"
    answer = state(collector, asked(machine.id, "copy", "copy3"), NOW)
    assert "logicienne sync separate" in answer.message


# --- keys and files -------------------------------------------------------------------------------------------------


def test_keys_are_made_once_and_are_their_owners(place: str, tmp_path: Path) -> None:
    path = tmp_path / "keys" / "k.keys"
    with open_database(place) as database:
        made = with_keys(database, path, "Org").keys
        assert path.stat().st_mode & 0o777 == 0o600
        again = with_keys(database, path).keys
        assert (again.collector, again.recipient, again.organisation) == (made.collector, made.recipient, "Org")


def test_lost_or_foreign_keys_are_named_and_nothing_is_made_in_their_place(place: str, tmp_path: Path) -> None:
    path = tmp_path / "k.keys"
    with open_database(place) as database:
        with_keys(database, path)
        path.unlink()
        with pytest.raises(CollectorError, match="put the file back"):
            with_keys(database, path)
        assert not path.exists()
        write_keys(path, new_keys("Other"))
        with pytest.raises(CollectorError, match="another collector"):
            with_keys(database, path)


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"organisation": "x", "signing": "AA==", "identity": "AGE"}'])
def test_damaged_keys_are_no_keys(place: str, tmp_path: Path, text: str) -> None:
    path = tmp_path / "k.keys"
    path.write_text(text)
    with open_database(place) as database, pytest.raises(CollectorError, match="damaged"):
        with_keys(database, path)


def test_a_machines_store_is_not_taken_for_a_collectors(tmp_path: Path) -> None:
    path = tmp_path / "machine.db"
    open_store(path).close()
    before = path.read_bytes()
    with pytest.raises(CollectorError, match="not a collector's"):
        open_database(path)
    assert path.read_bytes() == before


def test_rubbish_and_impossible_places_are_named(tmp_path: Path) -> None:
    (tmp_path / "rubbish.db").write_bytes(b"no database" * 1000)
    with pytest.raises(CollectorError, match="damaged"):
        open_database(tmp_path / "rubbish.db")
    (tmp_path / "file").write_text("")
    with pytest.raises(CollectorError, match="another place"):
        open_database(tmp_path / "file" / "below.db")
    with pytest.raises(CollectorError, match="no such database"):
        open_database("mysql://x@y/z")


def test_a_server_that_is_not_there_is_named_without_its_password() -> None:
    with pytest.raises(CollectorBusy) as caught:
        open_database("postgresql://me:secret@127.0.0.1:1/none")
    assert "secret" not in str(caught.value) and "127.0.0.1" in str(caught.value)


def test_tables_of_another_version_are_left_alone(place: str) -> None:
    with open_database(place) as database:
        database.write(lambda s: s.change("UPDATE settings SET value = '999' WHERE name = 'version'"))
    with pytest.raises(CollectorError, match="version 999"):
        open_database(place)


def test_a_broken_connection_is_made_anew(database: Database[Any], machine: Enrolled, place: str) -> None:
    if not place.startswith("postgresql"):
        pytest.skip("a file has no connection to break")
    import psycopg

    database.read(lambda s: s.rows("SELECT 1"))
    with psycopg.connect(place, autocommit=True) as other:
        other.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()")
    assert machines(database)[0].machine == machine.id


def test_work_that_clashes_is_done_again(database: Database[Any], place: str) -> None:
    if not place.startswith("postgresql"):
        pytest.skip("SQLite has one writer at a time")
    import psycopg

    calls = []

    def work(session: Any) -> int:
        calls.append(1)
        if len(calls) < 3:
            raise psycopg.errors.SerializationFailure("could not serialize")
        return int(session.rows("SELECT 7")[0][0])

    assert database.write(work) == 7 and len(calls) == 3
