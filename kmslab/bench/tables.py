"""Tables of a result: a row for each subject and library, three columns for each operation.

Text has no room for so many: it has a table for each operation, and one of the facts (`texts`).
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from kmslab.bench.summary import Interval
from kmslab.display import Table, microseconds

if TYPE_CHECKING:
    from kmslab.bench.result import Result, Series

COLUMNS = 100  # of a terminal
TEXTS = ("source", "why")  # facts that are too long for a column: the report has them below

Row = list["Series"]  # of one subject by one library, an operation each


def tables(result: "Result", brief: bool = False) -> list[Table]:
    """A table for each set of operations, such as sign and verify.

    `brief` leaves out who did it, the intervals of ratios, and the outliers.
    """
    return [_table(result, group, brief) for group in _groups(result)]


def texts(result: "Result") -> list[str]:
    """For a terminal. Only a row with a relation of its own can be wider."""
    shown: list[str] = []
    for group in _groups(result):
        shown += _facts_of(result, group)
        shown += [_narrow(result, column) for column in zip(*group, strict=True)]
    outliers = sum(series.summary.outliers for series in result.series)
    taken = sum(len(series.samples) for series in result.series)
    return [*shown, f"Outliers: {outliers:,} of {taken:,} samples."]


def _groups(result: "Result") -> list[list[Row]]:
    """The rows that have the same operations, such as sign and verify."""
    rows: dict[tuple[str, str], Row] = {}
    for series in result.series:
        rows.setdefault((series.subject, series.by), []).append(series)
    groups: dict[tuple[str, ...], list[Row]] = {}
    for row in rows.values():
        groups.setdefault(tuple(series.operation for series in row), []).append(row)
    return list(groups.values())


def _facts(result: "Result", rows: Sequence[Row]) -> list[str]:
    """The headings of what is known of these subjects."""
    known = (result.facts.get(row[0].subject, {}) for row in rows)
    return list(dict.fromkeys(name for facts in known for name in facts if name not in TEXTS))


def _facts_of(result: "Result", rows: Sequence[Row]) -> Iterator[str]:
    """A line for what is the same of all, and a table of the rest."""
    subjects = dict.fromkeys(row[0].subject for row in rows)
    known = [result.facts.get(subject, {}) for subject in subjects]
    headings = []
    for heading in _facts(result, rows):
        values = {_fact(facts.get(heading, "")) for facts in known}
        if len(values) > 1 or len(known) == 1:
            headings.append(heading)
        else:
            yield f"{heading}: {values.pop()}"
    if headings:
        cells = [[_fact(facts.get(heading, "")) for heading in headings] for facts in known]
        named = zip(subjects, cells, strict=True)
        yield repr(Table(["what", *headings], [[subject, *line] for subject, line in named]))


def _narrow(result: "Result", column: Sequence["Series"]) -> str:
    """One operation. The ratio is the last column, so that a long one moves no other."""
    shared = _common_relation(result, column)
    headings = ["what", "by", column[0].operation, "95 % interval", *([shared] if shared else [])]
    cells: list[list[str]] = []
    for series in column:
        cells.append([series.subject, series.by, *typical(series.summary, series.size)])
        cells[-1] += [_compared(result, series, shared, brief=False)] if shared else []
    shown = repr(Table(headings, [[cell.replace(" – ", "–") for cell in line] for line in cells]))
    heading, rule, *rest = shown.split("\n")
    return "\n".join([heading, rule[:COLUMNS], *rest])


def _table(result: "Result", rows: Sequence[Row], brief: bool) -> Table:
    facts = _facts(result, rows)
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
    """What the series is compared with, such as `× AES-KW` or `of bare loop`; "" for nothing.

    Beside speeds, the multiple of a time has to say that it is one: it grows as the speed falls.
    """
    if not series.against:
        return ""
    other = result.named(series.against)
    pairs = zip(
        (series.by, series.subject, series.operation),
        (other.by, other.subject, other.operation),
        strict=True,
    )
    differing = " ".join(theirs for ours, theirs in pairs if ours != theirs)
    if series.share:
        return f"of {differing}"
    return f"× time of {differing}" if series.size else f"× {differing}"


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
