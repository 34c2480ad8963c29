"""Pictures of what was timed, each from its smallest and its largest object."""

import random
from functools import cache

from kmslab.figures import Cloud, Mark, Picture, Timings, searches, times, wings

ONE = Timings("a", (Cloud("wrap", [1.0, 1.0]),), 1)


def scattered(middle: float, samples: int = 100) -> list[float]:
    draw = random.Random(samples)
    return [middle * draw.lognormvariate(0, 1) for _ in range(samples)]


@cache
def one_time() -> Picture:
    return times("a", [ONE])


@cache
def many_times() -> Picture:
    """From nanoseconds to minutes, the longest names, and a mark at either end."""
    rows = [
        Timings(
            f"{'W' * 12} {number}",
            (
                Cloud("unwrap", scattered(0.01 * 11**number)),
                Cloud("unwrap", scattered(0.0999 * 11**number)),
            ),
        )
        for number in range(9)
    ]
    return times("W" * 14, rows, Mark("there and back", 0.2), Mark("a cup of coffee", 5e7))


@cache
def one_wing() -> Picture:
    return wings("a", [ONE])


@cache
def many_wings() -> Picture:
    rows = [
        Timings(
            "W" * 14,
            (Cloud("wrap", [0.01 * 11**number]), Cloud("unwrap", [0.02 * 9**number])),
            40 * 2**number,
        )
        for number in range(12)
    ]
    return wings("W" * 12, rows)


@cache
def one_search() -> Picture:
    return searches("a", [ONE])


@cache
def many_searches() -> Picture:
    rows = [Timings("W" * 12, (Cloud("generate", scattered(10.0**n)),)) for n in range(6)]
    return searches("W" * 40, rows)


DRAWINGS = [one_time, many_times, one_wing, many_wings, one_search, many_searches]
