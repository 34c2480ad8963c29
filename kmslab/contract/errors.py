"""The errors of KMS: one class for each exception, named as AWS names it, carrying AWS's text.

The classes are made from the contract. Programs import them from `kmslab.errors`; operations raise
them by name, with `fail`.
"""

import textwrap
import traceback
from pathlib import PurePath
from typing import Any, ClassVar, NoReturn

from kmslab.contract.source import KMS

# Errors that any AWS service may answer, so that KMS's model lists them for no operation.
COMMON = (
    "AccessDeniedException",
    "ExpiredTokenException",
    "IncompleteSignatureException",
    "InvalidSignatureException",
    "MissingAuthenticationTokenException",
    "NotAuthorizedException",
    "SerializationException",
    "ThrottlingException",
    "UnknownOperationException",
    "UnrecognizedClientException",
    "ValidationException",
)
SILENT = "(AWS sends no text with this error)"
WIDTH = 85  # columns; what a notebook's output shows on a projector


class KMSError(Exception):
    """An error as KMS answers it. `str(error)` is AWS's text alone, which may be empty.

    `error.code` and `error.response["Error"]["Code"]` hold the name, as in boto3.
    """

    code: ClassVar[str] = "KMSError"
    status: ClassVar[int] = 400  # the HTTP status

    def __init__(self, message: str = "") -> None:
        super().__init__(message)
        self.request_id = ""

    @property
    def message(self) -> str:
        return str(self)

    @property
    def response(self) -> dict[str, Any]:
        """The shape of `botocore.exceptions.ClientError.response`."""
        metadata: dict[str, Any] = {"HTTPStatusCode": self.status}
        if self.request_id:
            metadata["RequestId"] = self.request_id
        return {
            "Error": {"Code": self.code, "Message": self.message},
            "ResponseMetadata": metadata,
        }

    def _render_traceback_(self) -> list[str]:
        """What a notebook shows in place of a traceback: no paths, no line numbers, no colour."""
        lines = _wrap(f"{self.code}: {self.message or SILENT}")
        lines[0] = lines[0].replace(self.code, f"\x1b[1m{self.code}\x1b[0m", 1)
        return lines + [line for note in _notes(self) for line in _wrap(note)]


def _notes(error: KMSError) -> list[str]:
    """What a developer is told beside AWS's text: notes, and the bug behind an internal error."""
    notes = list(getattr(error, "__notes__", ()))
    cause = error.__cause__
    if cause is not None:
        where = traceback.extract_tb(cause.__traceback__)[-1:]
        place = "".join(f" ({PurePath(frame.filename).name}:{frame.lineno})" for frame in where)
        notes.append(f"Caused by {type(cause).__name__}: {cause}{place}")
    return notes


def _wrap(text: str) -> list[str]:
    return textwrap.wrap(text, WIDTH, break_long_words=False, break_on_hyphens=False)


def _class(name: str) -> type[KMSError]:
    # The module is the public one: that is where a pickle or a reader looks for the class.
    status = 500 if name in KMS["faults"] else 400
    return type(name, (KMSError,), {"__module__": "kmslab.errors", "code": name, "status": status})


EXCEPTIONS: dict[str, type[KMSError]] = {
    name: _class(name) for name in sorted({*KMS["errors"], *COMMON})
}


def fail(code: str, message: str = "") -> NoReturn:
    """Raise the exception that AWS calls `code`."""
    raise EXCEPTIONS[code](message)
