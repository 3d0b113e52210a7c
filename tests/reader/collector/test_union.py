"""Exports over all machines: the files that one machine would write, each card once, cards of two kinds never mixed."""

from __future__ import annotations

import csv
import json
import shutil
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from cards.canonical import with_digest
from cards.layout import Layout
from reader.collector.database import Database
from reader.collector.erasures import erase
from reader.collector.ingest import ingest
from reader.collector.union import Wanted, union
from reader.export import FORMATS, export, export_stories, select
from reader.store import Store, facts, open_store
from reader.store.check import check
from reader.store.reviews import review
from reader.sync.wire import WireRecord
from tests.builders import add, complete
from tests.reader.collector.conftest import DAY, Enrolled, enrolled, fill, wired
from tests.reader.collector.test_ingest import changed, one


def exported(
    database: Database[Any], folder: Path, wanted: Wanted | None = None, formats: tuple[str, ...] = ("csv",)
) -> dict[str, bytes]:
    with union(database, wanted) as everything:
        written = export(everything.store, select(everything.store), folder, "nl", formats)
    return {w.path.name: w.path.read_bytes() for w in written}


def cards_in(files: dict[str, bytes]) -> dict[str, set[str]]:
    """Card ids in each file of one row a card."""
    return {
        name: {row["card"] for row in csv.DictReader(content.decode().splitlines())}
        for name, content in files.items()
        if name.endswith("-wide.csv")
    }


def test_of_one_machine_the_files_are_the_machines_own(
    store: Store, campaign: Layout, database: Database[Any], machine: Enrolled, tmp_path: Path
) -> None:
    pytest.importorskip("pyreadstat")
    sitting = fill(store, campaign)
    waiting = store.open_permanence("Place Flagey", date(2024, 12, 7))
    corrected = add(store, waiting, campaign, [*complete(campaign), "groceries_how.car"])
    from reader.reading import Answer

    review(store, corrected, "correct", answers={"groceries_how": Answer("answered", "car")})
    ingest(database, machine.id, wired(store))
    formats = tuple(f for f in FORMATS if f not in ("xlsx", "sav"))  # those two carry the moment they were written
    own = {w.path.name: w.path.read_bytes() for w in export(store, select(store), tmp_path / "own", "nl", formats)}
    assert exported(database, tmp_path / "all", formats=formats) == own and len(own) >= 6
    rest = exported(database, tmp_path / "rest", formats=("xlsx", "sav"))
    assert {Path(name).suffix for name in rest} == {".csv", ".xlsx", ".sav", ".sps"}
    with union(database) as everything:
        # It is no machine's store: nothing in it is to be sent.
        assert [f for f in check(everything.store) if not f.where.startswith("outbox")] == everything.notes == []
        told = export_stories(everything.store, select(everything.store), tmp_path / "all", "quote")
        assert (
            told.path.read_bytes() == export_stories(store, select(store), tmp_path / "own", "quote").path.read_bytes()
        )
        assert told.rows == 1 and everything.store.layouts_used([sitting]) == [campaign.identity]


@pytest.fixture
def three(
    database: Database[Any], make_records: Callable[..., list[WireRecord]]
) -> dict[str, tuple[Enrolled, set[str]]]:
    """Three machines with their cards that count."""
    found = {}
    for k, place in enumerate(("Café Belga", "Place Flagey", "Café Belga")):
        machine, records = enrolled(database, f"M{k}"), make_records(place)
        ingest(database, machine.id, records)
        found[f"M{k}"] = machine, {r.id for r in records if r.kind == "reading" and '"accepted"' in r.body}
    return found


def test_it_is_chosen_by_machine_place_and_day(
    three: dict[str, tuple[Enrolled, set[str]]], database: Database[Any], tmp_path: Path
) -> None:
    def cards(k: int, **wanted: Any) -> set[str]:
        return set().union(*cards_in(exported(database, tmp_path / str(k), Wanted(**wanted))).values())

    ids = {name: cards for name, (_, cards) in three.items()}
    assert cards(0) == ids["M0"] | ids["M1"] | ids["M2"]
    assert cards(1, machine="M1") == cards(2, machine=three["M1"][0].id) == cards(3, place="Place Flagey") == ids["M1"]
    assert cards(4, place="Café Belga", machine="M2") == ids["M2"]
    assert cards(5, since=DAY, until=DAY) == cards(0)
    assert cards(6, since=date(2024, 12, 6)) == cards(7, until=date(2024, 12, 4)) == cards(8, machine="M9") == set()
    assert cards(9, layout="stadslogistiek") == cards(10, layout="stadslogistiek@1") == cards(0)
    assert cards(11, layout="other") == cards(12, layout="stadslogistiek@2") == set()


