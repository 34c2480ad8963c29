"""What a call came to, in one word, so that many calls can be counted."""

from collections.abc import Callable
from typing import Any

from kmslab.contract.errors import KMSError


def outcome(call: Callable[..., Any], *arguments: Any) -> str:
    """Make the call; the name of the KMS's refusal, such as `DisabledException`, or `"ok"`."""
    try:
        call(*arguments)
    except KMSError as error:
        return error.code
    return "ok"
