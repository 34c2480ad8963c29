"""What wrapping a data key costs, by each method of `methods.py`, in two libraries.

Lesson 08 shows nine of the methods: `run` measures those, and `read` shows them of a recorded run.
"""

import secrets
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from kmslab.bench import with_cryptography, with_pycryptodome
from kmslab.bench.machine import Machine, Software
from kmslab.bench.methods import DATA_KEY, METHODS, NINE, REFERENCE, Library, Method
from kmslab.bench.programs import Benchmark, Effort, Facts, Plan, Program
from kmslab.bench.progress import Progress, silent
from kmslab.bench.result import Result, Series
from kmslab.bench.result import read as read_result
from kmslab.bench.running import run as measure
from kmslab.bench.tables import tables
from kmslab.crypto import pyca
from kmslab.display import Table

if TYPE_CHECKING:  # imported at run time only for a picture
    from kmslab.figures import OperationTimes, Picture, TimingRow

LIBRARIES: tuple[Library, ...] = (with_cryptography, with_pycryptodome)
WRAP, UNWRAP = "wrap", "unwrap"
BASELINE = ("Python", "no-op", "call")


def prepare(effort: Effort, stack: ExitStack, methods: Sequence[Method] = METHODS) -> Plan:
    """The reference comes first, since the others are compared with it."""
    keys = {spec: _new_key(spec) for spec in dict.fromkeys(each.key for each in methods)}
    data_key = secrets.token_bytes(DATA_KEY)
    programs = [Program(*BASELINE, partial(_do_nothing, data_key))]
    facts: dict[str, Facts] = {}
    ordered = sorted(methods, key=lambda method: method.name != REFERENCE)
    for library in LIBRARIES:
        references: dict[str, Program] = {}
        for method in ordered:
            wrapper = library.LOAD[method.name](keys[method.key])
            wrapped = wrapper.wrap(data_key)
            facts[method.name] = method.facts(len(wrapped))
            for operation, call in (
                (WRAP, partial(wrapper.wrap, data_key)),
                (UNWRAP, partial(wrapper.unwrap, wrapped)),
            ):
                program = Program(
                    library.NAME, method.name, operation, call, references.get(operation)
                )
                references.setdefault(operation, program)
                programs.append(program)
    places = {name: number for number, name in enumerate(each.name for each in methods)}
    programs.sort(key=lambda program: places.get(program.subject, -1))
    return Plan(
        programs,
        {method.name: facts[method.name] for method in methods},
        software=[with_pycryptodome.software()],
    )


def _new_key(spec: str) -> bytes:
    return secrets.token_bytes(32) if spec == "AES_256" else pyca.generate_key(spec)


def _do_nothing(data_key: bytes) -> bytes:
    return data_key


BENCHMARK = Benchmark(
    "wrapping",
    prepare,
    full=Effort(rounds=100, batch_seconds=0.005),
    quick=Effort(rounds=15, batch_seconds=0.001, quick=True),
)


# --------------------------------------------------------------------------------------- lesson 08


class NineWays:
    """A run as lesson 08 shows it: `table()`, `plot()` and `plot_sizes()`."""

    def __init__(self, result: Result) -> None:
        names = {method.name for method in NINE}
        self.result = result.only(lambda series: series.subject in names)
        self.baseline = result.of(*BASELINE)
        self.sizes: Mapping[str, int] = {
            method.name: int(result.facts[method.name]["bytes"]) for method in NINE
        }

    @property
    def machine(self) -> Machine:
        return self.result.machine

    @property
    def libraries(self) -> list[Software]:
        names = {library.NAME for library in LIBRARIES}
        return [each for each in self.result.software if each.name in names]

    @property
    def warning(self) -> str:
        """The sentence that the machine was too noisy to trust small differences; else ""."""
        return self.result.warning

    def of(self, library: str, method: str, operation: str) -> Series:
        """The series of one operation; KeyError if it was not measured."""
        return self.result.of(library, method, operation)

    def median(self, library: str, method: str, operation: str) -> float:
        """In microseconds a call."""
        return self.result.median(library, method, operation)

    def table(self, library: str) -> Table:
        """Each method's median, its 95 % interval, and the multiple of AES-KW's."""
        [table] = tables(self.result.only(lambda series: series.by == library), brief=True)
        return table

    def plot(self, library: str = "cryptography") -> "Picture":
        """Every sample of wrap and unwrap."""
        from kmslab import figures

        baseline = figures.TimingRow("no-op", (_times(self.baseline),))
        return figures.times(library, [baseline, *self._rows(library)])

    def plot_sizes(self, library: str = "cryptography") -> "Picture":
        """The size of a wrapped data key beside the median times."""
        from kmslab import figures

        return figures.sizes_and_times(library, self._rows(library))

    def _rows(self, library: str) -> list["TimingRow"]:
        from kmslab import figures

        return [
            figures.TimingRow(
                method,
                tuple(_times(self.of(library, method, each)) for each in (WRAP, UNWRAP)),
                size,
            )
            for method, size in self.sizes.items()
        ]


def _times(series: Series) -> "OperationTimes":
    from kmslab import figures

    return figures.OperationTimes(series.operation, series.samples)


def run(quick: bool = False, progress: Progress = silent) -> NineWays:
    """Measure the nine ways on this computer: some minutes, or with `quick` some seconds.

    Times are microseconds a call. `result.warning` says whether the machine was too busy for it.
    """
    nine = replace(BENCHMARK, prepare=partial(prepare, methods=NINE))
    return NineWays(measure(nine, BENCHMARK.quick if quick else BENCHMARK.full, progress))


def read(text: str | bytes) -> NineWays:
    """A recorded run. Raises ValueError if the text is not one."""
    return NineWays(read_result(text, "wrapping"))
