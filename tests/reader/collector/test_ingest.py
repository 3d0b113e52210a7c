"""What comes in is kept once, whatever the order; receipts are for what is there, and erased words stay away."""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reader.collector import held
from reader.collector.checking import parsed
from reader.collector.database import Database, Session, open_database
from reader.collector.erasures import erase
from reader.collector.errors import CollectorError, Denied
from reader.collector.ingest import claim, ingest
from reader.collector.keys import Collector
from reader.collector.machines import forks, machines, permanences, revoke
from reader.store import facts
from reader.sync.wire import Claim, WireRecord
from tests.reader.collector.conftest import Enrolled, enrolled


def everything(database: Database[Any], machine: str) -> dict[str, list[tuple[Any, ...]]]:
    """All that is held of a machine, table by table."""

    def look(session: Session) -> dict[str, list[tuple[Any, ...]]]:
        columns = {
            "records": "id, kind, permanence, body, digest", "texts": "record, text, salt", "forks": "id, digest, body",
            "groups": "permanence, records", "openings": "id, place, day", "erasures": "record, reason",
            "pending_erasures": "id", "machines": "records, root",
        }  # fmt: skip
        return {
            table: sorted(session.rows(f"SELECT {names} FROM {table} WHERE machine = ?", machine))
            for table, names in columns.items()
        }

    return database.read(look)


def claims_of(records: list[WireRecord], named: bool = False) -> list[Claim]:
    groups: dict[str, dict[str, str]] = {}
    for r in records:
        groups.setdefault(r.permanence, {})[r.id] = r.digest
    return [
        Claim(p, len(d), facts.set_digest(list(d.values())), d if named else None) for p, d in sorted(groups.items())
    ]


def changed(record: WireRecord, **body: object) -> WireRecord:
    """The same id with another body, and the digest that goes with it."""
    new = facts.record(record.kind, record.permanence, {**json.loads(record.body), **body}, record.id)  # type: ignore[arg-type]
    return replace(record, body=new.body, digest=new.digest)


def one(records: list[WireRecord], kind: str) -> WireRecord:
    return next(r for r in records if r.kind == kind)


# --- once, whatever the order ---------------------------------------------------------------------------------------


def test_all_is_kept_and_a_second_time_known(
    database: Database[Any], machine: Enrolled, records: list[WireRecord]
) -> None:
    first, second = ingest(database, machine.id, records), ingest(database, machine.id, records)
    assert (first.taken, first.known, first.refused, first.forks) == (len(records), 0, (), ())
    assert (second.taken, second.known) == (0, len(records))
    assert database.read(held.check) == []
    kept = everything(database, machine.id)["records"]
    assert kept == sorted((r.id, r.kind, r.permanence, r.body, r.digest) for r in records)
    assert [(p.place, p.records, p.closed) for p in permanences(database)] == [("Café Belga", len(records) - 1, True)]


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_interleaving_and_repetition_makes_the_same_union(
    data: st.DataObject, database: Database[Any], records: list[WireRecord]
) -> None:
    in_order, mixed = enrolled(database), enrolled(database)
    ingest(database, in_order.id, records)
    order = data.draw(st.permutations(records))
    again = data.draw(st.lists(st.sampled_from(records), max_size=10))
    cuts = sorted(data.draw(st.lists(st.integers(0, len(order)), max_size=4)))
    for begin, end in zip([0, *cuts], [*cuts, len(order)], strict=True):
        ingest(database, mixed.id, [*order[begin:end], *again])
    assert everything(database, mixed.id) == everything(database, in_order.id)
    assert len(claim_all(database, in_order.id, records)) == len(claims_of(records))


def claim_all(database: Database[Any], machine: str, records: list[WireRecord]) -> list[Any]:
    from reader.collector.keys import new_keys

    receipts, missing = claim(Collector(database, new_keys("x")), machine, claims_of(records))
    assert missing == {}
    return receipts


