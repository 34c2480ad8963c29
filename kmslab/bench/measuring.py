"""How to measure fairly: everything in turn, in batches long enough for the clock, after a warm-up.

Each round takes one batch of everything, in an order drawn anew, so that a machine that slows
down, or somebody else's program, meets all alike. Every sample is kept, the slow ones too.
"""

import gc
import random
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

Call = Callable[[], object]
TRIALS = 2  # of a batch's size: one that was disturbed looks long enough
Clock = Callable[[], float]  # seconds; only differences mean something


@dataclass(slots=True)
class Timed:
    """One thing to measure, and what was measured: microseconds a call, one sample a batch."""

    call: Call
    rounds: int  # how many samples are wanted
    batch: int = 0  # calls a sample, as many as the clock needs
    samples: list[float] = field(default_factory=list)


def measure(
    things: Sequence[Timed], batch_seconds: float, clock: Clock = time.perf_counter
) -> None:
    """Fill in batch sizes and samples. A batch lasts `batch_seconds` or a single call."""
    rounds = max(thing.rounds for thing in things)
    for thing in things:
        thing.batch = calibrate(thing.call, batch_seconds, clock)
    gc.collect()
    for number in range(rounds):
        due = [thing for thing in things if _is_due(thing, number, rounds)]
        random.shuffle(due)
        with _no_collection():
            for thing in due:
                seconds = _batch(thing.call, thing.batch, clock)
                thing.samples.append(seconds / thing.batch * 1e6)


def calibrate(call: Call, least: float, clock: Clock) -> int:
    """How many calls last `least` seconds. It is a warm-up too: the first call loads and caches."""
    calls = 1
    _batch(call, calls, clock)
    while min(_batch(call, calls, clock) for _ in range(TRIALS)) < least:
        calls *= 2
    return calls


def _is_due(thing: Timed, number: int, rounds: int) -> bool:
    """Fewer samples than rounds are spread over all of them."""
    return number * thing.rounds // rounds != (number + 1) * thing.rounds // rounds


def _batch(call: Call, calls: int, clock: Clock) -> float:
    began = clock()
    for _ in range(calls):
        call()
    return clock() - began


@contextmanager
def _no_collection() -> Iterator[None]:
    """Python's garbage collector would charge one thing for another's litter."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()
