"""The commands that send, and the words in which they say how it stands."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from cards.errors import LogicienneError
from cards.layout import Layout
from reader.cli import group
from reader.collector.machines import new_code
from reader.collector.take import take
from reader.store import Store
from reader.store.backup import backup, set_second_medium
from reader.store.outbox import refuse
from tests.builders import add, complete
from tests.reader.sync.real import Running, collector, sitting_of


@pytest.fixture
def there(tmp_path: Path) -> Iterator[Running]:
    with collector(tmp_path / "collector") as running:
        yield running


def logicienne(store: Store, *args: str) -> Result:
    """A command on this store; its output with what it says on standard error."""
    return CliRunner().invoke(group, [*args, "--store", str(store.path)], catch_exceptions=True)


def test_status_says_how_it_stands(store: Store, sitting: str, campaign: Layout, tmp_path: Path) -> None:
    add(store, sitting, campaign)
    add(store, sitting, campaign, [*complete(campaign), "groceries_how.car"])
    said = logicienne(store, "status").output
    assert "Café Belga, 1 card counted, 1 waiting for review, 0 rejected" in said
    assert "Safe at the organisation: 0 records. Last sync: never." in said
    assert "Waiting to be sent: 1 record." in said and "Of open sittings, sent only after closing: 3 records." in said
    assert "No second medium" in said
    store.close_permanence(sitting)
    set_second_medium(store.path, tmp_path / "usb")
    assert "is not there" in logicienne(store, "status").output
    copy = backup(store, tmp_path / "usb")
    said = logicienne(store, "status").output
    assert "No sitting is open." in said and "closed sittings: 1 card" in said and copy.name in said


def test_status_names_what_was_refused_and_what_to_do(store: Store) -> None:
    from datetime import date

    campaign = store.add_campaign("Nulmeting", 80, date(2024, 12, 1), date(2025, 2, 1))
    refuse(store, {campaign: "a kind from the future"})
    said = logicienne(store, "status").output
    assert f"campaign {campaign}: a kind from the future" in said and "Update the older" in said
    assert "Waiting to be sent" not in said


def test_enrol_sync_and_status(store: Store, campaign: Layout, there: Running, tmp_path: Path) -> None:
    sitting_of(store, campaign)
    assert "Not enrolled" in logicienne(store, "sync", "status").output
    assert "sync enrol URL CODE" in str(logicienne(store, "sync").exception)
    code = new_code(there.collector.database, "Kar 3").lower().replace("-", " ")
    assert "enrolled with Logistad" in logicienne(store, "sync", "enrol", there.url, code).output
    assert "no such code" in str(logicienne(store, "sync", "enrol", there.url, code).exception)
    done = logicienne(store, "sync")
    assert done.exit_code == 0 and "7 records sent, 7 more are safe" in done.output
    assert "Waiting" not in done.output
    said = logicienne(store, "sync", "status").output
    assert "Safe at the organisation: 7 records." in said and there.url in said


def test_a_folder_in_the_configuration_is_where_bundles_go(
    store: Store, campaign: Layout, there: Running, tmp_path: Path
) -> None:
    sitting_of(store, campaign)
    there.enrol(store)
    stick = tmp_path / "usb"
    config = tmp_path / "logicienne.toml"
    config.write_text(f'[sync]\nto = "{stick}"\n')
    error = logicienne(store, "sync", "--config", str(config)).exception
    assert isinstance(error, LogicienneError) and "is the stick in?" in str(error)
    stick.mkdir()
    said = logicienne(store, "sync", "--config", str(config)).output
    assert "written:" in said and "they are safe when the stick comes back" in said
    take(there.collector, stick)
    done = logicienne(store, "bundle", "write", str(stick))
    assert "7 more records are safe by the receipts found; nothing new to write" in done.output
    assert "nothing new to write" in logicienne(store, "bundle", "write", str(stick)).output


def test_separate_gives_a_new_name(store: Store, there: Running) -> None:
    before = there.enrol(store).machine
    said = logicienne(store, "sync", "separate").output
    assert "ask for a code" in said and before not in said
    assert "Not enrolled" in logicienne(store, "sync", "status").output


@pytest.mark.parametrize("command", [["status"], ["sync"], ["sync", "enrol"], ["sync", "status"], ["sync", "separate"],
                                     ["bundle"], ["bundle", "write"]])  # fmt: skip
def test_help_has_an_example(command: list[str]) -> None:
    assert "Example: logicienne" in CliRunner().invoke(group, [*command, "--help"]).output


def test_watching_waits_out_what_fails_and_tells_it_once(
    store: Store, campaign: Layout, there: Running, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sitting_of(store, campaign)
    there.enrol(store)
    stick = tmp_path / "usb"
    slept: list[float] = []

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        if len(slept) == 3:
            stick.mkdir()
        if len(slept) == 5:
            raise KeyboardInterrupt

    monkeypatch.setattr("reader.cli.sync.time.sleep", sleep)
    said = logicienne(store, "sync", "--watch", "--to", str(stick)).output
    assert said.count("is the stick in?") == 1 and said.count("written:") == 1
    assert slept[3] == 300 and max(slept[:3]) <= 300
