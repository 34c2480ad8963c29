"""What a call came to, in one word, so that many calls can be counted."""

from collections.abc import Callable
from typing import Any

from kmslab.kms.contract.errors import KMSError


def outcome(call: Callable[..., Any], *arguments: Any) -> str:
    """Make the call; the name of the refusal, such as `DisabledException`, or `"ok"`.

    Who refuses is the KMS, or a library, whose one word for it is ValueError.
    """
    try:
        call(*arguments)
    except KMSError as error:
        return error.code
    except ValueError as error:
        return type(error).__name__
    return "ok"


def refusal(call: Callable[..., Any], *arguments: Any) -> KMSError:
    """Make the call, and have its error in hand: to print it, or to ask it to `explain()`.

    Raises ValueError if nothing is refused.
    """
    try:
        call(*arguments)
    except KMSError as error:
        return error
    raise ValueError("that was not refused")