def test_senders_at_once_do_not_count_twice(
    database: Database[Any], machine: Enrolled, make_records: Callable[..., list[WireRecord]]
) -> None:
    records = make_records(cards=30)
    results = []
    start = threading.Barrier(4)

    def send(k: int) -> None:
        start.wait()
        for begin in range(0, len(records), 7):
            turned = records[k * 5 :] + records[: k * 5]
            results.append(ingest(database, machine.id, turned[begin : begin + 7]))

    threads = [threading.Thread(target=send, args=(k,)) for k in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(r.taken for r in results) == len(records)
    assert sum(r.known for r in results) == 3 * len(records)
    assert database.read(held.check) == []
    assert len(claim_all(database, machine.id, records)) == 2


def test_one_id_of_two_machines_is_two_records(database: Database[Any], records: list[WireRecord]) -> None:
    a, b = enrolled(database, "A"), enrolled(database, "B")
    assert ingest(database, a.id, records).taken == ingest(database, b.id, records).taken == len(records)


# --- forks and refusals ---------------------------------------------------------------------------------------------


def test_another_content_under_a_known_id_is_kept_apart(
    database: Database[Any], machine: Enrolled, records: list[WireRecord]
) -> None:
    review = one(records, "review")
    other = changed(review, reason="somebody changed this")
    ingest(database, machine.id, records)
    for _ in range(2):
        done = ingest(database, machine.id, [other])
        assert (done.taken, done.forks) == (0, (review.id,))
    (found,) = forks(database)
    assert (found.first, found.other) == (review.body, other.body)
    assert machines(database)[0].forks == 1
    assert database.read(held.check) == []


def test_two_contents_in_one_batch_are_a_fork_too(
    database: Database[Any], machine: Enrolled, records: list[WireRecord]
) -> None:
    review = one(records, "review")
    done = ingest(database, machine.id, [review, changed(review, reason="x"), review])
    assert (done.taken, done.known, done.forks) == (1, 1, (review.id,))


def test_the_words_of_a_fork_are_not_taken_for_the_first_ones(
    database: Database[Any], machine: Enrolled, records: list[WireRecord]
) -> None:
    story = next(r for r in records if r.text)
    salt = "ab" * 16
    other = changed(story, text_digest=facts.salted_digest(salt, "Iets anders"))
    ingest(database, machine.id, [story])
    ingest(database, machine.id, [replace(other, text="Iets anders", salt=salt)])
    assert everything(database, machine.id)["texts"] == [(story.id, story.text, story.salt)]


def bad_ones(records: list[WireRecord]) -> dict[str, WireRecord]:
    story, review, opening = (one(records, k) for k in ("story", "review", "permanence"))
    story = next(r for r in records if r.text)
    reading, layout = one(records, "reading"), one(records, "layout")
    answers = json.loads(reading.body)["answers"]
    null = "a\0b"
    salted = changed(story, text_digest=facts.salted_digest("ab" * 16, null))
    return {
        "a changed body": replace(review, body=review.body.replace("decision", "decisiom")),
        "a changed digest": replace(review, digest="0" * 64),
        "a changed permanence": replace(review, permanence=layout.id),
        "other words": replace(story, text="Iets anders"),
        "not canonical": raw(review, review.body.replace(":", ": ")),
        "no JSON": raw(review, "{"),
        "a list": raw(review, "[]"),
        "deep": raw(review, "[" * 100_000),
        "a long number": raw(review, '{"reading":' + "9" * 10_000 + "}"),
        "NaN": raw(reading, '{"residual_mm":NaN}'),
        "more than is known": changed(review, surprise=1),
        "less than is needed": raw(review, "{}"),
        "a decision that is none": changed(review, decision="maybe"),
        "a value twice": changed(reading, answers={**answers, "q": {"state": "answered", "value": ["a", "a"]}}),
        "an answer that is a number": changed(reading, answers={"q": {"state": "answered", "value": 3}}),
        "a layout that is not the one it names": changed(layout, digest="0" * 64),
        "a layout that is none": changed(layout, content="{}"),
        "a layout with a permanence": moved(layout, opening.id),
        "a review without one": moved(review, ""),
        "a permanence of another": moved(opening, review.id),
        "a place that no database keeps": changed(opening, place="Caf\0é"),
        "words that no database keeps": replace(salted, text=null, salt="ab" * 16),
        "a day that is none": changed(opening, day="2024-13-01"),
    }


def raw(record: WireRecord, body: str) -> WireRecord:
    new = facts.Record(record.id, "review", record.permanence, body, "")
    import hashlib

    digest = hashlib.sha256(f"{record.kind}\n{new.permanence}\n{body}".encode()).hexdigest()
    return replace(record, body=body, digest=digest)


def moved(record: WireRecord, permanence: str) -> WireRecord:
    return raw(replace(record, permanence=permanence), record.body)


def test_what_cannot_be_understood_is_refused_and_loses_nothing_else(
    database: Database[Any], machine: Enrolled, records: list[WireRecord]
) -> None:
    bad = bad_ones(records)
    good = one(records, "closing")
    for what, record in bad.items():
        done = ingest(database, machine.id, [record, good])
        assert [r.id for r in done.refused] == [record.id], what
        assert done.refused[0].why and "Café" not in done.refused[0].why
    assert [r[0] for r in everything(database, machine.id)["records"]] == [good.id]
    assert database.read(held.check) == []


def test_values_that_are_no_records_are_refused_by_name(records: list[WireRecord]) -> None:
    good = records[0].to_json()
    values = [
        good,
        None,
        3,
        [],
        {},
        {**good, "more": 1},
        {**good, "id": "x"},
        {**good, "kind": "dance"},
        {**good, "id": 7},
    ]
    found, refused = parsed(values)
    assert found == [records[0]]
    assert [r.id for r in refused] == ["", "", "", "", good["id"], "x", good["id"], ""]


def test_nothing_is_taken_from_strangers_and_revoked_machines(
    database: Database[Any], machine: Enrolled, records: list[WireRecord]
) -> None:
    with pytest.raises(Denied, match="not enrolled"):
        ingest(database, "0" * 12, records)
    revoke(database, machine.id)
    with pytest.raises(Denied, match="revoked"):
        ingest(database, machine.id, records)
    assert everything(database, machine.id)["records"] == []


# --- receipts -------------------------------------------------------------------------------------------------------


def test_a_receipt_is_for_exactly_what_is_held(
    collector: Collector, machine: Enrolled, records: list[WireRecord]
) -> None:
    database, missing_one = collector.database, one(records, "closing")
    ingest(database, machine.id, [r for r in records if r is not missing_one])
    receipts, missing = claim(collector, machine.id, claims_of(records, named=True))
    assert [r.permanence for r in receipts] == [""]
    assert missing == {missing_one.permanence: [missing_one.id]}
    assert claim(collector, machine.id, claims_of(records)) == (receipts, {})
    ingest(database, machine.id, [missing_one])
    receipts, missing = claim(collector, machine.id, claims_of(records))
    assert {(r.permanence, r.count, r.set_digest) for r in receipts} == {
        (c.permanence, c.count, c.set_digest) for c in claims_of(records)
    }
    assert all(r.is_signed_by(collector.keys.signing.public) and r.machine == machine.id for r in receipts)


def test_who_holds_less_gets_a_receipt_by_naming_it(
    collector: Collector, machine: Enrolled, records: list[WireRecord]
) -> None:
    ingest(collector.database, machine.id, records)
    fewer = [r for r in records if r.kind != "review"]
    assert len(claim(collector, machine.id, claims_of(fewer))[0]) == 1
    assert len(claim(collector, machine.id, claims_of(fewer, named=True))[0]) == 2


def test_a_fork_is_never_confirmed(collector: Collector, machine: Enrolled, records: list[WireRecord]) -> None:
    review = one(records, "review")
    other = changed(review, reason="another")
    ingest(collector.database, machine.id, [review, other])
    assert claim(collector, machine.id, claims_of([other], named=True)) == ([], {})
    assert len(claim(collector, machine.id, claims_of([review]))[0]) == 1


def test_of_another_machines_records_nobody_gets_a_receipt(collector: Collector, records: list[WireRecord]) -> None:
    a, b = enrolled(collector.database), enrolled(collector.database)
    ingest(collector.database, a.id, records)
    receipts, missing = claim(collector, b.id, claims_of(records, named=True))
    assert receipts == [] and sum(map(len, missing.values())) == len(records)


# --- erasures -------------------------------------------------------------------------------------------------------


def test_an_erasure_takes_the_words_whichever_comes_first(database: Database[Any], records: list[WireRecord]) -> None:
    story = next(r for r in records if r.text)
    erasure = facts.record("erasure", story.permanence, {"record": story.id, "reason": "asked for"})
    gone = WireRecord(erasure.id, erasure.kind, erasure.permanence, erasure.body, erasure.digest)
    for order in ([story, gone], [gone, story], [story, gone, story]):
        for at_once in (True, False):
            machine = enrolled(database)
            for batch in [order] if at_once else [[r] for r in order]:
                ingest(database, machine.id, batch)
            assert everything(database, machine.id)["texts"] == []
            assert len(everything(database, machine.id)["records"]) == 2


def test_erased_here_the_machine_hears_of_it_until_it_has(
    collector: Collector, machine: Enrolled, records: list[WireRecord]
) -> None:
    from reader.collector.erasures import pending

    database, story = collector.database, next(r for r in records if r.text)
    ingest(database, machine.id, records)
    assert erase(database, story.id) == [machine.id]
    assert everything(database, machine.id)["texts"] == []
    (heard,) = database.read(lambda s: pending(s, machine.id))
    assert json.loads(heard.body)["record"] == story.id
    ingest(database, machine.id, records)  # before it heard: its words do not come back
    assert everything(database, machine.id)["texts"] == []
    erase(database, story.id)
    assert len(database.read(lambda s: pending(s, machine.id))) == 1
    assert len(claim(collector, machine.id, claims_of([*records, heard]))[0]) == 2  # it has it, by its set
    assert database.read(lambda s: pending(s, machine.id)) == []
    with pytest.raises(CollectorError, match="no story"):
        erase(database, one(records, "review").id)


def test_an_erasure_that_comes_back_from_its_machine_is_heard(
    database: Database[Any], machine: Enrolled, records: list[WireRecord]
) -> None:
    from reader.collector.erasures import pending

    story = next(r for r in records if r.text)
    ingest(database, machine.id, records)
    erase(database, story.id)
    ingest(database, machine.id, database.read(lambda s: pending(s, machine.id)))
    assert database.read(lambda s: pending(s, machine.id)) == []
    assert database.read(held.check) == []


def test_one_machine_cannot_erase_anothers_story(database: Database[Any], records: list[WireRecord]) -> None:
    a, b = enrolled(database), enrolled(database)
    story = next(r for r in records if r.text)
    ingest(database, a.id, records)
    erasure = facts.record("erasure", story.permanence, {"record": story.id, "reason": "mischief"})
    ingest(database, b.id, [WireRecord(erasure.id, erasure.kind, erasure.permanence, erasure.body, erasure.digest)])
    assert [r[0] for r in everything(database, a.id)["texts"]] == [story.id]


def test_erased_words_are_in_no_byte_of_the_files(tmp_path: Path, records: list[WireRecord]) -> None:
    story = next(r for r in records if r.text)
    with open_database(tmp_path / "all.db") as database:
        machine = enrolled(database)
        ingest(database, machine.id, records)
        ingest(database, enrolled(database).id, [r for r in records if r.id != story.id])
        assert any(b"bakfiets is oud" in p.read_bytes() for p in tmp_path.iterdir())
        erase(database, story.id)
        assert not any(b"bakfiets is oud" in p.read_bytes() for p in tmp_path.iterdir())


# --- the check ------------------------------------------------------------------------------------------------------


def test_the_check_sees_what_was_changed_behind_our_back(
    database: Database[Any], machine: Enrolled, records: list[WireRecord]
) -> None:
    ingest(database, machine.id, records)
    story = one(records, "review")
    database.write(lambda s: s.change("UPDATE records SET body = '{}' WHERE id = ?", story.id))
    assert "not what its digest says" in database.read(held.check)[0].what
    database.write(lambda s: s.change("DELETE FROM records WHERE id = ?", story.id))
    assert [d.machine for d in database.read(held.check)] == [machine.id]


def test_no_table_keeps_when_a_record_came(tmp_path: Path, records: list[WireRecord]) -> None:
    for name, order in (("a", records), ("b", records[::-1])):
        with open_database(tmp_path / f"{name}.db") as database:
            machine = enrolled(database)
            for record in order:
                ingest(database, machine.id, [record])
    tables = {}
    for name in "ab":
        connection = sqlite3.connect(tmp_path / f"{name}.db")
        columns = "id, kind, permanence, body, digest"
        tables[name] = connection.execute(f"SELECT {columns} FROM records NOT INDEXED").fetchall()
        connection.close()
    assert tables["a"] == tables["b"]


def test_a_permanence_is_found_without_reading_all_of_its_machine(tmp_path: Path) -> None:
    with open_database(tmp_path / "all.db"):
        connection = sqlite3.connect(tmp_path / "all.db")
        sql = "EXPLAIN QUERY PLAN SELECT body FROM records WHERE machine = 'a' AND permanence = 'b'"
        plan = " ".join(str(row) for row in connection.execute(sql))
        connection.close()
    assert "records_by_permanence" in plan
