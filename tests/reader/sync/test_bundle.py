"""A bundle is taken whole or not at all, and says in plain words what is wrong with it."""

from __future__ import annotations

import errno
import gzip
import json
import os
import random
from dataclasses import replace
from pathlib import Path

import pyrage
import pytest

from cards.layout import Layout
from reader.store import Store, facts
from reader.store.check import check
from reader.store.outbox import digests, kept, refusals
from reader.store.reviews import review
from reader.store.stories import erase, stories
from reader.sync import bundle as bundles_module
from reader.sync import identity as identities
from reader.sync.bundle import Bundle, open_bundle
from reader.sync.errors import SyncError, WireError
from reader.sync.identity import Collector, Identity
from reader.sync.sign import Key
from reader.sync.stick import bundles, carry, receipts_path, write_receipts, write_safely
from reader.sync.wire import Claim, Receipt, WireRecord, group, lesser
from tests.builders import add, told

SECRET = "Mijn buurvrouw brengt alles met de bakfiets."


class Organisation:
    """Keys of a collector."""

    def __init__(self) -> None:
        self.key, self.identity = Key.new(), pyrage.x25519.Identity.generate()

    def enrol(self, store: Store) -> Identity:
        """As if a code had been given and taken."""
        made = identities.load(store.path)
        there = Collector(
            "https://x.example", "c0ffee", self.key.public, "t" * 20, str(self.identity.to_public()), "Logistad"
        )
        return identities.save(store.path, replace(made, collector=there))

    def open(self, path: Path, machine: Identity) -> Bundle:
        """With the organisation's identity, knowing this one machine."""
        keys = {machine.machine: machine.private.public}
        return open_bundle(path, str(self.identity), keys.get)

    def receipts(self, bundle: Bundle, without: tuple[str, ...] = ()) -> list[tuple[Receipt, list[str]]]:
        """For all that a bundle claims."""
        return [
            (
                Receipt("c0ffee", bundle.machine, c.permanence, c.count, c.set_digest, "2025-02-05").signed(self.key),
                list(c.digests or ()),
            )
            for c in (lesser(c, without) for c in bundle.claims)
        ]


@pytest.fixture
def organisation() -> Organisation:
    return Organisation()


@pytest.fixture
def closed(store: Store, sitting: str, campaign: Layout) -> str:
    """A closed sitting of three cards and a story."""
    for _ in range(3):
        add(store, sitting, campaign)
    told(store, sitting, SECRET)
    store.close_permanence(sitting)
    return sitting


@pytest.fixture
def stick(tmp_path: Path) -> Path:
    (tmp_path / "stick").mkdir()
    return tmp_path / "stick"


def test_a_stick_carries_everything_there_and_receipts_back(
    store: Store, closed: str, stick: Path, organisation: Organisation
) -> None:
    machine = organisation.enrol(store)
    written = carry(store, stick)
    assert bundles(stick) == list(written.files) and written.records == store.unsent() == 7
    (path,) = written.files
    for secret in (b"Caf", SECRET.encode(), b"reading", closed.encode()):
        assert secret not in path.read_bytes()
    bundle = organisation.open(path, machine)
    assert {r.id for r in bundle.records} == {*digests(store, closed), *digests(store, "")}
    assert [r.text for r in bundle.records if r.kind == "story"] == [SECRET]
    assert not store.rows("SELECT * FROM receipts"), "nothing is safe by being written"
    write_receipts(stick, machine.machine, organisation.key, organisation.receipts(bundle))
    back = carry(store, stick)
    assert (back.safe, back.files, store.unsent(), check(store)) == (7, (), 0, [])
    assert bundles(stick) == [], "what is safe makes room"
    assert carry(store, stick).safe == 0


def test_an_open_sitting_stays_at_home(
    store: Store, sitting: str, campaign: Layout, stick: Path, organisation: Organisation
) -> None:
    machine = organisation.enrol(store)
    add(store, sitting, campaign)
    carry(store, stick)
    assert {r.kind for r in organisation.open(bundles(stick)[0], machine).records} == {"layout"}


def test_the_same_is_not_written_twice_and_more_replaces_less(
    store: Store, closed: str, stick: Path, organisation: Organisation
) -> None:
    organisation.enrol(store)
    (first,) = carry(store, stick).files
    assert carry(store, stick).files == () and bundles(stick) == [first]
    (card,) = store.rows("SELECT id FROM readings LIMIT 1")[0]
    review(store, card, "void")
    (second,) = carry(store, stick).files
    assert bundles(stick) == [second] and second != first
    second.unlink()
    assert len(carry(store, stick).files) == 1, "lost, it is written again"


def test_what_came_after_the_bundle_still_waits(
    store: Store, closed: str, stick: Path, organisation: Organisation
) -> None:
    machine = organisation.enrol(store)
    bundle = organisation.open(carry(store, stick).files[0], machine)
    (card,) = store.rows("SELECT id FROM readings LIMIT 1")[0]
    review(store, card, "void")
    write_receipts(stick, machine.machine, organisation.key, organisation.receipts(bundle))
    assert carry(store, stick).safe == 7
    assert store.unsent() == 1 and check(store) == []


