"""Machines on which a benchmark goes wrong, each in a way of its own; what is true there is known.

They are played: a call moves the machine's own clock and nothing else. So a benchmark that takes an
hour there is over at once, and says the same each time.
"""

from collections.abc import Callable
from dataclasses import dataclass

LOOK = 1e-6  # seconds that a look at the clock takes
SLOWER = 1.6  # times, while another program runs
SHARE = 1.25  # another program runs from the 4th call to the 5th, the 16th to the 20th, …
HEAT = 0.15  # a call's time grows as this power of how many there have been


@dataclass(slots=True)
class Machine:
    """`call` is a program that takes `cost` seconds on this machine; `clock()` gives its time."""

    name: str
    cost: float  # seconds, what a fair benchmark finds
    loading: float = 0  # seconds more for the first call
    tick: float = 0  # seconds; the clock shows nothing between two ticks
    shared: bool = False  # with another program
    heating: bool = False
    now: float = 0
    calls: int = 0
    looks: int = 0
    _busy: int = 1  # the call at which the other program starts, or started last

    def call(self) -> None:
        self.program(self.cost)()

    def program(self, cost: float) -> Callable[[], None]:
        """Another program for this machine, that takes so many seconds."""

        def call() -> None:
            self.calls += 1
            self.now += cost * self._slowness()
            if self.calls == 1:
                self.now += self.loading

        return call

    def clock(self) -> float:
        self.looks += 1
        self.now += LOOK
        return self.now // self.tick * self.tick if self.tick else self.now

    def _slowness(self) -> float:
        if self.heating:
            return float(self.calls**HEAT)
        if self.shared:
            self._busy = 4 * self._busy if self.calls >= 4 * self._busy else self._busy
            return SLOWER if self.calls < SHARE * self._busy else 1
        return 1


def machines() -> list[Machine]:
    """Fresh ones, each with its fault in its name."""
    return [
        Machine("quiet", cost=0.002),
        Machine("loads at the first call", cost=0.002, loading=0.5),
        Machine("its clock ticks seldom", cost=0.00025, tick=1 / 64),
        Machine("another program runs too", cost=0.002, shared=True),
    ]


def hot() -> Machine:
    """It gets slower the longer it works."""
    return Machine("gets hot", cost=0.002, heating=True)
