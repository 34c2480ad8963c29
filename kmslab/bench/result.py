"""What was measured, as it is kept and shown: raw samples, what they say, and where it was.

The JSON holds everything, and `wrapping.schema.json` says what; tables and pictures are made of it.
"""

import json
import statistics
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from kmslab.bench.machine import Machine, Software
from kmslab.bench.methods import MEASURE, WAYS, Way
from kmslab.bench.summary import Summary
from kmslab.display import Table

if TYPE_CHECKING:  # at run time, where a picture is wanted: measuring needs no matplotlib
    from kmslab.figures import Cloud, Picture, Timings

FORMAT = "kmslab wrapping 1"
BASELINE = "no-op"
WRAP, UNWRAP, GENERATE = "wrap", "unwrap", "generate"
NOISY = 0.1  # an interquartile range of more than a tenth of the median
NOTHING: Mapping[str, float] = MappingProxyType({})
BEARABLE = 0.1  # of all series that may be noisy before the whole is


@dataclass(frozen=True, slots=True)
class Series:
    """One thing measured; times in microseconds a call."""

    library: str  # "" of the baseline
    subject: str  # a way, the spec of a key, or the baseline
    operation: str  # wrap, unwrap, generate, or call, of the baseline
    batch: int  # calls a sample
    samples: tuple[float, ...]
    summary: Summary

    @property
    def steady(self) -> bool:
        """The same work each time; to make an RSA key is to search until one is found."""
        return self.operation != GENERATE

    def __str__(self) -> str:
        return " ".join(filter(None, [self.library, self.subject, self.operation]))


@dataclass(frozen=True, slots=True)
class Result:
    """A run of the benchmark. Show it with `table()`, `keys()` and the three plots."""

    measured_at: str  # UTC
    quick: bool
    machine: Machine
    libraries: tuple[Software, ...]
    sizes: Mapping[str, int]  # bytes of a wrapped data key, by way
    series: tuple[Series, ...]

    def of(self, library: str, subject: str, operation: str) -> Series:
        for one in self.series:
            if (one.library, one.subject, one.operation) == (library, subject, operation):
                return one
        raise KeyError(f"{library} {subject} {operation} was not measured")

    def median(self, library: str, subject: str, operation: str) -> float:
        """In microseconds a call."""
        return self.of(library, subject, operation).summary.median

    @property
    def warning(self) -> str:
        """Empty, or that the machine was too noisy to believe small differences, and how noisy."""
        steady = [one for one in self.series if one.steady]
        noisy = [one for one in steady if one.summary.spread > NOISY]
        if len(noisy) <= BEARABLE * len(steady):
            return ""
        worst = max(noisy, key=lambda one: one.summary.spread)
        return (
            f"Noisy: in {len(noisy)} of {len(steady)} series the middle half of the samples "
            f"spreads over more than {NOISY:.0%} of the median,\n"
            f"at worst over {worst.summary.spread:.0%} ({worst}).\n"
            "Close other programs and measure again."
        )

    # ------------------------------------------------------------------------------------ shown

    @property
    def _names(self) -> list[str]:
        return [library.name for library in self.libraries]

    def table(self, library: str | None = None) -> Table:
        """Each way's time in µs (median, with its 95 % interval), as a multiple of AES-KW's too."""
        headings = ["way", "strength", "quantum", "bytes"]
        for operation in (WRAP, UNWRAP):
            headings += [f"{operation} µs", "95 % interval", f"× {MEASURE}"]
        rows = [
            [name, *self._row(name, way)]
            for name in ([library] if library else self._names)
            for way in WAYS
        ]
        if library:
            return Table(headings, [row[1:] for row in rows])
        return Table(["library", *headings], rows)

    def _row(self, library: str, way: Way) -> Iterator[str]:
        yield from (way.name, f"{way.strength} bits", "holds" if way.post_quantum else "falls")
        yield f"{self.sizes[way.name]:,}"
        for operation in (WRAP, UNWRAP):
            told = self.of(library, way.name, operation).summary
            unit = self.of(library, MEASURE, operation).summary
            yield from _times(told)
            yield figures_of(told.median / unit.median)

    def keys(self) -> Table:
        """What it takes to make a wrapping key, in ms: once for very many data keys."""
        headings = ["library", "key", "median ms", "95 % interval", "middle half", "mean ms"]
        return Table(
            headings,
            [list(_key_row(one)) for one in self.series if one.operation == GENERATE],
        )

    def plot(
        self, library: str = "cryptography", marks: Mapping[str, float] = NOTHING
    ) -> "Picture":
        """Every sample of wrap and unwrap. `marks` are times to compare with, in µs, by name."""
        from kmslab import figures

        nothing = figures.Timings(BASELINE, (_cloud(self.baseline),))
        drawn = [figures.Mark(name, time) for name, time in marks.items()]
        return figures.times(library, [nothing, *self._rows(library)], *drawn)

    def plot_sizes(self, library: str = "cryptography") -> "Picture":
        """What is paid in bytes, and what in time."""
        from kmslab import figures

        return figures.wings(library, self._rows(library))

    def plot_keys(self, key: str = "RSA_4096") -> "Picture":
        """How long it took to make each key, with the median and the mean. KeyError if none was."""
        from kmslab import figures

        made = [one for one in self.series if (one.operation, one.subject) == (GENERATE, key)]
        if not made:
            raise KeyError(f"no {key} was made; a quick run makes no keys")
        rows = [figures.Timings(one.library, (_cloud(one),)) for one in made]
        return figures.searches(f"making {key}", rows)

    def _rows(self, library: str) -> list["Timings"]:
        from kmslab import figures

        return [
            figures.Timings(
                way.name,
                tuple(_cloud(self.of(library, way.name, each)) for each in (WRAP, UNWRAP)),
                self.sizes[way.name],
            )
            for way in WAYS
        ]

    @property
    def baseline(self) -> Series:
        """A call that does nothing: what Python costs in every other number."""
        return self.of("", BASELINE, "call")

    def __repr__(self) -> str:
        tables = [self.table(), self.keys()]
        return "\n\n".join([*(repr(table) for table in tables if table.rows), *self._words])

    def _repr_markdown_(self) -> str:
        tables = [self.table(), self.keys()]
        shown = [table._repr_markdown_() for table in tables if table.rows]
        return "\n\n".join([*shown, *self._words])

    @property
    def _words(self) -> list[str]:
        return [self.warning] if self.warning else []

    # ------------------------------------------------------------------------------------- kept

    def to_json(self) -> str:
        """All of it, a series a line."""
        lines = ",\n".join(f"  {json.dumps(_series(one))}" for one in self.series)
        head = {
            "format": FORMAT,
            "measured_at": self.measured_at,
            "quick": self.quick,
            "unit": "microseconds a call",
            "warning": self.warning,
            "machine": asdict(self.machine),
            "libraries": [asdict(library) for library in self.libraries],
            "ways": [asdict(way) | {"bytes": self.sizes[way.name]} for way in WAYS],
        }
        text = json.dumps(head, indent=1, ensure_ascii=False)
        return f'{text[:-2]},\n "series": [\n{lines}\n ]\n}}\n'


