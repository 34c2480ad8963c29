"""Every benchmark runs, quickly, and its result keeps the schema."""

import json
import sys
from dataclasses import replace

import jsonschema
import pytest

from kmslab.bench import BENCHMARKS, machine
from kmslab.bench.programs import Benchmark, Effort, Plan, Program
from kmslab.bench.running import find, run
from tests.bench.test_result import SCHEMA

QUICK = ("sealing", "keygen")  # the others make long RSA keys, start servers or write files


@pytest.mark.parametrize(
    "name",
    [pytest.param(name, marks=[] if name in QUICK else pytest.mark.long) for name in BENCHMARKS],
)
def test_a_benchmark_runs_and_names_what_it_compares(name):
    benchmark = find(name)
    result = run(benchmark, replace(benchmark.quick, rounds=2, batch_seconds=0))
    jsonschema.validate(json.loads(result.to_json()), SCHEMA)
    assert result.quick
    assert benchmark.name == name
    names = [series.name for series in result.series]
    assert len(set(names)) == len(names)
    assert {series.against for series in result.series} <= {"", *names}
    measured = {series.subject for series in result.series}
    assert set(result.facts) <= measured | set(result.absent)


def planned(*programs: Program) -> Benchmark:
    return Benchmark("wrapping", lambda *_: Plan(programs), Effort(5, 0.0), Effort(2, 0.0))


def test_a_result_says_how_it_was_measured_and_compares_round_by_round():
    now = [0.0]

    def lasting(seconds: float):
        def call() -> None:
            now[0] += seconds * (1 + now[0])  # it gets hot: everything takes longer and longer

        return call

    limit = Program("loop", "a", "run", lasting(0.001), clock=lambda: now[0])
    ours = Program("we", "a", "run", lasting(0.002), limit, share=True, clock=limit.clock)
    result = run(planned(limit, ours))
    one, two = result.series
    assert (one.ratio, two.against, two.share) == (None, "loop a run", True)
    assert two.ratio.median == pytest.approx(0.5, rel=0.01)
    assert len(one.samples) == len(two.samples) == 5
    assert [software.name for software in result.software] == ["kmslab", "cryptography"]


def test_what_a_benchmark_opened_is_closed_even_if_a_program_fails():
    closed = []

    def prepare(_, stack) -> Plan:
        stack.callback(closed.append, True)
        return Plan([Program("a", "b", "c", lambda: 1 / 0)])

    with pytest.raises(ZeroDivisionError):
        run(replace(planned(), prepare=prepare))
    assert closed == [True]


def test_the_computer_is_described_without_the_name_of_a_host_or_a_person():
    described = machine.describe((0.5,))
    assert described.cores >= 1
    assert described.python.endswith(sys.version.split()[0])
    assert machine.core()[1].built_on.startswith("OpenSSL")
