"""The contract's 56 operations: each validates, decodes, encodes and redacts its values.

Start with `MODEL.operations["Encrypt"]`. An operation's functions are compiled when they are first
used.
"""

import re
from collections.abc import Mapping
from functools import cached_property
from typing import Any

from kmslab.kms.contract.codec import (
    ACCEPT,
    DECODE,
    ENCODE,
    REDACT,
    Conversion,
    Convert,
    TypeMismatch,
    converter,
)
from kmslab.kms.contract.errors import EXCEPTIONS, KMSError, fail
from kmslab.kms.contract.shapes import Shape, shape
from kmslab.kms.contract.source import KMS
from kmslab.kms.contract.validation import Validator, message, validator


class _Typed(dict[str, Any]):
    """A request that `decode` made: a new dict whose values have the right types."""


class Operation:
    """One operation. Requests and answers are plain dicts in AWS's form, with Python's types:
    `bytes` for a blob, `datetime` for a timestamp."""

    def __init__(self, name: str, entry: Mapping[str, Any]) -> None:
        self.name = name
        self.snake_name = snake(name)
        self.input: Shape | None = shape(entry["input"]) if "input" in entry else None
        self.output: Shape | None = shape(entry["output"]) if "output" in entry else None
        self.errors: tuple[str, ...] = tuple(entry["errors"])

    def check(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """A validated copy of the request, without None and unknown members.

        A request from `decode` is returned itself. A blob may also be a `bytearray`, `memoryview`
        or `str` (UTF-8).
        Raises ValidationException, which names every violation, or SerializationException for a
        value of the wrong type.
        """
        try:
            accepted: dict[str, Any] = (
                request if isinstance(request, _Typed) else self._accept(request)
            )
        except TypeMismatch as mismatch:
            raise _serialization(mismatch) from None
        if self._validate is not None:
            found: list[str] = []
            self._validate(accepted, "", found)
            if found:
                fail("ValidationException", message(found))
        return accepted

    def decode(self, body: Any) -> dict[str, Any]:
        """A request from parsed JSON. Only types are checked here: `check` does the rest.

        Raises SerializationException.
        """
        try:
            return _Typed(self._decode(body))
        except TypeMismatch as mismatch:
            raise _serialization(mismatch) from None

    def encode(self, answer: Mapping[str, Any]) -> dict[str, Any]:
        """The answer for JSON: blobs in base64, timestamps in seconds since 1970.

        Raises TypeError for an answer of the wrong shape, which is our bug, not the caller's.
        """
        encoded: dict[str, Any] = self._encode(answer)
        return encoded

    def redact(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """The request as an event may keep it: CloudTrail's names, and no secret at any depth.

        Returns {} for a request with values of wrong types.
        """
        try:
            redacted: dict[str, Any] = self._redact(request)
        except TypeMismatch:
            return {}
        return redacted

    def redact_answer(self, answer: Mapping[str, Any]) -> dict[str, Any]:
        """The answer as an event may keep it; like `redact`."""
        redacted: dict[str, Any] = self._redact_answer(answer)
        return redacted

    def __repr__(self) -> str:
        return f"<Operation {self.name}>"

    @cached_property
    def _accept(self) -> Convert:
        return _converter(self.input, ACCEPT)

    @cached_property
    def _validate(self) -> Validator | None:
        return validator(self.input) if self.input else None

    @cached_property
    def _decode(self) -> Convert:
        return _converter(self.input, DECODE)

    @cached_property
    def _encode(self) -> Convert:
        return _converter(self.output, ENCODE)

    @cached_property
    def _redact(self) -> Convert:
        return _converter(self.input, REDACT)

    @cached_property
    def _redact_answer(self) -> Convert:
        return _converter(self.output, REDACT)


class Model:
    @cached_property
    def operations(self) -> dict[str, Operation]:
        return {name: Operation(name, entry) for name, entry in KMS["operations"].items()}


MODEL = Model()


def snake(name: str) -> str:
    """An operation's name as a Python method: `ReEncrypt` → `re_encrypt`."""
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()


def _converter(shape: Shape | None, conversion: Conversion) -> Convert:
    return converter(shape, conversion) if shape else lambda value: {}


def _serialization(mismatch: TypeMismatch) -> KMSError:
    error = EXCEPTIONS["SerializationException"](str(mismatch))
    if mismatch.path:
        error.add_note(f"The member is {'.'.join(mismatch.path)}.")
    return error
