"""Watches one call: the bytes that it sent and received, its key and its error, for a picture.

A picture takes a call that was really made, not a position in the trail, so a cell that runs twice,
or after others, shows the same call.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from kmslab.figures.sizes import size
from kmslab.kms.arn import resource_of
from kmslab.kms.contract.errors import KMSError
from kmslab.lab.view import View


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchedCall:
    """A call as it happened. Sizes are in bytes."""

    operation: str  # the event's name; the program's own name if it did not call the KMS
    caller: str  # such as "user/jiho"
    sent: int
    returned: int = 0
    key: str = ""  # ARN
    error: str = ""  # the exception's name; "" if the call went through
    message: str = ""
    crossed: bool = True  # False: no call reached the KMS
    files: Mapping[str, int] = field(default_factory=dict)  # sizes of the program's other inputs
    note: str = ""  # shown beside the operation
    public: int = 0  # size of the public key that a program outside used

    @property
    def refused(self) -> bool:
        return bool(self.error)

    def noted(self, note: str) -> "WatchedCall":
        """The same call with a few words beside the operation, such as "one bit flipped"."""
        return replace(self, note=note)


def watch(program: Callable[..., Any], *arguments: Any, **named: Any) -> WatchedCall:
    """Make the call `program(*arguments)` and keep what crossed the wall, even if it was refused.

    `program` is a method of a lab, a view, a key (CMK) or a stolen laptop; anything else is a
    TypeError. Its first argument of bytes is what it sends; a laptop sends its first file. A
    refusal by the KMS is kept; any other error is a mistake in the program and is raised.
    """
    owner: Any = getattr(program, "__self__", None)
    lab = getattr(owner, "lab", owner)
    if not isinstance(lab, View):
        raise TypeError("watch takes a method of a lab, a key or a laptop, such as key.encrypt")
    files = {name: len(content) for name, content in getattr(owner, "files", {}).items()}
    sizes = [
        size(value)
        for value in (*arguments, *named.values())
        if isinstance(value, bytes | bytearray)
    ]
    before = len(lab.trail)
    answer, error = _call(program, arguments, named)
    events = list(lab.trail)[before:]
    event = events[-1] if events else {}
    return WatchedCall(
        operation=event.get("eventName", program.__name__),
        caller=_caller(event),
        sent=(sizes or list(files.values()) or [0])[0],
        returned=size(answer) if isinstance(answer, bytes) else 0,
        key=next((resource["ARN"] for resource in event.get("resources", [])), ""),
        error=type(error).__name__ if error else "",
        message=str(error) if error else "",
        crossed=bool(events),
        files=files,
    )


def _call(
    program: Callable[..., Any], arguments: tuple[Any, ...], named: Mapping[str, Any]
) -> tuple[Any, KMSError | None]:
    try:
        return program(*arguments, **named), None
    except KMSError as error:
        return None, error


def _caller(event: Mapping[str, Any]) -> str:
    return resource_of(str(event.get("userIdentity", {}).get("arn", "")))
