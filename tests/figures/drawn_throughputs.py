"""Throughput, from one row and from many of all sizes."""

from functools import cache

from kmslab.figures import Picture, SealingTimes, throughput


@cache
def one_throughput() -> Picture:
    return throughput("sealing", [SealingTimes(1, 1, 300, 300)])


@cache
def many_throughputs() -> Picture:
    rows = [SealingTimes(2**power, 2**power, 5.0**power, 10.0**5 / power) for power in range(1, 33)]
    return throughput("W" * 60, rows[::4] + rows[-1:])


DRAWINGS = [one_throughput, many_throughputs]
