"""A whole round: machines that sync over real HTTP and by stick, the command line, and the exports of both engines."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from cards.layout import Layout
from reader.cli import group
from reader.collector import held
from reader.collector.database import open_database
from reader.collector.keys import Collector, with_keys
from reader.collector.machines import authenticate, machines, new_code
from reader.store import Store, open_store
from reader.store.stories import stories
from reader.sync import identity as identities
from reader.sync.client import Exchange
from reader.sync.enrol import enrol
from reader.sync.http import Http
from reader.sync.stick import carry
from tests import postgres
from tests.reader.collector.conftest import fill, wired
from tests.reader.collector.test_ingest import everything
from tests.serving import serving


def run(place: str, keys: Path, *words: str) -> Result:
    result = CliRunner().invoke(
        group, ["collector", *words], env={"LOGICIENNE_COLLECTOR": place, "LOGICIENNE_COLLECTOR_KEYS": str(keys)}
    )
    return result


def sync(store: Store, url: str) -> None:
    with Http(url, identities.load(store.path).enrolled().token) as line:
        Exchange(store, line).run()


def test_by_network_and_by_stick_it_is_one_truth(
    collector: Collector, place: str, campaign: Layout, store: Store, tmp_path: Path
) -> None:
    keys, stick = tmp_path / "the.keys", tmp_path / "stick"
    stick.mkdir()
    with serving(collector) as url:
        code = run(place, keys, "enrol", "Machine 2", "--url", url).stdout.strip()
        with Http(url) as line:
            me = enrol(store.path, url, code, line)
        fill(store, campaign)
        carried = carry(store, stick)
        assert carried.records == store.unsent() > 0
        sync(store, url)
        assert store.unsent() == 0
        taken = run(place, keys, "take", str(stick))
        assert taken.exit_code == 0 and f"0 new records, {carried.records} known" in taken.output
        fill(store, campaign, "Place Flagey")
        carry(store, stick)
        # The layout is known by now.
        assert "12 new records" in run(place, keys, "take", str(stick)).output
        carry(store, stick)
        assert store.unsent() == 0
        (story, *_) = [s for s in stories(store) if s.text]
        assert run(place, keys, "erase", story.id).exit_code == 0
        sync(store, url)
        assert [s.text for s in stories(store) if s.id == story.id] == [None]
        sync(store, url)
    assert {r.id for r in wired(store)} == {
        i for (i,) in collector.database.read(lambda s: s.rows("SELECT id FROM records"))
    }
    assert collector.database.read(held.check) == []
    (known,) = machines(collector.database)
    assert (known.machine, known.name, known.waiting, known.clone_seen) == (me.machine, "Machine 2", 0, "")
    assert run(place, keys, "check").output == "all in order\n"


def test_the_commands_tell_what_is_there(collector: Collector, place: str, campaign: Layout, tmp_path: Path) -> None:
    keys = tmp_path / "the.keys"
    assert "no machine yet" in run(place, keys, "machines").output
    with serving(collector) as url, open_store(tmp_path / "m.db") as store, Http(url) as line:
        enrol(store.path, url, new_code(collector.database, "Café machine"), line)
        fill(store, campaign)
        sync(store, url)
        listed = run(place, keys, "machines").output
        assert "Café machine" in listed and identities.load(store.path).machine in listed
        sittings = run(place, keys, "permanences").output
        assert "Café Belga" in sittings and "closed" in sittings
        assert run(place, keys, "forks").output == "no forks\n"
        out = run(place, keys, "export", "--to", str(tmp_path / "out"), "--place", "Café Belga", "--stories", "quote")
        assert out.exit_code == 0 and len(out.output.splitlines()) == 5
        nothing = run(place, keys, "export", "--to", str(tmp_path / "none"), "--day", "1999-01-01")
        assert "no permanence is like that" in nothing.output
        assert run(place, keys, "revoke", "Café machine").exit_code == 0
        assert "revoked" in run(place, keys, "machines").output


def test_a_stick_full_of_other_things_is_named_file_by_file(
    collector: Collector, place: str, store: Store, campaign: Layout, tmp_path: Path
) -> None:
    stick, keys = tmp_path / "stick", tmp_path / "the.keys"
    stick.mkdir()
    assert "no bundles" in run(place, keys, "take", str(stick)).output
    with serving(collector) as url, Http(url) as line:
        me = enrol(store.path, url, new_code(collector.database, "M"), line)
    fill(store, campaign)
    (good,) = carry(store, stick).files
    whole = good.read_bytes()
    (stick / f"logicienne-{me.machine}-{'0' * 12}.bundle").write_bytes(whole[: len(whole) // 2])
    (stick / f"logicienne-{me.machine}-{'1' * 12}.bundle").write_bytes(b"holiday pictures")
    (stick / "letter.txt").write_text("x")
    taken = run(place, keys, "take", str(stick))
    assert taken.exit_code == 1 and "13 new records" in taken.output and "no bundle" in taken.output
    carry(store, stick)
    assert store.unsent() == 0
    run(place, keys, "revoke", me.machine)
    again = run(place, keys, "take", str(stick))
    assert again.exit_code == 1


def test_a_collector_that_was_put_back_from_a_backup_gets_again_what_it_lost(
    store: Store, campaign: Layout, tmp_path: Path
) -> None:
    place, backup, keys = tmp_path / "all.db", tmp_path / "backup.db", tmp_path / "the.keys"
    with open_database(place) as database:
        collector = with_keys(database, keys, "Org")
        with serving(collector) as url:
            with Http(url) as line:
                enrol(store.path, url, new_code(database, "M"), line)
            fill(store, campaign)
            sync(store, url)
            database.tidy_texts()
            shutil.copy(place, backup)
            fill(store, campaign, "Place Flagey")
            sync(store, url)
            sync(store, url)
    for suffix in ("", "-wal", "-shm"):
        place.with_name(place.name + suffix).unlink(missing_ok=True)
    shutil.copy(backup, place)
    assert run(str(place), keys, "restored").output.startswith("1 machines")
    with open_database(place) as database, serving(with_keys(database, keys)) as url:
        with Http(url, identities.load(store.path).enrolled().token) as line:
            report = Exchange(store, line).run()
        assert report.sent == 12 and store.unsent() == 0
        assert database.read(held.check) == [] and machines(database)[0].clone_seen == ""
        assert machines(database)[0].records == len(wired(store))


def test_it_moves_to_another_database_with_tokens_and_all(
    collector: Collector, place: str, store: Store, campaign: Layout, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    keys, target = tmp_path / "the.keys", str(tmp_path / "new.db")
    if "://" not in place:
        target = postgres.fresh(request.getfixturevalue("postgres_url"))
    with serving(collector) as url:
        with Http(url) as line:
            me = enrol(store.path, url, new_code(collector.database, "M"), line)
        fill(store, campaign)
        sync(store, url)
    moved = run(place, keys, "move", target)
    assert moved.output.startswith(f"{len(wired(store))} records moved")
    again = run(place, keys, "move", target)
    assert again.exit_code != 0 and "not empty" in str(again.exception)
    with open_database(target) as database:
        assert with_keys(database, keys).keys.collector == collector.keys.collector
        assert everything(database, me.machine) == everything(collector.database, me.machine)
        assert authenticate(database, identities.load(store.path).enrolled().token) == me.machine
        assert database.read(held.check) == []


@pytest.mark.parametrize("words", [("--help",), ("export", "--help"), ("take", "--help")])
def test_help_has_an_example(words: tuple[str, ...], tmp_path: Path) -> None:
    assert "Example: logicienne collector" in run(str(tmp_path / "x.db"), tmp_path / "k", *words).output


def test_two_collectors_may_serve_one_database(place: str, collector: Collector, tmp_path: Path) -> None:
    with open_database(place) as second:
        assert with_keys(second, tmp_path / "the.keys").keys.collector == collector.keys.collector
