"""The result of the wrapping benchmark: samples, statistics and the computer; shown and stored.

The JSON holds everything, in the form of `wrapping.schema.json`; tables and pictures show parts.
"""

import json
import statistics
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from kmslab.bench.machine import Machine, Software
from kmslab.bench.methods import METHODS, REFERENCE, Method
from kmslab.bench.summary import Summary
from kmslab.display import Table

if TYPE_CHECKING:  # imported at run time only for a picture: measuring needs no matplotlib
    from kmslab.figures import OperationTimes, Picture, TimingRow

FORMAT = "kmslab wrapping 1"
BASELINE = "no-op"
WRAP, UNWRAP, GENERATE = "wrap", "unwrap", "generate"
NOISY_SPREAD = 0.1  # a series is noisy if its interquartile range is a larger share of the median
MAX_NOISY_SHARE = 0.1  # the result is noisy if a larger share of its series is
NO_REFERENCES: Mapping[str, float] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Series:
    """The samples of one operation, in microseconds a call."""

    library: str  # "" for the baseline
    subject: str  # a method, the spec of a key, or the baseline
    operation: str  # wrap, unwrap, generate; or call, for the baseline
    batch: int  # calls a sample
    samples: tuple[float, ...]
    summary: Summary

    @property
    def steady(self) -> bool:
        """True if each call does the same work. Making an RSA key is a search of any length."""
        return self.operation != GENERATE

    def __str__(self) -> str:
        return " ".join(filter(None, [self.library, self.subject, self.operation]))


@dataclass(frozen=True, slots=True)
class Result:
    """A run of the benchmark. `table()`, `keys()` and the three plots show it."""

    measured_at: str  # UTC
    quick: bool
    machine: Machine
    libraries: tuple[Software, ...]
    sizes: Mapping[str, int]  # bytes of a wrapped data key, by method
    series: tuple[Series, ...]

    def of(self, library: str, subject: str, operation: str) -> Series:
        """The series of one operation; KeyError if it was not measured."""
        for series in self.series:
            if (series.library, series.subject, series.operation) == (library, subject, operation):
                return series
        raise KeyError(f"{library} {subject} {operation} was not measured")

    def median(self, library: str, subject: str, operation: str) -> float:
        """In microseconds a call."""
        return self.of(library, subject, operation).summary.median

    @property
    def warning(self) -> str:
        """The sentence that the machine was too noisy to trust small differences; else ""."""
        steady = [series for series in self.series if series.steady]
        noisy = [series for series in steady if series.summary.spread > NOISY_SPREAD]
        if len(noisy) <= MAX_NOISY_SHARE * len(steady):
            return ""
        worst = max(noisy, key=lambda series: series.summary.spread)
        return (
            f"Noisy: in {len(noisy)} of {len(steady)} series the middle half of the samples "
            f"spreads over more than {NOISY_SPREAD:.0%} of the median,\n"
            f"at worst over {worst.summary.spread:.0%} ({worst}).\n"
            "Close other programs and measure again."
        )

    # ---------------------------------------------------------------------------------- showing it

    @property
    def _names(self) -> list[str]:
        return [library.name for library in self.libraries]

    def table(self, library: str | None = None) -> Table:
        """Each method's median in µs, its 95 % interval, and the multiple of AES-KW's median."""
        headings = ["way", "strength", "quantum", "bytes"]
        for operation in (WRAP, UNWRAP):
            headings += [f"{operation} µs", "95 % interval", f"× {REFERENCE}"]
        rows = [
            [name, *self._row(name, method)]
            for name in ([library] if library else self._names)
            for method in METHODS
        ]
        if library:
            return Table(headings, [row[1:] for row in rows])
        return Table(["library", *headings], rows)

    def _row(self, library: str, method: Method) -> Iterator[str]:
        quantum = "holds" if method.post_quantum else "falls"
        yield from (method.name, f"{method.strength} bits", quantum)
        yield f"{self.sizes[method.name]:,}"
        for operation in (WRAP, UNWRAP):
            summary = self.of(library, method.name, operation).summary
            reference = self.of(library, REFERENCE, operation).summary
            yield from _median_and_interval(summary)
            yield three_digits(summary.median / reference.median)

    def keys(self) -> Table:
        """How long making each wrapping key took, in ms. One key wraps very many data keys."""
        headings = ["library", "key", "median ms", "95 % interval", "middle half", "mean ms"]
        return Table(
            headings,
            [list(_key_row(series)) for series in self.series if series.operation == GENERATE],
        )

    def plot(
        self, library: str = "cryptography", references: Mapping[str, float] = NO_REFERENCES
    ) -> "Picture":
        """Every sample of wrap and unwrap. `references` are other times in µs, by name."""
        from kmslab import figures

        baseline = figures.TimingRow(BASELINE, (_times(self.baseline),))
        others = [figures.ReferenceTime(name, time) for name, time in references.items()]
        return figures.times(library, [baseline, *self._rows(library)], *others)

    def plot_sizes(self, library: str = "cryptography") -> "Picture":
        """The size of a wrapped data key beside the median times."""
        from kmslab import figures

        return figures.sizes_and_times(library, self._rows(library))

    def plot_keys(self, key: str = "RSA_4096") -> "Picture":
        """How long it took to make each key, with the median and the mean. KeyError if none was."""
        from kmslab import figures

        made = [each for each in self.series if (each.operation, each.subject) == (GENERATE, key)]
        if not made:
            raise KeyError(f"no {key} was made; a quick run makes no keys")
        rows = [figures.TimingRow(series.library, (_times(series),)) for series in made]
        return figures.times_with_means(f"making {key}", rows)

    def _rows(self, library: str) -> list["TimingRow"]:
        from kmslab import figures

        return [
            figures.TimingRow(
                method.name,
                tuple(_times(self.of(library, method.name, each)) for each in (WRAP, UNWRAP)),
                self.sizes[method.name],
            )
            for method in METHODS
        ]

    @property
    def baseline(self) -> Series:
        """A call that does nothing: every other time includes what Python needs for the call."""
        return self.of("", BASELINE, "call")

    def __repr__(self) -> str:
        tables = [self.table(), self.keys()]
        return "\n\n".join([*(repr(table) for table in tables if table.rows), *self._warnings])

    def _repr_markdown_(self) -> str:
        tables = [self.table(), self.keys()]
        shown = [table._repr_markdown_() for table in tables if table.rows]
        return "\n\n".join([*shown, *self._warnings])

    @property
    def _warnings(self) -> list[str]:
        return [self.warning] if self.warning else []

    # ---------------------------------------------------------------------------------- storing it

    def to_json(self) -> str:
        """The whole result, one series a line."""
        lines = ",\n".join(f"  {json.dumps(_as_dict(series))}" for series in self.series)
        head = {
            "format": FORMAT,
            "measured_at": self.measured_at,
            "quick": self.quick,
            "unit": "microseconds a call",
            "warning": self.warning,
            "machine": asdict(self.machine),
            "libraries": [asdict(library) for library in self.libraries],
            "ways": [asdict(each) | {"bytes": self.sizes[each.name]} for each in METHODS],
        }
        text = json.dumps(head, indent=1, ensure_ascii=False)
        return f'{text[:-2]},\n "series": [\n{lines}\n ]\n}}\n'


