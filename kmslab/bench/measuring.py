"""How to measure fairly: all in turn, in batches long enough for the clock, after a warm-up.

Each round takes one batch of each program, in an order drawn anew, so that a machine that slows
down, or another program on it, affects all of them alike. Every sample is kept, slow ones too.
"""

import gc
import random
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from kmslab.bench.progress import Progress, counted, silent

Call = Callable[[], object]
TRIALS = 2  # batches of one size; the shorter counts, since a disturbed one takes too long
Clock = Callable[[], float]  # seconds; only differences mean something


@dataclass(slots=True)
class Measurement:
    """A call to measure, and what was measured: microseconds a call, one sample a batch."""

    call: Call
    rounds: int  # how many samples are wanted
    batch: int = 0  # calls a sample, as many as the clock needs
    samples: list[float] = field(default_factory=list)


def measure(
    measurements: Sequence[Measurement],
    batch_seconds: float,
    clock: Clock = time.perf_counter,
    progress: Progress = silent,
) -> None:
    """Fill in batch sizes and samples. A batch lasts `batch_seconds` or a single call."""
    rounds = max(each.rounds for each in measurements)
    for each in counted(measurements, "warming up", progress):
        each.batch = calibrate(each.call, batch_seconds, clock)
    gc.collect()
    for number in counted(range(rounds), "measuring, round", progress):
        due = [each for each in measurements if _is_due(each, number, rounds)]
        random.shuffle(due)
        with _no_garbage_collection():
            for each in due:
                seconds = _batch(each.call, each.batch, clock)
                each.samples.append(seconds / each.batch * 1e6)


def calibrate(call: Call, least: float, clock: Clock) -> int:
    """How many calls last `least` seconds. It is a warm-up too: the first call loads and caches."""
    calls = 1
    _batch(call, calls, clock)
    while min(_batch(call, calls, clock) for _ in range(TRIALS)) < least:
        calls *= 2
    return calls


def _is_due(measurement: Measurement, number: int, rounds: int) -> bool:
    """Fewer samples than rounds are spread over all of them."""
    return number * measurement.rounds // rounds != (number + 1) * measurement.rounds // rounds


def _batch(call: Call, calls: int, clock: Clock) -> float:
    began = clock()
    for _ in range(calls):
        call()
    return clock() - began


@contextmanager
def _no_garbage_collection() -> Iterator[None]:
    """Python's garbage collector would add to one sample the time for objects of another."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()
