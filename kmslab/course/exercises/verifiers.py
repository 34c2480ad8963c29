"""Calls a learner's function that says True or False to a report, where nobody can call the KMS."""

from collections.abc import Sequence
from contextlib import suppress
from functools import wraps
from secrets import randbelow
from typing import Any

from kmslab.course.exercises.answers import Function, Wrong, result_of
from kmslab.course.exercises.forgeries import Paper
from kmslab.course.exercises.recording import recorded
from kmslab.lab.view import View

Trial = tuple[Function, Paper]  # what is called, and with what

KMS_CALLED = (
    "`{}` called `{}`, and in Busan nobody can call the KMS. A public key and a library are enough."
)
GENUINE_REFUSED = "`{}` says no to {}."
FIRST_REFUSED = (
    "`{}` says no to a genuine report. (Does it give back what a library's `verify` gave? "
    "PyCryptodome's gives back False when all is well.)"
)
LATER_REFUSED = (
    "`{}` says no to a genuine report that it had not met before. The first ones it accepted, and "
    "between them it was given forged ones."
)
NONE_FOR_GENUINE = (
    "`{}` gives nothing back. Did you forget `return`? (`verify_in_busan` says nothing when the "
    "signature fits, so to give back what it gives back is to give back nothing.)"
)
RAISES_AT_FORGERY = (
    "{}, and `{}` raised `{}`. There will be others: catch that error and give back False."
)
NOT_A_BOOL = "`{}` should give back True or False, and it gave back {!r}."
SAYS_YES = "{}, and `{}` says True."


def check_accepts(lab: View, says: Function, paper: Paper, no: str = "") -> None:
    with recorded(lab) as calls:
        try:
            (answer,) = result_of(_boxed(says), paper.public, paper.report, paper.signature)
        except Wrong:
            _need_no_call(says, calls.operations)  # it says more than the refusal of that call
            raise
    _need_no_call(says, calls.operations)
    if answer is None:
        raise Wrong(NONE_FOR_GENUINE.format(says.__name__))
    if not _checked_bool(says, answer):
        raise Wrong(no or FIRST_REFUSED.format(says.__name__))


def check_refuses(lab: View, says: Function, paper: Paper) -> None:
    with recorded(lab) as calls:
        try:
            answer = says(paper.public, paper.report, paper.signature)
        except Exception as error:
            _need_no_call(says, calls.operations)
            names = (paper.what, says.__name__, type(error).__name__)
            raise Wrong(RAISES_AT_FORGERY.format(*names)) from error
    _need_no_call(says, calls.operations)
    if _checked_bool(says, answer):
        raise Wrong(SAYS_YES.format(paper.what, says.__name__))


def check_in_any_order(lab: View, forged: Sequence[Trial], genuine: Sequence[Trial]) -> None:
    """The genuine ones come at places of chance, so that a program which counts calls fails."""
    trials = [(trial, check_refuses) for trial in forged]
    for trial in genuine:
        trials.insert(randbelow(len(trials) + 1), (trial, _check_accepts_later))
    for (says, paper), check in trials:
        check(lab, says, paper)


def check_not_accepted(lab: View, says: Function, paper: Paper) -> None:
    """An exception is a good answer here too."""
    answer = None
    with suppress(Exception):
        answer = says(paper.public, paper.report, paper.signature)
    if answer:
        raise Wrong(SAYS_YES.format(paper.what, says.__name__))


def _check_accepts_later(lab: View, says: Function, paper: Paper) -> None:
    check_accepts(lab, says, paper, LATER_REFUSED.format(says.__name__))


def _boxed(says: Function) -> Function:
    """Its answer in a tuple, so that `result_of` does not take None for a missing answer."""

    @wraps(says)
    def boxed(*arguments: Any) -> tuple[Any]:
        return (says(*arguments),)

    return boxed


def _need_no_call(says: Function, operations: list[str]) -> None:
    if operations:
        raise Wrong(KMS_CALLED.format(says.__name__, operations[0]))


def _checked_bool(says: Function, answer: Any) -> bool:
    if isinstance(answer, bool):
        return answer
    raise Wrong(NOT_A_BOOL.format(says.__name__, answer))
