"""One claim about many cases, in one test that names the cases which fail.

A test of its own costs pytest some milliseconds before it does anything, so thousands of cheap
cases share one. What costs more, or is to be run alone, stays with `pytest.mark.parametrize`.
"""

import inspect
from collections.abc import Callable, Iterable
from functools import wraps
from typing import Any

import pytest

Test = Callable[..., None]
DEPTHS = pytest.mark.parametrize("depth", ["quick", pytest.param("long", marks=pytest.mark.long)])
SHOWN = 20  # failing cases that are listed; the rest are counted


def _label(value: Any) -> str:
    """A backend's name, a class's or a function's, or else the value."""
    return str(getattr(value, "NAME", getattr(value, "__name__", value)))


def for_every(
    names: str | tuple[str, ...],
    cases: Iterable[Any],
    ids: Callable[[Any], str] | Iterable[str] = _label,
    long: Callable[..., bool] = lambda *_: False,
) -> Callable[[Test], Test]:
    """Like `pytest.mark.parametrize`, but the cases share the test and its fixtures.

    The test runs for every case, even after one has failed; put it above `given`. Cases that are
    `long` run in a long test beside the quick one.
    """
    wanted = (names,) if isinstance(names, str) else names
    values = [(case,) if len(wanted) == 1 else tuple(case) for case in cases]
    labels = ["-".join(map(ids, each)) for each in values] if callable(ids) else list(ids)
    named = list(zip(labels, values, strict=True))
    depths = {
        depth: [each for each in named if long(*each[1]) is (depth == "long")]
        for depth in ("quick", "long")
    }
    assert depths["quick"], f"no case for {names}"

    def decorate(test: Test) -> Test:
        @wraps(test)
        def every(depth: str = "quick", **fixtures: Any) -> None:
            failed = []
            for label, case in depths[depth]:
                try:
                    test(**fixtures, **dict(zip(wanted, case, strict=True)))
                except (Exception, pytest.fail.Exception) as error:
                    failed.append((label, error))
            if failed:
                raise AssertionError(_report(failed, len(depths[depth]))) from failed[0][1]

        asked = inspect.signature(test)
        left = [each for name, each in asked.parameters.items() if name not in wanted]
        if depths["long"]:
            left.append(inspect.Parameter("depth", inspect.Parameter.POSITIONAL_OR_KEYWORD))
        every.__signature__ = asked.replace(parameters=left)
        return DEPTHS(every) if depths["long"] else every

    return decorate


def _report(failed: list[tuple[str, BaseException]], count: int) -> str:
    lines = [f"  {label}: {_first_line(error)}" for label, error in failed]
    more = [f"  … and {len(lines) - SHOWN} more"] if len(lines) > SHOWN else []
    return "\n".join([f"{len(failed)} of {count} cases fail:", *lines[:SHOWN], *more])


def _first_line(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}".splitlines()[0]
