"""The picture of any result: every program's median, with its interval. Needs matplotlib."""

from kmslab import figures
from kmslab.bench.result import Result, Series
from kmslab.bench.tables import typical
from kmslab.display import microseconds


def draw(result: Result) -> figures.Picture:
    """By speed if every program works on bytes, else by time."""
    by_speed = all(series.size for series in result.series)
    rows: dict[str, list[figures.Measured]] = {}
    for series in result.series:
        row = rows.setdefault(f"{series.subject} {series.operation}", [])
        row.append(_mark(series, by_speed))
    return figures.intervals(
        f"{result.benchmark}, {'MB a second' if by_speed else 'time of a call'}",
        [figures.MeasuredRow(name, marks) for name, marks in rows.items()],
        (lambda tick: f"{tick:,g}") if by_speed else microseconds,
    )


def _mark(series: Series, by_speed: bool) -> figures.Measured:
    values = (series.summary.median, series.summary.low, series.summary.high)
    if by_speed:
        median, high, low = (series.size / value for value in values)
    else:
        median, low, high = values
    text, _ = typical(series.summary, series.size if by_speed else 0)
    return figures.Measured(series.by, median, low, high, text)
