"""Follows a program that works with data keys: each call to the KMS is recorded with its sizes.

The program gets its real arguments, except that its keys have a recording KMS client, which passes
every call on. So a picture shows the calls that were really made.
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

OPERATION_NAMES = {operation.snake_name: operation.name for operation in MODEL.operations.values()}

MEMBERS = ("Plaintext", "CiphertextBlob")  # members that cross the wall, in the caption's order

Sizes = Mapping[str, int]  # bytes, by member, for those of MEMBERS that the call had


@dataclass(frozen=True, slots=True, kw_only=True)
class KmsCall:
    """One call to the KMS. Sizes are in bytes."""

    operation: str
    key: str  # ARN
    name: str  # the key's alias without `alias/`; "" if it has none
    sent: Sizes
    returned: Sizes
    error: str = ""  # the exception's name; "" if the call went through

    @property
    def total(self) -> int:
        """Bytes that crossed the wall, both ways; a refused call does not cross it."""
        return 0 if self.error else sum((*self.sent.values(), *self.returned.values()))


@dataclass(frozen=True, slots=True, kw_only=True)
class FollowedProgram:
    """A program, the sizes of its data and of its result in bytes, and its calls in order."""

    program: str
    input_size: int
    output_size: int  # 0 if it failed
    calls: tuple[KmsCall, ...]
    data_stayed: bool  # no part of the data was in any call

    @property
    def opens(self) -> bool:
        """True if its input is a message, which it opens; False if it seals data."""
        return any("CiphertextBlob" in call.sent for call in self.calls)

    @property
    def only_prepares(self) -> bool:
        """True if it got a data key and had no data to seal with it."""
        return not self.input_size and not self.opens

    @property
    def had_data_key(self) -> bool:
        """True if a data key came to it in plaintext."""
        return any("Plaintext" in call.returned for call in self.calls)


def follow(program: Callable[..., Any], *arguments: Any, **named: Any) -> FollowedProgram:
    """Run `program(*arguments)` and keep the calls that its keys (CMK) made, refused ones too.

    The first argument that is bytes is the data to seal, or the message to open. TypeError if there
    is no key among the arguments, alone or in a list. A refusal by the KMS is recorded; any other
    error is a mistake in the program and is raised.
    Example: `follow(envelope.encrypt, clinic.table, records)`.
    """
    if not any(_keys(argument) for argument in arguments):
        raise TypeError("follow takes a program and a KMS key that it works with, such as records")
    recording = _Recording([], [])
    recorded = [_with_recording(argument, recording) for argument in arguments]
    data = next((each for each in arguments if isinstance(each, bytes)), b"")
    answer: Any = b""
    with suppress(PlainError):  # the refused call has been recorded
        answer = program(*recorded, **named)
    output = getattr(answer, "plaintext", answer)
    return FollowedProgram(
        program=program.__name__,
        input_size=len(data),
        output_size=len(output),
        calls=tuple(recording.calls),
        data_stayed=not any(each in data or each in output for each in recording.plaintexts),
    )


@dataclass(frozen=True, slots=True)
class _Recording:
    """Kept only while the program runs, because `plaintexts` holds its data keys."""

    calls: list[KmsCall]
    plaintexts: list[bytes]


class _RecordingClient:
    """A KMS client that passes every call on and records what crossed the wall."""

    def __init__(self, key: CMK, recording: _Recording) -> None:
        self._key = key
        self._recording = recording

    def __getattr__(self, operation: str) -> Callable[..., Any]:
        method = getattr(self._key.lab.kms, operation)

        def recorded_call(**request: Any) -> Any:
            answer, error = {}, ""
            try:
                answer = method(**request)
            except KMSError as refusal:
                error = type(refusal).__name__
                raise
            finally:
                call = KmsCall(
                    operation=OPERATION_NAMES[operation],
                    key=self._key.arn,
                    name=self._key.name or "",
                    sent=_sizes(request),
                    returned=_sizes(answer),
                    error=error,
                )
                self._recording.calls.append(call)
                plaintexts = (request.get("Plaintext", b""), answer.get("Plaintext", b""))
                self._recording.plaintexts.extend(filter(None, plaintexts))
            return answer

        return recorded_call


def _keys(argument: Any) -> list[CMK]:
    if isinstance(argument, list | tuple):
        return [key for each in argument for key in _keys(each)]
    return [argument] if isinstance(argument, CMK) else []


def _with_recording(argument: Any, recording: _Recording) -> Any:
    """A key with a recording client in place of its own; anything else unchanged."""
    if isinstance(argument, list | tuple):
        return [_with_recording(each, recording) for each in argument]
    if not isinstance(argument, CMK):
        return argument
    metadata = {"Arn": argument.arn, "KeySpec": argument.spec, "KeyUsage": argument.usage}
    lab = SimpleNamespace(kms=_RecordingClient(argument, recording))
    return CMK(cast(View, lab), metadata, argument.name)


def _sizes(members: Mapping[str, Any]) -> Sizes:
    return {name: len(members[name]) for name in MEMBERS if name in members}