def _series(one: Series) -> dict[str, Any]:
    said = asdict(one.summary)
    return asdict(one) | {"summary": {name: round(value, 4) for name, value in said.items()}}


def read(text: str | bytes) -> Result:
    """A result from its JSON; ValueError if it is none."""
    kept = json.loads(text)
    if not isinstance(kept, dict) or kept.get("format") != FORMAT:
        raise ValueError(f"this is no result of the wrapping benchmark ({FORMAT})")
    where = kept["machine"]
    return Result(
        measured_at=kept["measured_at"],
        quick=kept["quick"],
        machine=Machine(**where | {"flags": tuple(where["flags"]), "load": tuple(where["load"])}),
        libraries=tuple(Software(**library) for library in kept["libraries"]),
        sizes={way["name"]: way["bytes"] for way in kept["ways"]},
        series=tuple(
            Series(**one | {"samples": tuple(one["samples"]), "summary": Summary(**one["summary"])})
            for one in kept["series"]
        ),
    )


def _cloud(one: Series) -> "Cloud":
    from kmslab import figures

    return figures.Cloud(one.operation, one.samples)


def _key_row(made: Series) -> Iterator[str]:
    told = made.summary
    yield from (made.library, made.subject, *_times(told, 1e3))
    yield f"{figures_of(told.q1 / 1e3)} – {figures_of(told.q3 / 1e3)}"
    yield figures_of(statistics.fmean(made.samples) / 1e3)


def _times(told: Summary, unit: float = 1.0) -> tuple[str, str]:
    low, high = figures_of(told.low / unit), figures_of(told.high / unit)
    return figures_of(told.median / unit), f"{low} – {high}"


def figures_of(value: float) -> str:
    """Three figures, of which more would be noise."""
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:#.3g}".rstrip(".")
