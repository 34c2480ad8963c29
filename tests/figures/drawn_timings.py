"""Pictures of measured times, each from its smallest and its largest object."""

import random
from functools import cache

from kmslab.figures import (
    OperationTimes,
    Picture,
    ReferenceTime,
    TimingRow,
    sizes_and_times,
    times,
    times_with_means,
)

ONE = TimingRow("a", (OperationTimes("wrap", [1.0, 1.0]),), 1)


def scattered(middle: float, samples: int = 100) -> list[float]:
    draw = random.Random(samples)
    return [middle * draw.lognormvariate(0, 1) for _ in range(samples)]


@cache
def one_time() -> Picture:
    return times("a", [ONE])


@cache
def many_times() -> Picture:
    """From nanoseconds to minutes, the longest names, and a reference time at either end."""
    rows = [
        TimingRow(
            f"{'W' * 12} {number}",
            (
                OperationTimes("unwrap", scattered(0.01 * 11**number)),
                OperationTimes("unwrap", scattered(0.0999 * 11**number)),
            ),
        )
        for number in range(9)
    ]
    return times(
        "W" * 14, rows, ReferenceTime("there and back", 0.2), ReferenceTime("a cup of coffee", 5e7)
    )


@cache
def one_size() -> Picture:
    return sizes_and_times("a", [ONE])


@cache
def many_sizes() -> Picture:
    rows = [
        TimingRow(
            "W" * 14,
            (
                OperationTimes("wrap", [0.01 * 11**number]),
                OperationTimes("unwrap", [0.02 * 9**number]),
            ),
            40 * 2**number,
        )
        for number in range(12)
    ]
    return sizes_and_times("W" * 12, rows)


@cache
def one_varying_time() -> Picture:
    return times_with_means("a", [ONE])


@cache
def many_varying_times() -> Picture:
    rows = [
        TimingRow("W" * 12, (OperationTimes("generate", scattered(10.0**n)),)) for n in range(6)
    ]
    return times_with_means("W" * 40, rows)


DRAWINGS = [one_time, many_times, one_size, many_sizes, one_varying_time, many_varying_times]