def test_a_copied_store_under_a_second_name_counts_once(
    database: Database[Any], store: Store, campaign: Layout, tmp_path: Path
) -> None:
    sitting = store.open_permanence("Café Belga", DAY)
    shared = {add(store, sitting, campaign) for _ in range(3)}
    before = wired(store)
    store.tidy()
    shutil.copy(store.path, tmp_path / "copy.db")
    with open_store(tmp_path / "copy.db") as copy:
        shared.add(add(copy, sitting, campaign))
        copy.close_permanence(sitting)
        ingest(database, enrolled(database, "copy").id, wired(copy))
    shared.add(add(store, sitting, campaign))
    store.close_permanence(sitting)
    assert len(before) == 5
    ingest(database, enrolled(database, "first").id, wired(store))
    files = exported(database, tmp_path / "out")
    assert set().union(*cards_in(files).values()) == shared and len(shared) == 5
    (summary,) = csv.DictReader(files["all-summary.csv"].decode().splitlines())
    assert summary["counted"] == "5"


def other_card(campaign: Layout) -> Layout:
    """Another card that goes by the same name and version: its first question was reworded."""
    first, *rest = campaign.questions
    return with_digest(replace(campaign, questions=(replace(first, text={"nl": "Iets heel anders?"}), *rest)))


def test_two_cards_of_one_name_never_share_a_file(database: Database[Any], campaign: Layout, tmp_path: Path) -> None:
    ids = []
    for k, layout in enumerate((campaign, other_card(campaign))):
        with open_store(tmp_path / f"{k}.db") as store:
            sitting = store.open_permanence("Café Belga", DAY)
            ids.append({add(store, sitting, layout) for _ in range(2)})
            ingest(database, enrolled(database).id, wired(store))
    files = cards_in(exported(database, tmp_path / "out"))
    assert sorted(map(sorted, files.values())) == sorted(map(sorted, ids)) and len(files) == 2
    with union(database) as everything:
        (note,) = everything.notes
        assert note.startswith("stadslogistiek@1 is 2 different cards")
    assert len(cards_in(exported(database, tmp_path / "one", Wanted(layout="stadslogistiek")))) == 2


def test_what_is_not_whole_yet_is_left_out_and_said(
    database: Database[Any], machine: Enrolled, records: list[WireRecord], tmp_path: Path
) -> None:
    ingest(database, machine.id, [r for r in records if r.kind != "layout"])
    with union(database) as everything:
        assert everything.notes == ["5 records left out: cards whose layout has not been sent yet"]
        assert [p.counted for p in everything.store.permanences()] == [0]
    ingest(database, machine.id, records)
    with union(database) as everything:
        assert everything.notes == [] and [p.counted for p in everything.store.permanences()] == [4]


def test_answers_that_the_layout_does_not_know_break_no_export(
    database: Database[Any], machine: Enrolled, records: list[WireRecord], tmp_path: Path
) -> None:
    reading = one(records, "reading")
    answers = json.loads(reading.body)["answers"]
    odd = [
        {**answers, "nobody_asked": {"state": "answered", "value": "x"}},
        {**answers, "groceries_how": {"state": "answered", "value": "by_rocket"}},
        {**answers, "groceries_how": {"state": "answered", "value": ["car", "bike"]}},
    ]
    hostile = [replace(changed(replace(reading, id=facts.new_id()), answers=a)) for a in odd]
    assert ingest(database, machine.id, [*records, *hostile]).refused == ()
    files = exported(database, tmp_path / "out")
    assert not {h.id for h in hostile} & set().union(*cards_in(files).values())
    with union(database) as everything:
        assert everything.notes == ["3 records left out: cards with answers that their layout does not know"]


def test_a_story_erased_on_one_side_is_in_no_export(
    database: Database[Any], records: list[WireRecord], tmp_path: Path
) -> None:
    a, b = enrolled(database, "a"), enrolled(database, "b")
    story = next(r for r in records if r.text)
    ingest(database, a.id, records)
    ingest(database, b.id, records)
    erasure = facts.record("erasure", story.permanence, {"record": story.id, "reason": "asked for"})
    ingest(database, b.id, [WireRecord(erasure.id, erasure.kind, erasure.permanence, erasure.body, erasure.digest)])
    with union(database) as everything:
        assert everything.store.rows("SELECT text FROM stories WHERE id = ?", story.id) == [(None,)]
    assert set(erase(database, story.id)) == {a.id, b.id}


@pytest.fixture(autouse=True)
def nothing_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The store that an export is made from is gone afterwards."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    yield
    assert not list(folder.iterdir())
