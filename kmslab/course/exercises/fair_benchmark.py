"""Exercise 08-fair: a benchmark that finds the known truth on machines that mislead."""

from functools import wraps
from numbers import Real
from random import SystemRandom
from typing import Any

from kmslab.course.clinic.clinic import Clinic
from kmslab.course.exercises.answers import Function, Wrong, require_bodies, result_of
from kmslab.course.simulated_machines import SimulatedMachine, heating_machine, machines

TOLERANCE = 0.04  # as a share of the true value
RATIOS = (3.0, 0.4)  # the second program's time divided by the first's
OTHER_WORK = 2  # the check's other machines take so many times as long as those in the lesson
RANDOM = SystemRandom()  # for times that no program can have been written for
FEW_STRETCHES = 4  # no more than two for warming up, and two for measuring

NOT_A_NUMBER = "`{}` should give back a number, and it gave back {!r}."
CLOCK_NOT_READ = (
    "`{}` never looked at the clock that it was given. Time is an argument here, so that a machine "
    "can be simulated whose time is known. Call `clock()`."
)
NOTHING_CALLED = "`{}` looked at the clock and never made the call."
NEVER_CALLED = "`ratio` never called the {} program."
TOTAL_NOT_COST = (
    "`cost` says {found} for a call that takes {true}: that is all the calls together. By how many "
    "must it be divided?"
)
MISLED_BY = {
    "quiet": (
        "On a quiet machine `cost` says {found} for a call that takes {true}. It should give back "
        "the seconds that one call takes on the machine at hand."
    ),
    "loads at the first call": (
        "This machine loads the program at the first call. `cost` says {found} where a call takes "
        "{true}: the loading is in that number. A program that wraps many keys loads once, so call "
        "once before the clock runs."
    ),
    "its clock ticks seldom": (
        "This machine's clock ticks 64 times a second, and `cost` says {found} for a call that "
        "takes {true}. Between two looks at the clock there must be so many calls that one tick "
        "more or less is no matter."
    ),
    "another program runs too": (
        "On this machine another program runs now and then. `cost` says {found} where a call takes "
        "{true}: the other program is in it. Take many samples, each short enough to fall "
        "between, and then not their mean."
    ),
}
INVERTED_RATIO = (
    "`ratio` says {found:.3g}, and the second program takes {true:.3g} times as long as the first. "
    "It is upside down."
)
WRONG_RATIO = (
    "`ratio` says {found:.3g} on a quiet machine, where the second program takes {true:.3g} times "
    "as long as the first."
)
NOT_ALTERNATING = (
    "This machine gets hot, and slower the longer it works. `ratio` says {found:.3g} where "
    "{true:.3g} is true. It ran first one program and then the other, and the later one met a "
    "slower machine. Let them take turns, so that both meet the same one."
)
UNEVEN_TURNS = (
    "This machine gets hot, and slower the longer it works. `ratio` says {found:.3g} where "
    "{true:.3g} is true. The programs took turns, {turns} of them, and still the times that were "
    "divided come from a cooler and a hotter machine: in the first turns it warms up fastest. Take "
    "more turns, or let the other program begin in every second pair, and compare the times of "
    "one pair with each other."
)


def check_fair(clinic: Clinic, cost: Function, ratio: Function) -> str:
    require_bodies([_with_arguments(cost, 1), _with_arguments(ratio, 2)])
    for machine in [*machines(), *machines(OTHER_WORK), *machines(RANDOM.choice((3, 5, 7)))]:
        found = _number(cost, machine, machine.call)
        if not _near(found, machine.cost):
            together = machine.name == "quiet" and _near(found, machine.cost * machine.calls)
            why = TOTAL_NOT_COST if together else MISLED_BY[machine.name]
            raise Wrong(why.format(found=_time(found), true=_time(machine.cost)))
    for true in RATIOS:
        _check_ratio(ratio, machines()[0], true)
    for true in (*RATIOS, RANDOM.choice((1, 2, 5, 7)) + RANDOM.choice((0.25, 0.75))):
        _check_ratio(ratio, heating_machine(), true)
    return (
        "One machine loaded, one had a slow clock, one ran something else and one grew hot, and "
        "each time you found what is true. Somebody who doubts your number can read how it was "
        "taken."
    )


def _check_ratio(ratio: Function, machine: SimulatedMachine, true: float) -> None:
    other = machine.program(true * machine.cost)
    found = _number(ratio, machine, machine.call, other)
    for place, cost in (("first", machine.cost), ("second", true * machine.cost)):
        if cost not in machine.stretches:
            raise Wrong(NEVER_CALLED.format(place))
    if _near(found, true):
        return
    turns = len(machine.stretches)
    why = WRONG_RATIO
    if _near(found, 1 / true):
        why = INVERTED_RATIO
    elif machine.heating:
        why = UNEVEN_TURNS if turns > FEW_STRETCHES else NOT_ALTERNATING
    raise Wrong(why.format(found=found, true=true, turns=turns))


def _with_arguments(function: Function, programs: int) -> Function:
    """The function with its arguments filled in, so that both are called without any."""

    @wraps(function)
    def filled_in() -> Any:
        machine = machines()[0]
        return function(*[machine.call] * programs, machine.clock)

    return filled_in


def _number(function: Function, machine: SimulatedMachine, *programs: Any) -> float:
    found = result_of(function, *map(_plain, programs), _plain(machine.clock))
    name = function.__name__
    if isinstance(found, bool) or not isinstance(found, Real):
        raise Wrong(NOT_A_NUMBER.format(name, found))
    if not machine.clock_readings:
        raise Wrong(CLOCK_NOT_READ.format(name))
    if not machine.calls:
        raise Wrong(NOTHING_CALLED.format(name))
    return float(found)


def _plain(method: Function) -> Function:
    """A function that leads nowhere: a method would lead to its machine, and so to the truth."""
    return lambda: method()


def _near(found: float, true: float) -> bool:
    return abs(found - true) <= TOLERANCE * true


def _time(seconds: float) -> str:
    return f"{float(f'{seconds * 1e3:.3g}'):,g} ms"
