"""A world in which a program that starts again makes the same key, unless it draws a real one.

The clock stands, Python's `random` begins at one start, and what the operating system draws in
small pieces is zero until 15 bytes have been drawn. A program that is restarted in it twice and
asks for one key twice gets two only by enough of the system's randomness.
"""

import datetime as dates
import os
import random
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any
from unittest.mock import patch

from kmslab.course.exercises.answers import Function
from kmslab.course.exercises.restarting import restarted

START = 20260105  # of Python's `random`
NOW = 1_767_600_000  # seconds since 1970: on that day
ENOUGH = 16  # bytes: what AES-128 takes, and nobody tries out
CLOCKS = ("time", "monotonic", "perf_counter", "process_time", "thread_time")


@contextmanager
def started_again(functions: Sequence[Function]) -> Iterator[list[Function]]:
    """The functions as `restarted` gives them, in that world; the world goes on afterwards."""
    before = random.getstate()
    with ExitStack() as world:
        for name in CLOCKS:
            world.enter_context(patch.object(time, name, lambda: float(NOW)))
            world.enter_context(patch.object(time, f"{name}_ns", lambda: NOW * 10**9))
        world.enter_context(patch.object(dates, "datetime", _Still))
        for module, name in ((os, "urandom"), (random, "_urandom")):
            world.enter_context(patch.object(module, name, _sparing()))
        random.seed(START)
        try:
            yield restarted(functions)
        finally:
            random.setstate(before)


class _Still(dates.datetime):
    @classmethod
    def now(cls, tz: dates.tzinfo | None = None) -> "_Still":
        return cls.fromtimestamp(NOW, tz)


def _sparing() -> Any:
    """The system's randomness; of small pieces of one size, the first 15 bytes are zero.

    So 32 bytes drawn one by one are still random, and two bytes that become a key are not.
    """
    drawn: Counter[int] = Counter()

    def urandom(size: int, /) -> bytes:
        drawn[size] += size
        return bytes(size) if drawn[size] < ENOUGH else real(size)

    real = os.urandom
    return urandom
