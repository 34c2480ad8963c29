"""Runs a benchmark on this computer. `kmslab.bench.BENCHMARKS` lists them all."""

from collections.abc import Mapping
from contextlib import ExitStack
from datetime import UTC, datetime
from importlib import import_module

from kmslab.bench import BENCHMARKS, machine
from kmslab.bench.measuring import Samples, measure
from kmslab.bench.programs import Benchmark, Effort, Program
from kmslab.bench.progress import Progress, silent
from kmslab.bench.result import Result, Series
from kmslab.bench.summary import ratio, summarise


def find(name: str) -> Benchmark:
    """A benchmark by its name. Its module, which has the same name, is imported only now."""
    found: Benchmark = import_module(f"kmslab.bench.{name}").BENCHMARK
    return found


def run(benchmark: Benchmark, effort: Effort | None = None, progress: Progress = silent) -> Result:
    """Measure; `progress` is called with what is done so far."""
    effort, before = effort or benchmark.full, machine.load()
    with ExitStack() as stack:
        progress("preparing", 0, 1)
        plan = benchmark.prepare(effort, stack)
        progress("preparing", 1, 1)
        measured = measure(plan.programs, effort, progress)
    return Result(
        benchmark=benchmark.name,
        title=BENCHMARKS[benchmark.name],
        measured_at=datetime.now(UTC).isoformat(timespec="seconds"),
        quick=effort.quick,
        machine=machine.describe(before + machine.load()),
        software=[*machine.core(), *plan.software],
        facts=plan.facts,
        absent=plan.absent,
        outside=plan.outside,
        series=[_series(program, measured) for program in plan.programs],
    )


def _series(program: Program, measured: Mapping[Program, Samples]) -> Series:
    samples = measured[program]
    compared = None
    if program.against:
        other = measured[program.against].values
        pair = (other, samples.values) if program.share else (samples.values, other)
        compared = ratio(*pair)
    return Series(
        by=program.by,
        subject=program.subject,
        operation=program.operation,
        size=program.size,
        steady=program.steady,
        batch=samples.batch,
        samples=samples.values,
        summary=summarise(samples.values),
        against=program.against.name if program.against else "",
        share=program.share,
        ratio=compared,
    )
