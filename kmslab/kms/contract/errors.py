"""The errors of KMS: one class for each exception, named as AWS names it, carrying AWS's text.

The classes are made from the contract. Programs import them from `kmslab.errors`; operations raise
them by name, with `fail`.
"""

import traceback
from collections.abc import Callable
from pathlib import PurePath
from typing import Any, ClassVar, NoReturn

from kmslab.display import PlainError
from kmslab.kms.contract.source import KMS

# Errors of every AWS service, which KMS's model lists for no operation.
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
NO_TEXT = "(AWS sends no text with this error)"


class KMSError(PlainError):
    """An error as KMS answers it. `str(error)` is AWS's text, which may be empty.

    `error.code` and `error.response["Error"]["Code"]` hold the name, as in boto3.
    """

    code: ClassVar[str] = "KMSError"
    status: ClassVar[int] = 400  # the HTTP status

    def __init__(self, message: str = "") -> None:
        super().__init__(message)
        self.request_id = ""
        self.explanation: Callable[[], object] | None = None

    def explain(self) -> object:
        """Why the request was refused and what would change that; shows itself as a table.

        It explains AccessDeniedException, a ciphertext that did not open, and the refusal of a key
        policy that would lock out its author; in the lab's own process only. AWS has no such
        explanation. Raises ValueError for any other error.
        """
        if self.explanation is None:
            raise ValueError(
                f"no policy decided this {self.code}, and no ciphertext: the lab knows no more "
                f"about it than its text says: {self.message or NO_TEXT}"
            )
        return self.explanation()

    def __reduce__(self) -> tuple[Any, ...]:
        """Without the explanation: it belongs to the lab of this process."""
        state = {name: value for name, value in vars(self).items() if name != "explanation"}
        return type(self), self.args, state

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

    def _paragraphs(self) -> list[str]:
        """AWS's text and what helps a developer: notes, and the cause of an internal error."""
        paragraphs = [f"{self.code}: {self.message or NO_TEXT}", *getattr(self, "__notes__", ())]
        if cause := self.__cause__:
            where = traceback.extract_tb(cause.__traceback__)[-1:]
            # No line number: lessons commit this text, and a line moves with each edit above it.
            place = "".join(f" ({PurePath(f.filename).name}, in {f.name})" for f in where)
            paragraphs.append(f"Caused by {type(cause).__name__}: {cause}{place}")
        return paragraphs


def _class(name: str) -> type[KMSError]:
    # The public module: that is where pickle, and a reader, look for the class.
    status = 500 if name in KMS["faults"] else 400
    return type(name, (KMSError,), {"__module__": "kmslab.errors", "code": name, "status": status})


EXCEPTIONS: dict[str, type[KMSError]] = {
    name: _class(name) for name in sorted({*KMS["errors"], *COMMON})
}


def fail(code: str, message: str = "") -> NoReturn:
    """Raise the exception that AWS calls `code`."""
    raise EXCEPTIONS[code](message)
