"""A hundred thousand positions in spec without a silent error; what is half open is never called certain."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import tests.volume.__main__ as volume
from tests.volume.cards import OPEN_MAX, OPEN_MIN, SURVEYS, in_spec, out_of_spec
from tests.volume.judge import FAILURES_MAX, Tally, judge_card, read_range

PARTS, CARDS = 4, 350
"""1400 cards are about 100,000 positions; in parts, so that every core has some."""


@pytest.mark.parametrize("part", range(PARTS))
def test_a_hundred_thousand_positions_without_a_silent_error(part: int) -> None:
    tally = read_range(1, part * CARDS, (part + 1) * CARDS, beyond=False)
    assert tally.positions > 100_000 / PARTS * 0.95 and tally.survey_positions > 0.75 * tally.positions
    assert tally.silent == 0 and tally.strays_missed == 0, tally.failures
    assert tally.doubtful + tally.refused <= 2, tally.failures


def test_half_open_holes_are_never_called_certain() -> None:
    tally = read_range(1, 0, 48, beyond=True)
    assert tally.ambiguous > 100
    assert tally.certain == 0 and tally.silent == 0, tally.failures


def test_over_coloured_beds_chads_that_hang_and_slits_are_doubted_and_whole_holes_are_not() -> None:
    tally = read_range(1, 0, 120, beyond=True, setting="coloured")
    assert tally.ambiguous > 400
    assert tally.certain == 0 and tally.silent == 0, tally.failures
    tally = read_range(1, 0, 140, beyond=False, setting="coloured")
    assert tally.silent == 0 and tally.strays_missed == 0, tally.failures
    assert tally.doubtful + tally.refused <= 1, tally.failures


def test_before_calibrated_machines_nothing_is_misread_and_half_open_holes_are_doubted() -> None:
    tally = read_range(1, 0, 200, beyond=True, setting="calibrated")
    assert tally.ambiguous > 800
    assert tally.certain == 0 and tally.silent == 0, tally.failures
    tally = read_range(1, 0, 200, beyond=False, setting="calibrated")
    assert tally.silent == 0 and tally.strays_missed == 0 and tally.foreign > 1, tally.failures
    assert tally.doubtful + tally.refused <= 1, tally.failures


def test_before_machines_that_have_changed_nothing_is_misread_and_not_all_is_refused() -> None:
    for beyond in (False, True):
        tally = read_range(4, 0, 200, beyond=beyond, setting="changed")
        assert tally.certain == 0 and tally.silent == 0 and tally.strays_missed == 0, tally.failures
        assert 0.2 < tally.refused / tally.cards < 0.6


def test_what_is_worst_is_listed_before_all_else_and_never_cut_off() -> None:
    tally = Tally(failures=[{"card": k, "kind": "refused"} for k in range(FAILURES_MAX)])
    tally.add(Tally(silent=1, failures=[{"card": 7, "kind": "silent"}]))
    assert len(tally.failures) == FAILURES_MAX and tally.failures[0]["kind"] == "silent"


def test_a_card_follows_from_seed_and_number_alone() -> None:
    one, again, other = in_spec(5, 3), in_spec(5, 3), in_spec(6, 3)
    assert np.array_equal(one.frame.grey, again.frame.grey) and one.truth == again.truth
    assert not np.array_equal(one.frame.grey, other.frame.grey)


def test_in_spec_cards_have_whole_holes_and_out_of_spec_cards_have_not() -> None:
    for k in range(2 * len(SURVEYS)):
        assert "ambiguous" not in in_spec(2, k).truth.values()
    assert any("ambiguous" in out_of_spec(2, k).truth.values() for k in range(4))
    assert (OPEN_MIN, OPEN_MAX) == (0.15, 0.60)


def test_a_wrong_truth_is_noticed() -> None:
    sample = in_spec(3, 4)
    name = next(n for n, t in sample.truth.items() if t == "punched")
    sample.truth[name] = "clear"
    tally = Tally()
    judge_card(4, sample, tally, beyond=False)
    assert tally.silent == 1 and name in tally.failures[0]["what"]


def test_a_run_that_was_cut_goes_on_where_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(volume, "PART", 4)
    state = tmp_path / "state.json"
    given = volume._parser().parse_args(["--seed", "1", "--processes", "1"])
    run = volume._run(given, 420, volume._resume(state))
    volume._keep(state, *next(run))
    run.close()
    first = volume._resume(state)
    assert first[0].cards == 4 and first[1] == 1
    for part in volume._run(given, 420, first):
        volume._keep(state, *part)
    whole = volume._resume(state)[0]
    straight = read_range(1, 0, whole.cards, beyond=False)
    assert whole == straight and whole.positions >= 420


def test_figures_of_another_version_are_not_added_to(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    state = tmp_path / "state.json"
    volume._keep(state, Tally(cards=7), 1, 2.0)
    assert volume._resume(state)[0].cards == 7
    monkeypatch.setattr(volume, "_code", lambda: "another")
    assert volume._resume(state) == (Tally(), 0, 0.0)
