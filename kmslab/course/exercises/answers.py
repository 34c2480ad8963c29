"""What a learner's function did when it was tried; a check never raises, whatever that was.

The three ways of not being finished are told apart: no body yet, a body in one of several
functions, and a body that forgot `return`.
"""

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from kmslab.kms.contract.errors import KMSError

Answer = Callable[..., Any]
NOTHING: Mapping[type[Exception], str] = MappingProxyType({})


class NotYet(Exception):
    """There is nothing to judge so far."""


class Wrong(Exception):
    """It was judged; the text is the first thing that is wrong with it, and why that matters."""


def need_written(functions: Sequence[Answer], *trial: Any) -> None:
    """Try each function with the same arguments, only to see which of them have a body."""
    missing = [function.__name__ for function in functions if not _has_body(function, trial)]
    written = [function.__name__ for function in functions if function.__name__ not in missing]
    if missing and written:
        raise NotYet(f"Half written: {_names(written)} is there, {_names(missing)} is not yet.")
    if missing:
        raise NotYet(f"Not written yet: put a body in place of the `raise` in {_names(missing)}.")


def ask(
    function: Answer,
    *arguments: Any,
    refusal_is_fine: bool = False,
    meaning: Mapping[type[Exception], str] = NOTHING,
) -> Any:
    """What the function gives back. With `refusal_is_fine`, None if it raised a refusal.

    Anything else that it raises, and giving nothing back, is `Wrong`. `meaning` says what an
    exception means in this exercise, where its own words would not help.
    """
    try:
        answer = function(*arguments)
    except Exception as error:
        if refusal_is_fine:
            return None
        raise Wrong(meaning.get(type(error)) or _stumbled(function, error)) from error
    if answer is None and not refusal_is_fine:
        raise Wrong(f"`{function.__name__}` gives nothing back. Did you forget `return`?")
    return answer


def _has_body(function: Answer, trial: tuple[Any, ...]) -> bool:
    try:
        function(*trial)
    except NotImplementedError:
        return False
    except Exception:
        return True  # it has a body, which did not like the trial
    return True


def _stumbled(function: Answer, error: Exception) -> str:
    kind = "was refused" if isinstance(error, KMSError) else "stopped"
    text = f": {error}" if str(error) else ""
    return f"`{function.__name__}` {kind} with `{type(error).__name__}`{text}"


def _names(names: Sequence[str]) -> str:
    return " and ".join(f"`{name}`" for name in names)
