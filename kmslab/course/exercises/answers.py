"""Calls the learner's functions for a check, and turns what goes wrong into a message.

Three kinds of unfinished answers get messages of their own: no function has a body yet, only some
have one, or a function does not return anything.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from inspect import Parameter, signature
from types import MappingProxyType
from typing import Any

from kmslab.course.messages import listed
from kmslab.kms.contract.errors import KMSError

Function = Callable[..., Any]  # a learner's
NOT_A_VERDICT = "`{}` should give back `True` or `False`, and it gave back {!r}."
NO_MEANINGS: Mapping[type[Exception], str] = MappingProxyType({})


class NotWritten(Exception):
    """A function still has no body, so there is nothing to check; the text says which."""


class Wrong(Exception):
    """The check found something wrong; the text says what, and why that matters."""


def require_bodies(functions: Sequence[Function], *arguments: Any) -> None:
    """Raise NotWritten unless each function has a body.

    Calls each with the same arguments, or with the first of them if it takes fewer.
    """
    missing = [function.__name__ for function in functions if not _has_body(function, arguments)]
    written = [function.__name__ for function in functions if function.__name__ not in missing]
    if missing and written:
        raise NotWritten(f"Half written: {_these(written)} there, {_these(missing)} not yet.")
    if missing:
        raise NotWritten(
            f"Not written yet: put a body in place of the `raise` in {listed(missing)}."
        )


def result_of(
    function: Function,
    *arguments: Any,
    may_fail: bool = False,
    meanings: Mapping[type[Exception], str] = NO_MEANINGS,
) -> Any:
    """What the function returns. With `may_fail`, None if it raises.

    Otherwise an exception, or None as the result, becomes `Wrong`. `meanings` says what an
    exception means in this exercise, where the exception's own text would not help.
    """
    try:
        result = function(*arguments)
    except Exception as error:
        if may_fail:
            return None
        raise Wrong(meanings.get(type(error)) or _failure(function, error)) from error
    if result is None and not may_fail:
        raise Wrong(f"`{function.__name__}` gives nothing back. Did you forget `return`?")
    return result


def true_or_false(answer: Any, function: Function) -> bool:
    if not isinstance(answer, bool):
        raise Wrong(NOT_A_VERDICT.format(function.__name__, answer))
    return answer


def error_of(function: Function, *arguments: Any) -> Exception | None:
    """The exception that the function raises, or None if it returns, whatever it returns."""
    try:
        function(*arguments)
    except Exception as error:
        return error
    return None


def _these(names: Sequence[str]) -> str:
    return f"{listed(names)} {'are' if len(names) > 1 else 'is'}"


def _has_body(function: Function, arguments: tuple[Any, ...]) -> bool:
    try:
        function(*arguments[: _number_of_parameters(function)])
    except NotImplementedError:
        return False
    except Exception:
        return True  # there is a body, and it failed with these arguments
    return True


def _number_of_parameters(function: Function) -> int | None:
    """None if it takes any number, or if Python does not know."""
    try:
        parameters = signature(function).parameters.values()
    except (TypeError, ValueError):
        return None
    if any(each.kind is Parameter.VAR_POSITIONAL for each in parameters):
        return None
    return len(parameters)


def _failure(function: Function, error: Exception) -> str:
    kind = "was refused" if isinstance(error, KMSError) else "stopped"
    text = f": {_verbatim(str(error))}" if str(error) else ""
    return f"`{function.__name__}` {kind} with `{type(error).__name__}`{text}"


def _verbatim(text: str) -> str:
    """As code, where Markdown would take characters such as `__init__`'s for its own."""
    return f"`{text}`" if re.search(r"__|[*<]", text) and "`" not in text else text
