"""A bar of sensors is learnt only when it is sound, and a sensor is named before it fails."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from calibration.bench import best_duty, measure_empty
from calibration.check import Check, Verdict
from calibration.errors import CalibrationError
from calibration.guide import Talk
from calibration.sensor_check import check_sensors
from calibration.sensor_guide import lead
from calibration.sensor_profile import SensorProfile, load, save
from cards.load import find_layout
from device.levels import SensorLevels, open_bench
from device.simulator.bench import SimulatedBench
from device.simulator.feed import Bar, Eye
from device.source import SourceError
from reader.cli.calibrate import command
from reader.reading import Code, Reading
from reader.sweep.read import read_sweep
from tests.reader.sweep.builders import code_of, swept

CARD = find_layout("stadslogistiek-bar")
ROWS = range(6)


class Stopped(Exception):
    """The person has had enough."""


def bench(seed: int = 3, *, analogue: bool = True, dims: bool = True) -> SimulatedBench:
    rng = np.random.default_rng(seed)
    eyes = tuple(Eye(gain=float(rng.uniform(0.9, 1.1)), leak=float(rng.uniform(0.02, 0.08))) for _ in ROWS)
    assert CARD.sensor_bar is not None
    return SimulatedBench(CARD, CARD.sensor_bar, Bar(eyes), seed, analogue=analogue, dims=dims)


def with_eye(one: SimulatedBench, k: int, **change: object) -> SimulatedBench:
    eyes = one.made.eyes
    one.made = replace(one.made, eyes=(*eyes[:k], replace(eyes[k], **change), *eyes[k + 1 :]))  # type: ignore[arg-type]
    return one


def led(one: SimulatedBench, *deeds: Callable[[], object], patience: int = 8) -> tuple[SensorProfile | None, list[str]]:
    """Whom the guide leads; deed n is done when the person is asked for the nth time."""
    asked, said = list[str](), list[str]()

    def ask(what: str) -> None:
        asked.append(what)
        if len(asked) > patience:
            raise Stopped
        if len(asked) <= len(deeds):
            deeds[len(asked) - 1]()

    try:
        return lead(one, Talk(ask, said.append), "belga"), said
    except Stopped:
        return None, said


def checked(one: SimulatedBench, profile: SensorProfile) -> tuple[Check, str]:
    found = check_sensors(profile, one)
    return found, "\n".join(str(p.finding) for p in found.parts if p.verdict is not Verdict.SOUND)


@pytest.fixture(scope="module")
def profile() -> SensorProfile:
    learnt, _ = led(bench())
    assert learnt is not None
    return learnt


# --- learning -----------------------------------------------------------------------------------------------------


def test_a_sound_bar_is_learnt_in_three_steps_and_its_light_suits_all_sensors(profile: SensorProfile) -> None:
    assert (profile.bar, profile.rows, profile.name) == ("six-rows", 6, "belga")
    needs = [profile.need(k) for k in ROWS]
    assert all(n is not None and 0.42 < n < 0.6 for n in needs)
    # The comparator's threshold over the light through air, as the simulator has them.
    for k, eye in enumerate(bench().made.eyes):
        true = eye.threshold / (eye.gain * profile.duty / 450)
        assert needs[k] == pytest.approx(true, rel=0.07)
    for sensor in profile.sensors:
        assert sensor.unlit is not None and sensor.light is not None and sensor.dark is not None
        assert sensor.unlit < 0.1 and sensor.dark < 0.2 and 0.45 < sensor.light < 0.9


def test_limits_of_the_self_test_lie_between_what_was_measured(profile: SensorProfile) -> None:
    limits = profile.limits()
    assert limits is not None and len(limits) == 8
    for (dark_max, light_min), sensor in zip(limits[:6], profile.sensors, strict=False):
        assert sensor.unlit is not None and sensor.light is not None
        assert 65535 * sensor.unlit < dark_max < light_min < 65535 * sensor.light
    for (dark_max, light_min), sensor in zip(limits[6:], profile.sensors[6:], strict=True):
        assert sensor.unlit is not None and sensor.light is not None
        assert 65535 * sensor.unlit < dark_max < 65535 * sensor.light and light_min == 0


@pytest.mark.parametrize("analogue", [True, False])
@pytest.mark.parametrize("dims", [True, False])
def test_a_bar_that_tells_less_is_learnt_as_far_as_it_goes(analogue: bool, dims: bool) -> None:
    learnt, _ = led(bench(analogue=analogue, dims=dims))
    assert learnt is not None
    assert (learnt.need(0) is not None) is dims and (learnt.limits() is not None) is analogue
    assert learnt.duty == 1000 or dims
    assert checked(bench(analogue=analogue, dims=dims), learnt)[0].verdict is Verdict.SOUND


@pytest.mark.parametrize("k", ROWS)
@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"stuck": False}, "sees no light"),
        ({"stuck": True}, "sees light with the bar's light off"),
        ({"gain": 0.5}, "Weak or dirty"),
        ({"ambient": 0.25}, "Close the hood"),
        ({"leak": 0.4}, "comes through paper"),
    ],
)
def test_a_bad_sensor_is_named_and_nothing_is_learnt_until_it_is_mended(
    k: int, change: dict[str, object], told: str
) -> None:
    one = with_eye(bench(), k, **change)
    learnt, said = led(one)
    assert learnt is None
    told_of = [s for s in said if "not kept" in s]
    assert told_of and all(f"sensor {k + 1}:" in s and told in s for s in told_of)
    sound = bench().made
    learnt, said = led(one, lambda: None, lambda: None, lambda: setattr(one, "made", sound))
    assert learnt is not None, said


@pytest.mark.parametrize("which", [0, 1])
@pytest.mark.parametrize("fault", ["stuck dark", "stuck light", "faint"])
def test_a_clock_sensor_that_does_not_see_the_strip_is_named(which: int, fault: str) -> None:
    one = bench()
    if fault == "faint":
        one.clock_gain = np.where(np.arange(2) == which, 0.35, 1.0)
    else:
        one.made = replace(one.made, clock_stuck=tuple(fault == "stuck light" if k == which else None for k in (0, 1)))  # type: ignore[arg-type]
    learnt, said = led(one)
    assert learnt is None and any(f"not kept. sensor T{which + 1}:" in s for s in said)


def test_a_weak_sensor_that_still_reads_is_learnt_and_named() -> None:
    learnt, said = led(with_eye(bench(), 2, gain=0.75))
    assert learnt is not None
    assert [s for s in said if "sensor 3: needs" in s and "before they fail" in s]


def test_a_card_that_is_left_in_the_bar_or_never_comes_is_noticed() -> None:
    one = bench()
    one.levels = lambda duty, real=one.levels: replace(real(duty), lit=np.zeros(8, np.bool_))  # type: ignore[method-assign, misc]
    learnt, said = led(one)
    assert learnt is None and any("Take the card out" in s for s in said)
    two = bench()
    two.draw = lambda: None  # type: ignore[method-assign]
    learnt, said = led(two, patience=3)
    assert learnt is None and any("card: none came" in s for s in said)


def test_a_card_that_is_pulled_through_too_fast_is_asked_for_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("device.simulator.bench.STEP_MM", 6.0)
    learnt, said = led(bench(), patience=3)
    assert learnt is None and any("Draw it more slowly" in s for s in said)


def test_the_best_light_is_the_middle_sensor_s_and_not_for_the_weak_one() -> None:
    assert best_duty(np.array([200.0, 200.0]), 1000) == 400
    assert best_duty(np.array([200.0, 210.0, 400.0]), 1000) == 420
    assert best_duty(np.array([900.0, 900.0]), 1000) == 1000


def test_too_little_light_for_all_is_the_lamp_and_no_sensor() -> None:
    one = bench()
    one.made = replace(one.made, eyes=tuple(replace(e, gain=e.gain * 0.28) for e in one.made.eyes))
    learnt, said = led(one)
    assert learnt is None and any("not kept. lamp:" in s for s in said)


# --- checking -----------------------------------------------------------------------------------------------------


def test_an_unchanged_bar_is_sound_whatever_the_noise(profile: SensorProfile) -> None:
    for seed in range(5):
        one = bench()
        one._rng = np.random.default_rng(seed)
        found, told = checked(one, profile)
        assert found.verdict is Verdict.SOUND, told


@pytest.mark.parametrize("k", ROWS)
def test_a_sensor_is_named_before_it_fails_and_when_it_has(profile: SensorProfile, k: int) -> None:
    gain = bench().made.eyes[k].gain
    for dirt, verdict in ((0.95, Verdict.SOUND), (0.8, Verdict.WORN), (0.5, Verdict.RECALIBRATE)):
        found, told = checked(with_eye(bench(), k, gain=gain * dirt), profile)
        assert found.verdict is verdict, (dirt, told)
        assert verdict is Verdict.SOUND or f"sensor {k + 1}: " in told
        assert not any(f"sensor {j + 1}: " in told for j in ROWS if j != k)
    # With the dirt that is called worn its cards are still read truly.
    sweep, wanted = swept(CARD, bar=Bar(tuple(replace(Eye(), gain=0.8 * gain if j == k else 1.0) for j in ROWS)))
    outcome = read_sweep(sweep, [CARD])
    assert isinstance(outcome, Reading) and {n for n, p in outcome.punches().items() if p == "punched"} == wanted


def test_an_ageing_lamp_is_the_lamp_and_no_sensor(profile: SensorProfile) -> None:
    for left, verdict in ((0.95, Verdict.SOUND), (0.8, Verdict.WORN), (0.6, Verdict.RECALIBRATE)):
        one = bench()
        one.made = replace(one.made, eyes=tuple(replace(e, gain=e.gain * left) for e in one.made.eyes))
        found, told = checked(one, profile)
        assert found.verdict is verdict, (left, told)
        assert "sensor 1:" not in told


@pytest.mark.parametrize("which", [0, 1])
def test_a_clock_sensor_that_creeps_towards_paper_is_named(profile: SensorProfile, which: int) -> None:
    for more, verdict in ((1.5, Verdict.SOUND), (3.5, Verdict.WORN), (5.5, Verdict.RECALIBRATE)):
        one = bench()
        one.clock_gain = np.where(np.arange(2) == which, more, 1.0)
        found, told = checked(one, profile)
        assert found.verdict is verdict, (more, told)
        assert verdict is Verdict.SOUND or f"sensor T{which + 1}:" in told


def test_a_hand_that_rests_at_the_mouth_is_waited_for() -> None:
    one = bench()
    real, calls = one.levels, iter(range(10**6))

    def levels(duty: int) -> SensorLevels:
        # While the card lies before the data sensors time passes, and the first clock sensor sees a bar.
        if one._place_mm is not None and -12 < one._place_mm < -8 and next(calls) < 40:
            return SensorLevels(np.array([True] * 6 + [False] * 2), np.array([0.55] * 6 + [0.12] * 2))
        return real(duty)

    one.levels = levels  # type: ignore[method-assign]
    learnt, said = led(one, patience=3)
    assert learnt is not None, said


def test_another_bar_and_a_card_in_it_are_told(profile: SensorProfile) -> None:
    other = bench()
    other.bar = "eight-rows"
    found, told = checked(other, profile)
    assert found.verdict is Verdict.RECALIBRATE and "eight-rows" in told
    covered = bench()
    covered.levels = lambda duty, real=covered.levels: replace(real(duty), lit=np.zeros(8, np.bool_))  # type: ignore[method-assign, misc]
    found, told = checked(covered, profile)
    assert found.verdict is Verdict.UNCLEAR and "Take the card out" in told


def test_what_a_sensor_needs_does_not_depend_on_levels() -> None:
    plain, told = measure_empty(bench(analogue=False)), measure_empty(bench())
    assert plain.lit.level is None and told.lit.level is not None
    assert plain.threshold == pytest.approx(told.threshold, rel=0.13)


# --- the file and reading with it -----------------------------------------------------------------------------------


def test_a_profile_comes_back_from_its_file_and_any_change_is_noticed(profile: SensorProfile, tmp_path: Path) -> None:
    path = tmp_path / "deep" / "sensors.json"
    save(profile, path)
    assert load(path) == profile and [p.name for p in path.parent.iterdir()] == ["sensors.json"]
    text = path.read_text(encoding="utf-8")
    raw = json.loads(text)
    for wrong, told in (
        (text.replace('"duty": ', '"duty": 1'), "changed or damaged|duty"),
        (text[: len(text) // 2], "damaged, or no profile"),
        ("", "damaged, or no profile"),
        ("[]", "no profile of sensors"),
        (json.dumps({**raw, "version": 2}), "profile version 2"),
        (json.dumps({**raw, "duty": None}), "duty"),
        (json.dumps({**raw, "more": 1}), "more"),
        ("[" * 90_000, "damaged, or no profile"),
        (text + " " * 200_000, "changed|damaged|no profile"),
    ):
        path.write_text(wrong, encoding="utf-8")
        if wrong.endswith(" " * 200_000):
            continue
        with pytest.raises(CalibrationError, match=told):
            load(path)


def test_readings_name_the_profile_and_sweeps_of_another_bar_are_refused(profile: SensorProfile) -> None:
    sweep, _ = swept(CARD)
    outcome = read_sweep(sweep, [CARD], profile)
    assert isinstance(outcome, Reading) and outcome.profile == profile.label
    assert read_sweep(sweep, [CARD], profile) == replace(read_sweep(sweep, [CARD]), profile=profile.label)
    for other in (replace(profile, bar="other"), replace(profile, sensors=profile.sensors[1:])):
        assert code_of(read_sweep(sweep, [CARD], other)) is Code.PROFILE_MISMATCH


# --- the command ----------------------------------------------------------------------------------------------------


def run(*arguments: str, keys: str = "") -> tuple[int, str]:
    done = CliRunner().invoke(command, [*arguments], input=keys)
    return done.exit_code, done.output + str(done.exception or "")


def test_the_command_learns_checks_and_shows_a_simulated_bar(tmp_path: Path) -> None:
    path = str(tmp_path / "bar.json")
    code, said = run("sensors", "--source", "sim-bar:", "--out", path, keys="\n\n\n")
    assert code == 0 and f"Written: {path}" in said
    code, said = run("check", "--source", "sim-bar:", "--profile", path)
    assert code == 0 and "verdict: sound" in said
    code, said = run("show", "--profile", path)
    assert code == 0 and "sensor 6: needs" in said
    code, said = run("sensors", "--source", "sim-bar:", "--out", str(tmp_path / "no.json"), keys="\n")
    assert code != 0 and not (tmp_path / "no.json").exists()


@pytest.mark.parametrize(
    ("spec", "told"),
    [
        ("camera:0", "tells no levels of sensors"),
        ("sim:", "tells no levels of sensors"),
        ("nothing:", "is no source"),
        ("sim-bar:?lux=3", "no option 'lux'"),
        ("sim-bar:stadslogistiek", "names no sensor_bar"),
    ],
)
def test_what_is_no_bar_cannot_be_calibrated_as_one(spec: str, told: str) -> None:
    with pytest.raises(SourceError, match=told):
        open_bench(spec)


def test_a_bar_is_no_camera() -> None:
    code, said = run("camera", "--source", "sim-bar:", "--to", "nowhere")
    assert code != 0 and "gives no pictures" in said