def _as_dict(series: Series) -> dict[str, Any]:
    summary = {name: round(value, 4) for name, value in asdict(series.summary).items()}
    return asdict(series) | {"summary": summary}


def read(text: str | bytes) -> Result:
    """A result from its JSON. Raises ValueError if the text is not one."""
    stored = json.loads(text)
    if not isinstance(stored, dict) or stored.get("format") != FORMAT:
        raise ValueError(f"this is not a result of the wrapping benchmark ({FORMAT})")
    machine = stored["machine"]
    return Result(
        measured_at=stored["measured_at"],
        quick=stored["quick"],
        machine=Machine(
            **machine | {"flags": tuple(machine["flags"]), "load": tuple(machine["load"])}
        ),
        libraries=tuple(Software(**library) for library in stored["libraries"]),
        sizes={method["name"]: method["bytes"] for method in stored["ways"]},
        series=tuple(
            Series(
                **each | {"samples": tuple(each["samples"]), "summary": Summary(**each["summary"])}
            )
            for each in stored["series"]
        ),
    )


def _times(series: Series) -> "OperationTimes":
    from kmslab import figures

    return figures.OperationTimes(series.operation, series.samples)


def _key_row(series: Series) -> Iterator[str]:
    summary = series.summary
    yield from (series.library, series.subject, *_median_and_interval(summary, 1e3))
    yield f"{three_digits(summary.q1 / 1e3)} – {three_digits(summary.q3 / 1e3)}"
    yield three_digits(statistics.fmean(series.samples) / 1e3)


def _median_and_interval(summary: Summary, unit: float = 1.0) -> tuple[str, str]:
    low, high = three_digits(summary.low / unit), three_digits(summary.high / unit)
    return three_digits(summary.median / unit), f"{low} – {high}"


def three_digits(value: float) -> str:
    """The value with three significant digits; more would only show noise."""
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:#.3g}".rstrip(".")
