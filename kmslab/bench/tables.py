"""Tables of a result: a row for each subject and library, three columns for each operation."""

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from kmslab.bench.summary import Interval
from kmslab.display import Table, microseconds

if TYPE_CHECKING:
    from kmslab.bench.result import Result, Series

TEXTS = ("source", "why")  # facts that are too long for a column: the report has them below

Row = list["Series"]  # of one subject by one library, an operation each


def tables(result: "Result", brief: bool = False) -> list[Table]:
    """A table for each set of operations, such as sign and verify.

    `brief` leaves out who did it, the intervals of ratios, and the outliers.
    """
    rows: dict[tuple[str, str], Row] = {}
    for series in result.series:
        rows.setdefault((series.subject, series.by), []).append(series)
    groups: dict[tuple[str, ...], list[Row]] = {}
    for row in rows.values():
        groups.setdefault(tuple(series.operation for series in row), []).append(row)
    return [_table(result, group, brief) for group in groups.values()]


def _table(result: "Result", rows: Sequence[Row], brief: bool) -> Table:
    facts = dict.fromkeys(
        heading
        for row in rows
        for heading in result.facts.get(row[0].subject, {})
        if heading not in TEXTS
    )
    relations = [_common_relation(result, column) for column in zip(*rows, strict=True)]
    headings = ["what", *facts, *([] if brief else ["by"])]
    for series, relation in zip(rows[0], relations, strict=True):
        headings += [series.operation, "95 % interval", *([relation] if relation else [])]
    cells = []
    for row in rows:
        known = result.facts.get(row[0].subject, {})
        cells.append([row[0].subject, *(_fact(known.get(fact, "")) for fact in facts)])
        cells[-1] += [] if brief else [row[0].by]
        for series, relation in zip(row, relations, strict=True):
            cells[-1] += typical(series.summary, series.size)
            cells[-1] += [_compared(result, series, relation, brief)] if relation else []
    if not brief:
        headings.append("outliers")
        for row, line in zip(rows, cells, strict=True):
            taken = sum(len(series.samples) for series in row)
            line.append(f"{sum(series.summary.outliers for series in row)} of {taken:,}")
    return Table(headings, cells)


def _fact(value: str | int) -> str:
    return f"{value:,}" if isinstance(value, int) else value


def typical(interval: Interval, size: int = 0) -> tuple[str, str]:
    """The median and its interval: as a time, or as MB a second if a call works on so many bytes.

    A byte a microsecond is a megabyte a second.
    """
    if not size:
        return microseconds(
            interval.median
        ), f"{microseconds(interval.low)} – {microseconds(interval.high)}"
    low, high = three_digits(size / interval.high), three_digits(size / interval.low)
    return f"{three_digits(size / interval.median)} MB/s", f"{low} – {high}"


def relation(result: "Result", series: "Series") -> str:
    """What the series is compared with, such as `× AES-KW` or `of bare loop`; "" for nothing."""
    if not series.against:
        return ""
    other = result.named(series.against)
    pairs = zip(
        (series.by, series.subject, series.operation),
        (other.by, other.subject, other.operation),
        strict=True,
    )
    differing = " ".join(theirs for ours, theirs in pairs if ours != theirs)
    return f"of {differing}" if series.share else f"× {differing}"


def _common_relation(result: "Result", column: Sequence["Series"]) -> str:
    """The heading: what most of them are compared with; "" if none is compared."""
    found = Counter(relation(result, series) for series in column if series.against)
    return found.most_common(1)[0][0] if found else ""


def _compared(result: "Result", series: "Series", heading: str, brief: bool) -> str:
    """The ratio, and what it is to, if the heading does not say it."""
    ratio = series.ratio
    if not ratio:
        return ""
    median, low, high = map(three_digits, (ratio.median, ratio.low, ratio.high))
    text = median if brief else f"{median} ({low} – {high})"
    own = relation(result, series)
    return text if own == heading else f"{text} {own}"


def notes(result: "Result") -> list[str]:
    """What other programs measured, what was not measured and why, and whether it was noisy."""
    return list(_notes(result))


def _notes(result: "Result") -> Iterator[str]:
    for each in result.outside:
        time, _ = typical(Interval(*[each.microseconds] * 3), each.size)
        yield f"{each.by} says of itself: {each.subject} {each.operation} {time}."
    for name, reason in result.absent.items():
        yield f"Not measured: {name}. {reason}"
    if result.warning:
        yield result.warning


def three_digits(value: float) -> str:
    """The value with three significant digits; more would only show noise."""
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:#.3g}".rstrip(".")
