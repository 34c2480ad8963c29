"""What a benchmark states: the programs to measure, and which other one each is compared with.

A benchmark is a short module that makes its programs and returns them as a `Plan`. How they are
measured, compared, stored and shown is the same for all of them.
"""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field

from kmslab.bench.machine import Software

Call = Callable[[], object]
Clock = Callable[[], float]  # seconds; only differences mean something
Facts = Mapping[str, str | int]  # about one subject, by heading: a size, a source, a reason


def name_of(by: str, subject: str, operation: str) -> str:
    return " ".join(filter(None, (by, subject, operation)))


@dataclass(frozen=True, slots=True, eq=False)
class Program:
    """A program to measure, such as wrap by AES-KW in cryptography.

    A sample is the time that passed on `clock` during a batch, divided by the number of calls.
    """

    by: str  # the library or program that does the work
    subject: str  # what the work is: a row of the table
    operation: str  # a column of the table
    call: Call
    against: "Program | None" = None  # what it is compared with, in each round
    share: bool = False  # compared by speed: 0.9 is nearly as fast. Else by time: 18 times as long
    size: int = 0  # bytes that one call works on, to show MB a second; 0 to show the time
    calls: int = 1  # how many calls `call` makes
    rounds: int = 0  # samples; 0 for as many as the effort asks for
    steady: bool = True  # False if the work varies by chance: making an RSA key is a search
    clock: Clock = time.perf_counter  # or time.process_time, or another process's CPU time

    def __post_init__(self) -> None:
        if self.against and self.against.rounds != self.rounds:
            raise ValueError(f"{self.name} and {self.against.name} have not the same rounds")

    @property
    def name(self) -> str:
        return name_of(self.by, self.subject, self.operation)


Row = tuple[str, str, Mapping[str, Call]]  # by, subject, and a call for each operation


def beside(reference: str, rows: Sequence[Row]) -> Iterator[Program]:
    """A program for each call, compared with the reference's by the same library.

    `reference` is a subject. What a library without it does is compared with the first library's.
    """
    references = {
        by: {
            operation: Program(by, reference, operation, call) for operation, call in calls.items()
        }
        for by, subject, calls in rows
        if subject == reference
    }
    first = next(iter(references.values()))
    for by, subject, calls in rows:
        own = references.get(by, first)
        if subject == reference:
            yield from own.values()
        else:
            for operation, call in calls.items():
                yield Program(by, subject, operation, call, own.get(operation))


@dataclass(frozen=True, slots=True)
class Outside:
    """What another program measured and said of itself: no samples, so no interval."""

    by: str
    subject: str
    operation: str
    microseconds: float  # a call
    size: int = 0  # bytes that a call works on


class Absent(Exception):
    """Another program is not here. The text is a sentence that says how to get it."""


@dataclass(frozen=True, slots=True)
class Plan:
    """The programs, ready to run, and what there is to say about them."""

    programs: Sequence[Program]
    facts: Mapping[str, Facts] = field(default_factory=dict)  # by subject
    absent: Mapping[str, str] = field(default_factory=dict)  # what is not measured, and why
    software: Sequence[Software] = ()  # besides kmslab and cryptography
    outside: Sequence[Outside] = ()


@dataclass(frozen=True, slots=True)
class Effort:
    rounds: int  # samples of each program
    batch_seconds: float  # a sample lasts as long at least
    size: int = 0  # bytes of data, or keys, if the benchmark has several sizes
    quick: bool = False


@dataclass(frozen=True, slots=True)
class Benchmark:
    """`prepare` makes the programs. What has to be closed afterwards goes on the stack."""

    name: str
    prepare: Callable[[Effort, ExitStack], Plan]
    full: Effort
    quick: Effort  # some seconds, for a first look
