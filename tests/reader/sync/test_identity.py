"""Who a machine is lies beside its store, and survives whatever happens to either."""

from __future__ import annotations

import random
import stat
from pathlib import Path

import pytest

from reader.sync import identity as identities
from reader.sync.errors import SyncError, Unreachable, WireError
from reader.sync.patience import Patience


def test_the_key_is_for_its_owner_alone_and_stays_the_same(tmp_path: Path) -> None:
    store = tmp_path / "s.db"
    made = identities.load(store)
    path = identities.identity_path(store)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert identities.load(store) == made and made.private.public
    assert identities.load(tmp_path / "other.db").machine != made.machine


def test_the_next_epoch_is_written_down_before_it_is_told(tmp_path: Path) -> None:
    store = tmp_path / "s.db"
    made = identities.load(store)
    asking = identities.asking(store, made)
    assert identities.load(store) == asking and asking.next_epoch not in ("", made.epoch)
    assert identities.asking(store, asking) == asking, "asked again, it is the same"
    answered = identities.answered(store, asking)
    assert (answered.epoch, answered.next_epoch) == (asking.next_epoch, "") and identities.load(store) == answered


@pytest.mark.parametrize("content", ["", "{}", "[]", '{"machine": "x"', '{"machine":"0123456789ab","collector":null}'])
def test_a_damaged_file_is_named_and_left_alone(tmp_path: Path, content: str) -> None:
    path = identities.identity_path(tmp_path / "s.db")
    path.write_text(content)
    with pytest.raises(SyncError, match=r"damaged.*enrol"):
        identities.load(tmp_path / "s.db")
    assert path.read_text() == content


def test_two_at_once_would_look_like_a_clone(tmp_path: Path) -> None:
    store = tmp_path / "s.db"
    with identities.alone(store), pytest.raises(SyncError, match="another sync"), identities.alone(store):
        pass
    with identities.alone(store):
        pass


def test_not_enrolled_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(SyncError, match="sync enrol URL CODE"):
        identities.load(tmp_path / "s.db").enrolled()


def test_waits_grow_and_are_never_the_same_for_all() -> None:
    slept: list[float] = []
    patience = Patience(tries=8, first_s=1, longest_s=20, sleep=slept.append, rng=random.Random(1))

    def fails() -> None:
        raise Unreachable("gone")

    with pytest.raises(Unreachable):
        patience.ask(fails)
    assert len(slept) == 7 and all(0 <= w <= min(20, 2.0**k) for k, w in enumerate(slept, 1))
    many = [Patience(rng=random.Random(k)).wait_s(5) for k in range(100)]
    assert min(many) < 2 and max(many) > 14 and len(set(many)) == 100


def test_a_collector_that_asks_for_time_gets_it_within_reason() -> None:
    slept: list[float] = []
    answers = iter([Unreachable("busy", 7), Unreachable("busy", 9999), WireError("no JSON object")])

    def work() -> str:
        for problem in answers:
            raise problem
        return "there"

    assert Patience(longest_s=20, sleep=slept.append, rng=random.Random(1)).ask(work) == "there"
    assert slept[0] == 7 and slept[1] == 20 and slept[2] <= 4
