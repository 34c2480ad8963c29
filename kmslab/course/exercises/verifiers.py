"""Calls a learner's function that says True or False to a report, where nobody can call the KMS."""

from contextlib import suppress
from typing import Any

from kmslab.course.exercises.answers import Function, Wrong, result_of
from kmslab.course.exercises.forgeries import Paper
from kmslab.course.exercises.recording import recorded
from kmslab.lab.view import View

KMS_CALLED = (
    "`{}` called `{}`, and in Busan nobody can call the KMS. A public key and a library are enough."
)
GENUINE_REFUSED = (
    "`{}` says no to {}. (Does it give back what a library's `verify` gave? PyCryptodome's gives "
    "back False when all is well.)"
)
RAISES_AT_FORGERY = (
    "{}, and `{}` raised `{}`. There will be others: catch that error and give back False."
)
NOT_A_BOOL = "`{}` should give back True or False, and it gave back {!r}."
SAYS_YES = "{}, and `{}` says True."


def check_accepts(lab: View, says: Function, paper: Paper, no: str = "") -> None:
    with recorded(lab) as calls:
        try:
            answer = result_of(says, paper.public, paper.report, paper.signature)
        except Wrong:
            _need_no_call(says, calls.operations)  # it says more than the refusal of that call
            raise
    _need_no_call(says, calls.operations)
    if not _checked_bool(says, answer):
        raise Wrong(no or GENUINE_REFUSED.format(says.__name__, "a genuine report"))


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


def check_not_accepted(lab: View, says: Function, paper: Paper) -> None:
    """An exception is a good answer here too."""
    answer = None
    with suppress(Exception):
        answer = says(paper.public, paper.report, paper.signature)
    if answer:
        raise Wrong(SAYS_YES.format(paper.what, says.__name__))


def _need_no_call(says: Function, operations: list[str]) -> None:
    if operations:
        raise Wrong(KMS_CALLED.format(says.__name__, operations[0]))


def _checked_bool(says: Function, answer: Any) -> bool:
    if isinstance(answer, bool):
        return answer
    raise Wrong(NOT_A_BOOL.format(says.__name__, answer))
