"""Fair measuring, on a machine with a known clock and programs of known length."""

import gc
from itertools import pairwise

import pytest

from kmslab.bench.measuring import calibrate, measure
from kmslab.bench.programs import Effort, Program


class Machine:
    """Programs that take a known time on its clock, which ticks as finely as one likes."""

    def __init__(self, tick: float = 0.0) -> None:
        self.now, self.tick, self.ran = 0.0, tick, []

    def clock(self) -> float:
        return self.now // self.tick * self.tick if self.tick else self.now

    def program(self, name: str, seconds: float, first: float = 0.0, **stated) -> Program:
        pending = [first]

        def call() -> None:
            self.now += seconds + (pending.pop() if pending else 0)
            self.ran.append(name)

        return Program("a machine", name, "run", call, clock=self.clock, **stated)


def runs(names: list[str]) -> list[str]:
    """Names without immediate repetitions."""
    return [name for name, before in zip(names, [None, *names], strict=False) if name != before]


def measured(programs: list[Program], rounds: int, least: float = 0.005) -> list[list[float]]:
    samples = measure(programs, Effort(rounds, least))
    return [samples[program].values for program in programs]


def test_a_batch_lasts_as_long_as_it_should_and_not_much_longer():
    runs = calibrate(Machine().program("a", 1e-6), 0.005)
    assert 0.005 <= runs * 1e-6 < 0.0101


def test_a_slow_program_runs_once_a_sample():
    assert calibrate(Machine().program("a", 0.2), 0.005) == 1


def test_a_batch_without_a_length_is_one_run_after_one_to_warm_up():
    machine = Machine()
    measured([machine.program("a", 1e-6)], 3, least=0)
    assert machine.ran == ["a"] * 4


@pytest.mark.parametrize("seconds", [3e-7, 1e-5, 0.3])
def test_samples_are_microseconds_a_call(seconds):
    [samples] = measured([Machine().program("a", seconds)], 4)
    assert samples == pytest.approx([seconds * 1e6] * 4)


def test_a_program_may_make_many_calls():
    [samples] = measured([Machine().program("a", 0.8, calls=400)], 3)
    assert samples == pytest.approx([2000.0] * 3)


def test_what_the_first_run_loads_is_not_counted():
    program = Machine().program("a", 1e-6, first=3.0)
    samples = measure([program], Effort(5, 0.005))[program]
    assert max(samples.values) == pytest.approx(1.0)
    assert samples.batch > 1000


def test_a_coarse_clock_gets_long_batches():
    [samples] = measured([Machine(tick=0.001).program("a", 1e-6)], 9, least=0.1)
    assert samples == pytest.approx([1.0] * 9, rel=0.02)


def test_each_round_takes_one_batch_of_everything():
    machine = Machine()
    measured([machine.program(name, 0.01) for name in "abcd"], 6)
    rounds = machine.ran[-24:]
    assert all(set(rounds[n : n + 4]) == set("abcd") for n in range(0, 24, 4))


def test_the_order_is_drawn_anew_for_each_round():
    machine = Machine()
    measured([machine.program(name, 0.01) for name in "abcdef"], 20)
    orders = {tuple(machine.ran[-120:][n : n + 6]) for n in range(0, 120, 6)}
    assert len(orders) > 10


def test_what_is_compared_follows_each_other_in_either_order():
    machine = Machine()
    limits = [machine.program(name, 0.01) for name in "ab"]
    ours = [machine.program(each.subject.upper(), 0.02, against=each) for each in limits]
    measured([*limits, *ours], 30)
    rounds = machine.ran[-120:]
    pairs = {tuple(rounds[n : n + 2]) for n in range(0, 120, 2)}
    assert pairs == {("a", "A"), ("A", "a"), ("b", "B"), ("B", "b")}


def test_fewer_samples_are_spread_over_all_rounds():
    machine = Machine()
    programs = [machine.program("a", 0.01), machine.program("b", 0.01, rounds=4)]
    often, seldom = measured(programs, 100)
    assert (len(often), len(seldom)) == (100, 4)
    places = [place for place, name in enumerate(machine.ran[-104:]) if name == "b"]
    assert all(later - here > 20 for here, later in pairwise(places))


def test_a_machine_that_slows_down_affects_all_measurements_alike():
    machine = Machine()

    def slowing(seconds: float) -> Program:
        def call() -> None:
            machine.now += seconds * (1 + machine.now)

        return Program("a machine", str(seconds), "run", call, clock=machine.clock)

    one, twice = measured([slowing(0.01), slowing(0.02)], 30)
    assert one[-1] > 1.5 * one[0]
    assert sorted(twice)[15] / sorted(one)[15] == pytest.approx(2, rel=0.1)


def test_the_garbage_collector_is_off_meanwhile_and_afterwards_as_before():
    machine, seen = Machine(), []
    run = machine.program("a", 1).call
    program = Program(
        "a", "b", "c", lambda: seen.append(gc.isenabled()) or run(), clock=machine.clock
    )
    measured([program], 2, least=0.5)
    assert seen[-2:] == [False, False]
    assert gc.isenabled()


def test_what_is_compared_has_as_many_samples():
    machine = Machine()
    with pytest.raises(ValueError, match="b run and a machine a run have not the same rounds"):
        machine.program("b", 1, rounds=5, against=machine.program("a", 1))
