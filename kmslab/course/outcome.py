"""The outcome of a call in one word, so that the outcomes of many calls can be counted."""

from collections.abc import Callable
from typing import Any

from kmslab.kms.contract.errors import KMSError


def outcome(call: Callable[..., Any], *arguments: Any, **named: Any) -> str:
    """Make the call; return `"ok"` or the name of the error, such as `DisabledException`.

    The errors are those of the KMS, those of boto3 and ValueError, with which a library refuses.
    Any other error is raised.
    """
    try:
        call(*arguments, **named)
    except KMSError as error:
        return error.code
    except ValueError as error:
        return type(error).__name__
    except Exception as error:
        if not type(error).__module__.startswith("botocore."):
            raise
        response = getattr(error, "response", None)
        return str(response["Error"]["Code"]) if response else type(error).__name__
    return "ok"


def refusal(call: Callable[..., Any], *arguments: Any) -> KMSError:
    """Make the call and return the KMS's error, to print it or to call its `explain()`.

    Raises ValueError if the KMS did not refuse.
    """
    try:
        call(*arguments)
    except KMSError as error:
        return error
    raise ValueError("that was not refused")
