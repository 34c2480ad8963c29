"""A program that works with data keys, followed: each call it makes, and what stays at home.

What the program is given is real, but for the KMS client of its keys: a listener stands between,
passes every call on and notes the sizes. So a picture shows calls that were made, and no others.
"""

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any, cast

from kmslab.display import PlainError
from kmslab.kms.contract.errors import KMSError
from kmslab.kms.contract.model import MODEL
from kmslab.lab.cmk import CMK
from kmslab.lab.view import View

NAMES = {operation.snake_name: operation.name for operation in MODEL.operations.values()}

MEMBERS = ("Plaintext", "CiphertextBlob")  # what crosses the wall, and in which order it is told

Sizes = Mapping[str, int]  # of those members that a call had


@dataclass(frozen=True, slots=True, kw_only=True)
class Crossing:
    """One call to the KMS. Sizes are in bytes."""

    operation: str
    key: str  # ARN
    name: str  # the key's, for people; "" if it has none
    sent: Sizes
    returned: Sizes
    error: str = ""  # the exception's name; "" if the call went through

    @property
    def total(self) -> int:
        """What crossed the wall, both ways; a call that is refused ends there."""
        return 0 if self.error else sum((*self.sent.values(), *self.returned.values()))


@dataclass(frozen=True, slots=True, kw_only=True)
class Followed:
    """A program, the data it was given and gave back (sizes in bytes), and its calls in order."""

    program: str
    taken: int
    given: int  # 0 if it failed
    calls: tuple[Crossing, ...]
    stayed: bool  # no part of the data was in any call

    @property
    def opens(self) -> bool:
        """It was given a message; a program that seals makes one."""
        return any("CiphertextBlob" in call.sent for call in self.calls)


def follow(program: Callable[..., Any], *arguments: Any, **named: Any) -> Followed:
    """Run `program(*arguments)` and keep the calls that its keys (CMK) made, refused ones too.

    The first argument that is bytes is its data: what it seals, or the message that it opens. No
    key among the arguments, alone or in a list, is a TypeError. Only refusals are kept: any other
    error is a mistake in the program, and is raised.
    Example: `follow(envelope.encrypt, clinic.table, records)`.
    """
    if not any(_keys(argument) for argument in arguments):
        raise TypeError("follow takes a program and a KMS key that it works with, such as records")
    heard = _Heard([], [])
    listened = [_listened(argument, heard) for argument in arguments]
    data = next((each for each in arguments if isinstance(each, bytes)), b"")
    answer: Any = b""
    with suppress(PlainError):  # the call that was refused has been noted
        answer = program(*listened, **named)
    return Followed(
        program=program.__name__,
        taken=len(data),
        given=len(opened := getattr(answer, "plaintext", answer)),
        calls=tuple(heard.calls),
        stayed=not any(each in data or each in opened for each in heard.plaintexts),
    )


@dataclass(frozen=True, slots=True)
class _Heard:
    """Lives as long as the program runs: what it holds are data keys."""

    calls: list[Crossing]
    plaintexts: list[bytes]


class _Listener:
    """A KMS client that passes every call on and notes what crossed the wall."""

    def __init__(self, key: CMK, heard: _Heard) -> None:
        self._key = key
        self._heard = heard

    def __getattr__(self, operation: str) -> Callable[..., Any]:
        method = getattr(self._key.lab.kms, operation)

        def listened(**request: Any) -> Any:
            answer, error = {}, ""
            try:
                answer = method(**request)
            except KMSError as refusal:
                error = type(refusal).__name__
                raise
            finally:
                call = Crossing(
                    operation=NAMES[operation],
                    key=self._key.arn,
                    name=self._key.name or "",
                    sent=_sizes(request),
                    returned=_sizes(answer),
                    error=error,
                )
                self._heard.calls.append(call)
                both = (request.get("Plaintext", b""), answer.get("Plaintext", b""))
                self._heard.plaintexts.extend(filter(None, both))
            return answer

        return listened


def _keys(argument: Any) -> list[CMK]:
    if isinstance(argument, list | tuple):
        return [key for each in argument for key in _keys(each)]
    return [argument] if isinstance(argument, CMK) else []


def _listened(argument: Any, heard: _Heard) -> Any:
    """The same keys, whose calls are listened to; anything else as it is."""
    if isinstance(argument, list | tuple):
        return [_listened(each, heard) for each in argument]
    if not isinstance(argument, CMK):
        return argument
    about = {"Arn": argument.arn, "KeySpec": argument.spec, "KeyUsage": argument.usage}
    place = SimpleNamespace(kms=_Listener(argument, heard))
    return CMK(cast(View, place), about, argument.name)


def _sizes(members: Mapping[str, Any]) -> Sizes:
    return {name: len(members[name]) for name in MEMBERS if name in members}
