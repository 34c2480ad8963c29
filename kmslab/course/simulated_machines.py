"""Simulated machines with known times, each with a fault by which a benchmark goes wrong.

A call moves the machine's own clock and does nothing else. So a benchmark that takes an hour there
is over at once, and gives the same result each time.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

CLOCK_READING = 1e-6  # seconds that it takes to read the clock
SLOWDOWN = 1.6  # a call's time is multiplied by this while the other program runs
BUSY_UNTIL = 1.25  # the other program runs from the 4th call to the 5th, the 16th to the 20th, …
HEATING_POWER = 0.15  # a call's time grows as this power of how many there have been


@dataclass(slots=True)
class SimulatedMachine:
    """`call` is a program that takes `cost` seconds on this machine; `clock()` gives its time."""

    name: str
    cost: float  # seconds, what a fair benchmark finds
    loading: float = 0  # seconds more for the first call
    tick: float = 0  # seconds; between two ticks the clock's reading does not change
    shared: bool = False  # with another program
    heating: bool = False
    now: float = 0
    calls: int = 0
    clock_readings: int = 0
    stretches: list[float] = field(default_factory=list)  # a program's cost, each time it changes
    _busy_from: int = 1  # the call at which the other program starts, or started last

    def call(self) -> None:
        self.program(self.cost)()

    def program(self, cost: float) -> Callable[[], None]:
        """Another program for this machine, which takes `cost` seconds."""

        def call() -> None:
            self.calls += 1
            if self.stretches[-1:] != [cost]:
                self.stretches.append(cost)
            self.now += cost * self._slowdown()
            if self.calls == 1:
                self.now += self.loading

        return call

    def clock(self) -> float:
        self.clock_readings += 1
        self.now += CLOCK_READING
        return self.now // self.tick * self.tick if self.tick else self.now

    def _slowdown(self) -> float:
        if self.heating:
            return float(self.calls**HEATING_POWER)
        if self.shared:
            if self.calls >= 4 * self._busy_from:
                self._busy_from *= 4
            return SLOWDOWN if self.calls < BUSY_UNTIL * self._busy_from else 1
        return 1


def machines(work: float = 1) -> list[SimulatedMachine]:
    """Four new machines, each with its fault in its name. `work` multiplies what a call costs."""
    return [
        SimulatedMachine("quiet", cost=work * 0.002),
        SimulatedMachine("loads at the first call", cost=work * 0.002, loading=0.5),
        SimulatedMachine("its clock ticks seldom", cost=work * 0.00025, tick=1 / 64),
        SimulatedMachine("another program runs too", cost=work * 0.002, shared=True),
    ]


def heating_machine() -> SimulatedMachine:
    """A machine that gets slower the longer it works."""
    return SimulatedMachine("gets hot", cost=0.002, heating=True)
