"""Fair measuring, on a machine with a known clock and programs of known length."""

import gc
from itertools import pairwise

import pytest

from kmslab.bench.measuring import Measurement, calibrate, measure


class Machine:
    """Programs that take a known time on its clock, which ticks as finely as one likes."""

    def __init__(self, tick: float = 0.0) -> None:
        self.now, self.tick, self.ran = 0.0, tick, []

    def clock(self) -> float:
        return self.now // self.tick * self.tick if self.tick else self.now

    def program(self, name: str, seconds: float, first: float = 0.0):
        pending = [first]

        def call() -> None:
            self.now += seconds + (pending.pop() if pending else 0)
            self.ran.append(name)

        return call


def runs(names: list[str]) -> list[str]:
    """Names without immediate repetitions."""
    return [name for name, before in zip(names, [None, *names], strict=False) if name != before]


def test_a_batch_lasts_as_long_as_it_should_and_not_much_longer():
    machine = Machine()
    calls = calibrate(machine.program("a", 1e-6), 0.005, machine.clock)
    assert 0.005 <= calls * 1e-6 < 0.0101


def test_a_slow_call_is_made_once_a_sample():
    machine = Machine()
    assert calibrate(machine.program("a", 0.2), 0.005, machine.clock) == 1


@pytest.mark.parametrize("seconds", [3e-7, 1e-5, 0.3])
def test_samples_are_microseconds_a_call(seconds):
    machine = Machine()
    measurement = Measurement(machine.program("a", seconds), rounds=4)
    measure([measurement], 0.005, machine.clock)
    assert measurement.samples == pytest.approx([seconds * 1e6] * 4)


def test_what_the_first_call_loads_is_not_counted():
    machine = Machine()
    measurement = Measurement(machine.program("a", 1e-6, first=3.0), rounds=5)
    measure([measurement], 0.005, machine.clock)
    assert max(measurement.samples) == pytest.approx(1.0)
    assert measurement.batch > 1000


def test_a_coarse_clock_gets_long_batches():
    machine = Machine(tick=0.001)
    measurement = Measurement(machine.program("a", 1e-6), rounds=9)
    measure([measurement], 0.1, machine.clock)
    assert measurement.samples == pytest.approx([1.0] * 9, rel=0.02)


def test_each_round_takes_one_batch_of_everything():
    machine = Machine()
    measurements = [Measurement(machine.program(name, 0.01), rounds=6) for name in "abcd"]
    measure(measurements, 0.005, machine.clock)
    rounds = machine.ran[-24:]
    assert all(set(rounds[n : n + 4]) == set("abcd") for n in range(0, 24, 4))


def test_the_order_is_drawn_anew_for_each_round():
    machine = Machine()
    measurements = [Measurement(machine.program(name, 0.01), rounds=20) for name in "abcdef"]
    measure(measurements, 0.005, machine.clock)
    orders = {tuple(machine.ran[-120:][n : n + 6]) for n in range(0, 120, 6)}
    assert len(orders) > 10


def test_fewer_samples_are_spread_over_all_rounds():
    machine = Machine()
    often, seldom = (
        Measurement(machine.program(name, 0.01), n) for name, n in (("a", 100), ("b", 4))
    )
    measure([often, seldom], 0.005, machine.clock)
    assert (len(often.samples), len(seldom.samples)) == (100, 4)
    places = [place for place, name in enumerate(machine.ran[-104:]) if name == "b"]
    assert all(later - here > 20 for here, later in pairwise(places))


def test_a_machine_that_slows_down_affects_all_measurements_alike():
    machine = Machine()

    def slowing(seconds: float):
        def call() -> None:
            machine.now += seconds * (1 + machine.now)

        return call

    one, twice = Measurement(slowing(0.01), 30), Measurement(slowing(0.02), 30)
    measure([one, twice], 0.005, machine.clock)
    ratio = sorted(twice.samples)[15] / sorted(one.samples)[15]
    assert one.samples[-1] > 1.5 * one.samples[0]
    assert ratio == pytest.approx(2, rel=0.1)


def test_the_garbage_collector_is_off_meanwhile_and_afterwards_as_before():
    machine = Machine()
    seen = []
    measurement = Measurement(
        lambda: seen.append(gc.isenabled()) or machine.program("a", 1)(), rounds=2
    )
    measure([measurement], 0.5, machine.clock)
    assert seen[-2:] == [False, False]
    assert gc.isenabled()