def test_receipts_that_come_late_undo_nothing(
    store: Store, closed: str, stick: Path, organisation: Organisation
) -> None:
    machine = organisation.enrol(store)
    first = organisation.open(carry(store, stick).files[0], machine)
    (card,) = store.rows("SELECT id FROM readings LIMIT 1")[0]
    review(store, card, "void")
    second = organisation.open(carry(store, stick).files[0], machine)
    for bundle, safe in ((second, 8), (first, 0), (second, 0)):
        write_receipts(stick, machine.machine, organisation.key, organisation.receipts(bundle))
        assert carry(store, stick).safe == safe
        assert (store.unsent(), check(store)) == (0, [])


def test_what_the_collector_refuses_is_named_and_holds_up_nothing_else(
    store: Store, closed: str, stick: Path, organisation: Organisation
) -> None:
    machine = organisation.enrol(store)
    bundle = organisation.open(carry(store, stick).files[0], machine)
    bad = next(r.id for r in bundle.records if r.kind == "story")
    receipts = organisation.receipts(bundle, (bad,))
    write_receipts(stick, machine.machine, organisation.key, receipts, refused=[(bad, "not understood")])
    assert carry(store, stick).safe == 6
    assert refusals(store) == [(bad, closed, "story", "not understood")] and store.unsent() == 1 and check(store) == []


def test_an_erasure_asked_for_elsewhere_comes_home(
    store: Store, closed: str, stick: Path, organisation: Organisation
) -> None:
    machine = organisation.enrol(store)
    bundle = organisation.open(carry(store, stick).files[0], machine)
    story = next(r for r in bundle.records if r.kind == "story")
    e = facts.record("erasure", closed, {"record": story.id, "reason": "asked for"})
    erasure = WireRecord(e.id, e.kind, e.permanence, e.body, e.digest)
    foreign = replace(erasure, permanence=facts.new_id())
    write_receipts(stick, machine.machine, organisation.key, organisation.receipts(bundle), [foreign, erasure])
    done = carry(store, stick)
    assert any("erased" in note for note in done.notes)
    assert [s.text for s in stories(store)] == [None] and check(store) == []
    assert store.unsent() == 1, "the erasure's record is claimed too"
    for path in store.path.parent.glob(f"{store.path.name}*"):
        assert SECRET.encode() not in path.read_bytes()
    assert carry(store, stick).safe == 0
    write_receipts(stick, machine.machine, organisation.key, [], [erasure])
    assert not any("erased" in note for note in carry(store, stick).notes), "twice is once"


@pytest.mark.parametrize("share", [0.0, 0.0001, 0.02, 0.5, 0.999])
def test_a_bundle_cut_anywhere_is_refused_whole(
    store: Store, closed: str, stick: Path, organisation: Organisation, share: float
) -> None:
    machine = organisation.enrol(store)
    (path,) = carry(store, stick).files
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * share)])
    with pytest.raises(WireError, match=r"empty|cut off|no bundle"):
        organisation.open(path, machine)


def test_a_changed_byte_anywhere_is_found(store: Store, closed: str, stick: Path, organisation: Organisation) -> None:
    machine = organisation.enrol(store)
    (path,) = carry(store, stick).files
    data, rng = path.read_bytes(), random.Random(1)
    for _ in range(60):
        at = rng.randrange(len(data))
        path.write_bytes(data[:at] + bytes([data[at] ^ 1 << rng.randrange(8)]) + data[at + 1 :])
        with pytest.raises(WireError):
            organisation.open(path, machine)


def test_a_bundle_of_another_organisation_machine_or_hand_is_named(
    store: Store, closed: str, stick: Path, organisation: Organisation
) -> None:
    machine = organisation.enrol(store)
    (path,) = carry(store, stick).files
    with pytest.raises(WireError, match="another organisation"):
        Organisation().open(path, machine)
    with pytest.raises(WireError, match="not enrolled here"):
        open_bundle(path, str(organisation.identity), lambda machine: None)
    with pytest.raises(WireError, match="not signed by machine"):
        open_bundle(path, str(organisation.identity), {machine.machine: Key.new().public}.get)
    with pytest.raises(WireError, match="is the stick still there"):
        organisation.open(stick / "gone.bundle", machine)


def sealed(organisation: Organisation, inside: bytes) -> bytes:
    return bytes(pyrage.encrypt(inside, [organisation.identity.to_public()]))


