"""Mend a benchmark: on machines that mislead, what it says must be what is known to be true."""

from functools import wraps
from typing import Any

from kmslab.course.clinic.clinic import Clinic
from kmslab.course.exercises.answers import Answer, Wrong, ask, need_written
from kmslab.course.simulated_machines import Machine, hot, machines

NEAR = 0.04  # of what is true
TIMES = 3.0  # the second program takes so many times as long as the first

NO_NUMBER = "`{}` should give back a number, and it gave back {!r}."
NO_LOOK = (
    "`{}` never looked at the clock that it was given. Time is an argument here, so that a machine "
    "can be simulated whose time is known. Call `clock()`."
)
NO_CALL = "`{}` looked at the clock and never made the call."
SUM = (
    "`cost` says {said} for a call that takes {true}: that is all the calls together. By how many "
    "must it be divided?"
)
WHY = {
    "quiet": (
        "On a quiet machine `cost` says {said} for a call that takes {true}. What it gives back "
        "are seconds, of a single call."
    ),
    "loads at the first call": (
        "This machine loads the program at the first call. `cost` says {said} where a call takes "
        "{true}: you timed the loading too. Whoever wraps many keys loads once, so call once "
        "before the clock runs."
    ),
    "its clock ticks seldom": (
        "This machine's clock ticks 64 times a second, and `cost` says {said} for a call that "
        "takes {true}. Between two looks at the clock there must be so many calls that one tick "
        "more or less is no matter."
    ),
    "another program runs too": (
        "On this machine another program runs now and then. `cost` says {said} where a call takes "
        "{true}: the other program is in it. Take many samples, each short enough to fall "
        "between, and then not their mean."
    ),
}
UPSIDE_DOWN = (
    "`ratio` says {said:.3g}, and the second program takes {true:.3g} times as long as the first. "
    "It is upside down."
)
NO_RATIO = (
    "`ratio` says {said:.3g} on a quiet machine, where the second program takes {true:.3g} times "
    "as long as the first."
)
ONE_AFTER_THE_OTHER = (
    "This machine gets hot, and slower the longer it works. `ratio` says {said:.3g} where "
    "{true:.3g} is true: whichever you timed later met a slower machine. Let them take turns, so "
    "that both meet the same one."
)


def fair(clinic: Clinic, cost: Answer, ratio: Answer) -> str:
    need_written([_without_arguments(cost, 1), _without_arguments(ratio, 2)])
    for machine in machines():
        said = _number(cost, machine, machine.call)
        if not _near(said, machine.cost):
            together = machine.name == "quiet" and _near(said, machine.cost * machine.calls)
            why = SUM if together else WHY[machine.name]
            raise Wrong(why.format(said=_time(said), true=_time(machine.cost)))
    _compares(ratio)
    return (
        "One machine loaded, one had a slow clock, one ran something else and one grew hot, and "
        "each time you found what is true. Whoever doubts your number may read how it was taken."
    )


def _compares(ratio: Answer) -> None:
    for machine, otherwise in ((machines()[0], NO_RATIO), (hot(), ONE_AFTER_THE_OTHER)):
        other = machine.program(TIMES * machine.cost)
        said = _number(ratio, machine, machine.call, other)
        if not _near(said, TIMES):
            why = UPSIDE_DOWN if _near(said, 1 / TIMES) else otherwise
            raise Wrong(why.format(said=said, true=TIMES))


def _without_arguments(function: Answer, programs: int) -> Answer:
    """The same function, given what it needs, so that one trial fits both."""

    @wraps(function)
    def tried() -> Any:
        machine = machines()[0]
        return function(*[machine.call] * programs, machine.clock)

    return tried


def _number(function: Answer, machine: Machine, *programs: Any) -> float:
    said = ask(function, *programs, machine.clock)
    name = function.__name__
    if isinstance(said, bool) or not isinstance(said, int | float):
        raise Wrong(NO_NUMBER.format(name, said))
    if not machine.looks:
        raise Wrong(NO_LOOK.format(name))
    if not machine.calls:
        raise Wrong(NO_CALL.format(name))
    return float(said)


def _near(said: float, true: float) -> bool:
    return abs(said - true) <= NEAR * true


def _time(seconds: float) -> str:
    return f"{float(f'{seconds * 1e3:.3g}'):,g} ms"
