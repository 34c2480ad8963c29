"""A KMS whose answers are exchanged on their way out: does a program use what it was answered?

A program that calls Decrypt and then opens its box with a key of its own does not notice.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from secrets import randbelow
from typing import Any
from unittest.mock import patch

from kmslab.course.exercises.recording import SECRET, RecordedCall
from kmslab.crypto import SecretBytes
from kmslab.kms.contract.callers import Caller
from kmslab.kms.contract.errors import fail
from kmslab.lab.view import View

EVERY_BYTE = slice(None)
# The member of an answer that names the material which opened a blob.
OPENED_WITH = {"Decrypt": "KeyMaterialId", "ReEncrypt": "SourceKeyMaterialId"}


Change = Callable[[str, dict[str, Any]], dict[str, Any]]  # of an operation's answer


@contextmanager
def other_answers(lab: View, part: slice = EVERY_BYTE, *, only: str = "") -> Iterator[None]:
    """Meanwhile each secret that the lab's KMS hands out is another one, of the same length.

    `part`: the bytes that differ; by default each does. `only`: one operation, such as `Decrypt`,
    whose answers alone are exchanged.
    """

    def change(name: str, answer: dict[str, Any]) -> dict[str, Any]:
        if only not in ("", name):
            return answer
        return answer | {name: _another(answer[name], part) for name in SECRET if name in answer}

    with _answering(lab, change):
        yield


@contextmanager
def other_materials(lab: View, exchanged: Mapping[str, str]) -> Iterator[None]:
    """Meanwhile Decrypt and ReEncrypt name another material for the one that opened a blob."""

    def change(name: str, answer: dict[str, Any]) -> dict[str, Any]:
        member = OPENED_WITH.get(name, "")
        used = answer.get(member, "")
        return answer | {member: exchanged[used]} if used in exchanged else answer

    with _answering(lab, change):
        yield


@contextmanager
def repeated_answers(lab: View, calls: Sequence[RecordedCall]) -> Iterator[None]:
    """Meanwhile these calls' operations answer as they did then, whatever they are asked.

    So a program that only compares an answer with what it expects goes on with it.
    """
    answers = {call.operation: call.answer for call in calls if call.answer}
    make_call = lab.service.call

    def call(
        name: str, caller: Caller, request: Mapping[str, Any], request_id: str | None = None
    ) -> dict[str, Any]:
        if name in answers:
            return dict(answers[name])
        return make_call(name, caller, request, request_id)

    with patch.object(lab.service, "call", call):
        yield


@contextmanager
def _answering(lab: View, change: Change) -> Iterator[None]:
    make_call = lab.service.call

    def call(
        name: str, caller: Caller, request: Mapping[str, Any], request_id: str | None = None
    ) -> dict[str, Any]:
        return change(name, make_call(name, caller, request, request_id))

    with patch.object(lab.service, "call", call):
        yield


@contextmanager
def refusing(lab: View, code: str, *only: str) -> Iterator[None]:
    """Meanwhile each call is refused with this error, such as `AccessDeniedException`.

    `only`: the operations that are refused, such as `Decrypt`; by default all.
    """
    make_call = lab.service.call

    def call(
        name: str, caller: Caller, request: Mapping[str, Any], request_id: str | None = None
    ) -> dict[str, Any]:
        if only and name not in only:
            return make_call(name, caller, request, request_id)
        fail(code, f"{name} is refused by the check, to see what the program makes of it.")

    with patch.object(lab.service, "call", call):
        yield


def _another(secret: bytes, part: slice) -> SecretBytes:
    changed = bytearray(secret)
    changed[part] = bytes(byte ^ (1 + randbelow(255)) for byte in changed[part])
    return SecretBytes(changed)
