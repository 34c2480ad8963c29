"""Does a refusal reach whoever called the learner's function, and was the key left as it was?

A program that swallows one kind of refusal may let out another, so several are tried.
"""

from collections.abc import Callable, Sequence
from typing import Any

from kmslab.course.exercises.answers import Function, Wrong
from kmslab.course.exercises.other_answers import refusing
from kmslab.course.exercises.recording import RecordedCalls
from kmslab.lab.view import View

# None of these goes away when a program tries again, so one that does so ends.
KINDS = (
    "AccessDeniedException",
    "DisabledException",
    "KMSInvalidStateException",
    "NotFoundException",
)
# These decide whether a key works, when it rotates, and who may use it.
POWERS = (
    "EnableKey",
    "DisableKey",
    "ScheduleKeyDeletion",
    "CancelKeyDeletion",
    "DeleteImportedKeyMaterial",
    "EnableKeyRotation",
    "DisableKeyRotation",
    "PutKeyPolicy",
    "CreateGrant",
    "RevokeGrant",
    "RetireGrant",
    "UpdateAlias",
    "DeleteAlias",
)
REFUSED = (
    "While the KMS refused {} with `{}`, `{}` gave back {} without an error. Let the error come "
    "out."
)
TOO_MUCH = (
    "`{}` called {}. Nobody asked for that: whether a key works, when it rotates and who may use "
    "it, Sora decides."
)


def check_lets_out(
    lab: View,
    operations: Sequence[str],
    function: Function,
    *arguments: Any,
    shown: Callable[[Any], str],
    kinds: Sequence[str] = KINDS,
) -> None:
    """Refuse these operations meanwhile, of which each right program calls at least one."""
    for code in kinds:
        with refusing(lab, code, *operations):
            try:
                found = function(*arguments)
            except Exception:
                continue
        raise Wrong(REFUSED.format(operations[0], code, function.__name__, shown(found)))


def check_powers(function: Function, calls: RecordedCalls) -> None:
    """Raise `Wrong` if the function asked the KMS to change what is not its own to decide."""
    if more := calls.of(*POWERS):
        raise Wrong(TOO_MUCH.format(function.__name__, more[0].operation))
