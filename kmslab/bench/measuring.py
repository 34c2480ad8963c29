"""How to measure fairly: all in turn, in batches long enough for the clock, after a warm-up.

Each round takes one batch of each program, in an order drawn anew, so that a machine that slows
down, or another program on it, affects all of them alike. What is compared stands side by side in
a round. Every sample is kept, slow ones too.
"""

import gc
import random
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from kmslab.bench.programs import Effort, Program
from kmslab.bench.progress import Progress, counted, silent

TRIALS = 2  # batches of one size; the shorter counts, since a disturbed one takes too long


@dataclass(slots=True)
class Samples:
    """What was measured of one program: microseconds a call, one sample a batch."""

    batch: int = 0  # how often the program ran for a sample
    values: list[float] = field(default_factory=list)


def measure(
    programs: Sequence[Program], effort: Effort, progress: Progress = silent
) -> dict[Program, Samples]:
    """A batch lasts `effort.batch_seconds`, or one run of the program if that is longer."""
    measured = {program: Samples() for program in programs}
    for program in counted(programs, "warming up: program", progress):
        measured[program].batch = calibrate(program, effort.batch_seconds)
    rounds = max(program.rounds or effort.rounds for program in programs)
    gc.collect()
    for number in counted(range(rounds), "measuring: round", progress):
        due = [each for each in programs if _is_due(each.rounds or effort.rounds, number, rounds)]
        with _no_garbage_collection():
            for program in _shuffled(due):
                samples = measured[program]
                seconds = _batch(program, samples.batch)
                samples.values.append(seconds / (samples.batch * program.calls) * 1e6)
    return measured


def calibrate(program: Program, least: float) -> int:
    """How many runs last `least` seconds. It is a warm-up too: the first run loads and caches."""
    runs = 1
    _batch(program, runs)
    while least and min(_batch(program, runs) for _ in range(TRIALS)) < least:
        runs *= 2
    return runs


def _is_due(samples: int, number: int, rounds: int) -> bool:
    """Fewer samples than rounds are spread over all of them."""
    return number * samples // rounds != (number + 1) * samples // rounds


def _shuffled(programs: Sequence[Program]) -> Iterator[Program]:
    """In an order drawn anew, in which programs that are compared follow each other."""
    groups: dict[Program, list[Program]] = {}
    for program in programs:
        groups.setdefault(_origin(program), []).append(program)
    for group in random.sample([*groups.values()], len(groups)):
        yield from random.sample(group, len(group))


def _origin(program: Program) -> Program:
    while program.against:
        program = program.against
    return program


def _batch(program: Program, runs: int) -> float:
    call, clock = program.call, program.clock
    began = clock()
    for _ in range(runs):
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
