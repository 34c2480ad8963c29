"""The course's own version of each exercise's functions, a module an exercise.

`exercise_02_envelope.py` belongs to `02-envelope`. Its public functions are the exercise's, in the
order in which `check` takes them, and they pass the check. They stand in for what a learner has not
written yet: `from kmslab.course.program.courses import seal` finds one, whatever its module.
"""

from collections.abc import Callable, Mapping
from functools import cache
from importlib import import_module
from inspect import isfunction
from pkgutil import iter_modules
from types import MappingProxyType
from typing import Any

Function = Callable[..., Any]
PREFIX = "exercise_"


@cache
def by_exercise() -> Mapping[str, Mapping[str, Function]]:
    """For each exercise that has such a module its functions by name, in the check's order."""
    found = {}
    for entry in iter_modules(__path__):
        module = import_module(f"{__name__}.{entry.name}")
        exercise = entry.name.removeprefix(PREFIX).replace("_", "-")
        found[exercise] = {
            name: value
            for name, value in vars(module).items()
            if isfunction(value) and value.__module__ == module.__name__ and name[0] != "_"
        }
    return MappingProxyType(found)


@cache
def by_name() -> Mapping[str, Function]:
    """The functions of all exercises."""
    found: dict[str, Function] = {}
    for functions in by_exercise().values():
        found |= functions
    return MappingProxyType(found)


def __getattr__(name: str) -> Any:
    if name.startswith(("_", PREFIX)) or name not in by_name():
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return by_name()[name]
