"""Two results of one benchmark side by side: what changed, and whether that is more than chance.

Rule: where two intervals overlap, no difference is claimed. Where they do not, the machine may
still have changed and not the program: the ratios, each of one run, are what to compare then.
"""

import textwrap
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

from kmslab.bench.result import Result, Series
from kmslab.bench.tables import three_digits, typical
from kmslab.display import Table

SAME = "no difference seen"
MACHINE = ("processor", "cores", "system", "python")


@dataclass(frozen=True, slots=True)
class Change:
    """One program, measured twice."""

    old: Series
    new: Series

    @property
    def factor(self) -> float:
        """The new median time as a multiple of the old one."""
        return self.new.summary.median / self.old.summary.median

    @property
    def verdict(self) -> str:
        if self.new.summary.overlaps(self.old.summary):
            return SAME
        if self.factor < 1:
            return f"{three_digits(1 / self.factor)} times as fast"
        return f"{three_digits(self.factor)} times as long"

    @property
    def ratio_verdict(self) -> str:
        """Of the ratios, if both results compare the program with the same other one."""
        old, new = self.old.ratio, self.new.ratio
        if not old or not new or self.old.against != self.new.against:
            return ""
        moved = f"{three_digits(old.median)} → {three_digits(new.median)}"
        return f"{moved}: {SAME}" if old.overlaps(new) else moved


@dataclass(frozen=True, slots=True)
class Comparison:
    """`repr` and `fitted` show it; `to_dict` has the same for programs."""

    old: Result
    new: Result
    changes: list[Change]

    def __repr__(self) -> str:
        return "\n\n".join([repr(self._table()), *self.warnings])

    def fitted(self, width: int) -> str:
        """For a terminal of so many columns."""
        warnings = (textwrap.fill(warning, width) for warning in self.warnings)
        return "\n\n".join([self._table().fitted(width), *warnings])

    def _table(self) -> Table:
        rows = [
            [each.new.name, *map(_cell, (each.old, each.new)), each.verdict, each.ratio_verdict]
            for each in self.changes
        ]
        return Table(["what", "old", "new", "change", "ratio"], rows)

    def to_dict(self) -> dict[str, Any]:
        changes = [
            {
                "name": each.new.name,
                "old": each.old.summary.median,
                "new": each.new.summary.median,
                "factor": each.factor,
                "overlap": each.new.summary.overlaps(each.old.summary),
                "verdict": each.verdict,
                "ratio": each.ratio_verdict,
            }
            for each in self.changes
        ]
        return {"benchmark": self.new.benchmark, "changes": changes, "warnings": self.warnings}

    @property
    def warnings(self) -> list[str]:
        """What else differs between the runs, and what weakens the comparison."""
        return list(self._warnings())

    def _warnings(self) -> Iterator[str]:
        machines = [asdict(result.machine) for result in (self.old, self.new)]
        differing = [name for name in MACHINE if machines[0][name] != machines[1][name]]
        if differing:
            said = "; ".join(
                f"{each}: {machines[0][each]} → {machines[1][each]}" for each in differing
            )
            yield f"The machines differ ({said}). Compare the ratios, not the times."
        versions = [{str(each) for each in result.software} for result in (self.old, self.new)]
        if versions[0] != versions[1]:
            gone, come = (", ".join(sorted(versions[n] - versions[1 - n])) for n in (0, 1))
            yield f"The software differs: {gone or 'nothing'} → {come or 'nothing'}."
        for age, result in (("old", self.old), ("new", self.new)):
            if result.quick:
                yield f"The {age} result is of a quick run: too few samples for small differences."
            if result.warning:
                yield f"The {age} result: {result.warning}"
        before, after = ([each.name for each in run.series] for run in (self.old, self.new))
        for age, here, there in (("old", before, after), ("new", after, before)):
            alone = ", ".join(name for name in here if name not in there)
            if alone:
                yield f"Only in the {age} result: {alone}."


def _cell(series: Series) -> str:
    median, interval = typical(series.summary, series.size)
    return f"{median} ({interval})"


def compare(old: Result, new: Result) -> Comparison:
    """Raises ValueError if they are of different benchmarks."""
    if old.benchmark != new.benchmark:
        raise ValueError(f"one is a result of {old.benchmark}, the other of {new.benchmark}")
    before = {series.name: series for series in old.series}
    changes = [Change(before[each.name], each) for each in new.series if each.name in before]
    return Comparison(old, new, changes)
