"""What making a key costs: every key spec that a library can make, one key a sample.

Making an RSA key is a search for two primes, and may be short or long: its times vary by chance.
"""

from contextlib import ExitStack
from typing import TYPE_CHECKING

from kmslab.bench import with_pycryptodome
from kmslab.bench.programs import Benchmark, Effort, Plan, Program
from kmslab.bench.result import Result
from kmslab.bench.result import read as read_result
from kmslab.bench.wrapping import LIBRARIES

if TYPE_CHECKING:  # imported at run time only for a picture
    from kmslab.figures import Picture

MAKE = "make"
LONG = ("RSA_3072", "RSA_4096")


def prepare(effort: Effort, stack: ExitStack) -> Plan:
    """A quick run leaves out the longer RSA keys, which alone would take a minute."""
    specs = dict.fromkeys(spec for library in LIBRARIES for spec in library.GENERATE)
    absent = dict.fromkeys(LONG, "A quick run leaves it out.") if effort.quick else {}
    programs = [
        Program(library.NAME, spec, MAKE, library.GENERATE[spec], steady=not spec.startswith("RSA"))
        for spec in specs
        for library in LIBRARIES
        if spec in library.GENERATE and spec not in absent
    ]
    return Plan(programs, absent=absent, software=[with_pycryptodome.software()])


BENCHMARK = Benchmark(
    "keygen",
    prepare,
    full=Effort(rounds=100, batch_seconds=0.005),
    quick=Effort(rounds=5, batch_seconds=0.001, quick=True),
)


class Keys:
    """A recorded run as lesson 08 shows it."""

    def __init__(self, result: Result) -> None:
        self.result = result

    def plot(self, spec: str = "RSA_4096") -> "Picture":
        """How long it took to make each key, with median and mean. KeyError if none was made."""
        from kmslab import figures

        made = [series for series in self.result.series if series.subject == spec]
        if not made:
            raise KeyError(f"no {spec} was made")
        rows = [
            figures.TimingRow(series.by, (figures.OperationTimes(MAKE, series.samples),))
            for series in made
        ]
        return figures.times_with_means(f"making {spec}", rows)


def read(text: str | bytes) -> Keys:
    """A recorded run. Raises ValueError if the text is not one."""
    return Keys(read_result(text, "keygen"))
