"""A bar on the Pi's own pins, looked at: on wires that are played from the hardware's side."""

from __future__ import annotations

from calibration.check import Verdict
from calibration.guide import Talk
from calibration.sensor_check import check_sensors
from calibration.sensor_guide import lead
from cards.load import find_layout
from device.lines.edge import Edge
from device.simulator.bench import SimulatedBench
from device.simulator.feed import Bar, Eye
from device.sources.sensors import PinsBench

CARD = find_layout("stadslogistiek-bar")


class Wires:
    """Eight wires of a simulated bar, whose light is on or off."""

    def __init__(self) -> None:
        assert CARD.sensor_bar is not None
        self.inner = SimulatedBench(CARD, CARD.sensor_bar, Bar((Eye(gain=0.5),) * 6), analogue=False, dims=False)
        self.on, self.closed = False, 0

    def light(self, on: bool) -> None:
        self.on = on

    def levels(self) -> tuple[bool, ...]:
        return tuple(self.inner.levels(1000 if self.on else 0).lit.tolist())

    def now_s(self) -> float:
        return self.inner.now_s()

    def wait(self, timeout_s: float) -> list[Edge]:
        return []

    def lost(self) -> int:
        return 0

    def close(self) -> None:
        self.on, self.closed = False, self.closed + 1


def test_a_bar_of_plain_pins_is_learnt_as_far_as_it_tells_and_checked() -> None:
    wires = Wires()
    bench = PinsBench("pins", wires, "six-rows", 6, lambda seconds: None)
    bench.draw = wires.inner.draw  # type: ignore[method-assign]
    said: list[str] = []
    profile = lead(bench, Talk(lambda what: None, said.append), "belga")
    assert (profile.bar, profile.duty, profile.need(0), profile.limits()) == ("six-rows", 1000, None, None)
    assert check_sensors(profile, bench).verdict is Verdict.SOUND
    wires.inner.made = Bar((Eye(gain=0.5),) * 5 + (Eye(stuck=False),))
    found = check_sensors(profile, bench)
    assert found.verdict is Verdict.RECALIBRATE and "sensor 6" in str(found.parts[0].finding)
    bench.close()
    assert wires.closed == 1 and not wires.on
