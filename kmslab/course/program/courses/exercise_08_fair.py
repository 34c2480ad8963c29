"""08-fair: what a call costs, and how many times another costs that, fairly measured."""

from collections.abc import Callable
from statistics import median

Call = Callable[[], object]
Clock = Callable[[], float]


def cost(call: Call, clock: Clock) -> float:
    call()
    return median(_sample(call, clock) for _ in range(15))


def ratio(one: Call, other: Call, clock: Clock) -> float:
    one(), other()
    pairs = [(_sample(one, clock), _sample(other, clock)) for _ in range(15)]
    return median(second / first for first, second in pairs)


def _sample(call: Call, clock: Clock, calls: int = 1000) -> float:
    began = clock()
    for _ in range(calls):
        call()
    return (clock() - began) / calls
