"""Results of benchmarks, from one program and from many with the longest names."""

from functools import cache

from kmslab.display import microseconds
from kmslab.figures import Measured, MeasuredRow, Picture, intervals


@cache
def one_program() -> Picture:
    return intervals("a", [MeasuredRow("a", [Measured("b", 1.0, 1.0, 1.0, "1 µs")])], microseconds)


@cache
def many_programs() -> Picture:
    """From nanoseconds to minutes, by nine programs with names that have no room."""
    rows = [
        MeasuredRow(
            "W" * 40,
            [
                Measured(f"{number} {'W' * 30}", time, time / 2, time * 3, microseconds(time))
                for number in range(9)
                for time in [0.01 * 4.0 ** (row + number)]
            ],
        )
        for row in range(12)
    ]
    return intervals("W" * 60, rows, microseconds)


DRAWINGS = [one_program, many_programs]