def test_whatever_somebody_encrypts_to_us_is_refused(
    store: Store, stick: Path, organisation: Organisation, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine = organisation.enrol(store)
    monkeypatch.setattr(bundles_module, "INSIDE_BYTES_MAX", 10_000_000)
    header = {"format": "logicienne-bundle", "version": 1, "machine": machine.machine, "organisation": "", "groups": []}
    trailer = {"format": "logicienne-bundle", "version": 1, "machine": machine.machine, "count": 0, "sha256": "0" * 64}
    lines: list[list[object]] = [
        [],
        [{}],
        [{}, {}],
        [[], []],
        [header | {"version": 2}, {}],
        [header | {"machine": 1}, {}],
        [header, 3],
        [header, trailer | {"signature": 5}],
        [header | {"groups": 3}, trailer],
    ]
    insides = [b"".join(json.dumps(x).encode() + b"\n" for x in some) for some in lines]
    bomb = b"0" * 20_000_000
    for inside in (*map(gzip.compress, insides), b"", b"junk", gzip.compress(bomb), gzip.compress(b"1\n" * 200_000),
                   gzip.compress(b"[" * 10**6 + b"\n")):  # fmt: skip
        path = stick / "logicienne-0123456789ab-0123456789ab.bundle"
        path.write_bytes(sealed(organisation, inside))
        with pytest.raises(WireError):
            organisation.open(path, machine)


def test_a_claim_about_what_is_not_inside_is_refused(store: Store, closed: str, organisation: Organisation) -> None:
    machine = organisation.enrol(store)
    path = store.path.parent / "x.bundle"
    mine = digests(store, closed)
    g = group(closed, mine.values())
    path.write_bytes(bundles_module.pack(machine, [Claim(closed, g.count, g.set_digest, mine)], []))
    with pytest.raises(WireError, match="not those of its set"):
        organisation.open(path, machine)


def test_a_stick_full_of_junk_holds_no_bundles(
    store: Store, closed: str, stick: Path, organisation: Organisation
) -> None:
    organisation.enrol(store)
    (stick / "holiday.jpg").write_bytes(b"x")
    (stick / "logicienne-0123456789ab-0123456789ab.bundle").mkdir()
    (stick / "._logicienne-0123456789ab-0123456789ab.bundle").write_bytes(b"mac")
    (stick / "logicienne-0123456789ab-0123456789ab.part").write_bytes(b"cut")
    assert bundles(stick) == []
    receipts_path(stick, identities.load(store.path).machine).write_bytes(b"\x00" * 1000)
    done = carry(store, stick)
    assert len(done.files) == 1 and "nothing is called safe" in done.notes[0]
    with pytest.raises(SyncError, match="is the stick in"):
        bundles(stick / "gone")


@pytest.mark.parametrize("change", ["key", "machine", "count", "cut", "list"])
def test_receipts_of_somebody_else_or_about_something_else_count_for_nothing(
    store: Store, closed: str, stick: Path, organisation: Organisation, change: str
) -> None:
    machine = organisation.enrol(store)
    bundle = organisation.open(carry(store, stick).files[0], machine)
    receipts = organisation.receipts(bundle)
    key = Key.new() if change == "key" else organisation.key
    if change == "count":
        receipts = [(replace(r, count=r.count + 1).signed(organisation.key), ids) for r, ids in receipts]
    if change == "machine":
        receipts = [(replace(r, machine="ba9876543210").signed(organisation.key), ids) for r, ids in receipts]
    path = write_receipts(stick, machine.machine, key, receipts)
    if change == "cut":
        path.write_bytes(path.read_bytes()[:-30])
    if change == "list":
        path.write_bytes(b"[1, 2]")
    assert carry(store, stick).safe == 0 and not kept(store)


def test_a_full_stick_and_one_pulled_out_leave_nothing_half(
    store: Store, closed: str, stick: Path, organisation: Organisation, monkeypatch: pytest.MonkeyPatch
) -> None:
    organisation.enrol(store)

    def fails(number: int) -> None:
        def fsync(handle: int) -> None:
            raise OSError(number, os.strerror(number))

        monkeypatch.setattr(os, "fsync", fsync)

    before = store.unsent()
    machine = identities.load(store.path)
    for number, words in ((errno.ENOSPC, "no room for"), (errno.EIO, "pulled out"), (errno.ENODEV, "pulled out")):
        with monkeypatch.context():
            fails(number)
            with pytest.raises(SyncError, match=words):
                write_safely(stick / bundles_module.file_name(machine), b"x" * 1000)
            monkeypatch.undo()
        assert list(stick.iterdir()) == [] and store.unsent() == before
    assert len(carry(store, stick).files) == 1
    with pytest.raises(SyncError, match="is the stick in"):
        carry(store, stick / "gone")


def test_a_stick_that_does_not_give_back_what_was_written_is_refused(
    stick: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = os.fsync

    def forgetful(handle: int) -> None:
        os.pwrite(handle, b"\xff", 3)
        real(handle)

    monkeypatch.setattr(os, "fsync", forgetful)
    with pytest.raises(SyncError, match="does not give back"):
        write_safely(stick / "logicienne-0123456789ab-0123456789ab.bundle", b"x" * 1000)
    assert list(stick.iterdir()) == []


def test_words_erased_before_the_stick_left_are_not_on_it(
    store: Store, closed: str, stick: Path, organisation: Organisation
) -> None:
    machine = organisation.enrol(store)
    (story,) = [s.id for s in stories(store)]
    carry(store, stick)
    erase(store, story)
    (path,) = carry(store, stick).files
    assert bundles(stick) == [path], "the one with the words made room"
    bundle = organisation.open(path, machine)
    assert [r.text for r in bundle.records if r.kind == "story"] == [None]
