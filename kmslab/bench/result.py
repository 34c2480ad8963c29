"""The result of a benchmark: samples, statistics and the computer, as tables and as JSON.

The JSON holds everything, in the form of `result.schema.json`; tables and pictures show parts.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from kmslab.bench.machine import Machine, Software
from kmslab.bench.programs import Facts, Outside, name_of
from kmslab.bench.summary import Interval, Summary
from kmslab.bench.tables import notes, tables, texts

FORMAT = "kmslab benchmark 2"
NOISY_SPREAD = 0.1  # a series is noisy if its interquartile range is a larger share of the median
MAX_NOISY_SHARE = 0.1  # the result is noisy if a larger share of its series is


@dataclass(frozen=True, slots=True)
class Series:
    """The samples of one program, in microseconds a call."""

    by: str
    subject: str
    operation: str
    size: int  # bytes that a call works on; 0 if calls are counted
    steady: bool  # False if the work varies by chance
    batch: int  # runs a sample
    samples: Sequence[float]  # in the order of the rounds
    summary: Summary
    against: str = ""  # the name of the series it is compared with
    share: bool = False  # `ratio` is of speeds; else of times
    ratio: Interval | None = None

    @property
    def name(self) -> str:
        return name_of(self.by, self.subject, self.operation)


@dataclass(frozen=True, slots=True)
class Result:
    """A run of a benchmark. `repr` shows its tables, `to_json()` stores it."""

    benchmark: str
    title: str
    measured_at: str  # UTC
    quick: bool
    machine: Machine
    software: Sequence[Software]
    facts: Mapping[str, Facts]
    absent: Mapping[str, str]
    outside: Sequence[Outside]
    series: Sequence[Series]

    def of(self, by: str, subject: str, operation: str) -> Series:
        """The series of one program; KeyError if it was not measured."""
        return self.named(name_of(by, subject, operation))

    def named(self, name: str) -> Series:
        for series in self.series:
            if series.name == name:
                return series
        raise KeyError(f"{name} was not measured")

    def median(self, by: str, subject: str, operation: str) -> float:
        """In microseconds a call."""
        return self.of(by, subject, operation).summary.median

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
            f"at worst over {worst.summary.spread:.0%} ({worst.name}).\n"
            "Close other programs and measure again."
        )

    def only(self, keep: Callable[[Series], bool]) -> "Result":
        """The same result with fewer series."""
        return replace(self, series=[series for series in self.series if keep(series)])

    def __repr__(self) -> str:
        return "\n\n".join([*texts(self), *notes(self)])

    def _repr_markdown_(self) -> str:
        return "\n\n".join([*(table._repr_markdown_() for table in tables(self)), *notes(self)])

    def to_json(self) -> str:
        """The whole result, one series a line."""
        lines = ",\n".join(f"  {json.dumps(_rounded(asdict(each)))}" for each in self.series)
        stored = {"format": FORMAT, "unit": "microseconds a call", "warning": self.warning}
        stored |= {name: value for name, value in asdict(self).items() if name != "series"}
        text = json.dumps(stored, indent=1, ensure_ascii=False)
        return f'{text[:-2]},\n "series": [\n{lines}\n ]\n}}\n'


def _rounded(value: Any) -> Any:
    """Times to a tenth of a nanosecond: more digits are noise."""
    if isinstance(value, dict):
        return {name: _rounded(each) for name, each in value.items()}
    return round(value, 4) if isinstance(value, float) else value


def read(text: str | bytes, benchmark: str = "") -> Result:
    """A result from its JSON. Raises ValueError if the text is not one, or of another benchmark."""
    stored = json.loads(text)
    if not isinstance(stored, dict) or stored.get("format") != FORMAT:
        raise ValueError(f"this is not a result of `kmslab bench` ({FORMAT})")
    if benchmark and stored["benchmark"] != benchmark:
        raise ValueError(
            f"this is a result of the benchmark {stored['benchmark']}, not {benchmark}"
        )
    read_fields = {
        "machine": Machine(**stored["machine"]),
        "software": [Software(**each) for each in stored["software"]],
        "outside": [Outside(**each) for each in stored["outside"]],
        "series": [_series(each) for each in stored["series"]],
    }
    left_out = {"format", "unit", "warning"}
    return Result(**{name: stored[name] for name in stored.keys() - left_out} | read_fields)


def _series(stored: dict[str, Any]) -> Series:
    ratio = Interval(**stored["ratio"]) if stored["ratio"] else None
    return Series(**stored | {"summary": Summary(**stored["summary"]), "ratio": ratio})
